"""The offers of the channels: the list, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from olhubd.control.api.lookup import hub_number, known_account
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.offers import OfferPage, OfferRow, OffersFilter, OffersQuery
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.decide.stock.policy import StockRule
from olhubd.engine.hub import Hub
from olhubd.engine.levels.linking import judge_offers
from olhubd.model import LevelKind, Linking, Reason
from olhubd.model.check import gtin
from olhubd.store import Reader, catalog_search, levels, offers, price_switches, stock_items
from olhubd.store.catalog_search import OfferSearch
from olhubd.store.offers import StoredOffer

__all__ = ["ROUTES", "offer_row", "offer_rows", "one_offer"]

_SHOWN = 20
"""Candidates of an offer that are shown."""


async def listing(call: Call[OffersQuery, Nothing]) -> OfferPage:
    """The offers of the channels that fit all filters, the newest first."""
    asked, hub = call.query, call.hub
    wanted = await searched(hub, asked)
    rules = hub.in_force.stock()

    async def work(reader: Reader) -> OfferPage:
        page = await catalog_search.find_offers(reader, wanted, before=asked.before, limit=asked.limit)
        return OfferPage(items=await offer_rows(reader, page.ids, rules), next=page.next)

    return await hub.database.read(work)


async def searched(hub: Hub, asked: OffersFilter) -> OfferSearch:
    """What these filters look for. Raises Refusal."""
    await known_account(hub, "account", asked.account)
    return OfferSearch(
        account=asked.account,
        state=asked.state,
        linking=asked.linking,
        unlinked=asked.unlinked,
        sold_out=asked.sold_out,
        uneven=asked.uneven,
        doubted=asked.doubted,
        text=asked.text,
        sku=asked.sku,
        gtin=article_number(asked.ean),
    )


def article_number(text: str | None) -> str | None:
    """An EAN of a filter in the form in which they are compared. Raises Refusal for what is none."""
    if text is None:
        return None
    found = gtin(text)
    if found is None:
        raise Refusal(400, "parameter", Reason("request.ean", ean=text), parameter="ean")
    return found


async def card(call: Call[Nothing, Nothing]) -> OfferRow:
    """One offer: by its reference (account:number), by its number where one account alone has it, or the hub's."""
    hub = call.hub
    return await hub.database.read(partial(offer_row, text=call.path["offer"], rules=hub.in_force.stock()))


async def offer_row(reader: Reader, text: str, rules: Sequence[StockRule]) -> OfferRow:
    """The offer that is meant. Raises Refusal."""
    listed = await one_offer(reader, text)
    return (await offer_rows(reader, [listed.id], rules))[0]


async def one_offer(reader: Reader, text: str) -> StoredOffer:
    """The offer meant by its reference, by its number, or by the hub's own (#17). Raises Refusal."""
    found: Sequence[StoredOffer] = ()
    account, _, number = text.partition(":")
    if (own := hub_number(text)) is not None:
        found = list((await offers.read(reader, [own])).values())
    elif number:
        found = list((await offers.by_external(reader, account, [number])).values())
    if not found:
        found = await offers.by_number(reader, text)
    if not found:
        raise Refusal(404, "not-found", Reason("none.offer-named", offer=text))
    if len(found) > 1:
        names = ", ".join(f"{one.account}:{one.offer.external_id}" for one in found)
        raise Refusal(409, "ambiguous", Reason("request.which-offer", offer=text, names=names))
    return found[0]


async def offer_rows(reader: Reader, ids: Sequence[int], rules: Sequence[StockRule]) -> tuple[OfferRow, ...]:
    """These offers, in their order, with what they sell or may sell."""
    listed = await offers.read(reader, ids)
    links = await offers.links_of(reader, ids)
    rows = await levels.of_offers(reader, ids)
    priced = await price_switches.accounts(reader)
    prices = await levels.of_offers(reader, ids, LevelKind.PRICE) if priced else {}
    loose = [one for one in listed.values() if one.linking is not Linking.LINKED]
    verdicts, candidates = await judge_offers(reader, loose, rules)
    items = await stock_items.read(reader, {link.item for mine in links.values() for link in mine})
    return tuple(
        OfferRow.of(
            listed[id_],
            [(link, items[link.item]) for link in links.get(id_, ()) if link.item in items],
            rows.get(id_),
            verdict := verdicts.get(id_),
            [candidates[item] for item in (verdict.candidates[:_SHOWN] if verdict is not None else ())],
            prices.get(id_),
            listed[id_].account in priced,
        )
        for id_ in ids
        if id_ in listed
    )


ROUTES = (
    route("GET", "/api/v1/offers", listing),
    route("GET", "/api/v1/offers/{offer}", card, refusals=(404, 409)),
)
