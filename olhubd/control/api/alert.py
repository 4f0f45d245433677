"""What the endpoint answers about alarms and reconciliations; `records` has all the rest."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from olhubd.model import Alarm, AlarmKind, Reconciliation, beside
from olhubd.store.strangers import Stranger

__all__ = ["AlarmRow", "Compared", "StrangerRow"]


class AlarmRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is or was wrong. `told_at` is when mail or web hook last told of it."""

    id: int
    kind: AlarmKind
    subject: str
    detail: str
    raised_at: datetime
    cleared_at: datetime | None
    told_at: datetime | None
    detail_code: str | None = None
    """What `detail` says, for programs."""
    detail_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, alarm: Alarm) -> AlarmRow:
        row = msgspec.convert(alarm, cls, from_attributes=True)
        return msgspec.structs.replace(row, **beside("detail", alarm.detail))


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A day of an account: how many orders its source and the hub count.

    `missing` has only the source and `surplus` only the hub; `names` are external ids of both. `looks` is how often
    the day was compared.
    """

    id: int
    account: str
    day: date
    since: datetime
    until: datetime
    source: int
    hub: int
    missing: int
    surplus: int
    names: tuple[str, ...]
    looks: int
    looked_at: datetime

    @classmethod
    def of(cls, found: Reconciliation) -> Compared:
        return msgspec.convert(found, cls, from_attributes=True)


class StrangerRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order at `account` that carries the mark of an order which is not known here.

    `source` is what that order's account said of it: `off` when it is gone or cancelled there, None for nothing.
    """

    account: str
    external_id: str
    number: str | None
    reference: str
    since: datetime
    source: str | None

    @classmethod
    def of(cls, one: Stranger) -> StrangerRow:
        return cls(
            account=one.account,
            external_id=one.external_id,
            number=one.number,
            reference=one.reference,
            since=one.since or one.seen_at,
            source=one.answer.value if one.answer is not None else None,
        )
