"""A product or variation of the shop as a record: what it is called, what it is, and whether it is on sale."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import msgspec

from olhubd.model import Category, Product, ProductKind, ProductState, SetPart
from olhubd.plugin import decode
from olhubd_woocommerce import wire, wire_products
from olhubd_woocommerce.prices import tax_of
from olhubd_woocommerce.taxes import TaxRules

__all__ = ["FIELDS", "CatalogueRules", "is_sold", "product"]

FIELDS = (
    "id,type,name,status,sku,global_unique_id,description,weight,images,image,attributes,categories,brands,tags,"
    "bundled_items,tax_status,tax_class,date_modified_gmt"
)
_KINDS = {"variable": ProductKind.PARENT, "grouped": ProductKind.GROUP, "bundle": ProductKind.SET}
_STATES = {
    "publish": ProductState.LISTED,
    "draft": ProductState.DRAFT,
    "pending": ProductState.DRAFT,
    "future": ProductState.DRAFT,
    "private": ProductState.PRIVATE,
    "trash": ProductState.BIN,
}
_KILOGRAMS = {
    "kg": Decimal(1),
    "g": Decimal("0.001"),
    "lbs": Decimal("0.45359237"),
    "oz": Decimal("0.028349523125"),
}


class CatalogueRules(msgspec.Struct, frozen=True):
    """What decides how products are read. A tag by which products are shared is None where all are."""

    taxes: TaxRules
    weight_unit: str
    sold_states: frozenset[str]
    shared_tag: str | None


def is_sold(states: Sequence[str], sold: frozenset[str]) -> bool:
    """Whether a product is sold: it, and its parent, are in states that the settings name as sold."""
    return all(state in sold for state in states)


def product(raw: bytes, parent: wire.ProductHead, rules: CatalogueRules) -> Product:
    """The record of a row; its parent is the row itself where it is no variation. Raises ContractBroken."""
    row = decode(raw, wire_products.ProductRow)
    variant = row.id != parent.id
    state = row.status if row.status != "publish" else parent.status
    pictures = [one.src for one in (*row.images, *([row.image] if row.image is not None else []))]
    return Product(
        external_id=str(row.id),
        name=row.name or parent.name,
        kind=ProductKind.VARIANT if variant else _KINDS.get(row.type, ProductKind.SIMPLE),
        state=_STATES.get(state, ProductState.UNKNOWN),
        external_state=state,
        on_sale=is_sold((row.status, parent.status), rules.sold_states),
        shared=rules.shared_tag is None or any(rules.shared_tag in (tag.slug, tag.name) for tag in parent.tags),
        # A variation without a mark of its own reports its parent's.
        sku=(row.sku or None) if not variant or row.sku != parent.sku else None,
        ean=row.global_unique_id or None,
        parent_id=str(parent.id) if variant else None,
        parts=tuple(
            SetPart(item=str(part.product_id), pieces=max(1, part.quantity_min)) for part in row.bundled_items
        ),
        description=row.description or None,
        manufacturer=next((brand.name for brand in parent.brands if brand.name), None),
        categories=tuple(Category(external_id=str(one.id), name=one.name) for one in parent.categories),
        images=tuple(src for src in pictures if src is not None and src),
        weight=_weight(row.weight, rules.weight_unit),
        tax=tax_of(row, parent, rules.taxes),
        options={one.name: one.option for one in row.attributes if one.name and one.option} if variant else {},
    )


def _weight(text: str, unit: str) -> Decimal | None:
    """In kilograms; None where there is none, or in a unit that is not known."""
    try:
        return Decimal(text.strip()) * _KILOGRAMS[unit]
    except (InvalidOperation, KeyError):
        return None
