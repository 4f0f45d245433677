"""An order as a route wants it sent: the mappings and switches of the configuration put on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from olhubd.decide import plan
from olhubd.decide.remit import sellers_side
from olhubd.decide.route import Route, UnlinkedPolicy
from olhubd.model import Order, reference
from olhubd.plugin import Push

__all__ = ["pack"]


def pack(account: str, order: Order, route: Route, own_word: str | None = None) -> Push:
    """The order as the route wants it sent, at the seller's own prices. `own_word` is the target's word for the
    order's status of the seller's own list, which wins over those of the route."""
    order = sellers_side(order)
    shipping = order.shipping
    method = _mapped(route.shipping, shipping.method_id, shipping.method)
    payment = _mapped(route.payment, order.payment.type.value) if order.payment else None
    return Push(
        order=order,
        reference=reference(account, order.external_id),
        account=account,
        marketplace=order.marketplace or account,
        status=own_word or plan.creation_status(order, route.statuses),
        shipping_method=method,
        payment_method=payment,
        free_lines=route.unlinked is UnlinkedPolicy.FREE_LINE,
        include_login=route.include_login,
        include_offer_ids=route.include_offer_ids,
        include_note=route.include_note,
        include_payment=route.include_payment,
    )


def _mapped(table: Mapping[str, str], *words: str | None) -> str | None:
    return next((table[word] for word in words if word and word in table), None)
