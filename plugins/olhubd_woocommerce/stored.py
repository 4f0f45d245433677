"""What the shop stored, beside what it was sent. Pure.

A shop answers "made" also when its tables lost a line, an address or the whole order: a letter of four bytes in an
old table, a text that is too long, a plugin's fault between two savings. The answer shows what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from olhubd.plugin import Difference
from olhubd_woocommerce import mapping, wire
from olhubd_woocommerce.pairs import mark_of, mates, plain

__all__ = ["differences", "whole"]

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


def whole(found: tuple[Difference, ...]) -> bool:
    """Whether nothing of weight differs."""
    return all(difference.cut for difference in found)


def differences(sent: Mapping[str, Any], there: wire.Stored, invoice: bool = False) -> tuple[Difference, ...]:
    """How `there` differs from `sent`, the body of POST /orders before it was cut. `invoice`: billing is its
    party."""
    return tuple(_all(sent, there, "invoice" if invoice else "buyer"))


def _all(sent: Mapping[str, Any], there: wire.Stored, billing: str) -> Iterator[Difference]:
    if there.currency != sent["currency"]:
        yield Difference(field="currency", what=f"{sent['currency']} was sent, {there.currency} is there")
    yield from _meta(sent, there)
    yield from _lines(sent, there)
    pairs = mates(sent, there)
    if not all(pairs["shipping_lines"]):
        yield Difference(field="delivery", what="the way of delivery was sent and is not there")
    for row, found in zip(sent.get("shipping_lines", ()), pairs["shipping_lines"], strict=True):
        for one in found:
            title = getattr(one, "method_title", None)
            yield from _text("delivery.method", row.get("method_title"), title, hard=False)
    for row, found in zip(sent.get("fee_lines", ()), pairs["fee_lines"], strict=True):
        if not found:
            yield Difference(field=f"charges[{row['name'][:40]}]", what=_ABSENT)
    yield from _address("recipient", sent["shipping"], there.shipping)
    yield from _address(billing, sent["billing"], there.billing)
    yield from _text("payment.method", sent.get("payment_method"), there.payment_method)
    yield from _text("payment.id", sent.get("transaction_id"), there.transaction_id)
    yield from _text("note", sent.get("customer_note"), there.customer_note, hard=not there.customer_note)


def _meta(sent: Mapping[str, Any], there: wire.Stored) -> Iterator[Difference]:
    for row in sent["meta_data"]:
        key, told = row["key"], wire.meta_value(there.meta_data, row["key"])
        if key == mapping.REFERENCE:
            if told != row["value"]:
                yield Difference(field="reference", what="our mark is not there, so a look-up would not find it")
        elif told is None and str(row["value"]).strip():
            yield Difference(field=f"meta[{key}]", what=_ABSENT)


def _lines(sent: Mapping[str, Any], there: wire.Stored) -> Iterator[Difference]:
    rows = sent.get("line_items", ())
    for row, found in zip(rows, mates(sent, there)["line_items"], strict=True):
        field = f"lines[{mark_of(row)}]"
        if not found:
            yield Difference(field=field, what="the line is missing there")
        elif len(found) > 1:
            yield Difference(field=field, what=f"the line is there {len(found)} times")
        for item in found[:1]:
            assert isinstance(item, wire.Item)
            if item.quantity != row["quantity"]:
                what = f"{row['quantity']} were sent, {item.quantity.normalize():f} are there"
                yield Difference(field=f"{field}.quantity", what=what)
            yield from _text(f"{field}.name", row["name"], item.name, hard=False)


def _address(party: str, sent: Mapping[str, str], there: wire.Address) -> Iterator[Difference]:
    for name, text in sent.items():
        stored = getattr(there, name)
        if name in _SPELLED and stored and _bare(text) == _bare(stored):
            continue
        yield from _text("buyer.email" if name == "email" else f"{party}.{_NAMES[name]}", text, stored)


def _text(field: str, sent: str | None, there: str | None, hard: bool = True) -> Iterator[Difference]:
    """`hard`: another text, or none, holds; else it is only told."""
    was, now = plain(sent), plain(there)
    if was == now or not was:
        return
    if len(now) >= _COLUMN and was.startswith(now):
        yield Difference(field=field, what=_CUT, cut=True)
    elif now and _letters(was) == _letters(now):
        yield Difference(field=field, what="letters of it are missing there", cut=True)
    else:
        yield Difference(field=field, what=_OTHER if now else _ABSENT, cut=not hard)


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _letters(text: str) -> str:
    """Without what an old table (three bytes a letter) cannot hold, nor what stands for it there."""
    return " ".join("".join(c for c in text if ord(c) < 0x10000 and c not in "?\ufffd").split())
