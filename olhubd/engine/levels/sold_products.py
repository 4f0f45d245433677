"""Which products of the marketplace's catalogue the offers of a channel sell, where their feed does not say it.

An offer there bears no article number of its own: its product does, and it may sell several products, or several
pieces of one. Learning it costs a call an offer and a call a product, so a few are read at a time, each offer once
and then now and then, and each product once for all offers that sell it. What is learned links offers as if their
feed had brought it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from olhubd.decide.route import Route
from olhubd.engine.levels.channel import SalesChannel
from olhubd.engine.levels.linking import doubt, doubt_sets, link_these
from olhubd.engine.levels.relinking import linked_since
from olhubd.engine.levels.unknown import report_uncertain
from olhubd.engine.outbox.recorder import Recorder
from olhubd.model import CatalogueProduct, Cause, Linking, OfferContents, OfferProduct
from olhubd.plugin import ContractBroken, OfferProducts
from olhubd.store import Transaction, events, offer_products, offers, stock_items
from olhubd.store.offer_products import SoldPart
from olhubd.store.offers import StoredOffer

__all__ = ["SoldProducts"]

T = TypeVar("T", OfferContents, CatalogueProduct)

_AT_ONCE = 50
"""Offers whose products are read in one turn."""
_SOON = timedelta(seconds=5)
"""From one turn to the next: so many calls a minute leave orders and quantities their budget."""
_OFFERS_AGAIN = timedelta(days=7)
_PRODUCTS_AGAIN = timedelta(days=30)


class SoldProducts:
    """Reads and keeps what one account's offers sell."""

    def __init__(
        self, channel: SalesChannel, products: OfferProducts, routes: Callable[[], Sequence[Route]]
    ) -> None:
        self._channel = channel
        self._products = products
        self._routes = routes

    async def learn(self) -> datetime | None:
        """Read what a few offers sell of which it is not known, or was read long ago. Gives when there are more."""
        channel, now = self._channel, self._channel.clock.now()
        reader = channel.database.reader
        some = dict(await offer_products.due(reader, channel.account, now - _OFFERS_AGAIN, _AT_ONCE))
        if not some:
            return None
        read = await self._each("read_contents", self._products.read_contents, list(some.values()))
        contents = {one.offer: one.products for one in read}
        named = {one.product for products in contents.values() for one in products}
        new = sorted(named - await offer_products.known(reader, channel.account, named, now - _PRODUCTS_AGAIN))
        catalogue = await self._each("read_catalogue", self._products.read_catalogue, new) if new else []
        # What is not in the catalogue any more bears no number, which is known then.
        gone = {*new} - {one.product for one in catalogue}
        catalogue += [CatalogueProduct(product=one) for one in sorted(gone)]
        told = {id_: contents[name] for id_, name in some.items() if name in contents}

        async def work(tx: Transaction) -> None:
            held = await offer_products.of_offers(tx, list(told))
            await offer_products.put_catalogue(tx, channel.account, catalogue, now)
            await offer_products.put(tx, told)
            await self._link(tx, list(some), told, held, now)

        await channel.database.write(work)
        return now + _SOON

    async def _each(self, what: str, ask: Callable[[Sequence[str]], Any], names: Sequence[str]) -> list[Any]:
        """What is answered of each of these. One that cannot be understood is left out, and keeps nobody from the
        others."""
        try:
            return list(await self._channel.calls.read(what, partial(ask, names), Sequence))
        except ContractBroken as error:
            if len(names) == 1:
                log = self._channel.log
                log.warning("cannot tell what an offer sells", account=self._channel.account, reason=str(error))
                return []
        return [one for name in names for one in await self._each(what, ask, [name])]

    async def _link(
        self,
        tx: Transaction,
        ids: Sequence[int],
        told: Mapping[int, Sequence[OfferProduct]],
        held: Mapping[int, Sequence[SoldPart]],
        now: datetime,
    ) -> None:
        """Store the article numbers and sizes of sets, and link, doubt and report by them. `held` is what they sold
        as they were read before."""
        account, rules, routes = self._channel.account, self._channel.rules(), self._routes()
        before = await offers.read(tx, ids)
        sold = await offer_products.of_offers(tx, list(told))
        borne = await _borne(tx, sold)
        told_now = {
            id_: _marks(sold.get(id_, ()), borne) if id_ in told else (one.offer.ean, one.offer.set_size)
            for id_, one in before.items()
        }
        await offers.set_product(tx, told_now, now)
        after = await offers.read(tx, list(told))
        changed = [one for id_, one in after.items() if _said(one) != _said(before[id_])]
        # A set of several bears no number of its own, so what is known of it is looked at each time.
        concerned = [*changed, *(one for id_, one in after.items() if len(sold.get(id_, ())) > 1)]
        other = {id_: sold.get(id_, ()) for id_ in after if _another_set(held.get(id_, ()), sold.get(id_, ()))}
        if not (concerned or other) or not rules:
            return
        newest = await events.head(tx)
        recorder = Recorder(tx, now, Cause("rule", "links"))
        linked = [one for one in after.values() if one.linking is Linking.LINKED]
        of_sets = {id_: _pieces(parts) for id_, parts in other.items()}
        await doubt_sets(tx, recorder, [one for one in linked if one.id in of_sets], of_sets, newest, routes, rules)
        ids_changed = {one.id for one in changed} - of_sets.keys()
        await doubt(tx, recorder, [one for one in linked if one.id in ids_changed], newest, routes, rules)
        since = await linked_since(tx, account)
        news = {
            one.id
            for one in concerned
            if since is not None and one.happened_at is not None and one.happened_at >= since
        }
        await link_these(tx, recorder, concerned, recorder.newest(newest), routes, rules, news=news)
        await report_uncertain(tx, recorder, [one.id for one in concerned])
        await recorder.write(tx)


async def _borne(tx: Transaction, sold: Mapping[int, Sequence[SoldPart]]) -> set[str]:
    """Those of the article numbers, where a product has several, that stock items bear."""
    several = {number for some in sold.values() for one in some if len(one.eans) > 1 for number in one.gtins}
    if not several:
        return set()
    items = await stock_items.by_codes(tx, [], sorted(several))
    return {item.gtin for item in items if item.gtin is not None}


def _marks(parts: Sequence[SoldPart], borne: set[str]) -> tuple[str | None, int | None]:
    """The article number of an offer of one product, and the size of its set; what sells several has neither.

    Of several numbers of one product it is the one that a stock item bears.
    """
    if len(parts) != 1:
        return None, None
    (one,) = parts
    numbers = dict(zip(one.gtins, one.eans, strict=True))
    mine = [ean for number, ean in numbers.items() if len(numbers) == 1 or number in borne]
    return (mine[0] if len(mine) == 1 else None), one.pieces


def _another_set(held: Sequence[SoldPart], sold: Sequence[SoldPart]) -> bool:
    """Whether an offer that sells several products, or did, sells others now or other numbers of them.

    Of one product alone the article number and the size of the set say so themselves.
    """
    several = len(held) > 1 or len(sold) > 1
    return (
        bool(held)
        and several
        and {(one.product, one.pieces) for one in held} != {(one.product, one.pieces) for one in sold}
    )


def _pieces(parts: Sequence[SoldPart]) -> Mapping[str, int]:
    """How many pieces an offer sells by each article number of its products."""
    found: dict[str, int] = {}
    for one in parts:
        for number in one.gtins:
            found[number] = found.get(number, 0) + one.pieces
    return found


def _said(one: StoredOffer) -> tuple[str | None, int | None]:
    return one.gtin, one.offer.set_size
