"""The canonical records: pure, frozen, typed. No I/O, no asyncio, no clock.

Everything above shares these shapes; a plugin turns its system's words into them and back.
"""

from olhubd.model.alarm import Alarm, AlarmId, AlarmKind, Reconciliation
from olhubd.model.catalog import Customer, CustomerKind, Offer, OfferState, Product
from olhubd.model.money import CurrencyMismatch, Money
from olhubd.model.order import (
    Charge,
    Discount,
    Fulfilment,
    Line,
    Order,
    Payment,
    PaymentType,
    Remitter,
    Shipment,
    Shipping,
    Stage,
    Tax,
    reference,
)
from olhubd.model.party import Address, Buyer, InvoiceParty, PickupPoint, TaxId
from olhubd.model.reason import Reason, Value, beside, chained, code_of, plain, sentence
from olhubd.model.record import (
    Action,
    Cause,
    Counts,
    Delivery,
    DeliveryId,
    DeliveryState,
    Event,
    EventId,
    Quarantined,
    Run,
    RunId,
    RunState,
)
from olhubd.model.scope import Scope
from olhubd.model.subject import Kind, OrderId, Subject

__all__ = [
    "Action",
    "Address",
    "Alarm",
    "AlarmId",
    "AlarmKind",
    "Buyer",
    "Cause",
    "Charge",
    "Counts",
    "CurrencyMismatch",
    "Customer",
    "CustomerKind",
    "Delivery",
    "DeliveryId",
    "DeliveryState",
    "Discount",
    "Event",
    "EventId",
    "Fulfilment",
    "InvoiceParty",
    "Kind",
    "Line",
    "Money",
    "Offer",
    "OfferState",
    "Order",
    "OrderId",
    "Payment",
    "PaymentType",
    "PickupPoint",
    "Product",
    "Quarantined",
    "Reason",
    "Reconciliation",
    "Remitter",
    "Run",
    "RunId",
    "RunState",
    "Scope",
    "Shipment",
    "Shipping",
    "Stage",
    "Subject",
    "Tax",
    "TaxId",
    "Value",
    "beside",
    "chained",
    "code_of",
    "plain",
    "reference",
    "sentence",
]
