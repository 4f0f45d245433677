"""Imports of products: how each account is imported, and what each import brought."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct
from olhubd.control.api.schema.runs import RunPage, RunRow
from olhubd.decide.product_import import ImportSettings, ProductImport
from olhubd.engine.feed.product_reader import ImportStanding
from olhubd.model import Run, beside, plain

__all__ = ["ImportAccountPage", "ImportAccountRow", "ImportPage", "ImportsQuery"]


class ImportsQuery(RequestStruct, frozen=True, kw_only=True):
    """The newest first. Pages go on by `before`, the `next` of the last one."""

    account: str | None = None
    before: Before | None = None
    limit: Limit = 50


class ImportAccountRow(AnswerStruct, frozen=True, kw_only=True):
    """How the products of one account are read.

    `mode` is by what an import begins, `day_begins` the time of the seller's zone at which a day of imports begins,
    `once_a_day` whether a second one on a day is refused, `remind` whether an alarm says that one is due. `why_off`
    is why none can be asked for now at all. `under_way` is whether one runs, `run` how far it has come, `last` the
    one before. `due_since` is when the day began on which none has gone well yet, `possible_at` when the next may
    be asked for where one a day was had. `disbelieved` is why a reading of all waits for a person to say that so
    many products are gone.
    """

    account: str
    mode: ProductImport
    day_begins: str
    once_a_day: bool
    why_off: str | None = None
    under_way: bool = False
    run: RunRow | None = None
    last: RunRow | None = None
    due_since: datetime | None = None
    possible_at: datetime | None = None
    all_read_at: datetime | None = None
    remind: bool = False
    disbelieved: str | None = None
    disbelieved_code: str | None = None
    disbelieved_values: dict[str, Any] | None = None
    why_off_code: str | None = None
    why_off_values: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        account: str,
        settings: ImportSettings,
        standing: ImportStanding | None,
        last: Run | None,
        why_off: str | None,
    ) -> ImportAccountRow:
        row = cls(
            account=account,
            mode=settings.mode,
            day_begins=f"{settings.day_begins:%H:%M}",
            once_a_day=settings.once_a_day,
            remind=settings.remind,
            last=RunRow.of(last) if last is not None else None,
            why_off=plain(why_off) if why_off is not None else None,
            **beside("why_off", why_off),
        )
        if standing is None:
            return row
        return msgspec.structs.replace(
            row,
            under_way=standing.under_way,
            run=RunRow.of(standing.run) if standing.run is not None else None,
            due_since=standing.due_since,
            possible_at=standing.possible_at,
            all_read_at=standing.all_read_at,
            disbelieved=plain(standing.disbelieved) if standing.disbelieved is not None else None,
            **beside("disbelieved", standing.disbelieved),
        )


ImportPage = RunPage
ImportAccountPage = Page[ImportAccountRow]
