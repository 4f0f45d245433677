"""One order of the shop, read and changed by its number.

A cache or a plugin in the shop may answer with another order. Taken for the one that was asked for, that one would
be cancelled in its place, or be given its parcel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from olhubd.model import Reason
from olhubd.plugin import NotFound, OutcomeUnknown, Unavailable
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Shop

__all__ = ["change", "number_of", "read"]


def number_of(external_id: str) -> int:
    """The order's number. Raises NotFound for what can be none."""
    try:
        return int(external_id)
    except ValueError:
        raise NotFound(Reason("olhubd_woocommerce:no-number", text=external_id)) from None


async def read(shop: Shop, order_id: int) -> wire.Stored:
    """The order. Raises Unavailable where the answer is another one."""
    order = await shop.get(_path(order_id), wire.Stored)
    if order.id != order_id:
        raise Unavailable(_other("GET", order_id, order))
    return order


async def change(shop: Shop, order_id: int, body: Mapping[str, Any], *, repeatable: bool = True) -> wire.Stored:
    """Write to the order; returns it as the shop read it again.

    Raises Unavailable where the answer is another order, OutcomeUnknown where twice is not once.
    """
    order = await shop.write("PUT", _path(order_id), wire.Stored, body, repeatable=repeatable)
    if order.id != order_id:
        raise (Unavailable if repeatable else OutcomeUnknown)(_other("PUT", order_id, order))
    return order


def _path(order_id: int) -> str:
    return f"/wc/v3/orders/{order_id}"


def _other(method: str, order_id: int, order: wire.Stored) -> str:
    return f"{method} {_path(order_id)}: the answer is order {order.id}, as a cache in the shop may give it"
