"""Offers and links: what each offer sells, must show and shows, and what a person decides about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from olhubd.control.api import accounts, links, offers
from olhubd.control.api.schema.accounts import Account, AccountState
from olhubd.control.api.schema.links import ConfirmRequest, LinkRequest, LinksFile, LinksQuery, UnlinkRequest
from olhubd.control.api.schema.offers import OfferRow, OffersQuery
from olhubd.control.dashboard.page import PageRequest, button, file, older, page
from olhubd.control.dashboard.state import Notice
from olhubd.engine.levels.linking import masters_of
from olhubd.model import Linking, LinkOrigin, OfferState

__all__ = ["ROUTES"]

_ASKED = 20
"""Offers to be decided about that the page of links shows of each kind."""
_MORE = frozenset({"sku", "ean", "uneven", "sold_out", "doubted"})
"""Filters that are folded away until one is used."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await visit.ask(offers.listing, visit.checked(OffersQuery, **asked))
    return {
        "rows": found.items,
        "off": await _off(visit, asked.get("account")),
        "asked": asked,
        "accounts": _channels(visit),
        "states": tuple(OfferState),
        "linkings": tuple(Linking),
        "more": not _MORE.isdisjoint(asked),
        "older": older("/offers", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def linked(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value.strip() for name, value in visit.query.items()}
    found = await visit.ask(links.listing, visit.checked(LinksQuery, **asked))
    account = asked.get("account")
    open_: list[tuple[Linking, tuple[OfferRow, ...], bool]] = []
    for state in (Linking.CONFLICT, Linking.PROPOSED) if "before" not in asked else ():
        some = await visit.ask(offers.listing, OffersQuery(account=account, linking=state, limit=_ASKED))
        if some.items:
            open_.append((state, some.items, some.next is not None))
    return {
        "rows": found.items,
        "open": open_,
        "asked": asked,
        "accounts": _channels(visit),
        "origins": tuple(LinkOrigin),
        "older": older("/links", asked, found.next),
        "newest": urlencode({name: value for name, value in asked.items() if name != "before"}),
    }


async def export(visit: PageRequest) -> web.Response:
    """The links, or what may be linked, as a file for a spreadsheet."""
    return await visit.ask(links.export, visit.checked(LinksFile, **{"bom": True, **visit.query}))


async def link(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("offer", "sku", "item", "units", "part", "together")
    done = await visit.ask(links.add, body=visit.checked(LinkRequest, **given))
    return _back(visit), Notice("note.linked", {"offer": done.external_id})


async def unlink(visit: PageRequest) -> tuple[str, Notice | None]:
    given = visit.filled("offer", "item")
    await visit.ask(links.remove, body=visit.checked(UnlinkRequest, **given))
    return _back(visit), Notice("note.unlinked", {})


async def confirm(visit: PageRequest) -> tuple[str, Notice | None]:
    given: dict[str, Any] = visit.filled("offer", "units")
    done = await visit.ask(links.confirm, body=visit.checked(ConfirmRequest, **given))
    return _back(visit), Notice("note.link-confirmed", {"offer": done.external_id})


async def _off(visit: PageRequest, account: str | None) -> list[Account]:
    """The accounts with offers that are switched off, or the one of them that is asked for."""
    selling = [one for one in (await visit.ask(accounts.listing)).items if "OfferFeed" in one.capabilities]
    asked = [one for one in selling if account in (None, "", one.name)]
    return [one for one in asked if one.state is not AccountState.ACTIVE]


def _channels(visit: PageRequest) -> list[str]:
    """The accounts on which stock is sold."""
    rules = visit.hub.in_force.stock()
    return [name for name in sorted(visit.hub.configuration.accounts) if masters_of(rules, name)]


def _back(visit: PageRequest) -> str:
    return visit.form.get("back", "/offers")


ROUTES = (
    page("/offers", "offers.html", listing),
    page("/links", "links.html", linked),
    file("/links/export", export),
    button("/links", link),
    button("/links/remove", unlink),
    button("/links/confirm", confirm),
)
