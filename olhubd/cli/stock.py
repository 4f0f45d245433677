"""`olhubd stock` and `olhubd explain sku`: how many pieces of something may be sold, and what its offers show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import pages
from olhubd.cli.offer_commands import auto_resume, ignore, resume, retry
from olhubd.cli.oversold import oversold
from olhubd.cli.sales_stops import lift, stop, stops
from olhubd.cli.session import Session, account_option, named, session_command
from olhubd.cli.stock_plans import plans

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.stock import StockItemRow, StockTermRow

__all__ = ["explain_item", "stock"]

_WORDS = {
    "master": "at the stock master",
    "allocated": "taken by its own open orders",
    "off-sale": "not on sale at the stock master",
    "buffer": "kept back",
}


@click.group()
def stock() -> None:
    """What the stock masters count: how many pieces may be sold, and why."""


for _verb in (resume, auto_resume, retry, ignore, plans, oversold, stop, lift, stops):
    stock.add_command(_verb)


@stock.command(name="list")
@account_option("Of this stock master only.")
@click.option("--unlinked", is_flag=True, help="What no offer sells.")
@click.option("--uneven", is_flag=True, help="Of which an offer does not show what it must.")
@click.option("--sold-out", is_flag=True, help="Of which an offer must show nothing, or its master has none.")
@click.option("--text", help="Whose name begins so, or with this number or SKU.")
@click.option("--sku", help="With this SKU only.")
@click.option("--ean", help="With this EAN only, however it is written.")
@pages.paged
@session_command(rows=True)
def listing(session: Session, before: int | None, limit: int, every: bool, **asked: Any) -> None:
    """The newest stock items first. All filters that are given must fit.

    \b
    Examples:
      olhubd stock list --uneven
      olhubd stock list --account shop --unlinked --all
    """
    from olhubd.control.api.schema.stock import StockItemPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/stock", StockItemPage, before=before, limit=limit, every=every, **asked
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "ITEM", "OF", "NAME:least", "EAN:least", "SELLABLE:right", "COUNTED:least", "RESERVED:right:least",
            "OFFERS:right", "UNEVEN:right", "READ:least",
        ),
        [
            (
                row.sku or row.external_id, row.account, row.name, row.ean,
                row.sellable if row.sellable is not None else row.counting, row.counting, _reserved(row),
                len(row.offers), sum(one.wanted != one.shown for one in row.offers) or None, row.read_at,
            )
            for row in found
        ],
        "No stock items.",
    )  # fmt: skip
    session.printer.more(after, whole=True)


@stock.command()
@click.argument("item", callback=named)
@session_command()
def show(session: Session, item: str) -> None:
    """How many pieces of ITEM (its SKU, or its number at its stock master) may be sold, and why.

    \b
    Example:
      olhubd stock show KUB-BIA
    """
    explain_item(session, item)


def _reserved(row: StockItemRow) -> int | None:
    return -sum(term.pieces for term in row.terms if term.what == "reservation") or None


def explain_item(session: Session, item: str) -> None:
    """Print the terms of what may be sold of an item, and its offers."""
    from olhubd.client import segment
    from olhubd.control.api.schema.stock import StockItemPage

    with session.daemon() as daemon:
        page = daemon.get(f"/api/v1/stock/{segment(item)}", StockItemPage)
    if session.printer.json(page):
        return
    for row in page.items:
        _explain(session.printer, row)


def _explain(printer: Printer, row: StockItemRow) -> None:
    printer.line(f"{row.name} ({row.sku or row.external_id}) of {row.account}, read {printer.when(row.read_at)}")
    if row.sellable is None:
        printer.line(f"How many may be sold is not known: {row.counting}")
    for term in row.terms:
        printer.line(f"  {term.pieces:+6d}  {_words(term)}")
    if row.sellable is not None:
        printer.line(f"  {row.sellable:6d}  may be sold")
    divided = any(one.share is not None for one in row.offers)
    printer.table(
        (
            "ACCOUNT", "OFFER", "STATE:least", "UNITS:right:least", "WANTED:right", "SHOWN:right", "SENT:right",
            *(("SHARE:right", "MAY SELL:right") if divided else ()), "CONFIRMED", "REASON",
        ),
        [
            (
                one.account, one.external_id, one.state, one.units, one.wanted, one.shown, one.sent,
                *((one.share, one.may_sell) if divided else ()), one.confirmed_at, one.reason,
            )
            for one in row.offers
        ],
        "No offer sells it.",
    )  # fmt: skip


def _words(term: StockTermRow) -> str:
    if term.what == "reservation":
        return f"reserved for order #{term.order_id} of {term.account}, which the stock master has not seen"
    return _WORDS.get(term.what, term.what)
