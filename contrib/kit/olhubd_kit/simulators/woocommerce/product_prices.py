"""What the simulated shop's products cost: by the seller, by a batch, by a reduction, or as a plugin bends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any

from olhubd_kit.simulator import Verb
from olhubd_kit.simulators.woocommerce.arithmetic import TaxScheme, round_
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue

__all__ = ["ProductPrices"]


class ProductPrices:
    """The prices of one shop's products, which `scheme` says how it keeps: with tax or without. `row_of` finds the
    product of an offer, `number_of` the other way round."""

    def __init__(
        self,
        catalogue: ProductCatalogue,
        scheme: Callable[[], TaxScheme],
        now: Callable[[], datetime],
        *,
        row_of: Callable[[str], dict[str, Any]],
        number_of: Callable[[Mapping[str, Any]], str],
    ) -> None:
        self._catalogue = catalogue
        self._scheme = scheme
        self._now = now
        self._row_of = row_of
        self._number_of = number_of
        self._whole = False

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "prices": self.prices,
            "set_prices": self.set_prices,
            "reduce_price": self.reduce_price,
            "whole_prices": self.whole_prices,
        }

    def prices(self) -> dict[str, str]:
        """What a buyer pays for each product when no reduction holds, with tax."""
        rows = (row for row in self._catalogue.products.values() if row["type"] != "variable")
        return {self._number_of(row): self._gross(row) for row in rows if row["regular_price"]}

    def set_prices(self, offers: Sequence[str], amount: str) -> None:
        """The seller types a price in at which a buyer pays this much."""
        for offer in offers:
            row = self._row_of(offer)
            self._keep(row, self._net(row, amount))

    def reduce_price(self, offer: str, amount: str, since: str | None = None, until: str | None = None) -> None:
        """A person, or a plugin, sells it at another price for a time, in GMT; an empty amount ends that."""
        dates = {"date_on_sale_from_gmt": since, "date_on_sale_to_gmt": until}
        self._row_of(offer).update(sale_price=amount, date_modified_gmt=self._at, **dates)

    def whole_prices(self, on: bool = True) -> None:
        """A plugin saves each price rounded up to whole units of the currency."""
        self._whole = on

    def take(self, row: dict[str, Any], said: Any) -> None:
        """A batch brings a regular price: a text, of which nothing is left where it is no number."""
        try:
            amount = f"{Decimal(str(said).strip()):f}"
        except InvalidOperation:
            amount = ""
        if amount and self._whole:
            amount = f"{Decimal(amount).quantize(Decimal(1), rounding=ROUND_UP)}"
        self._keep(row, amount)

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row as the shop answers it: whether it is reduced is worked out at each call."""
        return {**row, "on_sale": self._reduced(row)}

    def _keep(self, row: dict[str, Any], amount: str) -> None:
        row |= {"regular_price": amount, "price": amount, "date_modified_gmt": self._at}

    def _reduced(self, row: Mapping[str, Any]) -> bool:
        try:
            lower = float(row["sale_price"]) < float(row["regular_price"])
        except (TypeError, ValueError):
            return False
        begin, end = row["date_on_sale_from_gmt"], row["date_on_sale_to_gmt"]
        return lower and (not begin or begin <= self._at) and (not end or self._at <= end)

    def _rate(self, row: Mapping[str, Any]) -> float:
        scheme = self._scheme()
        if not scheme.calc_taxes or scheme.prices_include_tax or row["tax_status"] != "taxable":
            return 0.0
        return sum(float(one["rate"]) for one in scheme.find(scheme.base, row["tax_class"])) / 100

    def _gross(self, row: Mapping[str, Any]) -> str:
        scheme, net = self._scheme(), float(row["regular_price"])
        tax = net * self._rate(row)
        tax = tax if scheme.at_subtotal else round_(tax, scheme.decimals)
        return f"{round_(net + tax, scheme.decimals):.{scheme.decimals}f}"

    def _net(self, row: Mapping[str, Any], gross: str) -> str:
        rate = self._rate(row)
        return f"{float(gross) / (1 + rate):.4f}" if rate else gross

    @property
    def _at(self) -> str:
        return self._now().replace(tzinfo=None, microsecond=0).isoformat()
