"""A WooCommerce order as an order of ours, and what their words mean. Pure.

Amounts are net with the tax beside them, as the shop keeps them; a shop without taxes has one price only. The sum
of the parts is the shop's total exactly: what rounding leaves over is a charge or discount of kind "rounding".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, InvalidOperation

from olhubd.model import (
    Address,
    Buyer,
    Charge,
    Discount,
    Fulfilment,
    InvoiceParty,
    Line,
    Money,
    Order,
    Payment,
    PaymentType,
    PickupPoint,
    Shipment,
    Shipping,
    Stage,
    Tax,
    check,
)
from olhubd.model.money import minor_unit, total
from olhubd.plugin import ContractBroken, Ladder
from olhubd_woocommerce import wire
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.wire import meta_value, moment

__all__ = ["LINE", "PARCELS", "REFERENCE", "STATUS_FOR", "TRACKING_ITEMS", "WAY", "parcels", "read"]

REFERENCE = "_olhubd_reference"
"""The order meta by which an order of ours is found and recognised."""
LINE = "_olhubd_line_id"
"""The item meta with the marketplace's line id."""
PARCELS = "_olhubd_parcels"
"""The order meta with the parcels attached by us, where the shop has no place of its own for them."""
TRACKING_ITEMS = "_wc_shipment_tracking_items"
"""The order meta of the Shipment Tracking plugin."""

_MEANING: Mapping[str, tuple[Stage, Fulfilment]] = {
    "pending": (Stage.PLACED, Fulfilment.NEW),
    "failed": (Stage.PLACED, Fulfilment.NEW),  # a payment that did not work; the buyer may try again
    "on-hold": (Stage.CONFIRMED, Fulfilment.NEW),
    "processing": (Stage.CONFIRMED, Fulfilment.PROCESSING),
    "completed": (Stage.CONFIRMED, Fulfilment.SENT),
    "cancelled": (Stage.CANCELLED, Fulfilment.CANCELLED),
    "refunded": (Stage.CANCELLED, Fulfilment.RETURNED),
}
STATUS_FOR: Mapping[Fulfilment, str] = {
    Fulfilment.PROCESSING: "processing",
    Fulfilment.SENT: "completed",
    Fulfilment.DELIVERED: "completed",
    Fulfilment.CANCELLED: "cancelled",
}
Percents = Mapping[str, float | None]
WAY = Ladder(("failed", "pending"), "on-hold", "processing", "completed")
"""The statuses that an order goes through; an end or a word of another plugin has no place there."""

_PAYMENTS: Mapping[str, PaymentType] = {
    "cod": PaymentType.CASH_ON_DELIVERY,
    "bacs": PaymentType.TRANSFER,
    "stripe": PaymentType.ONLINE,
    "woocommerce_payments": PaymentType.ONLINE,
    "ppcp": PaymentType.ONLINE,
    "paypal": PaymentType.ONLINE,
    "przelewy24": PaymentType.ONLINE,
    "p24": PaymentType.ONLINE,
    "payu": PaymentType.ONLINE,
    "tpay": PaymentType.ONLINE,
    "blik": PaymentType.ONLINE,
    "bluemedia": PaymentType.ONLINE,
    "autopay": PaymentType.ONLINE,
    "imoje": PaymentType.ONLINE,
    "dotpay": PaymentType.ONLINE,
}
"""By the beginning of the gateway's id."""


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text or "0")
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise ContractBroken("an amount is not a number")
    return amount


def _told(text: str) -> Decimal:
    """An amount beside the matter: nothing where it is no number."""
    try:
        return _amount(text)
    except ContractBroken:
        return Decimal(0)


def read(order: wire.Order, settings: WooCommerceSettings, shipments: Iterable[Shipment] = ()) -> Order:
    """Their order as ours; `shipments` are parcels read elsewhere. Raises ContractBroken for one without sense."""
    if order.date_created_gmt is None:
        raise ContractBroken("the order has no date")
    stage, fulfilment = _state(order.status, settings)
    currency = order.currency
    taxed = _amount(order.total_tax) != 0
    percents = {str(row.rate_id): row.rate_percent for row in order.tax_lines}
    # A line below nothing is what the seller gives for an old thing, or a deposit that comes back.
    lines = tuple(_line(item, currency, percents) for item in order.line_items if _amount(item.total) >= 0)
    charges = [_charge(fee, currency) for fee in order.fee_lines if _amount(fee.total) > 0]
    discounts = [_discount(fee, currency) for fee in order.fee_lines if _amount(fee.total) < 0]
    discounts += [_given(item, currency) for item in order.line_items if _amount(item.total) < 0]
    discounts += [Discount(kind="coupon", name=coupon.code) for coupon in order.coupon_lines]
    shipping = _shipping(order, settings)
    tax = Money(_amount(order.total_tax), currency) if taxed else None
    whole = Money(_amount(order.total), currency)
    _settle(whole, lines, shipping, tax, charges, discounts)
    return Order(
        external_id=str(order.id),
        number=order.number or str(order.id),
        revision=order.date_modified_gmt,
        placed_at=moment(order.date_created_gmt),
        updated_at=moment(order.date_modified_gmt) if order.date_modified_gmt else None,
        stage=stage,
        external_stage=order.status,
        fulfilment=fulfilment,
        external_fulfilment=order.status,
        lines=lines,
        total=whole,
        buyer=_buyer(order),
        invoice=_invoice(order, settings),
        shipping=shipping,
        payment=_payment(order, whole, settings),
        charges=tuple(charges),
        discounts=tuple(discounts),
        shipments=_unique([*shipments, *parcels(order.meta_data, settings)]),
        prices_include_tax=not taxed,
        tax=tax,
        buyer_note=order.customer_note or None,
        reference=meta_value(order.meta_data, REFERENCE),
        extra=_extra(order),
    )


def _state(status: str, settings: WooCommerceSettings) -> tuple[Stage, Fulfilment]:
    if status in settings.fulfilments:
        fulfilment = settings.fulfilments[status]
        return Stage.CANCELLED if fulfilment is Fulfilment.CANCELLED else Stage.CONFIRMED, fulfilment
    return _MEANING.get(status, (Stage.UNKNOWN, Fulfilment.UNKNOWN))


def _settle(
    whole: Money,
    lines: Sequence[Line],
    shipping: Shipping,
    tax: Money | None,
    charges: list[Charge],
    discounts: list[Discount],
) -> None:
    """Name what rounding leaves between the parts and the total. More than rounding is left for the host to see."""
    parts = [line.sum for line in lines] + [c.price * c.quantity for c in charges]
    parts += [part for part in (shipping.cost, tax) if part is not None]
    parts += [-d.amount for d in discounts if d.amount is not None]
    rest = whole - total(parts, whole.currency)
    if not rest.amount or abs(rest.amount) > minor_unit(whole.currency) * (len(parts) + 1):
        return
    if rest.amount > 0:
        charges.append(Charge(kind="rounding", price=rest))
    else:
        discounts.append(Discount(kind="rounding", amount=-rest))


def _line(item: wire.Item, currency: str, percents: Percents) -> Line:
    whole, full = _amount(item.total), _told(item.subtotal)
    pieces, name, extra = _pieces(item)
    if line := meta_value(item.meta_data, LINE):
        extra["line"] = line
    price = _each(whole, pieces, currency)
    rest = whole - price * pieces
    codes = (item.product_id, item.variation_id)
    return Line(
        external_id=str(item.id),
        name=name,
        quantity=pieces,
        price=Money(price, currency),
        original_price=Money(_each(full, pieces, currency), currency) if full > whole else None,
        sku=item.sku or None,
        ean=item.global_unique_id or None,
        offer_id=_offer(item),
        product_ids=tuple(str(code) for code in codes if code),
        tax=_tax(item, percents),
        charges=(Charge(kind="rounding", price=Money(rest, currency)),) if rest else (),
        image=item.image.src if item.image is not None else None,
        extra=extra,
    )


def _offer(item: wire.Item) -> str | None:
    """What was bought, by the number of its offer; None where it is no product of the shop any more."""
    if not item.product_id:
        return None
    return wire.offer_number(item.variation_id or item.product_id, item.product_id)


def _pieces(item: wire.Item) -> tuple[int, str, dict[str, str]]:
    """How many pieces, under which name. What is sold by weight or length is one piece whose name says how much
    it is."""
    quantity = item.quantity
    if not quantity.is_finite():
        raise ContractBroken("a quantity is not a number")
    if quantity == quantity.to_integral_value():
        return int(quantity) or 1, item.name, {}
    text = f"{quantity.normalize():f}"
    return 1, f"{text} x {item.name}", {"quantity": text}


def _each(whole: Decimal, pieces: int, currency: str) -> Decimal:
    """The price of one piece: exact where six places allow it, else in whole minor units, rounded down."""
    unit = minor_unit(currency)
    exact = (whole / pieces).quantize(Decimal("0.000001"), rounding=ROUND_DOWN)
    if exact * pieces != whole:
        return (whole / pieces).quantize(unit, rounding=ROUND_DOWN)
    short = exact.quantize(unit, rounding=ROUND_DOWN)
    return short if short == exact else exact.normalize()


def _tax(item: wire.Item, percents: Percents) -> Tax | None:
    """The rate, where the shop gives one single rate."""
    known = [percents.get(str(applied.id)) for applied in item.taxes if applied.total]
    if len(known) != 1 or known[0] is None:
        return None
    return Tax(rate=Decimal(str(known[0])).normalize() + 0)


def _charge(fee: wire.Fee, currency: str) -> Charge:
    return Charge(kind="fee", price=Money(_amount(fee.total), currency), name=fee.name, external_id=str(fee.id))


def _discount(fee: wire.Fee, currency: str) -> Discount:
    return Discount(kind="fee", amount=Money(-_amount(fee.total), currency), name=fee.name)


def _given(item: wire.Item, currency: str) -> Discount:
    return Discount(kind="line", amount=Money(-_amount(item.total), currency), name=item.name)


def _shipping(order: wire.Order, settings: WooCommerceSettings) -> Shipping:
    rows = order.shipping_lines
    first = rows[0] if rows else None
    method = first.method_id if first is not None else None
    if first is not None and method and first.instance_id and first.instance_id != "0":
        method = f"{method}:{first.instance_id}"
    point = meta_value(order.meta_data, settings.pickup_point_key)
    for row in rows:
        point = point or meta_value(row.meta_data, settings.pickup_point_key)
    return Shipping(
        method_id=method or None,
        method=(first.method_title or None) if first is not None else None,
        cost=Money(sum((_amount(row.total) for row in rows), Decimal(0)), order.currency) if rows else None,
        address=_address(order.shipping) or _address(order.billing),
        pickup_point=PickupPoint(id=point) if point else None,
    )


def _address(row: wire.Address) -> Address | None:
    if not (row.address_1 or row.city or row.postcode or row.last_name or row.company):
        return None
    street = " ".join(part for part in (row.address_1.strip(), row.address_2.strip()) if part)
    return Address(
        first_name=row.first_name or None,
        last_name=row.last_name or None,
        company=row.company or None,
        street=street or None,
        postcode=row.postcode or None,
        city=row.city or None,
        region=row.state or None,
        country=row.country or None,
        phone=row.phone or None,
    )


def _buyer(order: wire.Order) -> Buyer:
    row = order.billing
    return Buyer(
        external_id=str(order.customer_id) if order.customer_id else None,
        email=row.email or None,
        email_key=row.email.strip().lower() or None,
        first_name=row.first_name or None,
        last_name=row.last_name or None,
        company=row.company or None,
        phone=row.phone or None,
        guest=not order.customer_id,
        address=_address(row),
    )


def _invoice(order: wire.Order, settings: WooCommerceSettings) -> InvoiceParty | None:
    address = _address(order.billing)
    number = meta_value(order.meta_data, settings.tax_id_key)
    if address is None or not (number or address.company):
        return None
    kind = "PL_NIP" if address.country in (None, "PL") else "VAT_EU"
    return InvoiceParty(address=address, tax_ids=(check.tax_id(kind, number),) if number else ())


def _payment(order: wire.Order, whole: Money, settings: WooCommerceSettings) -> Payment:
    method = order.payment_method
    kind = settings.payments.get(method)
    if kind is None:
        found = (kind for prefix, kind in _PAYMENTS.items() if method.startswith(prefix))
        kind = next(found, PaymentType.UNKNOWN)
    paid = order.date_paid_gmt is not None
    return Payment(
        type=kind,
        external_type=method or None,
        external_id=order.transaction_id or None,
        provider=order.payment_method_title or None,
        paid=whole if paid else Money(Decimal(0), order.currency),
        finished_at=moment(order.date_paid_gmt) if order.date_paid_gmt else None,
    )


def _extra(order: wire.Order) -> dict[str, str]:
    extra = {"created_via": order.created_via} if order.created_via else {}
    refunded = sum((abs(_told(refund.total)) for refund in order.refunds), Decimal(0))
    if refunded:
        extra["refunded"] = str(refunded)
    return extra


def parcels(rows: list[wire.Meta], settings: WooCommerceSettings) -> list[Shipment]:
    """The parcels in the order's meta: ours, the tracking plugin's, and what somebody typed in."""
    found: list[Shipment] = []
    for row in rows:
        if row.key in (PARCELS, TRACKING_ITEMS) and isinstance(row.value, list):
            found += [shipment for entry in row.value if (shipment := _entry(entry)) is not None]
    typed = meta_value(rows, settings.tracking_number_key)
    carrier = meta_value(rows, settings.tracking_carrier_key) or ""
    known = {shipment.key[1] for shipment in found}
    for number in re.split(r"[,;\n]+", typed or ""):
        shipment = Shipment(waybill=number.strip(), carrier=carrier)
        if number.strip() and shipment.key[1] not in known:
            found.append(shipment)
    return found


def _entry(entry: object) -> Shipment | None:
    if not isinstance(entry, dict):
        return None
    number = str(entry.get("tracking_number") or "").strip()
    carrier = str(entry.get("tracking_provider") or entry.get("custom_tracking_provider") or "")
    url = entry.get("custom_tracking_link") or None
    return Shipment(waybill=number, carrier=carrier, url=str(url) if url else None) if number else None


def _unique(shipments: Iterable[Shipment]) -> tuple[Shipment, ...]:
    kept: dict[tuple[str, str], Shipment] = {}
    for shipment in shipments:
        kept.setdefault(shipment.key, shipment)
    return tuple(kept.values())
