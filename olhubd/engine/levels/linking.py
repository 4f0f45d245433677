"""Which stock items the offers of the channels sell: linked by what both say of themselves, or by a person.

What is decided is in `olhubd.decide.stock.linking`. Here it is asked of the offers that a transaction concerns,
and a link that is made, changed or ended takes with it all that follows: the level of its offer, the reservations
of what was bought of it, and which of those orders there is not enough for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from olhubd.decide.route import Route
from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.linking import Marks, PartMarks, Verdict, doubted, judge
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.levels.reserving import look_at, reserve_orders
from olhubd.engine.levels.wanted import want
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Kind, Link, Linking, OfferState, Reason, Subject
from olhubd.store import Reader, Transaction, levels, offer_products, offers, products, reservations, stock_items
from olhubd.store.offer_products import SoldPart
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem

__all__ = [
    "Seen",
    "Selling",
    "doubt",
    "doubt_sets",
    "judge_offers",
    "link",
    "link_all",
    "link_bought",
    "link_these",
    "masters_of",
    "on_events",
]


def masters_of(rules: Sequence[StockRule], channel: str) -> list[str]:
    """The masters whose stock is sold on an account."""
    return sorted({rule.master for rule in rules if channel in rule.channels})


def on_events(rules: Sequence[StockRule], channel: str) -> bool:
    """Whether an offer of an account is linked by itself only when something happens to it."""
    return any(rule.link_on_events for rule in rules if channel in rule.channels)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The marks of what was read: those that it bears, and those that it bore before."""

    skus: frozenset[str] = frozenset()
    gtins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, marks: Collection[tuple[str | None, str | None]]) -> Seen:
        """The marks of some offers or items: of each its mark of the seller, and its article number."""
        return cls(
            skus=frozenset(sku for sku, _ in marks if sku), gtins=frozenset(gtin for _, gtin in marks if gtin)
        )


class Selling:
    """What changes of links have in common, within the transaction of a recorder. `after` is its newest event so
    far."""

    def __init__(
        self, tx: Transaction, recorder: Recorder, after: int, routes: Sequence[Route], rules: Sequence[StockRule]
    ) -> None:
        self.tx = tx
        self.recorder = recorder
        self.after = after
        self.now = recorder.now
        self.routes = routes
        self.rules = rules

    async def change(self, some: Sequence[StoredOffer], put: Sequence[Link], end: Sequence[Link]) -> None:
        """Store and end links of these offers, with what follows."""
        items = {one.item for one in (*put, *end)}
        parts = _parts(await offers.links_of(self.tx, [one.id for one in some]))
        await stock_items.lock(self.tx, items)
        await offers.link(self.tx, put)
        await offers.unlink(self.tx, [(one.offer, one.item) for one in end])
        known = await levels.of_offers(self.tx, [one.id for one in some])
        linked = await offers.links_of(self.tx, [one.id for one in some])
        # What an offer showed when it was read last is not read again where a level is kept for it.
        fresh = [_level(one, self.after) for one in some if one.id not in known and one.id in linked]
        if fresh:
            await levels.put(self.tx, fresh)
        now_parts = _parts(linked)
        by_account: dict[str, list[StoredOffer]] = {}
        for one in some:
            by_account.setdefault(one.account, []).append(one)
        for account, mine in by_account.items():
            # What was bought before the link was there is sold all the same.
            selling = await reservations.selling(self.tx, account, [one.offer.external_id for one in mine])
            if await reserve_orders(self.tx, selling, self.after, self.now, self.routes, self.rules, past=True):
                await look_at(self.tx, self.recorder, selling, self.rules)
            # A fresh one is computed when its leveller follows the mark.
            before = [one.id for one in mine if one.id in known]
            other = {id_ for id_ in before if parts.get(id_) != now_parts.get(id_)}
            await want(self.tx, account, before, self.rules, self.now, relinked=other)
        await stock_items.mark(self.tx, items, self.after)


async def link_bought(
    tx: Transaction,
    recorder: Recorder,
    account: str,
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> None:
    """Link the offers that are on orders of which something was recorded, where that is what links them."""
    if not on_events(rules, account):
        return
    touched = {
        event.subject.id
        for event in recorder.events
        if event.subject is not None and event.subject.kind is Kind.ORDER and event.account == account
    }
    loose = await offers.on_orders(tx, touched) if touched else []
    if loose:
        seen = Seen.of([(one.offer.sku, one.gtin) for one in loose])
        await link(tx, recorder, seen, recorder.newest(after), routes, rules, news={one.id for one in loose})


def _parts(links: Mapping[int, Sequence[Link]]) -> dict[int, dict[int, int]]:
    """What each of these offers sells: how many units of which items."""
    return {offer: {one.item: one.units for one in mine} for offer, mine in links.items()}


def _level(listed: StoredOffer, after: int) -> OfferLevel:
    """What is known of an offer by its reading, which was there before the event `after`."""
    return OfferLevel(
        offer=listed.id,
        account=listed.account,
        external_id=listed.offer.external_id,
        confirmed=listed.offer.buyable,
        # Buyers bought while it was on its way, so it counts from when it landed.
        confirmed_after=max(listed.read_after, after - 1),
        active=listed.offer.state is OfferState.ACTIVE,
        inside=listed.offer.quantity,
    )


async def link(
    tx: Transaction,
    recorder: Recorder,
    seen: Seen,
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
    *,
    news: Collection[int] = (),
) -> None:
    """Link the offers that bear one of these marks and are not linked, each where what it sells is certain.

    Those that the hub has linked by one of them are looked at again: another item may bear it by now. `news` are
    the offers to which something has happened; where a rule links on events, no others are linked.
    """
    if not rules or not (seen.skus or seen.gtins):
        return
    skus, gtins = sorted(seen.skus), sorted(seen.gtins)
    known = await offers.bearing(tx, skus, gtins, linked=True)
    if known:
        await _look_again(tx, recorder, known, after, routes, rules)
    loose = await offers.bearing(tx, skus, gtins)
    loose = [one for one in loose if one.id in news or not on_events(rules, one.account)]
    await _link(tx, recorder, loose, recorder.newest(after), routes, rules)


async def link_these(
    tx: Transaction,
    recorder: Recorder,
    some: Sequence[StoredOffer],
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
    *,
    news: Collection[int] = (),
) -> None:
    """The same for these offers, of which more is known than before, whatever they bear."""
    known = [one for one in some if one.linking is Linking.LINKED]
    if known:
        await _look_again(tx, recorder, known, after, routes, rules)
    loose = [
        one
        for one in some
        if one.linking not in (Linking.LINKED, Linking.LEFT)
        and (one.id in news or not on_events(rules, one.account))
    ]
    await _link(tx, recorder, loose, recorder.newest(after), routes, rules)


async def _look_again(
    tx: Transaction,
    recorder: Recorder,
    known: Sequence[StoredOffer],
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> None:
    """Doubt the links that the hub made and would not make now."""
    links = await offers.links_of(tx, [one.id for one in known])
    own = {
        id_: mine[0]
        for id_, mine in links.items()
        if len(mine) == 1 and mine[0].made_by is None and mine[0].doubt is None
    }
    made = [one for one in known if one.id in own]
    # What is not linked by an article number any more is no doubt of what was.
    verdicts, _ = await judge_offers(tx, made, [msgspec.structs.replace(rule, link_by_ean=True) for rule in rules])
    changed: list[Link] = []
    for one in made:
        verdict = verdicts[one.id]
        if verdict.state is Linking.NONE or verdict.item == own[one.id].item:
            continue
        why = Reason("link.not-certain", why=verdict.why or Reason("link.another-fits"))
        changed.append(msgspec.structs.replace(own[one.id], doubt=why))
        facts: dict[str, object] = {"offer": one.offer.external_id, "reason": why}
        await recorder.event("link.doubted", one.account, Subject(Kind.OFFER, one.id), facts)
    if changed:
        doubted_ = {one.offer for one in changed}
        some = [one for one in made if one.id in doubted_]
        await Selling(tx, recorder, recorder.newest(after), routes, rules).change(some, changed, ())


async def link_all(
    tx: Transaction,
    recorder: Recorder,
    account: str,
    since: int,
    limit: int,
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> int | None:
    """The same for some of an account's offers, from the number `since` on. Gives the last; None at the end."""
    some = await offers.of_account(tx, account, since, limit)
    loose = [one for one in some if one.linking not in (Linking.LINKED, Linking.LEFT)]
    if on_events(rules, account):
        loose = []
    await _link(tx, recorder, loose, after, routes, rules)
    return some[-1].id if len(some) == limit else None


async def judge_offers(
    reader: Reader, loose: Sequence[StoredOffer], rules: Sequence[StockRule]
) -> tuple[dict[int, Verdict], dict[int, StockItem]]:
    """What each of these offers sells, by offer; and the items that any of them may sell, by number."""
    marks = Seen.of([(one.offer.sku, one.gtin) for one in loose])
    sets = {id_: some for id_, some in (await _sold(reader, loose)).items() if len(some) > 1}
    in_sets = {gtin for some in sets.values() for one in some for gtin in one.gtins}
    gtins = sorted(marks.gtins | in_sets)
    found = await stock_items.by_codes(reader, sorted(marks.skus), gtins) if loose else []
    shared = await _shared(reader, [item for item in found if item.gtin is not None], rules)
    by_sku: dict[str, list[StockItem]] = {}
    by_gtin: dict[str, list[StockItem]] = {}
    for item in found:
        by_sku.setdefault(item.level.sku or "", []).append(item)
        if item.id in shared:
            by_gtin.setdefault(item.gtin or "", []).append(item)
    verdicts: dict[int, Verdict] = {}
    for one in loose:
        masters = masters_of(rules, one.account)
        bearers = {
            item.id: item
            for item in (
                *by_sku.get(one.offer.sku or "-", ()),
                *by_gtin.get(one.gtin or "-", ()),
                *(item for part in sets.get(one.id, ()) for gtin in part.gtins for item in by_gtin.get(gtin, ())),
            )
            if item.account in masters
        }
        by_ean = all(rule.link_by_ean for rule in rules if one.account in rule.channels)
        verdicts[one.id] = judge(_marks(one, sets.get(one.id, ())), _of(bearers), one.offer.set_size, by_ean=by_ean)
    return verdicts, {item.id: item for item in found}


async def _shared(reader: Reader, items: Sequence[StockItem], rules: Sequence[StockRule]) -> set[int]:
    """The items that an article number may link: where a master's products are read, those that it shares. Before
    the first import none is known to be."""
    imported = {rule.master for rule in rules if rule.shared_only}
    found: set[int] = set()
    for account in {item.account for item in items}:
        mine = {item.level.external_id: item.id for item in items if item.account == account}
        if account in imported or await products.has_any(reader, account):
            known = await products.by_external(reader, account, sorted(mine))
            found |= {mine[name] for name, one in known.items() if one.gone_at is None}
        else:
            found |= {*mine.values()}
    return found


async def _sold(reader: Reader, some: Sequence[StoredOffer]) -> Mapping[int, Sequence[SoldPart]]:
    """The products that these offers sell, where they were read."""
    return await offer_products.of_offers(reader, [one.id for one in some if one.products_read_at is not None])


def _marks(listed: StoredOffer, parts: Sequence[SoldPart]) -> Marks:
    sold = tuple(PartMarks(gtins=one.gtins, pieces=one.pieces) for one in parts)
    return Marks(id=listed.id, name=listed.offer.name, sku=listed.offer.sku, gtin=listed.gtin, parts=sold)


def _of(items: Mapping[int, StockItem]) -> list[Marks]:
    return [
        Marks(id=id_, name=item.level.name, sku=item.level.sku, gtin=item.gtin)
        for id_, item in sorted(items.items())
    ]


async def _link(
    tx: Transaction,
    recorder: Recorder,
    loose: Sequence[StoredOffer],
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> list[Link]:
    verdicts, _ = await judge_offers(tx, loose, rules)
    links: list[Link] = []
    for one in loose:
        verdict = verdicts[one.id]
        if verdict.item is None or verdict.origin is None:
            continue
        links.append(
            Link(
                offer=one.id,
                item=verdict.item,
                origin=verdict.origin,
                linked_at=recorder.now,
                units=one.offer.set_size or 1,
                gtin=one.gtin,
                set_size=one.offer.set_size,
            )
        )
    states = {one.id: verdicts[one.id].state for one in loose if verdicts[one.id].state is not one.linking}
    if states:
        await offers.set_linking(tx, states)
    if links:
        linked = {one.offer for one in links}
        some = [one for one in loose if one.id in linked]
        await Selling(tx, recorder, after, routes, rules).change(some, links, ())
    return links


async def doubt_sets(
    tx: Transaction,
    recorder: Recorder,
    renewed: Sequence[StoredOffer],
    pieces: Mapping[int, Mapping[str, int]],
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> None:
    """Doubt the links of offers that sell other products together than before.

    `pieces` are how many each offer sells by article number. Until somebody confirms a link, no fewer are taken.
    """
    links = await offers.links_of(tx, [one.id for one in renewed])
    items = await stock_items.read(tx, {one.item for some in links.values() for one in some})
    changed: list[Link] = []
    for listed in renewed:
        for old in links.get(listed.id, ()):
            item = items.get(old.item)
            now = pieces[listed.id].get(item.gtin or "", 0) if item is not None else 0
            why = Reason("link.set-changed", units=max(old.units, now))
            if why == old.doubt:
                continue
            changed.append(msgspec.structs.replace(old, units=max(old.units, now), doubt=why))
            facts: dict[str, object] = {"offer": listed.offer.external_id, "reason": why}
            await recorder.event("link.doubted", listed.account, Subject(Kind.OFFER, listed.id), facts)
    if changed:
        concerned = {one.offer for one in changed}
        some = [one for one in renewed if one.id in concerned]
        await Selling(tx, recorder, recorder.newest(after), routes, rules).change(some, changed, ())


async def doubt(
    tx: Transaction,
    recorder: Recorder,
    renewed: Sequence[StoredOffer],
    after: int,
    routes: Sequence[Route],
    rules: Sequence[StockRule],
) -> None:
    """Look at the links of offers that were read again, of which another article number or set size is known."""
    links = await offers.links_of(tx, [one.id for one in renewed])
    if not links:
        return
    items = await stock_items.read(tx, {one.item for some in links.values() for one in some})
    changed: list[Link] = []
    concerned: list[StoredOffer] = []
    for listed in renewed:
        mine = links.get(listed.id, ())
        # An article number is that of one thing; an offer of several has none that could be compared.
        gtin = listed.gtin if len(mine) == 1 else None
        for old in mine:
            item = items.get(old.item)
            new = doubted(old, gtin, listed.offer.set_size, item.gtin if item is not None else None)
            if new is old:
                continue
            changed.append(new)
            if new.doubt != old.doubt and new.doubt is not None:
                concerned.append(listed)
                facts: dict[str, object] = {"offer": listed.offer.external_id, "reason": new.doubt}
                await recorder.event("link.doubted", listed.account, Subject(Kind.OFFER, listed.id), facts)
    if not changed:
        return
    if concerned:
        await Selling(tx, recorder, recorder.newest(after), routes, rules).change(concerned, changed, ())
    else:
        await offers.link(tx, changed)
