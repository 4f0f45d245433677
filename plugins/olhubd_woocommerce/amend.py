"""Setting the rows of an order right after the shop counted them otherwise. Pure.

The shop's answer tells which taxes it applied to which row, and under which id it keeps each row.
"""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd_woocommerce import wire
from olhubd_woocommerce.draft import SECTIONS, Draft, rounding
from olhubd_woocommerce.pricing import Kind

__all__ = ["amendment", "as_taxed"]


def as_taxed(draft: Draft, answer: wire.Order) -> Draft:
    """The draft without the taxes that the shop left out, of a shipping method that bears none, say."""
    rows: dict[Kind, list[list[wire.Applied]]] = {
        Kind.LINE: [row.taxes for row in answer.line_items],
        Kind.SHIPPING: [row.taxes for row in answer.shipping_lines],
        Kind.FEE: [row.taxes for row in answer.fee_lines],
    }
    entries = []
    for entry in draft.entries:
        taxed = rows[entry.part.kind].pop(0) if rows[entry.part.kind] else []
        if not taxed and not entry.part.discount:
            part = msgspec.structs.replace(entry.part, rates=(), tax_class=None)
            entries.append(msgspec.structs.replace(entry, part=part))
        else:
            entries.append(entry)
    return msgspec.structs.replace(draft, entries=entries)


def amendment(draft: Draft, answer: wire.Order) -> tuple[dict[str, Any], bool]:
    """The rows of `draft` for the rows that the shop made of it, and whether one of them is new."""
    priced = draft.priced()
    body: dict[str, list[dict[str, Any]]] = {"line_items": [], "shipping_lines": [], "fee_lines": []}
    ids = {
        Kind.LINE: iter([row.id for row in answer.line_items]),
        Kind.SHIPPING: iter([row.id for row in answer.shipping_lines]),
        Kind.FEE: iter([row.id for row in answer.fee_lines]),
    }
    for entry, net in zip(draft.entries, priced.nets, strict=True):
        kind = entry.part.kind
        if (row_id := next(ids[kind], None)) is None:
            raise ValueError("the shop left out a row")
        row: dict[str, Any] = {"id": row_id, "total": f"{net:f}"}
        if kind is Kind.LINE:
            row["subtotal"] = row["total"]
        body[SECTIONS[kind]].append(row)
    spare = next(ids[Kind.FEE], None)
    if spare is not None:
        body["fee_lines"].append({"id": spare, "total": f"{priced.rounding:f}"})
    elif priced.rounding:
        body["fee_lines"].append(rounding(priced.rounding))
    return {name: rows for name, rows in body.items() if rows}, spare is None and bool(priced.rounding)
