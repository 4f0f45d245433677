"""What the shop stored, beside what it was sent. Pure.

A shop answers "made" also when its tables lost a line, an address or the whole order: a letter of four bytes in an
old table, a text that is too long, a plugin's fault between two savings. The answer shows what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from olhubd.plugin import Comparison, Difference
from olhubd_woocommerce import mapping, wire
from olhubd_woocommerce.pairs import Row, mark_of, mates, plain

__all__ = ["differences"]

_NAMES = {
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company",
    "address_1": "street",
    "address_2": "street",
    "city": "city",
    "state": "region",
    "postcode": "postcode",
    "country": "country",
    "phone": "phone",
    "email": "email",
}
_SPELLED = ("phone", "postcode")
"""Shops write them in their own way."""
_COLUMN = 90
"""Letters; what is there of a shorter text is no text that was cut to the width of its column."""
_ABSENT = "it was sent and is not there"
_OTHER = "another text is there than was sent"
_CUT = "the shop stores only the beginning of it"


def differences(sent: Mapping[str, Any], there: wire.Stored, invoice: bool = False) -> tuple[Difference, ...]:
    """How `there` differs from `sent`, the body of POST /orders before it was cut. `invoice`: its party is
    billed."""
    found = Comparison()
    pairs = mates(sent, there)
    found.word("currency", sent["currency"], there.currency)
    _meta(found, sent, there)
    for row, rows in zip(sent.get("line_items", ()), pairs["line_items"], strict=True):
        _line(found, row, rows)
    for row, rows in zip(sent.get("shipping_lines", ()), pairs["shipping_lines"], strict=True):
        if not rows:
            found.add("delivery", "the way of delivery was sent and is not there")
        for one in rows:
            _text(found, "delivery.method", row.get("method_title"), getattr(one, "method_title", None), hard=False)
    for row, rows in zip(sent.get("fee_lines", ()), pairs["fee_lines"], strict=True):
        if not rows:
            found.add(f"charges[{row['name'][:40]}]", _ABSENT)
    _address(found, "recipient", sent["shipping"], there.shipping)
    _address(found, "invoice" if invoice else "buyer", sent["billing"], there.billing)
    _text(found, "payment.method", sent.get("payment_method"), there.payment_method)
    _text(found, "payment.id", sent.get("transaction_id"), there.transaction_id)
    _text(found, "note", sent.get("customer_note"), there.customer_note, hard=not there.customer_note)
    return found.differences


def _meta(found: Comparison, sent: Mapping[str, Any], there: wire.Stored) -> None:
    first = {row.key: row.value for row in reversed(there.meta_data)}
    for row in sent["meta_data"]:
        key, value = row["key"], row["value"]
        if first.get(key) == value:
            continue  # so it is with nearly all
        told = wire.meta_value(there.meta_data, key)
        if key == mapping.REFERENCE:
            if told != value:
                found.add("reference", "our mark is not there, so a look-up would not find it")
        elif told is None and str(value).strip():
            found.add(f"meta[{key}]", _ABSENT)


def _line(found: Comparison, row: Mapping[str, Any], there: list[Row]) -> None:
    """Its mark, its pieces, its name. A line that is there twice is packed twice."""
    mark = str(mark_of(row))
    items = [item for item in there if isinstance(item, wire.Item)]
    if len(items) != 1 or items[0].quantity != row["quantity"]:
        found.lines([(mark, row["quantity"])], [(mark, item.quantity) for item in items])
    for item in items[:1]:
        _text(found, f"lines[{mark}].name", row["name"], item.name, hard=False)


def _address(found: Comparison, party: str, sent: Mapping[str, str], there: wire.Address) -> None:
    if wire.Address(**sent) == there:
        return  # so it is with nearly all
    for name, text in sent.items():
        stored = getattr(there, name)
        if stored == text:
            continue
        if name in _SPELLED and stored and _bare(text) == _bare(stored):
            continue
        _text(found, "buyer.email" if name == "email" else f"{party}.{_NAMES[name]}", text, stored)


def _text(found: Comparison, field: str, sent: str | None, there: str | None, hard: bool = True) -> None:
    """`hard`: another text, or none, holds; else it is only reported. What WordPress takes out of it does not
    count."""
    if sent == there or not sent:
        return  # so it is with nearly all
    was, now = plain(sent), plain(there)
    if was == now or not was:
        return
    if len(now) >= _COLUMN and was.startswith(now):
        found.add(field, _CUT, cut=True)
    elif now and _letters(was) == _letters(now):
        found.add(field, "letters of it are missing there", cut=True)
    else:
        found.add(field, _OTHER if now else _ABSENT, cut=not hard)


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _letters(text: str) -> str:
    """Without what an old table (three bytes a letter) cannot hold, nor what replaces it there."""
    return " ".join("".join(c for c in text if ord(c) < 0x10000 and c not in "?\ufffd").split())
