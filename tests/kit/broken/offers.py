"""A Tiny Shop whose offers show quantities, which commands change under a number, row by row, now or later."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there an offer's id is just `id`.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from olhubd_kit.simulator import Verb
from tinyshop_simulator import TinyShopSimulator, refused

__all__ = ["OfferShelf", "Order"]


class Order(msgspec.Struct):
    """What a command asks for: `value` pieces of each of the offers; `add` puts them to what is there."""

    value: int
    offers: list[str]
    add: bool = False


class _Command(msgspec.Struct):
    order: Order
    acts: datetime
    errors: dict[str, str | None] | None = None


class OfferShelf(TinyShopSimulator):
    """An offer at zero is off sale, and keeps in its row what was left in it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stock: dict[str, int] = {}
        self.ended: set[str] = set()
        self.sent: dict[str, _Command] = {}
        self.failing: set[str] = set()
        self.spoilt: set[str] = set()
        self.left_out: set[str] = set()
        self.delay, self.ignored = 0.0, 0

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            *super().routes(),
            web.post("/levels/{number}", self._order),
            web.get("/levels/{number}", self._report),
            web.get("/offers", self._offers),
        ]

    def verbs(self) -> Mapping[str, Verb]:
        return {
            **super().verbs(),
            "list_offers": self.list_offers,
            "buyable": self.buyable,
            "commands": lambda: [*self.sent],
            "set_quantity": self.set_quantity,
            "fail_tasks": self.fail_tasks,
            "delay_commands": self.delay_commands,
            "ignore_commands": self.ignore_commands,
            "spoil": self.spoil,
            "leave_out": self.leave_out,
        }

    def list_offers(self, count: int = 1, quantity: int = 5) -> list[str]:
        new = [f"T{len(self.stock) + number}" for number in range(1, count + 1)]
        self.stock.update(dict.fromkeys(new, quantity))
        return new

    def buyable(self) -> dict[str, int]:
        self._act()
        return {offer: 0 if offer in self.ended else left for offer, left in self.stock.items()}

    def set_quantity(self, offer: str, quantity: int) -> None:
        if not quantity:
            self.ended.add(offer)
            return
        self.ended.discard(offer)
        self.stock[offer] = quantity

    def fail_tasks(self, offers: Sequence[str]) -> None:
        self.failing.update(offers)

    def delay_commands(self, seconds: float) -> None:
        self.delay = seconds

    def ignore_commands(self, count: int = 1) -> None:
        self.ignored += count

    def spoil(self, feed: str, kind: str, id: str) -> None:
        """From now on what is left of an offer is sent as a word."""
        if (feed, kind) != ("offers", "offer") or id not in self.stock:
            raise ValueError(f"there is no {kind} {id} in {feed}")
        self.spoilt.add(id)

    def leave_out(self, offer: str) -> None:
        """From now on an offer is counted and not shown."""
        self.left_out.add(offer)

    def _act(self) -> None:
        for command in self.sent.values():
            if command.errors is None and command.acts <= self.now():
                command.errors = {offer: self._error(offer) for offer in command.order.offers}
                kept = not self.ignored
                self.ignored -= not kept
                for offer, error in command.errors.items():
                    if kept and error is None:
                        before = self.stock[offer] if command.order.add else 0
                        self.set_quantity(offer, before + command.order.value)

    def _left(self, offer: str) -> int | str:
        return "?" if offer in self.spoilt else self.stock[offer]

    def _error(self, offer: str) -> str | None:
        if offer not in self.stock:
            return "no such offer"
        return "the price is missing" if offer in self.failing else None

    async def _order(self, request: web.Request) -> web.Response:
        self._enter(request)
        number = request.match_info["number"]
        if number in self.sent:
            raise refused(web.HTTPConflict, "the number is used")
        order = msgspec.json.decode(await request.read(), type=Order)
        self.sent[number] = _Command(order, self.now() + timedelta(seconds=self.delay))
        return web.json_response(number)

    async def _report(self, request: web.Request) -> web.Response:
        self._enter(request)
        self._act()
        command = self.sent.get(request.match_info["number"])
        if command is None:
            raise refused(web.HTTPNotFound, "no such command")
        if command.errors is None:
            return web.json_response({"done": False, "rows": []})
        after = int(request.query["after"])
        rows = [{"offer": offer, "error": error} for offer, error in command.errors.items()]
        return web.json_response({"done": True, "rows": rows[after : after + 50]})

    async def _offers(self, request: web.Request) -> web.Response:
        self._enter(request)
        self._act()
        wanted = request.query["ids"].split(",")[:50]
        rows = [
            {"id": offer, "left": self._left(offer), "ended": offer in self.ended}
            for offer in wanted
            if offer in self.stock
        ]
        total = len(rows)
        if self._short and total > 1:
            self._short -= 1
            rows = rows[: total // 2]
        shown = [row for row in rows if row["id"] not in self.left_out]
        return web.json_response(shown, headers={"X-Total": str(total)})
