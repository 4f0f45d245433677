"""What is missing to an order in the shop, decided without a shop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.model import Address, Charge, Money, Order
from olhubd.plugin import Conflict, Push, Rejected
from olhubd_kit.samples import PERSONAL, SAMPLES, sample
from olhubd_vendure import compare, wire
from olhubd_vendure.abilities import CreationAbilities, ServerAbilities
from olhubd_vendure.draft import CHOOSE, missing
from olhubd_vendure.plan import PlannedOrder, plan
from olhubd_vendure.queries import Mutation
from olhubd_vendure.settings import VendureSettings

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = VendureSettings.model_validate({"url": "http://shop.example", "api_key": "k"})
PLACEHOLDER = wire.Variant(id="999", sku="ANY")
_PLACED = ("name", "street", "city", "postcode", "country", "phone")
FULL = ServerAbilities(
    order_fields=frozenset(
        {
            "externalId",
            "imported",
            "marketplace",
            "marketplaceEmail",
            "marketplaceLogin",
            "marketplaceNote",
            "marketplaceShipping",
        }
    ),
    line_fields=frozenset({"marketplaceLineId", "marketplacePrice", "marketplaceTitle", "marketplaceOffer"}),
    variant_fields=frozenset({"ean"}),
    currency="PLN",
    lengths={"Order.externalId": 255, "Order.marketplaceLogin": 255, "OrderLine.marketplaceTitle": 1000},
)
READY = CreationAbilities(shipping={"": "7", "m": "7"}, promises=frozenset({"marketplace"}))


def wanted(
    order: Order,
    server: ServerAbilities = FULL,
    placeholder: wire.Variant | None = PLACEHOLDER,
    *,
    facilities: CreationAbilities = READY,
    settings: VendureSettings = SETTINGS,
    **options: Any,
) -> PlannedOrder:
    options = {"reference": "a:1", **options}
    push = Push(order=order, account="a", marketplace="allegro", **options)
    variants = {
        line.external_id: wire.Variant(id=f"v-{line.sku}", sku=line.sku)
        for line in order.lines
        if line.sku and line.sku != "NO-SUCH"
    }
    return plan(push, server, facilities, variants, placeholder=placeholder, settings=settings)


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

    def do(self, call: Mutation) -> None:
        assert self.editable or "Draft" not in call.name
        getattr(self, call.name)(**call.arguments)

    def make(self, order: dict[str, Any]) -> None:
        """All of it, as the server plugin does."""
        self.setOrderCustomFields({"customFields": order["customFields"]})
        self.setCustomerForDraftOrder("1", order["customer"])
        for line in order["lines"]:
            self.addItemToDraftOrder("1", line)
        self.setDraftOrderShippingAddress("1", order["shippingAddress"])
        if "billingAddress" in order:
            self.setDraftOrderBillingAddress("1", order["billingAddress"])
        self.setDraftOrderShippingMethod("1", order["shippingMethodId"])
        assert self.order.total_with_tax == order["total"]
        self.pay(order["goal"].removeprefix("Payment"))
        self.setOrderCustomFields({"customFields": {"imported": True}})

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
        self.pay("Settled")

    def addMarketplacePayment(self, input: dict[str, Any]) -> None:  # noqa: N802, A002
        assert self.order.state == "ArrangingPayment"
        self.pay("Authorized")

    def settlePayment(self, id: str) -> None:  # noqa: N802, A002
        self.pay("Settled")

    def pay(self, state: str) -> None:
        amount = self.order.total_with_tax
        payment = wire.Payment(id="p", method="m", amount=amount, state=state, created_at=AT)
        self.change(state=f"Payment{state}", payments=[payment])


def _counted(line: wire.Line, quantity: int) -> wire.Line:
    total = line.unit_price_with_tax * quantity
    return msgspec.structs.replace(
        line, quantity=quantity, line_price_with_tax=total, prorated_line_price_with_tax=total
    )


def finish(book: Book, target: PlannedOrder) -> int:
    """Carry out what is missing; how many rounds it took."""
    chosen = False
    for rounds in range(10):
        calls = missing(book.order, target, chosen)
        if not calls:
            return rounds
        for call in calls:
            book.do(call)
            chosen = chosen or call.name == CHOOSE
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
    first = missing(book.order, target)
    tries = [*cuts, *[99] * 20]
    for number, done in enumerate(tries):
        calls = missing(book.order, target)
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
    assert missing(book.order, target) == []


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
        missing(book.order, target)
    book.change(state="ArrangingPayment", shipping_with_tax=1)
    with pytest.raises(Conflict, match="not the buyer's"):
        missing(book.order, target, chosen=True)


def test_money_is_settled_promised_or_awaited() -> None:
    none = msgspec.structs.replace(READY, promises=frozenset())
    paid, cash = sample("plain", "1", AT), sample("cash-on-delivery", "1", AT)
    assert (wanted(paid).goal, wanted(paid).payment_method) == ("PaymentSettled", "online")
    assert (wanted(cash).goal, wanted(cash).payment_method) == ("PaymentAuthorized", "marketplace")
    assert wanted(cash, facilities=none).goal == "ArrangingPayment"
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


def test_services_of_a_line_cost_what_one_costs_times_their_number() -> None:
    order = sample("plain", "1", AT)
    service = Charge(kind="service", name="Gift wrap", price=Money(Decimal("2.50"), "PLN"), quantity=2)
    first = msgspec.structs.replace(order.lines[0], charges=(service,))
    total = Money(order.total.amount + 5, "PLN")
    target = wanted(msgspec.structs.replace(order, lines=(first, *order.lines[1:]), total=total))
    (item,) = [one for one in target.items if "charges" in one.field]
    assert (item.price, item.quantity, item.variant) == (250, 2, PLACEHOLDER.id)


def test_what_the_server_lacks_is_named() -> None:
    """Part of FWD-20: a free line needs a placeholder, and a server that lets it have a price."""
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


def test_the_shop_writes_to_nobody_unless_it_may() -> None:
    """Its buyers' addresses stand beside the order; what stands where it would write to leads nowhere, and is the
    same for each order of one buyer."""
    order = sample("plain", "1", AT)
    quiet, again = wanted(order), wanted(order, reference="a:2")
    made_up = quiet.customer["emailAddress"]
    assert made_up.endswith("@marketplace.invalid")
    assert made_up == again.customer["emailAddress"]
    assert order.buyer.email is not None
    typed = msgspec.structs.replace(order.buyer, email=order.buyer.email.title())
    assert made_up == wanted(msgspec.structs.replace(order, buyer=typed)).customer["emailAddress"]
    assert order.buyer.email.partition("@")[0] not in made_up
    assert quiet.fields["marketplaceEmail"] == order.buyer.email
    loud = wanted(order, settings=with_settings(notify_buyer=True))
    assert loud.customer["emailAddress"] == order.buyer.email
    assert loud.fields["marketplaceEmail"] is None


@pytest.mark.parametrize("email", ["noat", "a b@x.pl", "a@b", "a@b..pl", f"{'a' * 250}@example.com"])
def test_what_is_no_address_is_written_to_by_nobody(email: str) -> None:
    order = sample("plain", "1", AT)
    odd = msgspec.structs.replace(order, buyer=msgspec.structs.replace(order.buyer, email=email))
    found = wanted(odd, settings=with_settings(notify_buyer=True)).customer["emailAddress"]
    assert found.endswith("@marketplace.invalid")
    assert found.count("@") == 1


def with_settings(**change: Any) -> VendureSettings:
    return SETTINGS.model_copy(update=change)


def moved(order: Order, **place: Any) -> Order:
    assert order.shipping.address is not None
    address = msgspec.structs.replace(order.shipping.address, **place)
    return msgspec.structs.replace(order, shipping=msgspec.structs.replace(order.shipping, address=address))


def renamed(order: Order, **change: Any) -> Order:
    return msgspec.structs.replace(order, buyer=msgspec.structs.replace(order.buyer, **change))


CHANGES: dict[str, Callable[[Order], Order]] = {
    "recipient.street": lambda order: moved(order, street="Nowa 99"),
    "recipient.company": lambda order: moved(order, company="Nowa sp. z o.o."),
    "buyer_note": lambda order: msgspec.structs.replace(order, buyer_note="another one"),
    "buyer.email": lambda order: renamed(order, email="other@poczta.example"),
    "invoice.city": lambda order: renamed(
        order, address=msgspec.structs.replace(order.buyer.address or Address(), city="Gdynia")
    ),
    "lines": lambda order: sample("discounted", "1", AT),
}
"""What a buyer may still change, by the field that tells of it."""


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_what_changed_between_two_tries_is_in_the_order(change: str, rounds: int) -> None:
    """However far the first try came before the order was placed."""
    order = sample("plain", "1", AT)
    book = Book()
    for _ in range(rounds):
        for call in missing(book.order, wanted(order)):
            book.do(call)
    assert book.order.state == ("Draft", "Draft", "ArrangingPayment")[rounds]
    later = wanted(CHANGES[change](order))
    finish(book, later)
    assert compare.differences(book.order, later) == ()
    assert book.order.state == later.goal


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_after_the_order_was_placed_is_set_or_named(change: str) -> None:
    """It was paid for, and the answer was lost: what can be set is set, what cannot waits for a person."""
    order = sample("plain", "1", AT)
    first, later = wanted(order), wanted(CHANGES[change](order))
    book = Book()
    for _ in range(3):
        for call in missing(book.order, first):
            book.do(call)
    assert book.order.state == "PaymentSettled"
    if change == "buyer_note":
        finish(book, later)
        assert compare.differences(book.order, later) == ()
        return
    named = "not the buyer's" if change == "lines" else {"buyer.email": "buyer"}.get(change, change)
    with pytest.raises(Conflict, match=named):
        finish(book, later)
    assert book.order.custom("imported") is not True


def test_an_order_that_is_paid_between_two_tries_is_settled() -> None:
    order = sample("cash-on-delivery", "1", AT)
    book = Book()
    for _ in range(3):
        for call in missing(book.order, wanted(order)):
            book.do(call)
    assert book.order.state == "PaymentAuthorized"
    assert order.payment is not None
    paid = msgspec.structs.replace(order, payment=msgspec.structs.replace(order.payment, paid=order.total))
    finish(book, wanted(paid))
    assert compare.differences(book.order, wanted(paid)) == ()


def test_texts_are_as_long_as_the_shop_keeps_them_and_that_is_told() -> None:
    """A text that a column does not hold would be refused at each try; what marks a line is cut to another mark."""
    order = sample("plain", "1", AT)
    lines = tuple(
        msgspec.structs.replace(line, name="n" * 1200, external_id=f"{'l' * 300}{number}")
        for number, line in enumerate(order.lines)
    )
    long = renamed(
        msgspec.structs.replace(order, lines=lines), first_name="f" * 300, login="g" * 300, phone="1" * 300
    )
    assert long.payment is not None
    long = msgspec.structs.replace(long, payment=msgspec.structs.replace(long.payment, external_id="t" * 300))
    found = wanted(long, include_login=True)
    assert len({item.key for item in found.items}) == len(lines)
    assert max(len(item.key) for item in found.items) <= 255
    assert found == wanted(long, include_login=True), "and always to the same"
    assert [len(item.title) for item in found.items] == [1000] * len(lines)
    assert len(found.customer["firstName"]) == len(found.customer["phoneNumber"]) == 255
    assert len(found.fields["marketplaceLogin"]) == len(found.transaction or "") == 255
    told = {one.field for one in found.cuts}
    assert told == {
        *(f"lines[{line.external_id}].name" for line in lines),
        "buyer.first_name",
        "buyer.login",
        "buyer.phone",
        "payment.external_id",
    }
    assert all(one.cut for one in found.cuts)
    with pytest.raises(Rejected, match="mark"):
        wanted(order, reference="r" * 256)


def spoiled(order: wire.Order, **changes: Any) -> wire.Order:
    return msgspec.structs.replace(order, **changes)


def first_line(order: wire.Order, **changes: Any) -> wire.Order:
    return spoiled(order, lines=[msgspec.structs.replace(order.lines[0], **changes), *order.lines[1:]])


@pytest.mark.parametrize(
    ("spoil", "fields"),
    [
        (lambda o: spoiled(o, lines=o.lines[1:]), ["lines[line-1]"]),
        (lambda o: spoiled(o, lines=[*o.lines, o.lines[0]]), ["lines[line-1].quantity"]),
        (lambda o: first_line(o, quantity=7, order_placed_quantity=7), ["lines[line-1].quantity"]),
        (lambda o: first_line(o, unit_price_with_tax=1), ["lines[line-1].price"]),
        (lambda o: first_line(o, custom_fields={}), ["lines[line-1]", "lines"]),
        (lambda o: first_line(o, product_variant=PLACEHOLDER), ["lines[line-1].sku"]),
        (lambda o: spoiled(o, currency_code="EUR"), ["currency"]),
        (lambda o: spoiled(o, shipping_with_tax=1), ["shipping.cost"]),
        (lambda o: spoiled(o, shipping_lines=[]), ["delivery"]),
        (lambda o: spoiled(o, customer=None), ["buyer"]),
        (
            lambda o: spoiled(o, shipping_address=msgspec.structs.replace(o.shipping_address, company="Firma")),
            ["recipient.company"],
        ),
        (lambda o: spoiled(o, billing_address=None), [f"invoice.{one}" for one in _PLACED]),
        (lambda o: spoiled(o, custom_fields={**(o.custom_fields or {}), "externalId": None}), ["reference"]),
        (lambda o: spoiled(o, state="ArrangingPayment", payments=None), ["status"]),
        (lambda o: spoiled(o, payments=None), ["payment"]),
        (lambda o: spoiled(o, state="Cancelled"), ["status"]),
    ],
)
def test_what_the_shop_holds_otherwise_is_named(
    spoil: Callable[[wire.Order], wire.Order], fields: list[str]
) -> None:
    target = wanted(sample("plain", "1", AT))
    book = Book()
    finish(book, target)
    assert compare.differences(book.order, target) == ()
    found = compare.differences(spoil(book.order), target)
    assert [one.field for one in found] == fields
    text = " ".join(one.what for one in found)
    assert not any(secret in text for secret in PERSONAL)


def test_what_people_do_there_later_is_no_difference() -> None:
    """Sending, cancelling pieces, paying money back."""
    target = wanted(sample("plain", "1", AT))
    book = Book()
    finish(book, target)
    quantity = book.order.lines[0].quantity
    later = first_line(spoiled(book.order, state="Shipped"), quantity=0, order_placed_quantity=quantity)
    assert compare.differences(later, target) == ()
