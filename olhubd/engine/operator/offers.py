"""What a person does to an offer that stock control keeps: bring it back, say that it may be, end a dispute.

Each is one transaction with an event that names who did it. What follows is the leveller's, which is woken.
"""

from __future__ import annotations

import msgspec

from olhubd.decide.stock.dispute import settle
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.resume import barred
from olhubd.engine.directory import Directory
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.leveller import Leveller
from olhubd.engine.levels.wanted import freed
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, Reason, Subject
from olhubd.plugin import Clock, PluginError
from olhubd.store import Database, Transaction, levels, offers, unknown_offers

__all__ = ["OfferActions"]


class OfferActions:
    """The hands of a person on offers."""

    def __init__(self, directory: Directory, in_force: InForce, database: Database, clock: Clock) -> None:
        self._directory = directory
        self._in_force = in_force
        self._database = database
        self._clock = clock

    async def resume(self, account: str, offer: str, who: str) -> OfferLevel:
        """Have an offer that has ended brought back once, whatever is said of bringing it back by itself."""
        row = await self._row(account, offer)
        # The pieces may be for sale on other offers, and one that is brought back gets its share.
        if not row.wanted and not (row.allocated and row.wanted is not None):
            none = (
                Reason("stock.count-unknown") if row.wanted is None else Reason("stock.nothing-to-sell", pieces=0)
            )
            raise NotPossible(none)
        leveller = self._leveller(account, offer)
        if not leveller.resumes:
            raise NotPossible(Reason("level.cannot-resume"))
        try:
            terms = await leveller.terms_of(row)
        except PluginError as error:
            raise NotPossible(Reason("stock.terms-unread", error=error)) from None
        why = barred(terms, self._clock.now(), ended_here=row.ended_here, by_hand=True)
        if why is not None:
            raise NotPossible(Reason(why))
        return await self._change(row, "stock.resume-asked", who, tries=0, due_at=None, resume_by=who)

    async def allow(self, account: str, offer: str, allowed: bool, who: str) -> OfferLevel:
        """Say whether an offer may be brought back by itself. It has no meaning where no rule does so."""
        if not any(rule.resume for rule in self._in_force.stock() if account in rule.channels):
            raise NotPossible(Reason("stock.resuming-off", account=account))
        row = await self._row(account, offer)
        if row.resumes == allowed:
            return row
        kind = "stock.resume-allowed" if allowed else "stock.resume-forbidden"
        return await self._change(row, kind, who, resumes=allowed)

    async def retry(self, account: str, offer: str, who: str) -> OfferLevel:
        """Let the hub write an offer again: a dispute is over, and what was refused does not count any more."""
        row = await self._row(account, offer)
        after = settle(row)
        if after == row:
            raise NotPossible(Reason("stock.no-dispute"))
        fields = ("drifts", "disputed_at", "disputed_over", "tries", "due_at", "reason")
        return await self._change(row, "stock.retried", who, **{name: getattr(after, name) for name in fields})

    async def ignore(self, account: str, offer: str, reason: str, who: str) -> None:
        """Let an offer that nobody linked sell beside the hub, and alarm nobody."""

        async def work(tx: Transaction) -> None:
            known = (await offers.by_external(tx, account, [offer])).get(offer)
            if known is None or not await unknown_offers.ignore(tx, account, offer, self._clock.now(), who):
                raise NotPossible(Reason("stock.no-unknown-offer", offer=offer, account=account))
            recorder = Recorder(tx, self._clock.now(), Cause("operator", who))
            facts: dict[str, object] = {"offer": offer, "reason": reason}
            await recorder.event("stock.unknown-ignored", account, Subject(Kind.OFFER, known.id), facts)
            await recorder.write(tx)

        await self._database.write(work)

    async def _row(self, account: str, offer: str) -> OfferLevel:
        reader = self._database.reader
        known = (await offers.by_external(reader, account, [offer])).get(offer)
        row = (await levels.of_offers(reader, [known.id])).get(known.id) if known is not None else None
        if row is None:
            raise NotPossible(Reason("stock.no-offer", offer=offer, account=account))
        return row

    def _leveller(self, account: str, offer: str) -> Leveller:
        leveller = self._directory.unit(account).levels.leveller
        if leveller is None:
            raise NotPossible(Reason("stock.no-offer", offer=offer, account=account))
        return leveller

    async def _change(self, row: OfferLevel, kind: str, who: str, **fields: object) -> OfferLevel:
        """Change these fields of the row as it is by now, and wake who keeps it."""

        async def work(tx: Transaction) -> OfferLevel:
            current = (await levels.of_offers(tx, [row.offer]))[row.offer]
            changed = msgspec.structs.replace(current, **fields)
            await levels.put(tx, [changed])
            if changed.allocated:
                await freed(tx, [changed.offer])  # it can be raised now, or it can no more
            recorder = Recorder(tx, self._clock.now(), Cause("operator", who))
            facts: dict[str, object] = {"offer": row.external_id}
            await recorder.event(kind, row.account, Subject(Kind.OFFER, row.offer), facts)
            await recorder.write(tx)
            return changed

        found = await self._database.write(work)
        self._directory.level()
        return found
