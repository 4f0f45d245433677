"""A stop for emergencies on an account that cannot be reached: nobody is told that it is done before it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from olhubd.model import AlarmKind
from tests.control.shelf import KNOWN, Shelf


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    made = Shelf(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            await made.until(made.linked)

            async def shown() -> bool:
                return (await made.offer(KNOWN))["shown"] is not None

            await made.until(shown)
            yield made


async def alarms(shelf: Shelf) -> list[str]:
    await shelf.hub.checks.round()
    found: list[Any] = (await shelf.get("/alarms"))["items"]
    return [one["detail"] for one in found if one["kind"] == AlarmKind.UNLOWERED and one["cleared_at"] is None]


async def test_a_stop_of_a_paused_account_says_that_it_is_not_reached_until_it_is(shelf: Shelf) -> None:
    status, answer = await shelf.ask("POST", "/accounts/market/pause", {"reason": "holidays"})
    assert status == 200, answer
    status, answer = await shelf.ask("POST", "/sales-stops", {"all": True})
    assert status == 200, answer
    (row,) = answer["items"]
    assert (row["account"], row["unreached"], row["selling"]) == ("market", "market is paused: holidays", 20)
    assert row["unreached_code"] == "account.paused"
    (alarm,) = await alarms(shelf)
    assert "20 offers can still be bought, since nothing can be written: market is paused: holidays" in alarm
    assert (await shelf.get("/sales-stops"))["items"] == answer["items"]
    # It is carried out as soon as the account is at work again, and nobody is told of it any more.
    status, answer = await shelf.ask("POST", "/accounts/market/resume")
    assert status == 200, answer

    async def done() -> bool:
        (row,) = (await shelf.get("/sales-stops"))["items"]
        return bool(row["unreached"] is None and row["selling"] == 0)

    await shelf.until(done)
    assert (await shelf.offer(KNOWN))["shown"] == 0
    assert await alarms(shelf) == []
