"""`olhubd alarms`, `olhubd reconcile`, and the line in `olhubd status`."""

from __future__ import annotations

from datetime import timedelta

from olhubd.plugin import AuthLost
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
