"""Reading one record of many so that its neighbours do not suffer from it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from olhubd.model import Kind, Reason
from olhubd.plugin.errors import ContractBroken, Temporary
from olhubd.plugin.feed import Unreadable

__all__ = ["UNNAMED", "guarded"]

R = TypeVar("R")
UNNAMED = "unreadable-"
"""How the name of a record begins that could not be read so far as to know which one it is."""


def guarded(
    raw: bytes | msgspec.Raw,
    key: str | Callable[[bytes], str],
    read: Callable[[bytes], R],
    *,
    kind: str = Kind.ORDER,
) -> R | Unreadable:
    """What `read` makes of `raw`, or Unreadable with the reason, whatever was raised.

    `key` is the record's id in its system, or finds it in `raw`. Where that fails too, the record gets a name made
    from its text: the same text gets the same name. Only the words of a ContractBroken are repeated; those of any
    other error may hold what the record held. `kind` is what it would have been: it must be said in a feed of
    several kinds, where the host cannot know it.
    """
    raw = bytes(raw)
    try:
        return read(raw)
    except ContractBroken as error:
        reason = Reason("record.at", error=error, field=error.field) if error.field else str(error)
    except Temporary:
        raise  # it passes by itself, and is no fault of the record
    except Exception as error:
        reason = Reason("record.senseless", error=type(error).__name__)
    return Unreadable(external_id=_key(raw, key), reason=reason, raw=raw, kind=kind)


def _key(raw: bytes, key: str | Callable[[bytes], str]) -> str:
    try:
        found = key if isinstance(key, str) else key(raw)
    except Exception:
        found = ""
    return found or f"{UNNAMED}{zlib.crc32(raw):08x}"
