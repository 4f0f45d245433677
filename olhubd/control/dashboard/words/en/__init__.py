"""English."""

from collections.abc import Mapping
from typing import Final

from olhubd.control.dashboard.words.en import deeds, pages

__all__ = ["WORDS"]

WORDS: Final[Mapping[str, str | tuple[str, ...]]] = {**pages.WORDS, **deeds.WORDS}
