"""A Tiny Shop with more to read than orders: its wares, which are products and offers in one list, and an inbox.

Wares are listed by the place of their last change, or page by page by how many went before. Products and offers are
numbered each from 1. The inbox keeps its messages until they are acknowledged, and gives the oldest ones first.
"""

# ruff: noqa: A002 - the verbs are called by name from outside, and there an id is just `id`.

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from olhubd.model import Kind
from olhubd_kit.simulator import Listed, Verb
from tinyshop_simulator import TinyShopSimulator

__all__ = ["Shelves", "Ware"]


class Ware(msgspec.Struct):
    """A row of the list, or what a message of the inbox is about. A torn one is told with a number as its name."""

    id: str
    what: str
    name: str
    place: int
    torn: bool = False

    def shown(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self) | ({"name": self.place} if self.torn else {})


class Shelves(TinyShopSimulator):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows: dict[str, list[Ware]] = {"wares": [], "inbox": []}
        self.unread: list[Ware] = []
        self._placed = 0
        self._made: Counter[tuple[str, str]] = Counter()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            *super().routes(),
            web.get("/wares", self._wares),
            web.get("/wares/place", self._place),
            web.get("/inbox", self._inbox),
            web.put("/inbox/read", self._read),
        ]

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        return {
            feed: [Listed(kind=Kind(ware.what), external_id=ware.id) for ware in rows]
            for feed, rows in self.rows.items()
        }

    def verbs(self) -> Mapping[str, Verb]:
        return {
            **super().verbs(),
            "put": self.put,
            "take": self.take,
            "change": self.change,
            "spoil": self.spoil,
            "waiting": self.waiting,
        }

    def put(self, feed: str, count: int = 1) -> None:
        """`count` wares more: of the list every other one is an offer, of the inbox each."""
        rows = self.rows[feed]
        for _ in range(count):
            what = "product" if feed == "wares" and len(rows) % 2 else "offer"
            self._made[feed, what] += 1
            number = self._made[feed, what]
            self._tell(feed, Ware(id=str(number), what=what, name=f"Mug {number}", place=0))

    def take(self, feed: str, kind: str, id: str) -> None:
        """A ware is not sold any more."""
        self.rows[feed].remove(self._ware(feed, kind, id))

    def change(self, feed: str, kind: str, id: str) -> None:
        """A ware has another name."""
        ware = self._ware(feed, kind, id)
        ware.name += ", blue"
        self._last_now(feed, ware)

    def spoil(self, feed: str, kind: str, id: str) -> None:
        """From now on the name of a ware is none."""
        ware = self._ware(feed, kind, id)
        ware.torn = True
        self._last_now(feed, ware)

    def waiting(self, feed: str) -> int:
        """How many messages nobody has acknowledged."""
        return len(self.unread) if feed == "inbox" else 0

    def _ware(self, feed: str, kind: str, id: str) -> Ware:
        for ware in self.rows[feed]:
            if (ware.what, ware.id) == (kind, id):
                return ware
        raise ValueError(f"there is no {kind} {id} in {feed}")

    def _last_now(self, feed: str, ware: Ware) -> None:
        self.rows[feed].remove(ware)
        self._tell(feed, ware)

    def _tell(self, feed: str, ware: Ware) -> None:
        self._placed += 1
        ware.place = self._placed
        self.rows[feed].append(ware)
        if feed == "inbox":
            self.unread.append(msgspec.structs.replace(ware))

    async def _place(self, request: web.Request) -> web.Response:
        self._enter(request)
        return web.json_response(self._placed)

    async def _wares(self, request: web.Request) -> web.Response:
        self._enter(request)
        rows = self.rows["wares"]
        if (before := request.query.get("offset")) is not None:
            rows = rows[int(before) :]
        else:
            rows = [ware for ware in rows if ware.place > int(request.query["after"])]
        return self._page(rows, int(request.query["limit"]))

    async def _inbox(self, request: web.Request) -> web.Response:
        self._enter(request)
        return self._page(self.unread, int(request.query["limit"]))

    async def _read(self, request: web.Request) -> web.Response:
        self._enter(request)
        last = int(request.query["last"])
        self.unread = [ware for ware in self.unread if ware.place > last]
        return web.json_response(len(self.unread))

    def _page(self, rows: list[Ware], limit: int) -> web.Response:
        if self._short and len(rows) > 1:
            self._short -= 1
            limit = max(1, min(limit, len(rows)) // 2)
        return web.json_response({"rows": [ware.shown() for ware in rows[:limit]], "more": len(rows) > limit})
