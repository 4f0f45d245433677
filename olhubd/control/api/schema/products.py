"""The products of the stock masters' catalogues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text
from olhubd.control.api.schema.list_prices import ListPriceRow
from olhubd.control.api.schema.offers import OfferRow
from olhubd.control.api.schema.stock import StockItemRow
from olhubd.model import Category, ProductKind, ProductState, SetPart, Tax
from olhubd.store.products import StoredProduct

__all__ = ["ProductCard", "ProductPage", "ProductPart", "ProductRow", "ProductsFilter", "ProductsQuery"]


class ProductsFilter(RequestStruct, frozen=True, kw_only=True):
    """All that is given must fit. `text` begins the name, or is the product's number or its mark of the seller.

    `gone`: with true those that a reading of all did not have, with false those that are there. `shared`: with
    false those that their source shares no more.
    """

    account: str | None = None
    kind: ProductKind | None = None
    state: ProductState | None = None
    gone: bool | None = None
    shared: bool | None = None
    text: Text | None = None
    sku: Text | None = None
    ean: Text | None = None


class ProductsQuery(ProductsFilter, frozen=True, kw_only=True):
    """The newest first. Pages go on by `before`, the `next` of the last one; one may be short, and not the last."""

    before: Before | None = None
    limit: Limit = 50


class ProductRow(AnswerStruct, frozen=True, kw_only=True):
    """A product of the stock master `account`, as it was read last.

    `external_state` is the master's own word for `state`, `on_sale` whether it may be sold elsewhere, `parent_id`
    of a variant the number of its parent. `gone_at` is since when the master does not have it, or not share it.
    """

    id: int
    account: str
    external_id: str
    name: str
    kind: ProductKind
    state: ProductState
    external_state: str | None
    on_sale: bool
    shared: bool
    sku: str | None
    ean: str | None
    parent_id: str | None
    read_at: datetime
    gone_at: datetime | None

    @classmethod
    def of(cls, one: StoredProduct) -> ProductRow:
        record = one.record
        return cls(
            id=one.id,
            account=one.account,
            external_id=record.external_id,
            name=record.name,
            kind=record.kind,
            state=record.state,
            external_state=record.external_state,
            on_sale=record.on_sale and one.gone_at is None,
            shared=record.shared,
            sku=record.sku,
            ean=record.ean,
            parent_id=record.parent_id,
            read_at=one.read_at,
            gone_at=one.gone_at,
        )


class ProductPart(AnswerStruct, frozen=True, kw_only=True):
    """So many `pieces` of another product are in one piece of a set. `product` is None where it is not known."""

    item: str
    pieces: int
    product: ProductRow | None

    @classmethod
    def of(cls, part: SetPart, product: StoredProduct | None) -> ProductPart:
        found = ProductRow.of(product) if product is not None else None
        return cls(item=part.item, pieces=part.pieces, product=found)


class ProductCard(AnswerStruct, frozen=True, kw_only=True):
    """All that is known of one product: `prices` in the lists of its master, `stock` that is counted of it, None
    where none is, and the `offers` that sell it. `weight` is of one piece, in kilograms."""

    product: ProductRow
    parent: ProductRow | None
    variants: tuple[ProductRow, ...]
    parts: tuple[ProductPart, ...]
    description: str | None
    manufacturer: str | None
    categories: tuple[Category, ...]
    images: tuple[str, ...]
    unit: str | None
    weight: Decimal | None
    tax: Tax | None
    options: dict[str, str]
    extra: dict[str, str]
    prices: tuple[ListPriceRow, ...]
    stock: StockItemRow | None
    offers: tuple[OfferRow, ...]

    @classmethod
    def of(
        cls,
        one: StoredProduct,
        *,
        parent: StoredProduct | None,
        variants: Sequence[StoredProduct],
        parts: Sequence[ProductPart],
        prices: Sequence[ListPriceRow],
        stock: StockItemRow | None,
        offers: Sequence[OfferRow],
    ) -> ProductCard:
        record = one.record
        return cls(
            product=ProductRow.of(one),
            parent=ProductRow.of(parent) if parent is not None else None,
            variants=tuple(map(ProductRow.of, variants)),
            parts=tuple(parts),
            description=record.description,
            manufacturer=record.manufacturer,
            categories=record.categories,
            images=record.images,
            unit=record.unit,
            weight=record.weight,
            tax=record.tax,
            options=record.options,
            extra=record.extra,
            prices=tuple(prices),
            stock=stock,
            offers=tuple(offers),
        )


ProductPage = Page[ProductRow]
