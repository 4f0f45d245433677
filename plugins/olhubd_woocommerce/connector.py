"""WooCommerce as a connector: orders out, and back what a shop knows of them.

Each method makes calls and translates. An order is created by one POST that nothing ever repeats; whatever follows
that POST may fail without the order being forgotten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from olhubd.model import Address, Fulfilment, Money, Payment, PaymentType, Reason
from olhubd.plugin import (
    Account,
    CancelSink,
    Conflict,
    Connector,
    ContractBroken,
    Defaults,
    DeliveryMethodList,
    Found,
    Identity,
    Method,
    NotFound,
    OrderSink,
    Parts,
    PaymentMethodList,
    PaymentSink,
    Permanent,
    PluginError,
    Probe,
    Push,
    Receipt,
    Rejected,
    SellerProfile,
    Status,
    StatusList,
    StatusSink,
    Unavailable,
    Unlinked,
)
from olhubd_woocommerce import mapping, single, wire
from olhubd_woocommerce.catalogue import Products
from olhubd_woocommerce.client import Query, Shop
from olhubd_woocommerce.columns import fitted, shortened
from olhubd_woocommerce.levels import Levels
from olhubd_woocommerce.offer_prices import OfferPrices
from olhubd_woocommerce.offers import Offers
from olhubd_woocommerce.orders import Orders
from olhubd_woocommerce.parcels import Parcels
from olhubd_woocommerce.placing import OrderPlacer, PlacedOrder
from olhubd_woocommerce.search import MetaSearch
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.single import number_of
from olhubd_woocommerce.stock import Stock
from olhubd_woocommerce.taxes import TaxRulesReader

__all__ = ["WooCommerce"]

_PAID = "_olhubd_paid"
_MAILS = {
    False: "none: their addresses stand in the orders' meta (notify_buyer = false)",
    True: "the shop writes to the buyers of forwarded orders (notify_buyer = true)",
}
_GONE = ("woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_order_invalid_id")
"""The shop itself says that it has no such order, and not some page on the way."""
_OVER = frozenset({"cancelled", "refunded", "trash"})


class WooCommerce(
    Connector[WooCommerceSettings],
    OrderSink,
    StatusSink,
    PaymentSink,
    CancelSink,
    StatusList,
    DeliveryMethodList,
    PaymentMethodList,
    Probe,
    SellerProfile,
):
    """One shop."""

    name = "woocommerce"
    title = "WooCommerce"
    Settings = WooCommerceSettings
    defaults = Defaults(
        interval=timedelta(minutes=5),
        sweep_interval=timedelta(hours=1),
        sweep_window=timedelta(days=1),
        fetch_orders=False,
    )
    provides: ClassVar[Parts] = {
        Orders: "orders",
        Stock: "stock",
        Products: "products",
        Offers: "offers",
        Levels: "levels",
        OfferPrices: "prices",
        Parcels: "parcels",
    }
    words_in_settings: ClassVar[Mapping[str, str]] = {"fulfilments": "StatusList", "payments": "PaymentMethodList"}
    secret_keys = frozenset({"consumer_key", "consumer_secret", "oauth_signature", "application_password"})

    numbered = True

    def __init__(self, account: Account[WooCommerceSettings]) -> None:
        super().__init__(account)
        self.settle = self.settings.settle  # the shop's own pace, where the operator knows it
        self._shop = Shop(account)
        self._search = MetaSearch(self._shop, mapping.REFERENCE, account.clock)
        self._taxes = TaxRulesReader(self._shop, account)
        self._placing = OrderPlacer(account, self._shop, self._taxes)
        self.parcels = Parcels(self._shop, self.settings, self.log)
        self.orders = Orders(self._shop, self.settings, self.parcels)
        self.stock = Stock(self._shop, self.settings.overlap, frozenset(self.settings.sold_states))
        self.offers = Offers(self._shop, self.settings.overlap, self._taxes)
        self.levels = Levels(self._shop, self.offers, self.settle)
        self.prices = OfferPrices(account, self._shop, self.offers, self._taxes)
        self.products = Products(account, self._shop, self._taxes)

    # Orders out

    async def push_order(self, push: Push) -> Receipt:
        return self._placed(await self._placing.place(push), push)

    async def compare_order(self, push: Push, found: Receipt) -> Receipt:
        try:
            order = await self._read(found.external_id)
        except NotFound:
            self._search.forget()
            raise Unavailable(Reason("olhubd_woocommerce:vanished", order=found.external_id)) from None
        return self._placed(self._placing.compare(push, order), push)

    def _placed(self, placed: PlacedOrder, push: Push) -> Receipt:
        receipt = self._receipt(placed.order)
        lines = {line.external_id: line for line in push.order.lines}
        unlinked = tuple(
            msgspec.structs.replace(row, sku=row.sku or line.sku, reason=self._placing.reason(line))
            if (line := lines.get(row.line_id)) is not None
            else row
            for row in receipt.unlinked
        )
        return msgspec.structs.replace(receipt, differences=placed.differences, unlinked=unlinked)

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        found = await self._search.find(reference, age)
        if found is None:
            return None
        try:
            return self._receipt(await self._read(str(found)))
        except NotFound:
            # It was deleted since it was last seen in the list.
            self._search.forget()
            raise Unavailable(Reason("olhubd_woocommerce:vanished", order=found)) from None

    async def find_by_number(self, number: str) -> Found | None:
        order = await self._numbered(number)
        if order is None or order.status in wire.NO_ORDERS or order.status == "trash":
            return None
        mark = wire.meta_value(order.meta_data, mapping.REFERENCE)
        return Found(**msgspec.structs.asdict(self._receipt(order)), reference=mark)

    async def _numbered(self, number: str) -> wire.Stored | None:
        """A number is the order's id, unless a plugin of the shop counts otherwise: then its search knows."""
        if number.isascii() and number.isdecimal() and len(number) < 19:
            with contextlib.suppress(NotFound):
                order = await self._read(number)
                if (order.number or str(order.id)) == number:
                    return order
        # The shop searches for parts of words, so the one that is meant may come after any number of others.
        asked: Query = {"search": number, "status": "any"}
        hits = [o for o in await self._shop.all("/wc/v3/orders", wire.Stored, asked) if o.number == number]
        if len(hits) > 1:
            raise Conflict(Reason("olhubd_woocommerce:one-number", n=len(hits), number=number))
        return hits[0] if hits else None

    def _receipt(self, order: wire.Stored) -> Receipt:
        free = (item for item in order.line_items if not item.product_id)
        return Receipt(
            external_id=str(order.id),
            total=_total(order),
            number=order.number or str(order.id),
            status=order.status,
            url=f"{str(self.settings.url).rstrip('/')}/wp-admin/post.php?post={order.id}&action=edit",
            unlinked=tuple(
                Unlinked(
                    line_id=wire.meta_value(item.meta_data, mapping.LINE) or str(item.id),
                    name=item.name,
                    sku=item.sku or None,
                )
                for item in free
            ),
        )

    # What follows an order that is there

    async def _read(self, external_id: str) -> wire.Stored:
        return await single.read(self._shop, number_of(external_id))

    async def _write(self, external_id: str, body: dict[str, Any]) -> wire.Stored:
        """Absolute values after a reading: twice is once. The answer is the order as the shop read it again."""
        return await single.change(self._shop, number_of(external_id), fitted(body))

    async def _move(self, external_id: str, body: dict[str, Any]) -> wire.Stored:
        """Write a status, and see in the answer that it is there. Raises Rejected where the shop did not keep
        it."""
        answer = await self._write(external_id, body)
        wanted = body["status"]
        if answer.status != wanted and not mapping.WAY.due(wanted, answer.status):
            why = Reason("olhubd_woocommerce:status-moved", wanted=wanted, kept=answer.status)
            raise Rejected(why, field="status")
        return answer

    async def set_status(self, external_id: str, status: str) -> None:
        order = await self._read(external_id)
        if order.status == status:
            return
        if status == "cancelled":
            await self._cancel(order, None)
            return
        if order.status in _OVER:
            raise Conflict(Reason("olhubd_woocommerce:is-there", status=order.status))
        if mapping.WAY.due(status, order.status):  # it is further
            return
        await self._move(external_id, {"status": status})

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        own = (word for word, meaning in self.settings.fulfilments.items() if meaning is fulfilment)
        return next(own, None) or mapping.STATUS_FOR.get(fulfilment)

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        order = await self._read(external_id)
        if order.status in _OVER:
            raise Conflict(Reason("olhubd_woocommerce:is-there", status=order.status))
        amount = str(paid)
        noted = wire.meta_value(order.meta_data, _PAID) == amount
        body: dict[str, Any] = {} if noted else {"meta_data": [{"key": _PAID, "value": amount}]}
        if (
            payment.type is not PaymentType.CASH_ON_DELIVERY
            and order.date_paid_gmt is None
            and _covers(paid, order)
        ):
            number = shortened(payment.external_id or "", "transaction_id")
            if number and order.transaction_id != number:
                body["transaction_id"] = number
            # set_paid dates a payment only where the shop still waits for one, and the status does so elsewhere.
            if order.status in ("pending", "failed"):
                body |= {"status": "processing", "set_paid": True}
            elif order.status == "on-hold":
                body["status"] = "processing"
        if not body:
            return
        answer = await (self._move if "status" in body else self._write)(external_id, body)
        if wire.meta_value(answer.meta_data, _PAID) != amount:
            raise Rejected(Reason("olhubd_woocommerce:payment-lost"), field=_PAID)

    async def cancel_order(self, external_id: str, reason: str) -> None:
        try:
            order = await self._read(external_id)
        except NotFound as error:
            if error.code in _GONE:
                why = Reason("olhubd_woocommerce:deleted-there", order=external_id)
                raise NotFound(why, code=error.code) from error
            raise
        await self._cancel(order, reason)

    async def _cancel(self, order: wire.Stored, reason: str | None) -> None:
        if order.status in ("cancelled", "trash"):
            return
        if order.status in ("completed", "refunded"):
            raise Conflict(Reason("olhubd_woocommerce:is-there", status=order.status))
        await self._move(str(order.id), {"status": "cancelled"})
        if reason:
            note = {"note": reason, "customer_note": False}
            try:
                await self._shop.write("POST", f"/wc/v3/orders/{order.id}/notes", msgspec.Raw, note)
            except PluginError as error:
                self.log.warning("note not added", order=order.id, error=str(error))

    # Its words

    @classmethod
    def word(cls, written: str) -> str:
        """The shop's database and pages say wc-processing where its API says processing."""
        return written.removeprefix("wc-")

    async def delivery_methods(self) -> Sequence[Method]:
        """Each way of each zone as `flat_rate:3`, and each kind of way alone."""
        kinds = await self._shop.get("/wc/v3/shipping_methods", list[wire.ShippingKind])
        found = [Method(code=kind.id, name=kind.title or kind.id) for kind in kinds]
        for zone in await self._shop.get("/wc/v3/shipping/zones", list[wire.ShippingZone]):
            ways = await self._shop.get(f"/wc/v3/shipping/zones/{zone.id}/methods", list[wire.ShippingWay])
            found += [
                Method(code=f"{way.method_id}:{way.instance_id}", name=f"{zone.name}: {way.title or way.method_id}")
                for way in ways
            ]
        return found

    async def payment_methods(self) -> Sequence[Method]:
        rows = await self._shop.get("/wc/v3/payment_gateways", list[wire.Gateway])
        return [Method(code=row.id, name=row.title or row.method_title or row.id) for row in rows]

    async def statuses(self) -> Sequence[Status]:
        rows = await self._shop.get("/wc/v3/reports/orders/totals", list[wire.StatusTotal])
        return [Status(code=row.slug, name=row.name) for row in rows if row.slug and row.slug not in wire.NO_ORDERS]

    # Access

    async def probe(self) -> Identity:
        try:
            index = await self._shop.index(wire.Index, {"_fields": "name,home,timezone_string,gmt_offset"})
        except Permanent:
            index = wire.Index()  # hidden from strangers, and a key makes nobody known there
        await self._shop.get("/wc/v3/orders", list[msgspec.Raw], {"per_page": 1, "_fields": "id", "status": "any"})
        book = await self._taxes.book(fresh=True)
        if self.settings.currency not in (None, book.currency):
            self.log.warning("the shop's own currency is another one", shop=book.currency)
        home = index.home or str(self.settings.url).rstrip("/")
        return Identity(
            id=home,
            login=index.name or home,
            details={
                "currency": book.currency,
                "taxes": "on" if book.rules.taxed else "off",
                "decimals": str(book.rules.decimals),
                "time zone": index.timezone_string or _offset(index.gmt_offset),
                "mails to buyers": _MAILS[self.settings.notify_buyer],
            },
        )

    async def seller_address(self) -> Address | None:
        return await self._taxes.store()


def _offset(hours: float | str | None) -> str:
    """The shop's distance from UTC; old releases send it as text."""
    try:
        return "unknown" if hours is None else f"UTC{float(hours):+g}"
    except ValueError:
        return "unknown"


def _total(order: wire.Stored) -> Money:
    try:
        return wire.total(order)
    except ValueError as error:
        raise ContractBroken(str(error), field="$.total") from None


def _covers(paid: Money, order: wire.Stored) -> bool:
    return paid.currency == order.currency and paid.amount >= _total(order).amount
