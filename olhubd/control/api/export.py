"""Orders as a file: CSV for spreadsheets, JSON for programs. Written as it is read, in constant memory.

A cell that a spreadsheet would take for a formula begins with an apostrophe: names and notes are written by
strangers. What the columns are is in docs/api.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

import msgspec
from aiohttp import web

from olhubd.control.api import filters
from olhubd.control.api.schema.base import Nothing
from olhubd.control.api.schema.export import ExportFormat, ExportQuery, ExportRows
from olhubd.control.api.spreadsheet import cell
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.model import Address, Line, Money, OrderId, reference
from olhubd.store import orders, search, target_orders
from olhubd.store.orders import StoredOrder
from olhubd.store.target_orders import TargetOrder

__all__ = ["COLUMNS", "LINE_COLUMNS", "ROUTES", "export"]

_PAGE = 200
_WORDS = ("login", "first_name", "last_name", "company", "email", "phone")
_PLACE = ("first_name", "last_name", "company", "street", "postcode", "city", "region", "country", "phone")

COLUMNS = (
    "id", "reference", "account", "connector", "external_id", "number", "placed_at", "stage", "external_stage",
    "fulfilment", "superseded_by", "paid", "received", "total", "currency",
    *(f"buyer_{word}" for word in _WORDS),
    *(f"recipient_{word}" for word in _PLACE),
    "delivery_method", "delivery_cost", "pickup_point", "payment_type", "payment_provider",
    "invoice_company", "invoice_tax_id", "buyer_note", "waybills", "targets", "target_numbers", "unlinked",
    "lines", "items", "remitted",
)  # fmt: skip
"""Of a CSV file, in this order. New ones come at the end."""
LINE_COLUMNS = (
    "line_position", "line_external_id", "line_offer_id", "line_sku", "line_ean", "line_name", "line_quantity",
    "line_price", "line_sum", "line_tax_rate",
)  # fmt: skip
"""These follow where a row is a line."""


class _Exported(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a JSON file."""

    id: int
    reference: str
    account: str
    connector: str
    superseded_by: int | None
    order: msgspec.Raw
    copies: Sequence[TargetOrder]


async def export(call: Call[ExportQuery, Nothing]) -> web.Response:
    """The orders that fit the filters, or the marked ones (`id`), as one file.

    An order that changes meanwhile is as it was when its turn came; one that is new since is left out.
    """
    asked = call.query
    wanted = await filters.wanted(call.hub, asked, asked.id)
    name = f"orders.{asked.format.value}"
    told = _json(call.hub, wanted) if asked.format is ExportFormat.JSON else _csv(call.hub, wanted, asked)
    kind = "application/json" if asked.format is ExportFormat.JSON else "text/csv; charset=utf-8; header=present"
    return web.Response(
        body=told, headers={"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
    )


_Batch = tuple[Sequence[StoredOrder], Mapping[OrderId, Sequence[TargetOrder]], Mapping[str, str]]


async def _batches(hub: Hub, wanted: search.OrderSearch) -> AsyncIterator[_Batch]:
    """All orders that fit, a page at a time."""
    reader = hub.database.reader
    accounts = await filters.known(hub)
    before: int | None = None
    while ids := await search.find(reader, wanted, before=before, limit=_PAGE):
        found = await orders.read(reader, ids)
        yield (
            [found[OrderId(id_)] for id_ in ids if id_ in found],
            await target_orders.of_orders(reader, ids),
            accounts,
        )
        if len(ids) < _PAGE:
            return
        before = ids[-1]


async def _json(hub: Hub, wanted: search.OrderSearch) -> AsyncIterator[bytes]:
    """One array, an order a line."""
    before = b"[\n"
    async for rows, there, accounts in _batches(hub, wanted):
        for row in rows:
            yield before + msgspec.json.encode(
                _Exported(
                    id=row.id,
                    reference=reference(row.account, row.order.external_id),
                    account=row.account,
                    connector=accounts.get(row.account, ""),
                    superseded_by=row.superseded_by,
                    order=msgspec.Raw(row.document),
                    copies=there.get(row.id, ()),
                )
            )
            before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


async def _csv(hub: Hub, wanted: search.OrderSearch, asked: ExportQuery) -> AsyncIterator[bytes]:
    per_line = asked.rows is ExportRows.LINES
    yield (b"\xef\xbb\xbf" if asked.bom else b"") + _text([(*COLUMNS, *(LINE_COLUMNS if per_line else ()))])
    async for rows, there, accounts in _batches(hub, wanted):
        table = (
            (*cells, *more)
            for row in rows
            for cells in [_order(row, there.get(row.id, ()), accounts.get(row.account, ""))]
            for more in (_lines(row.order.lines) if per_line else [()])
        )
        yield _text(table)


def _text(rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Money():
            return str(value.amount)
        case str():
            return cell(value)
    return str(value)


def _order(row: StoredOrder, there: Sequence[TargetOrder], connector: str) -> tuple[object, ...]:
    order = row.order
    point, payment, invoice = order.shipping.pickup_point, order.payment, order.invoice
    return (
        row.id, reference(row.account, order.external_id), row.account, connector, order.external_id, order.number,
        order.placed_at.isoformat(), order.stage.value, order.external_stage, order.fulfilment.value,
        row.superseded_by, order.fully_paid, order.paid, order.total, order.total.currency,
        *(getattr(order.buyer, word) for word in _WORDS),
        *_place(order.recipient),
        order.shipping.method or order.shipping.method_id, order.shipping.cost,
        " ".join(filter(None, (point.id, point.name))) if point else None,
        payment.type.value if payment else None, payment.provider if payment else None,
        invoice.address.company if invoice and invoice.address else None,
        " ".join(f"{tax.kind} {tax.value}" for tax in invoice.tax_ids) if invoice else None,
        order.buyer_note, " ".join(parcel.waybill for parcel in order.shipments),
        " ".join(copy.account for copy in there), " ".join(copy.number or copy.external_id for copy in there),
        max((len(copy.unlinked) for copy in there), default=None), len(order.lines),
        "; ".join(f"{line.quantity} x {line.name}{f' ({line.sku})' if line.sku else ''}" for line in order.lines),
        order.remitted,
    )  # fmt: skip


def _place(address: Address | None) -> Iterator[object]:
    return (getattr(address, word, None) for word in _PLACE)


def _lines(lines: Sequence[Line]) -> Iterator[tuple[object, ...]]:
    for position, line in enumerate(lines, 1):
        yield (
            position, line.external_id, line.offer_id, line.sku, line.ean, line.name, line.quantity, line.price,
            line.sum, line.tax.rate if line.tax else None,
        )  # fmt: skip


ROUTES = (route("GET", "/api/v1/orders/export", export, media=("text/csv", "application/json")),)
"""Before the card's, whose path would fit too."""
