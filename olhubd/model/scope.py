"""How much somebody may do who asks the daemon: each scope includes those before it."""

from __future__ import annotations

import enum

__all__ = ["Scope"]


class Scope(enum.StrEnum):
    READ = "read"
    """See everything that people work with, personal data included; change nothing."""
    OPERATE = "operate"
    """Also what the daily work needs: fetch, pause, release, correct."""
    ADMIN = "admin"
    """Also the daemon itself: configuration, log level, tokens."""

    def allows(self, needed: Scope) -> bool:
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = tuple(Scope)
