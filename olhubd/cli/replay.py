"""`olhubd replay`: decide again what was decided, from the inputs that were kept, and compare.

It reads the database file itself, so it needs no daemon, and it writes nowhere but into the scratch file.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from olhubd.cli import progress
from olhubd.cli.failures import Exit, Failure
from olhubd.cli.output import Printer
from olhubd.cli.session import DEFAULT_CONFIG, Session, session_command

if TYPE_CHECKING:
    from olhubd.decide.route import Route
    from olhubd.engine.replay.diff import ReplayDifference
    from olhubd.engine.replay.replay import ReplayReport

__all__ = ["replay"]

_DATABASE = "olhubd.sqlite"


def _when(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """A moment, or one so long ago."""
    from olhubd.plugin.settings import duration
    from olhubd.runtime.clock import SystemClock

    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        pass
    else:
        if moment.tzinfo is None:
            raise click.BadParameter(f"{value} has no offset from UTC: write for example {value}+01:00")
        return moment.astimezone(UTC)
    try:
        span: timedelta = duration(value)
        return SystemClock().now() - span
    except (ValueError, OverflowError):
        hint = 'write a moment like 2026-01-31T08:00:00+01:00, or a span before now like "2 days"'
        raise click.BadParameter(f"{value!r} is no time: {hint}") from None


@click.command()
@click.option("--since", callback=_when, metavar="TIME", help="Compare from then on. Default: all.")
@click.option("--until", callback=_when, metavar="TIME", help="Stop before then; compares events only.")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The scratch database; a new file.",
)
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Where the inputs are: a copy, a backup, or the daemon's own. Default: the configured one.",
)
@click.option(
    "--routes",
    "other",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Another configuration: what would have been decided by its routes?",
)
@session_command(rows=True)
def replay(
    session: Session,
    since: datetime | None,
    until: datetime | None,
    into: Path,
    database: Path | None,
    other: Path | None,
) -> None:
    """Decide again what was decided about orders, from the inputs that were kept, and report what is different.

    Nothing outside is called and the daemon's database is only read. TIME is a moment with its offset from UTC, or
    a span like "2 days" before now. Exit code 1 when anything is different. See docs/replay.md.

    \b
    Examples:
      olhubd replay --since "2 days" --into /tmp/scratch.db
      olhubd replay --into /tmp/scratch.db --routes new.toml
      olhubd replay --into /tmp/scratch.db --database backup.sqlite --json
    """
    from olhubd.engine.replay.replay import replay as play
    from olhubd.store import StoreError

    source = database or _configured(session)
    routes = _routes(other) if other is not None else None
    try:
        with progress.working("deciding again", session):
            report = asyncio.run(play(source, into, since=since, until=until, routes=routes))
    except StoreError as error:
        raise Failure(str(error)) from None
    printer = session.printer
    if not printer.json(report):
        _tell(printer, report)
    if report.differ:
        sys.exit(Exit.FAILED)


def _configured(session: Session) -> Path:
    reach = session.reach
    if reach is None:
        raise Failure(f"{DEFAULT_CONFIG} is not there", Exit.CONFIGURATION, ["Name the file with --database."])
    return reach.data / _DATABASE


def _routes(path: Path) -> Sequence[Route]:
    from olhubd import config

    return config.load(path, None, os.environ).routes


def _about(one: ReplayDifference) -> str:
    """Most are orders, so that is not said."""
    return one.order if one.kind.value == "order" else f"{one.kind.value} {one.order}"


def _tell(printer: Printer, report: ReplayReport) -> None:
    others = f" and {report.others} other records" if report.others else ""
    printer.line(
        f"{report.inputs} inputs, {report.decisions} decisions about {report.orders} orders{others},"
        f" {report.differ} differ"
    )
    if report.left_out:
        printer.line(f"{report.left_out} orders are older than the inputs and have changed since: left out")
    if report.not_compared:
        unseen = ", ".join(f"{kind} ({count})" for kind, count in report.not_compared.items())
        printer.line(f"not compared is what happened to: {unseen}")
    if report.differences or printer.as_csv:
        printer.table(
            ("ABOUT", "ID", "WAS", "IS NOW"),
            [(_about(one), one.order_id, one.was, one.now) for one in report.differences],
            "",
        )
    if report.differ > len(report.differences):
        printer.line(f"... and {report.differ - len(report.differences)} more")
