"""`olhubd explain sku`: how many pieces of something may be sold, and why each offer shows what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.cli.session import Session
    from olhubd.control.api.schema.stock import StockItemRow, StockTermRow

__all__ = ["explain_item"]

_WORDS = {
    "master": "at the stock master",
    "allocated": "taken by its own open orders",
    "off-sale": "not on sale at the stock master",
    "buffer": "kept back",
}


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
    printer.table(
        (
            "ACCOUNT", "OFFER", "STATE:least", "UNITS:right:least", "WANTED:right", "SHOWN:right", "SENT:right",
            "CONFIRMED", "REASON",
        ),
        [
            (
                one.account, one.external_id, one.state, one.units, one.wanted, one.shown, one.sent,
                one.confirmed_at, one.reason,
            )
            for one in row.offers
        ],
        "No offer sells it.",
    )  # fmt: skip


def _words(term: StockTermRow) -> str:
    if term.what == "reservation":
        return f"reserved for order #{term.order_id} of {term.account}, which the stock master has not seen"
    return _WORDS.get(term.what, term.what)
