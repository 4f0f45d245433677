"""Records of any kind on their way into the database: all that can be done for them before the transaction.

Nothing here reads or writes; what becomes of a candidate is decided by the flow of its kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from olhubd.decide.planning import ExternalRecord
from olhubd.model import Reason
from olhubd.store import codec

__all__ = ["SLICE", "Candidate", "R", "fault", "prepare"]

SLICE = 50
"""Records worked on at one go, before others get their turn."""


R = TypeVar("R", bound=ExternalRecord)


class Candidate(msgspec.Struct, Generic[R]):
    """An incoming record with what is needed to compare it.

    `document` is its JSON and `digest` the hash of that. `objection` says why it makes no sense, `fault` what went
    wrong in here when it was to be stored.
    """

    record: R
    document: bytes
    digest: bytes
    objection: str | None = None
    fault: str | None = None

    @property
    def external_id(self) -> str:
        """The name of the record at its source."""
        return self.record.external_id


async def prepare(records: Sequence[R], objection: Callable[[R], str | None]) -> list[Candidate[R]]:
    """The records as candidates. Of several with one external id the last counts."""
    last = {record.external_id: record for record in records}
    prepared = []
    for number, record in enumerate(last.values(), 1):
        prepared.append(_candidate(record, objection))
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return prepared


def _candidate(record: R, objection: Callable[[R], str | None]) -> Candidate[R]:
    try:
        document = codec.encode(record)
        return Candidate(record, document, codec.digest(document), objection(record))
    except Exception as error:  # no check foresaw it, and its neighbours must still land
        return Candidate(record, repr(record).encode(errors="backslashreplace"), b"", fault=fault(error))


def fault(error: Exception) -> str:
    """Why a record is kept aside that broke something in here; its texts may hold what nobody else should read."""
    return Reason("record.hub-failed", error=type(error).__name__)
