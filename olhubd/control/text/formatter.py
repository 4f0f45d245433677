"""Saying a sentence in one language: its parameters in their places, each said in the same language.

The sentences are the catalogue `events` of `olhubd.text`; which parameters there are and what they hold is
`olhubd.control.text.event_text`'s. The words of pages are the dashboard's own. Reasons say themselves, by their
code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from olhubd.model import Money, Reason, plain, sentence
from olhubd.text import catalogue, owner

__all__ = ["ENGLISH", "CountedNoun", "Formatter", "TextPart"]


class TextPart(NamedTuple):
    """A sentence, or a part of one: its key and the values for its places."""

    key: str
    values: Mapping[str, object] = {}


class CountedNoun(NamedTuple):
    """A number with what it counts, whose form goes by the number."""

    key: str
    number: int


class Formatter:
    """One language. `money` and `when` write amounts and times as they are written there."""

    def __init__(
        self,
        language: str = "en",
        money: Callable[[Money], str] = str,
        when: Callable[[datetime], str] | None = None,
    ) -> None:
        self.language = language
        self._sentences = catalogue("events", language)
        self._money = money
        self._when = when or _utc

    def knows(self, key: str) -> bool:
        return self._sentences.knows(key)

    def say(self, value: Any) -> str:
        """The words for a sentence, or for a value in one. Raises KeyError when it lacks a parameter."""
        match value:
            case TextPart(key, values):
                return self._sentences.text(key).format_map(_Said(self, values))
            case CountedNoun(key, number):
                return self._sentences.counted(key, number).format(n=number)
            case Reason():
                return self.reason(value)
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
        try:
            return self._sentences.text(f"{kind}.{value}")
        except KeyError:
            return str(value)

    def reason(self, text: str) -> str:
        """A reason in this language. A text that is no reason stays as it came."""
        if self.language == "en" or not isinstance(text, Reason):
            return plain(text)
        try:
            texts = catalogue("reasons", self.language, owner(text.code))
            return sentence(texts, text.code, text.values).format_map(_Said(self, text.values))
        except (KeyError, IndexError, ValueError):
            return plain(text)  # of a plugin that is not there, or does not speak it; or of another version

    def reason_in(self, facts: Mapping[str, Any], name: str) -> str:
        """The reason among the facts of an event, which has its code and values beside it."""
        text = str(facts[name])
        data = {"code": facts.get(f"{name}_code"), "values": facts.get(f"{name}_values"), "text": text}
        try:
            return self.reason(Reason.of(data))
        except (AttributeError, KeyError, TypeError, ArithmeticError):
            return text


class _Said(dict[str, str]):
    """Parameters that are said when a sentence asks for them."""

    def __init__(self, voice: Formatter, values: Mapping[str, object]) -> None:
        self._voice = voice
        self._values = values

    def __missing__(self, name: str) -> str:
        return self._voice.say(self._values[name])


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


ENGLISH: Final = Formatter()
