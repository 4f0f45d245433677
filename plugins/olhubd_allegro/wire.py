"""Allegro's own shapes, as far as they are used. Unknown fields are skipped, unknown words are kept as text.

Allegro sends null for what it leaves out, whatever the contract says; so all that is optional may be null. A field
marked `Side` decides about nothing: in another shape than the contract's it is taken as absent.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.model import Money
from olhubd.plugin import Side

__all__ = [
    "Carriers",
    "Events",
    "Form",
    "FormId",
    "FormKey",
    "FormState",
    "Forms",
    "Me",
    "Shipment",
    "Shipments",
    "Stats",
]


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class Ref(_Wire):
    id: str | None = None


class EventOrder(_Wire):
    checkout_form: Ref | None = None


class Event(_Wire):
    """A hint that a form is worth reading; nothing else in it is to be relied on."""

    id: str
    type: Side[str | None] = None
    order: EventOrder | None = None


class Events(_Wire):
    events: list[Event]


class Latest(_Wire):
    id: str


class Stats(_Wire):
    latest_event: Latest | None = None


class BuyerAddress(_Wire):
    street: str | None = None
    city: str | None = None
    post_code: str | None = None
    country_code: str | None = None


class Preferences(_Wire):
    language: Side[str | None] = None


class Buyer(_Wire):
    id: str
    login: Side[str | None] = None
    email: str | None = None
    guest: Side[bool | None] = None
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    personal_identity: Side[str | None] = None
    phone_number: str | None = None
    preferences: Side[Preferences | None] = None
    address: BuyerAddress | None = None


class Payment(_Wire):
    type: str
    id: str | None = None
    provider: Side[str | None] = None
    finished_at: datetime | None = None
    paid_amount: Money | None = None
    reconciliation: Side[Money | None] = None
    features: Side[list[str] | None] = None


class Fulfillment(_Wire):
    status: str | None = None
    provider: Ref | None = None


class DeliveryAddress(_Wire):
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    street: str | None = None
    city: str | None = None
    zip_code: str | None = None
    country_code: str | None = None
    phone_number: str | None = None
    modified_at: Side[datetime | None] = None


class Method(_Wire):
    id: str | None = None
    name: str | None = None


class Point(_Wire):
    id: str | None = None
    name: Side[str | None] = None
    description: Side[str | None] = None
    address: DeliveryAddress | None = None


class Window(_Wire):
    from_: Side[datetime | None] = msgspec.field(default=None, name="from")
    to: Side[datetime | None] = None


class Time(_Wire):
    from_: Side[datetime | None] = msgspec.field(default=None, name="from")
    to: Side[datetime | None] = None
    dispatch: Side[Window | None] = None


class Cancellation(_Wire):
    date: Side[datetime | None] = None


class Delivery(_Wire):
    address: DeliveryAddress | None = None
    method: Method | None = None
    pickup_point: Point | None = None
    cost: Money | None = None
    time: Side[Time | None] = None
    smart: Side[bool | None] = None
    cancellation: Side[Cancellation | None] = None
    calculated_number_of_packages: Side[int | None] = None


class TaxNumber(_Wire):
    type: str
    value: str


class Company(_Wire):
    name: str | None = None
    ids: list[TaxNumber] | None = None
    vat_payer_status: Side[str | None] = None
    tax_id: str | None = None


class Person(_Wire):
    first_name: str | None = None
    last_name: str | None = None


class InvoiceAddress(_Wire):
    street: str | None = None
    city: str | None = None
    zip_code: str | None = None
    country_code: str | None = None
    company: Company | None = None
    natural_person: Person | None = None


class Invoice(_Wire):
    required: bool
    address: InvoiceAddress | None = None
    due_date: Side[str | None] = None
    features: Side[list[str] | None] = None


class ProductRef(_Wire):
    """One product of a set, and how many of it belong to one piece of the offer."""

    id: str
    quantity: Side[int] = 1


class ProductSet(_Wire):
    products: Side[list[ProductRef] | None] = None


class Offer(_Wire):
    id: str
    name: str
    external: Ref | None = None
    product_set: Side[ProductSet | None] = None
    hs_number: Side[str | None] = None


class Deposit(_Wire):
    """`price` is for one piece of the line."""

    price: Money


class Reconciliation(_Wire):
    value: Side[Money | None] = None
    type: Side[str | None] = None
    quantity: Side[int | None] = None


class Service(_Wire):
    price: Money
    quantity: int = 1
    definition_id: Side[str | None] = None
    name: Side[str | None] = None


class Voucher(_Wire):
    type: str
    code: Side[str | None] = None


class Tax(_Wire):
    rate: Side[str | None] = None
    subject: Side[str | None] = None
    exemption: Side[str | None] = None


class Discount(_Wire):
    type: str


class Serial(_Wire):
    value: str


class Serials(_Wire):
    expected: Side[bool | None] = None
    entries: Side[list[Serial] | None] = None


class LineItem(_Wire):
    id: str
    offer: Offer
    quantity: int
    price: Money
    original_price: Side[Money | None] = None
    deposit: Deposit | None = None
    reconciliation: Side[Reconciliation | None] = None
    selected_additional_services: list[Service] | None = None
    vouchers: Side[list[Voucher] | None] = None
    tax: Side[Tax | None] = None
    bought_at: datetime | None = None
    discounts: Side[list[Discount] | None] = None
    serial_numbers: Side[Serials | None] = None


class Note(_Wire):
    text: Side[str | None] = None


class Summary(_Wire):
    total_to_pay: Money


class Form(_Wire):
    """A checkout form: what Allegro calls an order."""

    id: str
    buyer: Buyer
    status: str
    line_items: list[LineItem]
    summary: Summary
    message_to_seller: Side[str | None] = None
    payment: Payment | None = None
    fulfillment: Fulfillment | None = None
    delivery: Delivery | None = None
    invoice: Invoice | None = None
    surcharges: list[Payment] | None = None
    note: Side[Note | None] = None
    marketplace: Ref | None = None
    updated_at: datetime | None = None
    revision: str | None = None


class FormState(_Wire):
    """What a decision about a form's status needs, readable even where the rest is not."""

    id: str
    status: str
    fulfillment: Fulfillment | None = None
    revision: str | None = None


class FormId(_Wire):
    id: str


class LineKey(_Wire):
    bought_at: datetime | None = None


class FormKey(_Wire):
    """What paging needs of a form, readable even where the rest is not."""

    id: str
    updated_at: datetime | None = None
    line_items: list[LineKey] = []


class Forms(_Wire):
    """One page of the list. Forms stay raw, so that one that cannot be read does not take its page along."""

    checkout_forms: list[msgspec.Raw]
    total_count: int | None = None


class FormCount(_Wire):
    """How many forms fit, however few of them the page has."""

    total_count: int


class Shipment(_Wire):
    waybill: str
    carrier_id: Side[str] = ""
    carrier_name: Side[str | None] = None


class Shipments(_Wire):
    shipments: Side[list[Shipment] | None] = None


class Carrier(_Wire):
    id: str
    name: Side[str | None] = None


class Carriers(_Wire):
    carriers: Side[list[Carrier] | None] = None


class DeliveryMethod(_Wire):
    id: str
    name: str


class DeliveryMethods(_Wire):
    delivery_methods: list[DeliveryMethod]


class MeCompany(_Wire):
    name: Side[str | None] = None


class Me(_Wire):
    id: str
    login: str
    base_marketplace: Side[Ref | None] = None
    company: Side[MeCompany | None] = None
