"""A variant of the shop as records: what it is, what it costs, and the product that it is a variant of. Pure.

What is sold in Vendure is a variant. One of a product with options is a variant here too, one of a product without
is the product itself. A product with options is known by its own number after `product-`, since variants are
counted apart from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from olhubd.model import DEFAULT_LIST, ListPrice, Money, PriceBasis, Product, ProductKind, ProductState, Tax
from olhubd_vendure import wire_products
from olhubd_vendure.pricing import PriceTerms

__all__ = ["list_prices", "parent_product", "product"]


def product(row: wire_products.ProductVariant, ean_field: str | None) -> Product:
    """The record of a variant."""
    whole = row.product
    on_sale = row.enabled and whole.enabled
    return Product(
        external_id=row.id,
        name=row.name or whole.name or row.sku,
        kind=ProductKind.VARIANT if row.options else ProductKind.SIMPLE,
        state=ProductState.LISTED if on_sale else ProductState.PRIVATE,
        external_state=row.state,
        on_sale=on_sale,
        sku=row.sku or None,
        ean=row.ean(ean_field),
        parent_id=_key(whole) if row.options else None,
        description=whole.description or None,
        images=row.pictures or whole.pictures,
        tax=_tax(row),
        options={one.group.name: one.name for one in row.options if one.group is not None and one.group.name},
    )


def parent_product(row: wire_products.ProductVariant) -> Product:
    """The record of the product that a variant is one of."""
    whole = row.product
    return Product(
        external_id=_key(whole),
        name=whole.name,
        kind=ProductKind.PARENT,
        state=ProductState.LISTED if whole.enabled else ProductState.PRIVATE,
        external_state="enabled" if whole.enabled else "product disabled",
        on_sale=whole.enabled,
        description=whole.description or None,
        images=whole.pictures,
    )


def list_prices(row: wire_products.ProductVariant, terms: PriceTerms) -> Sequence[ListPrice]:
    """What a variant costs in each currency of its channel: in the channel's own always, if only that there is no
    price in it."""
    amounts: dict[str, Decimal | None] = {terms.currency: None}
    amounts |= {one.currency_code: Decimal(one.price).scaleb(-terms.decimals) for one in row.prices}
    return [
        ListPrice(
            item=row.id,
            price_list=DEFAULT_LIST if currency == terms.currency else currency,
            price=Money(amount, currency) if amount is not None else None,
            basis=PriceBasis.GROSS if terms.includes_tax else PriceBasis.NET,
            tax=_tax(row),
        )
        for currency, amount in amounts.items()
    ]


def _tax(row: wire_products.ProductVariant) -> Tax | None:
    return Tax(rate=row.tax_rate_applied.value) if row.tax_rate_applied is not None else None


def _key(whole: wire_products.CatalogueProduct) -> str:
    return f"product-{whole.id}"
