"""`olhubd links`: which stock items the offers sell, one offer or a file of them at a time.

A file is checked whole before anything of it is done: all rows that are wrong are named.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from olhubd.cli import pages
from olhubd.cli.failures import Exit, Failure
from olhubd.cli.offers import card, parts
from olhubd.cli.private import PRIVATE
from olhubd.cli.session import Session, account_option, named, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.links import ImportedRow
    from olhubd.control.api.schema.offers import OfferItem, OfferRow

__all__ = ["links"]

ORIGINS = ["sku", "ean", "hand"]
_READ = {"account", "offer", "sku", "item", "units"}
_KNOWN = _READ | {"name", "item_name", "linked_by", "linked_at", "doubt", "why", "candidates"}
_UNLINK = "-"
_ROWS = 100
"""Rows that are sent at one time."""
_SHOWN = 100


@click.group()
def links() -> None:
    """Which stock items the offers sell: seen, made and ended."""


@links.command(name="list")
@account_option("Of this account only.")
@click.option("--origin", type=click.Choice(ORIGINS), help="Linked by this only.")
@click.option("--doubted", is_flag=True, help="Those that somebody must look at: what was linked has changed.")
@pages.paged
@session_command(rows=True)
def listing(session: Session, before: int | None, limit: int, every: bool, **asked: Any) -> None:
    """The linked offers, the newest first, each with what it sells.

    \b
    Examples:
      olhubd links list --doubted
      olhubd links list --account allegro-main --origin hand
    """
    from olhubd.control.api.schema.offers import OfferPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/links", OfferPage, before=before, limit=limit, every=every, **asked
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        ("OFFER", "NAME:least", "SELLS", "LINKED BY", "WHO", "SINCE:least", "DOUBT"),
        [
            (
                f"{one.account}:{one.external_id}", one.name, parts(one),
                ", ".join(sorted({link.by for link in one.links})),
                ", ".join(sorted({link.made_by or "the hub" for link in one.links})),
                max((link.linked_at for link in one.links), default=None),
                "; ".join(sorted({link.doubt for link in one.links if link.doubt})),
            )
            for one in found
        ],
        "No links.",
    )  # fmt: skip
    session.printer.more(after, whole=True)


@links.command()
@account_option("Of this account only.")
@pages.paged
@session_command(rows=True)
def suggest(session: Session, account: str | None, before: int | None, limit: int, every: bool) -> None:
    """The offers that are not linked and may sell a stock item; of a page those with several candidates first.

    As a file to decide in: olhubd links export --suggestions.

    \b
    Example:
      olhubd links suggest --account allegro-main
    """
    from olhubd.control.api.schema.offers import OfferPage

    found: list[OfferRow] = []
    more = False
    with session.daemon() as daemon:
        for linking in ("conflict", "proposed"):
            some, after = pages.rows(
                daemon, "/api/v1/offers", OfferPage, before=before, limit=limit, every=every,
                account=account, linking=linking,
            )  # fmt: skip
            found += some
            more = more or after is not None
    # They are of two lists, and a page of both ends with the oldest offer that it shows.
    newest = sorted(found, key=lambda one: one.id, reverse=True)
    page = newest if every else newest[:limit]
    more = not every and (more or len(page) < len(newest))
    after = page[-1].id if more else None
    shown = {one.id for one in page}
    found = [one for one in found if one.id in shown]
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        ("OFFER", "NAME", "SKU", "EAN:least", "MAY SELL", "WHY NOT BY ITSELF"),
        [
            (
                f"{one.account}:{one.external_id}", one.name, one.sku, one.ean,
                ", ".join(map(_candidate, one.candidates)), one.why,
            )
            for one in found
        ],
        "Nothing waits to be linked.",
    )  # fmt: skip
    if after is not None:
        click.echo(f"More: --before {after}, or --all", err=True)


@links.command()
@click.argument("offer", callback=named)
@click.argument("sku", required=False)
@click.option("--item", metavar="NUMBER", help="The item's number at its stock master, where no SKU says it alone.")
@click.option("--units", type=click.IntRange(1), help="Pieces of the item that one of the offer takes.")
@click.option("--part", is_flag=True, help="One item more of several that the offer sells together.")
@click.option("--together", is_flag=True, help="To all items that its set has, as `links suggest` shows them.")
@session_command()
def add(
    session: Session,
    offer: str,
    sku: str | None,
    item: str | None,
    units: int | None,
    part: bool,
    together: bool,
) -> None:
    """Link OFFER (account:number, its number, or #17) to the stock item with this SKU.

    \b
    Examples:
      olhubd links add allegro-main:7712345678 KUB-BIA
      olhubd links add 7712345678 --item 501 --units 10
      olhubd links add 7712345678 KUB-PUD --part
      olhubd links add 7712345678 --together
    """
    from olhubd.control.api.schema.links import LinkRequest
    from olhubd.control.api.schema.offers import OfferRow

    if sku is None and item is None and not together:
        raise click.UsageError("name the stock item: its SKU, or --item NUMBER")
    body = LinkRequest(offer=offer, sku=sku, item=item, units=units, part=part, together=together)
    with session.daemon() as daemon:
        found = daemon.post("/api/v1/links", OfferRow, body)
    _shown(session, found)


@links.command()
@click.argument("offers", nargs=-1, metavar="OFFER...")
@click.option("--item", metavar="NAME", help="From this item alone: its SKU, or its number at its stock master.")
@account_option("With --all: the account.")
@click.option("--all", "every", is_flag=True, help="All offers of the account, so that it can be removed.")
@session_command()
def remove(session: Session, offers: tuple[str, ...], item: str | None, account: str | None, every: bool) -> None:
    """Unlink OFFERs. Each shows what it shows now, and is linked again by a person alone.

    \b
    Examples:
      olhubd links remove allegro-main:7712345678
      olhubd links remove --all --account old-shop
    """
    from olhubd.control.api.schema.links import LinksDone, UnlinkRequest

    if every != (account is not None) or every == bool(offers):
        raise click.UsageError("name offers, or an account with --all")
    if item is not None and len(offers) != 1:
        raise click.UsageError("--item is of one offer")
    changed = 0
    with session.daemon() as daemon:
        if every:
            body = UnlinkRequest(account=account, all=True)
            changed = daemon.post("/api/v1/links/remove", LinksDone, body).changed
        for offer in offers:
            body = UnlinkRequest(offer=offer, item=item)
            changed += daemon.post("/api/v1/links/remove", LinksDone, body).changed
    if not session.printer.json({"changed": changed}):
        session.printer.line(f"{changed} unlinked")


@links.command()
@click.argument("offer", callback=named)
@click.option("--units", type=click.IntRange(1), help="Pieces of the item that one of the offer takes now.")
@session_command()
def confirm(session: Session, offer: str, units: int | None) -> None:
    """Say that the link of OFFER is right, although its EAN or the size of its set is another than before.

    \b
    Example:
      olhubd links confirm allegro-main:7712345678
    """
    from olhubd.control.api.schema.links import ConfirmRequest
    from olhubd.control.api.schema.offers import OfferRow

    with session.daemon() as daemon:
        found = daemon.post("/api/v1/links/confirm", OfferRow, ConfirmRequest(offer=offer, units=units))
    _shown(session, found)


@links.command()
@account_option("Of this account only.")
@click.option("--suggestions", is_flag=True, help="What may be linked, instead of what is.")
@click.option("-o", "--output", type=PRIVATE, default="-", help="The file to write; else standard output.")
@session_command()
def export(session: Session, account: str | None, suggestions: bool, output: Any) -> None:
    """Write all links as CSV, in the form that `links import` reads; with --json as the records of the endpoint.

    \b
    Examples:
      olhubd links export -o links.csv
      olhubd links export --suggestions -o decide.csv
    """
    from olhubd.control.api.schema.offers import OfferPage

    with session.daemon() as daemon:
        if session.as_json:
            found: list[OfferRow] = []
            states = ("conflict", "proposed") if suggestions else (None,)
            for state in states:
                path = "/api/v1/links" if state is None else "/api/v1/offers"
                asked = {"account": account, "linking": state}
                found += pages.rows(daemon, path, OfferPage, before=None, limit=1, every=True, **asked)[0]
            session.printer.json({"items": found})
            return
        daemon.save("/api/v1/links/export", output, account=account, suggestions="true" if suggestions else None)


@links.command(name="import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--check", is_flag=True, help="Only tell what is wrong.")
@session_command()
def bring(session: Session, file: Any, check: bool) -> None:
    """Let offers sell what the CSV in FILE says: the columns account, offer, sku, item (its number), units.

    All rows of an offer together are what it sells from then on. A row without sku and item is passed over; one
    with `-` as its item unlinks its offer. Where any row is wrong, all of them are named and nothing is done.

    \b
    Examples:
      olhubd links import --check links.csv
      olhubd links import links.csv
    """
    from olhubd.control.api.schema.links import ImportRequest, LinksDone

    name = getattr(file, "name", "the file")
    try:
        rows, wrong, passed = _rows(file.read(), name)
    except UnicodeDecodeError as error:
        raise Failure(f"{name} is no text in UTF-8: save it as CSV UTF-8", Exit.USAGE) from error
    except csv.Error as error:
        raise Failure(f"{name} is no CSV: {error}", Exit.USAGE) from error
    changed = 0
    cells = {(row.row, column): getattr(row, column) for row in rows for column in ("offer", "sku", "item")}
    with session.daemon() as daemon:
        for some in _together(rows):
            told = daemon.post("/api/v1/links/import", LinksDone, ImportRequest(rows=some, check=True))
            wrong += [
                (one.row, one.column, f"{one.why}{_hint(cells.get((one.row, one.column)))}") for one in told.wrong
            ]
        if wrong:
            lines = [f"row {row}{', ' if column else ''}{column}: {why}" for row, column, why in sorted(wrong)]
            more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
            count = (
                "1 row is" if len({row for row, *_ in wrong}) == 1 else f"{len({r for r, *_ in wrong})} rows are"
            )
            raise Failure(f"{count} wrong; nothing was done", Exit.FAILED, [*lines[:_SHOWN], *more])
        for some in () if check else _together(rows):
            changed += daemon.post("/api/v1/links/import", LinksDone, ImportRequest(rows=some)).changed
    if session.printer.json({"rows": len(rows), "passed": passed, "changed": changed}):
        return
    if check:
        session.printer.line(f"{len(rows)} rows are right; nothing was done")
    else:
        session.printer.line(f"{changed} offers sell something else than before, of {len(rows)} rows")
    if passed:
        session.printer.line(f"{passed} rows name no item and were passed over")


def _shown(session: Session, found: OfferRow) -> None:
    if not session.printer.json(found):
        card(session.printer, found)


def _rows(text: str, name: str) -> tuple[list[ImportedRow], list[tuple[int, str, str]], int]:
    """The rows of a file, what is wrong with their form, and how many say nothing."""
    from olhubd.control.api.schema.links import ImportedRow

    # Spreadsheets of many countries part the columns by a semicolon, and what is copied out of one by a tab.
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    columns = [(column or "").strip().lower() for column in reader.fieldnames or ()]
    missing = {"account", "offer"} - set(columns)
    if missing or not {"sku", "item"} & set(columns):
        raise Failure(f"{name} has no column {', '.join(sorted(missing)) or 'sku or item'}", Exit.USAGE)
    if unknown := sorted(set(columns) - _KNOWN):
        raise Failure(f"{name} has the unknown column {unknown[0]!r}", Exit.USAGE)
    reader.fieldnames = columns
    rows: list[ImportedRow] = []
    wrong: list[tuple[int, str, str]] = []
    passed = 0
    for cells in reader:
        number = reader.line_num
        given = {column: _plain(cells.get(column)) for column in _READ}
        if None in cells:
            wrong.append((number, "", "it has more cells than there are columns"))
            continue
        if not given["account"] or not given["offer"]:
            wrong.append((number, "offer" if given["account"] else "account", "it is empty"))
            continue
        if given["sku"] is None and given["item"] is None:
            passed += 1
            continue
        units = given["units"]
        if units is not None and not (units.isascii() and units.isdecimal() and len(units) <= 9):
            wrong.append((number, "units", f"{units!r} is no whole number of pieces, 1 or more"))
            continue
        off = _UNLINK in (given["sku"], given["item"])
        rows.append(
            ImportedRow(
                row=number,
                account=given["account"],
                offer=given["offer"],
                sku=None if off else given["sku"],
                item=None if off else given["item"],
                units=int(units) if units is not None else None,
            )
        )
    return rows, wrong, passed


def _hint(cell: str | None) -> str:
    """Why a number that is not known may be another than the one that was meant."""
    from olhubd.model.check import gtin

    if cell is None:
        return ""
    if re.fullmatch(r"\d[.,]\d+E\+\d+", cell, re.IGNORECASE):
        return "; a spreadsheet has shortened a long number: make the column text and write it in full"
    if re.fullmatch(r"\d{13}", cell) and gtin(cell) is None:
        return "; if that is an EAN, its last digit does not fit the others"
    return ""


def _plain(cell: Any) -> str | None:
    """A cell without the apostrophe that keeps it from being taken for a formula; None for an empty one."""
    text = cell.strip() if isinstance(cell, str) else ""
    if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@"):
        text = text[1:]
    return text or None


def _together(rows: Iterable[ImportedRow]) -> Iterator[tuple[ImportedRow, ...]]:
    """The rows in parts, those of an offer always in one."""
    by_offer: dict[tuple[str, str], list[ImportedRow]] = {}
    for row in rows:
        by_offer.setdefault((row.account, row.offer), []).append(row)
    part: list[ImportedRow] = []
    for some in by_offer.values():
        if part and len(part) + len(some) > _ROWS:
            yield tuple(part)
            part = []
        part += some
    if part:
        yield tuple(part)


def _candidate(item: OfferItem) -> str:
    """A stock item that an offer may sell, with its pieces where it is part of a set."""
    pieces = f"{item.together} x " if item.together is not None else ""
    return f"{pieces}{item.sku or item.name} ({item.external_id})"
