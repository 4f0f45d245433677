"""Writing many variants. A call is one transaction there, all or nothing: a refused one is made row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from olhubd.model import Reason
from olhubd.plugin import AuthLost, OutcomeUnknown, Permanent, Rejected, RowOutcome, Temporary
from olhubd_vendure import wire_stock
from olhubd_vendure.client import GraphQL
from olhubd_vendure.variants import Variants

__all__ = ["grouped", "update_variants"]

_MOST = 100
"""Variants in one call."""
_ALONE = 3
"""After so many writes that were not kept a variant goes alone: the server may break down at it, and then does
nothing of the call."""

V = TypeVar("V")


def grouped(wanted: Iterable[tuple[str, V, int]]) -> list[tuple[V, tuple[str, ...]]]:
    """The variants that one call can write, by their value. Each comes with how often it was refused."""
    together: dict[V, list[str]] = {}
    alone: list[tuple[V, tuple[str, ...]]] = []
    for offer, value, refused in wanted:
        if refused < _ALONE:
            together.setdefault(value, []).append(offer)
        else:
            alone.append((value, (offer,)))
    parts = [(v, tuple(some[at : at + _MOST])) for v, some in together.items() for at in range(0, len(some), _MOST)]
    return [*parts, *alone]


async def update_variants(
    api: GraphQL, variants: Variants, document: str, changes: Mapping[str, Mapping[str, Any]]
) -> list[RowOutcome]:
    """Make these changes, which `document` takes as its input, and give what became of each variant. One that the
    answer does not name is not in it. Raises OutcomeUnknown where some may be done or not."""
    if not changes:
        return []
    try:
        done = await _write(api, document, list(changes.values()))
    except AuthLost as error:
        await variants.require_sign_in()
        raise Rejected(Reason("olhubd_vendure:no-write-right")) from error
    except Permanent as error:
        if len(changes) > 1:
            return await _one_by_one(api, document, changes)
        return [RowOutcome(offer=offer, done=False, error=str(error)) for offer in changes]
    return [RowOutcome(offer=offer, done=True) for offer in changes if offer in done]


async def _one_by_one(api: GraphQL, document: str, changes: Mapping[str, Mapping[str, Any]]) -> list[RowOutcome]:
    found: list[RowOutcome] = []
    for offer, change in changes.items():
        try:
            done = await _write(api, document, [change])
        except Temporary as error:
            raise OutcomeUnknown(f"some variants were written: {error}", retry_after=error.retry_after) from error
        except Permanent as error:
            found.append(RowOutcome(offer=offer, done=False, error=str(error)))
            continue
        if offer in done:
            found.append(RowOutcome(offer=offer, done=True))
    return found


async def _write(api: GraphQL, document: str, changes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    answer = await api.write(document, wire_stock.SetAnswer, input=changes)
    return [one.id for one in answer.update_product_variants if one is not None]
