"""What is missing to an order in the shop, decided without a shop."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.model import Money, Order
from olhubd.plugin import Conflict, Push, Rejected
from olhubd.testing.samples import SAMPLES, sample
from olhubd_vendure import wire
from olhubd_vendure.draft import Plan, Server, missing, plan
from olhubd_vendure.queries import Call
from olhubd_vendure.settings import VendureSettings

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = VendureSettings.model_validate({"url": "http://shop.example", "api_key": "k"})
PLACEHOLDER = wire.Variant(id="999", sku="ANY")
FULL = Server(
    order_fields=frozenset(
        {"externalId", "imported", "marketplaceShipping", "marketplaceNote", "marketplaceLogin", "marketplace"}
    ),
    line_fields=frozenset({"marketplaceLineId", "marketplacePrice", "marketplaceTitle", "marketplaceOffer"}),
    variant_fields=frozenset({"ean"}),
    currency="PLN",
    promises=frozenset({"marketplace"}),
)


def wanted(
    order: Order, server: Server = FULL, placeholder: wire.Variant | None = PLACEHOLDER, **options: Any
) -> Plan:
    push = Push(order=order, reference="a:1", account="a", marketplace="allegro", **options)
    variants = {
        line.external_id: wire.Variant(id=f"v-{line.sku}", sku=line.sku)
        for line in order.lines
        if line.sku and line.sku != "NO-SUCH"
    }
    return plan(push, server, variants, placeholder=placeholder, shipping_method="7", settings=SETTINGS)


class Book:
    """As much of a shop as keeps one order: it does the calls it is told, as Vendure does."""

    def __init__(self) -> None:
        self.order = wire.Order(
            id="1",
            code="ABC",
            state="Draft",
            active=False,
            created_at=AT,
            updated_at=AT,
            currency_code="PLN",
            total_with_tax=0,
            shipping_with_tax=0,
            lines=[],
        )
        self._ids = 0

    def change(self, **fields: Any) -> None:
        order = msgspec.structs.replace(self.order, **fields)
        total = sum(line.line_price_with_tax for line in order.lines) + order.shipping_with_tax
        self.order = msgspec.structs.replace(order, total_with_tax=total)

    @property
    def editable(self) -> bool:
        return self.order.state in ("Draft", "AddingItems")

    def do(self, call: Call) -> None:
        assert self.editable or "Draft" not in call.name
        getattr(self, call.name)(**call.arguments)

    def setOrderCustomFields(self, input: dict[str, Any]) -> None:  # noqa: N802, A002
        self.change(custom_fields={**(self.order.custom_fields or {}), **input["customFields"]})

    def setCustomerForDraftOrder(self, orderId: str, input: dict[str, Any]) -> None:  # noqa: N802, N803, A002
        self.change(customer=wire.Customer(id="c", email_address=input["emailAddress"]))

    def addItemToDraftOrder(self, orderId: str, input: dict[str, Any]) -> None:  # noqa: N802, N803, A002
        fields = input["customFields"]
        lines = list(self.order.lines)
        for number, line in enumerate(lines):
            if line.product_variant.id == input["productVariantId"] and line.custom_fields == {
                name: fields.get(name) for name in FULL.line_fields
            }:
                lines[number] = _counted(line, line.quantity + input["quantity"])
                self.change(lines=lines)
                return
        self._ids += 1
        line = wire.Line(
            id=f"l{self._ids}",
            quantity=0,
            order_placed_quantity=0,
            unit_price_with_tax=fields["marketplacePrice"],
            line_price_with_tax=0,
            prorated_line_price_with_tax=0,
            tax_rate=23.0,
            product_variant=wire.Variant(id=input["productVariantId"], sku="?"),
            custom_fields={name: fields.get(name) for name in FULL.line_fields},
        )
        self.change(lines=[*lines, _counted(line, input["quantity"])])

    def adjustDraftOrderLine(self, orderId: str, input: dict[str, Any]) -> None:  # noqa: N802, N803, A002
        id_, quantity = input["orderLineId"], input["quantity"]
        self.change(lines=[_counted(x, quantity) if x.id == id_ else x for x in self.order.lines])

    def removeDraftOrderLine(self, orderId: str, orderLineId: str) -> None:  # noqa: N802, N803
        self.change(lines=[x for x in self.order.lines if x.id != orderLineId])

    def setDraftOrderShippingAddress(self, orderId: str, input: dict[str, str]) -> None:  # noqa: N802, N803, A002
        self.change(shipping_address=msgspec.convert(input, wire.Address))

    def setDraftOrderBillingAddress(self, orderId: str, input: dict[str, str]) -> None:  # noqa: N802, N803, A002
        self.change(billing_address=msgspec.convert(input, wire.Address))

    def setDraftOrderShippingMethod(self, orderId: str, shippingMethodId: str) -> None:  # noqa: N802, N803
        method = wire.Method(id=shippingMethodId, code="m")
        cost = self.order.custom("marketplaceShipping") or 0
        self.change(shipping_lines=[wire.ShippingLine(shipping_method=method)], shipping_with_tax=cost)

    def transitionOrderToState(self, id: str, state: str) -> None:  # noqa: N802, A002
        self.change(state=state)

    def addManualPaymentToOrder(self, input: dict[str, Any]) -> None:  # noqa: N802, A002
        assert self.order.state == "ArrangingPayment"
        self.change(state="PaymentSettled")

    def addMarketplacePayment(self, input: dict[str, Any]) -> None:  # noqa: N802, A002
        assert self.order.state == "ArrangingPayment"
        self.change(state="PaymentAuthorized")


def _counted(line: wire.Line, quantity: int) -> wire.Line:
    total = line.unit_price_with_tax * quantity
    return msgspec.structs.replace(
        line, quantity=quantity, line_price_with_tax=total, prorated_line_price_with_tax=total
    )


def finish(book: Book, target: Plan) -> int:
    """Carry out what is missing; how many rounds it took."""
    for rounds in range(10):
        calls = missing(book.order, target, FULL)
        if not calls:
            return rounds
        for call in calls:
            book.do(call)
    raise AssertionError("it never ends")


@given(
    kind=st.sampled_from(sorted(set(SAMPLES) - {"foreign", "net"})),
    cuts=st.lists(st.integers(0, 12), max_size=6),
    late=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12)), max_size=3),
)
def test_wherever_it_was_cut_the_rest_is_done_and_nothing_twice(
    kind: str, cuts: list[int], late: list[tuple[int, int]]
) -> None:
    """A try does some of what was missing. Some of the first one's calls come late: (try, call)."""
    order = sample(kind, "1", AT)
    target = wanted(order)
    book = Book()
    first = missing(book.order, target, FULL)
    tries = [*cuts, *[99] * 20]
    for number, done in enumerate(tries):
        calls = missing(book.order, target, FULL)
        if not calls:
            break
        for when, which in late:
            if when == number and which < len(first) and book.editable:
                book.do(first[which])
        for call in calls[:done]:
            book.do(call)
    else:
        raise AssertionError("it never ends")
    assert book.order.total_with_tax == order.total.minor()
    assert book.order.state == target.goal
    assert len(book.order.lines) == len(target.items)
    assert book.order.custom("imported") is True
    assert missing(book.order, target, FULL) == []


def test_four_rounds_do() -> None:
    """Content, closing, payment, the mark: each is one request."""
    assert finish(Book(), wanted(sample("serviced", "1", AT))) == 4


def test_an_order_that_somebody_moved_on_is_left_alone() -> None:
    target = wanted(sample("plain", "1", AT))
    book = Book()
    finish(book, target)
    fields = {**(book.order.custom_fields or {}), "imported": None}
    book.change(custom_fields=fields, state="Modifying")
    with pytest.raises(Conflict, match="Modifying"):
        missing(book.order, target, FULL)
    book.change(state="ArrangingPayment", shipping_with_tax=1)
    with pytest.raises(Conflict, match="not the buyer's"):
        missing(book.order, target, FULL)


def test_money_is_settled_promised_or_awaited() -> None:
    none = msgspec.structs.replace(FULL, promises=frozenset())
    paid, cash = sample("plain", "1", AT), sample("cash-on-delivery", "1", AT)
    assert (wanted(paid).goal, wanted(paid).payment_method) == ("PaymentSettled", "online")
    assert (wanted(cash).goal, wanted(cash).payment_method) == ("PaymentAuthorized", "marketplace")
    assert wanted(cash, none).goal == "ArrangingPayment"
    assert wanted(cash, status="PaymentSettled", payment_method="cod").payment_method == "cod"
    assert wanted(paid).transaction == "pay-1"
    assert wanted(paid, include_payment=False).transaction is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prices_include_tax": False}, "prices_include_tax"),
        ({"total": Money(Decimal("0.01"), "PLN")}, "total"),
        ({"total": Money(Decimal(1), "EUR")}, "currencyCode"),
    ],
)
def test_what_the_shop_could_not_hold_is_refused_before_a_call(change: dict[str, Any], field: str) -> None:
    order = msgspec.structs.replace(sample("plain", "1", AT), **change)
    with pytest.raises(Rejected) as refusal:
        wanted(order)
    assert refusal.value.field == field


def test_what_the_server_lacks_is_named() -> None:
    """FWD-20: a free line needs a placeholder, and a server that lets it have a price."""
    order = sample("free-lines", "1", AT)
    bare = msgspec.structs.replace(FULL, order_fields=frozenset(), line_fields=frozenset())
    with pytest.raises(Rejected, match="externalId and imported"):
        wanted(order, bare)
    poor = msgspec.structs.replace(FULL, line_fields=frozenset())
    with pytest.raises(Rejected, match="marketplacePrice"):
        wanted(order, poor)
    with pytest.raises(Rejected, match="placeholder_sku"):
        wanted(order, placeholder=None)
    with pytest.raises(Rejected, match="Niespodzianka, NO-SUCH"):
        wanted(order, free_lines=False)
    assert [line.line_id for line in wanted(order).unlinked] == ["line-9", "line-10"]


def test_a_buyer_without_mail_or_country_gets_neither_by_guess() -> None:
    order = sample("plain", "1", AT)
    silent = msgspec.structs.replace(order, buyer=msgspec.structs.replace(order.buyer, email=None))
    assert wanted(silent).customer["emailAddress"] == "a.1@marketplace.invalid"
    assert order.shipping.address is not None
    place = msgspec.structs.replace(order.shipping.address, country=None)
    lost = msgspec.structs.replace(order, shipping=msgspec.structs.replace(order.shipping, address=place))
    with pytest.raises(Rejected, match="country"):
        wanted(lost)
