"""Why something is as it is, as data: a code, and the values for its sentence.

A reason is also its English sentence, which logs, errors, the endpoint and the terminal show; a page in another
language says it from the code and the values. A plain text has no code: another system answered it or a person
wrote it, and it is shown as it came in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from olhubd.model.money import Money
from olhubd.text import Catalogue, catalogue, owner

__all__ = ["Reason", "Value", "beside", "chained", "code_of", "plain", "sentence"]

Value: TypeAlias = "str | int | Money | Reason"


class Reason(str):
    """`Reason("order.unknown", order=4711)`. The codes and their sentences are in the catalogue `reasons`.

    A value that is a text, a whole number, an amount or a reason is kept as it is; anything else as its text. An
    exception that carries a reason counts as that reason. `str(reason)` is the reason itself, so that a reason in
    an error outlives `str(error)`; written into another text with an f-string it becomes plain text.
    """

    __slots__ = ("code", "values")

    code: str
    values: Mapping[str, Value]

    def __new__(cls, code: str, /, **values: object) -> Reason:
        kept = {name: _kept(value) for name, value in values.items()}
        try:
            text = sentence(catalogue("reasons", "en", owner(code)), code, kept).format_map(kept)
        except (KeyError, IndexError, ValueError):
            text = ": ".join([code, *map(str, kept.values())])  # a plugin without a catalogue
        return cls.restored(code, kept, text)

    @classmethod
    def restored(cls, code: str, values: Mapping[str, Value], text: str) -> Reason:
        """One that was stored, with the sentence that it had then."""
        reason = str.__new__(cls, text)
        reason.code, reason.values = code, values
        return reason

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).restored, (self.code, self.values, plain(self))

    def data(self) -> dict[str, Any]:
        """As JSON has it; `of` is the opposite."""
        return {"code": self.code, "values": self.stored_values(), "text": plain(self)}

    def stored_values(self) -> dict[str, Any]:
        """The values as JSON has them: an amount as its amount and currency, a reason as its data."""
        return {name: _stored(value) for name, value in self.values.items()}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Reason:
        """The reason that was stored as `data`. Raises KeyError, TypeError or ArithmeticError when it is none."""
        values = {name: _read(value) for name, value in data["values"].items()}
        return cls.restored(data["code"], values, data["text"])


_SIMPLE: Final = (int, Money, Reason)


def sentence(texts: Catalogue, code: str, values: Mapping[str, object]) -> str:
    """The sentence of a code, with its places. Where it has plural forms, they go by the value `n`."""
    number = values.get("n")
    if isinstance(number, int):
        try:
            return texts.counted(code, number)
        except KeyError:
            pass  # one form for all
    return texts.text(code)


def plain(text: str) -> str:
    """The text alone."""
    return str.__str__(text)


def code_of(text: str | None) -> str | None:
    """The code of a reason; None for a text that is none."""
    return text.code if isinstance(text, Reason) else None


def beside(name: str, text: str | None) -> dict[str, Any]:
    """What is added beside a reason that is shown as its sentence under `name`: its code and values, for programs.

    Empty for a text that is no reason.
    """
    if not isinstance(text, Reason):
        return {}
    return {f"{name}_code": text.code, f"{name}_values": text.stored_values()}


def chained(parts: Iterable[str]) -> str:
    """Several reasons or texts as one, with semicolons between them."""
    whole = ""
    for part in parts:
        whole = Reason("both", first=whole, second=part) if whole else part
    return whole


def _kept(value: object) -> Value:
    if isinstance(value, BaseException) and len(value.args) == 1 and isinstance(value.args[0], Reason):
        return value.args[0]
    if isinstance(value, _SIMPLE) and not isinstance(value, bool):
        return value
    # Headers that are no UTF-8 come as half surrogates, which no database takes.
    return str(value).encode(errors="backslashreplace").decode()


def _stored(value: Value) -> Any:
    if isinstance(value, Reason):
        return value.data()
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    return value


def _read(value: Any) -> Value:
    match value:
        case {"code": _, "values": _, "text": _}:
            return Reason.of(value)
        case {"amount": amount, "currency": currency}:
            return Money(Decimal(amount), currency)
        case int() | str():
            return value
    raise TypeError(value)
