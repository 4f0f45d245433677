"""Whether an account works, over ends and beginnings of the process."""

from __future__ import annotations

from pathlib import Path

from olhubd.plugin import AuthLost
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database
from olhubd.store.accounts import AccountState
from tests.engine.wild import Wild, opened


async def test_what_a_person_put_to_sleep_sleeps_on_after_a_restart(
    database: Database, clock: SystemClock, tmp_path: Path
) -> None:
    """It is neither read nor sent what comes for it; at their word it is both."""
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.until(lambda: Wild.asked.get("push_order", 0) > 0)
        await zoo.hub.unit("wild").pause("holidays", "jan")
    async with opened(tmp_path, database, clock) as zoo:
        unit = zoo.hub.unit("wild")
        await zoo.goes_on()
        await zoo.until(lambda: unit.outbox.dispatcher is not None)
        await zoo.goes_on()
        assert unit.row.state is AccountState.PAUSED
        assert Wild.asked == {}
        await unit.resume("jan")
        await zoo.until(lambda: Wild.asked.get("pull", 0) > 0 and Wild.asked.get("push_order", 0) > 0)


async def test_a_sign_in_wakes_what_waited_for_it_and_nothing_else(
    database: Database, clock: SystemClock, tmp_path: Path
) -> None:
    """Parked for want of one, the account goes on; what a person put to sleep sleeps on."""
    async with opened(tmp_path, database, clock) as zoo:
        unit = zoo.hub.unit("wild")
        await zoo.until(lambda: Wild.asked.get("pull", 0) > 0)
        await unit.lost(AuthLost("the grant was taken back"))
        states = [unit.row.state]
        await unit.signed_in("owner", "login", "jan")
        states.append(unit.row.state)
        await unit.pause("holidays", "jan")
        await unit.signed_in("owner", "login", "jan")
        states.append(unit.row.state)
        assert states == [AccountState.PARKED, AccountState.ACTIVE, AccountState.PAUSED]
        assert unit.row.reason == "holidays"
        await zoo.goes_on()
        Wild.asked.clear()
        await zoo.goes_on()
        assert Wild.asked == {}
