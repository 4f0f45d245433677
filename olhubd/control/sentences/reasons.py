"""Reasons that the engine writes, in other languages.

A reason is stored as one English sentence, since logs, the endpoint and the terminal tell it too. Here each fixed
sentence stands with its places, and what fits one is said again in another language. What another system answered
fits none and stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import olhubd.control.sentences.polish as polish

__all__ = ["REASONS", "told"]

REASONS: Final[Mapping[str, Mapping[str, str]]] = {"pl": polish.REASONS}
"""By language: the English sentence, `{}` for each of its places, and what it is there."""


def told(text: str, language: str) -> str:
    """The reason in a language, or as it is."""
    for pattern, sentence in _patterns(language):
        if match := pattern.fullmatch(text):
            return sentence.format(*(told(part, language) for part in match.groups()))
    return text


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with the most fixed text first."""
    known = sorted(REASONS.get(language, {}).items(), key=lambda item: -len(item[0]))
    return [(re.compile("(.*)".join(map(re.escape, text.split("{}"))), re.DOTALL), said) for text, said in known]
