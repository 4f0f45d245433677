"""Mappings of statuses and methods, and order lines without a product."""

from __future__ import annotations

from datetime import datetime

from olhubd.control.api.schema.base import AnswerStruct, RequestStruct
from olhubd.store.seen_values import SeenKind

__all__ = [
    "Mapping",
    "Mappings",
    "MappingsQuery",
    "Unlinked",
    "UnlinkedLine",
    "UnlinkedQuery",
]


class Mapping(AnswerStruct, frozen=True, kw_only=True):
    """One word of a source, or of a target, and what it becomes.

    `account` says `value`, which people there call `label`. `target` is whose word it becomes; None where it only
    becomes the hub's own. `known` is the hub's own word. `mapped` is what it becomes; None when nobody said so.
    `orders` had it, the last of them is `example`; a word of the configuration that was never seen has none.
    `origin` is where the mapping is written.
    """

    kind: SeenKind
    account: str
    target: str | None
    value: str
    label: str
    known: str | None
    mapped: str | None
    orders: int
    first_at: datetime | None
    last_at: datetime | None
    example: int | None
    origin: str | None


class Mappings(AnswerStruct, frozen=True, kw_only=True):
    """The unmapped first. `unmapped` counts them, whatever was asked for."""

    items: tuple[Mapping, ...]
    unmapped: int


class MappingsQuery(RequestStruct, frozen=True, kw_only=True):
    """`account` is the source or the target. With `unmapped` only the words that nobody said anything of."""

    account: str | None = None
    kind: SeenKind | None = None
    unmapped: bool = False


class UnlinkedLine(AnswerStruct, frozen=True, kw_only=True):
    """An offer whose order lines are bound to no product: at `target`, or (None) by what the source says of it."""

    account: str
    target: str | None
    offer_id: str | None
    sku: str | None
    ean: str | None
    name: str
    orders: int
    last_order: int
    last_at: datetime


class Unlinked(AnswerStruct, frozen=True, kw_only=True):
    """Those of the latest `looked_at` orders that have such lines; `all` says whether these are all."""

    items: tuple[UnlinkedLine, ...]
    looked_at: int
    all: bool


class UnlinkedQuery(RequestStruct, frozen=True, kw_only=True):
    """Of one source alone, or of all."""

    account: str | None = None
