"""A static key that is refused: once in a while, for minutes, for good, and until somebody mends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from olhubd.engine.access import key_retry, refusals
from olhubd.engine.access.refusals import KeyRefusals
from olhubd.model import AlarmKind
from olhubd.plugin import AuthLost
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database
from olhubd.store.accounts import AccountState
from olhubd_kit.virtual_clock import VirtualClock
from tests.engine.wild import Wild, Zoo, opened


def refused(times: int | None, otherwise: str) -> Callable[..., Awaitable[Any]]:
    """Refuses so often, None for always, and then does what it should."""
    left = [times]

    async def call(*given: Any) -> Any:
        if left[0] is None or left[0] > 0:
            left[0] = None if left[0] is None else left[0] - 1
            raise AuthLost("GET /orders: 401 No", status=401)
        del Wild.does[otherwise]
        raise AuthLost("GET /orders: 401 No, for the last time", status=401)

    return call


@pytest.mark.parametrize("call", ["start", "pull", "sweep", "push_order"])
async def test_a_refusal_in_passing_stops_nobody(
    database: Database, clock: SystemClock, tmp_path: Path, call: str
) -> None:
    """Invariant 24. A cache, a load balancer or a PHP that restarts answers 401 once, and the next time rightly."""
    async with opened(tmp_path, database, clock, **{call: refused(2, call)}) as zoo:
        asked = Wild.asked
        await zoo.until(lambda: asked.get(call, 0) >= 4)
        unit = zoo.hub.unit("wild")
        assert unit.row.state is AccountState.ACTIVE
        await zoo.until(lambda: unit.refused_since is None and unit.trouble is None)
        assert await zoo.landed("wild") > 0


WHOLLY = {call: refused(None, call) for call in ("start", "pull", "sweep", "push_order", "find_order")}
"""A key that opens nothing at all."""


async def parked(zoo: Zoo) -> None:
    await zoo.until(lambda: zoo.hub.unit("wild").row.state is AccountState.PARKED)


async def test_a_key_that_stays_refused_is_told_then_parked_and_goes_on_by_itself(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 24. Only a definite and repeated refusal parks it, and the seller who mends it over there need not
    come here as well."""
    monkeypatch.setattr(refusals, "_LONG", 1.0)
    monkeypatch.setattr(key_retry, "_FIRST", 0.2)
    async with opened(tmp_path, database, clock, **WHOLLY) as zoo:
        unit = zoo.hub.unit("wild")
        await zoo.until(lambda: unit.refused_since is not None)
        assert unit.row.state is AccountState.ACTIVE
        told = (await zoo.alarms())[AlarmKind.SIGN_IN, "wild"]
        assert "its key is refused since" in told
        assert "olhubd login" not in told, "there is nothing to sign in to"
        await parked(zoo)
        assert str(unit.row.reason) == "its key is refused: GET /orders: 401 No"
        alarms = await zoo.alarms()
        assert (AlarmKind.PARKED, "wild") in alarms
        assert (AlarmKind.SIGN_IN, "wild") not in alarms, "once is enough"
        await zoo.goes_on()
        asked = Wild.asked["start"]
        await zoo.until(lambda: Wild.asked["start"] > asked)
        Wild.does.clear()
        await zoo.until(lambda: unit.row.state is AccountState.ACTIVE and unit.trouble is None)
        before = await zoo.landed("wild")

        async def works() -> bool:
            return await zoo.landed("wild") > before

        await zoo.until(works)
        assert not {key for key in await zoo.alarms() if key[1] == "wild"}


async def test_a_refusal_in_passing_after_a_person_resumed_it_stops_nobody(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who mends the key begins a new count: what was refused before says nothing of the key it has now."""
    monkeypatch.setattr(refusals, "_LONG", 0.3)
    monkeypatch.setattr(key_retry, "_FIRST", 3600.0)
    async with opened(tmp_path, database, clock, **WHOLLY) as zoo:
        unit = zoo.hub.unit("wild")
        await parked(zoo)
        asked = Wild.asked["start"]
        Wild.does.clear()
        Wild.does["start"] = refused(0, "start")  # once more
        await unit.resume("jan")
        assert unit.refused_since is None
        await zoo.until(lambda: Wild.asked["start"] > asked)
        await zoo.until(lambda: Wild.asked["start"] > asked + 1 or unit.row.state is AccountState.PARKED)
        assert unit.row.state is AccountState.ACTIVE
        await zoo.until(lambda: unit.refused_since is None and unit.trouble is None)


async def test_a_parked_key_is_tried_again_after_a_restart(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_LONG", 0.3)
    monkeypatch.setattr(key_retry, "_FIRST", 3600.0)
    async with opened(tmp_path, database, clock, **WHOLLY) as zoo:
        await parked(zoo)
    monkeypatch.setattr(key_retry, "_FIRST", 0.1)
    async with opened(tmp_path, database, clock) as zoo:
        await zoo.until(lambda: zoo.hub.unit("wild").row.state is AccountState.ACTIVE)


async def test_a_person_who_pauses_a_parked_account_is_obeyed(
    database: Database, clock: SystemClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_LONG", 0.3)
    monkeypatch.setattr(key_retry, "_FIRST", 0.5)
    async with opened(tmp_path, database, clock, **WHOLLY) as zoo:
        await parked(zoo)
        await zoo.hub.unit("wild").pause("holidays", "jan")
        await clock.sleep(1.5)
        assert zoo.hub.unit("wild").row.state is AccountState.PAUSED


@pytest.mark.looptime
async def test_only_often_and_for_long_is_for_good() -> None:
    clock = VirtualClock()
    key, error = KeyRefusals(clock), AuthLost("401")
    assert not any(key.refused(error) for _ in range(100)), "often within a moment"
    await clock.sleep(refusals._LONG)
    assert key.refused(error)
    key.worked()
    assert key.since is None
    assert not key.refused(error)
    await clock.sleep(refusals._LONG)
    assert not key.refused(error), "seldom within a long time"
