"""`olhubd stock plans`: changes of many offers at once that the brake has stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from olhubd.cli import pages
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.stock_plans import StockPlanRow

__all__ = ["plans"]


@click.group()
def plans() -> None:
    """Changes of many offers at once, which wait for a person."""


@plans.command(name="list")
@account_option("Of the offers of this account only.")
@click.option("--open", "holding", is_flag=True, help="Those that hold offers back.")
@pages.paged
@session_command(rows=True)
def listing(
    session: Session, before: int | None, limit: int, every: bool, account: str | None, holding: bool
) -> None:
    """The newest plans first.

    \b
    Example:
      olhubd stock plans list --open
    """
    from olhubd.control.api.schema.stock_plans import StockPlanPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon,
            "/api/v1/stock-plans",
            StockPlanPage,
            before=before,
            limit=limit,
            every=every,
            account=account,
            open=holding,
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "PLAN:right", "ACCOUNT", "BY", "STATE", "OFFERS:right", "TO ZERO:right", "RAISED:right", "STOPPED",
            "DECIDED", "WHO:least", "REASON:least",
        ),
        [
            (
                row.id, row.account, row.master, row.state.value, row.offers, row.zeros, row.raises, row.made_at,
                row.decided_at, row.decided_by, row.reason,
            )
            for row in found
        ],
        "No plans.",
    )  # fmt: skip
    session.printer.more(after)


@plans.command()
@click.argument("plan", type=int)
@session_command()
def show(session: Session, plan: int) -> None:
    """What a plan would change, with examples.

    \b
    Example:
      olhubd stock plans show 7
    """
    from olhubd.control.api.schema.stock_plans import StockPlanRow

    with session.daemon() as daemon:
        row = daemon.get(f"/api/v1/stock-plans/{plan}", StockPlanRow)
    if not session.printer.json(row):
        _card(session.printer, row)


@plans.command()
@click.argument("plan", type=int)
@click.option("--offers", type=click.IntRange(0), required=True, help="How many it held when it was looked at.")
@click.option("--zeros", type=click.IntRange(0), required=True, help="How many of them went to zero then.")
@click.option("--raises", type=click.IntRange(0), required=True, help="How many of them were raised far then.")
@session_command()
def approve(session: Session, plan: int, offers: int, zeros: int, raises: int) -> None:
    """Let a plan go: its offers show what the stock master's numbers make of them. Refused where it holds something
    else by now.

    \b
    Example:
      olhubd stock plans approve 7 --offers 812 --zeros 812 --raises 0
    """
    from olhubd.control.api.schema.stock_plans import ApprovePlanRequest, StockPlanRow

    with session.daemon() as daemon:
        seen = ApprovePlanRequest(offers=offers, zeros=zeros, raises=raises)
        row = daemon.post(f"/api/v1/stock-plans/{plan}/approve", StockPlanRow, seen)
    if not session.printer.json(row):
        session.printer.line(f"plan {row.id} goes: {row.offers} offers of {row.account}")


@plans.command()
@click.argument("plan", type=int)
@click.option("--reason", help="Why, for whoever reads the history.")
@session_command()
def reject(session: Session, plan: int, reason: str | None) -> None:
    """Leave the offers of a plan as they are until the stock master says other numbers of them.

    \b
    Example:
      olhubd stock plans reject 7 --reason "the export was empty"
    """
    from olhubd.control.api.schema.stock_plans import RejectPlanRequest, StockPlanRow

    with session.daemon() as daemon:
        row = daemon.post(f"/api/v1/stock-plans/{plan}/reject", StockPlanRow, RejectPlanRequest(reason=reason))
    if not session.printer.json(row):
        session.printer.line(f"plan {row.id} is rejected: {row.offers} offers of {row.account} stay as they are")


def _card(printer: Printer, row: StockPlanRow) -> None:
    printer.facts(
        (
            ("plan", row.id),
            ("offers of", row.account),
            ("numbers of", row.master),
            ("state", row.state.value),
            ("stopped by", f"{row.counted} x {row.danger.value}, of {row.showing} offers"),
            ("offers", row.offers),
            ("to zero", row.zeros),
            ("raised far", row.raises),
            ("stopped", row.made_at),
            ("decided", row.decided_at),
            ("by", row.decided_by),
            ("reason", row.reason),
            ("over", row.ended_at),
        )
    )
    printer.line()
    printer.table(
        ("OFFER", "NAME:least", "STAYS AT:right", "WOULD SHOW:right", "DANGER"),
        [
            (one.external_id, one.name, one.shown, one.wanted, one.danger.value if one.danger else None)
            for one in row.examples
        ],
        "It holds no offers.",
    )
    if row.ended_at is None:
        printer.line()
        printer.line(
            f"to let it go as it is: olhubd stock plans approve {row.id}"
            f" --offers {row.offers} --zeros {row.zeros} --raises {row.raises}"
        )
