"""What a person does about links: says what an offer sells, that it sells nothing known, or that a link is right.

Many at once come as rows, which are all checked before any of them is done. What they ask for is done a few hundred
offers at a time, so that no order waits for it; asking again for the same changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from olhubd.decide.stock.linking import settled
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.levels.linking import Selling
from olhubd.engine.operator.link_rows import LinkPlan, LinkRow, RowProblem, named, plans_of
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Cause, Kind, Link, Linking, LinkOrigin, Reason, Subject
from olhubd.plugin import Clock
from olhubd.store import Database, Reader, Transaction, events, offers, stock_items
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem

__all__ = ["LinkActions"]

_OFFERS = 200
_SHOWN = 10


class LinkActions:
    """The hands of a person on links."""

    def __init__(self, in_force: InForce, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._wake = wake

    async def add(self, row: LinkRow, who: str, *, part: bool = False) -> StoredOffer:
        """Link an offer. With `part` the item is one more of what it sells; else it must not be linked."""
        (plan,) = await self._planned([row])

        async def work(tx: Transaction) -> None:
            known = (await offers.links_of(tx, [plan.offer.id])).get(plan.offer.id, [])
            others = [one for one in known if one.item not in plan.units]
            if others and not part:
                found = await stock_items.read(tx, [one.item for one in others])
                names = ", ".join(named(found[one.item]) for one in others if one.item in found)
                raise NotPossible(Reason("link.taken", offer=row.offer, items=names))
            units = {**{one.item: one.units for one in others}, **plan.units}
            await self._set(tx, [msgspec.structs.replace(plan, units=units)], who)

        await self._database.write(work)
        self._wake()
        return plan.offer

    async def remove(self, account: str, offer: str, item: str | None, who: str) -> StoredOffer:
        """Unlink an offer, or from one item alone. It is linked by nobody else then."""

        async def work(tx: Transaction) -> StoredOffer:
            listed = (await offers.by_external(tx, account, [offer])).get(offer)
            if listed is None:
                raise NotPossible(Reason("none.offer", account=account, offer=offer))
            known = (await offers.links_of(tx, [listed.id])).get(listed.id, [])
            items = await stock_items.read(tx, [one.item for one in known])
            kept = {
                one.item: one.units
                for one in known
                if item is not None and item not in (items[one.item].level.external_id, items[one.item].level.sku)
            }
            if item is not None and len(kept) == len(known):
                raise NotPossible(Reason("link.none-to-item", offer=offer, item=item))
            await self._set(tx, [LinkPlan(offer=listed, units=kept)], who)
            return listed

        listed = await self._database.write(work)
        self._wake()
        return listed

    async def confirm(self, account: str, offer: str, units: int | None, who: str) -> StoredOffer:
        """Say that what an offer is linked to is right, although it has changed. `units` where there are others."""

        async def work(tx: Transaction) -> StoredOffer:
            listed = (await offers.by_external(tx, account, [offer])).get(offer)
            if listed is None:
                raise NotPossible(Reason("none.offer", account=account, offer=offer))
            known = (await offers.links_of(tx, [listed.id])).get(listed.id, [])
            if not any(one.doubt for one in known):
                raise NotPossible(Reason("link.not-doubted", offer=offer))
            if units is not None and len(known) != 1:
                raise NotPossible(Reason("link.several-parts", offer=offer, n=len(known)))
            right: list[Link] = []
            for one in known:
                after = settled(one, listed.gtin, listed.offer.set_size, units)
                if after is None:
                    raise NotPossible(Reason("link.which-units", offer=offer, n=listed.offer.set_size or 1))
                right.append(msgspec.structs.replace(after, linked_at=self._clock.now(), made_by=who))
            recorder = Recorder(tx, self._clock.now(), Cause("operator", who))
            items = await stock_items.read(tx, [one.item for one in right])
            await recorder.event(
                "link.confirmed", account, Subject(Kind.OFFER, listed.id), _facts(listed, right, items)
            )
            await self._selling(tx, recorder, recorder.newest(0)).change([listed], right, ())
            await recorder.write(tx)
            return listed

        listed = await self._database.write(work)
        self._wake()
        return listed

    async def problems(self, rows: Sequence[LinkRow]) -> list[RowProblem]:
        """Everything that is wrong with these rows; nothing is done."""
        return (await self._check(rows))[1]

    async def replace(self, rows: Sequence[LinkRow], who: str) -> int:
        """Let the offers that are named sell what these rows say, and nothing else. Gives how many were changed.

        Raises NotPossible before anything is done where a row is wrong.
        """
        plans = await self._planned(rows)
        changed = 0
        for start in range(0, len(plans), _OFFERS):
            some = plans[start : start + _OFFERS]

            async def work(tx: Transaction, some: Sequence[LinkPlan] = some) -> int:
                return await self._set(tx, some, who)

            changed += await self._database.write(work)
            self._wake()
        return changed

    async def clear(self, account: str, who: str) -> int:
        """Unlink all offers of an account, so that it can be removed. Gives how many there were."""
        changed = last = 0
        while True:

            async def work(tx: Transaction, after: int = last) -> tuple[int, list[StoredOffer]]:
                some = await offers.of_account(tx, account, after, _OFFERS)
                linked = [LinkPlan(offer=one, units={}) for one in some if one.linking is Linking.LINKED]
                return await self._set(tx, linked, who), some

            count, some = await self._database.write(work)
            changed += count
            if len(some) < _OFFERS:
                return changed
            last = some[-1].id

    # What is asked for

    async def _planned(self, rows: Sequence[LinkRow]) -> list[LinkPlan]:
        plans, wrong = await self._check(rows)
        if wrong:
            first = wrong[0]
            if len(rows) == 1:
                raise NotPossible(first.why)
            raise NotPossible(Reason("link.row", row=first.row, column=first.column, why=first.why))
        return plans

    async def _check(self, rows: Sequence[LinkRow]) -> tuple[list[LinkPlan], list[RowProblem]]:
        """What is to be done, and what is wrong."""

        async def work(reader: Reader) -> tuple[list[LinkPlan], list[RowProblem]]:
            return await plans_of(reader, self._in_force.stock(), rows)

        return await self._database.read(work)

    # What is done

    def _selling(self, tx: Transaction, recorder: Recorder, after: int) -> Selling:
        return Selling(tx, recorder, after, self._in_force.routes(), self._in_force.stock())

    async def _set(self, tx: Transaction, plans: Sequence[LinkPlan], who: str) -> int:
        """Let these offers sell just that. Gives of how many it is otherwise than before."""
        known = await offers.links_of(tx, [plan.offer.id for plan in plans])
        recorder = Recorder(tx, self._clock.now(), Cause("operator", who))
        put: list[Link] = []
        end: list[Link] = []
        some: list[StoredOffer] = []
        states: dict[int, Linking] = {}
        now = await offers.read(tx, [plan.offer.id for plan in plans])
        concerned = {item for plan in plans for item in plan.units}
        concerned |= {one.item for mine in known.values() for one in mine}
        items = await stock_items.read(tx, concerned)
        for plan in plans:
            listed = now[plan.offer.id]
            before = {one.item: one for one in known.get(listed.id, ())}
            wanted = {item: units or _units(listed, plan) for item, units in plan.units.items()}
            fresh = [
                self._link(listed, item, units, who)
                for item, units in wanted.items()
                if item not in before or before[item].units != units or before[item].doubt is not None
            ]
            gone = [one for item, one in before.items() if item not in wanted]
            state = Linking.LINKED if wanted else Linking.LEFT
            if state is not listed.linking:
                states[listed.id] = state
            elif not (fresh or gone):
                continue
            put += fresh
            end += gone
            some.append(listed)
            kept = [one for item, one in before.items() if item in wanted and item not in {f.item for f in fresh}]
            kind = "link.set" if wanted else "link.removed"
            facts = _facts(listed, [*kept, *fresh] if wanted else gone, items)
            await recorder.event(kind, listed.account, Subject(Kind.OFFER, listed.id), facts)
        if not some:
            return 0
        await offers.set_linking(tx, states)
        await self._selling(tx, recorder, recorder.newest(await events.head(tx))).change(some, put, end)
        await recorder.write(tx)
        return len(some)

    def _link(self, listed: StoredOffer, item: int, units: int, who: str) -> Link:
        return Link(
            offer=listed.id,
            item=item,
            origin=LinkOrigin.HAND,
            linked_at=self._clock.now(),
            units=units,
            gtin=listed.gtin,
            set_size=listed.offer.set_size,
            made_by=who,
        )


def _units(listed: StoredOffer, plan: LinkPlan) -> int:
    """As many as the set says, where it is one thing."""
    return (listed.offer.set_size or 1) if len(plan.units) == 1 else 1


def _facts(listed: StoredOffer, links: Sequence[Link], items: Mapping[int, StockItem]) -> dict[str, object]:
    parts = [
        (f"{one.units} x " if one.units != 1 else "") + named(items[one.item]) for one in links if one.item in items
    ]
    more = ["…"] * (len(parts) > _SHOWN)
    return {"offer": listed.offer.external_id, "items": ", ".join([*parts[:_SHOWN], *more])}
