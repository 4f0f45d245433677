"""Reasons that the engine writes, in other languages.

A reason is stored as one English sentence, since logs, the endpoint and the terminal tell it too. Here each fixed
sentence stands with its places, and what fits one is said again in another language. What another system answered
stays as it came, to its last word: it is known by the call that it answered, and a sentence of ours that others
could say as well says what its places may hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import olhubd.control.sentences.polish as polish
from olhubd.model import Action

__all__ = ["REASONS", "told"]

REASONS: Final[Mapping[str, Mapping[str, str]]] = {"pl": polish.REASONS}
"""By language: the English sentence, `{}` for each of its places, and what it is there."""


_ANSWER = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*: ")
"""How the words of another system begin: with what it was asked."""
_NUMBER = r"\d+"
_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "{} knows no {}: do it there by hand": (".*", "|".join(action.value for action in Action)),
    "{} on hold": (_NUMBER,),
    "{} given up": (_NUMBER,),
    "{} on hold and {} given up": (_NUMBER, _NUMBER),
    "{} days": (_NUMBER,),
    "{} hours": (_NUMBER,),
    "{} minutes": (_NUMBER,),
    "{} seconds": (_NUMBER,),
    "{} is not a currency": (r"\S*",),
    "order {} at {}": (r"\S+", r"\S+"),
}
"""What the places of a sentence may hold that has little of its own."""


def told(text: str, language: str) -> str:
    """The reason in a language, or as it is."""
    answer = _ANSWER.match(text)
    for pattern, sentence in _patterns(language):
        if match := pattern.fullmatch(text):
            if answer and match.start(1) == 0 and match[1] != answer[0][:-2]:
                continue  # it would reach into what the other system said
            if answer and match.lastindex and match.lastindex > 1 and match.start(2) >= answer.end():
                return sentence.format(match[1], *match.groups()[1:])
            return sentence.format(*(told(part, language) for part in match.groups()))
    return text


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with the most fixed text first."""
    known = sorted(REASONS.get(language, {}).items(), key=lambda item: -len(item[0]))
    return [(re.compile(_pattern(text), re.DOTALL), said) for text, said in known]


def _pattern(text: str) -> str:
    fixed = [re.escape(part) for part in text.split("{}")]
    places = _ONLY.get(text, (".*",) * (len(fixed) - 1))
    return fixed[0] + "".join(f"({place}){part}" for place, part in zip(places, fixed[1:], strict=True))
