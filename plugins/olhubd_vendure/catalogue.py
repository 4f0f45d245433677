"""The products of one shop, as far as lines of orders ask for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.model import Line, Reason
from olhubd.plugin import Rejected
from olhubd_vendure import queries, wire
from olhubd_vendure.shop import Shop

__all__ = ["products"]

_AT_ONCE = 100
"""How many codes are asked for in one question."""


async def products(shop: Shop, lines: Sequence[Line]) -> tuple[dict[str, wire.Variant], wire.Variant | None]:
    """The products of lines, by the line's id, found by SKU or else by EAN; and the one used for what is no
    product. Raises Rejected where more than one fits, or where the shop does not sell it."""
    stand_in = shop.settings.placeholder_sku
    ean_field = await shop.ean_field()
    skus = {line.sku for line in lines if line.sku}
    by_sku = await _variants(shop, "sku", skus | ({stand_in} if stand_in else set()), ean_field)
    rest = [line for line in lines if line.ean and line.sku not in by_sku]
    by_ean = await _variants(shop, ean_field, {line.ean for line in rest if line.ean}, ean_field)
    found = {}
    for line in lines:
        fitting = by_sku.get(line.sku or "") or by_ean.get(line.ean or "")
        if fitting is not None:
            found[line.external_id] = _only(fitting, line.sku or line.ean or "")
    placeholder = by_sku.get(stand_in) if stand_in else None
    return found, _only(placeholder, stand_in or "") if placeholder else None


async def _variants(
    shop: Shop, field: str | None, values: set[str], ean_field: str | None
) -> dict[str, list[wire.Variant]]:
    found: dict[str, list[wire.Variant]] = {}
    if field is None or not values:
        return found
    document = queries.variants(ean_field)
    wanted = sorted(values)
    for start in range(0, len(wanted), _AT_ONCE):
        only = {field: {"in": wanted[start : start + _AT_ONCE]}}
        for variant in await shop.everything(document, _VariantsAnswer, {"filter": only}):
            value = variant.sku if field == "sku" else (variant.custom_fields or {}).get(field)
            if value in values:
                found.setdefault(str(value), []).append(variant)
    return found


def _only(fitting: list[wire.Variant], code: str) -> wire.Variant:
    if len(fitting) > 1:
        raise Rejected(Reason("olhubd_vendure:one-code", n=len(fitting), code=code), field="sku")
    (variant,) = fitting
    if not variant.for_sale:
        raise Rejected(Reason("olhubd_vendure:disabled", code=code), field="sku")
    return variant


class _Variants(msgspec.Struct, rename="camel"):
    items: list[wire.Variant]
    total_items: int


class _VariantsAnswer(msgspec.Struct, rename="camel"):
    product_variants: _Variants

    @property
    def page(self) -> _Variants:
        return self.product_variants
