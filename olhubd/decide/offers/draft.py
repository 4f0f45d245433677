"""What is wrong with a draft of an offer whatever marketplace it is for, and what a product says of one. Pure.

What a marketplace asks beside that, such as the parameters of a category, its connector says.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from olhubd.model import Money, OfferDraft, OfferFlaw, Product, ProductKind, Reason
from olhubd.model.check import currency, gtin
from olhubd.model.money import minor_unit

__all__ = ["filled", "flaws", "plain_description", "unsellable"]

_LONGEST_SKU = 100
_BLOCK = re.compile(r"(?i)</?(?:p|div|br|li|ul|ol|h[1-6]|tr|table|section)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_HIDDEN = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->")


def flaws(draft: OfferDraft, *, new: bool, stocked: bool, priced: bool = False) -> tuple[OfferFlaw, ...]:
    """All that is wrong with a draft. `new`: there is no such offer yet. `stocked`: its quantity comes from stock.
    `priced`: its price comes from a price list, where it is not new."""
    return tuple(_flaws(draft, new=new, stocked=stocked, priced=priced))


def _flaws(draft: OfferDraft, *, new: bool, stocked: bool, priced: bool) -> Iterator[OfferFlaw]:
    if new and (not draft.sku.strip() or draft.sku != draft.sku.strip()):
        yield _flaw("sku", Reason("making.sku-blank"))
    elif new and len(draft.sku) > _LONGEST_SKU:
        yield _flaw("sku", Reason("making.too-long", most=_LONGEST_SKU, n=len(draft.sku)))
    if draft.name is not None and not draft.name.strip():
        yield _flaw("name", Reason("making.empty"))
    if draft.ean is not None and gtin(draft.ean) is None:
        yield _flaw("ean", Reason("making.ean", ean=draft.ean))
    yield from _price(draft.price, new=new, priced=priced)
    yield from _quantity(draft.quantity, new=new, stocked=stocked)
    if draft.handling_days is not None and draft.handling_days < 0:
        yield _flaw("handling_days", Reason("making.negative", given=draft.handling_days))
    for image in draft.images:
        if not _address(image):
            yield _flaw("images", Reason("making.image-address", image=image[:200]))
    for one in draft.parameters:
        if not one.name.strip():
            yield _flaw("parameters", Reason("making.parameter-nameless"))
        elif not one.values or not all(value.strip() for value in one.values):
            yield _flaw(f"parameters.{one.name}", Reason("making.empty"))
    if new:
        if draft.ean is None and draft.product is None and (draft.name is None or draft.category is None):
            yield _flaw("ean", Reason("making.no-product"))
        if draft.tax is None:
            yield _flaw("tax", Reason("making.tax-needed"))


def _price(price: Money | None, *, new: bool, priced: bool) -> Iterator[OfferFlaw]:
    if price is None:
        if new:
            yield _flaw("price", Reason("making.needed"))
        return
    if priced and not new:
        yield _flaw("price", Reason("making.price-listed"))
    if not price.exact or price.amount <= 0:
        yield _flaw("price", Reason("making.price-zero", price=str(price.amount)))
    elif not currency(price.currency):
        yield _flaw("price", Reason("making.currency", currency=price.currency))
    elif price.amount % minor_unit(price.currency):
        yield _flaw("price", Reason("making.price-coins", price=str(price.amount)))


def _quantity(quantity: int | None, *, new: bool, stocked: bool) -> Iterator[OfferFlaw]:
    if quantity is None:
        if new and not stocked:
            yield _flaw("quantity", Reason("making.needed"))
    elif stocked:
        yield _flaw("quantity", Reason("making.quantity-stocked"))
    elif quantity < 1:
        # An offer that is there is taken off sale by ending it.
        yield _flaw("quantity", Reason("making.quantity-zero", given=quantity))


def filled(draft: OfferDraft, product: Product, price: Money | None) -> OfferDraft:
    """The draft, with what a product says where the draft says nothing."""
    tax = product.tax
    rate = None
    if tax is not None:
        rate = f"{tax.rate:f}" if tax.rate is not None else tax.exemption
    return msgspec.structs.replace(
        draft,
        name=draft.name or product.name or None,
        ean=draft.ean or product.ean or None,
        price=draft.price or price,
        description=draft.description or plain_description(product.description),
        images=draft.images or product.images,
        tax=draft.tax or rate,
    )


def unsellable(product: Product) -> Reason | None:
    """Why no offer can be made of a product itself."""
    if product.kind in (ProductKind.PARENT, ProductKind.GROUP):
        return Reason("making.parent", product=product.name)
    if not product.on_sale:
        return Reason("making.not-on-sale", product=product.name)
    return None


def plain_description(markup: str | None) -> str | None:
    """What a shop's markup says, as paragraphs alone: each marketplace allows other tags, and all allow these."""
    if markup is None:
        return None
    parted = _BLOCK.sub("\n", _HIDDEN.sub(" ", markup))
    lines = (" ".join(html.unescape(_TAG.sub(" ", line)).split()) for line in parted.split("\n"))
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines if line) or None


def _address(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname) and " " not in text


def _flaw(field: str, why: Reason) -> OfferFlaw:
    return OfferFlaw(field=field, why=why)
