"""Writes docs/coverage.md anew: which test proves which of the promised behaviours.

    python -m tests.coverage_doc

The page itself is the list of behaviours; a test claims one by naming its id in its docstring, or in the docstring
of its module or class, alone (`FWD-06`) or as a range (`IMP-21 to IMP-24`). Nothing is judged here: whether a test
proves what it claims is for a reader of the test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["PAGE", "claims", "listed", "written"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "coverage.md"

OPEN = "open"
SHOWN = 3
"""Tests named in a row; the others are counted."""

_GROUPS = "ACC|IMP|CRD|FWD|SYN|OFF|PRC|PRD|CUS|NOT|LOG|MAN"
_ID = re.compile(rf"\b({_GROUPS})-(\d\d)(?:\s+to\s+(?:\1-)?(\d\d))?\b")
_ROW = re.compile(rf"^\| ((?:{_GROUPS})-\d\d) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
_TOTAL = re.compile(r"^\*\*.*\*\*$", re.MULTILINE)


def named(text: str) -> Iterator[str]:
    """The ids that a docstring names."""
    for group, first, last in _ID.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"{group}-{number:02}"


def claims(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """By id, the tests that claim it: `folder/test_module.py::test_name`, or the module for all of it."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        if "node_modules" not in path.parts:
            for name, text in _docstrings(path, str(path.relative_to(folder))):
                for id_ in dict.fromkeys(named(text)):
                    found.setdefault(id_, []).append(name)
    return {id_: _precise(names) for id_, names in found.items()}


def _docstrings(path: Path, name: str) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield name, ast.get_docstring(tree) or ""
    for node in ast.walk(tree):
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        if isinstance(node, kinds) and node.name.lower().startswith("test"):
            yield f"{name}::{node.name}", ast.get_docstring(node) or ""


def _precise(names: Iterable[str]) -> list[str]:
    """Without a module of which single tests are named too."""
    names = list(names)
    return [name for name in names if "::" in name or not any(other.startswith(f"{name}::") for other in names)]


def listed(text: str) -> list[str]:
    """The ids of the page, in its order."""
    return [id_ for id_, _, _ in _ROW.findall(text)]


def written(text: str, found: dict[str, list[str]]) -> str:
    """The page with its last column and its total as the tests have it."""

    def row(match: re.Match[str]) -> str:
        return f"| {match[1]} | {match[2]} | {_cell(found.get(match[1], []))} |"

    ids = listed(text)
    proved = sum(id_ in found for id_ in ids)
    total = f"**{proved} of {len(ids)} have a test, {len(ids) - proved} are open.**"
    return _TOTAL.sub(total, _ROW.sub(row, text), count=1)


def _cell(names: list[str]) -> str:
    if not names:
        return OPEN
    shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), claims()), encoding="utf-8")
