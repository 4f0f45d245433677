"""`olhubd alarms` and `olhubd reconcile`: what is wrong, and whether anything is missing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from olhubd.cli import progress
from olhubd.cli.failures import Exit, Failure
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.alarms import ReconciliationRow

__all__ = ["alarms", "reconcile"]

_NAMED = 5
"""Orders of a day that are named."""


@click.command()
@click.option("--past", is_flag=True, help="Those that are over, the newest first.")
@click.option("--before", type=click.IntRange(0), metavar="ALARM", help="Older than this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@session_command(rows=True)
def alarms(session: Session, past: bool, before: int | None, limit: int) -> None:
    """What is wrong now, and what was.

    \b
    Examples:
      olhubd alarms
      olhubd alarms --past --json
    """
    from olhubd.control.api.schema.alarms import AlarmPage

    with session.daemon() as daemon:
        page = daemon.get("/api/v1/alarms", AlarmPage, past="true" if past else None, before=before, limit=limit)
    printer = session.printer
    if printer.json(page):
        return
    printer.table(
        ("ALARM:right:least", "KIND", "OF", "SINCE", "UNTIL", "WHAT"),
        [(a.id, a.kind.value, a.subject, a.raised_at, a.cleared_at, a.detail) for a in page.items],
        "No alarm has ended yet." if past else "Nothing is wrong.",
    )
    printer.more(page.next)


@click.command()
@account_option("Of this account only.")
@click.option("--now", "at_once", is_flag=True, help="Compare a day of --account with its source now.")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Which one with --now; the last whole one otherwise."
)
@click.option("--different", is_flag=True, help="Only days on which source and hub differ.")
@click.option("--before", type=click.IntRange(0), metavar="NUMBER", help="Older than this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="How many days.")
@session_command(rows=True)
def reconcile(
    session: Session,
    account: str | None,
    at_once: bool,
    day: datetime | None,
    different: bool,
    before: int | None,
    limit: int,
) -> None:
    """Whether the hub holds each order that its source counts, by account and day.

    Each day is compared by itself some hours after it is over. Exit code 1 when a day that is shown differs.

    \b
    Examples:
      olhubd reconcile --account allegro-main
      olhubd reconcile --account allegro-main --now --day 2026-01-31
    """
    from olhubd.client import segment
    from olhubd.control.api.schema.alarms import ReconcileRequest, ReconciliationPage, ReconciliationRow

    if at_once and account is None:
        raise click.UsageError("--now needs --account")
    if day is not None and not at_once:
        raise click.UsageError("--day needs --now")
    with session.daemon() as daemon:
        if at_once and account is not None:
            path = f"/api/v1/accounts/{segment(account)}/reconcile"
            with progress.working(f"comparing with {account}", session):
                one = daemon.post(path, ReconciliationRow, ReconcileRequest(day=day.date() if day else None))
            page = ReconciliationPage(items=(one,))
        else:
            page = daemon.get(
                "/api/v1/reconciliations",
                ReconciliationPage,
                account=account,
                different="true" if different else None,
                before=before,
                limit=limit,
            )
    printer = session.printer
    if not printer.json(page):
        printer.table(
            (
                "ACCOUNT",
                "DAY",
                "SOURCE:right",
                "HUB:right",
                "MISSING:right",
                "SURPLUS:right",
                "LOOKS:right",
                "ORDERS",
            ),
            map(_row, page.items),
            "No day differs." if different else "No day has been compared yet.",
        )
        printer.more(page.next)
    if any(found.missing or found.surplus for found in page.items):
        raise Failure("source and hub differ", Exit.FAILED)


def _row(found: ReconciliationRow) -> tuple[object, ...]:
    left = found.missing + found.surplus - _NAMED
    return (
        found.account, str(found.day), found.source, found.hub, found.missing, found.surplus, found.looks,
        ", ".join(found.names[:_NAMED]) + (f" and {left} more" if left > 0 else ""),
    )  # fmt: skip
