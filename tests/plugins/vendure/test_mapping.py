"""Vendure's orders in our words, and where a feed of them has landed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.model import Address, Fulfilment, Money, PaymentType, Stage
from olhubd.plugin import ContractBroken, Cursor
from olhubd_vendure import feed, mapping, wire
from olhubd_vendure.feed import OVERLAP, FeedCursor, StreamPosition

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def line(id_: str, price: int, quantity: int, total: int | None = None, off: int = 0) -> wire.Line:
    total = price * quantity if total is None else total
    return wire.Line(
        id=id_,
        quantity=quantity,
        order_placed_quantity=quantity,
        unit_price_with_tax=price,
        line_price_with_tax=total,
        prorated_line_price_with_tax=total - off,
        tax_rate=23.0,
        product_variant=wire.Variant(id=f"v{id_}", sku=f"SKU{id_}", name=f"Thing {id_}"),
    )


def order(state: str = "PaymentSettled", **changes: Any) -> wire.Order:
    fields: dict[str, Any] = {
        "id": "5",
        "code": "CODE5",
        "state": state,
        "active": False,
        "created_at": AT,
        "updated_at": AT,
        "order_placed_at": AT,
        "currency_code": "PLN",
        "total_with_tax": 2000 + 899,
        "shipping_with_tax": 899,
        "lines": [line("1", 1000, 2)],
        **changes,
    }
    return wire.Order(**fields)


def test_the_parts_sum_to_the_total_whatever_makes_it() -> None:
    """Promotions, surcharges and the rounding of net prices are parts of their own."""
    record = order(
        lines=[line("1", 333, 3, total=1000, off=100), line("2", 500, 1)],
        discounts=[wire.Discount(description="Ten off", amount_with_tax=-100)],
        surcharges=[wire.Surcharge(id="s", description="Gift wrap", price_with_tax=250)],
        total_with_tax=1000 + 500 - 100 + 250 + 899,
    )
    mapped = mapping.order(record)
    assert mapped.total == mapped.expected_total() == Money(Decimal("25.49"), "PLN")
    assert [discount.name for discount in mapped.discounts] == ["Ten off"]
    assert [(charge.kind, charge.price.minor()) for charge in mapped.charges] == [
        ("surcharge", 250),
        ("rounding", 1),
    ]


@pytest.mark.parametrize(
    ("state", "placed", "stage", "fulfilment"),
    [
        ("ArrangingPayment", None, Stage.PLACED, Fulfilment.NEW),
        ("PaymentAuthorized", AT, Stage.CONFIRMED, Fulfilment.NEW),
        ("PartiallyShipped", AT, Stage.CONFIRMED, Fulfilment.PROCESSING),
        ("Shipped", AT, Stage.CONFIRMED, Fulfilment.SENT),
        ("Delivered", AT, Stage.CONFIRMED, Fulfilment.DELIVERED),
        ("Cancelled", AT, Stage.CANCELLED, Fulfilment.CANCELLED),
        ("WaitingForTheMoon", AT, Stage.CONFIRMED, Fulfilment.UNKNOWN),
        ("WaitingForTheMoon", None, Stage.UNKNOWN, Fulfilment.UNKNOWN),
    ],
)
def test_states(state: str, placed: datetime | None, stage: Stage, fulfilment: Fulfilment) -> None:
    """A state of a server's own stays readable and is mapped to nothing."""
    mapped = mapping.order(order(state, order_placed_at=placed))
    assert (mapped.stage, mapped.fulfilment) == (stage, fulfilment)
    assert mapped.external_stage == mapped.external_fulfilment == state


def test_promised_money_is_not_received() -> None:
    def payment(state: str, amount: int) -> wire.Payment:
        return wire.Payment(id=state, method="cash-on-delivery", amount=amount, state=state, created_at=AT)

    promised = mapping.order(order(payments=[payment("Declined", 2899), payment("Authorized", 2899)]))
    assert promised.payment is not None
    assert promised.payment.type is PaymentType.CASH_ON_DELIVERY
    assert promised.paid.minor() == 0
    settled = mapping.order(order(payments=[payment("Settled", 2000), payment("Settled", 899)]))
    assert settled.paid == settled.total
    assert mapping.order(order(payments=None)).payment is None


@pytest.mark.parametrize(
    ("state", "told"), [("Pending", False), ("Cancelled", False), ("Shipped", True), ("Delivered", True)]
)
def test_a_parcel_is_told_when_it_is_on_its_way(state: str, told: bool) -> None:
    """One that is only prepared has a number already, and may still be given up."""
    parcel = wire.Fulfillment(id="7", state=state, method="INPOST", created_at=AT, tracking_code="620999", lines=[])
    found = mapping.order(order(fulfillments=[parcel])).shipments
    assert [shipment.waybill for shipment in found] == (["620999"] if told else [])


def test_carts_are_not_orders_and_ours_are_known() -> None:
    waiting = order("ArrangingPayment", order_placed_at=None)
    assert not mapping.concerns(waiting)
    ours = order("ArrangingPayment", order_placed_at=None, custom_fields={"externalId": "a:1"})
    assert mapping.concerns(ours)
    assert mapping.order(ours).reference == "a:1"
    assert not mapping.concerns(order("Draft", custom_fields={"externalId": "a:1"}))


@given(
    first=st.from_regex(r"\A[A-ZŁ][a-zł]{1,8}\Z"),
    last=st.from_regex(r"\A[A-ZŁ][a-zł]{1,8}\Z"),
    street=st.from_regex(r"\A[A-ZŁ][a-zł]{1,8} [0-9]{1,3}\Z"),
    company=st.none() | st.just("Gęś sp. z o.o."),
    phone=st.none() | st.just("+48 600 123 987"),
)
def test_addresses_go_there_and_back(
    first: str, last: str, street: str, company: str | None, phone: str | None
) -> None:
    ours = Address(
        first_name=first,
        last_name=last,
        company=company,
        street=street,
        postcode="31-042",
        city="Kraków",
        country="PL",
        phone=phone,
    )
    fields = mapping.postal(ours)
    theirs = wire.Address(
        full_name=fields["fullName"],
        company=fields.get("company"),
        street_line1=fields["streetLine1"],
        city=fields["city"],
        postal_code=fields["postalCode"],
        country_code=fields["countryCode"],
        phone_number=fields.get("phoneNumber"),
    )
    assert mapping.address(theirs) == ours


def test_a_cursor_survives_being_written_down() -> None:
    state = FeedCursor(StreamPosition(AT, {"1": AT}), StreamPosition(AT))
    assert feed.load(feed.save(state), FeedCursor) == state
    with pytest.raises(ContractBroken, match="not a cursor"):
        feed.load(Cursor("2026-01-01"), FeedCursor)


def test_what_lies_in_the_overlap_and_beyond_it_is_everything() -> None:
    """The server compares milliseconds, its database may keep more."""
    position = StreamPosition(AT.replace(microsecond=123_456))
    assert position.since() == {"after": (position.at - OVERLAP).isoformat()}
    assert position.overlap()["between"]["end"] == position.beyond()["after"] == "2026-01-02T03:04:05.124000+00:00"
