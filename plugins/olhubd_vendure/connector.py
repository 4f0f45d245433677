"""The connector: its parts, and orders out. `shop` asks; `push` does; `orders` reads, `parcel` moves orders on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from olhubd.model import Money
from olhubd.plugin import (
    Account,
    Connector,
    Defaults,
    DeliveryMethodList,
    Found,
    Identity,
    Method,
    OrderSink,
    Parts,
    PaymentMethodList,
    Probe,
    Push,
    Receipt,
    Rejected,
    Status,
    StatusList,
)
from olhubd_vendure import abilities, mapping
from olhubd_vendure.catalogue import products
from olhubd_vendure.levels import Levels
from olhubd_vendure.offers import Offers
from olhubd_vendure.orders import Orders
from olhubd_vendure.parcel import OrderWriter
from olhubd_vendure.prices import Prices
from olhubd_vendure.products import Products
from olhubd_vendure.push import Importer, receipt
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop
from olhubd_vendure.stock import Stock
from olhubd_vendure.variants import Variants

__all__ = ["Vendure"]


class Vendure(Connector[VendureSettings], OrderSink, StatusList, DeliveryMethodList, PaymentMethodList, Probe):
    name = "vendure"
    title = "Vendure"
    Settings = VendureSettings
    # Changes of state are found by the sweep alone, so it runs often and looks back far.
    defaults = Defaults(
        interval=timedelta(minutes=1),
        sweep_interval=timedelta(minutes=15),
        sweep_window=timedelta(days=30),
    )
    provides: ClassVar[Parts] = {
        Orders: "orders",
        Stock: "stock",
        Products: "products",
        Offers: "offers",
        Levels: "levels",
        Prices: "prices",
        OrderWriter: "clerk",
    }
    secret_keys: ClassVar[frozenset[str]] = frozenset(
        {"vendure-auth-token", "vendure-api-key", "vendure-token", "password"}
    )
    idempotent = True
    numbered = True

    def __init__(self, account: Account[VendureSettings]) -> None:
        super().__init__(account)
        self.settle = self.settings.settle  # the shop's own pace, where the operator knows it
        self._shop = Shop(account)
        self._importer = Importer(account, self._shop)
        self.orders = Orders(account.clock, self._shop)
        variants = Variants(account, self._shop)
        self.stock = Stock(account, variants)
        self.products = Products(self._shop, variants)
        self.offers = Offers(account, variants)
        self.levels = Levels(self._shop.api, variants, self.offers, self.settle)
        self.prices = Prices(self._shop.api, variants, self.offers, self.settle)
        self.clerk = OrderWriter(account.settings, self._shop)

    # Orders out.

    async def push_order(self, push: Push) -> Receipt:
        with self._shop.learning():
            return await self._importer.push(push)

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        # The mark is unique, so the age of the order does not matter.
        with self._shop.learning():
            order = await self._shop.find(reference)
        return receipt(order) if order is not None else None

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        with self._shop.learning():
            return await self._importer.compare(push, found)

    async def find_by_number(self, number: str) -> Found | None:
        rows = (await self._shop.rows({"take": 2, "filter": {"code": {"eq": number}}})).rows
        order = next((row.order for row in rows if row.order is not None and row.order.code == number), None)
        if order is None or order.state in mapping.UNPLACED:
            return None
        return Found(
            external_id=order.id,
            number=order.code,
            status=order.state,
            total=Money.of_minor(order.total_with_tax, order.currency_code),
            reference=order.custom("externalId") or None,
        )

    async def withdraw_order(self, reference: str) -> None:
        with self._shop.learning():
            order = await self._shop.find(reference)
            if order is not None:
                await self.clerk.withdraw(order.id)

    # Reference data and access.

    async def statuses(self) -> Sequence[Status]:
        return [Status(code=state, name=_words(state)) for state in await self._shop.states()]

    async def delivery_methods(self) -> Sequence[Method]:
        """By code and by id, since a route may name either."""
        listed = await self._shop.shipping_methods()
        return [Method(code=word, name=one.name or one.code) for one in listed for word in (one.code, one.id)]

    async def payment_methods(self) -> Sequence[Method]:
        return [Method(code=code, name=code) for code in await self._shop.payment_methods()]

    async def probe(self) -> Identity:
        self._shop.forget()
        with self._shop.learning():
            channel = await self._shop.channel()
            lacks = await self._lacks()
        details = {"channel": channel.code, "currency": channel.default_currency_code}
        if lacks:
            details["lacks"] = ", ".join(lacks)
        return Identity(
            id=f"{self.settings.url.host}/{channel.id}", login=self.settings.username or "API key", details=details
        )

    async def _lacks(self) -> list[str]:
        """What is missing for taking orders, in words for the person who sets the shop up."""
        server = await self._shop.server()
        if rights := abilities.lacking_rights(server, self.settings.notify_buyer):
            # Without them the rest cannot even be asked for.
            return [*(f"the right {one}" for one in rights), *abilities.lacking_fields(server)]
        facilities = await self._shop.facilities()
        lacks = [*abilities.lacking_fields(server), *abilities.lacking_facilities(facilities, self.settings)]
        if self.settings.placeholder_sku is None:
            return [*lacks, "placeholder_sku"]
        try:
            _, placeholder = await products(self._shop, ())
        except Rejected as error:
            return [*lacks, f"one product with placeholder_sku ({error})"]
        return lacks if placeholder else [*lacks, f"a product with the SKU {self.settings.placeholder_sku}"]


def _words(state: str) -> str:
    """ArrangingPayment as people read it: Arranging payment."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in state).strip()
    return spaced[:1].upper() + spaced[1:]
