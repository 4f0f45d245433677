"""By which names the endpoint may be called, and that a stranger's name which leads here opens nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.control.http import server
from olhubd.control.http.host_names import called_right
from olhubd.model import Scope
from tests.control.dashboard.browser import Browser
from tests.control.house import House, decoded

OURS = (
    "localhost",
    "localhost:8742",
    "LocalHost.",
    "127.0.0.1:9",
    "127.8.9.1",
    "[::1]",
    "[::1]:8742",
    "hub.example:80",
)
FOREIGN = (
    "evil.example",
    "evil.example:8742",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example:127.0.0.1",
    "[::1].evil.example",
    "localhost:8742:evil.example",
    "hub.example.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "",
    "\x80",
)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.3.2.1", "::ffff:127.0.0.1"])
def test_on_loopback_a_name_is_ours_or_wrong(address: str) -> None:
    for name in OURS:
        assert called_right(name, address, ("hub.example",)), name
    for name in FOREIGN:
        assert not called_right(name, address, ("hub.example",)), name
    assert not called_right("hub.example", address, ())


def test_beyond_loopback_any_name_will_do_until_some_are_told() -> None:
    """How people call a machine in their network is theirs to know."""
    for name in (*OURS, "anything", "10.0.0.1"):
        assert called_right(name, "10.0.0.1", ()), name
    assert called_right("hub.example", "10.0.0.1", ("hub.example",))
    assert called_right("10.0.0.1:8742", "10.0.0.1", ("hub.example",)), "no name of a stranger is a number"
    assert not called_right("evil.example", "10.0.0.1", ("hub.example",))


@given(st.text(alphabet="abl.ocht127:[]@%0-", max_size=24))
def test_no_text_is_taken_for_ours_that_a_browser_reads_otherwise(text: str) -> None:
    """What passes is, letter by letter, one of the few that there are."""
    if called_right(text, "127.0.0.1", ()):
        bare = text.rpartition(":")[0] if text.rpartition(":")[2].isdecimal() and "]" not in text else text
        bare = bare.partition("]")[0].removeprefix("[").removesuffix(".")
        assert bare == "localhost" or bare.startswith("127.") or bare.strip("0:") == "1"


@pytest.mark.parametrize(
    "path", ["/healthz", "/metrics", "/api/v1/status", "/", "/login", "/static/style.css", "/nothing"]
)
async def test_a_name_that_a_stranger_leads_here_opens_nothing(house: House, path: str) -> None:
    """With the right token, too: a page that was led here would ask in the name of whoever looks at it."""
    async with house.client.get(path, headers={"Host": "evil.example:8742"}, allow_redirects=False) as response:
        assert response.status == 421
        assert "control.hosts" in (await decoded(response))["detail"]
    async with house.client.get(path, headers={"Host": "localhost:1"}, allow_redirects=False) as response:
        assert response.status != 421


async def test_a_login_from_a_page_that_was_led_here_is_none(house: House) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    async with Browser(house) as browser:
        answer = await browser.post("/login", {"token": house.token}, **headers)
    assert answer.status == 421
    assert "Set-Cookie" not in answer.headers


async def test_the_name_of_a_proxy_is_configured_and_taken_by_a_reload(house: House) -> None:
    headers = {"Host": "hub.example"}
    async with house.client.get("/api/v1/status", headers=headers) as response:
        assert response.status == 421
    text = house.path.read_text()
    house.path.write_text(text.replace("[control]\n", '[control]\nhosts = ["Hub.Example"]\n'))
    assert (await house.ask("POST", "/reload"))[0] == 200
    async with house.client.get("/api/v1/status", headers=headers) as response:
        assert response.status == 200


async def test_nobody_is_led_to_a_unix_socket(house: House) -> None:
    async with house.over_socket() as local, local.get("/readyz", headers={"Host": "whatever"}) as response:
        assert response.status == 200


def shown(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_the_right_token_opens_whatever_strangers_do(house: House) -> None:
    """Behind a proxy all come from one address: wrong tokens are told to wait, and no right one ever is."""
    fresh = await house.make_token("never-shown", Scope.READ)
    for _ in range(server._MOST_WRONG):
        async with house.client.get("/api/v1/status", headers=shown("wrong")) as response:
            assert response.status == 401
    async with house.client.get("/api/v1/status", headers=shown("wrong")) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
    for token in (fresh, house.token):
        async with house.client.get("/api/v1/status", headers=shown(token)) as response:
            assert response.status == 200
