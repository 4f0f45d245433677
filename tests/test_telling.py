"""That a failing test is named as it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_failing_test_is_named_as_it_fails(tmp_path: Path, processes: str) -> None:
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text("def test_bad():\n    assert False\n\ndef test_good():\n    pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", processes, "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    told = done.stdout.index("FAILS test_it.py::test_bad (call)")
    assert told < done.stdout.index("= FAILURES =")
    assert done.stdout.count("FAILS ") == 1
