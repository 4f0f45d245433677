"""Two hundred pieces in a real Vendure, sold there and on a marketplace at once, the daemon killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.process import DaemonProcess
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.offers import OFFER
from tests.e2e.shop import STOCK, Shop
from tests.e2e.storefront import Buyer, open_card_payments
from tests.waiting import until

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

SKU = "TAL-27"
NUMBER = str(OFFER + 3)
PIECES = 200
IN_A_HURRY = 150
"""So many are sold as fast as buyers can, over a killed daemon."""


class SoldOut(Exception):
    """The shop's customer got none."""


class Sellout:
    """A marketplace and the shop sell the same pieces; what was sold is counted by the buyers themselves."""

    def __init__(self, market: AllegroSimulator, shop: Shop, daemon: DaemonProcess) -> None:
        self.market, self.shop, self.daemon = market, shop, daemon
        self._before = {order["id"] for order in shop.clerk.orders()}
        _, self._allocated = shop.clerk.stock(SKU)
        self.dice = random.Random(7)
        self.at_market = self.at_shop = 0
        self.since_right = 0
        """Pieces sold since the marketplace last showed no more than there are."""
        self.numbers: list[tuple[int, int | None, int]] = []
        """What was shown, sellable and free, whenever somebody looked."""
        self.refusals: Counter[str] = Counter()
        """Why the shop's customers got none."""

    @property
    def left(self) -> int:
        return PIECES - self.at_market - self.at_shop

    @property
    def shown(self) -> int:
        return self.market.book.available(SKU)[NUMBER]

    async def buy_at_market(self) -> None:
        """A buyer takes up to three of what is shown. It shows too much by no more than was sold since it was last
        right: nothing raises it over what there is."""
        shown = self.shown
        if shown <= self.left:
            self.since_right = 0
        assert shown - max(0, self.left) <= self.since_right, "it shows pieces that there never were"
        pieces = min(self.dice.randint(1, 3), shown)
        if pieces:
            self.market.ledger.buy(sku=SKU, quantity=pieces, lines=1)
            self.at_market += pieces
            self.since_right += pieces

    async def buy_at_shop(self) -> None:
        pieces = self.dice.randint(1, 3)
        try:
            await asyncio.to_thread(self._visit, pieces)
        except SoldOut as refused:
            self.refusals[str(refused.__cause__)[:200]] += 1
        else:
            self.at_shop += pieces
            self.since_right += pieces

    def _visit(self, pieces: int) -> None:
        buyer = Buyer(self.shop)
        try:
            buyer.fill(SKU, "own@shop.example", pieces)
            assert buyer.pay() == "PaymentAuthorized"
        except AssertionError as refused:
            raise SoldOut from refused

    @contextlib.asynccontextmanager
    async def one_who_pays_late(self, pieces: int = 3) -> AsyncIterator[None]:
        """A customer of the shop who goes to pay while there are some, and pays when they are gone."""
        buyer = Buyer(self.shop)
        await asyncio.to_thread(buyer.fill, SKU, "late@shop.example", pieces)
        yield
        assert await asyncio.to_thread(buyer.pay) == "PaymentAuthorized"
        self.at_shop += pieces
        self.since_right += pieces

    async def sell(self, enough: Callable[[], Awaitable[bool]]) -> None:
        """Buyers come to both at once until it is enough."""

        async def come(buy: Callable[[], Awaitable[None]], pause: float) -> None:
            while not await enough():
                await buy()
                await asyncio.sleep(pause)

        async with asyncio.TaskGroup() as group:
            group.create_task(come(self.buy_at_market, 0.2))
            group.create_task(come(self.buy_at_shop, 0.0))

    async def free(self) -> int:
        """What the shop itself has left, by its own books."""
        on_hand, allocated = await asyncio.to_thread(self.shop.clerk.stock, SKU)
        return on_hand - allocated

    async def explained(self) -> dict[str, Any]:
        """How the hub explains what may be sold; nothing where it knows of nothing yet."""
        rows: list[dict[str, Any]] = (await self.daemon.get(f"/api/v1/stock?sku={SKU}"))["items"]
        return rows[0] if rows else {"sellable": None, "terms": ()}

    async def shows(self, pieces: int) -> None:
        """Wait until the marketplace shows so many, and the hub says so, and the shop has as many; for as long
        as one of these numbers still moves."""

        async def there() -> bool:
            self.numbers.append((self.shown, (await self.explained())["sellable"], await self.free()))
            return self.numbers[-1] == (pieces,) * 3

        await until(there, lambda: len(set(self.numbers)), stands=self.stands, pause=0.1)

    async def booked(self) -> Counter[tuple[str, str]]:
        """The pieces in the shop's orders, by the order and its mark, which the shop's own have none of."""
        found: Counter[tuple[str, str]] = Counter()
        for order in await asyncio.to_thread(self.shop.clerk.orders):
            if order["id"] not in self._before and order["orderPlacedAt"]:
                for line in order["lines"]:
                    if line["productVariant"]["sku"] == SKU:
                        found[order["id"], order["customFields"]["externalId"] or ""] += line["quantity"]
        return found

    async def never_there(self) -> int:
        """How many pieces the shop's own customers paid for that nobody had any more.

        Vendure looks when a customer goes to pay, and with the payment puts aside what is left by then, however
        many were bought: the rest is in none of its numbers. Of the marketplace's orders all must be put aside.
        """
        booked = await self.booked()
        aside = await asyncio.to_thread(self.shop.clerk.allocated, SKU)
        lacks = {(id_, mark): pieces - aside[id_] for (id_, mark), pieces in booked.items() if pieces != aside[id_]}
        assert not {mark: pieces for (_, mark), pieces in lacks.items() if mark}
        return sum(lacks.values())

    async def stands(self) -> str:
        """What all of them say, for who waited for something else."""
        held = (await self.daemon.get("/api/v1/deliveries?limit=100"))["items"]
        on_hand, allocated = await asyncio.to_thread(self.shop.clerk.stock, SKU)
        return "\n".join(
            (
                (
                    f"sold {self.at_market} at the market, {self.at_shop} at the shop, left {self.left};"
                    f" {self.since_right} since the market was right, which shows {self.shown}"
                ),
                (
                    f"the shop: {on_hand} on hand, {allocated} allocated ({self._allocated} before);"
                    f" for its orders {dict(await asyncio.to_thread(self.shop.clerk.allocated, SKU))},"
                    f" in which are {dict(await self.booked())}"
                ),
                f"turned away from the shop: {dict(self.refusals)}",
                f"the hub: {await self.explained()}",
                *(f"{d['action']} {d['state']}: {d['reason']}" for d in held if d["state"] != "confirmed"),
                f"shown, sellable, free: {self.numbers[-5:]}",
            )
        )


@contextlib.asynccontextmanager
async def sellout(folder: Path, shop: Shop) -> AsyncIterator[Sellout]:
    market = AllegroSimulator(41, sandbox=False)
    _, allocated = shop.clerk.stock(SKU)
    shop.clerk.set_stock(SKU, allocated + PIECES)
    open_card_payments(shop.clerk)
    try:
        async with serve(market) as base:
            accounts = {
                "market": {"connector": "allegro", **market.settings(base), "interval": "300 ms"},
                "shop": {
                    "connector": "vendure",
                    **shop.settings(),
                    "interval": "500 ms",
                    "sweep_interval": "2 s",
                    "stock_interval": "500 ms",
                },
            }
            route = {"from": ["market"], "to": "shop"}
            path = write_configuration(folder, accounts, [route], {"backoff_first": "200 ms"}, "off")
            rule = folder / "conf.d" / "stock.toml"
            rule.parent.mkdir()
            rule.write_text(f'[[stock]]\nmaster = "shop"\nchannels = ["market"]\nmost_shown = {PIECES}\n')
            daemon = DaemonProcess(path, folder / "olhubd.sock", folder / "olhubd.log")
            async with daemon:
                _, grant = await daemon.call("POST", "/api/v1/accounts/market/sign-in", {})
                market.consent(grant["user_code"])
                yield Sellout(market, shop, daemon)
    finally:
        shop.clerk.set_stock(SKU, STOCK)


async def test_two_hundred_pieces_are_sold_in_two_places(vendure: Shop, tmp_path: Path) -> None:
    """Each piece is off the other's number; what the shop has in the end is what was bought, piece by piece."""
    async with sellout(tmp_path, vendure) as sold:
        await sold.shows(PIECES)

        async def a_third() -> bool:
            return sold.left <= PIECES - IN_A_HURRY // 3

        async def enough() -> bool:
            return sold.left <= PIECES - IN_A_HURRY

        async def kill() -> None:
            await until(a_third, lambda: sold.at_market + sold.at_shop, pause=0.1)
            await sold.daemon.kill()
            await sold.daemon.start()

        killer = asyncio.create_task(kill())
        await sold.sell(enough)
        await killer
        assert sold.daemon.kills == 1
        assert sold.at_market > 0
        assert sold.at_shop > 0
        assert sold.left > 0
        await sold.shows(sold.left)

        async def gone() -> bool:
            return sold.left <= 0 and sold.shown == 0

        async with sold.one_who_pays_late():
            await sold.sell(gone)
        # What was sold while news was under way is known by its number, and waits for a person.
        oversold = -sold.left
        never_there = await sold.never_there()

        async def known() -> bool:
            owed = (await sold.daemon.get("/api/v1/status"))["owed"]
            terms = (await sold.explained())["terms"]
            known = -sum(int(term["pieces"]) for term in terms)
            return bool(terms) and set(owed) <= {"hold"} and known == oversold - never_there

        await until(known, stands=sold.stands, pause=0.1)
        held = (await sold.daemon.get("/api/v1/status"))["owed"].get("hold", 0)
        assert bool(held) == (oversold > never_there), await sold.stands()
        assert await sold.never_there() == never_there
        assert oversold <= sold.since_right
    assert "Traceback" not in (tmp_path / "olhubd.log").read_text()
