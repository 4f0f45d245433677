"""What goes wrong, as a message and an exit code. No traceback reaches an operator unless they ask for it.

`OLHUBD_DEBUG=1` asks for it.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Sequence
from typing import IO, Any

import click

from olhubd.cli.output import harmless

__all__ = ["Exit", "Failure", "failure", "interrupted"]


class Exit(enum.IntEnum):
    """The exit codes; documented in docs/cli.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4
    DENIED = 5
    UNKNOWN = 6
    LATER = 7
    INTERNAL = 70
    INTERRUPTED = 130


class Failure(click.ClickException):
    """A message for the operator. `lines` are printed after it, one by one."""

    def __init__(self, message: str, code: Exit = Exit.FAILED, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.exit_code = int(code)  # type: ignore[misc]  # click's own way: each instance may have its own
        self.lines = tuple(lines)

    def show(self, file: IO[Any] | None = None) -> None:
        if self.message:
            click.echo(harmless(f"olhubd: {self.message}"), err=True)
        for line in self.lines:
            click.echo(harmless(line), err=True)


def failure(error: Exception) -> Failure | None:
    """The failure that an error amounts to; None to let it fly, since somebody wants to see where it comes from."""
    from olhubd.client import EndpointRefused, NotReachable
    from olhubd.config import ConfigurationError

    match error:
        case ConfigurationError():
            count = sum(not problem.warning for problem in error.problems)
            what = "one problem" if count == 1 else f"{count} problems"
            # What stops it comes first, and bears a label where something beside it has one.
            mixed = count < len(error.problems)
            worst = sorted(error.problems, key=lambda problem: problem.warning)
            lines = [problem.labelled if mixed else str(problem) for problem in worst]
            return Failure(f"the configuration has {what}", Exit.CONFIGURATION, lines)
        case NotReachable(denied=True):
            hint = "use sudo, or become a member of the daemon's group"
            return Failure(f"{error}: {hint}", Exit.DENIED)
        case NotReachable(silent=True):
            hints = [
                "A daemon is there and does not answer; what it said: journalctl --unit olhubd.",
                "If it stays so: systemctl restart olhubd; a restart loses nothing.",
            ]
            return Failure(str(error), Exit.UNREACHABLE, hints)
        case NotReachable():
            hints = ["Is the daemon running? See: systemctl status olhubd, or start it with: olhubd run"]
            return Failure(str(error), Exit.UNREACHABLE, hints)
        case EndpointRefused():
            return _refused(error)
        case OSError():
            what = f"{error.filename}: " if error.filename else ""
            return Failure(f"{what}{error.strerror or error}", Exit.FAILED)
    if os.environ.get("OLHUBD_DEBUG", "") not in ("", "0"):
        return None
    told = " ".join(str(error).split())
    hint = "This is a mistake in olhubd or in a plugin. To see where: OLHUBD_DEBUG=1 olhubd ..."
    return Failure(f"{type(error).__name__}: {told}" if told else type(error).__name__, Exit.INTERNAL, [hint])


def _refused(error: Any) -> Failure:
    problem = error.problem
    lines: list[str] = [f"  {found}" for found in problem.problems]
    for found in problem.candidates:
        number = f", number {found.number}" if found.number else ""
        lines.append(f"  {found.reference}{number}, of {found.placed_at:%Y-%m-%d}")
    code = {
        400: Exit.USAGE,
        401: Exit.DENIED,
        403: Exit.DENIED,
        404: Exit.UNKNOWN,
        422: Exit.CONFIGURATION,
        429: Exit.LATER,
        503: Exit.LATER,
        504: Exit.LATER,
    }.get(problem.status, Exit.FAILED)
    if problem.candidates or (problem.status == 400 and problem.parameter in ("account", "target")):
        code = Exit.UNKNOWN
    if problem.status == 401:
        lines.append("Set OLHUBD_TOKEN, use sudo, or become a member of the daemon's group and use its socket.")
    return Failure(str(error), code, lines)


def interrupted() -> None:
    """The operator pressed Ctrl-C: end the line that was being written, without a word."""
    sys.stderr.write("\n")
    sys.exit(Exit.INTERRUPTED)
