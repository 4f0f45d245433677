"""What a daemon would keep aside of a feed's records: what cannot be read, and what nothing carries yet.

For the author of a feed, who sees it here without a daemon. In one that runs, `olhubd quarantine` lists the same.
An order that can be read and makes no sense (its sums, its currency) is kept aside too; that the daemon alone
decides.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from olhubd.model import Kind, plain
from olhubd.plugin import Feed, Gone, Later, Record, Unreadable
from olhubd.plugin.feed import CARRIED, RECORD_KINDS

__all__ = ["Aside", "kept_aside", "kind_of"]


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is kept whole and goes no further, by its kind and its id at the source."""

    kind: str
    external_id: str
    reason: str
    raw: bytes


def kind_of(record: object, feed: Feed) -> str:
    """What a record of `feed` is about, by a word of `Kind`, or several of them for one that says no kind of its
    own; for what is no record, the name of its type."""
    kind = next((kind for type_, kind in RECORD_KINDS.items() if isinstance(record, type_)), None)
    if kind is not None:
        # One that is carried, and that its feed does not promise, is kept aside as what it is not.
        return type(record).__name__ if kind in CARRIED and kind not in feed.kinds else kind
    match record:
        case Unreadable() | Gone() | Later() if record.kind == Kind.ORDER and Kind.ORDER not in feed.kinds:
            return " or ".join(sorted(kind.value for kind in feed.kinds))
        case Unreadable() | Gone() | Later():
            return str(record.kind)
        case _:
            return type(record).__name__


def kept_aside(feed: Feed, records: Iterable[Record]) -> list[Aside]:
    """Those of `records` that the daemon would not carry on, each with the reason."""
    found: list[Aside] = []
    for record in records:
        kind = kind_of(record, feed)
        if _carried(record, kind, feed):
            continue
        name = getattr(record, "external_id", None) or getattr(record, "key", None)
        if isinstance(record, Unreadable):
            reason, raw = record.reason, record.raw
        elif name is None:
            name, reason, raw = kind, f"{kind} is no record of this feed", repr(record).encode()
        else:
            reason, raw = f"olhubd carries no {kind} records yet", msgspec.json.encode(record, enc_hook=plain)
        found.append(Aside(kind=kind, external_id=str(name), reason=str(reason), raw=raw))
    return found


def _carried(record: object, kind: str, feed: Feed) -> bool:
    if isinstance(record, Unreadable) or kind not in CARRIED or kind not in feed.kinds:
        return False
    return kind == Kind.ORDER or not isinstance(record, Later)  # orders alone are read again
