"""What came in: the import log, and what could not be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli.output import span
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.runs import RunRow

__all__ = ["quarantine", "runs"]


@click.command()
@account_option("Of this account only.")
@click.option("--before", type=click.IntRange(0), metavar="RUN", help="Older than this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="How many.")
@session_command(rows=True)
def runs(session: Session, account: str | None, before: int | None, limit: int) -> None:
    """The import log, the newest run first. Runs that found nothing share a row and are counted.

    \b
    Example:
      olhubd runs --account shop-pl
    """
    from olhubd.control.api.schema.runs import RunPage

    with session.daemon() as daemon:
        page = daemon.get("/api/v1/runs", RunPage, account=account, before=before, limit=limit)
    printer = session.printer
    if not printer.json(page):
        printer.table(
            (
                "RUN:right", "ACCOUNT", "FEED:least", "WHY:least", "STARTED", "TOOK:least", "STATE",
                "TIMES:right:least", "TOLD:right:least", "NEW:right", "CHANGED:right", "REFUSED:right", "ERROR",
            ),
            map(_row, page.items),
            "Nothing has been fetched yet.",
        )  # fmt: skip
        printer.more(page.next)


def _row(run: RunRow) -> tuple[object, ...]:
    took = span((run.ended_at - run.started_at).total_seconds()) if run.ended_at and run.polls == 1 else ""
    return (
        run.id, run.account, run.feed, run.trigger, run.started_at, took, run.state.value, run.polls, run.seen,
        run.added, run.changed, run.quarantined, run.error,
    )  # fmt: skip


@click.command()
@click.option("--before", type=click.IntRange(0), metavar="RECORD", help="Older than this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@click.option("--raw", is_flag=True, help="With the text that could not be read. It holds personal data.")
@session_command(rows=True)
def quarantine(session: Session, before: int | None, limit: int, raw: bool) -> None:
    """Records that could not be stored, and why. Each clears by itself once its source sends it right."""
    from olhubd.control.api.schema.quarantine import QuarantinePage

    with session.daemon() as daemon:
        page = daemon.get(
            "/api/v1/quarantine", QuarantinePage, before=before, limit=limit, raw="true" if raw else None
        )
    printer = session.printer
    if printer.json(page):
        return
    printer.table(
        ("ACCOUNT", "RECORD", "FEED:least", "SINCE", "LAST:least", "TIMES:right", "WHY"),
        [(r.account, r.called, r.feed, r.first_at, r.last_at, r.tries, r.reason) for r in page.items],
        "Nothing is in quarantine.",
    )
    printer.more(page.next)
    for record in page.items:
        if record.raw is not None:
            printer.line(f"\n{record.account} {record.called}:\n{record.raw}")
