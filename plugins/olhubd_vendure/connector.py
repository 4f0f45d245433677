"""The connector: each capability in Vendure's terms. `shop` asks; `push` and `parcel` do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from olhubd.model import Fulfilment, Money, Payment, Shipment
from olhubd.plugin import (
    Account,
    CancelSink,
    Connector,
    Cursor,
    Defaults,
    DeliveryMethodList,
    Found,
    Gone,
    Identity,
    Method,
    OrderCount,
    OrderFeed,
    OrderLookup,
    OrderSink,
    Page,
    PaymentMethodList,
    PaymentSink,
    Probe,
    Push,
    Receipt,
    Record,
    Rejected,
    ShipmentSink,
    Status,
    StatusList,
    StatusSink,
    Unreadable,
)
from olhubd_vendure import abilities, feed, mapping
from olhubd_vendure.catalogue import products
from olhubd_vendure.feed import FeedCursor, Position, SweepCursor
from olhubd_vendure.parcel import Clerk
from olhubd_vendure.push import Importer, receipt
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop
from olhubd_vendure.stream import follow

__all__ = ["Vendure"]

_LISTED: dict[str, Any] = {"state": {"notIn": list(mapping.UNPLACED)}}
_DAY = timedelta(days=1)
_FAR = timedelta(days=60)
"""How much longer ago than the sweep's window an order may have been placed that ended since yesterday."""
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


class Vendure(
    Connector[VendureSettings],
    OrderCount,
    OrderFeed,
    OrderLookup,
    OrderSink,
    StatusSink,
    PaymentSink,
    ShipmentSink,
    CancelSink,
    StatusList,
    DeliveryMethodList,
    PaymentMethodList,
    Probe,
):
    name = "vendure"
    title = "Vendure"
    Settings = VendureSettings
    # Changes of state are found by the sweep alone, so it runs often and looks back far.
    defaults = Defaults(
        interval=timedelta(minutes=1),
        sweep_interval=timedelta(minutes=15),
        sweep_window=timedelta(days=30),
    )
    secret_keys: ClassVar[frozenset[str]] = frozenset(
        {"vendure-auth-token", "vendure-api-key", "vendure-token", "password"}
    )
    idempotent = True
    numbered = True

    def __init__(self, account: Account[VendureSettings]) -> None:
        super().__init__(account)
        self.settle = self.settings.settle  # type: ignore[misc]  # the shop's own pace, where the operator knows it
        self._shop = Shop(account)
        self._importer = Importer(account, self._shop)
        self._clerk = Clerk(account.settings, self._shop)
        self._far_at: float | None = None

    # Orders in.

    async def start(self, since: datetime | None) -> Cursor:
        position = Position(since or self.account.clock.now())
        return feed.save(FeedCursor(position, position))

    async def pull(self, cursor: Cursor) -> Page:
        state = feed.load(cursor, FeedCursor)
        updated, moved, more = await follow(self._shop, state.updated, "updatedAt", _LISTED)
        placed, arrived, rest = await follow(self._shop, state.placed, "orderPlacedAt", _LISTED)
        if not updated and not placed:
            return Page(records=(), cursor=cursor)
        rows = {row.key.id: row for row in (*updated, *placed)}
        return Page(
            records=_records(rows.values()),
            cursor=feed.save(FeedCursor(moved, arrived)),
            more=more or rest,
        )

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        # The walk goes along the time of creation, which never changes, so that nothing is skipped on the way.
        state = feed.load(cursor, SweepCursor) if cursor is not None else SweepCursor(_BEGINNING, far=self._far())
        touched = [
            {"updatedAt": {"after": since.isoformat()}},
            {"orderPlacedAt": {"after": since.isoformat()}},
            # Not by a list of open ones: the shop may have states of its own.
            {"state": {"notIn": list(mapping.CLOSED)}},
        ]
        if state.far:
            touched.append({"state": {"in": list(mapping.AWAY)}})
            placed = {"after": (since - _FAR).isoformat()}
            touched.append({"_and": [{"state": {"eq": "Delivered"}}, {"orderPlacedAt": placed}]})
        only = {**_LISTED, "_or": touched}
        rows, moved, more = await follow(self._shop, state, "createdAt", only)
        if state.far and not more:
            self._far_at = self.account.clock.monotonic()
        place = SweepCursor(moved.at, moved.seen, state.far)
        return Page(records=_records(rows), cursor=feed.save(place), more=more)

    def _far(self) -> bool:
        """Whether it is time again to read what left the shop long ago: once a day, since it is much."""
        now = self.account.clock.monotonic()
        return self._far_at is None or now - self._far_at >= _DAY.total_seconds()

    async def count_orders(self, since: datetime, until: datetime) -> int:
        placed = {"after": (since - timedelta(milliseconds=1)).isoformat(), "before": until.isoformat()}
        return await self._shop.count({**_LISTED, "orderPlacedAt": placed})

    async def read_order(self, external_id: str) -> Record:
        order = await self._shop.order(external_id)
        if order is None or order.state in mapping.UNPLACED:
            return Gone(external_id=external_id)
        try:
            return mapping.order(order)
        except Exception as error:
            return Unreadable(external_id=external_id, reason=_senseless(error), raw=msgspec.json.encode(order))

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
                await self._clerk.withdraw(order.id)

    async def set_status(self, external_id: str, status: str) -> None:
        with self._shop.learning():
            await self._clerk.move(external_id, status)

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        return mapping.WORDS.get(fulfilment)

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        with self._shop.learning():
            await self._clerk.pay(external_id, payment, paid)

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        with self._shop.learning():
            await self._clerk.ship(external_id, shipment)

    async def cancel_order(self, external_id: str, reason: str) -> None:
        with self._shop.learning():
            await self._clerk.cancel(external_id, reason)

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
        """What is missing for taking orders, in words for whoever sets the shop up."""
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


def _records(rows: Any) -> list[Record]:
    records: list[Record] = []
    for row in rows:
        if row.order is None:
            records.append(Unreadable(external_id=row.key.id, reason=row.reason or "unreadable", raw=row.raw))
        elif mapping.concerns(row.order):
            try:
                records.append(mapping.order(row.order))
            except Exception as error:  # one senseless record must not stop the feed
                records.append(Unreadable(external_id=row.key.id, reason=_senseless(error), raw=row.raw))
    return records


def _senseless(error: Exception) -> str:
    return f"it makes no sense ({type(error).__name__})"


def _words(state: str) -> str:
    """ArrangingPayment as people read it: Arranging payment."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in state).strip()
    return spaced[:1].upper() + spaced[1:]
