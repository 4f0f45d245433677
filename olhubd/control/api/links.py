"""Links: which stock items the offers sell, and what a person says of it, one offer or many at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from aiohttp import web

from olhubd.control.api.lookup import known_account
from olhubd.control.api.offers import offer_row, offer_rows, one_offer
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.links import (
    ConfirmRequest,
    ImportRequest,
    LinkRequest,
    LinksDone,
    LinksFile,
    LinksQuery,
    UnlinkRequest,
    WrongRow,
)
from olhubd.control.api.schema.offers import OfferItem, OfferPage, OfferRow
from olhubd.control.api.spreadsheet import cell
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.engine.operator.link_rows import LinkRow
from olhubd.model import Linking, Reason, beside, plain
from olhubd.store import Reader, catalog_search
from olhubd.store.catalog_search import CatalogPage, LinkSearch, OfferSearch
from olhubd.store.offers import StoredOffer

__all__ = ["COLUMNS", "ROUTES", "SUGGESTED"]

_PAGE = 500
COLUMNS = ("account", "offer", "sku", "item", "units", "name", "item_name", "linked_by", "linked_at", "doubt")
"""Of the file of links, a row for each item of an offer. The first five are those that come back."""
SUGGESTED = (*COLUMNS[:7], "why", "candidates")
"""Of the file of suggestions, a row for each offer. Where one item alone may be meant, it is named; what an offer
sells together has a row for each item."""


async def listing(call: Call[LinksQuery, Nothing]) -> OfferPage:
    """The offers that are linked, the newest first, each with what it sells."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    wanted = LinkSearch(account=asked.account, origin=asked.origin, doubted=asked.doubted)
    rules = hub.in_force.stock()

    async def work(reader: Reader) -> OfferPage:
        page = await catalog_search.find_links(reader, wanted, before=asked.before, limit=asked.limit)
        return OfferPage(items=await offer_rows(reader, page.ids, rules), next=page.next)

    return await hub.database.read(work)


async def add(call: Call[Nothing, LinkRequest]) -> OfferRow:
    """Say what an offer sells. One that sells something else already must be unlinked first."""
    asked = call.body
    listed = await one_offer(call.hub.database.reader, asked.offer)
    if asked.together:
        return await _add_set(call, listed)
    if asked.sku is None and asked.item is None:
        raise Refusal(400, "parameter", Reason("request.no-item"), parameter="sku")
    row = LinkRow(
        number=1,
        account=listed.account,
        offer=listed.offer.external_id,
        sku=asked.sku,
        item=asked.item,
        units=asked.units,
    )
    await call.hub.link_actions.add(row, call.who, part=asked.part)
    return await _shown(call.hub, listed)


async def _add_set(call: Call[Nothing, LinkRequest], listed: StoredOffer) -> OfferRow:
    """Link an offer to all that it sells together, as it is proposed."""
    asked, hub = call.body, call.hub
    if asked.sku is not None or asked.item is not None or asked.units is not None or asked.part:
        raise Refusal(400, "parameter", Reason("request.together-alone"), parameter="together")
    proposed = await _shown(hub, listed)
    parts = [one for one in proposed.candidates if one.together is not None]
    if proposed.links or not parts:
        why = Reason("link.no-set", offer=listed.offer.external_id)
        raise Refusal(409, "not-possible", why)
    rows = [
        LinkRow(
            number=number,
            account=listed.account,
            offer=listed.offer.external_id,
            sku=None,
            item=part.external_id,
            units=part.together,
        )
        for number, part in enumerate(parts, start=1)
    ]
    await hub.link_actions.replace(rows, call.who)
    return await _shown(hub, listed)


async def remove(call: Call[Nothing, UnlinkRequest]) -> LinksDone:
    """Unlink an offer, which is linked by a person alone from then on; or all offers of an account."""
    asked, hub = call.body, call.hub
    if asked.all:
        if asked.account is None or asked.offer is not None:
            raise Refusal(400, "parameter", Reason("request.all-of-account"), parameter="account")
        await known_account(hub, "account", asked.account)
        return LinksDone(changed=await hub.link_actions.clear(asked.account, call.who))
    if asked.offer is None:
        raise Refusal(400, "parameter", Reason("request.no-offer"), parameter="offer")
    listed = await one_offer(hub.database.reader, asked.offer)
    await hub.link_actions.remove(listed.account, listed.offer.external_id, asked.item, call.who)
    return LinksDone(changed=1)


async def confirm(call: Call[Nothing, ConfirmRequest]) -> OfferRow:
    """Say that a link in doubt is right: the offer may be raised again."""
    asked, hub = call.body, call.hub
    listed = await one_offer(hub.database.reader, asked.offer)
    await hub.link_actions.confirm(listed.account, listed.offer.external_id, asked.units, call.who)
    return await _shown(hub, listed)


async def bring(call: Call[Nothing, ImportRequest]) -> LinksDone:
    """Let many offers sell what these rows say. Where one row is wrong, none of them is done."""
    asked, hub = call.body, call.hub
    rows = [
        LinkRow(number=row.row, account=row.account, offer=row.offer, sku=row.sku, item=row.item, units=row.units)
        for row in asked.rows
    ]
    wrong = await hub.link_actions.problems(rows)
    told = tuple(
        WrongRow(row=one.row, column=one.column, why=plain(one.why), **beside("why", one.why)) for one in wrong
    )
    if asked.check:
        return LinksDone(changed=0, wrong=told)
    if wrong:
        sentences = tuple(f"row {one.row}, {one.column}: {one.why}" for one in told)
        raise Refusal(422, "rows", Reason("request.rows", n=len(wrong)), problems=sentences)
    return LinksDone(changed=await hub.link_actions.replace(rows, call.who))


async def export(call: Call[LinksFile, Nothing]) -> web.Response:
    """All links as CSV, or what may be linked, in the form that is taken back."""
    asked, hub = call.query, call.hub
    await known_account(hub, "account", asked.account)
    told = _suggestions(hub, asked.account) if asked.suggestions else _links(hub, asked.account)
    name = "suggestions.csv" if asked.suggestions else "links.csv"
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return web.Response(body=_marked(told) if asked.bom else told, headers=headers)


async def _shown(hub: Hub, listed: StoredOffer) -> OfferRow:
    return await offer_row(hub.database.reader, f"#{listed.id}", hub.in_force.stock())


async def _links(hub: Hub, account: str | None) -> AsyncIterator[bytes]:
    yield _text([COLUMNS])
    wanted = LinkSearch(account=account)
    before: int | None = None
    while True:
        page = await catalog_search.find_links(hub.database.reader, wanted, before=before, limit=_PAGE)
        yield _text(cells for row in await _rows(hub, page) for cells in _linked(row))
        if page.next is None:
            return
        before = page.next


async def _suggestions(hub: Hub, account: str | None) -> AsyncIterator[bytes]:
    yield _text([SUGGESTED])
    for state in (Linking.PROPOSED, Linking.CONFLICT):
        wanted = OfferSearch(account=account, linking=state)
        before: int | None = None
        while True:
            page = await catalog_search.find_offers(hub.database.reader, wanted, before=before, limit=_PAGE)
            yield _text(cells for row in await _rows(hub, page) for cells in _suggested(row))
            if page.next is None:
                break
            before = page.next


async def _rows(hub: Hub, page: CatalogPage) -> Sequence[OfferRow]:
    return await offer_rows(hub.database.reader, page.ids, hub.in_force.stock())


async def _marked(told: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf"
    async for part in told:
        yield part


def _linked(row: OfferRow) -> Iterable[Sequence[object]]:
    for link in row.links:
        item = link.item
        yield (
            row.account, row.external_id, item.sku, item.external_id, link.units, row.name, item.name, link.by,
            link.linked_at.isoformat(), link.doubt,
        )  # fmt: skip


def _suggested(row: OfferRow) -> Iterable[Sequence[object]]:
    # Of several none is named, so that a file that nobody has read links nothing to the wrong one.
    of_set = [one for one in row.candidates if one.together is not None]
    named = "; ".join(f"{one.external_id} ({one.sku or one.name})" for one in row.candidates)
    items: Sequence[OfferItem | None] = of_set or (row.candidates if len(row.candidates) == 1 else [None])
    for item in items:
        units = (item.together or row.set_size or 1) if item else None
        yield (
            row.account, row.external_id, item.sku if item else None, item.external_id if item else None,
            units, row.name, item.name if item else None, row.why, named,
        )  # fmt: skip


def _text(rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([cell("" if value is None else str(value)) for value in row] for row in rows)
    return out.getvalue().encode()


ROUTES = (
    route("GET", "/api/v1/links", listing),
    route("GET", "/api/v1/links/export", export, media=("text/csv",)),
    route("POST", "/api/v1/links", add, refusals=(404, 409)),
    route("POST", "/api/v1/links/remove", remove, limit=60, refusals=(404, 409)),
    route("POST", "/api/v1/links/confirm", confirm, refusals=(404, 409)),
    route("POST", "/api/v1/links/import", bring, limit=60, refusals=(422,)),
)
