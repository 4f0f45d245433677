"""`olhubd offers import`: many offers made, changed and ended by a file, each row with what became of it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import click

from olhubd.cli.failures import Exit, Failure
from olhubd.cli.session import Session, session_command

if TYPE_CHECKING:
    from olhubd.control.api.offer_file import OfferFileRow
    from olhubd.control.api.schema.offer_making import MadeOfferAnswer

__all__ = ["bring_offers"]

_HEADING = ("row", "do", "account", "offer", "outcome", "field", "why")
_SHOWN = 20
"""Rows that are wrong are shown; a file has all."""


@click.command(name="import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--check", is_flag=True, help="Only tell what is wrong; nothing is made.")
@click.option(
    "-o",
    "--results",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Write what became of each row to this file, as CSV.",
)
@session_command()
def bring_offers(session: Session, file: Any, check: bool, results: Any) -> None:
    """Make, change or end the offers of the CSV in FILE, one a row.

    Columns: account, do (create, change or end; create where it is left out), offer (its number, for the last two),
    sku, source (an imported product), name, ean, price, quantity, description, images (parted by |), shipping, tax
    and the other fields of an offer, and parameter:NAME for what its category asks.

    A row that is wrong keeps no other from being done. The same file may be sent again, after it was put right or
    cut off: what was done is not done twice.

    \b
    Examples:
      olhubd offers import --check offers.csv
      olhubd offers import offers.csv -o results.csv
    """
    from olhubd.control.api.offer_file import offer_rows

    name = getattr(file, "name", "the file")
    try:
        rows, broken = offer_rows(file.read())
    except UnicodeDecodeError as error:
        raise Failure(f"{name} is no text in UTF-8: save it as CSV UTF-8", Exit.USAGE) from error
    if broken is not None:
        raise Failure(f"{name}, row {broken.row}: {broken.why}", Exit.USAGE)
    writer = csv.writer(results, lineterminator="\n") if results is not None else None
    if writer is not None:
        writer.writerow(_HEADING)
    counts: dict[str, int] = {}
    wrong: list[str] = []
    became: list[dict[str, Any]] = []
    with session.daemon() as daemon:
        for row in rows:
            outcome, fields = _done(daemon, row, check)
            counts[outcome] = counts.get(outcome, 0) + 1
            for field, why in fields or [("", "")]:
                if why:
                    wrong.append(f"row {row.row}{', ' if field else ''}{field}: {why}")
                cells = (row.row, row.do, row.account, row.called, outcome, field, why)
                became.append(dict(zip(_HEADING, cells, strict=True)))
                if writer is not None:
                    writer.writerow([_safe(cell) for cell in cells])
                    results.flush()
    if not session.printer.json({"rows": became, "counts": counts}):
        for outcome, count in sorted(counts.items()):
            session.printer.line(f"{outcome}: {count}")
    if wrong:
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        others = "are right" if check else "were done"
        summary = f"{counts.get('refused', 0)} of {len(rows)} rows are wrong; the others {others}"
        raise Failure(summary, Exit.FAILED, [*wrong[:_SHOWN], *more])


def _done(daemon: Any, row: OfferFileRow, check: bool) -> tuple[str, list[tuple[str, str]]]:
    """What became of a row, and what is wrong with it by field."""
    from olhubd.client import EndpointRefused, segment
    from olhubd.control.api.schema.offer_making import (
        ChangeOfferRequest,
        CreateOfferRequest,
        EndOfferRequest,
        MadeOfferAnswer,
    )

    if row.problems:
        return "refused", [(one.column, one.why) for one in row.problems]
    fields = {
        name: value
        for name in row.fields.__struct_fields__
        if (value := getattr(row.fields, name)) not in (None, ())
    }
    path = f"/api/v1/offers/{segment(row.account)}/{segment(row.offer)}"
    try:
        answer: MadeOfferAnswer
        if row.do == "create":
            body = CreateOfferRequest(
                account=row.account, sku=row.sku, source=row.source, publish=row.publish, check=check, **fields
            )
            answer = daemon.post("/api/v1/offers", MadeOfferAnswer, body)
        elif row.do == "change":
            answer = daemon.post(f"{path}/change", MadeOfferAnswer, ChangeOfferRequest(check=check, **fields))
        elif check:
            return "checked", []
        else:
            answer = daemon.post(f"{path}/end", MadeOfferAnswer, EndOfferRequest())
    except EndpointRefused as error:
        # What one account's marketplace says (502) keeps no row of another one from being done.
        if error.problem.status in (401, 403) or (error.problem.status >= 500 and error.problem.status != 502):
            raise
        return "refused", [(error.problem.parameter or "", error.problem.detail or error.problem.title)]
    return answer.outcome, [(one.field, one.why) for one in answer.wrong]


def _safe(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else value
