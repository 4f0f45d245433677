"""A house whose shop's stock is sold on its market, which is in no sandbox."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec

from olhubd import config
from olhubd.decide.stock.brake import Brake
from olhubd_kit.simulators.allegro import AllegroSimulator
from tests.control.house import House

__all__ = ["KNOWN", "UNKNOWN", "Shelf"]

KNOWN = "TAL-27"
"""A mark that one product of the shop bears, and one offer of the market."""
UNKNOWN = "NOBODY-1"
"""One that no product bears."""


class Shelf(House):
    """`odd` is an offer of which nothing is known, `twin` one whose mark two products bear."""

    stock_rule = 'master = "shop"\nchannels = ["market"]\n'

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.market = AllegroSimulator(1, sandbox=False)
        self.market.signin.consent = False
        self.shop_keys = {"fetch_orders": True, "interval": "200 ms"}
        self.shop.add_product("TWIN", {"name": "Bluza S"})
        self.twins = [str(self.shop.add_product("TWIN", {"name": "Bluza M"}))]
        self.odd = self.market.book.list_offer(UNKNOWN, 3)
        self.twin = self.market.book.list_offer("TWIN", 2)

    def configuration(self) -> config.Configuration:
        folder = self.folder / "conf.d"
        folder.mkdir(exist_ok=True)
        (folder / "stock.toml").write_text(f"[[stock]]\n{self.stock_rule}", encoding="utf-8")
        return super().configuration()

    def sell_out(self, sku: str) -> None:
        """Somebody takes all of it off the shelf."""
        row = self.shop.catalogue.by_sku(sku)
        assert row is not None
        at = self.shop.now().replace(tzinfo=None, microsecond=0).isoformat()
        assert self.shop.catalogue.move(row["id"], -row["stock_quantity"], at)

    async def empty(self) -> int:
        """Its stock master says zero of what is on the shelf, one such number being enough to be stopped: gives the
        plan that waits."""
        (rule,) = self.hub.configuration.stock
        rules = (msgspec.structs.replace(rule, brake=Brake(share=1, least=1)),)
        self.hub.in_force.configuration = dataclasses.replace(self.hub.configuration, stock=rules)
        self.sell_out(KNOWN)
        found: list[int] = []

        async def stopped() -> bool:
            found[:] = [row["id"] for row in (await self.get("/stock-plans", open="true"))["items"]]
            return bool(found)

        await self.until(stopped)
        return found[0]

    async def oversell(self) -> Any:
        """The last pieces are sold in the shop, and one of them a moment later on the market: gives the record."""
        self.sell_out(KNOWN)
        self.market.ledger.buy(wares=[(KNOWN, 1)], payment="ONLINE")
        found: list[Any] = []

        async def written() -> bool:
            found[:] = (await self.get("/oversold"))["items"]
            return bool(found)

        await self.until(written)
        return found[0]

    async def offer(self, sku: str) -> Any:
        """The offer that bears this mark, as the endpoint tells it."""
        (found,) = (await self.get("/offers", sku=sku))["items"]
        return found

    async def linked(self) -> bool:
        """Whether both sides were read, what is known of each offer, and what it must show."""
        rows = {row["sku"]: row for row in (await self.get("/offers"))["items"]}
        if KNOWN not in rows or "TWIN" not in rows:
            return False
        return rows[KNOWN]["wanted"] is not None and rows["TWIN"]["linking"] == "conflict"
