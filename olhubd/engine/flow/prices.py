"""What the price lists of a stock master say: a new price is an event and a mark, the same again is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd.config import AccountConfig
from olhubd.decide.changes import PriceChanged
from olhubd.decide.price import objection
from olhubd.engine.flow.flow import FlowContext, Known, RecordFlow, Result
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, ListPrice, PriceBasis, Subject
from olhubd.store import Database, Reader, Transaction, list_prices
from olhubd.store.list_prices import StoredPrice

__all__ = ["PriceFlow", "turn_prices"]

_TURNED = 500
"""Prices a transaction."""
_DECODE = msgspec.json.Decoder(ListPrice).decode


class PriceFlow(RecordFlow[ListPrice]):
    """Prices. An older reading than the one that is held changes nothing."""

    kind = Kind.PRICE
    record = ListPrice
    replayed = False  # the newest event when it was asked for is no input

    def objection(self, record: ListPrice) -> str | None:
        return objection(record)

    def decode(self, document: bytes) -> ListPrice:
        return _DECODE(document)

    async def held(self, reader: Reader, account: str, external_ids: Sequence[str]) -> Mapping[str, Known]:
        return await list_prices.by_external(reader, account, external_ids)

    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        found = await list_prices.read(reader, ids)
        return {id_: (one.account, one.external_id) for id_, one in found.items()}

    async def land(self, context: FlowContext, candidates: Sequence[Candidate[ListPrice]]) -> Result:
        result = Result()
        tx, account = context.tx, context.account
        known = await list_prices.by_external(tx, account, [one.external_id for one in candidates])
        renewed: list[StoredPrice] = []
        moved: set[int] = set()
        for one in await context.sensible(Kind.PRICE, candidates, result):
            old = known.get(one.external_id)
            if old is not None and (old.read_after > context.after or old.digest == one.digest):
                continue
            id_ = old.id if old is not None else await tx.next_id("list_prices")
            renewed.append(
                StoredPrice(
                    id=id_,
                    account=account,
                    record=one.record,
                    read_after=context.after,
                    read_at=context.now,
                    digest=one.digest,
                    changes_at=one.record.changes_after(context.now),
                )
            )
            result.count(added=int(old is None), changed=int(old is not None))
            context.touched.add((Kind.PRICE, one.external_id))
            before, after = old.known(context.now) if old is not None else None, one.record.at(context.now)
            if old is None or before != after or _taxed_otherwise(old.record, one.record):
                moved.add(id_)
            if old is not None and before != after:
                await context.recorder.event(
                    PriceChanged.kind,
                    account,
                    Subject(Kind.PRICE, id_),
                    PriceChanged(price_list=one.record.price_list, old=before, new=after),
                )
        await list_prices.put(tx, renewed)
        await list_prices.mark(tx, moved, context.recorder.newest(context.after))
        return result

    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        """The list has no price for these any more, which is not a price of zero."""
        result = Result()
        found = await list_prices.by_external(context.tx, context.account, external_ids)
        renewed: list[StoredPrice] = []
        for one in found.values():
            before = one.known(context.now)
            if one.record.price is None and one.record.reduction is None:
                continue
            bare = ListPrice(
                item=one.record.item, price_list=one.record.price_list, price=None, basis=one.record.basis
            )
            renewed.append(
                msgspec.structs.replace(
                    one,
                    record=bare,
                    digest=b"",
                    read_after=context.after,
                    read_at=context.now,
                    changes_at=None,
                )
            )
            result.count(changed=1)
            context.touched.add((Kind.PRICE, one.external_id))
            await context.recorder.event(
                PriceChanged.kind,
                context.account,
                Subject(Kind.PRICE, one.id),
                PriceChanged(price_list=one.record.price_list, old=before, new=None),
            )
        await list_prices.put(context.tx, renewed)
        await list_prices.mark(context.tx, [one.id for one in renewed], context.recorder.newest(context.after))
        return result


async def turn_prices(database: Database, accounts: Iterable[AccountConfig], now: datetime) -> bool:
    """Record which prices have changed by the clock alone; says whether any did. Nothing is asked for where no
    account's prices are read."""
    if not any(account.products.read for account in accounts):
        return False
    found = False
    while await list_prices.due(database.reader, now, 1):
        await database.write(lambda tx: _turn(tx, now))
        found = True
    return found


async def _turn(tx: Transaction, now: datetime) -> None:
    """Only what is kept is asked: a reduction has its moments in its record."""
    found = await list_prices.due(tx, now, _TURNED)
    if not found:
        return  # a reading has renewed them meanwhile
    recorder = Recorder(tx, now, Cause("rule", "clock"))
    moved: set[int] = set()
    for one in found:
        before, after = one.known(now), one.record.at(now)
        if before == after:
            continue
        moved.add(one.id)
        await recorder.event(
            PriceChanged.kind,
            one.account,
            Subject(Kind.PRICE, one.id),
            PriceChanged(price_list=one.record.price_list, old=before, new=after, clock=True),
        )
    await list_prices.put(
        tx, [msgspec.structs.replace(one, changes_at=one.record.changes_after(now)) for one in found]
    )
    await list_prices.mark(tx, moved, recorder.newest(max(one.read_after for one in found)))
    await recorder.write(tx)


def _taxed_otherwise(before: ListPrice, now: ListPrice) -> bool:
    """Whether the same amount comes to another gross price."""
    return before.basis is not now.basis or (now.basis is PriceBasis.NET and before.tax != now.tax)
