"""`olhubd alarms`, `olhubd reconcile`, and the line in `olhubd status`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from olhubd.model import Reconciliation
from olhubd.plugin import AuthLost
from olhubd.store import reconciliations
from tests.cli.conftest import Terminal
from tests.control.house import House


async def test_what_is_wrong_is_told(house: House, terminal: Terminal) -> None:
    await house.hub.unit("stingy").lost(AuthLost("the grant was taken back"))
    await house.hub.checks.round()
    assert "alarm: parked stingy: its key is refused" in await terminal("status")
    assert "parked" in await terminal("alarms")
    await house.hub.unit("stingy").resume("anna")
    await house.hub.checks.round()
    assert "parked" not in await terminal("alarms")
    over = [one for one in (await terminal.json("alarms", "--past"))["items"] if one["kind"] == "parked"]
    assert over[0]["cleared_at"] is not None


async def test_days_are_compared(house: House, terminal: Terminal) -> None:
    assert "No day has been compared yet." in await terminal("reconcile")
    unit = house.hub.unit("market")
    assert unit.feeds.orders is not None
    unit.feeds.orders._since = house.hub.clock.now() - timedelta(days=3)
    (found,) = (await terminal.json("reconcile", "--account", "market", "--now"))["items"]
    assert (found["account"], found["source"], found["missing"]) == ("market", 0, 0)
    assert "market" in await terminal("reconcile", "--account", "market")
    assert "--now needs --account" in await terminal("reconcile", "--now", code=2)


@pytest.mark.parametrize("differs", ["missing", "surplus"])
async def test_a_day_that_differs_is_an_exit_code(house: House, terminal: Terminal, differs: str) -> None:
    """Whichever side has more: a script goes by the code alone."""
    now = house.hub.clock.now()
    found = Reconciliation(
        id=await house.database.next_id("reconciliations"),
        account="market",
        day=now.date(),
        since=now - timedelta(days=1),
        until=now,
        source=4,
        hub=4,
        looks=1,
        looked_at=now,
        names=("17",),
        **{"missing": 0, "surplus": 0, differs: 1},
    )
    await house.database.write(lambda tx: reconciliations.put(tx, found))
    assert "source and hub differ" in await terminal("reconcile", "--different", code=1)
