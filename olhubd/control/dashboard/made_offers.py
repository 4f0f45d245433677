"""Offers that the hub makes: a form for one, a field for the rows of a file, and how far each is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from olhubd.control.api import offer_making
from olhubd.control.api.offer_file import OfferFileRow, offer_rows
from olhubd.control.api.schema.offer_making import (
    ChangeOfferRequest,
    CreateOfferRequest,
    DraftFields,
    DraftsQuery,
    EndOfferRequest,
    MadeOfferAnswer,
    WrongField,
)
from olhubd.control.dashboard.page import PageRequest, button, older, page, shown
from olhubd.control.dashboard.state import Notice
from olhubd.control.http.problem import Refusal
from olhubd.engine.errors import NotPossible
from olhubd.plugin import OfferSink, PluginError

__all__ = ["ROUTES"]

_TEMPLATE = "made_offers.html"
_TEXTS = (
    *("sku", "source", "name", "ean", "category", "price", "currency", "quantity", "shipping", "handling_days"),
    *("returns", "implied_warranty", "warranty", "producer", "tax", "images", "safety"),
)
"""Fields of the form that are one line; the description and the parameters have several."""
_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_PARAMETER = re.compile(r"[^=]*[^=\s][^=]*=[^|]*[^|\s].*")
"""A line of the form: a name, and a value at least."""
_MOST = 200
"""Rows that are done from a page; more go by the command line."""
_LIMIT = 120.0
_LARGEST = 2 * 1024 * 1024
"""Bytes of a file of so many rows, with their descriptions."""


async def listing(visit: PageRequest) -> dict[str, Any]:
    return await _values(visit)


async def make(visit: PageRequest) -> tuple[str, Notice | None] | web.Response:
    """One offer. What is wrong is shown beside what was written, which is not lost."""
    form = visit.form
    account, check = form.get("account", ""), form.get("check") == "true"
    given: dict[str, Any] = visit.filled(*_TEXTS, "description")
    wrong = [
        WrongField(field=name, why=visit.speech.t("making.whole", given=given[name][:200]))
        for name in ("quantity", "handling_days")
        if name in given and not _WHOLE.fullmatch(given[name])
    ]
    lines = [line for line in form.get("parameters", "").splitlines() if line.strip()]
    wrong += [
        WrongField(field="parameters", why=visit.speech.t("making.parameter-line", given=line[:200]))
        for line in lines
        if not _PARAMETER.fullmatch(line.strip())
    ]
    if wrong:
        return await _again(visit, MadeOfferAnswer(outcome="refused", account=account, sku="", wrong=tuple(wrong)))
    if "images" in given:
        given["images"] = given["images"].split()
    given["parameters"] = [
        {"name": name.strip(), "values": [value.strip() for value in values.split("|") if value.strip()]}
        for name, _, values in (line.partition("=") for line in lines)
    ]
    try:
        body = visit.checked(CreateOfferRequest, account=account, check=check, **given)
        answer = await visit.ask(offer_making.create, body=body)
    except (Refusal, NotPossible) as error:
        field = str(error.extra.get("parameter") or "") if isinstance(error, Refusal) else ""
        flaw = WrongField(field=field, why=visit.speech.voice.reason(error.args[0] if error.args else str(error)))
        return await _again(visit, MadeOfferAnswer(outcome="refused", account=account, sku="", wrong=(flaw,)))
    if answer.wrong or check:
        return await _again(visit, answer)
    said = "note.offer-accepted" if answer.outcome == "accepted" else "note.offer-unchanged"
    return "/offers/made", Notice(said, {"offer": answer.sku, "account": account})


async def _again(visit: PageRequest, answer: MadeOfferAnswer) -> web.Response:
    """The page with what was written, and what is to be said of it."""
    return await shown(visit, _TEMPLATE, {**await _values(visit), "written": visit.form, "answer": answer})


async def make_many(visit: PageRequest) -> web.Response:
    """Many offers, of a file or of what was pasted. Each row is done by itself; the page says what became of it."""
    pasted, file = visit.form.get("rows", ""), visit.form.get("file") or None
    if (file is None) == (not pasted.strip()):
        said = "making.both" if file is not None else "making.neither"
        raise Refusal(400, "parameter", visit.speech.t(said), parameter="file")
    rows, broken = offer_rows(pasted if file is None else file)
    if broken is not None:
        why = visit.speech.voice.reason(broken.why)
        said = visit.speech.t("making.row-wrong", row=str(broken.row), why=why)
        raise Refusal(400, "parameter", said, parameter="rows")
    if not rows:
        raise Refusal(400, "parameter", visit.speech.t("making.no-rows"), parameter="rows")
    if len(rows) > _MOST:
        raise Refusal(400, "parameter", visit.speech.t("making.too-many", most=str(_MOST)), parameter="rows")
    check = visit.form.get("check") == "true"
    done: list[tuple[OfferFileRow, str, Sequence[tuple[str, str]]]] = []
    for row in rows:
        outcome, wrong = await _row(visit, row, check)
        done.append((row, outcome, wrong))
    return await shown(visit, _TEMPLATE, {**await _values(visit), "done": done})


async def _row(visit: PageRequest, row: OfferFileRow, check: bool) -> tuple[str, Sequence[tuple[str, str]]]:
    if row.problems:
        return "refused", [(one.column, visit.speech.voice.reason(one.why)) for one in row.problems]
    given = {name: getattr(row.fields, name) for name in DraftFields.__struct_fields__}
    fields = {name: value for name, value in given.items() if value not in (None, ())}
    answer: MadeOfferAnswer
    try:
        if row.do == "create":
            body = CreateOfferRequest(
                account=row.account, sku=row.sku, source=row.source, publish=row.publish, check=check, **fields
            )
            answer = await visit.ask(offer_making.create, body=body)
        elif row.do == "change":
            change = ChangeOfferRequest(check=check, **fields)
            answer = await visit.ask(offer_making.change, None, change, account=row.account, offer=row.offer)
        elif check:
            return "checked", ()
        else:
            answer = await visit.ask(
                offer_making.end, None, EndOfferRequest(), account=row.account, offer=row.offer
            )
    except (Refusal, NotPossible, PluginError) as error:
        return "refused", [("", str(error))]
    return answer.outcome, [(one.field, one.why) for one in answer.wrong]


async def _values(visit: PageRequest) -> dict[str, Any]:
    asked = {name: value for name, value in visit.query.items() if name in DraftsQuery.__struct_fields__}
    found = await visit.ask(offer_making.listing, visit.checked(DraftsQuery, **asked))
    units = visit.hub.units
    return {
        "rows": found.items,
        "asked": asked,
        "accounts": sorted(name for name, unit in units.items() if unit.connector.can(OfferSink)),
        "texts": _TEXTS,
        "written": {},
        "answer": None,
        "done": (),
        "older": older("/offers/made", asked, found.next),
        "newest": "",
    }


ROUTES = (
    page("/offers/made", _TEMPLATE, listing),
    button("/offers/made", make, limit=_LIMIT),
    button("/offers/made/rows", make_many, limit=_LIMIT, largest=_LARGEST),
)
