"""The simulator's addresses by which offers are made and changed, and of the rules that they keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec
from aiohttp import web

from olhubd_kit.simulators.allegro.answers import MEDIA, answer, number, refused
from olhubd_kit.simulators.allegro.listing import ListingBook, Operation
from olhubd_kit.simulators.allegro.listing_rules import CATEGORIES, OPEN, PARAMETERS, tax
from olhubd_kit.simulators.allegro.population import Json, stamp

__all__ = ["ListingRoutes"]

Handler = Callable[[web.Request], Awaitable[web.Response]]
_OFFERS = "/sale/product-offers"
_AFTER_SALES = "/after-sales-service-conditions"
_LISTS = {
    "/sale/shipping-rates": ("shipping-rates", "shippingRates"),
    f"{_AFTER_SALES}/return-policies": ("return-policies", "returnPolicies"),
    f"{_AFTER_SALES}/implied-warranties": ("implied-warranties", "impliedWarranties"),
    f"{_AFTER_SALES}/warranties": ("warranties", "warranties"),
    "/sale/responsible-producers": ("responsible-producers", "responsibleProducers"),
}
_SOON = "2"


class ListingRoutes:
    """Serves one book of listings."""

    def __init__(self, book: ListingBook) -> None:
        self.book = book

    def routes(self, guard: Callable[..., Handler]) -> Sequence[web.AbstractRouteDef]:
        """The routes, each behind `guard`."""
        return [
            web.post(_OFFERS, guard(self._make)),
            web.patch(f"{_OFFERS}/{{id}}", guard(self._edit)),
            web.get(f"{_OFFERS}/{{id}}/operations/{{operation}}", guard(self._operation)),
            web.get("/sale/matching-categories", guard(self._matching)),
            web.get("/sale/categories/{id}", guard(self._category)),
            web.get("/sale/categories/{id}/parameters", guard(self._parameters)),
            web.get("/sale/tax-settings", guard(self._tax)),
            web.get("/sale/products", guard(self._products)),
            web.get("/sale/products/{id}", guard(self._product)),
            web.post("/sale/images", guard(self._image)),
            *(web.get(path, guard(partial(self._terms, *names))) for path, names in _LISTS.items()),
        ]

    async def _make(self, request: web.Request) -> web.Response:
        body: Json = msgspec.json.decode(await request.read())
        offer, operation, errors = self.book.make(body)
        if errors:
            return answer({"errors": errors}, 422)
        if operation is not None:
            return _accepted(offer, operation)
        return answer(self._shown(offer), 201)

    async def _edit(self, request: web.Request) -> web.Response:
        offer = request.match_info["id"]
        body: Json = msgspec.json.decode(await request.read())
        if self.book.book.detailed(offer) is None:
            return refused(404, "NotFound", "Offer not found")
        if self.book.under_way(offer):
            return refused(409, "CONFLICT", "Another change of this offer is in progress")
        operation, errors = self.book.edit(offer, body)
        if errors:
            return answer({"errors": errors}, 422)
        return _accepted(offer, operation) if operation is not None else answer(self._shown(offer))

    async def _operation(self, request: web.Request) -> web.Response:
        self.book.act()
        found = self.book.operations.get(request.match_info["operation"])
        offer = request.match_info["id"]
        if found is None or found.offer != offer:
            return refused(404, "NotFound", "Operation not found")
        if found.act is not None:
            told = {"id": found.id, "status": "IN_PROGRESS", "startedAt": stamp(found.started)}
            waiting = answer({"offer": {"id": offer}, "operation": told}, 202)
            waiting.headers["Retry-After"] = _SOON
            return waiting
        if found.errors:
            return answer({"errors": list(found.errors)}, 422)
        return web.Response(status=303, headers={"Location": f"https://api.allegro.pl{_OFFERS}/{offer}"})

    def _shown(self, offer: str) -> Json:
        return self.book.listing(offer)

    async def _matching(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        found = [] if "nienazwane" in name else [CATEGORIES[OPEN]]
        return answer({"matchingCategories": [{"id": one["id"], "name": one["name"]} for one in found]})

    async def _category(self, request: web.Request) -> web.Response:
        found = CATEGORIES.get(request.match_info["id"])
        return answer(found) if found is not None else refused(404, "NotFound", "Category not found")

    async def _parameters(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in CATEGORIES:
            return refused(404, "NotFound", "Category not found")
        return answer({"parameters": list(PARAMETERS)})

    async def _tax(self, request: web.Request) -> web.Response:
        if request.query.get("category.id") not in CATEGORIES:
            return refused(404, "NotFound", "Category not found")
        return answer(tax(request.query.get("countryCode")))

    async def _products(self, request: web.Request) -> web.Response:
        if request.query.get("mode") != "GTIN":
            return refused(422, "VALIDATION_ERROR", "Only article numbers are looked for here", "mode")
        found = self.book.catalogue.get(request.query.get("phrase", ""))
        return answer({"products": [found] if found is not None else []})

    async def _product(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        found = next((one for one in self.book.catalogue.values() if one["id"] == id_), None)
        return answer(found) if found is not None else refused(404, "NotFound", "Product not found")

    async def _image(self, request: web.Request) -> web.Response:
        body: Json = msgspec.json.decode(await request.read())
        status, kept = self.book.upload(str(body.get("url")))
        if status != 201:
            return web.Response(status=status)
        return answer({"location": kept, "expiresAt": stamp(self.book.book.now())}, 201)

    async def _terms(self, kind: str, name: str, request: web.Request) -> web.Response:
        offset, limit = number(request, "offset", 0), number(request, "limit", 60)
        if offset is None or limit is None:
            return refused(422, "VALIDATION_ERROR", "Offset or limit is outside its range")
        known = [_term(kind, one, self.book.seller, self.book.place) for one in self.book.terms[kind]]
        body: Json = {name: known[offset : offset + limit]}
        if kind != "shipping-rates":
            body["count"] = len(body[name])
        if kind == "responsible-producers":
            body["totalCount"] = len(known)
        return answer(body)


def _accepted(offer: str, operation: Operation) -> web.Response:
    told = answer({"id": offer}, 202)
    told.headers["Location"] = f"https://api.allegro.pl{_OFFERS}/{offer}/operations/{operation.id}"
    told.headers["Retry-After"] = _SOON
    assert told.headers["Content-Type"] == MEDIA
    return told


def _term(kind: str, one: Json, seller: str, place: Json | None) -> Json:
    if kind != "return-policies":
        return one
    reach = {"range": "FULL" if place is not None else "DISABLED"}
    return {**one, "isFulfillment": False, "seller": {"id": seller}, "availability": reach, "address": place}
