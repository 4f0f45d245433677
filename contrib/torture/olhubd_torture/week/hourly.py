"""The week as it goes with a program that copies once an hour, as hosted services do at best by default.

Each hour it takes new orders into the shop, takes back those that were cancelled, and sets each offer to what the
shop counts. It makes no mistake, it is just late; so what it oversells is the price of the hour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from olhubd_kit.catalogue import ShelfProduct
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.ledger import CheckoutForm
from olhubd_kit.virtual_clock import EPOCH
from olhubd_torture.week.ledger import WeekResult
from olhubd_torture.week.plan import SHOP, WeekPlan
from olhubd_torture.week.systems import WeekSystems

__all__ = ["carry"]

EVERY = 3600.0
_PAGE = 100
"""Rows that one call reads or sets."""


def carry(plan: WeekPlan, products: Sequence[ShelfProduct]) -> WeekResult:
    """Play the week."""
    time = _Time()
    systems = WeekSystems(plan, products, time.now)
    copier = _Copier(systems)
    copier.copy()
    systems.open()
    rounds = [(EVERY * number, None) for number in range(1, int(plan.seconds / EVERY))]
    for at, act in sorted([*rounds, *((act.at, act) for act in plan.acts)], key=lambda one: one[0]):
        time.seconds = at
        if act is None:
            copier.copy()
        else:
            systems.act(act)
    time.seconds = plan.seconds
    systems.look()
    result = systems.ledger.close()
    result.calls = copier.calls
    return result


class _Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)


class _Copier:
    def __init__(self, systems: WeekSystems) -> None:
        self.calls = 0
        self._systems = systems
        self._copies: dict[str, str] = {}
        """By purchase its order in the shop."""

    def copy(self) -> None:
        """One round. What does not answer waits for the next."""
        systems = self._systems
        if SHOP in systems.down:
            return
        up = {name: market for name, market in systems.markets.items() if name not in systems.down}
        for market in up.values():
            self.calls += 1
            for purchase in market.ledger.live():
                self._take(purchase)
        self.calls += math.ceil(len(systems.skus) / _PAGE)
        for name, market in up.items():
            self._set(name, market)
        systems.look()

    def _take(self, purchase: CheckoutForm) -> None:
        cancelled = purchase.status == "CANCELLED"
        copy = self._copies.get(purchase.id)
        if copy is None:
            self.calls += 1
            lines = purchase.form["lineItems"]
            wares = [{"sku": one["offer"]["external"]["id"], "quantity": one["quantity"]} for one in lines]
            self._copies[purchase.id] = "" if cancelled else self._systems.shop.place_order(wares)
        elif copy and cancelled:
            self.calls += 1
            self._systems.shop.cancel(copy)
            self._copies[purchase.id] = ""

    def _set(self, name: str, market: AllegroSimulator) -> None:
        systems = self._systems
        changed = {
            sku: right for sku in systems.skus if systems.shown(sku)[name] != (right := max(0, systems.stock(sku)))
        }
        self.calls += math.ceil(len(changed) / _PAGE)
        for sku, right in changed.items():
            market.book.set_quantity(systems.number(sku), right)
