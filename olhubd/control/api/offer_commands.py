"""What a person does to an offer that stock control keeps."""

from __future__ import annotations

from olhubd.control.api.schema.base import DiscardRequest, Nothing
from olhubd.control.api.schema.offer_commands import AutoResumeRequest, IgnoredOffer, OfferLevelAnswer
from olhubd.control.http.routes import Call, route

__all__ = ["ROUTES"]


async def resume(call: Call[Nothing, Nothing]) -> OfferLevelAnswer:
    """Have an offer that has ended brought back once, as far as there is stock."""
    row = await call.hub.offer_actions.resume(call.path["account"], call.path["offer"], call.who)
    return OfferLevelAnswer.of(row)


async def auto_resume(call: Call[Nothing, AutoResumeRequest]) -> OfferLevelAnswer:
    """Say whether an offer may be brought back by itself when there is stock again."""
    account, offer = call.path["account"], call.path["offer"]
    return OfferLevelAnswer.of(await call.hub.offer_actions.allow(account, offer, call.body.allowed, call.who))


async def retry(call: Call[Nothing, Nothing]) -> OfferLevelAnswer:
    """Let the hub write an offer again: a dispute with another program is over, and refusals count no more."""
    row = await call.hub.offer_actions.retry(call.path["account"], call.path["offer"], call.who)
    return OfferLevelAnswer.of(row)


async def ignore(call: Call[Nothing, DiscardRequest]) -> IgnoredOffer:
    """Let an offer that nobody linked sell beside the hub, and alarm nobody."""
    account, offer = call.path["account"], call.path["offer"]
    await call.hub.offer_actions.ignore(account, offer, call.body.reason, call.who)
    return IgnoredOffer(account=account, external_id=offer)


_OFFER = "/api/v1/offers/{account}/{offer}"

ROUTES = (
    route("POST", f"{_OFFER}/resume", resume, refusals=(409,)),
    route("POST", f"{_OFFER}/auto-resume", auto_resume, refusals=(409,)),
    route("POST", f"{_OFFER}/retry", retry, refusals=(409,)),
    route("POST", f"{_OFFER}/ignore", ignore, refusals=(409,)),
)
