"""`olhubd events`: the log as programs read it, whole and in its order; with --follow as it happens."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from olhubd.cli.failures import Exit, Failure
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.events import EventPage, EventRow

__all__ = ["events"]

_WAIT = 20
_PAUSES = (1.0, 2.0, 5.0, 10.0)
"""Seconds between the tries to reach a daemon that was there before; the last one for ever."""


@click.command()
@account_option("Of this account only.")
@click.option("-q", "--order", "q", metavar="ORDER", help="Of the order with this id or number.")
@click.option("--after", type=click.IntRange(0), metavar="ID", help="What follows this event.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@session_command(rows=True)
def events(
    session: Session, account: str | None, q: str | None, after: int | None, limit: int, follow: bool
) -> None:
    """The log of events: every change, whole and in its order, the latest last.

    With --follow it goes on, and outlives a restart of the daemon: it continues after the last event that was
    printed, with none left out and none twice. After a restore it says so and goes on with what happens then.
    --json then prints one event a line. For people there is `olhubd journal`.

    \b
    Examples:
      olhubd events --order 1042
      olhubd events --account shop-pl --follow
      olhubd events --follow --json --after 812
    """
    asked = {"account": account, "q": q}
    page = _page(session, **asked, after=after, limit=limit)
    printer = session.printer
    if not follow:
        if not printer.json(page):
            printer.table(
                ("ID:right", "AT", "ACCOUNT", "ABOUT:right", "KIND:least", "WHAT", "WHY:least"),
                map(_row, page.items),
                "Nothing happened that fits.",
            )
            if page.more:
                click.echo(f"More: --after {page.newest if after is not None else 0}", err=True)
        return
    if printer.as_csv:
        raise click.UsageError("--csv is for what is over; with --follow there is --json")
    failed = 0
    while True:
        for event in page.items:
            _print(printer, event)
        try:
            page = _page(session, **asked, after=page.newest, wait=_WAIT, limit=500)
            failed = 0
        except Exception as error:
            if _another(error):
                click.echo(f"olhubd: {error}; goes on with what happens now", err=True)
                page = _nothing(_page(session, **asked, limit=1))
                continue
            pause = _pause(error, failed)
            if failed == 0:
                click.echo(f"olhubd: {error}; trying again", err=True)
            failed += 1
            threading.Event().wait(pause)
            page = _nothing(page)


def _page(session: Session, **asked: object) -> EventPage:
    from olhubd.control.api.schema.events import EventPage

    with session.daemon() as daemon:
        found: EventPage = daemon.get("/api/v1/events", EventPage, **asked)
    return found


def _pause(error: Exception, failed: int) -> float:
    """How long to wait for a daemon that is away; what else is wrong flies."""
    from olhubd.client import EndpointRefused, NotReachable

    away = isinstance(error, NotReachable) and not error.denied
    away = away or (isinstance(error, Failure) and error.exit_code == Exit.UNREACHABLE)
    if not away and not (isinstance(error, EndpointRefused) and error.problem.status in (429, 503, 504)):
        raise error
    return _PAUSES[min(failed, len(_PAUSES) - 1)]


def _another(error: Exception) -> bool:
    """Whether the daemon's log is another one than that which was followed."""
    from olhubd.client import EndpointRefused

    return isinstance(error, EndpointRefused) and error.problem.status == 410


def _nothing(page: EventPage) -> EventPage:
    """What was printed is not printed again."""
    from olhubd.control.api.schema.events import EventPage

    return EventPage(items=(), newest=page.newest)


def _row(event: EventRow) -> tuple[object, ...]:
    return (event.id, event.at, event.account, _about(event), event.kind, event.text, event.why)


def _about(event: EventRow) -> object:
    """An order by its number, as nearly all are; anything else by its kind and number."""
    if event.order_id is not None or event.subject is None:
        return event.order_id
    return f"{event.subject.kind} {event.subject.id}"


def _print(printer: Printer, event: EventRow) -> None:
    if printer.as_json:
        import msgspec

        click.echo(msgspec.json.encode(event).decode())
        return
    click.echo(f"{event.id:>6}  {printer.when(event.at)}  {printer.told(event)}")
