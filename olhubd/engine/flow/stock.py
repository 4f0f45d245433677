"""What a stock master counts: each reading renews its item, and releases the reservations that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.decide.changes import StockCounted
from olhubd.decide.stock.oversold import FoundBy
from olhubd.engine.flow.flow import FlowContext, Known, RecordFlow, Result
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.levels.linking import Seen, link
from olhubd.engine.levels.oversold import look
from olhubd.engine.levels.unknown import find_unknown_of
from olhubd.model import Counting, Kind, Reason, StockBasis, StockLevel, Subject
from olhubd.store import Reader, reservations, stock_items
from olhubd.store.stock_items import StockItem

__all__ = ["StockFlow", "vanish"]

_DECODE = msgspec.json.Decoder(StockLevel).decode


class StockFlow(RecordFlow[StockLevel]):
    """Stock items. An older reading than the one that is held changes nothing."""

    kind = Kind.STOCK
    record = StockLevel
    replayed = False  # the newest event when it was asked for, and the rules of stock, are no inputs

    def objection(self, record: StockLevel) -> str | None:
        counted = record.counting is Counting.COUNTED
        if counted != (record.quantity is not None):
            return Reason("stock.count-without-number") if counted else Reason("stock.number-without-count")
        if record.allocated is not None and record.basis is not StockBasis.ON_HAND:
            return Reason("stock.allocated-of-free")
        return None

    def decode(self, document: bytes) -> StockLevel:
        return _DECODE(document)

    async def held(self, reader: Reader, account: str, external_ids: Sequence[str]) -> Mapping[str, Known]:
        return await stock_items.by_external(reader, account, external_ids)

    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        found = await stock_items.read(reader, ids)
        return {id_: (one.account, one.level.external_id) for id_, one in found.items()}

    async def land(self, context: FlowContext, candidates: Sequence[Candidate[StockLevel]]) -> Result:
        result = Result()
        tx, account = context.tx, context.account
        known = await stock_items.by_external(tx, account, [one.external_id for one in candidates])
        awaiting = await reservations.awaiting(tx, {item.id for item in known.values()}) if known else set()
        renewed: list[StockItem] = []
        moved: set[int] = set()
        marks: set[tuple[str | None, str | None]] = set()
        for one in await context.sensible(Kind.STOCK, candidates, result):
            old = known.get(one.external_id)
            if old is not None and old.read_after > context.after:
                continue
            same = old is not None and old.digest == one.digest
            if same and old is not None and old.id not in awaiting:
                continue  # nothing has changed and nothing waits for it
            id_ = old.id if old is not None else await tx.next_id("stock_items")
            renewed.append(
                StockItem(
                    id=id_,
                    account=account,
                    level=one.record,
                    read_after=context.after,
                    read_at=context.now,
                    digest=one.digest,
                )
            )
            borne = (one.record.sku, renewed[-1].gtin)
            if old is None or (old.level.sku, old.gtin) != borne:
                # What it bore may say one thing alone now.
                marks |= {borne} if old is None else {borne, (old.level.sku, old.gtin)}
            if old is None or _sells(old.level) != _sells(one.record) or id_ in awaiting:
                moved.add(id_)
            # Also the same number is news where it shows what was taken for orders.
            result.count(added=int(old is None), changed=int(old is not None))
            context.touched.add((Kind.STOCK, one.external_id))
            if id_ in awaiting or old is None or _sells(old.level) != _sells(one.record):
                change = StockCounted(old=old.level.free if old is not None else None, new=one.record.free)
                await context.recorder.event(change.kind, account, Subject(Kind.STOCK, id_), change)
        if not renewed:
            return result
        await stock_items.lock(tx, [item.id for item in renewed])
        needing = await reservations.of_items(tx, moved) if context.rules else {}
        await stock_items.put(tx, renewed)
        await reservations.settle(tx, {item.id: item.read_after for item in renewed})
        newest = context.recorder.newest(context.after)
        if context.rules:
            await link(tx, context.recorder, Seen.of(marks), newest, context.routes, context.rules)
            await find_unknown_of(context, marks)
            await stock_items.mark(tx, moved, newest)
            await look(tx, context.recorder, moved, needing, FoundBy.READING, context.rules)
        return result

    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        """Nothing follows: only a reading of the whole list may conclude that an item is no more."""
        return Result()


async def vanish(context: FlowContext, external_ids: Sequence[str]) -> None:
    """Sell no more of the items of products that the master does not have any more.

    How many there are is not known then, and none is for sale. The next reading of stock that has an item counts
    again, also where it says what it said before; one that was asked for before now is older. No reservation is
    released: this is no count that could show it.
    """
    tx = context.tx
    known = await stock_items.by_external(tx, context.account, external_ids)
    left = [item for item in known.values() if item.read_after <= context.after]
    if not left:
        return
    for item in left:
        context.touched.add((Kind.STOCK, item.level.external_id))
        change = StockCounted(old=item.level.free, new=None)
        await context.recorder.event(change.kind, context.account, Subject(Kind.STOCK, item.id), change)
    newest = context.recorder.newest(context.after)
    await stock_items.lock(tx, [item.id for item in left])
    await stock_items.put(tx, [_none_for_sale(item, newest, context.now) for item in left])
    if context.rules:
        await stock_items.mark(tx, [item.id for item in left], newest)


def _none_for_sale(item: StockItem, after: int, now: datetime) -> StockItem:
    """The item, of which nobody says how many there are. Without a digest every reading is news."""
    level = msgspec.structs.replace(
        item.level, counting=Counting.UNKNOWN, quantity=None, allocated=None, on_sale=False
    )
    return msgspec.structs.replace(item, level=level, read_after=after, read_at=now, digest=b"")


def _sells(level: StockLevel) -> tuple[object, ...]:
    """What of a reading the sellable number depends on."""
    return level.free, level.counting, level.on_sale
