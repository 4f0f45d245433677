"""How values stand in columns: times as whole microseconds since 1970 (UTC), records as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from olhubd.model import Order

__all__ = ["encode", "marks", "moment", "order", "stamp"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

encode = msgspec.json.Encoder().encode
order = msgspec.json.Decoder(Order).decode


def stamp(at: datetime | None) -> int | None:
    """A UTC time as stored. Exact, unlike a float of seconds."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def moment(us: int | None) -> Any:
    """The opposite of `stamp`."""
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def marks(values: Sequence[object]) -> str:
    """As many parameter marks as there are values, for an IN list."""
    return ",".join("?" * len(values))
