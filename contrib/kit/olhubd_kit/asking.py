"""How a verb of a simulator is asked for from outside: its signature for people, and arguments checked before it
acts.

A wrong argument is answered in words, and nothing has happened then.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

__all__ = ["arguments", "signature"]


def signature(verb: Callable[..., Any]) -> dict[str, str]:
    """`takes` is what the verb takes, as its author wrote it down; `does` the beginning of its docstring."""
    return {
        "takes": ", ".join(_shown(one) for one in _taken(verb)),
        "does": (inspect.getdoc(verb) or "").split("\n\n")[0],
    }


def arguments(verb: Callable[..., Any], body: bytes) -> dict[str, Any]:
    """The arguments in `body`, a JSON object, as the verb takes them. Raises ValueError, in words."""
    try:
        told = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("the arguments are no JSON") from None
    if not isinstance(told, dict):
        raise ValueError('the arguments are a JSON object, such as {"count": 3}')
    known = {one.name: one for one in _taken(verb)}
    free = any(one.kind is one.VAR_KEYWORD for one in known.values())
    if strange := [name for name in told if name not in known and not free]:
        raise ValueError(f"there is no {_named(strange)}; it takes {signature(verb)['takes'] or 'nothing'}")
    owed = [one.name for one in known.values() if one.default is one.empty and one.kind not in _SPARE]
    if missing := [name for name in owed if name not in told]:
        raise ValueError(f"{_named(missing)} is missing; it takes {signature(verb)['takes']}")
    kinds = _kinds(verb)
    return {name: _fitted(name, value, kinds.get(name, Any), known.get(name)) for name, value in told.items()}


_SPARE = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _taken(verb: Callable[..., Any]) -> list[inspect.Parameter]:
    return [*inspect.signature(verb).parameters.values()]


def _shown(one: inspect.Parameter) -> str:
    kind = one.annotation if isinstance(one.annotation, str) else getattr(one.annotation, "__name__", "Any")
    text = f"**{one.name}" if one.kind is one.VAR_KEYWORD else one.name
    if one.annotation is not one.empty:
        text = f"{text}: {kind}"
    return text if one.default is one.empty else f"{text} = {one.default!r}"


def _named(names: list[str]) -> str:
    return " and ".join(repr(name) for name in names)


def _kinds(verb: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(verb)
    except NameError:  # a name that is imported for the type checker alone
        return {}


def _fitted(name: str, value: Any, kind: Any, one: inspect.Parameter | None) -> Any:
    """`value` as the verb takes it: a number may be written as a text, and a text as a number."""
    if one is None or one.kind is one.VAR_KEYWORD:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and kind is str:
        return str(value)
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name!r} does not fit: {error}") from None
    except TypeError:  # a kind that nothing can be read as
        return value
