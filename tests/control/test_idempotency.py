"""A write that is asked again with its key is done once; what was read before and is the same is not sent again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from olhubd.engine.monitor.retention import Retention
from olhubd.model import Scope
from olhubd.store.accounts import AccountState
from tests.control.house import House, decoded


async def post(house: House, path: str, body: Any, key: str, token: str | None = None) -> tuple[int, Any, bool]:
    """Status, answer, and whether it is one that was given before."""
    headers = {"Idempotency-Key": key}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with house.client.post(f"/api/v1{path}", json=body, headers=headers) as response:
        return response.status, await decoded(response), "Idempotency-Replayed" in response.headers


async def test_what_is_asked_twice_is_done_once(house: House) -> None:
    first = await post(house, "/log-level", {"level": "debug"}, "a")
    assert first == (200, {"level": "debug"}, False)
    assert await post(house, "/log-level", {"level": "debug"}, "a") == (200, {"level": "debug"}, True)
    assert house.levels == ["debug"]
    assert (await post(house, "/log-level", {"level": "debug"}, "b"))[2] is False
    assert house.levels == ["debug", "debug"]


async def test_a_restart_forgets_nothing(house: House) -> None:
    await post(house, "/log-level", {"level": "debug"}, "a")
    async with house.reopened():
        assert (await post(house, "/log-level", {"level": "debug"}, "a"))[2] is True
    assert house.levels == ["debug"]


async def test_another_body_is_no_repetition(house: House) -> None:
    await post(house, "/log-level", {"level": "debug"}, "a")
    for path, body in (("/log-level", {"level": "info"}), ("/accounts/shop/pause", {})):
        status, problem, _ = await post(house, path, body, "a")
        assert (status, problem["type"]) == (422, "urn:olhubd:problem:key-used")
    assert house.levels == ["debug"]


async def test_the_same_body_at_another_address_is_no_repetition(house: House) -> None:
    """Else it would be answered as done, and nothing would have been done to what was meant."""
    assert (await post(house, "/accounts/shop/pause", {}, "a"))[0] == 200
    status, problem, _ = await post(house, "/accounts/stingy/pause", {}, "a")
    assert (status, problem["type"]) == (422, "urn:olhubd:problem:key-used")
    assert house.hub.unit("stingy").row.state is AccountState.ACTIVE


async def test_a_key_is_its_askers_own(house: House) -> None:
    other = await house.make_token("other", Scope.ADMIN)
    await post(house, "/log-level", {"level": "debug"}, "a")
    assert (await post(house, "/log-level", {"level": "info"}, "a", other))[0] == 200
    assert house.levels == ["debug", "info"]


async def test_a_key_is_good_for_a_day(house: House) -> None:
    await post(house, "/log-level", {"level": "debug"}, "a")
    house.clock.ahead = timedelta(days=1, seconds=1)
    assert (await post(house, "/log-level", {"level": "info"}, "a"))[0] == 200
    assert house.levels == ["debug", "info"]


async def test_an_answer_is_forgotten_after_a_day(house: House) -> None:
    """It may hold an order with its buyer, and another write with a key may never come."""
    waste = Retention(house.database, house.clock, lambda: timedelta(days=14))
    await post(house, "/log-level", {"level": "debug"}, "a")
    house.clock.ahead = timedelta(hours=23)
    await post(house, "/log-level", {"level": "debug"}, "b")
    await waste.clear()
    assert len(await house.database.reader.fetch("SELECT 1 FROM requests")) == 2
    house.clock.ahead = timedelta(days=1, seconds=1)
    await waste.clear()
    assert await house.database.reader.fetch("SELECT key FROM requests") == [("b",)]


async def test_what_was_refused_may_be_tried_again(house: House) -> None:
    status, _, _ = await post(house, "/accounts/off/pause", {}, "a")
    assert status == 409
    assert (await post(house, "/accounts/shop/pause", {}, "a"))[0] == 200


async def test_what_came_too_early_may_be_asked_for_again_with_its_key(house: House) -> None:
    """Nothing was done, and that is known: the same key serves when the time has come."""
    for _ in range(3):
        await house.ask("POST", "/accounts/stingy/fetch")
    assert (await post(house, "/accounts/stingy/fetch", {}, "a"))[0] == 429
    house.clock.ahead = timedelta(hours=1, seconds=1)
    assert (await post(house, "/accounts/stingy/fetch", {}, "a"))[0] in (200, 202)


async def test_a_secret_is_told_once(house: House) -> None:
    status, made, _ = await post(house, "/tokens", {"name": "till"}, "a")
    assert status == 201
    status, problem, _ = await post(house, "/tokens", {"name": "till"}, "a")
    assert (status, problem["type"]) == (409, "urn:olhubd:problem:told-once")
    rows = await house.database.reader.fetch("SELECT * FROM requests")
    assert made["text"] not in str(rows)


@pytest.fixture
def slow(house: House, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Setting the log level waits until it is let go."""
    go = asyncio.Event()
    log_level = house._log_level

    async def wait(name: str) -> None:
        await go.wait()
        await log_level(name)

    monkeypatch.setattr(house, "_log_level", wait)
    return go


async def test_two_at_once_are_one(house: House, slow: asyncio.Event) -> None:
    async with house.reopened():
        first = asyncio.create_task(post(house, "/log-level", {"level": "debug"}, "a"))
        found: list[Any] = []

        async def second() -> bool:
            found[:] = await post(house, "/log-level", {"level": "debug"}, "a")
            return bool(found[0] == 409)

        await asyncio.sleep(0)
        await house.until(lambda: begun(house))
        assert await second()
        assert found[1]["type"] == "urn:olhubd:problem:under-way"
        slow.set()
        assert (await first)[0] == 200
    assert house.levels == ["debug"]


async def begun(house: House) -> bool:
    return bool(await house.database.reader.fetch("SELECT 1 FROM requests"))


async def test_what_was_cut_off_is_not_done_again(house: House) -> None:
    """The daemon ended between the beginning and the answer: whether it was done, nobody knows."""
    await post(house, "/log-level", {"level": "debug"}, "a")
    await house.database.write(lambda tx: tx.execute("UPDATE requests SET status = NULL, body = NULL"))
    status, problem, _ = await post(house, "/log-level", {"level": "debug"}, "a")
    assert (status, problem["type"]) == (409, "urn:olhubd:problem:not-known")
    assert house.levels == ["debug"]


@pytest.mark.parametrize("key", ["", "x" * 201, "caf\N{LATIN SMALL LETTER E WITH ACUTE}"])
async def test_an_impossible_key_is_named(house: House, key: str) -> None:
    status, problem, _ = await post(house, "/log-level", {"level": "debug"}, key)
    assert (status, problem["parameter"]) == (400, "Idempotency-Key")
    assert house.levels == []


async def test_what_did_not_change_is_not_sent_again(trading: House) -> None:
    await trading.sell()
    async with trading.client.get("/api/v1/orders") as response:
        tag = response.headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        async with trading.client.get("/api/v1/orders", headers={"If-None-Match": known}) as response:
            assert (response.status, await response.read()) == (304, b"")
            assert response.headers["ETag"] == tag
    await trading.sell()
    async with trading.client.get("/api/v1/orders", headers={"If-None-Match": tag}) as response:
        assert response.status == 200
        assert response.headers["ETag"] != tag
