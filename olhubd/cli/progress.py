"""What moves while something takes long: on a terminal, on standard error, and nowhere else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from olhubd.cli.session import Session

__all__ = ["counted", "shown", "working"]

Advance = Callable[[], None]


def shown() -> bool:
    """Whether anybody would see it."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def working(what: str, session: Session | None = None) -> Iterator[None]:
    """Something goes on, nobody knows for how long. What a program reads is not disturbed."""
    if not shown() or (session is not None and session.for_programs):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ..."):
        yield


@contextlib.contextmanager
def counted(what: str, total: int | None) -> Iterator[Advance]:
    """So many of something are to be done (None: nobody knows); call what it gives after each."""
    if not shown():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
