"""Tokens from the terminal: made, listed, used, taken away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.control.house import House

if TYPE_CHECKING:
    from tests.cli.conftest import Terminal


async def answer(house: House, text: str, path: str = "/api/v1/status", method: str = "GET") -> int:
    async with house.client.request(method, path, headers={"Authorization": f"Bearer {text}"}) as response:
        return response.status


async def test_a_token_is_made_used_and_taken_away(house: House, terminal: Terminal) -> None:
    printed = await terminal("token", "create", "reports", "--expires", "90d")
    notice, text = printed.splitlines()
    assert text.startswith("olhubd_")
    assert "read" in notice
    assert "shown only now" in notice
    assert await answer(house, text) == 200
    assert await answer(house, text, "/api/v1/reload", "POST") == 403
    (told,) = (await terminal.json("token", "list"))["items"]
    assert (told["name"], told["scope"], told["expired"]) == ("reports", "read", False)
    assert told["used_at"] is not None
    assert text not in await terminal("token", "list")
    assert "opens nothing" in await terminal("token", "revoke", "reports")
    assert await answer(house, text) == 401
    assert "No tokens" in await terminal("token", "list")


async def test_a_token_ends_at_its_time(house: House, terminal: Terminal) -> None:
    text = (await terminal.json("token", "create", "short", "--scope", "admin", "--expires", "1h"))["text"]
    forever = (await terminal.json("token", "create", "long", "--expires", "never"))["text"]
    assert await answer(house, text, "/api/v1/tokens") == 200
    house.clock.ahead = timedelta(days=4000)
    assert await answer(house, text) == 401
    assert await answer(house, forever) == 200
    assert "expired" in await terminal("token", "list")


async def test_no_token_is_kept_as_it_is(house: House, terminal: Terminal) -> None:
    text = (await terminal.json("token", "create", "secret"))["text"]
    kept = b"".join(path.read_bytes() for path in (house.folder / "data").glob("hub.sqlite*"))
    assert b"secret" in kept
    assert text.encode() not in kept
    assert text.removeprefix("olhubd_").encode() not in kept


async def test_a_name_is_given_once(house: House, terminal: Terminal) -> None:
    first = (await terminal.json("token", "create", "till"))["text"]
    assert "already" in await terminal("token", "create", "till", code=1)
    assert await answer(house, first) == 200, "and the first stays good"
    assert "no token" in await terminal("token", "revoke", "tilll", code=6)


@pytest.mark.parametrize("span", ["5", "1 s", "soon", "-1 d", "11 years", "nan d", "inf d"])
async def test_an_impossible_expiry_is_refused(terminal: Terminal, span: str) -> None:
    assert "--expires" in await terminal("token", "create", "x", "--expires", span, code=2)


async def test_a_name_that_is_none_is_told_in_words(house: House, terminal: Terminal) -> None:
    told = await terminal("token", "create", "two words", code=2)
    assert "name: must be 1 to 64 characters of a-z" in told
    assert "regex" not in told
