"""Customers: rows of the list, the card with the orders, and the export to a file."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text
from olhubd.decide.customers import kind_of
from olhubd.engine.operator.customers import ErasureReceipt
from olhubd.model import (
    Action,
    Address,
    Customer,
    CustomerKind,
    Delivery,
    DeliveryState,
    Event,
    Fulfilment,
    Money,
    Order,
    Stage,
    TaxId,
    reference,
)
from olhubd.store.customers import StoredCustomer
from olhubd.store.orders import OrderSummary
from olhubd.store.target_orders import TargetOrder

__all__ = [
    "CustomerCard",
    "CustomerData",
    "CustomerExportFormat",
    "CustomerExportQuery",
    "CustomerOrderRow",
    "CustomerPage",
    "CustomerQuery",
    "CustomerRow",
    "CustomersFilter",
    "CustomersQuery",
    "ErasureReceiptRow",
    "HeldDelivery",
    "HeldEvent",
    "HeldOrder",
    "UsedAddress",
]


class CustomersFilter(RequestStruct, frozen=True, kw_only=True):
    """All that is given must fit.

    `text` begins the name (either part first), the company, the e-mail, the phone, the tax number or the login; how
    it is spelled, by capitals, blanks, dashes or prefixes, makes no difference.
    """

    account: str | None = None
    kind: CustomerKind | None = None
    text: Text | None = None


class CustomersQuery(CustomersFilter, frozen=True, kw_only=True):
    """The newest first. Pages go on by `before`, the `next` of the last one."""

    before: Before | None = None
    limit: Limit = 50


class CustomerQuery(RequestStruct, frozen=True, kw_only=True):
    """Pages of the customer's orders go on by `before`, the `next` of the last one."""

    before: Before | None = None


class CustomerExportFormat(enum.StrEnum):
    CSV = "csv"
    XML = "xml"
    JSON = "json"


class CustomerExportQuery(CustomersFilter, frozen=True, kw_only=True):
    """`id`, which may be given more than once, are the only customers wanted.

    With `bom` a CSV file begins with a mark by which spreadsheets know UTF-8.
    """

    format: CustomerExportFormat = CustomerExportFormat.CSV
    bom: bool = False
    id: tuple[Before, ...] = ()


class CustomerRow(AnswerStruct, frozen=True, kw_only=True):
    """A buyer of `account`, as their newest order has them.

    `kind` is where they are, seen from the seller's country, and `territory` by what that is known: a country, or a
    part of one with rules of its own for VAT (XI is Northern Ireland, IC the Canary Islands). Both are None where
    no address names a country. `email_masked` is an address that the marketplace made for the purchase. `orders`
    counts all, `first_at` and `last_at` are when the first and the last were placed.
    """

    id: int
    account: str
    login: str | None
    name: str | None
    first_name: str | None
    last_name: str | None
    company: str | None
    email: str | None
    email_masked: bool
    phone: str | None
    kind: CustomerKind | None
    territory: str | None
    tax_ids: tuple[TaxId, ...]
    orders: int
    first_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, one: StoredCustomer, orders: int, seller: str) -> CustomerRow:
        record = one.record
        return cls(
            id=one.id,
            account=record.account,
            login=record.login,
            name=record.name,
            first_name=record.first_name,
            last_name=record.last_name,
            company=record.company,
            email=record.email,
            email_masked=record.email_masked,
            phone=record.phone,
            kind=kind_of(record.territory, seller),
            territory=record.territory,
            tax_ids=record.tax_ids,
            orders=orders,
            first_at=one.first_at,
            last_at=one.last_at,
        )


class CustomerOrderRow(AnswerStruct, frozen=True, kw_only=True):
    """An order of a customer."""

    id: int
    reference: str
    number: str | None
    placed_at: datetime
    stage: Stage
    fulfilment: Fulfilment
    paid: bool
    total: Money
    superseded_by: int | None

    @classmethod
    def of(cls, one: OrderSummary) -> CustomerOrderRow:
        return cls(
            id=one.id,
            reference=reference(one.account, one.external_id),
            number=one.number,
            placed_at=one.placed_at,
            stage=one.stage,
            fulfilment=one.fulfilment,
            paid=one.paid,
            total=one.total,
            superseded_by=one.superseded_by,
        )


class UsedAddress(AnswerStruct, frozen=True, kw_only=True):
    """Where orders of this page of a card went, and when the first and the last of them were placed."""

    address: Address
    orders: int
    first_at: datetime
    last_at: datetime


class CustomerCard(AnswerStruct, frozen=True, kw_only=True):
    """All that is known of one customer. `address` is their own, else the one on their last invoice;
    `delivery_address` is where the last order went, and `addresses` are all that the orders of this page went to.
    """

    customer: CustomerRow
    language: str | None
    address: Address | None
    delivery_address: Address | None
    addresses: tuple[UsedAddress, ...]
    orders: tuple[CustomerOrderRow, ...]
    next: int | None

    @classmethod
    def of(
        cls,
        one: StoredCustomer,
        row: CustomerRow,
        orders: Sequence[OrderSummary],
        addresses: Sequence[UsedAddress],
        after: int | None,
    ) -> CustomerCard:
        return cls(
            customer=row,
            language=one.record.language,
            address=one.record.address,
            delivery_address=one.record.delivery_address,
            addresses=tuple(addresses),
            orders=tuple(map(CustomerOrderRow.of, orders)),
            next=after,
        )


class HeldDelivery(AnswerStruct, frozen=True, kw_only=True):
    """A delivery about an order: what was done where, and how it ended."""

    target: str
    action: Action
    state: DeliveryState
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, one: Delivery) -> HeldDelivery:
        return cls(
            target=one.target,
            action=one.action,
            state=one.state,
            created_at=one.created_at,
            finished_at=one.finished_at,
        )


class HeldEvent(AnswerStruct, frozen=True, kw_only=True):
    """What happened to an order, with its facts."""

    at: datetime
    kind: str
    data: msgspec.Raw

    @classmethod
    def of(cls, one: Event) -> HeldEvent:
        return cls(at=one.at, kind=one.kind, data=one.data)


class HeldOrder(AnswerStruct, frozen=True, kw_only=True):
    """An order of a customer, whole, with the note on it, its copies at targets, and its history."""

    id: int
    account: str
    order: Order
    note: str | None
    copies: tuple[TargetOrder, ...]
    deliveries: tuple[HeldDelivery, ...]
    events: tuple[HeldEvent, ...]


class CustomerData(AnswerStruct, frozen=True, kw_only=True):
    """Everything that the hub holds about one customer."""

    customer: CustomerRow
    record: Customer
    orders: tuple[HeldOrder, ...]


class ErasureReceiptRow(AnswerStruct, frozen=True, kw_only=True):
    """What was erased where, in counts. It names nobody: `number` is that of the event that records the deed.

    The `orders` stay with their lines, totals and taxes, without the person. `inputs` of decisions were forgotten
    up to the last one that held the person. `targets` are accounts whose own copies of the orders are not the hub's
    to erase, `copies` the files beside the database that were made before and hold all.
    """

    number: int
    account: str
    erased_at: datetime
    erased_by: str
    orders: int
    events: int
    deliveries: int
    quarantine: int
    inputs: int
    answers: int
    targets: tuple[str, ...]
    copies: tuple[str, ...]

    @classmethod
    def of(cls, one: ErasureReceipt) -> ErasureReceiptRow:
        return cls(**msgspec.structs.asdict(one))


CustomerPage = Page[CustomerRow]
