"""Prices into a real Vendure: what its customers pay, by channel and currency, with tax and without."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from olhubd.model import Money, Offer
from olhubd.plugin import OutcomeUnknown, PriceCall, Rejected, RowOutcome
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.proxy import Proxy
from olhubd_kit.test_host import account
from olhubd_vendure import Vendure
from tests.e2e.shop import Shop, add_product
from tests.e2e.storefront import Buyer
from tests.e2e.test_vendure import now
from tests.orders import pln

pytestmark = [pytest.mark.xdist_group("vendure"), pytest.mark.proves("vendure", "real-server")]

_numbers = itertools.count(1)


def made(vendure: Shop, **variant: Any) -> tuple[str, str]:
    """A new variant at 10.00 with tax; its SKU and its id."""
    sku = f"PRICE-{next(_numbers)}"
    add_product(vendure.clerk, f"Price {sku}", sku, {"price": 1000, "trackInventory": "FALSE", **variant})
    return sku, found(vendure, sku)["id"]


def found(vendure: Shop, sku: str) -> dict[str, Any]:
    asked = """query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{
      id price priceWithTax currencyCode prices{currencyCode price}}}}"""
    (row,) = vendure.clerk.ask(asked, {"s": sku})["productVariants"]["items"]
    return dict(row)


def call(*offers: str, price: str, currency: str = "PLN") -> PriceCall:
    return PriceCall(action="set", offers=offers, price=Money(Decimal(price), currency))


async def write(shop: Vendure, wanted: PriceCall) -> dict[str, RowOutcome]:
    rows = await shop.prices.write_prices("1", wanted)
    assert isinstance(rows, Sequence)
    return {row.offer: row for row in rows}


async def shown(shop: Vendure, *offers: str) -> dict[str, Money | None]:
    return {one.offer: one.price for one in await shop.prices.read_prices(offers)}


async def test_what_is_written_is_what_a_customer_pays(vendure: Shop) -> None:
    """Another variant keeps its price; one that is not there is its own failure."""
    (sku, one), (_, other) = made(vendure), made(vendure)
    async with account(Vendure, vendure.settings()) as shop:
        rows = await write(shop, call(one, vendure.absent, price="12.37"))
        assert {offer: row.done for offer, row in rows.items()} == {one: True, vendure.absent: False}
        assert await shown(shop, one, other, vendure.absent) == {one: pln("12.37"), other: pln("10.00")}
        page = await shop.offers.sweep(now(), None)
        (offer,) = [row for row in page.records if isinstance(row, Offer) and row.external_id == one]
        assert (offer.price, offer.price_rule) == (pln("12.37"), None)
    assert found(vendure, sku)["priceWithTax"] == 1237
    buyer = Buyer(vendure)
    buyer.fill(sku, "price@shop.example")
    (line,) = buyer.ask("{activeOrder{lines{unitPriceWithTax}}}")["activeOrder"]["lines"]
    assert line["unitPriceWithTax"] == 1237


async def test_a_lost_answer_is_found_again(vendure: Shop, proxy: Proxy) -> None:
    _, one = made(vendure)
    async with account(Vendure, vendure.settings(proxy.base)) as shop:
        proxy.faults.add(Fault(kind=FaultKind.LOSE, match="SetPrices"))
        with pytest.raises(OutcomeUnknown):
            await shop.prices.write_prices("1", call(one, price="8.00"))
        rows = await shop.prices.report_prices("1", call(one, price="8.00"))
        assert isinstance(rows, Sequence)
        assert [(row.offer, row.done) for row in rows] == [(one, True)]
        assert await shop.prices.report_prices("2", call(one, price="8.01")) is None


async def test_a_price_in_another_currency_is_refused_and_nothing_is_kept(vendure: Shop) -> None:
    _, one = made(vendure)
    async with account(Vendure, vendure.settings()) as shop:
        with pytest.raises(Rejected, match="defaultCurrencyCode"):
            await shop.prices.write_prices("1", call(one, price="8.00", currency="EUR"))
        assert await shown(shop, one) == {one: pln("10.00")}


async def test_a_channel_without_tax_in_its_prices_has_its_own(vendure: Shop) -> None:
    """The same variant costs something else there, and its price in the first channel stays."""
    clerk = vendure.clerk
    sku, one = made(vendure)
    eu = next(row["id"] for row in clerk.ask("{zones{items{id name}}}")["zones"]["items"] if row["name"] == "EU")
    number = next(_numbers)
    channel = clerk.ask(
        "mutation($i:CreateChannelInput!){createChannel(input:$i){... on Channel{id}}}",
        {"i": {
            "code": f"net-{number}", "token": f"net-token-{number}", "defaultLanguageCode": "en",
            "pricesIncludeTax": False, "defaultCurrencyCode": "EUR", "availableCurrencyCodes": ["EUR", "PLN"],
            "defaultTaxZoneId": eu, "defaultShippingZoneId": eu,
        }},
    )["createChannel"]["id"]  # fmt: skip
    asked = "query($s:String!){productVariants(options:{filter:{sku:{eq:$s}}}){items{product{id}}}}"
    product = clerk.ask(asked, {"s": sku})["productVariants"]["items"][0]["product"]["id"]
    clerk.ask(
        "mutation($i:AssignProductsToChannelInput!){assignProductsToChannel(input:$i){id}}",
        {"i": {"productIds": [product], "channelId": channel}},
    )
    async with account(Vendure, vendure.settings(channel_token=f"net-token-{number}")) as shop:
        assert (await write(shop, call(one, price="12.30", currency="EUR")))[one].done
        assert await shown(shop, one) == {one: Money(Decimal("12.30"), "EUR")}
        with pytest.raises(Rejected, match="defaultCurrencyCode"):
            await shop.prices.write_prices("1", call(one, price="12.30"))
        # At 23 per cent no whole price without tax comes to this one.
        rows = await write(shop, call(one, price="12.33", currency="EUR"))
        assert (rows[one].done, str(rows[one].error).startswith("price: ")) == (False, True)
        assert await shown(shop, one) == {one: Money(Decimal("12.30"), "EUR")}
    assert found(vendure, sku)["priceWithTax"] == 1000
