"""Offers made, changed and ended at Allegro.

`POST /sale/product-offers` is not deduplicated, so the seller's mark (`external.id`) is sent and looked for. A new
offer is a draft (INACTIVE) that nobody can buy, also where two were made; a command activates it. What Allegro
accepts and does later is named by its operation, and what is done is believed when the offer is read.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from olhubd.model import Money, Offer, OfferDraft, OfferParameter, OfferState, Reason, chained
from olhubd.plugin import (
    Accepted,
    Account,
    Client,
    Conflict,
    ContractBroken,
    NotFound,
    OfferSink,
    OfferTicket,
    OutcomeUnknown,
    PluginError,
    PreparedOffer,
    Rejected,
    Response,
    Unavailable,
)
from olhubd_allegro import wire_listing, wire_offers
from olhubd_allegro.client import MEDIA, listing_errors
from olhubd_allegro.commands import Commands
from olhubd_allegro.offer_body import HANDLING, OfferBody
from olhubd_allegro.offers import STATES, Offers
from olhubd_allegro.pictures import Pictures
from olhubd_allegro.settings import AllegroSettings

__all__ = ["Listing"]

_PATH = "/sale/product-offers"
_COMMANDS = "/sale/offer-publication-commands"
_BODY = {"Content-Type": MEDIA}
_SOON = 1.0
"""Seconds until what was done is read."""
_LATER = 5.0
"""Seconds until an operation is asked for where Allegro does not say."""
_OPERATION = re.compile(r"/sale/product-offers/([\w-]+)/operations/([\w-]+)$")
_TICKET = re.compile(r"(offer|operation|command):([\w-]+)(?::([\w-]+))?")


class Listing(OfferSink):
    """What one account has listed by the hub."""

    offer_settle = timedelta(minutes=10)
    """A creation whose answer was lost may be under way for as long as Allegro works on it."""

    def __init__(
        self,
        account: Account[AllegroSettings],
        api: Client,
        offers: Offers,
        pictures: Pictures,
        publications: Commands,
    ) -> None:
        self._api = api
        self._errors = listing_errors(account.settings)
        self._offers = offers
        self._pictures = pictures
        self._commands = publications
        self._body = OfferBody(account, api)

    async def prepare_offer(self, draft: OfferDraft, offer: str | None = None) -> PreparedOffer:
        return await self._body.of(draft, new=offer is None, there=await self._there(draft, offer))

    async def create_offer(self, draft: OfferDraft) -> Offer | OfferTicket:
        body = await self._checked(draft)
        answer = await self._api.request("POST", _PATH, json=body, headers=_BODY, errors=self._errors)
        return _ticket(answer, None)

    async def report_offer(self, ticket: str) -> Offer | OfferTicket | None:
        if (found := _TICKET.fullmatch(ticket)) is None:
            return None
        kind, offer, second = found.groups()
        if kind == "operation" and second is not None:
            return await self._operation(offer, second)
        if kind == "command" and second is not None:
            return await self._command(offer, second)
        return await self._read(offer)

    async def find_offers(self, sku: str) -> Sequence[Offer]:
        return await self._offers.bearing(sku)

    async def read_offer(self, offer: str) -> Offer | None:
        return await self._read(offer)

    async def change_offer(self, offer: str, draft: OfferDraft) -> Offer | OfferTicket:
        body = await self._checked(draft, offer)
        try:
            # Not repeated by itself: the first could act after what is asked for later, and pieces that were bought
            # since would come back.
            answer = await self._api.request(
                "PATCH", f"{_PATH}/{offer}", json=body, headers=_BODY, errors=self._errors
            )
        except Conflict as error:
            # An earlier change of it is under way.
            raise Unavailable(Reason("olhubd_allegro:offer-changing", why=error), retry_after=_LATER) from error
        return _ticket(answer, offer)

    async def publish_offer(self, offer: str) -> Offer | OfferTicket:
        there = await self._details(offer)
        if there.publication.status in ("ACTIVE", "ACTIVATING"):
            return _offer(there)
        if there.validation is not None and there.validation.errors:
            raise _refused(there.validation.errors)
        return await self._publication(offer, "ACTIVATE")

    async def end_offer(self, offer: str) -> Offer | OfferTicket:
        there = await self._details(offer)
        if there.publication.status in ("ENDED", "INACTIVE"):
            return _offer(there)
        return await self._publication(offer, "END")

    async def describe_offer(self, offer: str) -> OfferDraft:
        there = await self._details(offer)
        terms = self._body.terms
        element = next(iter(there.product_set), None)
        pieces = element.quantity.value if element is not None and element.quantity is not None else None
        if len(there.product_set) > 1 or (pieces or 1) != 1:
            # A new offer would sell one piece of one product at the price of all.
            raise Rejected(Reason("olhubd_allegro:set", offer=offer))
        delivery = there.delivery or wire_listing.Delivery()
        after = there.after_sales_services or wire_listing.AfterSales()
        producer = element.responsible_producer if element is not None else None
        safety = element.safety_information if element is not None else None
        days = {word: number for number, word in HANDLING.items()}
        return OfferDraft(
            sku=(there.external.id if there.external is not None else None) or "",
            name=there.name or None,
            product=element.product.id if element is not None and element.product is not None else None,
            category=there.category.id if there.category is not None else None,
            price=_price(there),
            quantity=there.stock.available if there.stock is not None else None,
            parameters=tuple(
                OfferParameter(name=one.id, values=tuple(one.values_ids or one.values or ()))
                for one in there.parameters
                if one.values_ids or one.values
            ),
            description=_text(there.description),
            images=tuple(there.images),
            shipping=await terms.name("shipping", _id(delivery.shipping_rates)),
            handling_days=days.get(delivery.handling_time or ""),
            returns=await terms.name("returns", _id(after.return_policy)),
            implied_warranty=await terms.name("implied_warranty", _id(after.implied_warranty)),
            warranty=await terms.name("warranty", _id(after.warranty)),
            producer=await terms.name("producer", _id(producer)),
            safety=safety.description if safety is not None and safety.type == "TEXT" else None,
            tax=_tax(there.tax_settings),
        )

    async def _checked(self, draft: OfferDraft, offer: str | None = None) -> dict[str, Any]:
        """What is to be sent, with pictures that are at Allegro. Raises Rejected for what would be refused."""
        prepared = await self.prepare_offer(draft, offer)
        if prepared.flaws:
            words = chained(Reason("olhubd_allegro:flaw", field=one.field, why=one.why) for one in prepared.flaws)
            raise Rejected(words, field=prepared.flaws[0].field)
        body = dict(prepared.body)
        if draft.images:
            there = await self._pictures.upload(draft.images)
            body["images"] = [there[image] for image in draft.images]
            for element in body.get("productSet", ()):
                if "images" in element.get("product", {}):
                    element["product"]["images"] = body["images"]
        return body

    async def _there(self, draft: OfferDraft, offer: str | None) -> wire_listing.FullOffer | None:
        """The offer that is to be changed, where its category and its other parameters matter."""
        return await self._details(offer) if offer is not None and draft.parameters else None

    async def _operation(self, offer: str, operation: str) -> Offer | OfferTicket | None:
        path = f"{_PATH}/{offer}/operations/{operation}"
        try:
            answer = await self._api.request("GET", path, errors=self._errors)
        except NotFound:
            return None
        except ContractBroken as error:
            if error.status != 303:  # how Allegro says that it is done
                raise
            return await self._read(offer)
        if answer.status != 202:
            return await self._read(offer)
        ticket = f"operation:{offer}:{operation}"
        return OfferTicket(ticket=ticket, after=answer.retry_after or _LATER)

    async def _publication(self, offer: str, action: str) -> OfferTicket:
        command = str(uuid.uuid4())
        accepted = await self._commands.put(f"{_COMMANDS}/{command}", [offer], {"publication": {"action": action}})
        return OfferTicket(ticket=f"command:{offer}:{command}", after=accepted.after)

    async def _command(self, offer: str, command: str) -> Offer | OfferTicket | None:
        found = await self._commands.report(f"{_COMMANDS}/{command}", command, [offer], {"publication"})
        if found is None:
            return None
        if isinstance(found, Accepted):
            return OfferTicket(ticket=f"command:{offer}:{command}", after=found.after)
        failed = next((one for one in found if not one.done), None)
        if failed is not None:
            raise Rejected(failed.error or "refused")
        return await self._read(offer)

    async def _read(self, offer: str) -> Offer | None:
        try:
            return _offer(await self._details(offer))
        except NotFound:
            return None

    async def _details(self, offer: str) -> wire_listing.FullOffer:
        if not re.fullmatch(r"[\w-]+", offer):
            raise NotFound(Reason("olhubd_allegro:no-offer", offer=offer))
        found = await self._api.get(f"{_PATH}/{offer}", wire_listing.FullOffer)
        if found.id != offer:
            raise ContractBroken("Allegro gave the details of another offer", field="id")
        return found


def _ticket(answer: Response, offer: str | None) -> OfferTicket:
    """Under what its outcome is asked for. Nothing that fails from here on says that it was not done."""
    if answer.status == 202:
        found = _OPERATION.search(answer.headers.get("Location", ""))
        if found is not None:
            return OfferTicket(ticket=f"operation:{found[1]}:{found[2]}", after=answer.retry_after or _LATER)
    try:
        id_ = answer.into(wire_offers.OfferKey).id
    except PluginError as error:
        raise OutcomeUnknown(Reason("olhubd_allegro:not-known", why=error)) from error
    if offer not in (None, id_):
        raise OutcomeUnknown(Reason("olhubd_allegro:another-offer"))
    return OfferTicket(ticket=f"offer:{id_}", after=_LATER if answer.status == 202 else _SOON)


def _offer(there: wire_listing.FullOffer) -> Offer:
    """The offer as the mirror of offers has it."""
    rule = there.selling_mode.price_automation if there.selling_mode is not None else None
    return Offer(
        external_id=there.id,
        name=there.name,
        state=STATES.get(there.publication.status, OfferState.UNKNOWN),
        external_state=there.publication.status,
        sku=there.external.id if there.external is not None else None,
        price=_price(there),
        price_rule=rule.rule.id if rule is not None and rule.rule is not None else None,
        quantity=there.stock.available if there.stock is not None else None,
        image=next(iter(there.images), None),
    )


def _price(there: wire_listing.FullOffer) -> Money | None:
    mode = there.selling_mode
    if mode is None or mode.price is None or mode.format not in (None, "BUY_NOW"):
        return None
    return Money(mode.price.amount, mode.price.currency)


def _refused(flaws: Sequence[wire_listing.Flaw]) -> Rejected:
    said = [(one.path, one.user_message or one.message or one.code or "") for one in flaws]
    words = chained(Reason("olhubd_allegro:flaw", field=path, why=text) if path else text for path, text in said)
    return Rejected(words, field=next((path for path, _ in said if path), None))


def _id(key: wire_listing.Key | None) -> str | None:
    return key.id if key is not None else None


def _tax(settings: wire_listing.OfferTax | None) -> str | None:
    if settings is None:
        return None
    return next((one.rate for one in settings.rates if one.rate), None) or settings.exemption


def _text(written: dict[str, Any] | None) -> str | None:
    """The texts of a description, one after the other; its pictures are among those of the offer."""
    found = [
        item["content"]
        for section in (written or {}).get("sections") or ()
        for item in section.get("items") or ()
        if item.get("type") == "TEXT" and isinstance(item.get("content"), str)
    ]
    return "".join(found) or None
