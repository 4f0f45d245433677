"""What offers cost and why, and what a person says of it."""

from __future__ import annotations

from decimal import Decimal

from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.prices import (
    ApprovePriceRequest,
    FollowPriceRequest,
    OfferPriceAnswer,
    PricedItemPage,
    PricedItemRow,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.prices.explaining import explain_prices
from olhubd.model import Reason

__all__ = ["ROUTES"]


async def explained(call: Call[Nothing, Nothing]) -> PricedItemPage:
    """The items that bear this mark of the seller, or have this number at their stock master, and what their offers
    cost."""
    hub, name = call.hub, call.path["item"]
    now = hub.clock.now()
    found = await explain_prices(hub.database.reader, name, hub.in_force.prices(), now)
    if not found:
        raise Refusal(404, "not-found", Reason("none.stock-item", item=name))
    channels = frozenset(channel for rule in hub.in_force.prices() for channel in rule.channels)
    return PricedItemPage(items=tuple(PricedItemRow.of(one, channels, now) for one in found))


async def follow(call: Call[Nothing, FollowPriceRequest]) -> OfferPriceAnswer:
    """Say whether the price of an offer follows its product."""
    account, offer = call.path["account"], call.path["offer"]
    await call.hub.price_actions.follow(account, offer, call.body.follow, call.who)
    return OfferPriceAnswer(account=account, external_id=offer)


async def approve(call: Call[Nothing, ApprovePriceRequest]) -> OfferPriceAnswer:
    """Let a price be sent that is further away than its rule allows, while it is the one that was seen."""
    account, offer = call.path["account"], call.path["offer"]
    await call.hub.price_actions.approve(account, offer, Decimal(call.body.price), call.who)
    return OfferPriceAnswer(account=account, external_id=offer)


async def send(call: Call[Nothing, Nothing]) -> OfferPriceAnswer:
    """Have the price of the list sent to an offer as it is now."""
    account, offer = call.path["account"], call.path["offer"]
    await call.hub.price_actions.send(account, offer, call.who)
    return OfferPriceAnswer(account=account, external_id=offer)


_OFFER = "/api/v1/offers/{account}/{offer}"

ROUTES = (
    route("GET", "/api/v1/pricing/{item}", explained, refusals=(404,)),
    route("POST", f"{_OFFER}/follow-price", follow, refusals=(409,)),
    route("POST", f"{_OFFER}/approve-price", approve, refusals=(409,)),
    route("POST", f"{_OFFER}/send-price", send, refusals=(409,)),
)
