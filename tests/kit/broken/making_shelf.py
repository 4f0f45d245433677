"""A Tiny Shop at which programs list offers: as drafts, at once or later, each as often as it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from olhubd.model import Money, OfferDraft
from olhubd_kit.simulator import Verb
from tinyshop_simulator import TinyShopSimulator, refused

__all__ = ["Listing", "MakingShelf", "Words"]

FIELDS = ("name", "price", "quantity")


class Words(msgspec.Struct):
    """What a program says of an offer; None says nothing."""

    sku: str | None = None
    name: str | None = None
    price: str | None = None
    quantity: int | None = None


class Listing(msgspec.Struct, kw_only=True):
    id: str
    sku: str
    name: str
    price: str | None = None
    quantity: int = 0
    state: str = "draft"


class _Job(msgspec.Struct):
    """What was accepted, and is done at `at`."""

    at: datetime
    offer: str
    words: Words
    error: str | None
    done: bool = False


class MakingShelf(TinyShopSimulator):
    """Nothing is deduplicated: two requests are two offers."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.made: dict[str, Listing] = {}
        self.jobs: dict[str, _Job] = {}
        self._numbers = 0
        self._later: list[float] = []
        self._refuse = 0

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            *super().routes(),
            web.post("/listings", self._make),
            web.get("/listings", self._search),
            web.get("/listings/{id}", self._show),
            web.patch("/listings/{id}", self._edit),
            web.put("/listings/{id}/state", self._state),
            web.get("/jobs/{job}", self._job),
            web.get("/listing-rules", self._rules),
        ]

    def verbs(self) -> Mapping[str, Verb]:
        own: list[Verb] = [self.offer_draft, self.listings, self.offer_fields, self.buyable, self.mark_draft]
        own += [self.accept_later, self.refuse_listings, self.end_offer, self.sell_offer]
        return {**super().verbs(), **{verb.__name__: verb for verb in own}}

    def offer_draft(self, sku: str) -> OfferDraft:
        return OfferDraft(sku=sku, name=f"Mug {sku}", price=Money(Decimal("24.90"), "PLN"), quantity=5)

    def listings(self, sku: str) -> list[str]:
        self._act()
        return [one.id for one in self.made.values() if one.sku == sku]

    def offer_fields(self, offer: str) -> dict[str, Any]:
        self._act()
        return {name: getattr(self.made[offer], name) for name in FIELDS}

    def buyable(self) -> dict[str, int]:
        self._act()
        return {one.id: one.quantity if one.state == "shown" else 0 for one in self.made.values()}

    def mark_draft(self, sku: str) -> str:
        return self._put(Words(sku=sku, name="By hand", quantity=1))

    def end_offer(self, offer: str, by: str = "seller") -> None:
        self.made[offer].state = "ended"

    def sell_offer(self, offer: str, pieces: int = 1) -> None:
        self.made[offer].quantity -= pieces

    def accept_later(self, count: int = 1, seconds: float = 30.0) -> None:
        self._later += [seconds] * count

    def refuse_listings(self, count: int = 1) -> None:
        self._refuse += count

    def _number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    def _put(self, words: Words, number: str | None = None) -> str:
        one = Listing(id=number or self._number(), sku=words.sku or "", name=words.name or "")
        self.made[one.id] = one
        self._write(one, words)
        return one.id

    def _write(self, one: Listing, words: Words) -> None:
        for name in FIELDS:
            if (value := getattr(words, name)) is not None:
                setattr(one, name, value)

    def _act(self) -> None:
        for job in self.jobs.values():
            if not job.done and job.at <= self.now():
                job.done = True
                if job.error is None and job.offer in self.made:
                    self._write(self.made[job.offer], job.words)
                elif job.error is None:
                    self._put(job.words, job.offer)

    def _listing(self, request: web.Request) -> Listing:
        self._enter(request)
        self._act()
        found = self.made.get(request.match_info["id"])
        if found is None:
            raise refused(web.HTTPNotFound, "no such offer")
        return found

    async def _taken(self, request: web.Request, offer: str | None) -> web.Response:
        """Make an offer or change one, now or later."""
        words = msgspec.json.decode(await request.read(), type=Words)
        error = "the price is not allowed" if self._refuse else None
        self._refuse -= error is not None
        if self._later:
            at, job = self.now() + timedelta(seconds=self._later.pop(0)), f"job-{self._number()}"
            self.jobs[job] = _Job(at, offer or self._number(), words, error)
            return web.json_response({"job": job}, status=202)
        if error is not None:
            return web.json_response({"error": error, "field": "price"}, status=422)
        if offer is None:
            return web.json_response({"id": self._put(words)})
        self._write(self.made[offer], words)
        return web.json_response({"id": offer})

    async def _make(self, request: web.Request) -> web.Response:
        self._enter(request)
        return await self._taken(request, None)

    async def _edit(self, request: web.Request) -> web.Response:
        return await self._taken(request, self._listing(request).id)

    async def _state(self, request: web.Request) -> web.Response:
        one = self._listing(request)
        one.state = msgspec.json.decode(await request.read(), type=str)
        return _json(one)

    async def _show(self, request: web.Request) -> web.Response:
        return _json(self._listing(request))

    async def _search(self, request: web.Request) -> web.Response:
        """All whose mark begins with what was asked for."""
        self._enter(request)
        self._act()
        return _json([one for one in self.made.values() if one.sku.startswith(request.query["sku"])])

    async def _job(self, request: web.Request) -> web.Response:
        self._enter(request)
        self._act()
        job = self.jobs.get(request.match_info["job"])
        if job is None:
            raise refused(web.HTTPNotFound, "no such job")
        field = "price" if job.error is not None else None
        return web.json_response({"offer": job.offer, "done": job.done, "error": job.error, "field": field})

    async def _rules(self, request: web.Request) -> web.Response:
        self._enter(request)
        return web.json_response(["PLN"])


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
