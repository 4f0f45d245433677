"""The marketplaces and the shop of the week, and how its plan acts on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from olhubd_kit.catalogue import ShelfProduct
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import Simulator
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.offers import OFFER
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_torture.week.ledger import WeekLedger
from olhubd_torture.week.plan import (
    SHOP,
    Act,
    BuyerCame,
    BuyerCancelled,
    CameBack,
    LostAnswers,
    PiecesCame,
    WeekPlan,
    WentDown,
)

__all__ = ["WeekSystems"]


class WeekSystems:
    """`now` is the time of all of them. `divided`: who carries the week offers no piece at two accounts."""

    def __init__(
        self, plan: WeekPlan, products: Sequence[ShelfProduct], now: Callable[[], datetime], divided: bool = False
    ) -> None:
        wares = [msgspec.structs.replace(one, quantity=plan.stock[one.sku or ""]) for one in products]
        self.now = now
        # Nothing of stock is written to a sandbox.
        self.markets = {
            name: AllegroSimulator(number, now, sandbox=False, wares=wares)
            for number, name in enumerate(plan.markets, start=1)
        }
        self.shop = WooCommerceSimulator(plan.seed, now, secure=True, wares=wares)
        self._numbers = {one.sku or "": str(OFFER + int(one.external_id)) for one in products}
        self._skus = {offer: sku for sku, offer in self._numbers.items()}
        self._rows = {
            str(row["sku"]): row for row in self.shop.catalogue.products.values() if row["sku"] in plan.stock
        }
        self.down: set[str] = set()
        """Places that do not answer."""
        self._orders: dict[int, tuple[str, str, tuple[tuple[str, int], ...]]] = {}
        self._heard = {name: len(market.book.events) for name, market in self.markets.items()}
        self.began = now()
        self.ledger = WeekLedger(plan.stock, self.shown, lambda: (now() - self.began).total_seconds(), divided)

    def open(self) -> None:
        """The week begins now."""
        self.began = self.now()
        self.look()
        self.ledger.look(self._rows)

    @property
    def skus(self) -> Sequence[str]:
        """All that is sold."""
        return [*self._rows]

    def number(self, sku: str) -> str:
        """Its offer, the same at each account."""
        return self._numbers[sku]

    def system(self, place: str) -> Simulator:
        return self.shop if place == SHOP else self.markets[place]

    def stock(self, sku: str) -> int:
        """Pieces that the shop counts."""
        return int(self._rows[sku]["stock_quantity"])

    def shown(self, sku: str) -> Mapping[str, int]:
        """Pieces that buyers can buy, by marketplace account."""
        return {name: self._offered(market, sku) for name, market in self.markets.items()}

    def _offered(self, market: AllegroSimulator, sku: str) -> int:
        row = market.book.offers[self._numbers[sku]]
        return int(row["stock"]["available"]) if row["publication"]["status"] == "ACTIVE" else 0

    def look(self) -> None:
        """Have the ledger look at what was changed since the last time."""
        for name, market in self.markets.items():
            market.book.act()
            news = market.book.events[self._heard[name] :]
            self._heard[name] += len(news)
            self.ledger.look({self._skus[offer] for _, _, _, offer in news})

    def act(self, act: Act) -> None:
        self.look()
        match act:
            case BuyerCame():
                self._buy(act)
            case BuyerCancelled():
                self._cancel(act)
            case PiecesCame():
                self._move(act.sku, act.pieces)
                self.ledger.put(act.sku, act.pieces)
            case WentDown():
                self.system(act.place).faults.add(Fault(kind=FaultKind.ERROR, status=503, times=None))
                self.down.add(act.place)
            case CameBack():
                self.system(act.place).faults.clear(FaultKind.ERROR)
                self.down.discard(act.place)
            case LostAnswers():
                self.system(act.place).faults.add(Fault(kind=FaultKind.LOSE, times=act.count))

    def _buy(self, act: BuyerCame) -> None:
        market = self.markets.get(act.place)
        taken = []
        for sku, pieces in act.wares:
            shown = self.stock(sku) if market is None else self._offered(market, sku)
            if shown < pieces:
                self.ledger.refuse(sku, pieces, shown)
            else:
                taken.append((sku, pieces))
        if not taken:
            return
        if market is None:
            id_ = self.shop.place_order([{"sku": sku, "quantity": pieces} for sku, pieces in taken])
        else:
            id_ = market.ledger.buy(wares=taken, payment="ONLINE")[0]
        self._orders[act.number] = (act.place, id_, tuple(taken))
        self.ledger.result.orders += 1
        for sku, pieces in taken:
            self.ledger.sell(act.place, sku, pieces)
        self.look()

    def _cancel(self, act: BuyerCancelled) -> None:
        found = self._orders.pop(act.number, None)
        if found is None:
            return
        place, id_, taken = found
        if place == SHOP:
            self.shop.cancel(id_)
        else:
            self.markets[place].ledger.cancel(id_)
        for sku, pieces in taken:
            self.ledger.put(sku, pieces)

    def _move(self, sku: str, pieces: int) -> None:
        at = self.now().replace(tzinfo=None, microsecond=0).isoformat()
        self.shop.catalogue.move(self._rows[sku]["id"], pieces, at)
