"""Customers as a file: CSV for spreadsheets, XML and JSON for programs. Written as it is read, in constant memory.

A cell that a spreadsheet would take for a formula begins with an apostrophe. XML knows no control characters, so a
question mark stands for each. What the columns are is in docs/api.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web

from olhubd.control.api.customers import customer_search
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.customers import CustomerExportFormat, CustomerExportQuery, CustomerRow
from olhubd.control.api.spreadsheet import cell
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.model import Address, Customer
from olhubd.store import customers
from olhubd.store.customers import CustomerSearch

__all__ = ["CUSTOMER_COLUMNS", "ROUTES", "export"]

_PAGE = 200
_PLACE = ("first_name", "last_name", "company", "street", "postcode", "city", "region", "country", "phone")

CUSTOMER_COLUMNS = (
    "id", "account", "login", "first_name", "last_name", "company", "email", "email_masked", "phone", "language",
    "kind", "territory", "tax_ids", "orders", "first_order_at", "last_order_at",
    *(f"address_{word}" for word in _PLACE),
    *(f"delivery_{word}" for word in _PLACE),
)  # fmt: skip
"""Of a CSV file, in this order, and the elements of a customer in XML. New ones come at the end."""
_KINDS = {
    CustomerExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    CustomerExportFormat.XML: "application/xml",
    CustomerExportFormat.JSON: "application/json",
}


class _ExportedCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """One customer of a JSON file."""

    customer: CustomerRow
    language: str | None
    address: Address | None
    delivery_address: Address | None


_Batch = Sequence[tuple[Customer, CustomerRow]]


async def export(call: Call[CustomerExportQuery, Nothing]) -> web.Response:
    """The customers that fit the filters, or the marked ones (`id`), as one file.

    One that changes meanwhile is as it was when its turn came; one that is new since is left out.
    """
    asked = call.query
    rows = _batches(call.hub, await customer_search(call.hub, asked, asked.id))
    match asked.format:
        case CustomerExportFormat.CSV:
            told = _csv(rows, asked.bom)
        case CustomerExportFormat.XML:
            told = _xml(rows)
        case CustomerExportFormat.JSON:
            told = _json(rows)
    return web.Response(
        body=told,
        headers={
            "Content-Type": _KINDS[asked.format],
            "Content-Disposition": f'attachment; filename="customers.{asked.format.value}"',
        },
    )


async def _batches(hub: Hub, wanted: CustomerSearch) -> AsyncIterator[_Batch]:
    """All customers that fit, a page at a time."""
    reader, seller = hub.database.reader, hub.configuration.customers.seller_country
    before: int | None = None
    while ids := await customers.find(reader, wanted, before=before, limit=_PAGE):
        found, bought = await customers.read(reader, ids), await customers.counts(reader, ids)
        yield [
            (found[id_].record, CustomerRow.of(found[id_], bought.get(id_, 0), seller))
            for id_ in ids
            if id_ in found
        ]
        if len(ids) < _PAGE:
            return
        before = ids[-1]


def _cells(record: Customer, row: CustomerRow) -> Iterator[str]:
    values = (
        row.id, row.account, row.login, row.first_name, row.last_name, row.company, row.email,
        "yes" if row.email_masked else "no", row.phone, record.language,
        row.kind.value if row.kind is not None else None, row.territory,
        " ".join(f"{tax.kind} {tax.value}" for tax in row.tax_ids), row.orders, row.first_at.isoformat(),
        row.last_at.isoformat(),
        *(getattr(record.address, word, None) for word in _PLACE),
        *(getattr(record.delivery_address, word, None) for word in _PLACE),
    )  # fmt: skip
    return ("" if value is None else str(value) for value in values)


async def _csv(batches: AsyncIterator[_Batch], bom: bool) -> AsyncIterator[bytes]:
    yield (b"\xef\xbb\xbf" if bom else b"") + _lines([CUSTOMER_COLUMNS])
    async for rows in batches:
        yield _lines([[cell(text) for text in _cells(record, row)] for record, row in rows])


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


async def _xml(batches: AsyncIterator[_Batch]) -> AsyncIterator[bytes]:
    """One element a customer; what is not known has none."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<customers>\n'
    async for rows in batches:
        for record, row in rows:
            named = zip(CUSTOMER_COLUMNS, _cells(record, row), strict=True)
            parts = "".join(f"<{name}>{_told(text)}</{name}>" for name, text in named if text)
            yield f"<customer>{parts}</customer>\n".encode()
    yield b"</customers>\n"


def _told(text: str) -> str:
    return escape("".join(c if c in "\t\n\r" or _known(ord(c)) else "?" for c in text), {"\r": "&#13;"})


def _known(point: int) -> bool:
    """Whether XML 1.0 has a character with this number."""
    return 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000


async def _json(batches: AsyncIterator[_Batch]) -> AsyncIterator[bytes]:
    """One array, a customer a line."""
    before = b"[\n"
    async for rows in batches:
        for record, row in rows:
            one = _ExportedCustomer(
                customer=row,
                language=record.language,
                address=record.address,
                delivery_address=record.delivery_address,
            )
            yield before + msgspec.json.encode(one)
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


ROUTES = (
    route("GET", "/api/v1/customers/export", export, media=("text/csv", "application/xml", "application/json")),
)
"""Before the card's, whose path would fit too."""
