"""The same against the whole daemon: real processes, real sockets, real signals, drawn from a seed.

Several schedules share one set of processes, since starting those takes longer than a schedule; several such sets
run side by side, since a schedule mostly waits. A seed gives the same trade, faults and strikes again; what a
process was doing when it was struck is the machine's affair.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from olhubd.store import Database
from olhubd_kit.demo_stack import open_stage
from olhubd_kit.faults import PAGE, Fault, FaultKind
from olhubd_kit.traffic import Traffic
from olhubd_torture import checks, names, old_schema
from olhubd_torture.disk import open_disk
from olhubd_torture.process_faults import HOSTS, FaultInjector, FaultTargets, ProcessFault, draw

__all__ = ["LAUNCHER", "ProcessResult", "besiege"]

LAUNCHER = (sys.executable, "-m", "olhubd_torture.names")
"""Starts the daemon with a resolver that can fail; the file of names comes next."""
_TOGETHER = 10
_SETTLE = "3 s"
"""The simulated shop acts at the latest a second after its answer was lost; a real one needs a minute."""
_LATEST = 1.0
_LIMIT = 240.0
_STRANGERS = (200, 401, 403, 404, 409, 413, 429, 451)
"""What firewalls, caches and gateways answer in a system's place."""
_READING = r"GET /(order|sale)"
_MARKING = r"PUT /order/.*/fulfillment$"
_CREATING = r"POST .*/orders$"


class ProcessResult:
    """What came of it."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.schedules = self.orders = self.forwarded = self.held = 0
        self.strikes: Counter[str] = Counter()
        self.missed: set[ProcessFault] = set()
        self.faults = self.migrations = 0

    def sums(self) -> list[tuple[str, object]]:
        strikes = ", ".join(f"{count} x {name}" for name, count in sorted(self.strikes.items()))
        missed = ", ".join(sorted(self.missed))
        return [
            ("schedules", self.schedules),
            ("sold", self.orders),
            ("forwarded", self.forwarded),
            ("for a person", self.held),
            ("faults", self.faults),
            ("struck", sum(self.strikes.values())),
            ("strikes", strikes or "none"),
            ("old schemas", self.migrations),
            *([("not possible", f"{missed}: nothing may be mounted here")] if missed else []),
            ("failed", len(self.findings)),
        ]


async def besiege(
    folder: Path,
    seed: int,
    schedules: int,
    tell: Callable[[str], object],
    *,
    jobs: int = 1,
    launcher: Sequence[str] = LAUNCHER,
) -> ProcessResult:
    """Play so many schedules in `folder`, in `jobs` sets of processes at a time."""
    siege = ProcessResult()
    starts = iter(range(seed, seed + schedules, _TOGETHER))

    async def job() -> None:
        for start in starts:
            here = folder / f"from-{start}"
            here.mkdir(parents=True)
            seeds = range(start, min(start + _TOGETHER, seed + schedules))
            try:
                await _Set(here, seeds, siege, tell, launcher).play()
            except Exception as error:  # one set fails, the others go on
                told = f"crash: {type(error).__name__}: {error}"
                siege.findings.append(f"{told} (seeds {seeds.start} to {seeds[-1]})")

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(job())
    return siege


class _Set:
    """The schedules that share a set of processes."""

    def __init__(
        self,
        folder: Path,
        seeds: range,
        siege: ProcessResult,
        tell: Callable[[str], object],
        launcher: Sequence[str],
    ) -> None:
        self._folder = folder
        self._seeds = seeds
        self._siege = siege
        self._say = tell
        self._launcher = launcher
        self._dice = random.Random(f"set {seeds.start}")

    async def play(self) -> None:
        folder, siege = self._folder, self._siege
        before = len(siege.findings)
        data, hosts = folder / "data", folder / "hosts"
        names.write(hosts, dict.fromkeys(HOSTS.values(), "127.0.0.1"))
        database = data / "olhubd.sqlite"
        old = old_schema.OldDatabase(database, self._dice) if self._dice.random() < 0.5 else None
        async with open_disk(data) as disk:
            async with open_stage(
                folder,
                seed=self._seeds.start,
                account={"interval": "500 ms", "sweep_interval": "3 s"},
                target={"fetch_orders": True, "interval": "1 s", "sweep_interval": "5 s", "settle": _SETTLE},
                route={"mark_processing": True, "status_back": {"completed": "SENT"}},
                engine={"backoff_first": "300 ms", "backoff_max": "3 s", "timeout": "10 s"},
                launcher=(*self._launcher, str(hosts)),
                town=True,
                hosts=HOSTS,
                prepare=old.upgrade if old else None,
            ) as stage:
                field = FaultTargets(stage, hosts, database, disk)
                for seed in self._seeds:
                    await _Schedule(field, seed, siege).play(self._say)
                await self._sums(field)
                if code := await stage.daemon.stop():
                    siege.findings.append(f"stop: the daemon ended with {code} (seeds from {self._seeds.start} on)")
            await self._judge(database)
            if old is not None:
                siege.migrations += 1
                self._found(old.verdict())
            if len(siege.findings) > before and disk is not None:
                shutil.copytree(data, folder / "kept", ignore=shutil.ignore_patterns("ballast"))

    async def _sums(self, field: FaultTargets) -> None:
        siege, stage = self._siege, field.stage
        audit = await stage.audit()
        siege.orders += audit.sold
        siege.forwarded += audit.forwarded
        siege.held += await stage.held()
        for remote in (*field.markets, field.shop):
            siege.faults += sum((await remote.struck(stage.session)).values())

    async def _judge(self, path: Path) -> None:
        """What the file and the log of a daemon show that has settled and stopped."""
        log = (self._folder / "olhubd.log").read_text(errors="replace")
        async with Database.open(path) as database:
            self._found(await checks.in_file(database.reader, log))
        if "Traceback" in log:
            self._found(["crash: a traceback is in the log"])

    def _found(self, findings: Sequence[str]) -> None:
        self._siege.findings += [f"{finding} (seeds from {self._seeds.start} on)" for finding in findings]


class _Schedule:
    def __init__(self, field: FaultTargets, seed: int, siege: ProcessResult) -> None:
        self._field = field
        self._stage = field.stage
        self._seed = seed
        self._siege = siege
        self._dice = random.Random(f"siege {seed}")
        self._late = False

    def _found(self, finding: str) -> None:
        self._siege.findings.append(f"{finding} (seed {self._seed})")

    async def play(self, tell: Callable[[str], object]) -> None:
        """Trade under trouble, then take the trouble away, settle, and look; doubles come late."""
        dice, stage, siege = self._dice, self._stage, self._siege
        before = len(siege.findings)
        await self._spoil()
        trade = Traffic(stage, dice.randint(5, 25), seed=self._seed, pause=dice.choice((0.0, 0.1, 0.3)))
        strikes = [draw(dice) for _ in range(dice.choice((0, 1, 1, 2, 3)))]
        striker = FaultInjector(self._field, dice, self._found)
        trading = asyncio.create_task(trade.run(), name="trade")
        try:
            for strike in strikes:
                await asyncio.sleep(dice.expovariate(1.0))
                await striker.strike(strike)
                siege.strikes[strike.value] += 1
        finally:
            await trading
        await stage.behave()
        settled = await stage.settle(_LIMIT)
        await asyncio.sleep(_LATEST + 0.2 if self._late else 0.3)
        audit = await stage.audit()
        if not settled:
            self._found(f"unsettled: {await stage.open_deliveries()} deliveries are open")
        for kind in ("lost", "doubled", "wrong_totals", "strays"):
            for name in getattr(audit, kind):
                self._found(f"{kind.replace('_', ' ')}: {name}")
        for missed in striker.missed:
            siege.strikes[missed.value] -= 1
        siege.missed |= striker.missed
        siege.schedules += 1
        told = ", ".join(strikes) or "no strike"
        tell(f"seed {self._seed}: {trade.placed} orders, {told}: {len(siege.findings) - before} findings")

    async def _spoil(self) -> None:
        dice, stage = self._dice, self._stage
        for remote in self._field.markets:
            await remote.misbehave(
                stage.session,
                *self._faults(_READING, 3, acting=False),
                *self._faults(_MARKING, 2, acting=True),
            )
            for verb, arguments in (
                ("drop_events", {"count": 2}),
                ("duplicate_events", {"count": 5}),
                ("reorder_events", {"window": 5}),
                ("delay_events", {"count": 3, "seconds": 2.0}),
                ("age_events", {"count": 4, "days": 59.99}),
                ("age_events", {"count": 4, "days": 61.0}),
                ("rotate_and_forget", {}),
                ("expire_tokens", {}),
            ):
                if dice.random() < 0.25:
                    await remote.do(stage.session, verb, **arguments)
        shop = self._field.shop
        await shop.misbehave(stage.session, *self._faults(_CREATING, 4, acting=True))
        await shop.misbehave(stage.session, *self._faults(".", 2, acting=False))

    def _faults(self, match: str, most: int, acting: bool) -> list[Fault]:
        dice = self._dice
        kinds = [FaultKind.ERROR, FaultKind.CUT, FaultKind.HALF, FaultKind.SLOW, FaultKind.THROTTLE]
        lost = [FaultKind.LOSE, FaultKind.RESET, FaultKind.LATE, FaultKind.ERROR_AFTER]
        kinds += lost * 2 if acting else []
        faults = []
        for _ in range(dice.randint(0, most)):
            kind = dice.choice(kinds)
            # Without Retry-After everybody waits a minute, as the marketplace asks; so that is rare here.
            silent = kind is FaultKind.THROTTLE and dice.random() < 0.05
            self._late = self._late or kind is FaultKind.LATE
            # A stranger on the way answers as often as a server that is unwell.
            stranger = kind in (FaultKind.ERROR, FaultKind.ERROR_AFTER) and dice.random() < 0.5
            faults.append(
                Fault(
                    kind=kind,
                    match=match,
                    times=1 if kind is FaultKind.THROTTLE else dice.choice((1, 2, 5)),
                    chance=dice.choice((0.1, 0.5, 1.0)),
                    after=dice.randint(0, 5),
                    status=dice.choice(_STRANGERS if stranger else (500, 502, 503, 504)),
                    body=dice.choice((PAGE, "")) if stranger else PAGE,
                    retry_after=None if silent else 1.0,
                    seconds=dice.uniform(0.1, _LATEST),
                )
            )
        return faults
