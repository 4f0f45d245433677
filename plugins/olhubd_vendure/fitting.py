"""Texts as long as the shop can keep them. Pure."""

from __future__ import annotations

import hashlib

from olhubd.plugin import Difference

__all__ = ["TextCutter", "mark"]

_DIGEST = 16


def mark(text: str, length: int | None) -> str:
    """`text` itself, or where it is longer than the shop keeps one of its own that fits and is always the same."""
    if length is None or len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{text[: length - _DIGEST - 1]}~{digest}"


class TextCutter:
    """Cuts texts, and remembers which."""

    def __init__(self) -> None:
        self.cuts: list[Difference] = []

    def cut(self, text: str, length: int | None, field: str) -> str:
        """`text` with `length` letters at most; None is no limit."""
        if length is None or len(text) <= length:
            return text
        what = f"{len(text)} letters were cut to the {length} that the shop keeps"
        self.cuts.append(Difference(field=field, what=what, cut=True))
        return text[:length]
