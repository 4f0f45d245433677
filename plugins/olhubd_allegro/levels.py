"""Quantities out, by commands: one value for up to a thousand offers, and the end of an offer for zero.

What is allocated is changed by so many pieces (GAIN) and gets no number: a sale at the same moment stays taken off.
Allegro takes only quantities above zero by the command for quantities; an offer that is sold out is ended by the
command for publications, and activated by it again when it has been filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from olhubd.model import EndedBy, LevelStep, Offer, OfferState, OfferTerms
from olhubd.plugin import (
    Accepted,
    Client,
    ContractBroken,
    LevelCall,
    LevelSink,
    LevelWish,
    NotFound,
    Record,
    RowOutcome,
    ShownLevel,
)
from olhubd_allegro import wire_offers
from olhubd_allegro.commands import Commands
from olhubd_allegro.offers import STATES, Offers

__all__ = ["Levels"]

_SET, _CHANGE, _END, _ACTIVATE = "set", "change", "end", "activate"
_QUANTITIES, _PUBLICATIONS = "/sale/offer-quantity-change-commands", "/sale/offer-publication-commands"
_PATHS = {_SET: _QUANTITIES, _CHANGE: _QUANTITIES, _END: _PUBLICATIONS, _ACTIVATE: _PUBLICATIONS}
_FIELDS = {_SET: {"quantity"}, _CHANGE: {"quantity"}, _END: {"publication"}, _ACTIVATE: {"publication"}}
"""What the tasks of a command say that they change."""
_ORDER = {LevelStep.SHOW: 0, LevelStep.FILL: 1, LevelStep.ACTIVATE: 2}
_DETAILS = "/sale/product-offers"
_ENDED_BY = {
    "USER": EndedBy.SELLER,
    "EMPTY_STOCK": EndedBy.SOLD_OUT,
    "EXPIRATION": EndedBy.EXPIRED,
    "ADMIN": EndedBy.MARKETPLACE,
    "PRODUCT_DETACHMENT": EndedBy.MARKETPLACE,
}
_STUBBORN = 2
"""So often lowering may be refused before the offer is ended instead: what sells too much must not go on."""


class Levels(LevelSink):
    """The quantities of one account's offers."""

    level_settle = timedelta(seconds=5)
    resumes = True
    renews = True
    changes = True

    def __init__(self, api: Client, offers: Offers, quantities: Commands, publications: Commands) -> None:
        self._api = api
        self._quantities = quantities
        self._publications = publications
        self._offers = offers

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        by_value: dict[tuple[LevelStep, bool, int], list[str]] = {}
        lowered: set[tuple[LevelStep, bool, int]] = set()
        for wish in wishes:
            stuck = wish.value < wish.shown and wish.refused >= _STUBBORN
            # All that is brought back goes in one call, whatever it holds.
            value = 0 if stuck or wish.step is LevelStep.ACTIVATE else wish.value
            changes = wish.change is not None and value > 0
            number = (wish.change or 0) if changes else value
            by_value.setdefault((wish.step, changes, number), []).append(wish.offer)
            if wish.value < wish.shown:
                lowered.add((wish.step, changes, number))
        most = min(self._quantities.most, self._publications.most)
        # What sells too much first, since not all may be changed in this minute; what is to sell again last.
        return [
            _call(step, changes, number, tuple(some[at : at + most]))
            for (step, changes, number), some in sorted(
                by_value.items(), key=lambda one: (_ORDER[one[0][0]], one[0] not in lowered, one[0][2], one[0][1])
            )
            for at in range(0, len(some), most)
        ]

    async def write_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted:
        change: dict[str, Any] = {"publication": {"action": call.action.upper()}}
        if call.action == _SET:
            change = {"modification": {"changeType": "FIXED", "value": call.value}}
        elif call.action == _CHANGE:
            change = {"modification": {"changeType": "GAIN", "value": call.change}}
        return await self._commands(call).put(_path(command, call), call.offers, change)

    async def report_levels(self, command: str, call: LevelCall) -> Sequence[RowOutcome] | Accepted | None:
        fields = _FIELDS[call.action]
        return await self._commands(call).report(_path(command, call), command, call.offers, fields)

    def _commands(self, call: LevelCall) -> Commands:
        return self._quantities if _PATHS[call.action] == _QUANTITIES else self._publications

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return [_shown(record) for record in await self._offers.read(offers)]

    async def read_terms(self, offers: Sequence[str]) -> Sequence[OfferTerms]:
        """When an offer ended is in the list; by whom, and whether it is listed again by itself, in its details."""
        found: list[OfferTerms] = []
        for listed in await self._offers.listed(offers):
            try:
                details = await self._api.get(f"{_DETAILS}/{listed.id}", wire_offers.OfferDetails)
            except NotFound:
                continue
            if details.id != listed.id:
                raise ContractBroken("Allegro gave the details of another offer", field="id")
            terms = details.publication
            ended = STATES.get(listed.publication.status, OfferState.UNKNOWN) is OfferState.ENDED
            found.append(
                OfferTerms(
                    offer=listed.id,
                    state=STATES.get(listed.publication.status, OfferState.UNKNOWN),
                    buy_now=listed.selling_mode.format == "BUY_NOW" if listed.selling_mode is not None else None,
                    renews=terms.republish if terms is not None else None,
                    ended_at=listed.publication.ended_at if ended else None,
                    ended_by=_ENDED_BY.get(terms.ended_by or "", EndedBy.UNKNOWN) if ended and terms else None,
                )
            )
        return found


def _call(step: LevelStep, changes: bool, number: int, offers: tuple[str, ...]) -> LevelCall:
    if step is LevelStep.ACTIVATE:
        return LevelCall(action=_ACTIVATE, offers=offers)
    if changes:
        return LevelCall(action=_CHANGE, change=number, offers=offers)
    return LevelCall(action=_SET if number else _END, value=number or None, offers=offers, ends=not number)


def _path(command: str, call: LevelCall) -> str:
    return f"{_PATHS[call.action]}/{command}"


def _shown(record: Record) -> ShownLevel:
    """What buyers see of an offer. A row that makes no sense, or whose state is no known word, says that it is
    there, and no more."""
    if not isinstance(record, Offer) or record.state is OfferState.UNKNOWN:
        return ShownLevel(offer=record.external_id, quantity=None, active=True)
    active = record.state is OfferState.ACTIVE
    return ShownLevel(
        offer=record.external_id, quantity=record.quantity if active else record.quantity or 0, active=active
    )
