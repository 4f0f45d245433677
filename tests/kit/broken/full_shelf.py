"""A Tiny Shop with more about its wares: variations of an article, a list by number, a short journal, and terms."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there a ware's id is just `id`.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from olhubd.model import EndedBy
from olhubd_kit.simulator import BookedItem, BookedOffer, Verb
from tinyshop_simulator import TinyShopSimulator, refused
from tinyshop_stock import Shelf, Stored

__all__ = ["FullShop"]

KEPT = timedelta(hours=24)
"""For how long the journal knows of a change."""


class Variation(Stored, kw_only=True):
    """One of an article, whose SKU it is told with where it has none of its own."""

    article: str


class FullShelf(Shelf):
    def __init__(self, *args: Any, now: Callable[[], datetime]) -> None:
        self._now = now
        self.changed: dict[str, datetime] = {}
        self.ended: dict[str, tuple[EndedBy, datetime]] = {}
        self.renewing: set[str] = set()
        super().__init__(*args)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/stock/list", self._list),
            web.get("/stock/recent", self._recent),
            web.get("/stock/terms", self._terms),
            *super().routes(),
        ]

    def verbs(self) -> Mapping[str, Verb]:
        return {
            **super().verbs(),
            "stock_variations": self.stock_variations,
            "renew_offers": self.renew_offers,
        }

    def stocked(self) -> Sequence[BookedItem]:
        bare = {one.id for one in self.wares.values() if isinstance(one, Variation) and one.sku == one.article}
        found = super().stocked()
        return [msgspec.structs.replace(one, sku=None) if one.external_id in bare else one for one in found]

    def offered(self) -> Sequence[BookedOffer]:
        ended = {key: by for key, (by, _) in self.ended.items()}
        return [msgspec.structs.replace(one, ended_by=ended.get(one.external_id)) for one in super().offered()]

    def stock_variations(self, count: int = 2, own: bool = True) -> list[str]:
        article, made = f"ART-{self._last}", []
        for number in range(count):
            ware = self._new(f"{article} {number}", f"{article}-{number}" if own else article, 5)
            fields = {name: getattr(ware, name) for name in ware.__struct_fields__}
            self.wares[ware.id] = Variation(**fields, article=article)
            made.append(ware.id)
        return made

    def end_offer(self, offer: str, by: str = "seller") -> None:
        super().end_offer(offer, by)
        self.ended[offer] = (EndedBy(by), self._now())

    def renew_offers(self, offers: Sequence[str], on: bool = True) -> None:
        self.renewing = self.renewing | {*offers} if on else self.renewing - {*offers}

    def _new(self, name: str, sku: str | None, left: float | None) -> Stored:
        ware = super()._new(name, sku, left)
        self.changed[ware.id] = self._now()
        return ware

    def _touch(self, id: str, **fields: Any) -> None:
        super()._touch(id, **fields)
        self.changed[id] = self._now()

    async def _list(self, request: web.Request) -> web.Response:
        """By number: from behind the ware `after`, or page by page by how many went before."""
        self._enter(request)
        rows = sorted(self.wares.values(), key=lambda ware: int(ware.id[1:]))
        if (before := request.query.get("offset")) is not None:
            rows = rows[int(before) :]
        else:
            rows = [ware for ware in rows if int(ware.id[1:]) > int(request.query["after"])]
        page = self._cut(rows, int(request.query["limit"]))
        return _json({"wares": page, "position": 0, "more": len(page) < len(rows)})

    async def _recent(self, request: web.Request) -> web.Response:
        """The journal: the place of now, and what changed behind a place and lately."""
        self._enter(request)
        since, after = self._now() - KEPT, int(request.query["after"])
        found = [ware for ware in self.wares.values() if ware.place > after and self.changed[ware.id] >= since]
        return _json({"wares": found, "position": self._last, "more": False})

    async def _terms(self, request: web.Request) -> web.Response:
        self._enter(request)
        return _json(
            [
                {
                    "id": key,
                    "state": self.wares[key].state,
                    "ended_by": self.ended[key][0] if key in self.ended else None,
                    "ended_at": self.ended[key][1] if key in self.ended else None,
                    "renews": key in self.renewing,
                }
                for key in request.query["ids"].split(",")
                if key in self.wares
            ]
        )


class FullShop(TinyShopSimulator):
    """The shop with such a shelf."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shelf = FullShelf(self._enter, refused, now=self.now)

    def absent(self) -> Mapping[str, str]:
        return {verb: why for verb, why in super().absent().items() if verb != "stock_variations"}


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
