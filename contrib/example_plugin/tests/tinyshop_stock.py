"""The stock of a Tiny Shop in memory: wares that buyers lower, and orders of quantities under a number each.

It lists wares by their last change. A quantity that is none is sent as it is, rows can come in disorder, and a page
may end early. All of that real shops do.
"""

# ruff: noqa: A002 - the verbs are called by name from outside, and there a ware's id is just `id`.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from olhubd.model import Kind
from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.simulator import BookedItem, BookedOffer, Listed, Verb

KINDS = {"stock": Kind.STOCK, "offers": Kind.OFFER}
"""The feeds that read the shelf, and what each says of a ware."""


class Stored(msgspec.Struct, kw_only=True):
    """A ware in the books. `place` counts the changes of the shelf."""

    id: str
    name: str
    sku: str | None
    left: Any
    place: int
    state: str = "shown"
    counted: bool = True


class Shelf:
    """What one shop has. `enter` lets a request in; `refused` makes the answer to one that cannot be done."""

    def __init__(self, enter: Callable[[web.Request], None], refused: Callable[..., web.HTTPError]) -> None:
        self._enter, self._refused = enter, refused
        self.wares: dict[str, Stored] = {}
        self.orders: dict[str, dict[str, str | None]] = {}
        self.short = 0
        self._last = self._jumble = self._ignore = 0
        self._failing: set[str] = set()
        self._left_out: set[str] = set()
        for product in PRODUCTS:
            ware = self._new(product.name, product.sku, product.quantity)
            ware.counted = product.quantity is not None

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/stock", self._journal),
            web.get("/stock/wares", self._some),
            web.get("/stock/{number}", self._report),
            web.post("/stock/{number}", self._order),
        ]

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        return {feed: [Listed(kind=kind, external_id=ware) for ware in self.wares] for feed, kind in KINDS.items()}

    def stocked(self) -> Sequence[BookedItem]:
        return [
            BookedItem(
                external_id=ware.id,
                free=ware.left if ware.counted and isinstance(ware.left, int) else None,
                counted=ware.counted,
                on_sale=ware.state == "shown",
                sku=ware.sku,
            )
            for ware in self.wares.values()
        ]

    def offered(self) -> Sequence[BookedOffer]:
        found = self.buyable()
        return [BookedOffer(external_id=one.id, buyable=found[one.id], sku=one.sku) for one in self.wares.values()]

    def verbs(self) -> Mapping[str, Verb]:
        own = (self.put, self.take, self.change, self.spoil, self.stock_item, self.set_pieces, self.sell_item)
        own += (self.list_offers, self.buyable, self.set_quantity, self.fail_tasks, self.ignore_commands)
        own += (self.untrack, self.lose_count, self.withdraw_item, self.end_offer, self.set_offer_state)
        own += (self.unmark_offer, self.jumble_rows, self.sell_offer, self.hide_quantity, self.commands)
        own += (self.leave_out,)
        return {verb.__name__: verb for verb in own}

    def put(self, feed: str, count: int = 1) -> None:
        """`count` wares more, five pieces of each."""
        for _ in range(count):
            self.stock_item()

    def take(self, feed: str, kind: str, id: str) -> None:
        """The shop sells the ware no more."""
        del self.wares[self._known(id).id]

    def change(self, feed: str, kind: str, id: str) -> None:
        """The ware has one piece more."""
        self._touch(id, left=(self._known(id).left or 0) + 1)

    def spoil(self, feed: str, kind: str, id: str) -> None:
        """From now on the number of pieces of a ware is a word."""
        self._touch(id, left="some")

    def stock_item(self, pieces: float = 5) -> str:
        """A ware more, so many pieces of it; its id."""
        number = self._last + 1
        return self._new(f"Mug {number}", f"MUG-{number}", pieces).id

    def list_offers(self, count: int = 1, quantity: int = 5) -> list[str]:
        """`count` wares more, `quantity` pieces of each; their ids."""
        return [self.stock_item(quantity) for _ in range(count)]

    def set_pieces(self, id: str, pieces: float) -> None:
        """The seller sets how many there are."""
        self._touch(id, left=pieces)

    def set_quantity(self, offer: str, quantity: int) -> None:
        """The seller sets how many there are."""
        self._touch(offer, left=quantity, state="shown")

    def sell_item(self, id: str, pieces: int = 1) -> None:
        """Buyers buy so many pieces of a ware."""
        self._touch(id, left=self._known(id).left - pieces)

    def sell_offer(self, offer: str, pieces: int = 1) -> None:
        """Buyers buy so many pieces of a ware."""
        self.sell_item(offer, pieces)

    def hide_quantity(self, offer: str) -> None:
        """From now on the shop does not say how many there are."""
        self.lose_count(offer)

    def leave_out(self, offer: str) -> None:
        """From now on lists count the ware, and their pages are without it."""
        self._left_out.add(self._known(offer).id)

    def commands(self) -> list[str]:
        """The numbers of all orders of quantities that have arrived."""
        return [*self.orders]

    def sell(self, sku: str | None, pieces: int) -> None:
        """An order takes pieces of the ware with this SKU, or gives them back where they are below zero."""
        ware = next((one for one in self.wares.values() if sku and one.sku == sku and one.counted), None)
        if ware is not None and isinstance(ware.left, int):
            self.sell_item(ware.id, pieces)

    def untrack(self, id: str) -> None:
        """The shop does not count the ware any more."""
        self._touch(id, counted=False)

    def lose_count(self, id: str) -> None:
        """The shop counts the ware, and does not say how many there are."""
        self._touch(id, left=None)

    def withdraw_item(self, id: str, back: bool = False) -> None:
        """The ware is hidden from buyers, or shown again."""
        self._touch(id, state="shown" if back else "hidden")

    def end_offer(self, offer: str, by: str = "seller") -> None:
        """The ware is hidden from buyers, whoever did it."""
        self._touch(offer, state="hidden")

    def set_offer_state(self, offer: str, state: str) -> None:
        """The ware has a state, even one that is not known."""
        self._touch(offer, state=state)

    def unmark_offer(self, offer: str) -> None:
        """The ware has a SKU no more; the shop sends an empty one."""
        self._touch(offer, sku="")

    def buyable(self) -> dict[str, int]:
        """How many pieces of each ware buyers can buy."""
        return {
            ware.id: max(0, ware.left) if ware.state == "shown" and isinstance(ware.left, int) else 0
            for ware in self.wares.values()
        }

    def fail_tasks(self, offers: Sequence[str]) -> None:
        """From now on nobody can change the quantity of these wares."""
        self._failing.update(offers)

    def ignore_commands(self, count: int = 1) -> None:
        """The next `count` orders of quantities are answered as ever and not kept."""
        self._ignore += count

    def jumble_rows(self, count: int = 1) -> None:
        """The next `count` pages have their rows the other way round."""
        self._jumble += count

    def _known(self, id: str) -> Stored:
        if id not in self.wares:
            raise ValueError(f"there is no ware {id}")
        return self.wares[id]

    def _new(self, name: str, sku: str | None, left: float | None) -> Stored:
        self._last += 1
        ware = Stored(id=f"W{self._last}", name=name, sku=sku, left=left, place=self._last)
        self.wares[ware.id] = ware
        return ware

    def _touch(self, id: str, **fields: Any) -> None:
        ware = self._known(id)
        self._last += 1
        for name, value in {**fields, "place": self._last}.items():
            setattr(ware, name, value)

    def _cut(self, rows: list[Stored], limit: int) -> list[Stored]:
        limit = min(limit, 50)
        if self.short and len(rows) > 1:
            self.short -= 1
            limit = max(1, min(limit, len(rows)) // 2)
        return rows[:limit]

    async def _journal(self, request: web.Request) -> web.Response:
        self._enter(request)
        after = int(request.query["after"])
        rows = sorted((ware for ware in self.wares.values() if ware.place > after), key=lambda ware: ware.place)
        page = self._cut(rows, int(request.query["limit"]))
        position, more = page[-1].place if page else after, len(page) < len(rows)
        if self._jumble:
            self._jumble -= 1
            page = page[::-1]
        return _json({"wares": page, "position": position, "more": more})

    async def _some(self, request: web.Request) -> web.Response:
        self._enter(request)
        named = request.query["ids"].split(",")
        found = [ware for ware in self.wares.values() if ware.id in named]
        page = self._cut(found[int(request.query["offset"]) :], int(request.query["limit"]))
        answer = _json([ware for ware in page if ware.id not in self._left_out])
        answer.headers["X-Total"] = str(len(found))
        return answer

    async def _order(self, request: web.Request) -> web.Response:
        self._enter(request)
        number = request.match_info["number"]
        if number in self.orders:
            raise self._refused(web.HTTPConflict, "the number is used")
        order = msgspec.json.decode(await request.read())
        self.orders[number] = {ware: self._error(ware) for ware in order["wares"]}
        kept = not self._ignore
        self._ignore -= not kept
        for ware, error in self.orders[number].items():
            if kept and error is None:
                self._touch(ware, left=order["value"])
        return _json(self.orders[number])

    async def _report(self, request: web.Request) -> web.Response:
        self._enter(request)
        if request.match_info["number"] not in self.orders:
            raise self._refused(web.HTTPNotFound, "no such order")
        return _json(self.orders[request.match_info["number"]])

    def _error(self, ware: str) -> str | None:
        if ware not in self.wares:
            return "no such ware"
        return "the price is missing" if ware in self._failing else None


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
