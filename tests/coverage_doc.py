"""Writes docs/coverage.md anew: what is promised, which test proves it, and what is missing.

    python -m tests.coverage_doc

The page itself is the list of behaviours, and says of each what is missing. A test function claims one by naming
its id in its own docstring: whole (`FWD-06`, or a range, `IMP-21 to IMP-24`), or a part of it (`Part of FWD-26`). A
module or a class claims nothing, since nothing would fail with it. Whether a test proves what it claims is shown
where the code between is broken on purpose: `tests/mutations`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

__all__ = ["PAGE", "Claims", "Row", "claims", "listed", "toothless", "written"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "coverage.md"

PROVED, PART, OPEN = "proved", "part", "open"
NOTHING = "-"
SHOWN = 3
"""Tests named in a row; the others are counted."""

_GROUPS = "ACC|IMP|CRD|FWD|SYN|OFF|PRC|PRD|CUS|NOT|LOG|MAN|SRC"
_ONE = rf"\b(?:{_GROUPS})-\d\d(?:\s+to\s+(?:(?:{_GROUPS})-)?\d\d)?\b"
_ID = re.compile(rf"\b({_GROUPS})-(\d\d)(?:\s+to\s+(?:\1-)?(\d\d))?\b")
_PART = re.compile(rf"\b[Pp]art of ({_ONE}(?:(?:,|,?\s+and)\s+{_ONE})*)")
_ROW = re.compile(
    rf"^\| (?P<id>(?:{_GROUPS})-\d\d) \| (?P<what>[^|]+) \| (?P<state>[^|]*) \| (?P<missing>[^|]*) \| [^|]* \|$",
    re.MULTILINE,
)
_TOTAL = re.compile(r"^\*\*.*\*\*$", re.MULTILINE)


class Row(msgspec.Struct, frozen=True):
    """One behaviour as the page has it; `missing` is written by hand and empty where nothing is."""

    id: str
    what: str
    state: str
    missing: str


class Claims(msgspec.Struct, frozen=True):
    """The tests that claim one behaviour, as `folder/test_module.py::test_name`."""

    whole: list[str] = []
    part: list[str] = []

    @property
    def state(self) -> str:
        return PROVED if self.whole else PART if self.part else OPEN


def named(text: str) -> Iterator[str]:
    """The ids that a text names."""
    for group, first, last in _ID.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{group}-{number:02}"


def claims(folder: Path = ROOT / "tests") -> dict[str, Claims]:
    """Who claims what, by id."""
    found: dict[str, Claims] = {}
    for name, node in _tests(folder):
        text = ast.get_docstring(node) or ""
        parts = {id_ for some in _PART.findall(text) for id_ in named(some)}
        for id_ in dict.fromkeys(named(text)):
            mine = found.setdefault(id_, Claims([], []))
            (mine.part if id_ in parts else mine.whole).append(name)
    return found


def toothless(folder: Path = ROOT / "tests") -> list[str]:
    """Tests that claim something and can hardly fail: they hold no assertion and call nobody who may."""
    return [
        name
        for name, node in _tests(folder)
        if any(named(ast.get_docstring(node) or "")) and not any(_bites(one) for one in ast.walk(node))
    ]


def _bites(node: ast.AST) -> bool:
    """An assertion, an expected error, or a wait for a condition, which ends in a time-out when it never comes."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name in ("raises", "until", "settled", "settle") or name.startswith(("assert_", "check_", "expect"))


def _tests(folder: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Each test function with its name, as `folder/test_module.py::test_name`."""
    for path in sorted(folder.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                yield f"{path.relative_to(folder)}::{node.name}", node


def listed(text: str) -> list[Row]:
    """The behaviours of the page, in its order."""
    rows = (m.group("id", "what", "state", "missing") for m in _ROW.finditer(text))
    return [Row(id_, what, state, "" if missing == NOTHING else missing) for id_, what, state, missing in rows]


def written(text: str, found: dict[str, Claims]) -> str:
    """The page with its states, its tests and its total as they are."""

    def row(match: re.Match[str]) -> str:
        mine = found.get(match["id"], Claims())
        cells = (match["id"], match["what"], mine.state, match["missing"], _cell(mine.whole + mine.part))
        return f"| {' | '.join(cells)} |"

    states = [found.get(one.id, Claims()).state for one in listed(text)]
    proved, part, open_ = (states.count(state) for state in (PROVED, PART, OPEN))
    total = f"**Of {len(states)} behaviours {proved} are proved, {part} in part, {open_} are open.**"
    return _TOTAL.sub(total, _ROW.sub(row, text), count=1)


def _cell(names: list[str]) -> str:
    if not names:
        return NOTHING
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), claims()), encoding="utf-8")
