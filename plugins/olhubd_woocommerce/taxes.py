"""The shop's tax rules as it gives them itself: settings, classes and rates, kept for a while.

Which rates apply to a place follows the shop's own order: one rate per priority, the most particular one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fnmatch import fnmatchcase

import msgspec

from olhubd.model import Address
from olhubd.plugin import Account, ContractBroken
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.pricing import PricingRules, Rate
from olhubd_woocommerce.settings import WooCommerceSettings

__all__ = ["TaxAddress", "TaxRules", "TaxRulesReader"]

_HOUR = timedelta(hours=1)
_PICKUP = ("local_pickup", "legacy_local_pickup")


class TaxAddress(msgspec.Struct, frozen=True, gc=False):
    """Where tax is due."""

    country: str
    state: str = ""
    postcode: str = ""
    city: str = ""


class TaxRules(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides about taxes. `shipping_class` None means: that of the goods."""

    rules: PricingRules
    currency: str
    base: TaxAddress
    based_on: str = "shipping"
    classes: tuple[str, ...] = ("",)
    shipping_class: str | None = None
    rates: tuple[wire.RateRow, ...] = ()
    prices_include_tax: bool = True
    """Whether the prices of the catalogue are gross. Where nothing is taxed they are what a buyer pays."""
    local: bool = False
    """Whether some rate is for less than a whole country."""
    memory: dict[tuple[TaxAddress, str, bool], tuple[Rate, ...]] = {}

    def place(self, shipping: TaxAddress, billing: TaxAddress, method: str) -> TaxAddress:
        """The place whose rates the shop will use for an order."""
        chosen = {"shipping": shipping if shipping.country else billing, "billing": billing}.get(self.based_on)
        if chosen is None or not chosen.country or method in _PICKUP:
            return self.base
        return chosen

    def rates_at(self, place: TaxAddress, tax_class: str, shipping: bool = False) -> tuple[Rate, ...]:
        """The rates of a class there. `shipping` keeps only those that apply to the way."""
        if not self.rules.taxed:
            return ()
        if not self.local:
            place = TaxAddress(place.country)
        key = (place, tax_class, shipping)
        if key not in self.memory:
            if len(self.memory) > 2000:
                self.memory.clear()
            self.memory[key] = self._find(place, tax_class, shipping)
        return self.memory[key]

    def way_class(self, goods: Sequence[str]) -> str | None:
        """The class of the shipping, given those of the taxed goods; None when it is not taxed."""
        if self.shipping_class is not None:
            return self.shipping_class
        return next((name for name in self.classes if name in goods), None)

    def _find(self, place: TaxAddress, tax_class: str, shipping: bool) -> tuple[Rate, ...]:
        rows = [r for r in self.rates if _plain(r.tax_class) == tax_class and _covers(r, place)]
        rows.sort(
            key=lambda r: (r.priority, not r.country, not r.state, not _codes(r), not _cities(r), r.order, r.id)
        )
        found: dict[int, wire.RateRow] = {}
        for row in rows:
            found.setdefault(row.priority, row)
        return tuple(
            Rate(row.id, row.percent, row.compound) for row in found.values() if row.shipping or not shipping
        )


def _plain(tax_class: str) -> str:
    return "" if tax_class == "standard" else tax_class


def _codes(row: wire.RateRow) -> list[str]:
    return row.postcodes or ([row.postcode] if row.postcode else [])


def _cities(row: wire.RateRow) -> list[str]:
    return row.cities or ([row.city] if row.city else [])


def _covers(row: wire.RateRow, place: TaxAddress) -> bool:
    if row.country and row.country.upper() != place.country.upper():
        return False
    if row.state and row.state.upper() != place.state.upper():
        return False
    cities = [c.upper() for c in _cities(row)]
    if cities and place.city.upper() not in cities:
        return False
    codes = _codes(row)
    return not codes or any(_matches(code.upper(), place.postcode.upper()) for code in codes)


def _matches(pattern: str, postcode: str) -> bool:
    low, dots, high = (text.strip() for text in pattern.partition("..."))
    if not dots:
        return fnmatchcase(postcode, pattern) or fnmatchcase(_bare(postcode), _bare(pattern))
    bare, first, last = _bare(postcode), _bare(low), _bare(high)
    if bare.isdigit() and first.isdigit() and last.isdigit():
        return int(first) <= int(bare) <= int(last)
    return first <= bare <= last


def _bare(code: str) -> str:
    return code.replace("-", "").replace(" ", "")


class TaxRulesReader:
    """Reads the book from the shop and believes it for an hour."""

    def __init__(self, shop: Shop, account: Account[WooCommerceSettings]) -> None:
        self._shop, self._account = shop, account

    async def book(self, fresh: bool = False) -> TaxRules:
        """The rules in force; `fresh` reads them again."""
        return await self._account.remember("taxes", _HOUR, self._read, fresh=fresh)

    async def store(self) -> Address | None:
        """The address of the store, read now; None where the shop's owner has not given it."""
        general = await self._options("general")
        country, _, state = general.get("woocommerce_default_country", "").partition(":")
        lines = (general.get(f"woocommerce_store_address{line}", "").strip() for line in ("", "_2"))
        postcode = general.get("woocommerce_store_postcode", "").strip()
        city = general.get("woocommerce_store_city", "").strip()
        if not (country and postcode and city):
            return None
        street = ", ".join(filter(None, lines))
        return Address(street=street or None, postcode=postcode, city=city, region=state or None, country=country)

    async def _options(self, group: str) -> dict[str, str]:
        rows = await self._shop.get(f"/wc/v3/settings/{group}", list[wire.Option], {"_fields": "id,value"})
        return {row.id: row.value for row in rows if isinstance(row.value, str)}

    async def _read(self) -> TaxRules:
        general = await self._options("general")
        try:
            currency = general["woocommerce_currency"]
            taxed = general["woocommerce_calc_taxes"] == "yes"
            decimals = int(general.get("woocommerce_price_num_decimals", "2"))
        except (KeyError, ValueError) as error:
            raise ContractBroken("the shop's settings lack its currency or taxes", field=str(error)) from None
        country, _, state = general.get("woocommerce_default_country", "").partition(":")
        base = TaxAddress(
            country, state, general.get("woocommerce_store_postcode", ""), general.get("woocommerce_store_city", "")
        )
        if not taxed:
            return TaxRules(
                rules=PricingRules(taxed=False, decimals=decimals), currency=currency, base=base, memory={}
            )
        options = await self._options("tax")
        gross = options.get("woocommerce_prices_include_tax") == "yes"
        classes = await self._shop.get("/wc/v3/taxes/classes", list[wire.Slug])
        rates = await self._shop.all("/wc/v3/taxes", wire.RateRow)
        shipping_class = options.get("woocommerce_shipping_tax_class", "inherit")
        return TaxRules(
            rules=PricingRules(
                taxed=True,
                decimals=decimals,
                at_subtotal=options.get("woocommerce_tax_round_at_subtotal") == "yes",
                half_down=gross,
            ),
            currency=currency,
            base=base,
            based_on=options.get("woocommerce_tax_based_on", "shipping"),
            classes=tuple(_plain(c.slug) for c in classes if c.slug),
            shipping_class=None if shipping_class == "inherit" else _plain(shipping_class),
            rates=tuple(rates),
            prices_include_tax=gross,
            local=any(r.state or r.postcode or r.city or r.postcodes or r.cities for r in rates),
            memory={},
        )
