"""What the engine refuses."""

from __future__ import annotations

__all__ = ["NotPossible"]


class NotPossible(Exception):
    """What was asked cannot be done, and why, in words for a person."""
