"""The net amounts, checked against the simulated shop's own arithmetic, which shares no code with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olhubd.model import Charge, Discount, Line, Shipping
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_kit.simulators.woocommerce.arithmetic import PricedRow, TaxScheme, sums
from olhubd_woocommerce.connector import WooCommerce
from olhubd_woocommerce.pricing import PricedPart, PriceKind, PricingRules, Rate, price, shop_total
from tests.plugins.woocommerce.orders import line, open_shop, pln, push_of

PERCENTS = ("23", "8", "5", "20", "19", "27", "0", "21", "5.5", "12.345", "25")
RATES = {name: (Rate(number, Decimal(name)),) for number, name in enumerate(PERCENTS)}
ROWS: list[dict[str, Any]] = [
    {"id": number, "country": "", "class": name, "rate": name, "priority": 1, "compound": False, "shipping": True}
    | {"order": number}
    for number, name in enumerate(PERCENTS)
]
KINDS = {PriceKind.LINE: "line", PriceKind.FEE: "fee", PriceKind.SHIPPING: "shipping"}

groszy = st.one_of(st.integers(0, 60), st.integers(1, 200_000)).map(lambda n: Decimal(n) / 100)
classes = st.sampled_from(PERCENTS)


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[PricedPart], str]:
    """The rows of an order and the shop's class for shipping."""
    way = draw(classes)
    first = draw(groszy.filter(bool))
    amounts = [first, *draw(st.lists(groszy, max_size=4))]
    parts = [
        PricedPart(PriceKind.LINE, amount, RATES[name], name) for amount in amounts for name in [draw(classes)]
    ]
    if draw(st.booleans()):
        parts.append(PricedPart(PriceKind.SHIPPING, draw(groszy), RATES[way], way))
    for amount in draw(st.lists(groszy, max_size=2)):
        name = draw(st.one_of(st.none(), classes))
        parts.append(PricedPart(PriceKind.FEE, amount, RATES[name] if name else (), name))
    whole = sum((part.gross for part in parts), Decimal(0))
    if draw(st.booleans()) and whole > Decimal("0.10"):
        parts.append(PricedPart(PriceKind.FEE, -(whole * draw(st.integers(1, 60)) / 100).quantize(Decimal("0.01"))))
    return parts, way


@settings(max_examples=400)
@given(order=orders(), at_subtotal=st.booleans(), inclusive=st.booleans())
def test_the_shop_arrives_at_what_the_buyer_paid(
    order: tuple[list[PricedPart], str], at_subtotal: bool, inclusive: bool
) -> None:
    """FWD-07: whatever the rates, roundings and amounts, to the grosz."""
    parts, way = order
    rules = PricingRules(taxed=True, at_subtotal=at_subtotal, half_down=inclusive)
    priced = price(parts, rules, RATES)
    assert priced is not None
    assert Decimal(0) <= priced.rounding <= Decimal("0.05")
    rows = [*parts, PricedPart(PriceKind.FEE, priced.rounding)] if priced.rounding else parts
    nets = [*priced.nets, priced.rounding] if priced.rounding else priced.nets
    items = [
        PricedRow(
            kind=KINDS[part.kind],
            total=float(f"{net:f}"),
            subtotal=float(f"{net:f}"),
            tax_class=part.tax_class or "",
            taxable=part.tax_class is not None,
        )
        for part, net in zip(rows, nets, strict=True)
    ]
    scheme = TaxScheme(
        prices_include_tax=inclusive, at_subtotal=at_subtotal, shipping_class=way, classes=PERCENTS, rates=ROWS
    )
    paid = sum(part.gross for part in parts)
    assert Decimal(f"{sums(items, scheme, 'PL').total:.2f}") == paid
    assert shop_total(rows, nets, rules, RATES) == paid


def test_without_taxes_gross_goes_as_it_is() -> None:
    parts = [PricedPart(PriceKind.LINE, Decimal("3.79")), PricedPart(PriceKind.FEE, Decimal("-0.79"))]
    priced = price(parts, PricingRules(taxed=False), {})
    assert priced is not None
    assert priced.nets == [Decimal("3.79"), Decimal("-0.79")]


def test_what_one_line_cannot_reach_goes_to_a_rounding_fee() -> None:
    """At 20 % and half up no net amount gives 0.03: 0.02 bears no tax and 0.03 bears one grosz of it."""
    priced = price(
        [PricedPart(PriceKind.LINE, Decimal("0.03"), RATES["20"], "20")], PricingRules(taxed=True), RATES
    )
    assert priced is not None
    assert priced.rounding == Decimal("0.01")


def test_a_shop_without_groszy_is_refused() -> None:
    assert price([PricedPart(PriceKind.LINE, Decimal("9.99"))], PricingRules(taxed=True, decimals=0), {}) is None


def test_compound_rates() -> None:
    rates = (Rate(1, Decimal(5)), Rate(2, Decimal("9.975"), compound=True))
    for amount in ("0.07", "12.34", "999.99"):
        parts = [PricedPart(PriceKind.LINE, Decimal(amount), rates, "")]
        priced = price(parts, PricingRules(taxed=True), {"": rates})
        assert priced is not None
        rows = [*parts, PricedPart(PriceKind.FEE, priced.rounding)]
        assert shop_total(rows, [*priced.nets, priced.rounding], PricingRules(taxed=True), {"": rates}) == Decimal(
            amount
        )


SKUS = ("KUB-BIA", "MIO-LIP", "SAD-LAW", "POW-10K", "NOT-THERE", None)


@pytest.mark.parametrize("at_subtotal", [False, True])
async def test_pushed_orders_cost_what_they_cost(at_subtotal: bool) -> None:
    """FWD-07: the same through HTTP, with services, deposits, surcharges and discounts."""
    simulator = WooCommerceSimulator(
        scheme=TaxScheme(rates=WooCommerceSimulator().scheme.rates, at_subtotal=at_subtotal)
    )

    async def check(shop: WooCommerce, number: int) -> None:
        lines: list[Line] = []
        for i in range(1 + number % 4):
            services = (Charge(kind="service", price=pln(f"{number % 9}.{i}7")),) if (number + i) % 5 == 0 else ()
            price_ = f"{(number * 37 + i * 101) % 300}.{(number * 7 + i) % 100:02}"
            sku = SKUS[(number + i) % len(SKUS)]
            lines.append(line(f"{number}-{i}", price_, 1 + (number + i) % 7, sku=sku, charges=services))
        push = push_of(
            f"N{number}",
            lines=tuple(lines),
            shipping=Shipping(method="X", cost=pln(f"{number % 20}.{number % 10}9")),
            discounts=(Discount(kind="coupon", amount=pln(f"0.{1 + number % 99:02}")),) if number % 3 == 0 else (),
            cod=number % 2 == 0,
        )
        receipt = await shop.push_order(push)
        assert receipt.total == push.order.total
        entry = next(e for e in simulator.books() if e.external_id == receipt.external_id)
        assert entry.total == push.order.total

    async with open_shop(simulator) as shop:
        for number in range(60):
            await check(shop, number)
