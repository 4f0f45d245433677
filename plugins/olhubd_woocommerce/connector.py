"""WooCommerce as a connector: orders out, and back whatever a shop can tell of them.

Each method makes calls and translates. An order is created by one POST that nothing ever repeats; whatever follows
that POST may fail without the order being forgotten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from olhubd.model import Fulfilment, Money, Payment, PaymentType, Shipment
from olhubd.plugin import (
    Account,
    CancelSink,
    Conflict,
    Connector,
    ContractBroken,
    Cursor,
    Defaults,
    Found,
    Gone,
    Identity,
    NotFound,
    OrderCount,
    OrderFeed,
    OrderLookup,
    OrderSink,
    OutcomeUnknown,
    Page,
    PaymentSink,
    Permanent,
    PluginError,
    Probe,
    Push,
    Receipt,
    Record,
    Rejected,
    ShipmentSink,
    Status,
    StatusList,
    StatusSink,
    Temporary,
    Unavailable,
    Unlinked,
    Unreadable,
    decode,
)
from olhubd_woocommerce import amend, mapping, wire
from olhubd_woocommerce.client import NEEDS_PRODUCT, PAGE, Query, Shop
from olhubd_woocommerce.customers import Customers
from olhubd_woocommerce.draft import (
    Draft,
    addresses,
    head,
    initial_status,
    payment_method,
    sketch,
)
from olhubd_woocommerce.feed import Mark, OrderList, Slice, gmt
from olhubd_woocommerce.parcels import Parcels
from olhubd_woocommerce.products import Shelf
from olhubd_woocommerce.search import Search
from olhubd_woocommerce.settings import Customers as CustomerMode
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.taxes import TaxOffice

__all__ = ["WooCommerce"]

_PAID = "_olhubd_paid"
_NO_ORDERS = frozenset({"auto-draft", "checkout-draft", "draft"})
"""Half-filled forms that a shop keeps among its orders."""
_OVER = frozenset({"cancelled", "refunded", "trash"})
_FREE_SKU = "olhubd-free-line"
"""Names no product, for shops that want a line to name one."""


class WooCommerce(
    Connector[WooCommerceSettings],
    OrderFeed,
    OrderCount,
    OrderLookup,
    OrderSink,
    StatusSink,
    PaymentSink,
    ShipmentSink,
    CancelSink,
    StatusList,
    Probe,
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
    simulator = "olhubd_woocommerce.simulator:WooCommerceSimulator"
    secret_keys = frozenset({"consumer_key", "consumer_secret", "oauth_signature", "application_password"})

    numbered = True

    def __init__(self, account: Account[WooCommerceSettings]) -> None:
        super().__init__(account)
        self.settle = self.settings.settle  # type: ignore[misc]  # the shop's own pace, where the operator knows it
        self._shop = Shop(account)
        self._orders = OrderList(self._shop, self.settings.overlap)
        self._search = Search(self._shop, mapping.REFERENCE, account.clock)
        self._shelf = Shelf(self._shop, account.clock)
        self._taxes = TaxOffice(self._shop, account.clock)
        self._customers = Customers(self._shop)
        self._parcels = Parcels(self._shop, self.settings, self.log)
        self._name_products = False
        self._told: set[str] = set()

    # Orders in

    async def start(self, since: datetime | None) -> Cursor:
        mark = await self._orders.newest() if since is None else Mark(gmt(since), running=True)
        return mark.text()

    async def pull(self, cursor: Cursor) -> Page:
        return await self._page(await self._orders.pull(cursor), cursor)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        return await self._page(await self._orders.sweep(since, cursor), cursor)

    async def _page(self, found: Slice, before: Cursor | None) -> Page:
        records: list[Record] = []
        for row in found.rows:
            try:
                record = await self._record(row.head.id, bytes(row.raw))
            except Temporary as error:
                # What was read so far cannot land without a cursor of its own, and reading it again costs little.
                if before is None:
                    raise
                return Page(records=(), cursor=before, failure=error)
            if record is not None:
                records.append(record)
        return Page(records=records, cursor=found.cursor, more=found.more)

    async def _record(self, order_id: int, raw: bytes) -> Record | None:
        """The order as ours; None for what is no order."""
        try:
            order = decode(raw, wire.Order)
        except ContractBroken as error:
            where = f" at {error.field}" if error.field else ""
            return Unreadable(external_id=str(order_id), reason=f"{error}{where}", raw=raw)
        if order.id != order_id:
            return Unreadable(external_id=str(order_id), reason="the answer is another order's", raw=raw)
        if order.status in _NO_ORDERS:
            return None
        if order.status == "trash":
            return Gone(external_id=str(order_id))
        shipments = await self._parcels.fulfilled(order)
        try:
            return mapping.read(order, self.settings, shipments)
        except ValueError as error:
            return Unreadable(external_id=str(order_id), reason=str(error), raw=raw)
        except Exception as error:  # one senseless record must not stop the feed
            return Unreadable(
                external_id=str(order_id), reason=f"it makes no sense ({type(error).__name__})", raw=raw
            )

    async def count_orders(self, since: datetime, until: datetime) -> int:
        return await self._orders.count(since, until)

    async def read_order(self, external_id: str) -> Record:
        try:
            raw = await self._shop.get(f"/wc/v3/orders/{_id(external_id)}", msgspec.Raw)
        except NotFound:
            return Gone(external_id=external_id)
        return await self._record(_id(external_id), bytes(raw)) or Gone(external_id=external_id)

    # Orders out

    async def push_order(self, push: Push) -> Receipt:
        order = push.order
        if self.settings.currency not in (None, order.total.currency):
            raise Rejected(
                f"this shop takes {self.settings.currency}, not {order.total.currency}", field="currency"
            )
        book = await self._taxes.book()
        goods = await self._shelf.bind(order.lines, sure=not push.free_lines)
        billing, shipping = addresses(order)
        draft = sketch(push, goods, book, billing, shipping)
        status = initial_status(push)
        if order.cash_on_delivery and status == "processing" and payment_method(push) != "cod":
            self.log.warning(
                "the shop will date a payment on this cash on delivery order", reference=push.reference
            )
        if push.shipping_method is None and order.shipping.method:
            self._unmapped(order.shipping.method)
        body = head(push, self.settings, status)
        body |= {"billing": billing, "shipping": shipping, **draft.rows(draft.priced())}
        if self.settings.customers is CustomerMode.MATCH:
            body["customer_id"] = await self._customers.of(order.buyer, push.marketplace, billing)
        answer = await self._create(body)
        try:
            fits = _total(answer) == order.total
        except ContractBroken as error:
            raise OutcomeUnknown(f"the order was made, but {error}") from error
        if not fits:
            answer = await self._correct(push, draft, answer)
        for entry, item in zip((e for e in draft.entries if e.line is not None), answer.line_items, strict=False):
            if entry.goods is not None and not item.product_id:
                self._shelf.forget(entry.goods)
                self.log.warning("a product has vanished from the shop", product=entry.goods.product_id)
        return self._receipt(answer)

    def _unmapped(self, method: str) -> None:
        """Warn once of each shipping method without a mapping."""
        if method not in self._told and len(self._told) < 1000:
            self._told.add(method)
            self.log.warning("shipping method is not mapped", method=method)

    async def _create(self, body: dict[str, Any]) -> wire.Order:
        """The one POST. A definite refusal of lines without a product is answered by naming one that is none."""
        if not self._name_products:
            try:
                return await self._shop.write("POST", "/wc/v3/orders", wire.Order, body)
            except Rejected as error:
                if error.code != NEEDS_PRODUCT:
                    raise
            self._name_products = True
        rows = [row if "product_id" in row else {**row, "sku": _FREE_SKU} for row in body["line_items"]]
        return await self._shop.write("POST", "/wc/v3/orders", wire.Order, {**body, "line_items": rows})

    async def _correct(self, push: Push, draft: Draft, answer: wire.Order) -> wire.Order:
        """The shop counted otherwise, so its taxes changed since they were read: read them, and set the rows anew.

        From here on the order exists: no failure may leave this method. What differs then, the host will see.
        """
        try:
            book = await self._taxes.book(fresh=True)
            goods = [e.goods for e in draft.entries if e.line is not None]
            told = [item.tax_class if item.taxes else None for item in answer.line_items]
            billing, shipping = addresses(push.order)
            again = amend.as_taxed(sketch(push, goods, book, billing, shipping, told), answer)
            body, fee_added = amend.amendment(again, answer)
            path = f"/wc/v3/orders/{answer.id}"
            try:
                return await self._shop.write("PUT", path, wire.Order, body, repeatable=not fee_added)
            except Temporary:
                return await self._shop.get(path, wire.Order)
        except (PluginError, ValueError) as error:
            self.log.warning("total not corrected", order=answer.id, reference=push.reference, error=str(error))
            return answer

    async def find_order(self, reference: str, age: timedelta | None) -> Receipt | None:
        found = await self._search.find(reference, age)
        if found is None:
            return None
        try:
            return self._receipt(await self._read(str(found)))
        except NotFound:
            # It was deleted since it was last seen in the list.
            self._search.forget()
            raise Unavailable(f"order {found} vanished while it was looked up") from None

    async def find_by_number(self, number: str) -> Found | None:
        order = await self._numbered(number)
        if order is None or order.status in _NO_ORDERS or order.status == "trash":
            return None
        mark = wire.meta_value(order.meta_data, mapping.REFERENCE)
        return Found(**msgspec.structs.asdict(self._receipt(order)), reference=mark)

    async def _numbered(self, number: str) -> wire.Order | None:
        """A number is the order's id, unless a plugin of the shop counts otherwise: then its search knows."""
        if number.isascii() and number.isdecimal() and len(number) < 19:
            with contextlib.suppress(NotFound):
                order = await self._read(number)
                if (order.number or str(order.id)) == number:
                    return order
        asked: Query = {"search": number, "status": "any", "per_page": PAGE}
        hits = [o for o in await self._shop.get("/wc/v3/orders", list[wire.Order], asked) if o.number == number]
        if len(hits) > 1:
            raise Conflict(f"the shop has {len(hits)} orders with number {number}")
        return hits[0] if hits else None

    def _receipt(self, order: wire.Order) -> Receipt:
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

    async def _read(self, external_id: str) -> wire.Order:
        return await self._shop.get(f"/wc/v3/orders/{_id(external_id)}", wire.Order)

    async def _write(self, external_id: str, body: dict[str, Any]) -> wire.Order:
        """Absolute values after a reading: twice is once."""
        path = f"/wc/v3/orders/{_id(external_id)}"
        return await self._shop.write("PUT", path, wire.Order, body, repeatable=True)

    async def set_status(self, external_id: str, status: str) -> None:
        order = await self._read(external_id)
        if order.status == status:
            return
        if status == "cancelled":
            await self._cancel(order, None)
            return
        if order.status in _OVER:
            raise Conflict(f"the order is {order.status} in the shop")
        now, then = mapping.rank(order.status), mapping.rank(status)
        if now is not None and then is not None and now > then:
            return
        await self._write(external_id, {"status": status})

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        own = (word for word, meaning in self.settings.fulfilments.items() if meaning is fulfilment)
        return next(own, None) or mapping.STATUS_FOR.get(fulfilment)

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        order = await self._read(external_id)
        if order.status in _OVER:
            raise Conflict(f"the order is {order.status} in the shop")
        amount = str(paid)
        noted = wire.meta_value(order.meta_data, _PAID) == amount
        body: dict[str, Any] = {} if noted else {"meta_data": [{"key": _PAID, "value": amount}]}
        if (
            payment.type is not PaymentType.CASH_ON_DELIVERY
            and order.date_paid_gmt is None
            and _covers(paid, order)
        ):
            if payment.external_id and order.transaction_id != payment.external_id:
                body["transaction_id"] = payment.external_id
            # set_paid dates a payment only where the shop still waits for one, and the status does so elsewhere.
            if order.status in ("pending", "failed"):
                body |= {"status": "processing", "set_paid": True}
            elif order.status == "on-hold":
                body["status"] = "processing"
        if body:
            await self._write(external_id, body)

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        order = await self._read(external_id)
        if order.status == "trash":
            raise Conflict("the order is in the shop's trash")
        await self._parcels.attach(order, shipment)

    async def cancel_order(self, external_id: str, reason: str) -> None:
        await self._cancel(await self._read(external_id), reason)

    async def _cancel(self, order: wire.Order, reason: str | None) -> None:
        if order.status in ("cancelled", "trash"):
            return
        if order.status in ("completed", "refunded"):
            raise Conflict(f"the order is {order.status} in the shop")
        await self._write(str(order.id), {"status": "cancelled"})
        if reason:
            note = {"note": reason, "customer_note": False}
            try:
                await self._shop.write("POST", f"/wc/v3/orders/{order.id}/notes", msgspec.Raw, note)
            except PluginError as error:
                self.log.warning("note not added", order=order.id, error=str(error))

    # Access

    async def statuses(self) -> Sequence[Status]:
        rows = await self._shop.get("/wc/v3/reports/orders/totals", list[wire.StatusTotal])
        return [Status(code=row.slug, name=row.name) for row in rows if row.slug not in _NO_ORDERS]

    async def probe(self) -> Identity:
        try:
            index = await self._shop.get("/", wire.Index, {"_fields": "name,home,timezone_string,gmt_offset"})
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
            },
        )


def _id(external_id: str) -> int:
    try:
        return int(external_id)
    except ValueError:
        raise NotFound(f"no order number of a shop: {external_id!r}") from None


def _offset(hours: float | str | None) -> str:
    """The shop's distance from UTC; old releases tell it as text."""
    try:
        return f"UTC{float(hours or 0):+g}"
    except ValueError:
        return "unknown"


def _total(order: wire.Order) -> Money:
    try:
        amount = Decimal(order.total)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise ContractBroken("the order's total is not a number", field="$.total")
    return Money(amount, order.currency)


def _covers(paid: Money, order: wire.Order) -> bool:
    return paid.currency == order.currency and paid.amount >= _total(order).amount
