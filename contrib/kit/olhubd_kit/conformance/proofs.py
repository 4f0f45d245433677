"""Proofs: what the kit cannot try by itself and a plugin's own tests do, such as a contract or a real server.

A test says what it proves by a mark, here for a whole module:

    pytestmark = pytest.mark.proves("allegro", "contract")
    pytestmark = pytest.mark.proves("allegro", "quirks", each=range(1, 21))

A proof holds when at least one of its tests ran, and all of them ran and passed. With `each`, every number must be
in the name of one of them (`test_quirk_07_...`). `gather` runs the marked tests in a process of their own, in which
this module is pytest's plugin.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["MARK", "NAMES", "ProofNotRun", "ProofOutcome", "gather"]

MARK = "proves"
NAMES = ("contract", "real-server", "quirks")
"""What can be proved."""
_FILE = "OLHUBD_PROOFS"
_RAN = (0, 1, 5)
"""Pytest's exit codes for tests that ran: all well, some failed, none chosen."""


class ProofOutcome(msgspec.Struct, kw_only=True):
    """The outcome of the tests of one proof. `skipped` are the reasons; `wanted` the numbers not seen yet."""

    passed: int = 0
    failed: list[str] = []
    skipped: list[str] = []
    wanted: list[int] = []

    @property
    def lacking(self) -> str | None:
        if self.failed:
            return f"failed: {', '.join(self.failed[:3])}"
        if self.skipped:
            return f"not tried here: {self.skipped[0]}"
        if self.wanted:
            return f"no test for {', '.join(map(str, self.wanted))}"
        return None if self.passed else "none of its tests ran"

    @property
    def untried(self) -> bool:
        """Not seen to fail, yet not all of it could run here."""
        return not self.failed and bool(self.skipped)


class ProofNotRun(RuntimeError):
    """The tests could not be run at all."""


def gather(folders: Sequence[Path]) -> Mapping[str, Mapping[str, ProofOutcome]]:
    """Run the tests in `folders` that prove something; by connector and name what came out."""
    with tempfile.TemporaryDirectory(prefix="olhubd-proofs-") as place:
        file = Path(place, "proofs.json")
        command = [sys.executable, "-m", "pytest", "-q", "-p", __name__, "-m", MARK, "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *map(str, folders)],
            env={**os.environ, _FILE: str(file)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in _RAN or not file.exists():
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise ProofNotRun(f"the tests could not be run: {''.join(last)}")
        return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, ProofOutcome]])


# What follows runs inside of pytest, as its plugin.

_found: dict[str, dict[str, ProofOutcome]] = {}


def pytest_configure(config: Any) -> None:
    config.addinivalue_line("markers", f"{MARK}(connector, name, each=()): see olhubd_kit.conformance.proofs")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        for mark in item.iter_markers(MARK):
            connector, name = mark.args
            if name not in NAMES:
                raise ValueError(f"{name!r} is nothing that a test can prove: {', '.join(NAMES)}")
            outcome = _found.setdefault(connector, {}).setdefault(name, ProofOutcome())
            outcome.wanted = sorted({*outcome.wanted, *mark.kwargs.get("each", ())})
            item.user_properties.append((MARK, (connector, name)))


def pytest_runtest_logreport(report: Any) -> None:
    for key, value in report.user_properties:
        if key == MARK:
            connector, name = value
            _count(_found[connector][name], report)


def _count(outcome: ProofOutcome, report: Any) -> None:
    name = report.nodeid.rpartition("::")[2]
    if report.failed:
        outcome.failed.append(name)
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        outcome.skipped.append(reason.removeprefix("Skipped: "))
    elif report.when == "call":
        outcome.passed += 1
        words = name.split("[")[0].split("_")
        outcome.wanted = [number for number in outcome.wanted if f"{number:02}" not in words]


def pytest_sessionfinish() -> None:
    file = os.environ.get(_FILE)
    if file:
        Path(file).write_bytes(msgspec.json.encode(_found))
