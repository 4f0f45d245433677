"""Pages of a long list, as many as are asked for. A page may be short, or empty, and not the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["paged", "rows"]

F = TypeVar("F", bound=Callable[..., Any])
_PAGE = 500


def paged(function: F) -> F:
    """Adds --before, --limit and --all; the command gets them as keywords."""
    for option in reversed(
        (
            click.option("--before", type=int, metavar="ID", help="Older than this one: the next page."),
            click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many."),
            click.option("--all", "every", is_flag=True, help="To the end, however many there are."),
        )
    ):
        function = option(function)
    return function


def rows(
    daemon: Any, path: str, into: Any, *, before: int | None, limit: int, every: bool, **asked: Any
) -> tuple[list[Any], int | None]:
    """The rows, and where the next page begins; None at the end."""
    query = {name: "true" if value is True else value for name, value in asked.items() if value is not False}
    found: list[Any] = []
    while True:
        size = _PAGE if every else min(_PAGE, limit - len(found))
        page = daemon.get(path, into, before=before, limit=size, **query)
        found += page.items
        before = page.next
        if before is None or (not every and len(found) >= limit):
            return found, before
