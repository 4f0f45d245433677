"""What the connector of a marketplace in memory does about offers that are made there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from olhubd.model import Offer, OfferDraft
from olhubd.plugin import NotFound, OfferSink, OfferTicket, PreparedOffer
from olhubd_torture.stall import Stall

if TYPE_CHECKING:
    from olhubd_torture.memory_connectors import MarketConnector

__all__ = ["MarketStall"]

SETTLE = 60.0
"""Seconds after a lost answer within which it is acted upon, if it is at all, and what is done later is there."""
_WITHIN = 25.0
_SOON = 2.0


class MarketStall(OfferSink):
    """The offers made of one account there."""

    offer_settle = timedelta(seconds=SETTLE)

    def __init__(self, door: MarketConnector) -> None:
        self.door = door

    @property
    def _stall(self) -> Stall:
        stall = self.door.market.stall
        assert stall is not None
        return stall

    async def prepare_offer(self, draft: OfferDraft, offer: str | None = None) -> PreparedOffer:
        return PreparedOffer(body={"sku": draft.sku})

    async def create_offer(self, draft: OfferDraft) -> OfferTicket:
        return await self._written("make", draft, None)

    async def change_offer(self, offer: str, draft: OfferDraft) -> OfferTicket:
        return await self._written("edit", draft, offer)

    async def _written(self, name: str, draft: OfferDraft, offer: str | None) -> OfferTicket:
        write = lambda: self._stall.write(draft, offer)  # noqa: E731
        ticket: str = await self.door.call(name, write, writes=True, within=_WITHIN)
        return OfferTicket(ticket=ticket, after=_SOON)

    async def report_offer(self, ticket: str) -> Offer | OfferTicket | None:
        found: Offer | str | None = await self.door.call("told", lambda: self._stall.report(ticket))
        return OfferTicket(ticket=found, after=_SOON) if isinstance(found, str) else found

    async def find_offers(self, sku: str) -> Sequence[Offer]:
        stall = self._stall
        return await self.door.call("bearing", lambda: [stall.told(one) for one in stall.bearing(sku)])

    async def read_offer(self, offer: str) -> Offer | None:
        stall = self._stall
        there = await self.door.call("offer", lambda: stall.offers.get(offer))
        return stall.told(there) if there is not None else None

    async def publish_offer(self, offer: str) -> Offer:
        return await self._turned("publish", offer, "active")

    async def end_offer(self, offer: str) -> Offer:
        return await self._turned("end", offer, "ended")

    async def _turned(self, name: str, offer: str, state: str) -> Offer:
        turn = lambda: self._stall.turn(offer, state)  # noqa: E731
        found: Offer = await self.door.call(name, turn, writes=True, within=_WITHIN)
        return found

    async def describe_offer(self, offer: str) -> OfferDraft:
        if (there := await self.read_offer(offer)) is None:
            raise NotFound("no such offer")
        return OfferDraft(sku=there.sku or "", name=there.name, price=there.price, quantity=there.quantity)
