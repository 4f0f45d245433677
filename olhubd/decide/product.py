"""Whether what a stock master says of a product makes sense, and what of it is new."""

from __future__ import annotations

from olhubd.model import Product, ProductKind, Reason

__all__ = ["changed", "objection"]


def objection(record: Product) -> str | None:
    """Why it cannot be kept; None where it can."""
    if not record.external_id or not record.name.strip():
        return Reason("product.no-name")
    if record.parent_id == record.external_id:
        return Reason("product.own-parent")
    if record.kind is ProductKind.VARIANT and not record.parent_id:
        return Reason("product.no-parent")
    if record.kind is ProductKind.SET and (not record.parts or any(part.pieces < 1 for part in record.parts)):
        return Reason("product.parts")
    if record.weight is not None and not (record.weight.is_finite() and record.weight >= 0):
        return Reason("product.weight", weight=str(record.weight))
    return None


def changed(old: Product, new: Product) -> tuple[str, ...]:
    """The names of the fields in which they differ."""
    return tuple(name for name in Product.__struct_fields__ if getattr(old, name) != getattr(new, name))
