"""The author's guide says what the code says: its listings, its errors, its verbs and its rules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from olhubd.plugin import errors
from olhubd.plugin.connector import CAPABILITIES
from olhubd_kit.conformance import CRITERIA, VERBS, rules

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "plugins.md").read_text()
LISTINGS: list[tuple[str, str]] = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL)
PACKAGE = ROOT / "contrib" / "example_plugin" / "olhubd_tinyshop"


def after(mark: str) -> str:
    """The table after a mark, and nothing else."""
    return GUIDE.split(f"<!-- {mark} -->\n\n")[1].split("\n\n")[0].rstrip("\n")


@pytest.mark.parametrize(("path", "shown"), LISTINGS, ids=[path for path, _ in LISTINGS])
def test_a_listing_is_the_file(path: str, shown: str) -> None:
    assert shown == (ROOT / path).read_text()


def test_the_whole_plugin_is_listed() -> None:
    shown = {path for path, _ in LISTINGS}
    parts = {f"contrib/example_plugin/olhubd_tinyshop/{file.name}" for file in PACKAGE.glob("*.py")}
    assert parts <= shown


def test_the_plugin_is_as_small_as_the_guide_says() -> None:
    own = {file.name: _own_lines(file) for file in PACKAGE.glob("*.py")}
    orders, stock = re.findall(r"in under (\d+) lines", GUIDE)
    assert own.pop("stock.py") < int(stock)
    assert sum(own.values()) < int(orders)


def _own_lines(file: Path) -> int:
    """Lines of code, without imports, docstrings, comments and blank lines."""
    text = file.read_text()
    other: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        string = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Import | ast.ImportFrom) or string:
            other.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))  # type: ignore[attr-defined]
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in other
        for number, line in enumerate(text.splitlines(), start=1)
    )


def test_every_error_is_explained() -> None:
    families = {"PluginError", "Temporary", "Permanent", "Blame"}
    for name in set(errors.__all__) - families:
        row = next((line for line in GUIDE.splitlines() if line.startswith(f"| `{name}")), None)
        assert row is not None, f"{name} is not in the table of errors"
        error = getattr(errors, name)
        family = "temporary" if issubclass(error, errors.Temporary) else "permanent"
        who = {"remote": "remote system"}.get(error.blame, error.blame)
        assert f"| {family} | {who} |" in row


def test_every_capability_is_listed_with_its_methods() -> None:
    for name, capability in CAPABILITIES.items():
        row = next((line for line in GUIDE.splitlines() if line.startswith(f"| `{name}` |")), None)
        assert row is not None, f"{name} is not in the table of capabilities"
        methods: frozenset[str] = getattr(capability, "__abstractmethods__", frozenset())
        assert all(f"`{method}(" in row for method in methods)


def test_the_switches_are_explained() -> None:
    assert "OLHUBD_PLUGINS=" in GUIDE
    assert "OLHUBD_TRACE_HOOKS=" in GUIDE


def test_the_verbs_are_listed() -> None:
    rows = ["| Verb | Meaning |", "|---|---|", *(f"| `{verb}` | {meaning} |" for verb, meaning in VERBS.items())]
    assert after("verbs") == "\n".join(rows)


def test_the_criteria_of_the_tiers_are_listed() -> None:
    rows = ["| Tier | Criterion | Met when |", "|---|---|---|"]
    rows += [f"| {one.tier.label} | {one.name} | {one.meaning} |" for one in sorted(CRITERIA, key=lambda c: c.tier)]
    assert after("tiers") == "\n".join(rows)


def test_the_rules_are_listed() -> None:
    rows = ["| Rule | Tier | For | Meaning |", "|---|---|---|---|"]
    for rule in rules():
        concerned = ", ".join(f"`{name}`" for name in rule.capabilities) or "all"
        rows.append(f"| {rule.id} | {rule.tier.label} | {concerned} | {rule.meaning} |")
    assert after("rules") == "\n".join(rows)
