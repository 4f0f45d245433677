"""What a stock master has in its catalogue: what is the same costs no write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from olhubd.decide.changes import Change, ProductChanged, ProductGone, ProductReturned
from olhubd.decide.product import changed, objection
from olhubd.engine.flow.flow import FlowContext, Known, RecordFlow, Result, StoredRecord
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.flow.stock import vanish
from olhubd.engine.levels.linking import Seen, link
from olhubd.model import Kind, Product, Subject
from olhubd.store import Reader, products, stock_items
from olhubd.store.products import StoredProduct

__all__ = ["ProductFlow"]

_DECODE = msgspec.json.Decoder(Product).decode


class ProductFlow(RecordFlow[Product]):
    """Products. An older reading than the one that is held changes nothing; what is not shared is not kept."""

    kind = Kind.PRODUCT
    record = Product
    replayed = False  # the newest event when it was asked for is no input

    def objection(self, record: Product) -> str | None:
        return objection(record)

    def decode(self, document: bytes) -> Product:
        return _DECODE(document)

    async def held(self, reader: Reader, account: str, external_ids: Sequence[str]) -> Mapping[str, Known]:
        return await products.by_external(reader, account, external_ids)

    async def names(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
        found = await products.read(reader, ids)
        return {id_: (one.account, one.external_id) for id_, one in found.items()}

    async def read(self, reader: Reader, ids: Sequence[int]) -> Mapping[int, StoredRecord]:
        return await products.read(reader, ids)

    async def land(self, context: FlowContext, candidates: Sequence[Candidate[Product]]) -> Result:
        result = Result()
        tx, account = context.tx, context.account
        known = await products.by_external(tx, account, [one.external_id for one in candidates])
        renewed: list[StoredProduct] = []
        for one in await context.sensible(Kind.PRODUCT, candidates, result):
            old = known.get(one.external_id)
            if old is not None and old.read_after > context.after:
                continue
            if not one.record.shared:
                result.add(await self._leave(context, old, shared=False))
                continue
            if old is not None and old.digest == one.digest and old.gone_at is None:
                continue
            new = StoredProduct(
                id=old.id if old is not None else await tx.next_id("products"),
                account=account,
                record=one.record,
                read_after=context.after,
                read_at=context.now,
                digest=one.digest,
            )
            renewed.append(new)
            result.count(added=int(old is None), changed=int(old is not None))
            context.touched.add((Kind.PRODUCT, one.external_id))
            if old is not None:
                await self._say(context, new.id, *_found(old, one.record))
        await products.put(tx, renewed)
        if context.rules and (shared := [one for one in renewed if not _shared(known.get(one.record.external_id))]):
            # An article number links what is shared alone, so its offers may be linked from now on.
            items = await stock_items.by_external(tx, account, [one.record.external_id for one in shared])
            seen = Seen.of([(None, item.gtin) for item in items.values()])
            newest = context.recorder.newest(context.after)
            await link(tx, context.recorder, seen, newest, context.routes, context.rules)
        return result

    async def gone(self, context: FlowContext, external_ids: Sequence[str]) -> Result:
        """They are kept as gone: a reading of all did not have them. Nor is their stock sold on."""
        result = Result()
        known = await products.by_external(context.tx, context.account, external_ids)
        for one in known.values():
            result.add(await self._leave(context, one))
        await vanish(context, [one.record.external_id for one in known.values() if one.gone_at is None])
        return result

    async def _leave(self, context: FlowContext, old: StoredProduct | None, *, shared: bool = True) -> Result:
        """A product is not in what its source shares any more, or its source says that it does not share it."""
        result = Result()
        if old is None or old.gone_at is not None:
            return result
        gone = msgspec.structs.replace(
            old,
            record=msgspec.structs.replace(old.record, shared=shared),
            gone_at=context.now,
            read_after=context.after,
            read_at=context.now,
        )
        await products.put(context.tx, [gone])
        result.count(changed=1)
        context.touched.add((Kind.PRODUCT, old.external_id))
        await self._say(context, old.id, ProductGone())
        return result

    async def _say(self, context: FlowContext, id_: int, *found: Change) -> None:
        for change in found:
            await context.recorder.event(change.kind, context.account, Subject(Kind.PRODUCT, id_), change)


def _shared(old: StoredProduct | None) -> bool:
    return old is not None and old.gone_at is None


def _found(old: StoredProduct, new: Product) -> list[Change]:
    found: list[Change] = [ProductReturned()] if old.gone_at is not None else []
    what = changed(msgspec.structs.replace(old.record, shared=new.shared), new)
    return [*found, ProductChanged(what=what)] if what else found
