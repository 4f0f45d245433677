"""How much text the shop's tables hold. With orders in tables of their own one text that is too long loses all of
it: the order's lines, addresses and meta, while the shop still answers that it made the order.

The widths are those of WooCommerce's own tables: wc_orders, wc_order_addresses, wc_orders_meta,
woocommerce_order_items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

__all__ = ["encoded", "fitted", "shortened"]

_TEXT = 65_535
"""Bytes of a column of type text."""
_SURE = _TEXT // 4
"""So many letters fit into it, whatever they are."""
_LETTERS: Mapping[str, int] = {
    "phone": 100,
    "email": 320,
    "currency": 10,
    "payment_method": 100,
    "transaction_id": 100,
    "created_via": 100,
}
"""Letters of a varchar column."""


def shortened(text: str, name: str) -> str:
    """`text` as the column `name` holds it, cut between letters."""
    limit = _LETTERS.get(name)
    if limit is not None:
        return text if len(text) <= limit else text[:limit]
    if len(text) <= _SURE:
        return text
    return text.encode("utf-8", "replace")[:_TEXT].decode("utf-8", "ignore")


def encoded(body: Mapping[str, Any]) -> msgspec.Raw:
    """The body of a request as JSON, with each text cut to what its column holds."""
    whole = msgspec.json.encode(body)
    return msgspec.Raw(whole if _fits(body, len(whole)) else msgspec.json.encode(_fitted(body, "")))


def fitted(body: Mapping[str, Any]) -> Any:
    """The body of a request with each text cut to what its column holds; itself where nothing is too long."""
    return body if _fits(body, len(msgspec.json.encode(body))) else _fitted(body, "")


def _fits(body: Mapping[str, Any], size: int) -> bool:
    """Whether nothing can be too long, as with nearly all orders: then no text of it is looked at for itself.

    `size` is how many bytes it is as JSON. The narrow columns are those of the order itself and of its addresses,
    so nobody looks for them in its rows.
    """
    if size > _SURE:
        return False
    for part in (body, *(part for part in body.values() if isinstance(part, dict))):
        for name in part.keys() & _LETTERS.keys():
            text = part[name]
            if isinstance(text, str) and len(text) > _LETTERS[name]:
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
