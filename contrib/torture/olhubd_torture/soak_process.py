"""A long watch over one daemon in real time: steady trade under faults, and what the process takes meanwhile.

It is neither killed nor restarted, since what is watched is one process: its memory, open files, threads and tasks.
The books are held at the end as after any other torture.
"""

from __future__ import annotations

import asyncio
import csv
import os
import random
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import msgspec

from olhubd.store import Database
from olhubd_kit.demo_stack import DemoStack, open_stage
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.process import SimulatorProcess
from olhubd_kit.traffic import Traffic, spoil_shop
from olhubd_torture import checks

__all__ = ["ProcessSample", "Quarter", "SoakResult", "quarters", "watch"]

_EVERY = 10.0
_PACE = 1.0
"""Seconds from one purchase to the next, on the average."""
_WINDOW = "15 min"
"""How far back sweeps look. With days of it their pages would grow all the time, from none to a hundred orders, and
with them what they take: that is another load in each quarter, and no growth of the process."""
_GROWTH = 1.05
"""How much more memory the last quarter may take than the second; the first one warms up."""
_MARGIN, _SLACK = 1.25, 8
"""By what share and number files, threads and tasks may differ, since connections come and go."""
_POOLED, _OWN = 8, 64
"""The most files: connections to one system, of which those of one burst stay open for long, since the pool
takes the one that rested longest; and beside them those to the shop, the database and the callers."""
_LIMIT = 600.0
_TICK = os.sysconf("SC_CLK_TCK")


class ProcessSample(msgspec.Struct, frozen=True):
    """The process at one moment; `resident` in bytes, `cpu` in seconds since it began."""

    second: float
    resident: int
    files: int
    threads: int
    tasks: int
    cpu: float
    orders: int


class Quarter(msgspec.Struct, frozen=True):
    """A quarter of the samples: means of what the process took, and the most files."""

    resident: float
    files: float
    most_files: int
    threads: float
    tasks: float
    orders: int

    def __str__(self) -> str:
        return (
            f"{self.resident / 2**20:.1f} MiB, {self.files:.1f} files (at most {self.most_files}),"
            f" {self.threads:.1f} threads, {self.tasks:.1f} tasks, {self.orders} orders"
        )


class SoakResult(msgspec.Struct):
    """What came of it."""

    samples: list[ProcessSample] = []
    findings: list[str] = []
    sold: int = 0
    forwarded: int = 0
    held: int = 0
    faults: int = 0

    def sums(self) -> list[tuple[str, object]]:
        rows: list[tuple[str, object]] = [
            ("sold", self.sold),
            ("forwarded", self.forwarded),
            ("for a person", self.held),
            ("faults", self.faults),
        ]
        if self.samples:
            first, last = self.samples[0], self.samples[-1]
            rows.append(("of one core", f"{(last.cpu - first.cpu) / max(last.second - first.second, 1):.1%}"))
        rows += [(f"quarter {number}", str(one)) for number, one in enumerate(quarters(self.samples), 1)]
        return [*rows, ("failed", len(self.findings))]


def quarters(samples: Sequence[ProcessSample]) -> list[Quarter]:
    """The samples in four parts; none for less than four."""
    count = len(samples)
    parts = [samples[count * number // 4 : count * (number + 1) // 4] for number in range(4)] if count >= 4 else []
    return [
        Quarter(
            resident=fmean(one.resident for one in part),
            files=fmean(one.files for one in part),
            most_files=max(one.files for one in part),
            threads=fmean(one.threads for one in part),
            tasks=fmean(one.tasks for one in part),
            orders=part[-1].orders,
        )
        for part in parts
    ]


def growth(samples: Sequence[ProcessSample], accounts: int = 0) -> list[str]:
    """What grows that must not, the last quarter against the second.

    Files may come to what the pools of so many `accounts` hold: how many do is a matter of the last burst.
    """
    if len(samples) < 4:
        return ["short: too few samples to tell anything from"]
    _, second, _, last = quarters(samples)
    found = []
    if last.resident > second.resident * _GROWTH:
        sizes = f"{last.resident / 2**20:.1f} MiB in the last quarter, {second.resident / 2**20:.1f} in the second"
        found.append(f"memory: {sizes}")
    for name in ("files", "threads", "tasks"):
        before, after = getattr(second, name), getattr(last, name)
        pooled = name == "files" and last.most_files <= accounts * _POOLED + _OWN
        if after > before * _MARGIN + _SLACK and not (accounts and pooled):
            found.append(f"{name}: {after:.1f} in the last quarter, {before:.1f} in the second")
    return found


async def watch(
    folder: Path,
    seed: int,
    seconds: float,
    accounts: int,
    tell: Callable[[str], object],
    every: float = _EVERY,
) -> SoakResult:
    """Watch a daemon with so many accounts, one of which is the shop, and look at it `every` so many seconds.

    Leaves samples.csv in `folder`.
    """
    vigil = SoakResult()
    markets = [f"allegro-{number:02}" for number in range(1, accounts)]
    async with open_stage(
        folder,
        markets=markets,
        seed=seed,
        account={"interval": "20 s", "sweep_interval": "5 min", "sweep_window": _WINDOW},
        target={
            "fetch_orders": True,
            "interval": "20 s",
            "sweep_interval": "5 min",
            "sweep_window": _WINDOW,
            "settle": "3 s",
        },
        route={"mark_processing": True, "status_back": {"completed": "SENT"}},
        engine={"backoff_first": "1 s", "backoff_max": "30 s", "timeout": "20 s"},
        town=True,
    ) as stage:
        trade = Traffic(stage, 10**9, seed=seed, pause=_PACE)
        weather = asyncio.create_task(_weather(stage, random.Random(f"vigil {seed}")), name="weather")
        trading = asyncio.create_task(trade.run(), name="trade")
        try:
            await _sample(stage, seconds, every, trade, folder / "samples.csv", vigil, tell)
            trade.stop()
            await trading
        finally:
            for task in (weather, trading):
                task.cancel()
            await asyncio.gather(weather, trading, return_exceptions=True)
        _shop(stage).process.send_signal(signal.SIGCONT)
        await _books(stage, vigil)
    await _judge(stage, vigil)
    vigil.findings += growth(vigil.samples, accounts)
    return vigil


def _shop(stage: DemoStack) -> SimulatorProcess:
    assert isinstance(stage.shop, SimulatorProcess)
    return stage.shop


async def _sample(
    stage: DemoStack,
    seconds: float,
    every: float,
    trade: Traffic,
    path: Path,
    vigil: SoakResult,
    tell: Callable[[str], object],
) -> None:
    began = told = time.monotonic()
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(ProcessSample.__struct_fields__)
        while (now := time.monotonic() - began) < seconds:
            await asyncio.sleep(min(every, seconds - now))
            metrics = await stage.daemon.get("/metrics")
            sample = _look(stage.daemon.pid, metrics, time.monotonic() - began, trade.placed)
            vigil.samples.append(sample)
            rows.writerow(msgspec.structs.astuple(sample))
            file.flush()
            if time.monotonic() - told >= 60.0:
                told = time.monotonic()
                tell(
                    f"{sample.second:6.0f} s: {sample.resident / 2**20:.1f} MiB, {sample.files} files,"
                    f" {sample.threads} threads, {sample.tasks} tasks, {sample.orders} orders"
                )


def _look(pid: int, metrics: str, second: float, orders: int) -> ProcessSample:
    home = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (home / "status").read_text().splitlines())
    stat = (home / "stat").read_text().rpartition(")")[2].split()
    loops = re.search(r"^olhubd_loops (\S+)$", metrics, re.MULTILINE)
    assert loops is not None
    return ProcessSample(
        second=round(second, 1),
        resident=int(status["VmRSS"].split()[0]) * 1024,
        files=len(os.listdir(home / "fd")),
        threads=int(status["Threads"]),
        tasks=int(float(loops[1])),
        cpu=(int(stat[11]) + int(stat[12])) / _TICK,
        orders=orders,
    )


async def _weather(stage: DemoStack, dice: random.Random) -> None:
    """Trouble that never quite ends: all the time a little, each minute some more, at times an outage."""
    markets = list(stage.markets.values())
    for market in markets:
        await market.misbehave(
            stage.session,
            Fault(kind=FaultKind.ERROR, match="GET /order", times=None, chance=0.01, status=503),
            Fault(kind=FaultKind.CUT, times=None, chance=0.005),
            Fault(kind=FaultKind.HALF, match="GET /order", times=None, chance=0.005),
            Fault(kind=FaultKind.SLOW, times=None, chance=0.01, seconds=1.0),
            Fault(kind=FaultKind.LOSE, match="PUT /order", times=None, chance=0.02),
        )
    await spoil_shop(stage)
    shop = _shop(stage)
    while True:
        await asyncio.sleep(dice.uniform(10.0, 30.0))
        market = dice.choice(markets)
        verb, arguments = dice.choice(
            (
                ("drop_events", {"count": 2}),
                ("duplicate_events", {"count": 5}),
                ("reorder_events", {"window": 5}),
                ("delay_events", {"count": 3, "seconds": 20.0}),
                ("age_events", {"count": 3, "days": 61.0}),
                ("rotate_and_forget", {}),
                ("expire_tokens", {}),
            )
        )
        await market.do(stage.session, verb, **arguments)
        match dice.randrange(8):
            case 0:
                await shop.misbehave(stage.session, Fault(kind=FaultKind.HANG))
            case 1:
                await market.misbehave(stage.session, Fault(kind=FaultKind.THROTTLE, match="GET /order"))
            case 2:
                await _outage(stage, [shop], dice.uniform(5.0, 30.0))
            case 3:
                await _outage(stage, markets, dice.uniform(5.0, 30.0))
            case 4:
                shop.process.send_signal(signal.SIGSTOP)
                try:
                    await asyncio.sleep(dice.uniform(1.0, 8.0))
                finally:
                    shop.process.send_signal(signal.SIGCONT)


async def _outage(stage: DemoStack, remotes: Sequence[SimulatorProcess], seconds: float) -> None:
    for remote in remotes:
        await remote.misbehave(stage.session, Fault(kind=FaultKind.ERROR, times=None, status=502))
    await asyncio.sleep(seconds)
    for remote in remotes:
        await remote.behave(stage.session, FaultKind.ERROR)


async def _books(stage: DemoStack, vigil: SoakResult) -> None:
    """Take the trouble away, settle, and look; doubles come late."""
    await stage.behave()
    if not await stage.settle(_LIMIT):
        vigil.findings.append(f"unsettled: {await stage.open_deliveries()} deliveries are open")
    await asyncio.sleep(2.0)
    audit = await stage.audit()
    for kind in ("lost", "doubled", "wrong_totals", "strays"):
        vigil.findings += [f"{kind.replace('_', ' ')}: {name}" for name in getattr(audit, kind)]
    vigil.sold, vigil.forwarded, vigil.held = audit.sold, audit.forwarded, await stage.held()
    for remote in (*stage.markets.values(), _shop(stage)):
        vigil.faults += sum((await remote.struck(stage.session)).values())
    if code := await stage.daemon.stop():
        vigil.findings.append(f"stop: the daemon ended with {code}")


async def _judge(stage: DemoStack, vigil: SoakResult) -> None:
    async with Database.open(stage.folder / "data" / "olhubd.sqlite") as database:
        vigil.findings += await checks.in_file(database.reader, stage.log)
    if "Traceback" in stage.log:
        vigil.findings.append("crash: a traceback is in the log")
