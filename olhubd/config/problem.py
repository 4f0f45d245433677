"""What is wrong with a configuration, so that a person can mend it: where, what, and what to write instead.

A problem never holds the value of a secret and never a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["ConfigurationError", "HintedError", "Problem", "near"]


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing wrong. `file` is a path, "environment" or "credentials", which have no `line`."""

    file: str
    line: int | None
    key: str
    """Dotted: "accounts.allegro-main.interval", "routes.0.to". Empty for the file as a whole."""
    message: str
    hint: str = ""
    warning: bool = False

    def __str__(self) -> str:
        return self._told("warning: " if self.warning else "")

    @property
    def labelled(self) -> str:
        """The same where both kinds are together, and an error must not look the lesser one."""
        return self._told("warning: " if self.warning else "error: ")

    def _told(self, label: str) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        what = f"{self.key}: {self.message}" if self.key else self.message
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {label}{what}{hint}"


class ConfigurationError(Exception):
    """The configuration cannot be used. `problems` are all that were found, in the order of the files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))


class HintedError(ValueError):
    """Raised by a validator that knows better than "is wrong": what to write, and at which key of its table."""

    def __init__(self, message: str, hint: str = "", key: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.key = key


def near(word: str, known: Iterable[str]) -> str:
    """A hint that names what was probably meant, else what there is, unless that is too much to read."""
    names = sorted(known)
    folded = word.lower().replace("-", "_")
    plain = {name.lower().replace("-", "_"): name for name in reversed(names)}
    match = difflib.get_close_matches(folded, plain, n=1)
    if match:
        return f'did you mean "{plain[match[0]]}"?'
    return f"there are: {', '.join(names)}" if 0 < len(names) <= 40 else ""
