"""Deliveries: what is pending, and what a person may do with those that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from olhubd.cli.failures import Failure
from olhubd.cli.session import Session, account_names, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.deliveries import DeliveryRow

__all__ = ["deliveries"]

STATES = ["pending", "sent", "retry", "confirmed", "hold", "dead", "discarded", "dropped"]
OPEN = ["pending", "sent", "retry", "hold"]


@click.group()
def deliveries() -> None:
    """What is pending for which target, and what waits for a person."""


@deliveries.command(name="list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="In this state. May be repeated.")
@click.option("--target", help="To this account only.", shell_complete=account_names)
@click.option("--all", "every", is_flag=True, help="Those that are settled too.")
@click.option("--before", type=int, metavar="ID", help="Older than this one: the next page.")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="How many.")
@session_command(rows=True)
def listing(
    session: Session, states: tuple[str, ...], target: str | None, every: bool, before: int | None, limit: int
) -> None:
    """Deliveries that are not settled, the newest first.

    \b
    Examples:
      olhubd deliveries list --state hold
      olhubd deliveries list --all --target shop-pl
    """
    from olhubd.control.api.schema.deliveries import DeliveryPage

    wanted = list(states) or ([] if every else [*OPEN, "dead", "discarded"])
    with session.daemon() as daemon:
        page = daemon.get(
            "/api/v1/deliveries", DeliveryPage, state=wanted, target=target, before=before, limit=limit
        )
    printer = session.printer
    if printer.json(page):
        return
    columns = (
        "ID:right", "ABOUT", "TARGET", "WHAT", "STATE", "TRIES:right:least", "OWED SINCE:least", "NEXT TRY:least",
        "REASON",
    )  # fmt: skip
    printer.table(columns, map(_row, page.items), "Nothing is owed." if not states else "No such deliveries.")
    printer.more(page.next)


def _row(delivery: DeliveryRow) -> tuple[object, ...]:
    return (
        delivery.id,
        delivery.called,
        delivery.target,
        delivery.action.value,
        delivery.state.value,
        delivery.attempts,
        delivery.created_at,
        delivery.due_at if delivery.state.value in ("pending", "retry") else None,
        delivery.reason or delivery.error,
    )


_IDS = click.argument("ids", nargs=-1, type=int, required=True, metavar="ID...")


@deliveries.command()
@_IDS
@session_command()
def retry(session: Session, ids: tuple[int, ...]) -> None:
    """Try deliveries again at once. One whose outcome is not known is looked up at its target first.

    \b
    Example:
      olhubd deliveries retry 17 18
    """
    _do(session, ids, "retry")


@deliveries.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
@click.option("--all", "every", is_flag=True, help="All that are held.")
@click.option("--target", help="With --all: those to this account only.", shell_complete=account_names)
@session_command()
def release(session: Session, ids: tuple[int, ...], every: bool, target: str | None) -> None:
    """Let held deliveries go, now that what held them has been mended.

    Mails that may have gone are not among all of them: each waits for a word of its own.

    \b
    Examples:
      olhubd deliveries release 17
      olhubd deliveries release --all --target shop-pl
    """
    if bool(ids) is every:
        raise click.UsageError("name the deliveries, or write --all")
    if every:
        ids = _held(session, target)
        if not ids:
            if not session.printer.json([]):
                session.printer.line("Nothing is held.")
            return
    _do(session, ids, "retry")


def _held(session: Session, target: str | None) -> tuple[int, ...]:
    """All but mails of which nobody knows whether they went: each of those would go once more."""
    from olhubd.control.api.schema.deliveries import DeliveryPage
    from olhubd.model import Action

    found: list[int] = []
    before = None
    with session.daemon() as daemon:
        while True:
            page = daemon.get(
                "/api/v1/deliveries", DeliveryPage, state="hold", target=target, before=before, limit=500
            )
            found += [
                delivery.id
                for delivery in page.items
                if delivery.action is not Action.SEND_MAIL or delivery.sent_at is None
            ]
            if (before := page.next) is None:
                return tuple(reversed(found))


@deliveries.command()
@_IDS
@click.option("--reason", help="Why, for whoever reads the order's history.")
@session_command()
def discard(session: Session, ids: tuple[int, ...], reason: str | None) -> None:
    """Give deliveries up for good: what they were to do has been done by hand, or shall not be done."""
    from olhubd.control.api.schema.base import DiscardRequest

    _do(session, ids, "discard", DiscardRequest(reason=reason) if reason else None)


@deliveries.command()
@_IDS
@session_command()
def accept(session: Session, ids: tuple[int, ...]) -> None:
    """Take held orders as they are at the target, although the totals differ."""
    _do(session, ids, "accept")


def _do(session: Session, ids: tuple[int, ...], what: str, body: msgspec.Struct | None = None) -> None:
    """Each by itself: one that cannot be helped does not keep the others."""
    from olhubd.client import EndpointRefused
    from olhubd.control.api.schema.deliveries import DeliveryRow

    done: list[DeliveryRow] = []
    refused: list[tuple[int, EndpointRefused]] = []
    with session.daemon() as daemon:
        for number in ids:
            try:
                done.append(daemon.post(f"/api/v1/deliveries/{number}/{what}", DeliveryRow, body))
            except EndpointRefused as error:
                if len(ids) == 1:
                    raise
                refused.append((number, error))
    printer = session.printer
    if not printer.json(done):
        for delivery in done:
            printer.line(printer.let_go(delivery))
    if refused:
        lines = [f"  {number}: {error}" for number, error in refused]
        raise Failure(f"{len(refused)} of {len(ids)} deliveries could not be changed", lines=lines)
