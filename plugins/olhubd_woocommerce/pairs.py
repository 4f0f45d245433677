"""Which row of the shop's order is which row that was sent. Pure.

A row of goods is known by our mark. Plugins put rows of their own among ours (the parts of a bundle, a gift), and
take rows away, so a row's place says nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from olhubd_woocommerce import wire
from olhubd_woocommerce.mapping import LINE
from olhubd_woocommerce.wire import meta_value

__all__ = ["SECTIONS", "Row", "mark_of", "mates", "plain"]

Row = wire.Item | wire.Fee | wire.Shipping
R = TypeVar("R", bound=Row)
SECTIONS = ("line_items", "shipping_lines", "fee_lines")
_TAG = re.compile(r"<[^>]*>?")


def plain(text: str | None) -> str:
    """A text without what WordPress takes out or writes otherwise: tags, entities, blanks."""
    return " ".join(html.unescape(_TAG.sub(" ", text or "")).split()).casefold()


def _alike(one: str | None, other: str | None) -> bool:
    return one == other or plain(one) == plain(other)


def mark_of(row: Mapping[str, Any]) -> str | None:
    """Our mark of a row of goods as it is sent."""
    for meta in row.get("meta_data", ()):
        if meta["key"] == LINE:
            mark: str | None = meta["value"]
            return mark
    return None


def mates(sent: Mapping[str, Sequence[Mapping[str, Any]]], there: wire.Stored) -> dict[str, list[list[Row]]]:
    """For each row of each section that was sent the rows that the shop has of it: one, none, or too many."""
    return {
        "line_items": _goods(sent.get("line_items", ()), there.line_items),
        "shipping_lines": _in_turn(
            sent.get("shipping_lines", ()), there.shipping_lines, _method, _title, _nameless
        ),
        "fee_lines": _in_turn(sent.get("fee_lines", ()), there.fee_lines, _fee, _amount),
    }


def _goods(sent: Sequence[Mapping[str, Any]], there: Sequence[wire.Item]) -> list[list[Row]]:
    by_mark: dict[str, list[Row]] = {}
    bare: list[wire.Item] = []
    for item in there:
        mark = meta_value(item.meta_data, LINE)
        if mark is None:
            bare.append(item)
        else:
            by_mark.setdefault(mark, []).append(item)
    found: list[list[Row]] = []
    for row in sent:
        rows: list[Row] = by_mark.get(str(mark_of(row)).strip(), [])
        if not rows:
            # A plugin may have taken the mark, not the row.
            rows = [*[item for item in bare if _same_goods(row, item)][:1]]
            bare = [item for item in bare if item not in rows]
        found.append(rows)
    return found


def _same_goods(row: Mapping[str, Any], item: wire.Item) -> bool:
    product = row.get("variation_id") or row.get("product_id") or 0
    return (item.variation_id or item.product_id) == product and _alike(item.name, row.get("name"))


Test = Callable[[Mapping[str, Any], Any], bool]


def _in_turn(sent: Sequence[Mapping[str, Any]], there: Sequence[R], *tests: Test) -> list[list[Row]]:
    """Rows without a mark: each by the first test that one of those left over passes."""
    found: list[list[Row]] = [[] for _ in sent]
    if not sent:
        return found
    left = list(there)
    for test in tests:
        for at, row in enumerate(sent):
            if found[at]:
                continue
            for mate in left:
                if test(row, mate):
                    found[at] = [mate]
                    left.remove(mate)
                    break
    return found


def _method(row: Mapping[str, Any], there: wire.Shipping) -> bool:
    return row.get("method_id") == there.method_id


def _nameless(_row: Mapping[str, Any], there: wire.Shipping) -> bool:
    return not there.method_id


def _title(row: Mapping[str, Any], there: wire.Shipping) -> bool:
    return _alike(row.get("method_title"), there.method_title)


def _fee(row: Mapping[str, Any], there: wire.Fee) -> bool:
    return _alike(row.get("name"), there.name) and (_money(row.get("total")) < 0) == (_money(there.total) < 0)


def _amount(row: Mapping[str, Any], there: wire.Fee) -> bool:
    return _money(row.get("total")) == _money(there.total) != 0


def _money(text: Any) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return Decimal(0)
