"""Offers that can be bought and sell what the hub sells, though nobody had linked them.

A marketplace that lists an offer again by itself makes a new one, with the quantity that the first began with, and
a seller may list the same thing twice. Each sells beside the hub until somebody knows of it, so it is reported in
the transaction in which it is first read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from olhubd.engine.flow.flow import FlowContext
from olhubd.engine.levels.linking import Seen, masters_of
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import Kind, Linking, OfferState, Subject
from olhubd.store import Transaction, levels, offers, unknown_offers
from olhubd.store.offers import StoredOffer

__all__ = ["find_unknown", "find_unknown_of", "report_uncertain"]


async def find_unknown(
    context: FlowContext, renewed: Sequence[StoredOffer], before: Mapping[str, StoredOffer]
) -> None:
    """Report those of the offers just read, and `before` as they were, that can be bought and were not known."""
    tx, account = context.tx, context.account
    masters = masters_of(context.rules, account)
    fresh = [one for one in renewed if _began(one, before.get(one.offer.external_id))]
    if not masters or not fresh:
        return
    links = await offers.links_of(tx, [one.id for one in fresh])
    stored = await offers.read(tx, [one.id for one in fresh])
    found = _uncertain(stored.values())
    for one in fresh:
        if one.offer.external_id not in before and one.id in links:
            ended = await _ended_beside(context, one.id, {link.item for link in links[one.id]})
            if ended is not None:
                found[one.id] = ended
    await _report(tx, context.recorder, stored, found)


async def find_unknown_of(context: FlowContext, marks: Collection[tuple[str | None, str | None]]) -> None:
    """Report the offers that can be bought and bear a mark of items that have just come, and are linked to none."""
    if not marks:
        return
    seen = Seen.of(marks)
    loose = await offers.bearing(context.tx, sorted(seen.skus), sorted(seen.gtins))
    selling = {one.id: one for one in loose if one.offer.state is OfferState.ACTIVE}
    await _report(context.tx, context.recorder, selling, _uncertain(selling.values()))


async def report_uncertain(tx: Transaction, recorder: Recorder, ids: Collection[int]) -> None:
    """Report those of these offers that can be bought, and of which it is not certain what they sell by now."""
    selling = {
        id_: one for id_, one in (await offers.read(tx, ids)).items() if one.offer.state is OfferState.ACTIVE
    }
    await _report(tx, recorder, selling, _uncertain(selling.values()))


def _uncertain(some: Iterable[StoredOffer]) -> dict[int, str]:
    """Those of which it is not certain which of the known items they sell, each with its mark."""
    return {
        one.id: one.offer.sku or one.offer.ean or one.offer.name
        for one in some
        if one.linking in (Linking.PROPOSED, Linking.CONFLICT)
    }


async def _report(
    tx: Transaction, recorder: Recorder, listed: Mapping[int, StoredOffer], found: Mapping[int, str]
) -> None:
    by_account: dict[str, dict[int, str]] = {}
    for id_, known in found.items():
        by_account.setdefault(listed[id_].account, {})[id_] = known
    for account, some in by_account.items():
        for id_ in await unknown_offers.put(tx, account, some, recorder.now):
            offer = listed[id_].offer
            facts: dict[str, object] = {
                "offer": offer.external_id,
                "known": some[id_],
                "shown": offer.quantity or 0,
            }
            await recorder.event("offer.unknown", account, Subject(Kind.OFFER, id_), facts)


def _began(one: StoredOffer, before: StoredOffer | None) -> bool:
    """Whether it can be bought, and could not be when it was read before."""
    if one.offer.state is not OfferState.ACTIVE:
        return False
    return before is None or before.offer.state is not OfferState.ACTIVE


async def _ended_beside(context: FlowContext, offer: int, items: set[int]) -> str | None:
    """The number of an offer of the account that sold the same, was linked before, and has ended."""
    links = await offers.of_items(context.tx, items, context.account)
    older = [link.offer for link in links if link.offer != offer and link.linked_at < context.now]
    if not older:
        return None
    rows = await levels.of_offers(context.tx, older)
    for id_, one in (await offers.read(context.tx, older)).items():
        row = rows.get(id_)
        # Whichever was read last: the list, or what the hub wrote.
        if one.offer.state is not OfferState.ACTIVE or (row is not None and not row.active):
            return one.offer.external_id
    return None
