"""What is to be done with each row of a channel, with the terms of those offers by which that is decided.

Terms cost a call an offer at some marketplaces. So they are read when an offer that has ended is to be brought
back, each time again; before an offer is raised for the first time; and of the others a few at a time, so that an
offer that is listed again by itself is known before that happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from olhubd.decide.stock.level import Move, NextMove, OfferLevel, given_back, next_step, unread_and_stopped
from olhubd.decide.stock.policy import StockRule
from olhubd.decide.stock.resume import barred, forbidden
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.levels.wanted import rule_of
from olhubd.model import OfferState, OfferTerms
from olhubd.plugin import AccountBlocked, AuthLost, PluginError
from olhubd.store import Transaction, events, levels, offer_terms, offers, stock_items
from olhubd.store.offer_terms import StoredTerms

__all__ = ["PRICE_FIRST", "Terms"]

_AT_ONCE = 20
"""Offers whose terms are read in one turn."""
_SOON = timedelta(seconds=5)
PRICE_FIRST = "level.price-first"
_BACK = frozenset({Move.FILL, Move.ACTIVATE})
_UPWARD = frozenset({Move.FILL, Move.ACTIVATE, Move.TERMS})


class _ByRule(NamedTuple):
    """What rules say of offers: those that may come back, and those that are only lowered."""

    resumed: set[int]
    lowered: set[int]


class Terms:
    """Reads and keeps the terms of one account's offers."""

    def __init__(self, channel: SalesChannel) -> None:
        self._channel = channel
        self._through = 0
        self.trouble: PluginError | None = None
        """What kept the terms of offers that are to be raised from being read."""

    async def steps(self, rows: Sequence[OfferLevel], *, ask: bool = True) -> list[tuple[OfferLevel, NextMove]]:
        """The rows, each with what is to be done with it now. TERMS is left where a later turn reads them, and
        where they cannot be read, which is kept as `trouble`. Unless `ask`, none are read."""
        now, through = self._channel.clock.now(), self._channel.read_through()
        allocated = self._channel.read_through(allocated=True)
        stale = [row for row in rows if row.wanted and (not row.active or row.wanted > (row.confirmed or 0))]
        known = await offer_terms.read(self._channel.database.reader, [row.offer for row in stale])
        resumed = await self._resumed([row for row in stale if not row.active])
        lowered = await self._lowered([row for row in stale if row.active])

        by_rule = _ByRule(resumed=resumed, lowered=lowered)

        def decide(row: OfferLevel, terms: StoredTerms | None, *, read: bool = False) -> NextMove:
            reached = allocated if row.allocated else through
            return self._step(row, terms, through=reached, now=now, by_rule=by_rule, read=read)

        found = [(row, decide(row, known.get(row.offer))) for row in rows]
        asked = [row for row, step in found if step.move is Move.TERMS][:_AT_ONCE]
        if not asked or not ask:
            return await self._priced(found)
        try:
            fresh = await self._read(asked)
        except (AuthLost, AccountBlocked):
            raise
        except PluginError as error:
            # What is lowered needs none.
            self.trouble = error
            return await self._priced(found)
        names = {row.offer for row in asked}
        return await self._priced(
            [
                (row, decide(row, fresh.get(row.offer), read=True) if row.offer in names else step)
                for row, step in found
            ]
        )

    async def _priced(self, found: list[tuple[OfferLevel, NextMove]]) -> list[tuple[OfferLevel, NextMove]]:
        """The same, where what comes back costs what it is to cost before it can be bought."""
        waits = await self._channel.unready([row.offer for row, step in found if step.move in _BACK])
        return [
            (row, NextMove(Move.HELD, PRICE_FIRST) if step.move is Move.ACTIVATE and row.offer in waits else step)
            for row, step in found
        ]

    async def permitted(self, tx: Transaction, rows: Mapping[int, OfferLevel]) -> Mapping[int, OfferLevel]:
        """Those of the rows that may still be sent as the transaction sees it, by offer. What is held by now is
        not raised; lowering is always allowed."""
        return {
            id_: row
            for id_, row in rows.items()
            if row.held is None or given_back(row) or (row.active and _less(row))
        }

    def _step(
        self,
        row: OfferLevel,
        known: StoredTerms | None,
        *,
        through: int,
        now: datetime,
        by_rule: _ByRule,
        read: bool = False,
    ) -> NextMove:
        sink = self._channel.sink
        if row.active or not row.wanted:
            renews = known.terms.renews if known is not None else None
            known_so = bool(renews) if read or not sink.renews else renews
            return next_step(row, through, now, renews=known_so, raises=row.offer not in by_rule.lowered)
        why = forbidden(row, able=sink.resumes, resumes=row.offer in by_rule.resumed)
        step = next_step(row, through, now, barred=why)
        if step.move not in _UPWARD:
            return step
        # It may have been ended by somebody else since they were read.
        if not read and (known is None or known.read_after <= row.confirmed_after):
            return NextMove(Move.TERMS)
        terms = known.terms if known is not None else None
        why = barred(terms, now, ended_here=row.ended_here, by_hand=row.resume_by is not None)
        return next_step(row, through, now, barred=why)

    async def _resumed(self, rows: Sequence[OfferLevel]) -> set[int]:
        """Those that a rule brings back: each of the rules by which what it sells is sold here does so."""
        if not rows or not any(rule.resume for rule in self._rules()):
            return set()
        return {offer for offer, of in (await self._rules_of(rows)).items() if of and all(one.resume for one in of)}

    async def _lowered(self, rows: Sequence[OfferLevel]) -> set[int]:
        """Those that are never raised: one of the rules by which what it sells is sold here does not do so."""
        if not rows or all(rule.raises for rule in self._rules()):
            return set()
        return {offer for offer, of in (await self._rules_of(rows)).items() if not all(one.raises for one in of)}

    def _rules(self) -> Sequence[StockRule]:
        return [rule for rule in self._channel.rules() if self._channel.account in rule.channels]

    async def _rules_of(self, rows: Sequence[OfferLevel]) -> Mapping[int, Sequence[StockRule]]:
        """By which rules what each offer sells is sold here; none where a part of it is sold by no rule."""
        rules, reader = self._channel.rules(), self._channel.database.reader
        links = await offers.links_of(reader, [row.offer for row in rows])
        items = await stock_items.read(reader, {link.item for some in links.values() for link in some})
        found: dict[int, Sequence[StockRule]] = {}
        for offer, some in links.items():
            masters = {items[link.item].account for link in some if link.item in items}
            of = [rule_of(rules, master, self._channel.account) for master in masters]
            found[offer] = [rule for rule in of if rule is not None] if None not in of else ()
        return found

    async def read_one(self, row: OfferLevel) -> OfferTerms:
        """The terms of one offer as they are now."""
        return (await self._read([row]))[row.offer].terms

    async def learn(self) -> datetime | None:
        """Read the terms of a few offers that were never read. Gives when there are more."""
        if not self._channel.sink.renews:
            return None
        reader = self._channel.database.reader
        ids = await levels.numbers(reader, self._channel.account, self._through, _AT_ONCE)
        if not ids:
            return None
        known = await offer_terms.read(reader, ids)
        rows = await levels.of_offers(reader, [id_ for id_ in ids if id_ not in known])
        if rows:
            await self._read(list(rows.values()))
        self._through = ids[-1]
        return self._channel.clock.now() + (_SOON if rows else timedelta())

    async def _read(self, rows: Sequence[OfferLevel]) -> Mapping[int, StoredTerms]:
        after = await events.head(self._channel.database.reader)
        ask = partial(self._channel.sink.read_terms, [row.external_id for row in rows])
        answer: Sequence[OfferTerms] = await self._channel.calls.read("read_terms", ask, Sequence)
        by_name = {row.external_id: row.offer for row in rows}
        found = {row.offer: OfferTerms(offer=row.external_id, state=OfferState.UNKNOWN) for row in rows}
        found |= {by_name[one.offer]: one for one in answer if one.offer in by_name}

        async def work(tx: Transaction) -> None:
            await offer_terms.put(tx, self._channel.account, found, after)

        await self._channel.database.write(work)
        return {id_: StoredTerms(terms=one, read_after=after) for id_, one in found.items()}


def _less(row: OfferLevel) -> bool:
    if unread_and_stopped(row):
        return True
    return row.wanted is not None and row.confirmed is not None and row.wanted < row.confirmed
