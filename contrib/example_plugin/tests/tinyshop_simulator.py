"""A Tiny Shop in memory: keeps orders, lists them by position, adds up, refuses what a shop refuses.

Its journal can forget an order (`drop_events`), repeat itself and change places, its list of orders cannot; its
search finds parts of words; it takes the same order twice when asked twice, and adds each payment to the last. All
of that real shops do.
"""

# ruff: noqa: A002 - the verbs are called by name from outside, and there an order's id is just `id`.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from olhubd.model import Address, Buyer, Money
from olhubd_kit.catalogue import PRODUCTS
from olhubd_kit.simulator import (
    BookedItem,
    BookedLine,
    BookedOffer,
    BookedOrder,
    BookedParcel,
    Listed,
    Simulator,
    Verb,
)
from olhubd_tinyshop.mapping import Basket, Item, Sold
from tinyshop_stock import Shelf

KEY = "tiny-key-4c1d9f"
OFF = ("cancelled", "refunded", "merged")
"""The states of an order that needs no pieces."""


class Parcel(msgspec.Struct):
    """A parcel of some lines, by their ids; without any it is the whole order's."""

    number: str
    carrier: str = ""
    lines: list[str] = []


class Kept(Sold, kw_only=True):
    """An order in the books. `position` counts the changes of the shop."""

    position: int
    changed: datetime
    parcels: list[Parcel] = msgspec.field(default_factory=list)
    torn: bool = False
    bent: bool = False


class TinyShopSimulator(Simulator):
    connector = "tinyshop"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.orders: dict[str, Kept] = {}
        self.skus = {product.sku for product in PRODUCTS}
        self.journal: dict[int, str] = {}
        """By position the order that changed; it gives the order as it is now."""
        self._last = 0
        self._forget = 0
        self._short = 0
        self._lose = 0
        self._ignore = 0
        self.shelf = Shelf(self._enter, refused)
        self.place: dict[str, str] | None = {
            "street": "Cicha 2",
            "postcode": "30-001",
            "city": "Kraków",
            "country": "PL",
        }
        self.mailed: list[str] = []
        """The addresses that the shop has written to."""

    def settings(self, base: str) -> dict[str, Any]:
        return {"url": base, "api_key": KEY}

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/position", self._position),
            web.get("/journal", self._list),
            web.get("/orders", self._list),
            web.post("/orders", self._create),
            web.get("/orders/{id}", self._one),
            web.post("/orders/{id}/{what:state|payment|parcel}", self._change),
            web.get("/search", self._search),
            web.get("/skus", self._skus),
            web.get("/place", self._place),
            *self.shelf.routes(),
        ]

    def books(self) -> list[BookedOrder]:
        return [
            BookedOrder(
                external_id=order.id,
                total=order.money(order.total),
                status=order.state,
                due=order.state == "ready" and order.reference is None,
                cancelled=order.state in ("cancelled", "refunded"),
                paid=order.paid == order.total,
                reference=order.reference,
                placed_at=order.created,
                shipments=[parcel.number for parcel in order.parcels],
                draft=order.state == "draft",
                lines=[BookedLine(id=i.id, quantity=i.quantity, sku=i.sku, mark=i.mark) for i in order.lines],
                recipient=order.address,
                buyer=order.buyer.external_id,
                parcels=[
                    BookedParcel(
                        waybill=parcel.number,
                        carrier=parcel.carrier,
                        lines=parcel.lines or [line.id for line in order.lines],
                    )
                    for parcel in order.parcels
                ],
            )
            for order in self.orders.values()
        ]

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        return self.shelf.listed()

    def stocked(self) -> Sequence[BookedItem]:
        return self.shelf.stocked()

    def offered(self) -> Sequence[BookedOffer]:
        return self.shelf.offered()

    def refusal(self, status: int) -> web.Response:
        return _json({"error": "refused"}, status)

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "buy": self.buy,
            "cancel": self.cancel,
            "set_status": self.set_status,
            "ship": self.ship,
            "refund": self.refund,
            "corrupt": self.corrupt,
            "drop_events": self.drop_events,
            "duplicate_events": self.duplicate_events,
            "reorder_events": self.reorder_events,
            "short_pages": self.short_pages,
            "lose_lines": self.lose_lines,
            "move_seller": self.move_seller,
            "ignore_changes": self.ignore_changes,
            "decorate": self.decorate,
            "mails": self.mails,
            "merge": self.merge,
            **self.shelf.verbs(),
        }

    def absent(self) -> Mapping[str, str]:
        return {
            "expire_tokens": "a key of a Tiny Shop has no end",
            "stock_variations": "a Tiny Shop has no variations",
            "delay_commands": "a Tiny Shop does at once what it is told",
        }

    def buy(self, count: int = 1, paid: bool = True, cod: bool = False) -> list[str]:
        """`count` finished purchases at this very moment."""
        return [self._keep(self._basket(paid, cod)).id for _ in range(count)]

    def cancel(self, id: str) -> None:
        """The order is cancelled in the shop."""
        self.set_status(id, "cancelled")

    def ship(self, id: str) -> None:
        """The order is sent."""
        self.set_status(id, "sent")

    def refund(self, id: str) -> None:
        """The shop gives the whole sum back."""
        self.set_status(id, "refunded")

    def set_status(self, id: str, status: str) -> None:
        """The order has a status, even one that is not known."""
        self._move(self._known(id), status)

    def corrupt(self, id: str) -> None:
        """From now on the shop sends a malformed amount of this order."""
        order = self._known(id)
        order.torn = True
        self._touch(order)

    def _known(self, id: str) -> Kept:
        if id not in self.orders:
            raise ValueError(f"there is no order {id}")
        return self.orders[id]

    def mails(self) -> list[str]:
        """The addresses to which the shop has written so far."""
        return list(self.mailed)

    def drop_events(self, count: int = 1) -> None:
        """The journal will leave out the next `count` changes."""
        self._forget += count

    def duplicate_events(self, count: int = 1) -> None:
        """The journal sends the last `count` changes once more."""
        for order_id in list(self.journal.values())[-count:]:
            self._last += 1
            self.journal[self._last] = order_id

    def reorder_events(self, window: int = 10) -> None:
        """The last `window` changes are in the journal the other way round."""
        places = list(self.journal)[-window:]
        self.journal |= dict(zip(places, [self.journal[place] for place in reversed(places)], strict=True))

    def short_pages(self, count: int = 1) -> None:
        """The next `count` pages hold half of what they could."""
        self._short += count
        self.shelf.short += count

    def lose_lines(self, count: int = 1) -> None:
        """The next `count` orders that are made keep their sum and lose their last line."""
        self._lose += count

    def ignore_changes(self, count: int = 1) -> None:
        """The next `count` changes of an order are answered as ever and not kept."""
        self._ignore += count

    def decorate(self, id: str) -> None:
        """From now on the shop sends the note of this order as a list."""
        order = self._known(id)
        order.bent = True
        self._touch(order)

    def merge(self, ids: Sequence[str]) -> str:
        """The buyer of the first puts these purchases together; the lines keep their ids."""
        old = [self._known(one) for one in ids]
        if len(old) < 2:
            raise ValueError("two orders or more can be put together")
        if any(order.paid or order.state != "ready" for order in old):
            raise ValueError("only what is not paid yet can be put together")
        basket = msgspec.convert(old[0], Basket, from_attributes=True)
        basket.lines = [line for order in old for line in order.lines]
        for order in old:
            self._move(order, "merged")
        return self._keep(basket).id

    def _basket(self, paid: bool, cod: bool) -> Basket:
        n = len(self.orders) + 1
        lines = [self._item(f"L{n}", n, n % 3 + 1)] + [self._item(f"L{n}b", n + 1, 1)] * (n % 2)
        cost = Decimal("14.99")
        home = Address(first_name="Ada", last_name=f"Wierzbicka{n}", street=f"Klonowa {n}", city="Gdynia")
        return Basket(
            currency="PLN",
            payment="cod" if cod else "card",
            paid=sum((i.price * i.quantity for i in lines), cost) if paid and not cod else Decimal(0),
            buyer=Buyer(external_id=f"B{n}", email=f"ada.wierzbicka{n}@mail.example", phone=f"+4860000{n:04d}"),
            lines=lines,
            delivery="courier",
            delivery_cost=cost,
            discount=Decimal(0),
            address=msgspec.structs.replace(home, postcode="81-001", country="PL"),
            invoice=None,
            point=None,
            note=None,
            reference=None,
        )

    def _item(self, id: str, number: int, quantity: int) -> Item:
        product = PRODUCTS[number % len(PRODUCTS)]
        price = product.price or Money(Decimal("1.00"), "PLN")
        return Item(id=id, name=product.name, quantity=quantity, price=price.amount, sku=product.sku)

    def _keep(self, basket: Basket, state: str = "ready") -> Kept:
        goods = sum((line.price * line.quantity for line in basket.lines), Decimal(0))
        order = Kept(
            **{name: getattr(basket, name) for name in Basket.__struct_fields__},
            id=f"T{len(self.orders) + 1}",
            state=state,
            created=self.now(),
            total=goods + basket.delivery_cost - basket.discount,
            position=0,
            changed=self.now(),
        )
        self.orders[order.id] = order
        self._take(order)
        self._touch(order)
        return order

    def _move(self, order: Kept, state: str) -> None:
        if state in OFF and order.state not in OFF:
            self._take(order, back=True)
        order.state = state
        self._touch(order)

    def _take(self, order: Kept, back: bool = False) -> None:
        """The pieces of an order are off the shelf from when it is made, until it is off itself."""
        for line in order.lines:
            self.shelf.sell(line.sku, -line.quantity if back else line.quantity)

    def _touch(self, order: Kept) -> None:
        self._last += 1
        self.journal = {place: told for place, told in self.journal.items() if told != order.id}
        if not self._forget:
            self.journal[self._last] = order.id
        order.position, order.changed = self._last, self.now()
        self._forget = max(0, self._forget - 1)

    def _enter(self, request: web.Request) -> None:
        if request.headers.get("X-Api-Key") != KEY:
            raise refused(web.HTTPUnauthorized, "wrong key")

    async def _position(self, request: web.Request) -> web.Response:
        self._enter(request)
        at = request.query.get("at")
        if at is None:
            return _json(self._last)
        before = (o.position for o in self.orders.values() if o.changed < datetime.fromisoformat(at))
        return _json(max(before, default=0))

    async def _list(self, request: web.Request) -> web.Response:
        self._enter(request)
        after, limit = int(request.query["after"]), min(int(request.query["limit"]), 50)
        since = request.query.get("since")
        places = self.journal
        if since is not None:
            moment = datetime.fromisoformat(since)
            places = {order.position: order.id for order in self.orders.values() if order.changed >= moment}
        told = [place for place in sorted(places) if place > after and self.orders[places[place]].state != "draft"]
        if self._short and len(told) > 1:
            self._short -= 1
            limit = max(1, min(limit, len(told)) // 2)
        end = told[:limit][-1] if told else after
        page = [_plain(self.orders[places[place]]) for place in told[:limit]]
        return _json({"orders": page, "position": end, "more": len(told) > limit})

    async def _one(self, request: web.Request) -> web.Response:
        return _json(_plain(self._found(request)))

    async def _create(self, request: web.Request) -> web.Response:
        self._enter(request)
        basket = msgspec.json.decode(await request.read(), type=Basket)
        if any(line.sku is not None and line.sku not in self.skus for line in basket.lines):
            raise refused(web.HTTPUnprocessableEntity, "unknown SKU")
        for number, line in enumerate(basket.lines, start=1):
            line.id = f"N{len(self.orders) + 1}-{number}"
        order = self._keep(basket, request.query.get("state", "ready"))
        if basket.notify and basket.buyer.email:
            self.mailed.append(basket.buyer.email)
        if self._lose:
            self._lose -= 1
            order.lines.pop()
        return _json(_plain(order), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        order = self._found(request)
        value = msgspec.json.decode(await request.read())
        if self._ignore:
            self._ignore -= 1
            return _json(_plain(order))
        match request.match_info["what"]:
            case "state":
                if order.state in ("cancelled", "sent") or value not in ("open", "ready", "packed", "cancelled"):
                    raise refused(web.HTTPConflict, "not from this state")
                if value in OFF:
                    self._take(order, back=True)
                order.state = value
            case "payment":
                order.paid += Decimal(value)
            case _:
                order.parcels.append(msgspec.convert(value, Parcel))
        self._touch(order)
        return _json(_plain(order))

    async def _search(self, request: web.Request) -> web.Response:
        self._enter(request)
        text = request.query["text"].lower()
        hits = [_plain(o) for o in self.orders.values() if text in (o.reference or "").lower()]
        offset, limit = int(request.query.get("offset", 0)), min(int(request.query.get("limit", 50)), 50)
        page = hits[offset : offset + limit]
        if self._short and len(page) > 1:
            self._short -= 1
            page = page[: len(page) // 2]
        answer = _json(page)
        answer.headers["X-Total"] = str(len(hits))
        return answer

    async def _skus(self, request: web.Request) -> web.Response:
        self._enter(request)
        return _json(sorted(sku for sku in self.skus if sku))

    async def _place(self, request: web.Request) -> web.Response:
        self._enter(request)
        return _json(self.place)

    def move_seller(self, street: str = "", postcode: str = "", city: str = "", country: str = "PL") -> None:
        """The shop moves; without a city nobody has written down where to."""
        place = {"street": street, "postcode": postcode, "city": city, "country": country}
        self.place = place if city else None

    def _found(self, request: web.Request) -> Kept:
        self._enter(request)
        order = self.orders.get(request.match_info["id"])
        if order is None:
            raise refused(web.HTTPNotFound, "no such order")
        return order


def refused(kind: type[web.HTTPError], why: str) -> web.HTTPError:
    return kind(text=msgspec.json.encode({"error": why}).decode(), content_type="application/json")


def _plain(order: Kept) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(order)
    del shown["torn"], shown["bent"]
    if order.bent:
        shown["note"] = [shown["note"]]
    if order.torn:
        shown["total"] = "a lot"
    return shown


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
