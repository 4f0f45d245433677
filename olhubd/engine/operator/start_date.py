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


def check_start(
    text: str | None, account: str, added_at: datetime | None, now: datetime, since: datetime | None = None
) -> None:
    """Raises NotPossible where the account may not begin then, with what is possible. None unsets it.

    `since` is from when on its orders are taken already: none of them may be passed over, read or not.
    """
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
    if since is not None and start > since:
        why = f"orders are taken since {_said(since)}: those before {_said(start)} not read yet would be lost"
        raise NotPossible(Reason("setting.wrong", key="start", problem=why))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):  # in the year 9999 no other zone may be left
        return None


def _said(at: datetime) -> str:
    """A moment that can be copied: a whole second, which is late enough."""
    whole = at.astimezone(UTC)
    if whole.microsecond:
        whole = whole.replace(microsecond=0) + timedelta(seconds=1)
    return whole.isoformat()
