"""Prices into a WooCommerce shop, and what its buyers pay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from olhubd.model import Money, Offer, code_of
from olhubd.plugin import OutcomeUnknown, PriceCall, PriceWish, Rejected, RowOutcome
from olhubd_kit import conformance
from olhubd_kit.conformance import Rule, RuleVerdict
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from olhubd_woocommerce.connector import WooCommerce
from olhubd_woocommerce.gross import gross_of, net_for
from olhubd_woocommerce.pricing import PricingRules
from tests.plugins.woocommerce.orders import pln

WHITE, BLACK, PLATE = "100:101", "100:102", "103"


def call(*offers: str, price: str = "12.30", currency: str = "PLN") -> PriceCall:
    return PriceCall(action="set", offers=offers, price=Money(Decimal(price), currency))


async def write(shop: WooCommerce, wanted: PriceCall) -> dict[str, RowOutcome]:
    rows = await shop.prices.write_prices("1", wanted)
    assert isinstance(rows, Sequence)
    return {row.offer: row for row in rows}


async def shown(shop: WooCommerce, *offers: str) -> dict[str, Money | None]:
    return {one.offer: one.price for one in await shop.prices.read_prices(offers)}


def row(simulator: WooCommerceSimulator, offer: str) -> dict[str, Any]:
    return simulator.catalogue.products[int(offer.rpartition(":")[2])]


class NetShop(WooCommerceSimulator):
    """A shop that keeps its prices without tax."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.scheme.prices_include_tax = False


PRICE_RULES = [rule for rule in conformance.concerning(WooCommerce) if rule.family == "PRICE"]


@pytest.mark.parametrize("rule", PRICE_RULES, ids=[rule.id for rule in PRICE_RULES])
def test_the_rules_of_prices_hold_where_prices_are_kept_without_tax(rule: Rule) -> None:
    result = asyncio.run(conformance.try_rule(rule, WooCommerce, NetShop))
    assert result.verdict is not RuleVerdict.FAIL, result.reason


def test_a_call_holds_one_price_of_one_list(shop: WooCommerce) -> None:
    """Products go together, a hundred at most, and variations below their own parent."""
    prices = [(str(number), "9.99") for number in range(200, 350)]
    prices += [(WHITE, "9.99"), (BLACK, "9.99"), ("9:10", "9.99"), ("7", "10.00"), ("no number", "9.99")]
    wishes = [PriceWish(offer=offer, price=pln(amount), shown=pln("5")) for offer, amount in prices]
    calls = shop.prices.plan_prices(wishes)
    assert [(str(one.price), len(one.offers)) for one in calls] == [
        ("9.99 PLN", 100),
        ("9.99 PLN", 50),
        ("9.99 PLN", 2),
        ("9.99 PLN", 1),
        ("10.00 PLN", 1),
    ]
    assert calls[2].offers == (WHITE, BLACK)


def test_what_was_not_kept_again_and_again_goes_alone(shop: WooCommerce) -> None:
    """A plugin of the shop may die at one product, and what follows it in a batch is never written."""
    stuck = [PriceWish(offer=n, price=pln("3"), shown=pln("5"), refused=3) for n in ("7", "8", "9:10")]
    new = [PriceWish(offer=n, price=pln("3"), shown=pln("5"), refused=2) for n in ("11", "12")]
    calls = shop.prices.plan_prices([*stuck, *new])
    assert [one.offers for one in calls] == [("11", "12"), ("7",), ("8",), ("9:10",)]


async def test_a_variation_is_priced_below_its_parent(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    before = row(simulator, PLATE)["regular_price"]
    rows = await write(shop, call(WHITE, BLACK))
    assert {offer: one.done for offer, one in rows.items()} == {WHITE: True, BLACK: True}
    assert (row(simulator, WHITE)["regular_price"], row(simulator, PLATE)["regular_price"]) == ("12.30", before)
    assert await shown(shop, WHITE, PLATE, "999") == {WHITE: pln("12.30"), PLATE: pln(before)}


async def test_a_row_that_fails_in_an_answer_of_200_is_named_with_its_field(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    simulator.offers.fail_tasks([PLATE])
    rows = await write(shop, call(PLATE, "104", "999"))
    assert {offer: one.error for offer, one in rows.items()} == {
        PLATE: "regular_price: A plugin refuses to save this product.",
        "104": None,
        "999": "Invalid ID.",
    }
    assert simulator.offers.prices.prices()["104"] == "12.30"


@pytest.mark.parametrize(
    ("taxed", "gross", "tax_class", "kept"),
    [
        (True, True, "", "12.30"),
        (True, False, "", "10.00"),
        (True, False, "reduced-rate", "11.39"),
        (True, False, "zero-rate", "12.30"),
        (False, False, "", "12.30"),
    ],
)
async def test_a_price_is_kept_with_tax_or_without_as_the_shop_says(
    shop: WooCommerce, simulator: WooCommerceSimulator, taxed: bool, gross: bool, tax_class: str, kept: str
) -> None:
    simulator.scheme.calc_taxes, simulator.scheme.prices_include_tax = taxed, gross
    row(simulator, PLATE)["tax_class"] = tax_class
    assert (await write(shop, call(PLATE)))[PLATE].done
    assert row(simulator, PLATE)["regular_price"] == kept
    assert simulator.offers.prices.prices()[PLATE] == "12.30"
    assert await shown(shop, PLATE) == {PLATE: pln("12.30")}


async def test_a_switch_of_the_shop_is_known_before_anything_is_written(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    """A price that is kept without tax and written with it would be a fifth too high."""
    await shop.offers.read([PLATE])
    simulator.scheme.prices_include_tax = False
    assert (await write(shop, call(PLATE)))[PLATE].done
    assert simulator.offers.prices.prices()[PLATE] == "12.30"


async def test_without_one_tax_nothing_is_made_net(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    simulator.scheme.prices_include_tax = False
    row(simulator, PLATE)["tax_class"] = "gone"
    rows = await write(shop, call(PLATE, "104", "999"))
    codes = {offer: code_of(one.error) for offer, one in rows.items()}
    assert codes == {
        PLATE: "olhubd_woocommerce:price-tax",
        "104": None,
        "999": "olhubd_woocommerce:no-offer",
    }
    assert (rows["104"].done, str(rows[PLATE].error).startswith("tax_class: ")) == (True, True)
    assert await shown(shop, PLATE) == {PLATE: None}


@pytest.mark.parametrize(
    ("decimals", "price", "currency", "field"),
    [
        (2, "12.30", "EUR", "woocommerce_currency"),
        (0, "12.30", "PLN", "woocommerce_price_num_decimals"),
        (1, "12.34", "PLN", "woocommerce_price_num_decimals"),
    ],
)
async def test_what_the_shop_cannot_show_is_refused_with_the_setting(
    shop: WooCommerce,
    simulator: WooCommerceSimulator,
    decimals: int,
    price: str,
    currency: str,
    field: str,
) -> None:
    simulator.scheme.decimals = decimals
    before = row(simulator, PLATE)["regular_price"]
    with pytest.raises(Rejected, match=field) as refusal:
        await shop.prices.write_prices("1", call(PLATE, price=price, currency=currency))
    assert refusal.value.field == field
    assert row(simulator, PLATE)["regular_price"] == before


async def test_whole_prices_go_to_a_shop_without_decimals(
    shop: WooCommerce, simulator: WooCommerceSimulator
) -> None:
    simulator.scheme.decimals = 0
    assert (await write(shop, call(PLATE, price="12.00")))[PLATE].done
    assert await shown(shop, PLATE) == {PLATE: pln("12.00")}


async def test_a_reduction_is_reported_and_left_alone(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """What is read and written is the regular price; that a reduction holds now is said with the offer."""
    simulator.offers.prices.reduce_price(PLATE, "5.00")
    found = (await shop.offers.read([PLATE, "104"])).values()
    assert [one.price_rule for one in found if isinstance(one, Offer)] == ["sale_price", None]
    assert (await write(shop, call(PLATE)))[PLATE].done
    kept = row(simulator, PLATE)
    assert (kept["regular_price"], kept["sale_price"]) == ("12.30", "5.00")
    assert await shown(shop, PLATE) == {PLATE: pln("12.30")}


@pytest.mark.parametrize(
    ("since", "until", "rule"),
    [
        ("2020-01-01T00:00:00", "2099-01-01T00:00:00", "sale_price"),
        ("2099-01-01T00:00:00", None, None),
        (None, "2020-01-01T00:00:00", None),
    ],
)
async def test_a_reduction_counts_while_it_holds(
    shop: WooCommerce, simulator: WooCommerceSimulator, since: str | None, until: str | None, rule: str | None
) -> None:
    simulator.offers.prices.reduce_price(PLATE, "5.00", since, until)
    (offer,) = (await shop.offers.read([PLATE])).values()
    assert isinstance(offer, Offer)
    assert offer.price_rule == rule


async def test_what_was_answered_is_not_what_it_costs(shop: WooCommerce, simulator: WooCommerceSimulator) -> None:
    """One shop repeats what was sent and keeps nothing, another keeps something else: only reading shows it."""
    before = row(simulator, PLATE)["regular_price"]
    simulator.offers.ignore_commands(1)
    assert (await write(shop, call(PLATE)))[PLATE].done
    assert await shown(shop, PLATE) == {PLATE: pln(before)}
    simulator.offers.prices.whole_prices()
    assert (await write(shop, call(PLATE)))[PLATE].done
    assert await shown(shop, PLATE) == {PLATE: pln("13.00")}


@pytest.mark.parametrize("kind", [FaultKind.LOSE, FaultKind.HALF, FaultKind.ERROR_AFTER])
async def test_a_lost_batch_of_prices_is_looked_for_among_the_products(
    shop: WooCommerce, simulator: WooCommerceSimulator, kind: FaultKind
) -> None:
    simulator.faults.add(Fault(kind=kind, match="products/batch"))
    with pytest.raises(OutcomeUnknown):
        await shop.prices.write_prices("1", call(PLATE, "104"))
    rows = await shop.prices.report_prices("1", call(PLATE, "104"))
    assert isinstance(rows, list)
    assert [(one.offer, one.done) for one in rows] == [(PLATE, True), ("104", True)]
    simulator.offers.prices.set_prices(["104"], "7.00")
    assert await shop.prices.report_prices("1", call(PLATE, "104")) is None, "the other may still be written"
    assert shop.prices.price_late == shop.settings.settle, "PHP works on for so long"


@pytest.mark.parametrize("bent", ["12,50", [], "", None])
async def test_a_price_without_sense_costs_the_offer_nothing_else(
    shop: WooCommerce, simulator: WooCommerceSimulator, bent: object
) -> None:
    row(simulator, PLATE)["regular_price"] = bent
    (offer,) = (await shop.offers.read([PLATE])).values()
    assert isinstance(offer, Offer)
    assert (offer.price, offer.quantity) == (None, 100)
    assert await shown(shop, PLATE) == {PLATE: None}


@pytest.mark.parametrize("percent", ["23", "8", "5", "0", "19", "27", "5.5"])
@pytest.mark.parametrize("at_subtotal", [False, True])
def test_nearly_every_amount_has_a_net_price_that_comes_to_it(percent: str, at_subtotal: bool) -> None:
    rules = PricingRules(taxed=True, at_subtotal=at_subtotal)
    rate, missing = Decimal(percent), 0
    for coins in range(1, 3000):
        gross = Decimal(coins).scaleb(-2)
        net = net_for(gross, rate, rules)
        missing += net is None
        assert net is None or gross_of(net, rate, rules) == gross
    assert missing <= 3000 // 100


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-03-01T10:20:30", datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("yesterday", None),
        (17, None),
    ],
)
async def test_an_offer_says_when_it_was_made(
    shop: WooCommerce, simulator: WooCommerceSimulator, said: object, at: datetime | None
) -> None:
    """OFF-13: by which it is linked when it is listed; a wrong date costs nothing."""
    row(simulator, PLATE)["date_created_gmt"] = said
    (offer,) = (await shop.offers.read([PLATE])).values()
    assert isinstance(offer, Offer)
    assert offer.listed_at == at


@pytest.mark.parametrize(
    ("fields", "image"),
    [
        ({"images": [{"src": "https://s.example/a.jpg"}, {"src": "https://s.example/b.jpg"}]}, True),
        ({"images": []}, False),
        ({"images": False}, False),
        ({"images": [{"src": False}]}, False),
        ({"image": {"src": "https://s.example/a.jpg"}}, True),
        ({"image": "https://s.example/a.jpg"}, False),
    ],
)
async def test_an_offer_says_what_it_looks_like(
    shop: WooCommerce, simulator: WooCommerceSimulator, fields: dict[str, object], image: bool
) -> None:
    """CRD-10: a product by the first of its pictures, a variation by its own; a wrong one costs nothing."""
    row(simulator, PLATE).update(fields)
    (offer,) = (await shop.offers.read([PLATE])).values()
    assert isinstance(offer, Offer)
    assert offer.image == ("https://s.example/a.jpg" if image else None)
