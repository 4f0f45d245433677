"""`olhubd status`: does it work, and what waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from olhubd.cli.failures import Exit, Failure
from olhubd.cli.output import Printer, span
from olhubd.cli.session import PROMPT, Session, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.accounts import Account
    from olhubd.control.api.schema.system import Status
    from olhubd.model import DeliveryState

__all__ = ["status"]


@click.command()
@session_command(rows=True)
def status(session: Session) -> None:
    """The state of the daemon and its accounts.

    Exit code 0 while it is ready, 1 while a loop is stuck or the database does not answer, 4 when no daemon answers
    within ten seconds.

    \b
    Examples:
      olhubd status
      olhubd status --json | jq .status.owed
    """
    from olhubd.control.api.schema.accounts import Accounts
    from olhubd.control.api.schema.system import Status

    with session.daemon(PROMPT) as daemon:
        found = daemon.get("/api/v1/status", Status)
        accounts = daemon.get("/api/v1/accounts", Accounts).items
    printer = session.printer
    if not printer.json({"status": found, "accounts": accounts}):
        _told(printer, found)
        printer.line()
        printer.table(
            ("ACCOUNT", "AT", "STATE", "LAST RUN", "NEXT:least", "OWED:right", "HELD:right", "NOTE"),
            [_row(account, found.now) for account in accounts],
            "No accounts are configured.",
        )
    if not found.ready:
        raise Failure("the daemon is not ready", Exit.FAILED)


def _told(printer: Printer, found: Status) -> None:
    ready = "ready" if found.ready else "NOT READY"
    up = span((found.now - found.started_at).total_seconds())
    memory = f", {found.resident_bytes // 2**20} MB" if found.resident_bytes else ""
    printer.line(f"olhubd {found.version} is {ready}, up {up}, {found.loops} loops{memory}")
    for name, late in found.overdue.items():
        printer.line(f"  stuck: {name}, overdue by {span(late)}")
    for name in found.failing:
        printer.line(f"  fails: {name}; see the log")
    for alarm in found.alarms:
        printer.line(f"  alarm: {alarm.kind.value} {alarm.subject}: {alarm.detail}")
    waiting = _owed(found.owed)
    if waiting:
        since = found.oldest_owed_at
        age = f", the oldest for {span((found.now - since).total_seconds())}" if since else ""
        printer.line(f"  deliveries: {waiting}{age}")
    if found.quarantined:
        printer.line(f"  quarantine: {found.quarantined}; see olhubd quarantine")
    for account in found.sales_stopped:
        printer.line(f"  {account}: all selling is stopped; olhubd stock lift {account} ends that")
    for account, count in found.not_resumed.items():
        printer.line(f"  sold out at {account}, resuming off for {count} offers; see olhubd stock auto-resume")
    for gate in found.budgets:
        if gate.closed_until is not None:
            printer.line(f"  budget {gate.key} is shut until {printer.when(gate.closed_until)}")
    for warning in found.warnings:
        printer.line(f"  {warning}")


def _owed(owed: Mapping[DeliveryState, int]) -> str:
    words = {"pending": "to go", "sent": "under way", "retry": "tried again", "hold": "held", "dead": "given up"}
    counts = {state.value: count for state, count in owed.items()}
    return ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts.get(state))


def _row(account: Account, now: datetime) -> tuple[object, ...]:
    run = account.runs.get("orders")
    last = ""
    if run is not None and run.ended_at is not None:
        last = f"{span((now - run.ended_at).total_seconds())} ago" + ("" if run.error is None else ", failed")
    owed = sum(count for state, count in account.owed.items() if state.value in ("pending", "sent", "retry"))
    held = sum(count for state, count in account.owed.items() if state.value == "hold")
    notes = [account.reason] if account.reason else []
    if account.signed_in is False:
        notes.append(f"sign in: olhubd login {account.name}")
    elif account.last_error is not None:
        notes.append(account.last_error)
    elif run is not None and run.error is not None:
        notes.append(run.error)
    if account.down:
        notes.append("does not answer")
    if account.shut_until is not None and account.shut_until > now:
        left = span((account.shut_until - now).total_seconds())
        notes.append(f"asked us to wait for {left}; to try now: olhubd resume {account.name}")
    if account.quarantined:
        notes.append(f"{account.quarantined} in quarantine")
    soon = account.next_run
    return (
        account.name,
        account.connector,
        account.state.value,
        last,
        f"in {span((soon - now).total_seconds())}" if soon and soon > now else "",
        owed or "",
        held or "",
        "; ".join(notes),
    )
