"""The simulator's addresses of offers and of the commands that change them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import msgspec
from aiohttp import web

from olhubd_kit import drawing
from olhubd_kit.simulators.allegro.answers import answer, number, refused
from olhubd_kit.simulators.allegro.change_limit import ChangeLimit
from olhubd_kit.simulators.allegro.offers import OfferBook
from olhubd_kit.simulators.allegro.population import Json

__all__ = ["OfferRoutes"]

Handler = Callable[[web.Request], Awaitable[web.Response]]
_COMMANDS = {
    "quantity": "/sale/offer-quantity-change-commands/{id}",
    "price": "/sale/offer-price-change-commands/{id}",
    "publication": "/sale/offer-publication-commands/{id}",
}


class OfferRoutes:
    """Serves one book of offers. `shortened` ends a page early where that was asked for; `limits` are by the kind
    of commands."""

    def __init__(
        self,
        book: OfferBook,
        shortened: Callable[[list[Json]], list[Json]],
        limits: Mapping[str, ChangeLimit],
    ) -> None:
        self.book = book
        self._shortened = shortened
        self._limits = limits

    def routes(self, guard: Callable[..., Handler]) -> Sequence[web.AbstractRouteDef]:
        """The routes, each behind `guard`."""
        found = [
            web.get("/sale/offers", guard(self._offers)),
            web.get("/sale/product-offers/{id}", guard(self._details)),
            web.get("/sale/offer-events", guard(self._offer_events, frozenset({"en-US"}))),
        ]
        for kind, path in _COMMANDS.items():
            found += [
                web.put(path, guard(partial(self._command, kind))),
                web.get(path, guard(partial(self._report, kind))),
                web.get(f"{path}/tasks", guard(partial(self._tasks, kind))),
            ]
        return found

    async def _offers(self, request: web.Request) -> web.Response:
        self.book.act()
        offset, limit = number(request, "offset", 0), number(request, "limit", 20)
        if offset is None or limit is None or not 1 <= limit <= 1000:
            return refused(422, "VALIDATION_ERROR", "Offset or limit is outside its range")
        query = request.query
        if named := query.getall("offer.id", []):
            rows = [row for one in sorted({*named}) if (row := self.book.offers.get(one)) is not None]
        else:
            rows = list(self.book.offers.values())
        if states := query.getall("publication.status", []):
            rows = [row for row in rows if row["publication"]["status"] in states]
        if marks := query.getall("external.id", []):
            rows = [row for row in rows if (row["external"] or {}).get("id") in marks]
        here = f"{request.scheme}://{request.host}"
        page = self._shortened([self._pictured(row["id"], here) for row in rows[offset : offset + limit]])
        page = [row for row in page if row["id"] not in self.book.left_out]
        return answer({"offers": page, "count": len(page), "totalCount": len(rows)})

    def _pictured(self, offer: str, here: str) -> Json:
        """A row of the list with its main picture: what a program has said, else what its mark looks like."""
        row, said = self.book.row(offer), self.book.described(offer)
        mark = (row.get("external") or {}).get("id")
        drawn = here + drawing.path(mark) if mark is not None and not said else None
        address = next(iter(said.get("images", ())), drawn)
        return row if address is None else {**row, "primaryImage": {"url": address}}

    async def _details(self, request: web.Request) -> web.Response:
        self.book.act()
        found = self.book.detailed(request.match_info["id"])
        return answer(found) if found is not None else refused(404, "NotFound", "Offer not found")

    async def _offer_events(self, request: web.Request) -> web.Response:
        self.book.act()
        start, limit = request.query.get("from"), number(request, "limit", 100)
        if limit is None or not 1 <= limit <= 1000 or not (start is None or start.isdecimal()):
            return refused(422, "VALIDATION_ERROR", "Query parameters are incorrect")
        found = self.book.after(start, request.query.getall("type", []), limit)
        return answer({"offerEvents": self._shortened(found)})

    async def _command(self, kind: str, request: web.Request) -> web.Response:
        body: Json = msgspec.json.decode(await request.read())
        criteria = body.get("offerCriteria") or []
        named = [one["id"] for criterion in criteria for one in criterion.get("offers", ())]
        if not named or len(named) > 1000 or any(one.get("type") != "CONTAINS_OFFERS" for one in criteria):
            return refused(422, "VALIDATION_ERROR", "Between 1 and 1000 offers are needed", "offerCriteria")
        if kind == "quantity":
            change = body.get("modification") or {}
            value = change.get("value")
            fixed = change.get("changeType") == "FIXED"
            if (
                change.get("changeType") not in ("FIXED", "GAIN")
                or not isinstance(value, int)
                or (fixed and value <= 0)
            ):
                return refused(422, "VALIDATION_ERROR", "The quantity must be above zero", "modification.value")
        elif kind == "price":
            change = body.get("modification") or {}
            if change.get("type") != "FIXED_PRICE" or not _is_price(change.get("price")):
                return refused(422, "VALIDATION_ERROR", "The price must be above zero", "modification.price")
        elif (body.get("publication") or {}).get("action") not in ("END", "ACTIVATE"):
            return refused(422, "VALIDATION_ERROR", "Unknown action", "publication.action")
        if not self._limits[kind].take(len(named)):
            return refused(429, "TooManyRequests", "Too many offers were changed")
        try:
            command = self.book.put(request.match_info["id"], kind, body)
        except KeyError:
            return refused(409, "CONFLICT", "Command id was already used")
        return answer(command.summary(), 201)

    async def _report(self, kind: str, request: web.Request) -> web.Response:
        self.book.act()
        command = self.book.commands.get(request.match_info["id"])
        if command is None or command.kind != kind:
            return refused(404, "NotFound", "Command not found")
        return answer(command.summary())

    async def _tasks(self, kind: str, request: web.Request) -> web.Response:
        self.book.act()
        command = self.book.commands.get(request.match_info["id"])
        if command is None or command.kind != kind:
            return refused(404, "NotFound", "Command not found")
        offset, limit = number(request, "offset", 0), number(request, "limit", 100)
        if offset is None or limit is None or not 1 <= limit <= 1000 or offset > 999:
            return refused(422, "VALIDATION_ERROR", "Offset or limit is outside its range")
        return answer({"tasks": command.outcomes()[offset : offset + limit]})


def _is_price(given: object) -> bool:
    """Whether it is an amount above zero, as text with two places, in zlotys."""
    if not isinstance(given, dict) or given.get("currency") != "PLN":
        return False
    amount = given.get("amount")
    return isinstance(amount, str) and re.fullmatch(r"\d+\.\d{2}", amount) is not None and Decimal(amount) > 0
