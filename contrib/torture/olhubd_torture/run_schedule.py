"""Playing one schedule from its beginning until the books are closed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from olhubd.engine.errors import NotPossible
from olhubd.engine.flow import landing
from olhubd.model import Action, DeliveryState, Kind, code_of, reference
from olhubd.plugin import PluginError
from olhubd.store import FAILURES, deliveries, levels, orders
from olhubd_torture import checks, surviving_files, vfs
from olhubd_torture.crash_points import CrashPoints
from olhubd_torture.daemon_life import DaemonLife, MemoryLogger, sign_in
from olhubd_torture.loop import LoopStuck, VirtualTimeLoop
from olhubd_torture.offer_book import AskedOffers
from olhubd_torture.schedule import Schedule, ScheduleStep
from olhubd_torture.stock_book import StockCounts
from olhubd_torture.store import NAME, DiskState, TortureDatabase, salvage
from olhubd_torture.world import World

__all__ = ["Look", "ScheduleResult", "play", "swift"]

PATIENCE = 4 * 3600.0
"""Seconds after the last trouble within which all must be where it belongs. A clock that was put back by an hour
puts off by an hour what was due."""
AFTERWARDS = 130.0
"""Seconds to go on after that: what is doubled is doubled late."""
_LOOK = 20.0
_MOMENT = 1e-6
_SAVED = "saved.sqlite"


_OFTEN = 600.0
_PATIENT = 5.0
"""Seconds until a person asks again."""

Look = Callable[[float, Path, int], None]
"""Gets the second, the file of the database, and how many orders the shop has."""


class ScheduleResult(msgspec.Struct, kw_only=True):
    """What came of a schedule. `findings` are empty when the books are right; `seconds` are of its own time."""

    schedule: Schedule
    strikes: tuple[int, ...] = ()
    """The crossings it was killed at besides its own kills."""
    findings: list[str] = []
    crossings: int = 0
    troubled: int = 0
    """The crossings until trouble was over; later ones kill nobody."""
    kills: int = 0
    cuts: int = 0
    """Those of the kills that took the power with them."""
    struck: int = 0
    orders: int = 0
    stock: StockCounts = msgspec.field(default_factory=StockCounts)
    seconds: float = 0.0
    trace: list[str] = []
    log: list[str] = []

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of findings."""
        return frozenset(finding.partition(":")[0] for finding in self.findings)


def play(
    schedule: Schedule, *, kills: Iterable[int] = (), keep: Path | None = None, look: Look | None = None
) -> ScheduleResult:
    """Play a schedule, killing the daemon at the crossings `kills` besides. `keep` gets the files of all lives.

    `look` is called every ten minutes of its time, with the file of the database, and then nothing is traced: what
    the torture remembers would grow.
    """
    state = random.getstate()
    random.seed(f"play {schedule.seed}")  # the engine jitters by it
    folder = Path(tempfile.mkdtemp(prefix="olhubd-torture-", dir=swift()))
    result = ScheduleResult(schedule=schedule, strikes=tuple(kills))
    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, _batches_of(2 + schedule.seed % 2):
            runner.run(_Play(schedule, folder, result, look).run())
    finally:
        random.setstate(state)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, keep, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    return result


@contextlib.contextmanager
def _batches_of(records: int) -> Iterator[None]:
    """Pages take more than one batch to land, so that a death between two of them is played."""
    usual, landing.BATCH = landing.BATCH, records
    try:
        yield
    finally:
        landing.BATCH = usual


def swift() -> str | None:
    """Where files are memory, if there is such a place: no schedule pulls the machine's own plug."""
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() else None


class _Ruined(Exception):
    """The database did not outlive a cut of the power, so there is nothing to go on with."""


class _Nothing(list[str]):
    """Keeps nothing."""

    def append(self, _line: str) -> None:
        pass


class _Play:
    def __init__(self, schedule: Schedule, folder: Path, result: ScheduleResult, look: Look | None) -> None:
        self._look = look
        self._schedule = schedule
        self._left = deque(schedule.steps)
        self._root = folder
        self._result = result
        self._lives = 0
        self._why = ""
        # Where nothing below SQLite can be seen, a cut of the power is the death of the process and no more.
        self._powered = schedule.dark and vfs.unreachable() is None
        self._dice = random.Random(f"play {schedule.seed}")
        self._log = MemoryLogger(result.log)

    async def run(self) -> None:
        self._world = world = World(self._schedule)
        self._result.trace = world.trace
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.stuck = self._stuck
        loop.set_exception_handler(self._failed)
        if self._look is not None:
            world.trace = _Nothing()
            self._log.lines = _Nothing()
            loop.call_later(_OFTEN, self._watch, self._look)
        folder = self._folder
        folder.mkdir()
        async with TortureDatabase.at(folder, world.frontier) as store:
            await sign_in(store, world)
        world.frontier.kill_at(world.frontier.count + kill for kill in self._result.strikes)
        self._first = world.frontier.count
        self._life = await self._begin()
        try:
            await self._steps()
            await self._settle()
        except LoopStuck as stuck:
            self._result.findings.append(f"stuck: {stuck}")
        except _Ruined:
            pass
        finally:
            self._result.crossings = world.frontier.count - self._first
            self._result.struck = world.weather.struck
            self._result.orders = sum(len(market.purchases) for market in world.markets.values())
            self._result.seconds = world.time
            if world.book is not None:
                self._result.stock = world.book.counts
            if not world.frontier.dead:
                world.frontier.kill("the end")
            await self._life.bury()

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback failed; what nobody in a killed process waited for any more is no failure."""
        if "never retrieved" not in context["message"]:
            self._result.findings.append(f"crash: {context['message']}: {context.get('exception')!r}")

    def _stuck(self, why: str) -> None:
        """It spins or hangs: end this life, so that the others get their turn."""
        self._why = why
        self._world.frontier.kill("stuck")

    def _watch(self, look: Look) -> None:
        asyncio.get_running_loop().call_later(_OFTEN, self._watch, look)
        look(self._world.time, self._folder / NAME, len(self._world.shop.orders))

    @property
    def _folder(self) -> Path:
        return self._root / str(self._lives)

    async def _steps(self) -> None:
        left = self._left
        while left:
            step = left[0]
            await self._until(step.at)
            if left and left[0] is step:  # else it happened while the daemon was away
                self._do(left.popleft())
            if self._world.stopping.is_set():
                await self._stop()

    def _do(self, step: ScheduleStep) -> None:
        self._world.do(step)
        if self._world.saving:
            self._world.saving = False
            self._save()

    def _save(self) -> None:
        """A copy as people make it, also of a file that a daemon writes to."""
        source, copy = sqlite3.connect(self._folder / NAME), sqlite3.connect(self._root / _SAVED)
        with closing(source), closing(copy):
            source.backup(copy)

    async def _away(self) -> None:
        """The daemon is not there for a while; the world goes on without it."""
        world, left = self._world, self._left
        back = world.time + world.away
        while left and left[0].at < back:
            await asyncio.sleep(left[0].at - world.time)
            self._do(left.popleft())
        world.stopping.clear()
        await asyncio.sleep(back - world.time)

    async def _put_back(self) -> None:
        """A file of before, or none, takes the place of the one there is, and the clock may be wrong."""
        world, step = self._world, self._world.restoring
        if step is None:
            return
        world.restoring = None
        world.tell(f"restored: {step.what}")
        if step.what != "kept" and (step.what == "lost" or (self._root / _SAVED).exists()):
            world.restored += 1
            self._lives += 1
            self._folder.mkdir()
            if step.what == "older":
                shutil.copyfile(self._root / _SAVED, self._folder / NAME)
            for market in world.markets.values():
                market.told.clear()  # to a database that is not there any more
            aside = CrashPoints(lambda _what: None)  # a person's doing, which no kill of the daemon strikes
            async with TortureDatabase.at(self._folder, aside) as store:
                await sign_in(store, world)
        world.skew(step)

    async def _until(self, moment: float) -> None:
        """Let time pass; the daemon may die meanwhile, more than once, and is started again each time."""
        world = self._world
        while (left := moment - world.time) > _MOMENT:
            if world.time < world.disk_until:
                await self._life.store.become(world.disk)
                left = min(left, max(world.disk_until - world.time, 0.01))
            else:
                await self._life.store.become(DiskState.SOUND)
            try:
                async with asyncio.timeout(left):
                    await world.frontier.fallen.wait()
            except TimeoutError:
                continue
            await self._rise()
        await self._life.store.become(world.disk if world.time < world.disk_until else DiskState.SOUND)

    async def _rise(self) -> None:
        """Another life, on the files as the killed one left them."""
        if self._why:
            raise LoopStuck(self._why)
        world, old = self._world, self._folder
        self._lives += 1
        self._result.kills += 1
        self._salvage(old)
        await self._life.bury()
        world.torn, world.dark = False, self._schedule.power
        if (
            world.disk is DiskState.LOCKED
        ):  # the process that held the lock was of no use to a daemon that is not there
            world.disk_until = 0.0
        await self._away()
        world.frontier.revive()
        await self._put_back()
        async with TortureDatabase.at(self._folder, world.frontier) as store:
            self._found(await checks.at_death(world, store.reader))
        self._life = await self._begin()

    def _found(self, findings: Iterable[str]) -> None:
        self._result.findings += [f"{one} (after a kill at {self._world.frontier.at})" for one in findings]

    def _salvage(self, old: Path) -> None:
        """Leave the files as the death left them, or as the power did that went with it."""
        world, store = self._world, self._life.store
        if not world.dark or store.platter is None:
            tail = store.tail if world.torn and "committed" in world.frontier.at else None
            salvage(old, self._folder, tail, self._dice)
            return
        store.platter.cut(self._folder, self._dice)
        self._result.cuts += 1
        # Of what was under way nothing is known: it may be there or not.
        heard = old / NAME if not store.platter.marked else None
        if found := surviving_files.gone(heard, self._folder / NAME):
            self._found(found)
            raise _Ruined

    async def _begin(self) -> DaemonLife:
        life = await DaemonLife.begin(self._world, self._folder, self._log, self._dice if self._powered else None)
        if self._world.offer_book is not None:
            self._asking = asyncio.create_task(self._ask(life, self._world.offer_book), name="asking")
        return life

    async def _ask(self, life: DaemonLife, book: AskedOffers) -> None:
        """A person asks one life for what is to be done with offers, and again for what was not accepted."""
        await life.started()
        while True:
            await asyncio.sleep(_PATIENT)
            with contextlib.suppress(NotPossible, PluginError, *FAILURES):
                while book.asks and await book.ask(life.hub, book.asks[0]):
                    book.asks.popleft()

    async def _stop(self) -> None:
        """SIGTERM, and started again."""
        world = self._world
        world.stopping.clear()
        if world.offer_book is not None:
            self._asking.cancel()
        if not await self._life.stop():
            await self._rise()
            return
        world.tell("stopped in order")
        await self._away()
        await self._put_back()
        self._life = await self._begin()

    async def _accept(self) -> None:
        """A person looks at what is held: tries again what lost its answers, takes a total that rose since, and
        ends a dispute over an offer: a sale that a journal kept quiet about looks like somebody else's doing."""
        reader, hub = self._life.store.reader, self._life.hub
        for row in await levels.disputed(reader):
            await hub.offer_actions.retry(row.account, row.external_id, "anna")
        for delivery in await deliveries.listing(reader, states=[DeliveryState.HOLD], limit=1000):
            about_order = delivery.subject.kind is Kind.ORDER
            stored = await orders.get(reader, delivery.order_id) if about_order else None
            if code_of(delivery.reason) in ("doubt.tried", "doubt.not-there"):
                # Its answers were lost too often; what made them so is over.
                await hub.delivery_actions.retry(delivery.id, "anna")
                continue
            if delivery.action is not Action.PUSH_ORDER or delivery.external_id is None or stored is None:
                continue
            purchase = self._world.markets[stored.account].purchases[stored.order.external_id]
            mark = reference(stored.account, purchase.id)
            # An order that the shop spoiled stays with the person.
            if purchase.extras and not any(
                sold.wrong for sold in self._world.shop.orders.values() if sold.reference == mark
            ):
                await hub.delivery_actions.accept(delivery.id, "anna")
                self._world.accepted.add(mark)

    async def _settle(self) -> None:
        world = self._world
        await self._until(world.time + self._schedule.rest)
        world.calm()
        self._result.troubled = world.frontier.count - self._first
        if world.frontier.dead:
            await self._rise()
        end = world.time + PATIENCE
        quiet = False
        while world.time < end:
            await self._until(world.time + _LOOK)
            await self._accept()
            # What is right by chance, on its way to something else, is not right at the next look.
            before, quiet = quiet, await checks.quiet(world, self._life.store.reader)
            if before and quiet:
                break
        else:
            self._result.findings.append(f"unsettled: not all is where it belongs after {PATIENCE / 3600:g} h")
        await self._until(world.time + AFTERWARDS)
        hub = self._life.hub
        found = await checks.at_end(world, self._life.store.reader, self._log.lines, hub.supervisor.failing)
        self._result.findings += found
