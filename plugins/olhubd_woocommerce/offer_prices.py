"""Prices out, where the shop is a channel: the regular price of its products and variations, in batches.

A reduced price and its dates are another rule's, a person's or a plugin's: they are reported (`Offer.price_rule`)
and never written. Whether a price is kept with tax is a setting of the shop, which is asked for again before
writing: no product changes when somebody changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from olhubd.model import Money, Offer, Reason
from olhubd.plugin import (
    Accepted,
    Account,
    ContractBroken,
    PriceCall,
    PriceSink,
    PriceWish,
    Rejected,
    RowOutcome,
    ShownPrice,
    decode,
    done_when_shown,
)
from olhubd_woocommerce import wire
from olhubd_woocommerce.batches import grouped, write_batch
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.gross import net_for
from olhubd_woocommerce.offers import NOT_SHOWN, Offers
from olhubd_woocommerce.prices import percent_of
from olhubd_woocommerce.settings import WooCommerceSettings
from olhubd_woocommerce.taxes import TaxRules, TaxRulesReader

__all__ = ["OfferPrices"]

_SET = "set"
_FIELD = "regular_price"
_FRESH = timedelta(minutes=1)
"""For how long the settings of the shop are believed where prices are written and read back."""


class OfferPrices(PriceSink):
    """The prices of one shop's offers."""

    price_settle = timedelta(seconds=5)

    def __init__(
        self, account: Account[WooCommerceSettings], shop: Shop, offers: Offers, taxes: TaxRulesReader
    ) -> None:
        self.price_late = account.settings.settle
        self._account = account
        self._shop = shop
        self._offers = offers
        self._taxes = taxes

    def plan_prices(self, wishes: Sequence[PriceWish]) -> Sequence[PriceCall]:
        together = grouped((wish.offer, wish.price, wish.refused) for wish in wishes)
        return [
            PriceCall(action=_SET, offers=tuple(some), price=price)
            for (price, _parent), parts in together.items()
            for some in parts
        ]

    async def write_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted:
        rules = await self._rules()
        amount = _amount(call.price, rules)
        if rules.prices_include_tax:
            return await write_batch(self._shop, {offer: _change(amount) for offer in call.offers})
        changes: dict[str, Mapping[str, Any]] = {}
        failed: list[RowOutcome] = []
        rows, unsure = await self._offers.rows(call.offers)
        for offer in call.offers:
            if offer in rows:
                net = _net(rows[offer], amount, rules)
            elif offer in unsure:
                net = Reason("olhubd_woocommerce:unreadable", why=NOT_SHOWN)
            else:
                net = Reason("olhubd_woocommerce:no-offer")
            if isinstance(net, Reason):
                failed.append(RowOutcome(offer=offer, done=False, error=net))
            else:
                changes[offer] = _change(net)
        return [*await write_batch(self._shop, changes), *failed]

    async def report_prices(self, command: str, call: PriceCall) -> Sequence[RowOutcome] | Accepted | None:
        """A call has no number there: what became of one is seen of the products."""
        wanted = call.price.rounded()
        shown = await self.read_prices(call.offers)
        showing = {one.offer for one in shown if one.price is not None and one.price.rounded() == wanted}
        return done_when_shown(call.offers, showing)

    async def read_prices(self, offers: Sequence[str]) -> Sequence[ShownPrice]:
        await self._rules()
        return [
            ShownPrice(offer=offer, price=found.price if isinstance(found, Offer) else None)
            for offer, found in (await self._offers.read(offers)).items()
        ]

    async def _rules(self) -> TaxRules:
        """The shop's settings as they are now, which all that reads its offers goes by from then on."""
        return await self._account.remember("price settings", _FRESH, self._read_rules)

    async def _read_rules(self) -> TaxRules:
        return await self._taxes.book(fresh=True)


def _amount(price: Money, rules: TaxRules) -> Decimal:
    """The amount that buyers must see. Raises Rejected where the shop cannot show it to the last coin."""
    if price.currency != rules.currency:
        why = Reason("olhubd_woocommerce:price-currency", currency=price.currency, other=rules.currency)
        raise Rejected(why, field="woocommerce_currency")
    amount = price.rounded().amount
    if amount.quantize(rules.rules.unit) != amount:
        why = Reason("olhubd_woocommerce:price-decimals", price=price, decimals=rules.rules.decimals)
        raise Rejected(why, field="woocommerce_price_num_decimals")
    return amount


def _net(found: tuple[bytes, wire.ProductHead], gross: Decimal, rules: TaxRules) -> Decimal | Reason:
    """The price without tax of one row, or why it has none."""
    raw, parent = found
    try:
        row = decode(raw, wire.OfferRow)
    except ContractBroken as error:
        return Reason("olhubd_woocommerce:unreadable", why=error)
    percent = percent_of(row, parent, rules)
    if percent is None:
        return Reason("olhubd_woocommerce:price-tax", field="tax_class", tax_class=row.tax_class or "standard")
    net = net_for(gross, percent, rules.rules)
    price = Money(gross, rules.currency)
    return net if net is not None else Reason("olhubd_woocommerce:price-net", field=_FIELD, price=price)


def _change(amount: Decimal) -> Mapping[str, str]:
    return {_FIELD: f"{amount:f}"}
