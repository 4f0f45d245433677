"""Each row of the table turns its tests red: none of them is there for show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations.table import MUTATIONS, Mutation

ROOT = Path(__file__).parent.parent.parent
_PARTS = ("olhubd", "plugins", "tests", "contrib", "etc")
_LEAVE = shutil.ignore_patterns("__pycache__", "node_modules", "bench")
_TESTS_FAILED = 1
"""What pytest ends with when tests ran and some were red; anything else is no proof."""


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_broken_code_turns_its_tests_red(mutation: Mutation, tmp_path: Path) -> None:
    source = (ROOT / mutation.path).read_text(encoding="utf-8")
    assert source.count(mutation.old) == 1, f"{mutation.path} has changed: mend this row of the table"
    for part in _PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=_LEAVE)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / mutation.path).write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
    folders = [tmp_path / folder for folder in (".", "plugins", "contrib/kit", "contrib/torture")]
    there = os.environ | {"PYTHONPATH": ":".join(map(str, folders)), "PYTHONDONTWRITEBYTECODE": "1"}
    there["OLHUBD_TEST_PATIENCE"] = "15"
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *mutation.tests]
    run = subprocess.run(command, cwd=tmp_path, env=there, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == _TESTS_FAILED, run.stdout[-2000:] + run.stderr[-2000:]


def test_each_row_stands_where_it_says() -> None:
    """Also of those that take long: what is broken no more would show nothing."""
    moved = [
        mutation.name
        for mutation in MUTATIONS
        if (ROOT / mutation.path).read_text(encoding="utf-8").count(mutation.old) != 1
    ]
    assert moved == []
