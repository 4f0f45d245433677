"""The same against the whole daemon: real processes, real sockets, real signals, drawn from a seed.

Several schedules share one set of processes, since starting those takes longer than a schedule. A seed gives the
same trade, faults and strikes again; what a process was doing when it was struck is the machine's affair.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable
from pathlib import Path

from olhubd.store import Database
from olhubd.testing.books import Audit
from olhubd.testing.faults import Fault, Kind
from olhubd.testing.process import Remote
from olhubd.testing.stage import Stage, open_stage
from olhubd.testing.torture import verdict
from olhubd.testing.trade import Trade

__all__ = ["Siege", "besiege"]

_TOGETHER = 5
_SETTLE = "3 s"
"""The simulated shop acts at the latest a second after its answer was lost; a real one needs a minute."""
_LIMIT = 240.0
_READING = r"GET /(order|sale)"
_CREATING = r"POST .*/orders$"
_STRIKES = ("kill", "kill", "kill", "freeze", "stop", "second", "deaf market", "deaf shop")


class Siege:
    """What came of it."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.schedules = self.orders = self.forwarded = self.held = 0
        self.strikes: dict[str, int] = {}
        self.faults = 0

    def sums(self) -> list[tuple[str, object]]:
        strikes = ", ".join(f"{count} x {name}" for name, count in sorted(self.strikes.items()))
        return [
            ("schedules", self.schedules),
            ("sold", self.orders),
            ("forwarded", self.forwarded),
            ("for a person", self.held),
            ("faults", self.faults),
            ("strikes", strikes or "none"),
            ("failed", len(self.findings)),
        ]


async def besiege(folder: Path, seed: int, schedules: int, tell: Callable[[str], object]) -> Siege:
    """Play so many schedules in `folder`."""
    siege = Siege()
    for start in range(0, schedules, _TOGETHER):
        here = folder / f"from-{seed + start}"
        here.mkdir(parents=True)
        await _together(here, range(seed + start, seed + min(start + _TOGETHER, schedules)), siege, tell)
    return siege


async def _together(folder: Path, seeds: range, siege: Siege, tell: Callable[[str], object]) -> None:
    async with open_stage(
        folder,
        seed=seeds.start,
        account={"interval": "500 ms", "sweep_interval": "3 s"},
        target={"fetch_orders": True, "interval": "1 s", "sweep_interval": "5 s", "settle": _SETTLE},
        route={"mark_processing": True, "status_back": {"completed": "SENT"}},
        engine={"backoff_first": "300 ms", "backoff_max": "3 s", "timeout": "20 s"},
    ) as stage:
        audit = await stage.audit()
        for seed in seeds:
            audit = await _Schedule(stage, seed, siege).play(tell)
        siege.orders += audit.sold
        siege.forwarded += audit.forwarded
        siege.held += await stage.held()
        for remote in (*stage.markets.values(), _shop(stage)):
            siege.faults += sum((await remote.struck(stage.session)).values())
        if code := await stage.daemon.stop():
            siege.findings.append(f"stop: from seed {seeds.start} on, the daemon ended with {code}")
        log = (folder / "olhubd.log").read_text(errors="replace")
        async with Database.open(folder / "data" / "olhubd.sqlite") as database:
            found = await verdict.in_file(database.reader, log)
        if "Traceback" in log:
            found.append("crash: a traceback is in the log")
        siege.findings += [f"{finding} (from seed {seeds.start} on)" for finding in found]


def _shop(stage: Stage) -> Remote:
    """The shop, which is a simulated one here."""
    assert isinstance(stage.shop, Remote)
    return stage.shop


class _Schedule:
    def __init__(self, stage: Stage, seed: int, siege: Siege) -> None:
        self._stage = stage
        self._seed = seed
        self._siege = siege
        self._dice = random.Random(f"siege {seed}")

    async def play(self, tell: Callable[[str], object]) -> Audit:
        """Trade under trouble, then take the trouble away, settle, and look; doubles come late."""
        dice, stage = self._dice, self._stage
        await self._spoil()
        trade = Trade(stage, dice.randint(5, 25), seed=self._seed, pause=dice.choice((0.0, 0.1, 0.3)))
        strikes = [dice.choice(_STRIKES) for _ in range(dice.choice((0, 1, 1, 2, 3)))]
        trading = asyncio.create_task(trade.run(), name="trade")
        try:
            for strike in strikes:
                await asyncio.sleep(dice.expovariate(1.0))
                await self._strike(strike)
        finally:
            await trading
        await stage.behave()
        settled = await stage.settle(_LIMIT)
        await asyncio.sleep(2.0)
        audit = await stage.audit()
        found = [] if settled else [f"unsettled: {await stage.open_deliveries()} deliveries are open"]
        for kind in ("lost", "doubled", "wrong_totals", "strays"):
            found += [f"{kind.replace('_', ' ')}: {name}" for name in getattr(audit, kind)]
        self._siege.schedules += 1
        self._siege.findings += [f"{finding} (seed {self._seed})" for finding in found]
        tell(
            f"seed {self._seed}: {trade.placed} orders, {', '.join(strikes) or 'no strike'}: {len(found)} findings"
        )
        return audit

    async def _spoil(self) -> None:
        dice, stage = self._dice, self._stage
        for remote in stage.markets.values():
            await remote.misbehave(stage.session, *self._faults(_READING, 3, acting=False))
            for verb, arguments in (
                ("drop_events", {"count": 2}),
                ("duplicate_events", {"count": 5}),
                ("reorder_events", {"window": 5}),
                ("delay_events", {"count": 3, "seconds": 2.0}),
                ("rotate_and_forget", {}),
                ("expire_tokens", {}),
            ):
                if dice.random() < 0.25:
                    await remote.do(stage.session, verb, **arguments)
        await stage.shop.misbehave(stage.session, *self._faults(_CREATING, 4, acting=True))
        await stage.shop.misbehave(stage.session, *self._faults(".", 2, acting=False))

    def _faults(self, match: str, most: int, acting: bool) -> list[Fault]:
        dice = self._dice
        kinds = [Kind.ERROR, Kind.CUT, Kind.HALF, Kind.SLOW, Kind.THROTTLE]
        kinds += [Kind.LOSE, Kind.LATE, Kind.ERROR_AFTER] * 2 if acting else []
        faults = []
        for _ in range(dice.randint(0, most)):
            kind = dice.choice(kinds)
            # Without Retry-After everybody waits a minute, as the marketplace asks; so that is rare here.
            silent = kind is Kind.THROTTLE and dice.random() < 0.05
            faults.append(
                Fault(
                    kind=kind,
                    match=match,
                    times=1 if kind is Kind.THROTTLE else dice.choice((1, 2, 5)),
                    chance=dice.choice((0.1, 0.5, 1.0)),
                    after=dice.randint(0, 5),
                    status=dice.choice((500, 502, 503, 504)),
                    retry_after=None if silent else 1.0,
                    seconds=dice.uniform(0.1, 1.0),
                )
            )
        if dice.random() < 0.03:
            faults.append(Fault(kind=Kind.HANG, match=match))
        return faults

    async def _strike(self, strike: str) -> None:
        daemon, dice = self._stage.daemon, self._dice
        self._siege.strikes[strike] = self._siege.strikes.get(strike, 0) + 1
        match strike:
            case "kill":
                await daemon.kill()
                await daemon.start()
            case "stop":
                if code := await daemon.stop():
                    self._siege.findings.append(f"stop: the daemon ended with {code} (seed {self._seed})")
                await daemon.start()
            case "freeze":
                daemon.signal(signal.SIGSTOP)
                await asyncio.sleep(dice.uniform(0.2, 3.0))
                daemon.signal(signal.SIGCONT)
            case "second":
                if await daemon.second() == 0:
                    self._siege.findings.append(f"second: another daemon ran on the same data (seed {self._seed})")
            case "deaf market":
                await self._deafen(dice.choice(list(self._stage.markets.values())))
            case "deaf shop":
                await self._deafen(_shop(self._stage))

    async def _deafen(self, remote: Remote) -> None:
        """It accepts connections and answers nobody for a while."""
        remote.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(self._dice.uniform(0.5, 4.0))
        finally:
            remote.process.send_signal(signal.SIGCONT)
