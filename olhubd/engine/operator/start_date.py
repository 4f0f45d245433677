"""From when on an account takes orders, as a person may set it while the daemon runs.

Only of an account that is new: what was sold before is then known to nobody else, and a marketplace remembers it.
Later the orders of before are history, which a second import would bring into the shop as new ones.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from olhubd.engine.errors import NotPossible
from olhubd.model import Reason

__all__ = ["check_start"]

_WINDOW = timedelta(days=7)
"""How far before its adding an account may begin, and how long after it that may be set; to the second."""


def check_start(text: str | None, account: str, added_at: datetime | None, now: datetime) -> None:
    """Raises NotPossible where the account may not begin then, with what is possible. None unsets it."""
    added = added_at or now
    if text is None:
        raise NotPossible(Reason("setting.start-stays"))
    if now - added > _WINDOW:
        raise NotPossible(Reason("setting.start-late", until=_said(added + _WINDOW), account=account))
    start = _moment(text)
    if start is None:
        raise NotPossible(Reason("setting.start-moment", example=_said(now.replace(microsecond=0))))
    if start < (earliest := added - _WINDOW):
        raise NotPossible(Reason("setting.start-early", earliest=_said(earliest)))
    if start > now:
        raise NotPossible(Reason("setting.start-ahead", start=_said(start)))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _said(at: datetime) -> str:
    """A moment that can be copied: a whole second, which is late enough."""
    whole = at.astimezone(UTC)
    if whole.microsecond:
        whole = whole.replace(microsecond=0) + timedelta(seconds=1)
    return whole.isoformat()
