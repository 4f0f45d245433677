"""How much is tried: a little and always the same in CI; with `OLHUBD_FUZZ=N` about N cases a port, ever others.

`counted` counts what was really tried; `OLHUBD_FUZZ_COUNTS=FILE` has it written there.
"""

from __future__ import annotations

import atexit
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

__all__ = ["LIMIT", "drawn", "effort", "effort_of", "tried"]

LIMIT = 30.0
"""Seconds after which a case counts as hanging."""
_WANTED = os.environ.get("OLHUBD_FUZZ")
_COUNTS = os.environ.get("OLHUBD_FUZZ_COUNTS")
_tried: Counter[str] = Counter()

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def effort_of(few: int, share: float = 1.0) -> int:
    """`few` cases in CI; in a long run `share` of those that were asked for."""
    return few if _WANTED is None else max(1, int(int(_WANTED) * share))


def effort(few: int, share: float = 1.0) -> Callable[[F], F]:
    """So many examples for hypothesis, see `effort_of`."""
    return settings(
        max_examples=effort_of(few, share),
        derandomize=_WANTED is None,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


def tried(port: str, cases: int = 1) -> None:
    """Count cases of a port."""
    _tried[port] += cases


def drawn(strategy: SearchStrategy[T], few: int) -> list[T]:
    """Values of a strategy, for cases that share what is costly to open."""
    found: list[T] = []

    @effort(few)
    @given(strategy)
    def each(value: T) -> None:
        found.append(value)

    each()
    return found


@atexit.register
def _write() -> None:
    if _COUNTS and _tried:
        path = Path(_COUNTS)
        before = msgspec.json.decode(path.read_bytes(), type=dict[str, int]) if path.exists() else {}
        path.write_bytes(msgspec.json.encode(dict(Counter(before) + _tried)))
