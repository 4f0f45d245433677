"""Offers in a file: rows of a CSV become requests, each with all that is wrong with its form.

One row is one offer to be made (`create`), changed (`change`) or ended (`end`), as its column `do` says. A row that
is wrong keeps no other from being done, and the same file may be sent again: what was done is not done twice.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from olhubd.control.api.schema.offer_making import DraftFields, ParameterField
from olhubd.model import Reason

__all__ = ["COLUMNS", "MOST", "FileProblem", "OfferFileRow", "offer_rows"]

MOST = 5_000
"""Rows of one file."""
_VERBS = ("create", "change", "end")
_WHOLE = ("quantity", "handling_days")
_PARAMETER = "parameter:"
_FIELDS = tuple(name for name in DraftFields.__struct_fields__ if name != "parameters")
COLUMNS = ("do", "account", "offer", "sku", "source", "publish", *_FIELDS)
"""The columns that a file may have, and those that begin with `parameter:`."""


class FileProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a cell: its row as the file counts lines, its column, and why."""

    row: int
    column: str
    why: Reason


class OfferFileRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what is to be done, to which offer, and what is given. With `problems` it is not sent."""

    row: int
    do: str
    account: str
    offer: str
    sku: str | None
    source: str | None
    publish: bool
    fields: DraftFields
    problems: tuple[FileProblem, ...] = ()

    @property
    def called(self) -> str:
        """The offer as people know it."""
        return self.offer or self.sku or self.source or ""


def offer_rows(text: str) -> tuple[list[OfferFileRow], FileProblem | None]:
    """The rows of a file; or what is wrong with its heading, which makes all of it unreadable."""
    head = text.partition("\n")[0]
    # Spreadsheets of many countries part the columns by a semicolon, and what is copied out of one by a tab.
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        columns = [(column or "").strip() for column in reader.fieldnames or ()]
    except csv.Error as error:
        return [], FileProblem(row=1, column="", why=Reason("offer-file.no-csv", error=str(error)))
    if "account" not in columns:
        return [], FileProblem(row=1, column="account", why=Reason("offer-file.no-account"))
    for column in columns:
        if column not in COLUMNS and not column.startswith(_PARAMETER):
            why = Reason("offer-file.no-column", column=column)
            return [], FileProblem(row=1, column=column, why=why)
    reader.fieldnames = columns
    rows: list[OfferFileRow] = []
    try:
        for cells in reader:
            if len(rows) >= MOST:
                why = Reason("offer-file.too-long", most=MOST)
                return [], FileProblem(row=reader.line_num, column="", why=why)
            rows.append(_row(reader.line_num, cells))
    except csv.Error as error:
        why = Reason("offer-file.no-csv", error=str(error))
        return [], FileProblem(row=reader.line_num, column="", why=why)
    return rows, None


def _row(number: int, cells: Mapping[str | None, object]) -> OfferFileRow:
    given = {column: _plain(cell) for column, cell in cells.items() if column is not None}
    problems = [FileProblem(row=number, column=column, why=why) for column, why in _problems(given, cells)]
    wrong = {one.column for one in problems}
    parameters = tuple(
        ParameterField(name=column[len(_PARAMETER) :].strip(), values=tuple(_parted(value)))
        for column, value in given.items()
        if column.startswith(_PARAMETER) and value
    )
    said: dict[str, object] = {name: value for name in _FIELDS if (value := given.get(name)) and name not in wrong}
    said |= {name: int(str(said[name])) for name in _WHOLE if name in said}
    if "images" in said:
        said["images"] = tuple(_parted(str(said["images"])))
    return OfferFileRow(
        row=number,
        do=(given.get("do") or "create").lower(),
        account=given.get("account") or "",
        offer=given.get("offer") or "",
        sku=given.get("sku"),
        source=given.get("source"),
        publish=(given.get("publish") or "yes").lower() in ("yes", "true", "1", "tak"),
        fields=DraftFields(parameters=parameters, **said),  # type: ignore[arg-type]
        problems=tuple(problems),
    )


def _problems(given: Mapping[str, str | None], cells: Mapping[str | None, object]) -> Iterator[tuple[str, Reason]]:
    if None in cells:
        yield "", Reason("offer-file.too-wide")
    if not given.get("account"):
        yield "account", Reason("offer-file.empty")
    do = (given.get("do") or "create").lower()
    if do not in _VERBS:
        yield "do", Reason("offer-file.no-verb", given=do, verbs=", ".join(_VERBS))
    elif do == "create" and not (given.get("sku") or given.get("source")):
        yield "sku", Reason("offer-file.no-mark")
    elif do != "create" and not given.get("offer"):
        yield "offer", Reason("offer-file.which")
    for name in _WHOLE:
        text = given.get(name)
        if text and not (text.isascii() and text.isdecimal() and len(text) <= 9):
            yield name, Reason("offer-file.no-whole", given=text)
    if (price := given.get("price")) and not _is_number(price):
        yield "price", Reason("offer-file.no-price", given=price)
    for column, value in given.items():
        if column.startswith(_PARAMETER) and value and not _parted(value):
            yield column, Reason("offer-file.empty")


def _is_number(text: str) -> bool:
    try:
        return Decimal(text.replace(",", ".")).is_finite()
    except InvalidOperation:
        return False


def _parted(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _plain(cell: object) -> str | None:
    """A cell without the apostrophe that keeps it from being taken for a formula; None for an empty one."""
    text = cell.strip() if isinstance(cell, str) else ""
    if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@"):
        text = text[1:]
    return text or None
