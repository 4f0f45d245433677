"""What strikes the daemon as a process, and what is around it: each a few lines, distinguished by an enum.

A strike is over when it returns: the daemon runs again, names resolve, servers listen. What it does not do is look
at the books; that is the siege's.
"""

from __future__ import annotations

import asyncio
import enum
import random
import signal
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from olhubd_kit.demo_stack import SHOP, DemoStack
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.process import SimulatorProcess
from olhubd_torture import names
from olhubd_torture.disk import MountedDisk

__all__ = ["HOSTS", "FaultInjector", "FaultTargets", "FaultTrigger", "ProcessFault", "draw"]

_SPRUNG = 4.0
"""Seconds that a trap waits for the call it lies in."""
_GLANCE = 0.02
_FRAME = 4096 + 24
"""Bytes of a frame in SQLite's write-ahead log."""
_ELSEWHERE = "127.0.0.9"
"""Nobody listens there."""


class ProcessFault(enum.StrEnum):
    KILL = "kill"
    KILL_AT = "kill at a call"
    KILL_YOUNG = "kill while starting"
    STOP = "stop"
    STOP_AT = "stop at a call"
    FREEZE = "freeze"
    FREEZE_AT = "freeze at a call"
    SECOND = "second daemon"
    DEAF_MARKET = "deaf market"
    DEAF_SHOP = "deaf shop"
    MARKET_DOWN = "market down"
    SHOP_DOWN = "shop down"
    STORM = "storm of 5xx"
    HANG = "never answers"
    NAMELESS = "names do not resolve"
    REFUSED = "connections refused"
    LOCKED = "locked database"
    TORN = "torn write-ahead log"
    FULL = "full disk"
    PROTECTED = "read-only disk"


_OFTEN = {
    ProcessFault.KILL: 6,
    ProcessFault.KILL_AT: 10,
    ProcessFault.KILL_YOUNG: 2,
    ProcessFault.STOP: 2,
    ProcessFault.STOP_AT: 3,
    ProcessFault.FREEZE: 2,
    ProcessFault.FREEZE_AT: 3,
    ProcessFault.TORN: 2,
    ProcessFault.LOCKED: 2,
    ProcessFault.FULL: 2,
}
"""How often each is drawn; the others once."""

HOSTS: Mapping[str, str] = {"allegro-main": "one.test", "allegro-second": "two.test", SHOP: "shop.test"}
"""The accounts' hosts by name, so that a name can fail to resolve."""


class FaultTrigger(msgspec.Struct, frozen=True):
    """A call at which to strike: at the shop or a marketplace, "METHOD /path" as faults match it."""

    at_shop: bool
    match: str
    refresh: bool = False


TRAPS = (
    FaultTrigger(False, "GET /order/events"),
    FaultTrigger(False, "GET /order/checkout-forms"),
    FaultTrigger(False, "POST /auth/oauth/token", refresh=True),
    FaultTrigger(False, "PUT /order/.*/fulfillment"),
    FaultTrigger(True, "POST .*/orders$"),
    FaultTrigger(True, "POST .*/orders$"),
    FaultTrigger(True, "POST .*/orders$"),
    FaultTrigger(True, "GET .*/orders"),
    FaultTrigger(True, "PUT .*/orders/"),
)


class FaultTargets(msgspec.Struct, frozen=True):
    """Where strikes fall. `disk` is None where none could be mounted; `hosts` is the resolver's file."""

    stage: DemoStack
    hosts: Path
    database: Path
    disk: MountedDisk | None

    @property
    def markets(self) -> list[SimulatorProcess]:
        return list(self.stage.markets.values())

    @property
    def shop(self) -> SimulatorProcess:
        assert isinstance(self.stage.shop, SimulatorProcess)
        return self.stage.shop


def draw(dice: random.Random) -> ProcessFault:
    kinds = list(ProcessFault)
    return dice.choices(kinds, [_OFTEN.get(kind, 1) for kind in kinds])[0]


class FaultInjector:
    """Strikes on one field. `tell` is called with what a strike itself found; `missed` has those that could not
    be."""

    def __init__(self, field: FaultTargets, dice: random.Random, tell: Callable[[str], object]) -> None:
        self._field = field
        self._daemon = field.stage.daemon
        self._session = field.stage.session
        self._dice = dice
        self._tell = tell
        self.missed: set[ProcessFault] = set()

    async def strike(self, strike: ProcessFault) -> None:
        dice, field = self._dice, self._field
        match strike:
            case ProcessFault.KILL:
                await self._again()
            case ProcessFault.KILL_YOUNG:
                await self._daemon.kill()
                await self._daemon.launch()
                await asyncio.sleep(dice.uniform(0.3, 1.5))
                await self._again()
            case ProcessFault.STOP:
                await self._daemon.stop()
                await self._restart(stopped=True)
            case ProcessFault.KILL_AT:
                await self.trap(dice.choice(TRAPS), signal.SIGKILL, after=dice.random() < 0.7)
            case ProcessFault.STOP_AT:
                await self.trap(dice.choice(TRAPS), signal.SIGTERM, after=dice.random() < 0.7)
            case ProcessFault.FREEZE_AT:
                await self.trap(dice.choice(TRAPS), signal.SIGSTOP, after=dice.random() < 0.7)
            case ProcessFault.FREEZE:
                self._daemon.signal(signal.SIGSTOP)
                await asyncio.sleep(dice.uniform(0.2, 3.0))
                self._daemon.signal(signal.SIGCONT)
            case ProcessFault.SECOND:
                if await self._daemon.second() == 0:
                    self._tell("second: another daemon ran on the same data")
            case ProcessFault.DEAF_MARKET:
                await self._deafen(field.markets[0])
            case ProcessFault.DEAF_SHOP:
                await self._deafen(field.shop)
            case ProcessFault.MARKET_DOWN:
                await self._trouble(field.markets, Fault(kind=FaultKind.CUT, times=None), 6.0)
            case ProcessFault.SHOP_DOWN:
                await self._trouble([field.shop], Fault(kind=FaultKind.CUT, times=None), 6.0)
            case ProcessFault.STORM:
                status = dice.choice((500, 502, 503, 504))
                await self._trouble(self._some(), Fault(kind=FaultKind.ERROR, times=None, status=status), 4.0)
            case ProcessFault.HANG:
                await self._trouble(self._some(), Fault(kind=FaultKind.HANG, times=None), 1.5)
            case ProcessFault.NAMELESS | ProcessFault.REFUSED:
                await self._misname(
                    {} if strike is ProcessFault.NAMELESS else dict.fromkeys(HOSTS.values(), _ELSEWHERE)
                )
            case ProcessFault.LOCKED:
                await self._lock(dice.uniform(0.5, 7.0))
            case ProcessFault.TORN:
                await self._daemon.kill()
                self._tear()
                await self._restart()
            case ProcessFault.FULL | ProcessFault.PROTECTED:
                if field.disk is None:
                    self.missed.add(strike)
                elif strike is ProcessFault.FULL:
                    await self._fill(field.disk)
                else:
                    await self._protect(field.disk)

    async def trap(
        self, trap: FaultTrigger, number: signal.Signals, *, after: bool, skip: int | None = None
    ) -> bool:
        """Strike the daemon by a signal when the other side got a call, before it acts on it or `after`.

        The simulator itself sends the signal, so nothing happens between the call and the strike. Returns whether
        the call came; if not, the trap is taken away.
        """
        dice = self._dice
        remote = self._field.shop if trap.at_shop else dice.choice(self._field.markets)
        kind = FaultKind.STRIKE_AFTER if after else FaultKind.STRIKE
        before = dice.choice((0, 0, 1, 3)) if skip is None else skip
        pid = self._daemon.pid
        fault = Fault(kind=kind, match=trap.match, after=before, pid=pid, signal=int(number))
        struck = (await remote.struck(self._session)).get(kind, 0)
        await remote.misbehave(self._session, fault)
        if trap.refresh:
            await remote.do(self._session, "expire_tokens")
        if number is signal.SIGSTOP:
            return await self._thaw(remote)
        sprung = await self._daemon.ended(_SPRUNG)
        await remote.behave(self._session, FaultKind.STRIKE, FaultKind.STRIKE_AFTER)
        # It may have sprung at the last moment; then it ends now, a stop as politely as it does.
        sprung = sprung or (not await self._armed(remote, kind, struck) and await self._daemon.ended(10.0))
        if sprung:
            await self._restart(stopped=number is signal.SIGTERM)
        return sprung

    async def _armed(self, remote: SimulatorProcess, kind: FaultKind, struck: int) -> bool:
        """Whether a trap has not sprung since it was counted."""
        return (await remote.struck(self._session)).get(kind, 0) == struck

    async def _thaw(self, remote: SimulatorProcess) -> bool:
        try:
            for _ in range(int(_SPRUNG / _GLANCE)):
                if self._daemon.frozen:
                    await asyncio.sleep(self._dice.uniform(0.1, 2.0))
                    return True
                await asyncio.sleep(_GLANCE)
            return False
        finally:
            await remote.behave(self._session, FaultKind.STRIKE, FaultKind.STRIKE_AFTER)
            self._daemon.signal(signal.SIGCONT)

    async def _again(self) -> None:
        await self._daemon.kill()
        await self._daemon.start()

    async def _restart(self, stopped: bool = False) -> None:
        """Start it after it has ended; one that was asked to stop has done so in good order."""
        if stopped and self._daemon.code:
            self._tell(f"stop: the daemon ended with {self._daemon.code}")
        await self._daemon.start()

    async def _deafen(self, remote: SimulatorProcess) -> None:
        """It accepts connections and answers nobody for a while."""
        remote.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(self._dice.uniform(0.5, 4.0))
        finally:
            remote.process.send_signal(signal.SIGCONT)

    def _some(self) -> list[SimulatorProcess]:
        return self._dice.choice((self._field.markets, [self._field.shop]))

    async def _trouble(self, remotes: list[SimulatorProcess], fault: Fault, longest: float) -> None:
        """Every call goes wrong for a while."""
        for remote in remotes:
            await remote.misbehave(self._session, fault)
        await asyncio.sleep(self._dice.uniform(0.3, longest))
        for remote in remotes:
            await remote.behave(self._session, fault.kind)

    async def _misname(self, wrong: dict[str, str]) -> None:
        """A daemon that starts in the meantime finds nobody; it remembers addresses for as long as it lives."""
        await self._daemon.kill()
        names.write(self._field.hosts, wrong)
        try:
            await self._daemon.start()
            await asyncio.sleep(self._dice.uniform(2.0, 4.0))
        finally:
            names.write(self._field.hosts, dict.fromkeys(HOSTS.values(), "127.0.0.1"))
        if wrong:
            await self._again()

    async def _lock(self, seconds: float) -> None:
        """Another program writes to the database and takes its time; a delivery waits for it or is tried again."""
        connection = sqlite3.connect(self._field.database, isolation_level=None, timeout=0.0)
        try:
            for _ in range(200):
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    await asyncio.sleep(0.01)
                    continue
                await asyncio.sleep(seconds)
                connection.execute("ROLLBACK")
                break
        finally:
            connection.close()

    def _tear(self) -> None:
        """The end of the last frame never reached the disk."""
        log = self._field.database.with_name(f"{self._field.database.name}-wal")
        size = log.stat().st_size if log.exists() else 0
        if size > _FRAME:
            with log.open("r+b") as file:
                file.truncate(size - self._dice.randint(1, _FRAME - 1))

    async def _fill(self, disk: MountedDisk) -> None:
        disk.fill()
        try:
            await asyncio.sleep(self._dice.uniform(0.3, 3.0))
        finally:
            disk.empty()

    async def _protect(self, disk: MountedDisk) -> None:
        """It cannot start on a read-only disk, and says so."""
        await self._daemon.kill()
        await disk.protect(True)
        try:
            if await self._daemon.second() == 0:
                self._tell("read-only: a daemon ran on a disk that cannot be written")
        finally:
            await disk.protect(False)
        await self._daemon.start()
