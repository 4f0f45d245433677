"""Orders at a target that carry our mark and belong to no order here."""

from __future__ import annotations

from datetime import datetime

import msgspec

from olhubd.control.api.schema.base import Page
from olhubd.store.strangers import Stranger

__all__ = [
    "StrangerPage",
    "StrangerRow",
]


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


StrangerPage = Page[StrangerRow]
