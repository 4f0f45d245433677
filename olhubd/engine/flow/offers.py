"""The offers of a channel as it reports them: each reading renews its offer, and what is known of its level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.pricing.switch import follows_at_first
from olhubd.decide.stock.level import OfferLevel, Phase, judge
from olhubd.engine.flow.flow import FlowContext, Known, RecordFlow, Result
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.levels.linking import Seen, doubt, link, on_events
from olhubd.engine.levels.relinking import linked_since
from olhubd.engine.levels.unknown import find_unknown
from olhubd.engine.levels.wanted import freed
from olhubd.engine.prices.reading import read_prices
from olhubd.model import Kind, LevelKind, Linking, Offer, OfferState, Reason
from olhubd.store import Reader, events, levels, offers, price_switches
from olhubd.store.offer_products import AGAIN
from olhubd.store.offers import StoredOffer

__all__ = ["OfferFlow"]

_DECODE = msgspec.json.Decoder(Offer).decode


class OfferFlow(RecordFlow[Offer]):
    """Offers. A row that is being written is left to who writes it."""

    kind = Kind.OFFER
    record = Offer
    replayed = False  # the newest event when it was asked for, and what was written meanwhile, are no inputs

    def objection(self, record: Offer) -> str | None:
        return Reason("offer.set-size") if record.set_size is not None and record.set_size < 1 else None

    def decode(self, document: bytes) -> Offer:
        return _DECODE(document)

    async def held(self, reader: Reader, account: str, external_ids: Sequence[str]) -> Mapping[str, Known]:
        return await offers.by_external(reader, account, external_ids)

    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        found = await offers.read(reader, ids)
        return {id_: (one.account, one.offer.external_id) for id_, one in found.items()}

    async def land(self, context: FlowContext, candidates: Sequence[Candidate[Offer]]) -> Result:
        result = Result()
        tx, account = context.tx, context.account
        known = await offers.by_external(tx, account, [one.external_id for one in candidates])
        rows = await levels.of_offers(tx, [one.id for one in known.values()]) if context.rules else {}
        renewed: list[StoredOffer] = []
        marks: list[tuple[str | None, str | None]] = []
        said: list[StoredOffer] = []
        priced_since = await price_switches.since(tx, account)
        prices: Mapping[int, OfferLevel] = {}
        if priced_since is not None:
            prices = await levels.of_offers(tx, [one.id for one in known.values()], LevelKind.PRICE)
        listens = on_events(context.rules, account)
        since = await linked_since(tx, account) if listens else None
        news: set[int] = set()
        for one in await context.sensible(Kind.OFFER, candidates, result):
            old = known.get(one.external_id)
            if old is not None and old.read_after > context.after:
                continue
            if (
                old is not None
                and old.digest == one.digest
                and not _otherwise(rows.get(old.id), one.record)
                and not _costs_otherwise(prices.get(old.id), one.record)
            ):
                continue
            happened = listens and _happened(old, _with_product(one.record, old), since)
            renewed.append(
                StoredOffer(
                    id=old.id if old is not None else await tx.next_id("offers"),
                    account=account,
                    offer=_with_product(one.record, old),
                    read_after=context.after,
                    read_at=context.now,
                    digest=one.digest,
                    linking=old.linking if old is not None else Linking.NONE,
                    price_sync=old.price_sync
                    if old is not None
                    else follows_at_first(one.record.listed_at, priced_since),
                    products_read_at=_products_read(old, one.record),
                    happened_at=context.now if happened else old.happened_at if old is not None else None,
                )
            )
            new = renewed[-1]
            if happened:
                news.add(new.id)
            if old is None or new.id in news or (old.offer.sku, old.gtin) != (one.record.sku, new.gtin):
                marks.append((one.record.sku, new.gtin))
            if old is not None and (old.gtin, old.offer.set_size) != (new.gtin, new.offer.set_size):
                said.append(new)
            result.count(added=int(old is None), changed=int(old is not None))
            context.touched.add((Kind.OFFER, one.external_id))
        if not renewed:
            return result
        await offers.put(tx, renewed)
        # Buyers bought while the answer was on its way: it counts from now on, and not from when it was asked for.
        read = await events.head(tx)
        # So that what is read from now on is known to be read after this.
        await context.recorder.event("offers.changed", account, None, {"offers": len(renewed)})
        await self._read(context, renewed, read)
        if priced_since is not None:
            await read_prices(context, renewed, known, read, priced_since)
        if context.rules:
            newest = context.recorder.newest(context.after)
            if said:
                await doubt(tx, context.recorder, said, newest, context.routes, context.rules)
            if marks:
                seen = Seen.of(marks)
                await link(tx, context.recorder, seen, newest, context.routes, context.rules, news=news)
            await find_unknown(context, renewed, known)
        return result

    async def _read(self, context: FlowContext, renewed: Sequence[StoredOffer], after: int) -> None:
        """What these readings, there when `after` was the newest event, say of levels that nobody writes."""
        rows = await levels.of_offers(context.tx, [one.id for one in renewed])
        found: list[OfferLevel] = []
        moved: set[int] = set()
        for one in renewed:
            row = rows.get(one.id)
            if row is None or row.phase is not Phase.SETTLED or row.confirmed_after > context.after:
                continue
            if one.offer.buyable is None:
                continue  # it says nothing of how many it shows, which is not zero
            active = one.offer.state is OfferState.ACTIVE
            level = judge(row, one.offer.quantity or 0, active, context.after, after, context.now).level
            found.append(level)
            if level.allocated and (level.bound, level.active) != (row.bound, row.active):
                moved.add(level.offer)
        if found:
            await levels.put(context.tx, found)
        await freed(context.tx, moved)

    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        """Nothing follows: an offer that ends is reported as ended."""
        return Result()


def _with_product(record: Offer, old: StoredOffer | None) -> Offer:
    """The offer with what was learned of its product, of which its feed says nothing."""
    if old is None or old.products_read_at is None or (record.ean, record.set_size) != (None, None):
        return record
    return msgspec.structs.replace(record, ean=old.offer.ean, set_size=old.offer.set_size)


def _products_read(old: StoredOffer | None, record: Offer) -> datetime | None:
    """When its products were read: long ago where by its name or its mark it may sell something else by now."""
    if old is None or old.products_read_at is None or (old.offer.name, old.offer.sku) == (record.name, record.sku):
        return old.products_read_at if old is not None else None
    return AGAIN


def _happened(old: StoredOffer | None, record: Offer, since: datetime | None) -> bool:
    """Whether something has happened to an offer since then: it was listed, or reads otherwise."""
    if since is None or (old is not None and _described(old.offer, record)):
        return False
    return old is not None or (record.listed_at is not None and record.listed_at >= since)


def _described(old: Offer, record: Offer) -> bool:
    """Whether its picture alone is another one, or it is merely read by now when it was listed."""
    listed_at = old.listed_at if old.listed_at is None else record.listed_at
    if (old.image, old.listed_at) == (record.image, record.listed_at):
        return False
    return old == msgspec.structs.replace(record, image=old.image, listed_at=listed_at, updated_at=None, extra={})


def _otherwise(row: OfferLevel | None, record: Offer) -> bool:
    """Whether an offer that reads as it did before is otherwise than its level was read or written since: somebody
    has put it back."""
    if row is None or row.phase is not Phase.SETTLED:
        return False
    active = record.state is OfferState.ACTIVE
    return (row.confirmed, row.active) != ((record.quantity or 0) if active else 0, active)


def _costs_otherwise(row: OfferLevel | None, record: Offer) -> bool:
    """The same for its price."""
    if row is None or row.phase is not Phase.SETTLED or record.price is None:
        return False
    return record.price.currency == row.currency and record.price.minor() != row.confirmed
