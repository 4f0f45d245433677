"""Every hook has a heading in the author's guide with its exact arguments, and says there what the code says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from olhubd.plugin import hooks

GUIDE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
HOOKS: list[Callable[..., Any]] = [
    spec
    for name, spec in vars(hooks).items()
    if hasattr(spec, f"{hooks.PROJECT}_spec") and name.startswith("olhubd_")
]


def test_there_are_hooks() -> None:
    assert HOOKS


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_has_a_heading_with_its_arguments(hook: Callable[..., Any]) -> None:
    heading = f"### {hook.__name__}({', '.join(inspect.signature(hook).parameters)})\n"
    assert heading in GUIDE, f"docs/plugins.md lacks: {heading}"
    section = GUIDE.split(heading)[1].split("\n#")[0]
    assert (inspect.getdoc(hook) or "").rstrip(".") in section


def test_no_heading_is_of_a_hook_that_is_gone() -> None:
    told = {line[4:].partition("(")[0] for line in GUIDE.splitlines() if line.startswith("### olhubd_")}
    assert told == {hook.__name__ for hook in HOOKS}
