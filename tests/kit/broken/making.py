"""Offers made as they should be, and what a connector may send twice, take over or claim about them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.model import Money, Offer, OfferDraft, OfferFlaw, OfferState
from olhubd.plugin import (
    Account,
    Client,
    ErrorDetails,
    NotFound,
    OfferSink,
    OfferTicket,
    OutcomeUnknown,
    Parts,
    PreparedOffer,
    Rejected,
    Response,
    Unavailable,
)
from olhubd_tinyshop.connector import ERRORS
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.good import GoodShop, breaks
from tests.kit.broken.making_shelf import Listing, MakingShelf, Words

__all__ = ["GoodMaking"]

STATES = {"shown": OfferState.ACTIVE, "draft": OfferState.INACTIVE, "ended": OfferState.ENDED}
Answer = Offer | OfferTicket


class Refusal(msgspec.Struct):
    error: str
    field: str | None = None


def refusal(answer: Response) -> ErrorDetails:
    said = answer.into(Refusal)
    return ErrorDetails(message=said.error, field=said.field)


LISTING_ERRORS = msgspec.structs.replace(ERRORS, read=refusal)


class Job(msgspec.Struct):
    offer: str
    done: bool
    error: str | None
    field: str | None


class Taken(msgspec.Struct):
    id: str | None = None
    job: str | None = None


class Makes(OfferSink):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodMaking) -> None:
        self.shop = shop

    async def prepare_offer(self, draft: OfferDraft, offer: str | None = None) -> PreparedOffer:
        return await self.shop.prepare(draft, offer)

    async def create_offer(self, draft: OfferDraft) -> Answer:
        return await self.shop.make(draft)

    async def report_offer(self, ticket: str) -> Answer | None:
        return await self.shop.told(ticket)

    async def find_offers(self, sku: str) -> Sequence[Offer]:
        return await self.shop.bearing(sku)

    async def read_offer(self, offer: str) -> Offer | None:
        return await self.shop.known(offer)

    async def change_offer(self, offer: str, draft: OfferDraft) -> Answer:
        return await self.shop.edit(offer, draft)

    async def publish_offer(self, offer: str) -> Answer:
        return await self.shop.put_on_sale(offer)

    async def end_offer(self, offer: str) -> Answer:
        return await self.shop.take_off_sale(offer)

    async def describe_offer(self, offer: str) -> OfferDraft:
        return await self.shop.described(offer)


class GoodMaking(GoodShop):
    """Declares its offers made alone."""

    stand_in = MakingShelf
    provides: ClassVar[Parts] = {**GoodShop.provides, Makes: "makes"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.makes = Makes(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("OfferSink",)

    @property
    def api(self) -> Client:
        return self.http

    def words(self, draft: OfferDraft) -> Words:
        price = str(draft.price.rounded().amount) if draft.price is not None else None
        return Words(sku=draft.sku, name=draft.name, price=price, quantity=draft.quantity)

    async def prepare(self, draft: OfferDraft, offer: str | None) -> PreparedOffer:
        known: list[str] = await self.api.get("/listing-rules", list[str])
        wrong = draft.price is not None and draft.price.currency not in known
        flaws = (OfferFlaw(field="price", why="another currency"),) if wrong else ()
        body: dict[str, Any] = msgspec.to_builtins(self.words(draft))
        return PreparedOffer(flaws=flaws, body=body)

    async def send(self, method: str, path: str, words: Words) -> Answer:
        answer = await self.api.request(method, path, json=words, errors=LISTING_ERRORS)
        try:
            taken = answer.into(Taken)
        except Exception as error:
            raise OutcomeUnknown(str(error)) from error
        return OfferTicket(ticket=taken.job or f"offer-{taken.id}", after=2.0)

    async def make(self, draft: OfferDraft) -> Answer:
        return await self.send("POST", "/listings", self.words(draft))

    async def edit(self, offer: str, draft: OfferDraft) -> Answer:
        return await self.send("PATCH", f"/listings/{offer}", replace(self.words(draft), sku=None))

    async def told(self, ticket: str) -> Answer | None:
        if ticket.startswith("offer-"):
            return await self.known(ticket.removeprefix("offer-"))
        if not ticket.startswith("job-"):
            return None
        try:
            job = await self.api.get(f"/jobs/{ticket}", Job)
        except NotFound:
            return None
        if not job.done:
            return OfferTicket(ticket=ticket, after=2.0)
        if job.error is not None:
            raise Rejected(job.error, field=job.field)
        return await self.known(job.offer)

    async def rows(self, sku: str) -> list[Listing]:
        return await self.api.get("/listings", list[Listing], {"sku": sku})

    async def bearing(self, sku: str) -> list[Offer]:
        return [self.offer(one) for one in await self.rows(sku) if one.sku == sku]

    async def known(self, offer: str) -> Offer | None:
        try:
            return self.offer(await self.row(offer))
        except NotFound:
            return None

    async def row(self, offer: str) -> Listing:
        return await self.api.get(f"/listings/{offer}", Listing)

    def offer(self, row: Listing) -> Offer:
        return Offer(
            external_id=row.id,
            name=row.name,
            state=STATES[row.state],
            external_state=row.state,
            sku=row.sku,
            price=Money(Decimal(row.price), "PLN") if row.price is not None else None,
            quantity=row.quantity,
        )

    async def set_state(self, offer: str, state: str) -> Offer:
        return self.offer(await self.api.call("PUT", f"/listings/{offer}/state", Listing, json=state))

    async def put_on_sale(self, offer: str) -> Answer:
        return await self.set_state(offer, "shown")

    async def take_off_sale(self, offer: str) -> Answer:
        return await self.set_state(offer, "ended")

    async def described(self, offer: str) -> OfferDraft:
        there = self.offer(await self.row(offer))
        return OfferDraft(sku=there.sku or "", name=there.name, price=there.price, quantity=there.quantity)


@breaks("MAKE-01", "MAKE-03", "MAKE-05", "MAKE-11")
class PublishesWhatItMakes(GoodMaking):
    """Saves a call."""

    async def make(self, draft: OfferDraft) -> Answer:
        answer = await super().make(draft)
        for one in await super().bearing(draft.sku):
            await super().put_on_sale(one.external_id)
        return answer


@breaks("MAKE-01")
class ShowsADraftOnSale(GoodMaking):
    """Takes whatever has pieces for an offer on sale."""

    def offer(self, row: Listing) -> Offer:
        offer = super().offer(row)
        return replace(offer, state=OfferState.ACTIVE) if row.state == "draft" else offer


@breaks("MAKE-02")
class FindsPartsOfTheMark(GoodMaking):
    """Believes the search."""

    async def bearing(self, sku: str) -> list[Offer]:
        return [self.offer(one) for one in await self.rows(sku)]


@breaks("MAKE-02")
class FindsWhatCanBeBought(GoodMaking):
    """Leaves out what has ended."""

    async def bearing(self, sku: str) -> list[Offer]:
        return [one for one in await super().bearing(sku) if one.state is not OfferState.ENDED]


@breaks("MAKE-03")
class PublishesByTurns(GoodMaking):
    """Publishes what is not published, and the other way round."""

    async def put_on_sale(self, offer: str) -> Answer:
        there = await self.row(offer)
        return await self.set_state(offer, "draft" if there.state == "shown" else "shown")


@breaks("MAKE-04")
class WakesWhatItChanges(GoodMaking):
    """Puts on sale what a change was made of, when it had been there."""

    async def edit(self, offer: str, draft: OfferDraft) -> Answer:
        answer = await super().edit(offer, draft)
        if (await self.row(offer)).state == "ended":
            await self.set_state(offer, "shown")
        return answer


@breaks("MAKE-05")
class SendsAllOfIt(GoodMaking):
    """Sends what a change does not say as nothing."""

    async def edit(self, offer: str, draft: OfferDraft) -> Answer:
        words = self.words(draft)
        return await self.send("PATCH", f"/listings/{offer}", replace(words, sku=None, name=words.name or ""))


@breaks("MAKE-06")
class ChecksByTrying(GoodMaking):
    """Asks what would be wrong with an offer by making it."""

    async def prepare(self, draft: OfferDraft, offer: str | None) -> PreparedOffer:
        found = await super().prepare(draft, offer)
        if offer is None:
            await self.make(draft)
        return found


@breaks("MAKE-07", "FAIL-02")
class TakesALostAnswerForNothing(GoodMaking):
    """Says that nothing was made."""

    async def make(self, draft: OfferDraft) -> Answer:
        try:
            return await super().make(draft)
        except OutcomeUnknown as error:
            raise Unavailable("not reached", retry_after=error.retry_after) from error


@breaks("MAKE-07")
class SendsTwiceForSure(GoodMaking):
    """Repeats a new offer whose answer was lost."""

    async def make(self, draft: OfferDraft) -> Answer:
        try:
            return await super().make(draft)
        except OutcomeUnknown:
            await super().make(draft)
            raise


@breaks("MAKE-08")
class RemembersWhatItSent(GoodMaking):
    """Finds by its own memory what it has sent, whether it arrived or not."""

    async def make(self, draft: OfferDraft) -> Answer:
        self.__dict__.setdefault("sent", {})[draft.sku] = draft
        return await super().make(draft)

    async def bearing(self, sku: str) -> list[Offer]:
        found = await super().bearing(sku)
        sent = self.__dict__.get("sent", {})
        if not found and sku in sent:
            return [Offer(external_id="?", name="", state=OfferState.INACTIVE, sku=sku)]
        return found


@breaks("MAKE-09")
class NamesNoField(GoodMaking):
    """Says what is wrong, and not of what."""

    async def send(self, method: str, path: str, words: Words) -> Answer:
        try:
            return await super().send(method, path, words)
        except Rejected as error:
            raise Rejected(str(error)) from error


@breaks("MAKE-09")
class ForgetsWhyALaterOneFailed(GoodMaking):
    """Knows a job that failed no more."""

    async def told(self, ticket: str) -> Answer | None:
        try:
            return await super().told(ticket)
        except Rejected:
            return None


@breaks("MAKE-10")
class CallsAcceptedDone(GoodMaking):
    """Gives what it sent for what there is."""

    async def make(self, draft: OfferDraft) -> Answer:
        answer = await super().make(draft)
        if isinstance(answer, OfferTicket) and answer.ticket.startswith("job-"):
            job = await self.api.get(f"/jobs/{answer.ticket}", Job)
            if not job.done and job.error is None:
                return Offer(external_id=job.offer, name=draft.name or "", state=OfferState.INACTIVE, sku=draft.sku)
        return answer


@breaks("MAKE-09", "MAKE-10")
class SendsAgainWhatTakesLong(GoodMaking):
    """Loses patience with a job."""

    async def told(self, ticket: str) -> Answer | None:
        answer = await super().told(ticket)
        if isinstance(answer, OfferTicket):
            await super().make(OfferDraft(sku="KIT-7", name="Again", price=None, quantity=1))
        return answer


@breaks("MAKE-11")
class TakesOverADraft(GoodMaking):
    """Fills a draft of the seller's that bears the mark."""

    async def make(self, draft: OfferDraft) -> Answer:
        there = await super().bearing(draft.sku)
        if there:
            return await super().edit(there[0].external_id, draft)
        return await super().make(draft)


@breaks("MAKE-12")
class TakesAnUnknownTicketForWaiting(GoodMaking):
    """Goes on to ask for what nobody knows."""

    async def told(self, ticket: str) -> Answer | None:
        found = await super().told(ticket)
        return found if found is not None else OfferTicket(ticket=ticket, after=2.0)


@breaks("MAKE-13")
class DescribesItsNameAlone(GoodMaking):
    """Leaves the price out of a description."""

    async def described(self, offer: str) -> OfferDraft:
        return replace(await super().described(offer), price=None)


@breaks("MAKE-14")
class RepeatsAChange(GoodMaking):
    """Sends a change whose answer was lost once more, to be sure, whatever is in it."""

    async def edit(self, offer: str, draft: OfferDraft) -> Answer:
        try:
            return await super().edit(offer, draft)
        except OutcomeUnknown:
            await super().edit(offer, draft)
            raise


@breaks("MAKE-14")
class NeverGivesUpAPrice(GoodMaking):
    """Sends what may be repeated until somebody answers."""

    async def edit(self, offer: str, draft: OfferDraft) -> Answer:
        lost: OutcomeUnknown | None = None
        for _ in range(5 if draft.quantity is None else 1):
            try:
                answer = await super().edit(offer, draft)
            except OutcomeUnknown as error:
                lost = error
            else:
                if lost is None:
                    return answer
        assert lost is not None
        raise lost
