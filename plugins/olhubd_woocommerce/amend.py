"""Setting the rows of an order right after the shop counted them otherwise. Pure.

The shop's answer says which taxes it applied to which row, and under which id it keeps each row.
"""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd_woocommerce import wire
from olhubd_woocommerce.draft import SECTIONS, DraftRow, OrderDraft, rounding
from olhubd_woocommerce.pairs import Row, mates
from olhubd_woocommerce.pricing import PriceKind, Rate

__all__ = ["amendment", "as_taxed"]


def _rows(draft: OrderDraft, answer: wire.Stored) -> list[Row]:
    """The shop's row of each entry. Raises ValueError where one has none, or more than one: nothing can be set
    right then, and what is missing is reported as a difference."""
    sent: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS.values()}
    places: list[tuple[str, int]] = []
    for entry in draft.entries:
        section = SECTIONS[entry.part.kind]
        places.append((section, len(sent[section])))
        sent[section].append({**entry.body, "total": f"{entry.part.gross:f}"})
    found = mates(sent, answer)
    rows: list[Row] = []
    for section, at in places:
        if len(found[section][at]) != 1:
            raise ValueError("the shop does not have each row that was sent once")
        rows.append(found[section][at][0])
    return rows


def as_taxed(draft: OrderDraft, answer: wire.Stored) -> OrderDraft:
    """The draft with the taxes that the shop applied to each row, whatever its settings had led to expect: none to
    a shipping method that bears none, some to a row that was thought to bear none. Raises ValueError."""
    rates = {str(row.id): row for row in draft.book.rates}
    entries = []
    for entry, row in zip(draft.entries, _rows(draft, answer), strict=True):
        entries.append(entry if entry.part.discount else _taxed(entry, row, rates))
    return msgspec.structs.replace(draft, entries=entries)


def _taxed(entry: DraftRow, row: Row, rates: dict[str, wire.RateRow]) -> DraftRow:
    applied = [str(tax.id) for tax in row.taxes if tax.total.strip()]
    part = entry.part
    if not applied:
        part = msgspec.structs.replace(part, rates=(), tax_class=None)
    elif all(tax in rates for tax in applied) and {str(rate.id) for rate in part.rates} != {*applied}:
        told = tuple(Rate(rates[t].id, rates[t].percent, rates[t].compound) for t in applied)
        tax_class = getattr(row, "tax_class", None)
        part = msgspec.structs.replace(
            part, rates=told, tax_class=part.tax_class if tax_class is None else tax_class
        )
    return msgspec.structs.replace(entry, part=part)


def amendment(draft: OrderDraft, answer: wire.Stored) -> tuple[dict[str, Any], bool]:
    """The rows of `draft` for the rows that the shop made of it, and whether one of them is new. Raises
    ValueError."""
    priced = draft.priced()
    body: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS.values()}
    rows = _rows(draft, answer)
    for entry, net, mate in zip(draft.entries, priced.nets, rows, strict=True):
        row: dict[str, Any] = {"id": mate.id, "total": f"{net:f}"}
        if entry.part.kind is PriceKind.LINE:
            row["subtotal"] = row["total"]
        body[SECTIONS[entry.part.kind]].append(row)
    name = rounding(priced.rounding)["name"]
    taken = {mate.id for mate in rows}
    spare = next((fee.id for fee in answer.fee_lines if fee.name == name and fee.id not in taken), None)
    if spare is not None:
        body["fee_lines"].append({"id": spare, "total": f"{priced.rounding:f}"})
    elif priced.rounding:
        body["fee_lines"].append(rounding(priced.rounding))
    return {section: found for section, found in body.items() if found}, spare is None and bool(priced.rounding)
