"""Saying a sentence in one language: its parameters in their places, each said in the same language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import olhubd.control.sentences.en as en
import olhubd.control.sentences.pl as pl
import olhubd.control.sentences.reasons as reasons
from olhubd.model import Money

__all__ = ["ENGLISH", "SENTENCES", "Count", "Part", "Voice"]

Sentences = Mapping[str, str | tuple[str, ...]]
SENTENCES: Final[Mapping[str, Sentences]] = {"en": en.SENTENCES, "pl": pl.SENTENCES}
"""By language. Those of events have the event's kind as their key."""
_FORMS: Mapping[str, Callable[[int], int]] = {"en": en.form, "pl": pl.form}


class Part(NamedTuple):
    """A sentence, or a part of one: its key and what stands in its places."""

    key: str
    values: Mapping[str, object] = {}


class Count(NamedTuple):
    """A number with what it counts, whose form goes by the number."""

    key: str
    number: int


class Voice:
    """One language. `money` and `when` write amounts and times as they are written there."""

    def __init__(
        self,
        language: str = "en",
        money: Callable[[Money], str] = str,
        when: Callable[[datetime], str] | None = None,
    ) -> None:
        self.language = language
        self._sentences = SENTENCES[language]
        self._money = money
        self._when = when or _utc

    def knows(self, key: str) -> bool:
        return key in self._sentences

    def say(self, value: Any) -> str:
        """The words for a sentence, or for what stands in one. Raises KeyError when it lacks a parameter."""
        match value:
            case Part(key, values):
                text = self._sentences[key]
                assert isinstance(text, str), key
                return text.format_map(_Said(self, values))
            case Count(key, number):
                forms = self._sentences[key]
                assert isinstance(forms, tuple), key
                return forms[_FORMS[self.language](number)].format(n=number)
            case None:
                return ""
            case Money():
                return self._money(value)
            case {"amount": amount, "currency": currency}:
                return self._money(Money(Decimal(str(amount)), str(currency)))
            case datetime():
                return self._when(value)
            case list() | tuple():
                return ", ".join(map(self.say, value))
        return str(value)

    def word(self, kind: str, value: object) -> str:
        """A word of ours in this language; one that is not ours stays as it is."""
        text = self._sentences.get(f"{kind}.{value}")
        return text if isinstance(text, str) else str(value)

    def reason(self, text: str) -> str:
        """A reason as the engine wrote it. What another system said stays in the words it came in."""
        return text if self.language == "en" else reasons.told(text, self.language)


class _Said(dict[str, str]):
    """Parameters that are said when a sentence asks for them."""

    def __init__(self, voice: Voice, values: Mapping[str, object]) -> None:
        self._voice = voice
        self._values = values

    def __missing__(self, name: str) -> str:
        return self._voice.say(self._values[name])


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


ENGLISH: Final = Voice()
