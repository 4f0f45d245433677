"""How much text the shop's tables hold. With orders in tables of their own one text that is too long loses all of
it: the order's lines, addresses and meta, while the shop still answers that it made the order.

The widths are those of WooCommerce's own tables: wc_orders, wc_order_addresses, wc_orders_meta,
woocommerce_order_items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["fitted", "shortened"]

_TEXT = 65_535
"""Bytes of a column of type text."""
_LETTERS: Mapping[str, int] = {
    "phone": 100,
    "email": 320,
    "currency": 10,
    "payment_method": 100,
    "transaction_id": 100,
    "created_via": 100,
}
"""Letters of a varchar column."""
_NARROWEST = min(_LETTERS.values())


def shortened(text: str, name: str) -> str:
    """`text` as the column `name` holds it, cut between letters."""
    limit = _LETTERS.get(name)
    if limit is not None:
        return text if len(text) <= limit else text[:limit]
    if len(text) <= _TEXT // 4:
        return text
    return text.encode("utf-8", "replace")[:_TEXT].decode("utf-8", "ignore")


def fitted(value: Any) -> Any:
    """The body of a request with each text cut to what its column holds; itself where nothing is too long."""
    return value if _fits(value) else _fitted(value, "")


def _fits(value: Any) -> bool:
    """Whether all texts are as short as the narrowest column, or as their own: so it is with nearly all orders."""
    if type(value) is list:
        return all(map(_fits, value))
    if type(value) is not dict:
        return False
    for name, part in value.items():
        kind = type(part)
        if kind is str:
            if len(part) > _NARROWEST and shortened(part, name) is not part:
                return False
        elif kind is not int and kind is not bool and not _fits(part):
            return False
    return True


def _fitted(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return shortened(value, name)
    if isinstance(value, Mapping):
        return {key: _fitted(part, key) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_fitted(part, name) for part in value]
    return value
