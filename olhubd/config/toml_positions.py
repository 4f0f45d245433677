"""The line of each key of a TOML text. tomllib reads values and keeps no places; this keeps only places.

It trusts the text to be valid TOML, as tomllib found; over broken text it stops where it gets lost.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tomllib

__all__ = ["KeyPath", "repeated", "spans"]

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of tables and indexes of arrays."""

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*("(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_MULTILINE = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}', re.DOTALL)
_STRING = re.compile(r"""\"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_BARE = re.compile(r"[^,\]}#\n]+")


class _Lost(Exception):
    """The text is not TOML here."""


def spans(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of each key, table header and array element; of a table named often, the first."""
    found: dict[KeyPath, int] = {}
    for path, line in _scan(text):
        for length in range(1, len(path) + 1):
            found.setdefault(path[:length], line)
    return found


def repeated(text: str) -> tuple[KeyPath, int, int] | None:
    """The first key that is set twice, with both lines; None when there is no such key."""
    found: dict[KeyPath, int] = {}
    for path, line in _scan(text):
        if path in found:
            return path, found[path], line
        found[path] = line
    return None


def _scan(text: str) -> list[tuple[KeyPath, int]]:
    scanner = _Scanner(text)
    with contextlib.suppress(_Lost):
        scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.found: list[tuple[KeyPath, int]] = []
        self.lengths: dict[KeyPath, int] = {}
        """Of each array of tables, how many were begun."""

    def document(self) -> None:
        table: KeyPath = ()
        while self.skip():
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> KeyPath:
        start = self.at
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        path: KeyPath = ()
        for part in self.key():
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
            path = (*path, part)
        self.expect("]]" if array else "]")
        if array:
            self.lengths[path] = self.lengths.get(path, 0) + 1
            path = (*path, self.lengths[path] - 1)
        elif path in self.lengths:
            path = (*path, self.lengths[path] - 1)
        self.note(path, start)
        return path

    def pair(self, table: KeyPath) -> None:
        start = self.at
        path = (*table, *self.key())
        self.expect("=")
        self.note(path, start)
        self.value(path)

    def key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            match = _KEY.match(self.text, self.at)
            if match is None:
                raise _Lost
            self.at = match.end()
            raw = match[1]
            # The keys of each account's table are the same, and the paths are kept as long as the configuration is.
            parts.append(sys.intern(tomllib.loads(f"k = {raw}")["k"] if raw[0] in "\"'" else raw))
            if not match[2]:
                return tuple(parts)

    def value(self, path: KeyPath) -> None:
        self.skip()
        start = self.text[self.at : self.at + 1]
        if start == "[":
            self.array(path)
        elif start == "{":
            self.inline(path)
        else:
            pattern = _BARE
            if start in {'"', "'"}:
                pattern = _MULTILINE if self.text.startswith(start * 3, self.at) else _STRING
            match = pattern.match(self.text, self.at)
            if match is None:
                raise _Lost
            self.at = match.end()

    def array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self.skip() and not self.text.startswith("]", self.at):
            self.note((*path, index), self.at)
            self.value((*path, index))
            self.comma()
            index += 1
        self.expect("]")

    def inline(self, path: KeyPath) -> None:
        self.at += 1
        while self.skip() and not self.text.startswith("}", self.at):
            self.pair(path)
            self.comma()
        self.expect("}")

    def skip(self) -> bool:
        """Pass over blanks and comments; false at the end."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def comma(self) -> None:
        self.skip()
        if self.text.startswith(",", self.at):
            self.at += 1

    def expect(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise _Lost
        self.at += len(mark)

    def note(self, path: KeyPath, at: int) -> None:
        self.found.append((path, self.text.count("\n", 0, at) + 1))
