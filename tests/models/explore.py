"""Every state that a small transition system can come to, and the shortest way to a wrong one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Found", "explore"]

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True)
class Found(Generic[S]):
    """`states` were seen; `path` are the steps to a wrong one, and `wrong` what is wrong, where there is one."""

    states: int
    path: tuple[str, ...]
    wrong: str | None
    steps: frozenset[str]
    """The names of the steps that were taken anywhere, so that a rule that never acts is seen."""


def explore(
    start: S,
    steps: Callable[[S], Iterable[tuple[str, S]]],
    wrong: Callable[[S], str | None],
    limit: int = 2_000_000,
) -> Found[S]:
    """Look at all states, the nearest first. Raises OverflowError where there are more than `limit`."""
    came: dict[S, tuple[S, str] | None] = {start: None}
    todo = deque([start])
    taken: set[str] = set()
    while todo:
        state = todo.popleft()
        if (why := wrong(state)) is not None:
            return Found(len(came), _path(came, state), why, frozenset(taken))
        for name, after in steps(state):
            taken.add(name)
            if after not in came:
                came[after] = (state, name)
                todo.append(after)
                if len(came) > limit:
                    raise OverflowError(f"more than {limit} states")
    return Found(len(came), (), None, frozenset(taken))


def _path(came: dict[S, tuple[S, str] | None], state: S) -> tuple[str, ...]:
    names: list[str] = []
    while (before := came[state]) is not None:
        state, name = before
        names.append(name)
    return tuple(reversed(names))
