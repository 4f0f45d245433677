"""Dates of HTTP headers. Each answer has one in whole seconds, so that many in a row have the same."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["moment"]


@lru_cache(maxsize=128)
def moment(text: str) -> datetime | None:
    """The time in a header; None where there is none. "-0000" says UTC too."""
    try:
        told = email.utils.parsedate_to_datetime(text)
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
