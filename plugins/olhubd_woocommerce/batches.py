"""Batches: one field of up to a hundred products, or variations of one parent, written in one call.

The shop does it at once, and its answer of 200 may hold rows that failed. A call has no number there: what became
of one whose answer was lost is asked of the products themselves.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from olhubd.plugin import ContractBroken, OutcomeUnknown, RowOutcome
from olhubd_woocommerce import wire
from olhubd_woocommerce.client import Shop
from olhubd_woocommerce.goods import PRODUCTS
from olhubd_woocommerce.offers import place

__all__ = ["grouped", "write_batch"]

_MOST = 100
"""Rows in one batch; a shop refuses more unless it is set to take them."""
_ALONE = 3
"""After so many writes that were not kept a row goes alone: the shop may break down at it, or at one before it."""

V = TypeVar("V", bound=Hashable)


def grouped(wanted: Iterable[tuple[str, V, int]]) -> Mapping[tuple[V, int], Sequence[Sequence[str]]]:
    """The offers that one call can write: those of one value below one parent (0 for products), in parts that fit.
    Each comes with how often it was refused. What is no offer's number is left out."""
    together: dict[tuple[V, int], list[str]] = {}
    alone: dict[tuple[V, int], list[list[str]]] = {}
    for offer, value, refused in wanted:
        found = place(offer)
        if found is None:
            continue
        if refused < _ALONE:
            together.setdefault((value, found[0]), []).append(offer)
        else:
            alone.setdefault((value, found[0]), []).append([offer])
    parts: dict[tuple[V, int], list[list[str]]] = {
        key: [some[at : at + _MOST] for at in range(0, len(some), _MOST)] for key, some in together.items()
    }
    for key, some in alone.items():
        parts.setdefault(key, []).extend(some)
    return parts


async def write_batch(shop: Shop, changes: Mapping[str, Mapping[str, Any]]) -> list[RowOutcome]:
    """Write these fields of each offer, all below one parent, and give what the shop says of each. A row that it
    does not name is not in the answer. Raises OutcomeUnknown where it may be done or not."""
    if not changes:
        return []
    known = {found[1]: offer for offer in changes if (found := place(offer)) is not None}
    parent = next(iter(changes)).rpartition(":")[0]
    path = f"{PRODUCTS}/{parent}/variations/batch" if parent else f"{PRODUCTS}/batch"
    body: dict[str, Any] = {"update": [{"id": own, **changes[offer]} for own, offer in known.items()]}
    try:
        answer = await shop.write("POST", path, wire.Batch, body)
    except ContractBroken as error:
        # A page of the host or of a plugin instead of the answer: done or not.
        raise OutcomeUnknown(f"POST {path}: {error}") from error
    return [_outcome(known[row.id], row) for row in answer.update if row.id in known]


def _outcome(offer: str, row: wire.BatchRow) -> RowOutcome:
    if row.error is None:
        return RowOutcome(offer=offer, done=True)
    said = row.error.message or row.error.code or "no reason given"
    field = row.error.field
    return RowOutcome(offer=offer, done=False, error=f"{field}: {said}" if field and field not in said else said)
