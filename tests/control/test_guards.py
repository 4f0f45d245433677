"""Every route refuses whom it must: a table over all of them, which fails when a new one is missing from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession, web

from olhubd.control import dashboard
from olhubd.control.http import login_throttle
from olhubd.control.http.server import ROUTES, application
from olhubd.model import Scope
from olhubd.plugin import hookimpl
from tests.control.dashboard.browser import Browser, forms
from tests.control.house import House, decoded
from tests.control.table import ADMIN, API, BUTTONS, DOOR, LOGOUT, OPEN, OPERATE, PAGES, PLUGIN, STREAM, path

NARROWER = {Scope.OPERATE: Scope.READ, Scope.ADMIN: Scope.OPERATE}
GUARDED = {**API, **PLUGIN}
WRITES = sorted({key for key in (*GUARDED, *DOOR, *BUTTONS, LOGOUT) if key[0] != "GET"})


class Extra:
    """A plugin with routes of its own, which know nothing of tokens."""

    @hookimpl
    def olhubd_register_routes(self, app: web.Application) -> None:
        async def answer(_request: web.Request) -> web.Response:
            return web.json_response({"told": True})

        for method, pattern in PLUGIN:
            app.router.add_route(method, pattern, answer)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables try hundreds of wrong tokens; that they are counted has a test of its own."""
    monkeypatch.setattr(login_throttle.LoginThrottle, "failed", lambda *_: None)


@pytest.fixture
async def house(house: House) -> AsyncIterator[House]:
    """With a plugin's routes beside ours, at an endpoint made anew: one that runs takes no more routes."""
    manager = house.hub.configuration.plugins.manager
    plugin = Extra()
    manager.register(plugin)
    async with house.reopened():
        yield house
    manager.unregister(plugin)


async def test_the_table_has_every_route(house: House) -> None:
    """A route that nobody thought of as guarded is a hole."""
    app = application(house.hub, "token", steer=None)  # type: ignore[arg-type]
    served = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    assert served == OPEN | DOOR | PAGES | STREAM | {LOGOUT} | GUARDED.keys() | BUTTONS.keys()
    assert {(route.method, route.path): route.scope for route in ROUTES} == {**dict.fromkeys(OPEN), **API}
    assert {(r.method, r.path) for r in dashboard.ROUTES} == DOOR | PAGES | STREAM | {LOGOUT} | BUTTONS.keys()


def test_whatever_changes_something_needs_more_than_reading() -> None:
    assert [key for key, scope in {**GUARDED, **BUTTONS}.items() if key[0] != "GET" and scope is Scope.READ] == []


async def refused(client: ClientSession, headers: dict[str, str], shown: str) -> None:
    """What every guarded route answers to a token that is none."""
    for method, pattern in sorted(GUARDED):
        async with client.request(method, path(pattern), headers=headers) as response:
            problem = await decoded(response)
            assert response.status == 401, (method, pattern)
            assert response.content_type == "application/problem+json"
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert problem["type"] == "urn:olhubd:problem:token"
            assert not shown or shown not in str(problem)
    async with client.get("/api/v1/no-such-thing", headers=headers) as response:
        assert response.status == 401, "what exists is nobody's business either"


@pytest.mark.parametrize(
    "shown", [None, "Bearer ", "Bearer wrong", "Basic dG9rZW4=", "wrong", "Bearer \N{SNOWMAN}"]
)
async def test_no_token_no_answer(house: House, shown: str | None) -> None:
    house.client.headers.pop("Authorization")
    await refused(house.client, {} if shown is None else {"Authorization": shown}, house.token)


@pytest.mark.parametrize("scope", list(Scope))
async def test_an_expired_token_opens_nothing(house: House, scope: Scope) -> None:
    text = await house.make_token("old", scope, lifetime=timedelta(hours=1))
    house.client.headers["Authorization"] = f"Bearer {text}"
    async with house.client.get("/api/v1/status") as response:
        assert response.status == 200, "it was good until then"
    house.clock.ahead = timedelta(hours=1)
    await refused(house.client, {}, text)


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_revoked_token_opens_nothing(house: House, scope: Scope) -> None:
    text = await house.make_token("gone", scope)
    status, _ = await house.ask("POST", "/tokens/gone/revoke")
    assert status == 200
    house.client.headers["Authorization"] = f"Bearer {text}"
    await refused(house.client, {}, text)


async def test_a_token_opens_no_more_than_its_scope(house: House) -> None:
    """Each route is asked with a token that is just too narrow for it, and nothing of it is done."""
    texts = {scope: await house.make_token(scope.value, scope) for scope in Scope}
    before = await house.events()
    for (method, pattern), needed in sorted(GUARDED.items()):
        if needed not in NARROWER:
            continue
        shown = {"Authorization": f"Bearer {texts[NARROWER[needed]]}"}
        async with house.client.request(method, path(pattern), headers=shown) as response:
            problem = await decoded(response)
            assert response.status == 403, (method, pattern)
            assert problem["type"] == "urn:olhubd:problem:scope"
            assert needed.value in problem["detail"]
            assert f'scope="{needed.value}"' in response.headers["WWW-Authenticate"]
    assert await house.done_since(before) == []


async def test_a_token_opens_all_that_its_scope_allows(house: House) -> None:
    """The right scope comes past the door: what is refused then is what is asked."""
    texts = {scope: await house.make_token(scope.value, scope) for scope in Scope}
    for (method, pattern), needed in sorted(GUARDED.items()):
        shown = {"Authorization": f"Bearer {texts[needed]}"}
        async with house.client.request(method, path(pattern), headers=shown, json={"no": 1}) as response:
            assert response.status not in (401, 403), (method, pattern)


async def test_health_needs_no_token(house: House) -> None:
    house.client.headers.pop("Authorization")
    for method, pattern in OPEN:
        async with house.client.request(method, pattern) as response:
            assert response.status == 200


@pytest.mark.parametrize("shown", [{}, {"Cookie": "olhubd=1"}, {"Authorization": "Bearer right"}], ids=str)
async def test_a_page_is_for_those_who_logged_in(house: House, shown: dict[str, str]) -> None:
    """The token in a header opens the API alone, and the socket no page: a proxy could lend it to anybody."""
    house.client.headers.pop("Authorization")
    headers = {name: value.replace("right", house.token) for name, value in shown.items()}
    async with house.over_socket() as socket:
        for client in (house.client, socket):
            for method, pattern in sorted(PAGES | BUTTONS.keys() | {LOGOUT}):
                async with client.request(
                    method, path(pattern), headers=headers, allow_redirects=False
                ) as response:
                    assert response.status == 303, (method, pattern)
                    assert response.headers["Location"].startswith("/login"), (method, pattern)
                    assert await response.read() == b""
            async with client.get("/events/stream", headers=headers) as response:
                assert response.status == 401
    assert "paused" not in {unit.row.state.value for unit in house.hub.units.values()}


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_a_session_ends_with_its_token(house: House, end: str) -> None:
    async with Browser(house) as browser:
        await browser.enter(token=await house.make_token("desk", Scope.ADMIN, lifetime=timedelta(hours=1)))
        form = forms(await browser.page("/"))[0].fields
        if end == "revoked":
            assert (await house.ask("POST", "/tokens/desk/revoke"))[0] == 200
        else:
            house.clock.ahead = timedelta(hours=1)
        for method, pattern in sorted(PAGES | BUTTONS.keys() | {LOGOUT}):
            get = browser.get(path(pattern)) if method == "GET" else browser.post(path(pattern), form)
            answer = await get
            assert answer.status == 303, (method, pattern)
            assert answer.headers["Location"].startswith("/login")
        assert (await browser.get("/events/stream")).status == 401


async def test_a_session_may_do_what_its_token_may(house: House) -> None:
    """The server refuses a button that the scope does not allow, whatever the page showed."""
    async with Browser(house) as browser:
        await browser.enter(token=await house.make_token("eyes", Scope.READ))
        form = forms(await browser.page("/"))[0].fields
        before = await house.events()
        for method, pattern in sorted(BUTTONS):
            answer = await browser.post(path(pattern), form)
            assert answer.status == 403, (method, pattern)
            assert "scope" in answer.text
        assert await house.done_since(before) == []
        for method, pattern in sorted(PAGES - ADMIN - OPERATE):
            assert (await browser.get(path(pattern))).status in (200, 303, 404, 409), (method, pattern)
        for _method, pattern in sorted(ADMIN | OPERATE):
            assert (await browser.get(path(pattern))).status == 403, pattern
        assert (await browser.post("/logout", form)).status == 303


async def test_an_admin_button_needs_an_admin(house: House) -> None:
    async with Browser(house) as browser:
        await browser.enter(token=await house.make_token("hands", Scope.OPERATE))
        form = forms(await browser.page("/"))[0].fields
        for (_method, pattern), needed in sorted(BUTTONS.items()):
            status = (await browser.post(path(pattern), form)).status
            assert (status == 403) is (needed is Scope.ADMIN), pattern


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
async def test_no_write_from_another_site(house: House, headers: dict[str, str]) -> None:
    for method, pattern in WRITES:
        async with house.client.request(method, path(pattern), headers=headers) as response:
            assert response.status == 403, (method, pattern)
            assert (await decoded(response))["type"] == "urn:olhubd:problem:cross-site"


async def test_a_write_from_our_own_page_is_one(house: House) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": house.base}
    async with house.client.post("/api/v1/log-level", json={"level": "debug"}, headers=headers) as response:
        assert response.status == 200
    assert house.levels == ["debug"]


async def test_every_answer_is_hardened(house: House) -> None:
    for target in ("/healthz", "/api/v1/status", "/api/v1/no-such-thing", "/metrics", "/extra"):
        async with house.client.get(target) as response:
            headers = response.headers
            assert headers["Cache-Control"] == "no-store", target
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["Server"] == "olhubd"
