"""Offers out: one is made, changed or ended, and found again by the seller's mark after an answer was lost.

Twice would be two offers that sell the same pieces. No system of this kind refuses the second, so the host looks
an offer up by its mark before each try, and a connector makes a new one as a draft that nobody can buy. It is
published by a call of its own, which may be repeated.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from olhubd.model import Offer, OfferDraft, OfferFlaw
from olhubd.plugin.part import Capability

__all__ = ["OfferSink", "OfferTicket", "PreparedOffer"]


class OfferTicket(msgspec.Struct, frozen=True, kw_only=True):
    """The system does it later, and says under `ticket` what became of it. It is asked in `after` seconds."""

    ticket: str
    after: float


class PreparedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What would be sent for a draft, and what is wrong with the draft.

    `body` is the request in the system's own words. `category` is what the category is called, where the connector
    chose it. With a flaw nothing may be sent.
    """

    flaws: tuple[OfferFlaw, ...] = ()
    body: Mapping[str, Any] = {}
    category: str | None = None


class OfferSink(Capability):
    """Makes, changes and ends offers of one account."""

    offer_settle: timedelta = timedelta(seconds=60)
    """For how long after a lost answer an offer may still come into being, or not be found by its mark yet."""

    @abc.abstractmethod
    async def prepare_offer(self, draft: OfferDraft, offer: str | None = None) -> PreparedOffer:
        """What would be sent for this draft: it asks the system for rules and names, and changes nothing there.

        With `offer`, the number of one that is there, the draft says what of it is to be otherwise.
        """

    @abc.abstractmethod
    async def create_offer(self, draft: OfferDraft) -> Offer | OfferTicket:
        """Make it as a draft that nobody can buy, with the mark of the seller. Raises Rejected with the field for a
        flaw, and OutcomeUnknown on any doubt whether it was made."""

    @abc.abstractmethod
    async def report_offer(self, ticket: str) -> Offer | OfferTicket | None:
        """What became of what was accepted, made or changed: the offer as it is read, the ticket again while it is
        not done. None where the system does not know the ticket. Raises Rejected where it failed."""

    @abc.abstractmethod
    async def find_offers(self, sku: str) -> Sequence[Offer]:
        """All offers of the account that bear exactly this mark, ended ones too. Empty only where there is surely
        none."""

    @abc.abstractmethod
    async def read_offer(self, offer: str) -> Offer | None:
        """One offer of the account by its number. None where there is surely none."""

    @abc.abstractmethod
    async def change_offer(self, offer: str, draft: OfferDraft) -> Offer | OfferTicket:
        """Change what the draft says and keep the rest. The same once more changes nothing."""

    @abc.abstractmethod
    async def publish_offer(self, offer: str) -> Offer | OfferTicket:
        """Let buyers buy what was made as a draft. One that can be bought already stays so."""

    @abc.abstractmethod
    async def end_offer(self, offer: str) -> Offer | OfferTicket:
        """Take it off sale. One that has ended stays so."""

    @abc.abstractmethod
    async def describe_offer(self, offer: str) -> OfferDraft:
        """All that a new offer of the same would need, with the names of policies and not their identifiers. Raises
        NotFound."""
