"""`olhubd torture`: a machine that tries to lose an order, to double one, or to get a total wrong.

Either the engine in this process, in virtual time and between systems in memory, or (`--process`) the whole daemon
as a process between simulators on real sockets.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from olhubd.cli import progress
from olhubd_kit.commands import cleanup

if TYPE_CHECKING:
    from olhubd_torture.run_schedule import ScheduleResult

__all__ = ["torture"]

_TOLD = 15.0
"""Seconds between two lines of progress."""


@click.command()
@click.option(
    "--schedules",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Play so many schedules.",
)
@click.option("--seed", type=int, default=None, help="The first seed; the next has the next. Default: chance.")
@click.option("--process", "as_process", is_flag=True, help="The whole daemon as a process; minutes, not seconds.")
@click.option("--every", is_flag=True, help="Small schedules instead, with a kill at every single crossing.")
@click.option("--small", is_flag=True, help="Short schedules of one or two purchases, for great numbers of them.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="So many at a time. Default: one a core; with --process six a core, since they mostly wait.",
)
@click.option(
    "--soak", default=None, metavar="SPAN", help="Instead, watch one daemon for so long, such as 1h: does it grow?"
)
@click.option(
    "--accounts",
    type=click.IntRange(min=2),
    default=50,
    show_default=True,
    metavar="N",
    help="How many a soaked process has, the shop among them.",
)
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), default=None, help="Leave there what failed."
)
def torture(
    schedules: int,
    seed: int | None,
    as_process: bool,
    every: bool,
    small: bool,
    jobs: int | None,
    soak: str | None,
    accounts: int,
    keep: Path | None,
) -> None:
    """Try to break the promise: no order lost, none doubled, no wrong total, nothing silent.

    Nothing real is touched. Exit code 1 when anything was found. Each failing schedule is shrunk, and printed with
    the command that plays it again. See docs/reliability.md.

    \b
    Examples:
      olhubd torture --schedules 2000
      olhubd torture --schedules 100000 --small
      olhubd torture --schedules 1 --seed 4711 --keep /tmp/4711
      olhubd torture --every
      olhubd torture --soak 24h
      olhubd torture --process --schedules 20
      olhubd torture --process --soak 1h --accounts 50
    """
    if (as_process or soak is not None) and (every or small):
        kind = "--every" if every else "--small"
        raise click.UsageError(f"{kind} is a kind of schedules in this process: leave --process and --soak out")
    first = random.randrange(1_000_000) if seed is None else seed
    cleanup.in_order()
    if soak is not None and as_process:
        sys.exit(_watch(first, _span(soak), accounts, keep))
    if as_process:
        sys.exit(_besiege(first, schedules, jobs or 6 * (os.cpu_count() or 1), keep))
    if soak is not None:
        sys.exit(_live(first, _span(soak)))
    from olhubd_torture import campaign

    jobs = jobs or os.cpu_count() or 1
    if every:
        sys.exit(_play(campaign.at_every_crossing(*campaign.SMALL.values(), jobs=jobs), keep))
    click.echo(f"{schedules} schedules from seed {first} on, {jobs} at a time")
    seeds = range(first, first + schedules)
    sys.exit(_play(campaign.by_seed(seeds, min(jobs, schedules), small=small), keep, schedules))


class _Sum:
    """What all schedules come to."""

    def __init__(self) -> None:
        from olhubd_torture.stock_book import StockCounts

        self.schedules = self.failed = self.orders = self.struck = self.crossings = 0
        self.kills = self.cuts = 0
        self.stock = StockCounts()
        self.virtual = 0.0
        self._began = self._told = time.perf_counter()

    def add(self, result: ScheduleResult) -> None:
        self.schedules += 1
        self.failed += bool(result.findings)
        self.orders += result.orders
        self.kills += result.kills
        self.cuts += result.cuts
        self.struck += result.struck
        self.crossings += result.crossings
        self.stock = self.stock.plus(result.stock)
        self.virtual += result.seconds
        now = time.perf_counter()
        if now - self._told > _TOLD and not progress.shown():
            self._told = now
            pace = self.schedules / (now - self._began)
            click.echo(f"... {self.schedules} schedules, {pace:.1f} a second, {self.failed} failed", err=True)

    def _stock(self) -> list[tuple[str, object]]:
        """What was sold of what is counted, if anything is."""
        stock = self.stock
        shown = f"{stock.written} written, {stock.confirmed} read back"
        sold = f"{stock.sold}, of them {stock.oversold} oversold and explained"
        return [("stock items", stock.items), ("pieces sold", sold), ("quantities", shown)] if stock.items else []

    def tell(self) -> None:
        took = time.perf_counter() - self._began
        for name, value in (
            ("schedules", self.schedules),
            ("orders", self.orders),
            ("kills", self.kills),
            ("power cuts", self.cuts),
            ("faults", self.struck),
            ("crossings", self.crossings),
            *self._stock(),
            ("hours lived", f"{self.virtual / 3600:.1f}"),
            ("seconds", f"{took:.1f}"),
            ("failed", self.failed),
        ):
            click.echo(f"{name:>14}  {value}")


def _play(plays: Generator[ScheduleResult, None, None], keep: Path | None, count: int | None = None) -> int:
    """Play all and report; what was played until Ctrl-C is reported too."""
    total, stopped = _Sum(), False
    try:
        with progress.counted("schedules", count) as advance:
            for result in plays:
                total.add(result)
                advance()
                if result.findings:
                    _tell(result, keep)
    except KeyboardInterrupt:
        stopped = True
        plays.close()
    total.tell()
    return 130 if stopped else int(bool(total.failed))


def _tell(result: ScheduleResult, keep: Path | None) -> None:
    from olhubd_torture import campaign
    from olhubd_torture.run_schedule import play

    schedule = result.schedule
    drawn = f"{'small ' * schedule.small}seed {schedule.seed}"
    again = "--every" if schedule.name else f"--seed {schedule.seed}{' --small' * schedule.small}"
    name = schedule.name or drawn
    click.echo(f"\nFAILED: {name}")
    for finding in result.findings[:20]:
        click.echo(f"  {finding}")
    if result.strikes:
        click.echo(f"  killed at crossing {', '.join(map(str, result.strikes))}")
    least = campaign.shrink(result)
    click.echo(f"as few steps as still fail ({', '.join(sorted(least.kinds))}):")
    for step in least.schedule.steps:
        click.echo(f"  {step}")
    click.echo(f"again: olhubd torture --schedules 1 {again}\n")
    if keep is not None:
        folder = keep / name.replace(" ", "-").replace(",", "")
        play(least.schedule, kills=result.strikes, keep=folder)
        (folder / "trace.txt").write_text("\n".join([*least.trace, "", *least.log, "", *least.findings]) + "\n")
        click.echo(f"its files: {folder}")


def _besiege(seed: int, schedules: int, jobs: int, keep: Path | None) -> int:
    import asyncio
    import contextlib
    import tempfile

    from olhubd_torture.process_torture import besiege

    with contextlib.ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="olhubd-torture-")))
        click.echo(f"{schedules} schedules from seed {seed} on, the whole daemon as a process")
        began = time.perf_counter()
        found = asyncio.run(besiege(folder, seed, schedules, click.echo, jobs=jobs))
        for name, value in (*found.sums(), ("seconds", f"{time.perf_counter() - began:.1f}")):
            click.echo(f"{name:>14}  {value}")
        for finding in found.findings:
            click.echo(f"FAILED: {finding}")
        if found.findings:
            click.echo(f"again: olhubd torture --process --schedules {schedules} --seed {seed}")
    return 1 if found.findings else 0


def _span(text: str) -> float:
    """A span as people write it, in seconds."""
    from datetime import timedelta

    from olhubd.plugin.settings import duration

    try:
        span = duration(text)
    except ValueError as error:
        raise click.UsageError(f"--soak {text}: {error}") from None
    if not isinstance(span, timedelta) or span <= timedelta(0):
        raise click.UsageError(f"--soak {text}: must be a span such as 30s, 10min or 24h")
    return span.total_seconds()


def _live(seed: int, seconds: float) -> int:
    from olhubd_torture.soak import live

    click.echo(f"one life of {seconds / 3600:g} virtual hours, from seed {seed}")
    began = time.perf_counter()
    result, samples = live(seed, seconds)
    click.echo("  hour      MiB   objects  tasks  files  orders  database MiB")
    for one in samples[:: -(-len(samples) // 24) or 1]:
        click.echo(
            f"{one.second / 3600:6.1f} {one.resident / 2**20:8.1f} {one.objects:9} {one.tasks:6} {one.files:6}"
            f" {one.orders:7} {one.stored / 2**20:13.1f}"
        )
    for name, value in (
        ("orders", result.orders),
        ("faults", result.struck),
        ("crossings", result.crossings),
        ("seconds", f"{time.perf_counter() - began:.1f}"),
        ("failed", len(result.findings)),
    ):
        click.echo(f"{name:>14}  {value}")
    for finding in result.findings[:20]:
        click.echo(f"FAILED: {finding}")
    return 1 if result.findings else 0


def _watch(seed: int, seconds: float, accounts: int, keep: Path | None) -> int:
    import asyncio
    import contextlib
    import tempfile

    from olhubd_torture.soak_process import watch

    with contextlib.ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="olhubd-soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        click.echo(f"one daemon with {accounts} accounts for {seconds:g} s, from seed {seed}; samples in {folder}")
        vigil = asyncio.run(watch(folder, seed, seconds, accounts, click.echo))
        for name, value in vigil.sums():
            click.echo(f"{name:>14}  {value}")
        for finding in vigil.findings:
            click.echo(f"FAILED: {finding}")
    return 1 if vigil.findings else 0
