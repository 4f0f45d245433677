"""The export of orders to a file."""

from __future__ import annotations

import enum

from olhubd.control.api.schema.base import Before
from olhubd.control.api.schema.orders import OrdersFilter

__all__ = [
    "ExportFormat",
    "ExportQuery",
    "ExportRows",
]


class ExportFormat(enum.StrEnum):
    CSV = "csv"
    JSON = "json"


class ExportRows(enum.StrEnum):
    """What a row of a CSV file is."""

    ORDERS = "orders"
    LINES = "lines"


class ExportQuery(OrdersFilter, frozen=True, kw_only=True):
    """`id`, which may be given more than once, are the only orders wanted.

    `rows` is what a row of the CSV is; with `bom` it begins with a mark by which spreadsheets know UTF-8.
    """

    format: ExportFormat = ExportFormat.CSV
    rows: ExportRows = ExportRows.ORDERS
    bom: bool = False
    id: tuple[Before, ...] = ()
