"""Making, changing, ending and copying offers, and what was asked of that."""

from __future__ import annotations

from olhubd.control.api.lookup import known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.offer_making import (
    ChangeOfferRequest,
    CopyOfferRequest,
    CreateOfferRequest,
    DraftFields,
    DraftPage,
    DraftRow,
    DraftsQuery,
    EndOfferRequest,
    MadeOfferAnswer,
)
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.engine.operator.offer_making import Made
from olhubd.model import Kind, OfferDraft, Reason, Subject
from olhubd.store import deliveries, offer_drafts, offers

__all__ = ["ROUTES"]

_PATIENT = 60.0
"""Seconds: the marketplace is asked for its rules."""


async def listing(call: Call[DraftsQuery, Nothing]) -> DraftPage:
    """The offers that were asked for, and how far each is."""
    asked, reader = call.query, call.hub.database.reader
    await known_account(call.hub, "account", asked.account)
    found = await offer_drafts.listing(reader, asked.account, asked.before, asked.limit)
    about = {one.id: Subject(Kind.DRAFT, one.id) for one in found}
    rows = await deliveries.of_subjects(reader, list(about.values())) if found else {}
    items = tuple(DraftRow.of(one, rows.get(about[one.id], ())) for one in found)
    return DraftPage(items=items, next=found[-1].id if len(found) == asked.limit else None)


async def create(call: Call[Nothing, CreateOfferRequest]) -> MadeOfferAnswer:
    """Have an offer made, from a product that was imported or from what is given."""
    body = call.body
    draft = _draft(body, body.sku or "")
    made = await call.hub.offer_making.create(
        body.account, draft, call.who, product=body.source, publish=body.publish, check=body.check
    )
    return MadeOfferAnswer.of(body.account, made)


async def change(call: Call[Nothing, ChangeOfferRequest]) -> MadeOfferAnswer:
    """Have an offer changed in what is given, or a draft published."""
    body, account, offer = call.body, call.path["account"], call.path["offer"]
    draft = _draft(body, await _mark(call.hub, account, offer))
    if body.publish:
        if draft != OfferDraft(sku=draft.sku):
            raise Refusal(400, "parameter", Reason("making.publish-alone"), parameter="publish")
        if body.check:
            raise Refusal(400, "parameter", Reason("making.publish-checked"), parameter="check")
        outcome = await call.hub.offer_making.publish(account, offer, call.who)
        return MadeOfferAnswer.of(account, Made(outcome=outcome, draft=draft), offer)
    made = await call.hub.offer_making.change(account, offer, draft, call.who, check=body.check)
    return MadeOfferAnswer.of(account, made, offer)


async def end(call: Call[Nothing, EndOfferRequest]) -> MadeOfferAnswer:
    """Have an offer taken off sale for good."""
    account, offer = call.path["account"], call.path["offer"]
    outcome = await call.hub.offer_making.end(account, offer, call.who)
    draft = OfferDraft(sku=await _mark(call.hub, account, offer))
    return MadeOfferAnswer.of(account, Made(outcome=outcome, draft=draft), offer)


async def copy(call: Call[Nothing, CopyOfferRequest]) -> MadeOfferAnswer:
    """Have the same offer made on another account."""
    body, account, offer = call.body, call.path["account"], call.path["offer"]
    over = _draft(body, body.sku or "")
    made = await call.hub.offer_making.copy(account, offer, body.to, call.who, over=over, check=body.check)
    return MadeOfferAnswer.of(body.to, made)


def _draft(body: DraftFields, sku: str) -> OfferDraft:
    try:
        return body.draft(sku)
    except ArithmeticError:
        detail = Reason("making.price-text", price=body.price or "")
        raise Refusal(400, "parameter", detail, parameter="price") from None


async def _mark(hub: Hub, account: str, offer: str) -> str:
    """The seller's mark on an offer; empty where it has none, or is not known."""
    known = (await offers.by_external(hub.database.reader, account, [offer])).get(offer)
    return (known.offer.sku or "") if known is not None else ""


_OFFER = "/api/v1/offers/{account}/{offer}"

ROUTES = (
    route("GET", "/api/v1/offer-drafts", listing),
    route("POST", "/api/v1/offers", create, refusals=(409,), limit=_PATIENT),
    route("POST", f"{_OFFER}/change", change, refusals=(409,), limit=_PATIENT),
    route("POST", f"{_OFFER}/end", end, refusals=(409,)),
    route("POST", f"{_OFFER}/copy", copy, refusals=(409,), limit=_PATIENT),
)
