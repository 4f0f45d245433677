"""What each offer of a channel must show, computed again for the stock items of which another number may be sold.

The leveller of an account follows the marks of changed items, and expands each to the offers of its account. That a
stock of fifty offers has changed is one row until then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from olhubd.decide.stock.brake import ordered
from olhubd.decide.stock.exposure import takes
from olhubd.decide.stock.level import RESTORED, OfferLevel, Phase
from olhubd.decide.stock.policy import OfferShare, StockRule, shares
from olhubd.decide.stock.sellable import StockReading, of_offer, sellable
from olhubd.engine.levels.braking import Allowed, Braked, OfferChange, apply_brakes, shown_before
from olhubd.engine.levels.stopping import beneath, laid
from olhubd.model import Link, Reason
from olhubd.store import Transaction, events, levels, offers, reservations, sales_stops, stock_items

__all__ = ["follow", "freed", "rule_of", "want"]

_RECENT = timedelta(days=30)
"""For how long sales say which channel sells most."""
_DIVIDED = 100
"""Items of which the offers are read together."""
_FEW = 10
"""So many pieces that each channel is taken to have sold besides: a few sales say nothing."""


def rule_of(rules: Sequence[StockRule], master: str, channel: str) -> StockRule | None:
    """By which rule the stock of a master is sold on an account; None where it is not."""
    return next((rule for rule in rules if rule.master == master and channel in rule.channels), None)


async def freed(tx: Transaction, ids: Collection[int]) -> None:
    """Another number is free for the other offers of what these sell."""
    if not ids:
        return
    links = await offers.links_of(tx, ids)
    items = {link.item for some in links.values() for link in some}
    await stock_items.lock(tx, items)
    await stock_items.mark(tx, items, await events.head(tx))


async def follow(tx: Transaction, account: str, rules: Sequence[StockRule], now: datetime, limit: int) -> int:
    """Follow up to `limit` marks more; gives how many there were."""
    since = await stock_items.follow(tx, account)
    found = await stock_items.marks(tx, since, limit)
    if not found:
        return 0
    links = await offers.of_items(tx, {mark.item for mark in found}, account)
    sold: Counter[int] = Counter()
    for mark in found:
        sold[mark.item] += mark.sold
    await want(tx, account, {link.offer for link in links}, rules, now, moved=True, sold=sold)
    await stock_items.followed(tx, account, found[-1].id)
    return len(found)


async def want(
    tx: Transaction,
    account: str,
    ids: Collection[int],
    rules: Sequence[StockRule],
    now: datetime,
    *,
    moved: bool = False,
    sold: Mapping[int, int] | None = None,
    braked: bool = True,
    relinked: Collection[int] = (),
) -> list[OfferLevel]:
    """Compute what these offers of an account must show, and store what is different. Gives the rows it changed.

    `moved`: pieces of theirs were sold or came in, though as many may be shown. `sold` are those that orders took,
    by item. Not `braked` is what a person has approved. `relinked` are offers that sell other items, or more of
    them: what that lowers is no number of the stock master, and no brake holds it.
    """
    if not ids:
        return []
    links = await offers.links_of(tx, ids)
    items = {link.item for some in links.values() for link in some}
    await stock_items.lock(tx, items)
    stored = await levels.of_offers(tx, ids)
    stopped = await sales_stops.of_account(tx, account) is not None
    rows = {id_: beneath(row) for id_, row in stored.items()}
    pieces, divided, basis, crossed, lowered = await _sellable(tx, account, items, rules, now, sold or {})
    # Those of a stop that is lifted are given back in a moment: that they show nothing now is the stop's doing.
    given_back = await sales_stops.to_resume(tx, account, ids) if lowered and not stopped else set()
    computed: dict[int, OfferChange] = {}
    unraised: dict[int, int] = {}
    given = {item: -taken for item, taken in (sold or {}).items()}
    for id_, row in rows.items():
        parts = {link.item: link.units for link in links.get(id_, ())}
        mine = {
            item: divided[item].get(id_, 0) if item in divided and pieces[item] is not None else pieces[item]
            for item in parts
            if item in pieces
        }
        wanted, fewer = of_offer(parts, mine), ordered(parts, sold or {})
        most = _most(stored[id_], id_ in given_back) if not parts.keys().isdisjoint(lowered) else None
        if wanted is not None and most is not None and wanted > most:
            unraised[id_], wanted = wanted, most
        if id_ in relinked or (not row.allocated and not crossed.isdisjoint(parts)):
            fewer = max(fewer, shown_before(row) - wanted) if wanted is not None else fewer
        computed[id_] = OfferChange(
            row=row,
            items=frozenset(parts),
            wanted=wanted,
            fewer=fewer,
            more=ordered(parts, given),
        )
    found = await apply_brakes(tx, account, list(computed.values()), rules, now) if braked else Braked()
    after = await events.head(tx)
    called_back = [id_ for id_ in found.allowed if id_ not in rows]
    if called_back:
        stored |= await levels.of_offers(tx, called_back)
    changed = _held([beneath(stored[id_]) for id_ in called_back], found.allowed, after, now)
    for id_, row in rows.items():
        parts = {link.item: link.units for link in links.get(id_, ())}
        wanted = computed[id_].wanted
        allocated = any(item in divided for item in parts)
        known = max((basis[item] for item in parts if item in basis), default=0)
        held = next((link.doubt for link in links.get(id_, ()) if link.doubt is not None), None)
        if held is None and id_ in unraised:
            held = Reason("level.raise-off", wanted=unraised[id_])
        if (allowed := found.allowed.get(id_)) is not None:
            wanted, held = allowed.wanted, allowed.held
            if wanted == row.wanted and held != row.held and allocated == row.allocated:
                row = msgspec.structs.replace(row, held=held)
                changed.append(row)
                continue
        if wanted == row.wanted and held == row.held and allocated == row.allocated:
            if moved:
                # What they show otherwise than before is a sale then, and not somebody else's doing.
                changed.append(msgspec.structs.replace(row, basis_after=known, wanted_after=after, wanted_at=now))
            elif not row.even and known != row.basis_after:
                changed.append(msgspec.structs.replace(row, basis_after=known))
            continue
        changed.append(
            msgspec.structs.replace(
                row,
                wanted=wanted,
                wanted_after=after,
                wanted_at=now,
                basis_after=known,
                tries=0,
                due_at=row.due_at if row.command is not None else None,
                reason=None,
                held=held,
                allocated=allocated,
                bound=row.bound if allocated else None,
            )
        )
    changed = await _confirmed(tx, changed, {id_ for id_, row in rows.items() if row.wanted is None})
    moving = {row.offer: row for row in changed}
    changed = [
        new
        for id_, row in stored.items()
        if (new := laid(moving.get(id_) or beneath(row), row, stopped=stopped, after=after, now=now)) != row
    ]
    await levels.put(tx, changed)
    if stopped:
        now_stopped = [row for row in changed if row.beneath is not None and stored[row.offer].beneath is None]
        await sales_stops.keep(tx, account, [row.offer for row in now_stopped if _for_sale(row)])
    if found.again:
        changed += await want(tx, account, found.again, rules, now, braked=False)
    return changed


def _most(row: OfferLevel, given_back: bool) -> int | None:
    """The most that an offer may show which is only lowered; None where it comes back from its end, or where it is
    not known yet what it shows. One that is `given_back` shows what it was to before a stop."""
    if row.beneath is not None:
        return row.beneath
    if given_back or row.resume_by == RESTORED:
        return row.wanted
    if not row.active:
        return None
    return min((known for known in (row.wanted, row.confirmed) if known is not None), default=None)


def _for_sale(row: OfferLevel) -> bool:
    """Whether an offer can be bought, or may be in a moment, as far as is known."""
    return (row.active and row.confirmed != 0) or row.phase is not Phase.SETTLED


def _held(
    rows: Sequence[OfferLevel], allowed: Mapping[int, Allowed], after: int, now: datetime
) -> list[OfferLevel]:
    """The rows of offers that are called back: they stay at what they showed."""
    return [
        msgspec.structs.replace(
            row,
            wanted=allowed[row.offer].wanted,
            held=allowed[row.offer].held,
            wanted_after=after,
            wanted_at=None if row.confirmed == allowed[row.offer].wanted else now,
            tries=0,
            reason=None,
        )
        for row in rows
    ]


async def _confirmed(tx: Transaction, rows: list[OfferLevel], first: Collection[int]) -> list[OfferLevel]:
    """The rows, those that are right from the `first` with when that was read: nothing else was wanted since."""
    right = {row.offer for row in rows if row.offer in first and row.even and row.confirmed_at is None}
    listed = await offers.read(tx, right) if right else {}
    return [
        msgspec.structs.replace(row, confirmed_at=listed[row.offer].read_at, wanted_at=None)
        if row.offer in listed
        else row
        for row in rows
    ]


async def _sellable(
    tx: Transaction,
    account: str,
    items: Collection[int],
    rules: Sequence[StockRule],
    now: datetime,
    sold: Mapping[int, int],
) -> tuple[dict[int, int | None], dict[int, dict[int, int]], dict[int, int], set[int], set[int]]:
    """Of these items: how many pieces may be sold, how many of them by each offer where they are divided, after
    which event each was read, which are divided because of what orders took alone, and which are only lowered."""
    stock = await stock_items.read(tx, items)
    unseen = await reservations.unseen(tx, items)
    pieces: dict[int, int | None] = {}
    divided: dict[int, dict[int, int]] = {}
    crossed: set[int] = set()
    lowered: set[int] = set()
    dividing: dict[int, tuple[int, StockRule]] = {}
    for id_, item in stock.items():
        rule = rule_of(rules, item.account, account)
        if rule is None:
            pieces[id_] = None
            continue
        if not rule.raises:
            lowered.add(id_)
        reading = StockReading(level=item.level, after=item.read_after)
        there = pieces[id_] = sellable(reading, unseen.get(id_, 0), rule.buffer).pieces
        if rule.allocates(there or 0):
            dividing[id_] = (there or 0, rule)
            if (taken := sold.get(id_, 0)) > 0 and not rule.allocates((there or 0) + taken):
                crossed.add(id_)
    each = list(dividing)
    for start in range(0, len(each), _DIVIDED):
        divided |= await _divide(tx, {id_: dividing[id_] for id_ in each[start : start + _DIVIDED]}, now)
    return pieces, divided, {id_: item.read_after for id_, item in stock.items()}, crossed, lowered


async def _divide(
    tx: Transaction, items: Mapping[int, tuple[int, StockRule]], now: datetime
) -> dict[int, dict[int, int]]:
    """How many of so many pieces of each item each offer of its rule's channels is to have for sale."""
    links: dict[int, dict[int, Link]] = {}
    for link in await offers.of_items(tx, items):
        links.setdefault(link.item, {})[link.offer] = link
    rows = await levels.of_offers(tx, {offer for of in links.values() for offer in of})
    return {
        item: await _shares_of(tx, item, there, rule, links.get(item, {}), rows, now)
        for item, (there, rule) in items.items()
    }


async def _shares_of(
    tx: Transaction,
    item: int,
    there: int,
    rule: StockRule,
    links: Mapping[int, Link],
    rows: Mapping[int, OfferLevel],
    now: datetime,
) -> dict[int, int]:
    """The same of one item, by the levels of what sells it."""
    mine = {id_: rows[id_] for id_ in links if id_ in rows and rows[id_].account in rule.channels}
    weights = dict.fromkeys((row.account for row in mine.values()), _FEW)
    if rule.weights:
        weights = {account: rule.weights.get(account, 1) for account in weights}
    elif len(weights) > 1:
        for account, sold in (await reservations.sales(tx, item, now - _RECENT)).items():
            weights[account] = _FEW + sold
    channels = [
        OfferShare(
            offer=id_,
            ceiling=row.ceiling,
            known=row.bound is not None,
            units=links[id_].units,
            weight=weights[row.account],
            takes=takes(row, resume=rule.resume, doubted=links[id_].doubt is not None),
        )
        for id_, row in mine.items()
    ]
    return {offer: value * links[offer].units for offer, value in shares(there, channels).items()}
