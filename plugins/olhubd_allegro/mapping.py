"""A checkout form as our order. Pure: it reads, names and never calls.

The buyer, the recipient and the invoice party are three; none replaces another here. Prices are gross and per
piece. Allegro's `totalToPay` is the lines with their services and deposits, plus the delivery; surcharges are later
payments towards it, vouchers and gift cards are ways of paying and lower nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from olhubd.model import (
    Address,
    Buyer,
    Charge,
    Discount,
    Fulfilment,
    InvoiceParty,
    Line,
    Order,
    Payment,
    PaymentType,
    PickupPoint,
    Shipping,
    Stage,
    Tax,
    TaxId,
)
from olhubd.model.check import tax_id
from olhubd.plugin import ContractBroken
from olhubd_allegro import wire

__all__ = ["CANCELLED", "FULFILMENTS", "order"]

CANCELLED = "CANCELLED"

STAGES = {
    "BOUGHT": Stage.PLACED,
    "FILLED_IN": Stage.PLACED,
    "READY_FOR_PROCESSING": Stage.CONFIRMED,
    CANCELLED: Stage.CANCELLED,
}
FULFILMENTS = {
    "NEW": Fulfilment.NEW,
    "PROCESSING": Fulfilment.PROCESSING,
    "READY_FOR_SHIPMENT": Fulfilment.READY,
    "READY_FOR_PICKUP": Fulfilment.READY,
    "SENT": Fulfilment.SENT,
    "PICKED_UP": Fulfilment.DELIVERED,
    "RETURNED": Fulfilment.RETURNED,
    CANCELLED: Fulfilment.CANCELLED,
    "SUSPENDED": Fulfilment.SUSPENDED,
}
PAYMENTS = {
    "CASH_ON_DELIVERY": PaymentType.CASH_ON_DELIVERY,
    "WIRE_TRANSFER": PaymentType.TRANSFER,
    "ONLINE": PaymentType.ONLINE,
    "SPLIT_PAYMENT": PaymentType.SPLIT_VAT,
    "EXTENDED_TERM": PaymentType.DEFERRED,
}
_VAT_PAYER = {"ACTIVE": True, "NON_ACTIVE": False}
_MASK = "@allegromail."


def order(form: wire.Form) -> Order:
    """Raises ContractBroken for a form that does not even say when it was bought."""
    bought = [_utc(item.bought_at) for item in form.line_items if item.bought_at is not None]
    if not bought:
        raise ContractBroken("the form has no time of purchase", field="lineItems[].boughtAt")
    fulfillment = form.fulfillment
    status = fulfillment.status if fulfillment else None
    provider = fulfillment.provider if fulfillment else None
    return Order(
        external_id=form.id,
        revision=form.revision,
        placed_at=min(bought),
        updated_at=_maybe_utc(form.updated_at),
        stage=STAGES.get(form.status, Stage.UNKNOWN),
        external_stage=form.status,
        fulfilment=FULFILMENTS.get(status, Fulfilment.UNKNOWN) if status else Fulfilment.NEW,
        external_fulfilment=status,
        fulfilled_by_marketplace=provider is not None and provider.id == "ALLEGRO",
        marketplace=form.marketplace.id if form.marketplace else None,
        lines=tuple(_line(item) for item in form.line_items),
        total=form.summary.total_to_pay,
        buyer=_buyer(form.buyer),
        invoice=_invoice(form.invoice),
        shipping=_shipping(form.delivery) if form.delivery else Shipping(),
        payment=_payment(form.payment) if form.payment else None,
        surcharges=tuple(_payment(one) for one in form.surcharges or ()),
        buyer_note=form.message_to_seller or None,
        seller_note=(form.note.text or None) if form.note else None,
        extra=_extra(form),
    )


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _maybe_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else _utc(moment)


def _line(item: wire.LineItem) -> Line:
    offer = item.offer
    extra: dict[str, str] = {}
    if offer.hs_number:
        extra["hs_number"] = offer.hs_number
    if item.reconciliation and item.reconciliation.quantity:
        extra["reconciled_quantity"] = str(item.reconciliation.quantity)
    serials = item.serial_numbers
    if serials and serials.expected:
        extra["serial_numbers_expected"] = "true"
    if serials and serials.entries:
        extra["serial_numbers"] = ", ".join(entry.value for entry in serials.entries)
    products = offer.product_set.products if offer.product_set else None
    if products and (len(products) > 1 or products[0].quantity > 1):
        extra["set"] = ", ".join(f"{one.quantity} x {one.id}" for one in products)
    return Line(
        external_id=item.id,
        name=offer.name,
        quantity=item.quantity,
        price=item.price,
        original_price=item.original_price,
        offer_id=offer.id,
        sku=(offer.external.id or None) if offer.external else None,
        product_ids=tuple(product.id for product in products or ()),
        tax=_tax(item.tax, extra) if item.tax else None,
        # Allegro names a discount's kind only; its amount is already in the price.
        discounts=tuple(Discount(kind=one.type) for one in item.discounts or ()),
        charges=_charges(item),
        vouchers=tuple(voucher.code or voucher.type for voucher in item.vouchers or ()),
        reimbursed=item.reconciliation.value if item.reconciliation else None,
        bought_at=_maybe_utc(item.bought_at),
        extra=extra,
    )


def _tax(tax: wire.Tax, extra: dict[str, str]) -> Tax:
    rate = None
    if tax.rate is not None:
        try:
            rate = Decimal(tax.rate)
        except InvalidOperation:
            extra["tax_rate"] = tax.rate
    return Tax(rate=rate, exemption=tax.exemption, subject=tax.subject)


def _charges(item: wire.LineItem) -> tuple[Charge, ...]:
    charges = [
        Charge(
            kind="service",
            price=service.price,
            quantity=service.quantity,
            name=service.name,
            external_id=service.definition_id,
        )
        for service in item.selected_additional_services or ()
    ]
    if item.deposit is not None:
        charges.append(Charge(kind="deposit", price=item.deposit.price, quantity=item.quantity))
    return tuple(charges)


def _buyer(buyer: wire.Buyer) -> Buyer:
    email = buyer.email or None
    masked = email is not None and _MASK in email.lower()
    address = buyer.address
    return Buyer(
        external_id=buyer.id,
        login=buyer.login,
        email=email,
        email_key=_email_key(email, masked) if email else None,
        email_masked=masked,
        first_name=buyer.first_name,
        last_name=buyer.last_name,
        company=buyer.company_name,
        phone=buyer.phone_number,
        language=buyer.preferences.language if buyer.preferences else None,
        national_id=buyer.personal_identity,
        guest=bool(buyer.guest),
        address=_address(
            first_name=buyer.first_name,
            last_name=buyer.last_name,
            company=buyer.company_name,
            street=address.street,
            postcode=address.post_code,
            city=address.city,
            country=address.country_code,
            phone=buyer.phone_number,
        )
        if address
        else None,
    )


def _email_key(email: str, masked: bool) -> str:
    """What stays the same for a buyer: a mask changes after its plus sign with each purchase."""
    local, _, domain = email.rpartition("@")
    if masked:
        local = local.partition("+")[0]
    return f"{local}@{domain}".lower()


def _address(**parts: str | None) -> Address | None:
    """None where Allegro sends `{}`, as for pick-up points."""
    told = {name: part for name, part in parts.items() if part}
    return Address(**told) if told else None


def _delivered(address: wire.DeliveryAddress | None) -> Address | None:
    if address is None:
        return None
    return _address(
        first_name=address.first_name,
        last_name=address.last_name,
        company=address.company_name,
        street=address.street,
        postcode=address.zip_code,
        city=address.city,
        country=address.country_code,
        phone=address.phone_number,
    )


def _shipping(delivery: wire.Delivery) -> Shipping:
    method, point, time = delivery.method, delivery.pickup_point, delivery.time
    dispatch = time.dispatch if time else None
    return Shipping(
        method_id=method.id if method else None,
        method=method.name if method else None,
        cost=delivery.cost,
        address=_delivered(delivery.address),
        pickup_point=PickupPoint(
            id=point.id, name=point.name, description=point.description, address=_delivered(point.address)
        )
        if point and point.id
        else None,
        dispatch_from=_maybe_utc(dispatch.from_) if dispatch else None,
        dispatch_by=_maybe_utc(dispatch.to) if dispatch else None,
        deliver_from=_maybe_utc(time.from_) if time else None,
        deliver_by=_maybe_utc(time.to) if time else None,
        address_changed_at=_maybe_utc(delivery.address.modified_at) if delivery.address else None,
        packages=delivery.calculated_number_of_packages,
        subscription=bool(delivery.smart),
    )


def _payment(payment: wire.Payment) -> Payment:
    kind = PAYMENTS.get(payment.type, PaymentType.UNKNOWN)
    return Payment(
        type=kind,
        external_type=payment.type,
        external_id=payment.id,
        provider=payment.provider,
        paid=payment.paid_amount,
        # For cash on delivery it only says when the form was handed in, not that anybody paid.
        finished_at=None if kind is PaymentType.CASH_ON_DELIVERY else _maybe_utc(payment.finished_at),
        features=tuple(payment.features or ()),
        reimbursed=payment.reconciliation,
    )


def _invoice(invoice: wire.Invoice | None) -> InvoiceParty | None:
    if invoice is None or not invoice.required:
        return None
    address = invoice.address
    if address is None:
        return InvoiceParty(address=Address())
    company, person = address.company, address.natural_person
    party = _address(
        first_name=person.first_name if person else None,
        last_name=person.last_name if person else None,
        company=company.name if company else None,
        street=address.street,
        postcode=address.zip_code,
        city=address.city,
        country=address.country_code,
    )
    return InvoiceParty(
        address=party or Address(),
        tax_ids=_tax_ids(company, address.country_code) if company else (),
        vat_payer=_VAT_PAYER.get(company.vat_payer_status or "") if company else None,
    )


def _tax_ids(company: wire.Company, country: str | None) -> tuple[TaxId, ...]:
    if company.ids:
        return tuple(tax_id(one.type, one.value) for one in company.ids)
    if company.tax_id:
        # The field from before the kinds were given: in Poland it can only be one.
        return (tax_id("PL_NIP" if country == "PL" else "OTHER", company.tax_id),)
    return ()


def _extra(form: wire.Form) -> dict[str, str]:
    extra: dict[str, str] = {}
    if form.delivery and form.delivery.cancellation and form.delivery.cancellation.date:
        extra["delivery_cancelled_at"] = _utc(form.delivery.cancellation.date).isoformat()
    if form.invoice and form.invoice.due_date:
        extra["invoice_due"] = form.invoice.due_date
    if form.invoice and form.invoice.features:
        extra["invoice_features"] = ", ".join(form.invoice.features)
    return extra
