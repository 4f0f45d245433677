"""The door: who gets a session, what it can do, how it ends, and what no other site can make a browser do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from olhubd.control.dashboard.session import LIFETIME, Sessions
from olhubd.control.http.api_tokens import ApiTokens
from olhubd.control.http.login_throttle import LoginThrottle
from olhubd.model import Scope
from tests.control.dashboard.browser import Browser
from tests.control.house import House


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


async def test_the_login_page_tells_a_stranger_nothing_of_the_machine(stranger: Browser) -> None:
    """How a token is made, for whoever has a shell there; and no folder, account or token."""
    text = await stranger.page("/login")
    assert "olhubd token create" in text
    house = stranger.house
    for told in (str(house.folder), house.folder.name, "data/", "control.token", house.token, *house.hub.units):
        assert told not in text, told


async def test_the_right_token_opens(stranger: Browser) -> None:
    answer = await stranger.post("/login", {"token": f" {stranger.house.token}\n", "next": "/orders?stage=placed"})
    assert (answer.status, answer.headers["Location"]) == (303, "/orders?stage=placed")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert f"Max-Age={12 * 3600}" in cookie
    assert "Secure" not in cookie, "over plain HTTP the browser would drop it"
    assert stranger.house.token not in cookie
    assert (await stranger.get("/orders")).status == 200
    assert (await stranger.get("/login")).status == 303, "who is in needs no door"


async def test_a_forwarded_scheme_is_not_believed(stranger: Browser) -> None:
    fields = {"token": stranger.house.token}
    answer = await stranger.post("/login", fields, **{"X-Forwarded-Proto": "https"})
    assert "Secure" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/a\r\nX: y"])
async def test_a_login_leads_to_our_own_pages_alone(stranger: Browser, back: str) -> None:
    answer = await stranger.post("/login", {"token": stranger.house.token, "next": back})
    assert answer.headers["Location"] == "/"


async def test_too_many_wrong_tokens_have_to_wait_and_the_right_one_opens(stranger: Browser) -> None:
    """Whoever guesses may sit at the same address: behind a proxy everybody does."""
    for _ in range(5):
        answer = await stranger.post("/login", {"token": "wrong"})
        assert answer.status == 401
        assert "This is not the token." in answer.text
    answer = await stranger.post("/login", {"token": "wrong"})
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "Try again in" in answer.text
    assert "Set-Cookie" not in answer.headers
    made = await stranger.house.make_token("desk", Scope.READ)
    for token in (made, stranger.house.token):
        assert (await stranger.post("/login", {"token": token})).status == 303


def test_the_door_opens_again_and_others_never_wait() -> None:
    clock = Clock()
    attempts = LoginThrottle(clock)
    for _ in range(5):
        attempts.failed("2001:db8::1")
    assert attempts.wait("2001:db8::ffff") == 60, "who has one such address has them all"
    assert attempts.wait("2001:db8:1::1") == 0
    clock.at += timedelta(seconds=59)
    assert attempts.wait("2001:db8::1") == 1
    clock.at += timedelta(seconds=1)
    assert attempts.wait("2001:db8::1") == 0
    for number in range(5000):
        attempts.failed(f"10.0.{number // 250}.{number % 250}")
    assert len(attempts._wrong) <= 1000


def test_a_session_ends_by_itself_and_with_the_token(house: House) -> None:
    ring = ApiTokens("token", house.hub)
    sessions = Sessions(ring, house.clock)
    holder = ring.shown("token")
    assert holder is not None
    cookie = sessions.begin(holder)
    session = sessions.check(cookie)
    assert session is not None
    assert Sessions(ApiTokens("token", house.hub), house.clock).check(cookie) == session, "a restart ends none"
    another = Sessions(ApiTokens("another", house.hub), house.clock)
    assert another.check(cookie) is None
    assert another.cookie != sessions.cookie
    house.clock.ahead = LIFETIME + timedelta(seconds=1)
    assert sessions.check(cookie) is None


@pytest.mark.parametrize("change", ["expiry", "number", "mark", "signature", "none", "form"])
def test_a_forged_session_is_none(house: House, change: str) -> None:
    ring = ApiTokens("token", house.hub)
    sessions = Sessions(ring, house.clock)
    holder = ring.shown("token")
    assert holder is not None
    expiry, number, mark, signature = sessions.begin(holder).split(".")
    genuine = sessions.check(f"{expiry}.{number}.{mark}.{signature}")
    assert genuine is not None
    forged = {
        "expiry": f"{int(expiry) + 9}.{number}.{mark}.{signature}",
        "number": f"{expiry}.{number[::-1]}.{mark}.{signature}",
        "mark": f"{expiry}.{number}.{mark[::-1]}.{signature}",
        "signature": f"{expiry}.{number}.{mark}.{signature[:-1]}x",
        "none": "",
        "form": f"{expiry}.{number}.{mark}.{genuine.form}",
    }
    assert sessions.check(forged[change]) is None


async def test_a_logout_ends_the_session_wherever_its_cookie_is(browser: Browser) -> None:
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in browser.client.cookie_jar)
    text = await browser.press("/", "/logout")
    assert 'name="token"' in text
    browser.client.cookie_jar.clear()
    assert (await browser.get("/orders", Cookie=cookies)).status == 303


async def test_a_button_needs_the_form_of_this_session(browser: Browser) -> None:
    for fields in ({}, {"form": "wrong"}, {"form": ""}):
        answer = await browser.post("/accounts/stingy/pause", fields)
        assert answer.status == 403
        assert "earlier session" in answer.text
    async with Browser(browser.house) as other:
        await other.enter()
        text = await other.page("/accounts")
        stolen = text.split('name="form" value="')[1].split('"')[0]
    assert (await browser.post("/accounts/stingy/pause", {"form": stolen})).status == 403
    assert browser.house.hub.unit("stingy").row.state.value == "active"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}], ids=str
)
async def test_another_site_presses_no_button(browser: Browser, headers: dict[str, str]) -> None:
    form = (await browser.page("/accounts")).split('name="form" value="')[1].split('"')[0]
    answer = await browser.post("/accounts/stingy/pause", {"form": form}, **headers)
    assert answer.status == 403
    assert browser.house.hub.unit("stingy").row.state.value == "active"


async def test_a_session_is_no_token_for_the_api(browser: Browser) -> None:
    """A page that runs in somebody's browser must not find the whole API open."""
    assert (await browser.get("/api/v1/status")).status == 401


async def test_every_page_is_hardened(browser: Browser) -> None:
    for path in ("/", "/orders", "/waiting", "/runs", "/accounts", "/login", "/orders/0"):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"), (
            path
        )
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin", "with no-referrer a form's Origin is null"
        assert headers["X-Frame-Options"] == "DENY"


async def test_the_socket_alone_opens_no_page(house: House) -> None:
    async with house.over_socket() as client, client.get("/orders", allow_redirects=False) as response:
        assert response.status == 303
    async with house.over_socket() as client:
        async with client.post("/login", data={"token": house.token}, allow_redirects=False) as response:
            assert response.status == 303
            cookie = response.headers["Set-Cookie"].split(";")[0]
        async with client.get("/orders", headers={"Cookie": cookie}) as response:
            assert response.status == 200
