"""Links: which stock items the offers sell, as people see and change it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Name, RequestStruct
from olhubd.model import LinkOrigin

__all__ = [
    "ConfirmRequest",
    "ImportRequest",
    "ImportedRow",
    "LinkRequest",
    "LinksDone",
    "LinksFile",
    "LinksQuery",
    "UnlinkRequest",
    "WrongRow",
]

Units = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class LinksQuery(RequestStruct, frozen=True, kw_only=True):
    """Linked offers, the newest first. `doubted`: a person must look at the link."""

    account: str | None = None
    origin: LinkOrigin | None = None
    doubted: bool = False
    before: Before | None = None
    limit: Limit = 50


class LinksFile(RequestStruct, frozen=True, kw_only=True):
    """`suggestions`: the offers that are not linked and may sell something, instead of the links. `bom` begins the
    file as spreadsheets like it."""

    account: str | None = None
    suggestions: bool = False
    bom: bool = False


class LinkRequest(RequestStruct, frozen=True, kw_only=True):
    """The offer by its reference (account:number), its number or the hub's (#17); the item by its mark (`sku`) or
    by its number at its stock master (`item`).

    `units` is how many pieces of the item one piece of the offer takes; left out, as many as the offer's set has.
    With `part` the item is one more of several that the offer sells together. With `together` no item is named: it
    is linked to all of its candidates that have `together`, each with so many pieces.
    """

    offer: Name
    sku: Name | None = None
    item: Name | None = None
    units: Units | None = None
    part: bool = False
    together: bool = False


class UnlinkRequest(RequestStruct, frozen=True, kw_only=True):
    """An offer, or one item of it by mark or number; or `all` offers of an account, so that it can be removed."""

    offer: Name | None = None
    item: Name | None = None
    account: Name | None = None
    all: bool = False


class ConfirmRequest(RequestStruct, frozen=True, kw_only=True):
    """That a doubted link is right. `units` where they cannot be reckoned, or are others."""

    offer: Name
    units: Units | None = None


class ImportedRow(RequestStruct, frozen=True, kw_only=True):
    """One item of what an offer sells. All rows of an offer together are what it sells from then on.

    Without `sku` and `item` it sells nothing known. `row` is its number in the file that it came from.
    """

    row: int
    account: Name
    offer: Name
    sku: Name | None = None
    item: Name | None = None
    units: int | None = None


class ImportRequest(RequestStruct, frozen=True, kw_only=True):
    """With `check` nothing is done, and the answer has all that is wrong. Else nothing is done where a row is."""

    rows: Annotated[tuple[ImportedRow, ...], msgspec.Meta(min_length=1, max_length=500)]
    check: bool = False


class WrongRow(AnswerStruct, frozen=True, kw_only=True):
    """What is wrong with a row, and in which column."""

    row: int
    column: str
    why: str
    why_code: str | None = None
    why_values: dict[str, Any] | None = None


class LinksDone(AnswerStruct, frozen=True, kw_only=True):
    """How many offers sell something else than before, and which rows are wrong."""

    changed: int
    wrong: tuple[WrongRow, ...] = ()
