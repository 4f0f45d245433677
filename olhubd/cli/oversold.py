"""`olhubd stock oversold`: orders for which nothing was left, and why it came to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli import pages
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.oversold import OversoldRow

__all__ = ["oversold"]


@click.group()
def oversold() -> None:
    """Orders for which nothing was left, with what was known when that was found."""


@oversold.command(name="list")
@account_option("Sold on this account only.")
@click.option("--cause", help="By this cause only, such as late-news or under-way.")
@click.option("--open", "lacking", is_flag=True, help="Those of which there is not enough yet.")
@pages.paged
@session_command(rows=True)
def listing(
    session: Session,
    before: int | None,
    limit: int,
    every: bool,
    account: str | None,
    cause: str | None,
    lacking: bool,
) -> None:
    """The newest first.

    \b
    Examples:
      olhubd stock oversold list --open
      olhubd stock oversold list --cause late-master
    """
    from olhubd.control.api.schema.oversold import OversoldPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon,
            "/api/v1/oversold",
            OversoldPage,
            before=before,
            limit=limit,
            every=every,
            account=account,
            cause=cause,
            open=lacking,
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "RECORD:right", "ORDER", "ACCOUNT", "ITEM", "MISSING:right", "CAUSE", "BOUGHT", "FOUND:least", "CLOSED",
            "WHO:least", "REASON:least",
        ),
        [
            (
                row.id, row.order, row.account, row.item, row.pieces, row.cause.value, row.bought_at, row.found_at,
                row.closed_at, row.closed_by, row.reason,
            )
            for row in found
        ],
        "Nothing was oversold.",
    )  # fmt: skip
    session.printer.more(after)


@oversold.command()
@click.argument("record", type=int)
@session_command()
def show(session: Session, record: int) -> None:
    """What was known when an order was found to need more than there is.

    \b
    Example:
      olhubd stock oversold show 3
    """
    from olhubd.control.api.schema.oversold import OversoldRow

    with session.daemon() as daemon:
        row = daemon.get(f"/api/v1/oversold/{record}", OversoldRow)
    if not session.printer.json(row):
        _card(session.printer, row)


@oversold.command()
@click.argument("record", type=int)
@click.option("--reason", help="What became of it, for whoever reads the history.")
@session_command()
def close(session: Session, record: int, reason: str | None) -> None:
    """Say that one is dealt with: its buyer has the pieces, or knows that there are none.

    \b
    Example:
      olhubd stock oversold close 3 --reason "refunded"
    """
    from olhubd.control.api.schema.oversold import CloseOversoldRequest, OversoldRow

    with session.daemon() as daemon:
        row = daemon.post(f"/api/v1/oversold/{record}/close", OversoldRow, CloseOversoldRequest(reason=reason))
    if not session.printer.json(row):
        session.printer.line(f"order {row.order} of {row.account} is dealt with")


def _card(printer: Printer, row: OversoldRow) -> None:
    offer = row.offer
    printer.facts(
        (
            ("order", row.order),
            ("sold on", row.account),
            ("item", f"{row.item} ({row.item_name})"),
            ("missing", f"{row.pieces} of {row.needed}"),
            ("cause", f"{row.cause.value}: {row.why}"),
            ("bought", row.bought_at),
            ("found", row.found_at),
            ("by", row.by.value),
            (f"counted by {row.master}", f"{row.counted}, read {row.reading_age:.1f} s before"),
            ("reserved and not seen", row.reserved),
            ("offer", offer.external_id if offer else None),
            ("wanted", offer.wanted if offer else None),
            ("wanted since", offer.wanted_since if offer else None),
            ("sent", offer.sent_at if offer else None),
            ("shown", offer.shown if offer else None),
            ("confirmed", f"{offer.age:.1f} s before" if offer and offer.age is not None else None),
            ("held", offer.held if offer else None),
            ("error", offer.error if offer else None),
            ("closed", row.closed_at),
            ("closed by", row.closed_by),
            ("reason", row.reason),
        )
    )
    printer.line()
    printer.table(
        ("ORDER", "ACCOUNT", "PIECES:right", "BOUGHT", "KNOWN AFTER:right"),
        [(f"#{one.order_id}", one.account, one.pieces, one.bought_at, f"{one.seconds:.1f} s") for one in row.sales],
        "No other order took pieces of it.",
    )
    if row.commands:
        printer.table(
            ("COMMAND", "DOES", "VALUE:right", "STATE", "SINCE"),
            [
                (one.id, one.action, one.value if one.change is None else one.change, one.state, one.created_at)
                for one in row.commands
            ],
            "",
        )
