"""How long an upgrade of a database takes, and what it needs, beside what it says of itself before it begins.

    python -m tests.bench.upgrade FILE      a database of an older schema; it is copied first and stays as it is

Such a file of a million orders is left by `tests/bench/million.py 1000000 --keep FOLDER` of the version before.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from olhubd.store import PlannedUpgrade, UpgradeWatcher
from olhubd.store.sqlite import migrate
from olhubd.store.sqlite.upgrade import mebibytes


class _Measuring(UpgradeWatcher):
    """Notes the largest log, and the longest silence between two signs of life."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._last = time.perf_counter()
        self.plan: PlannedUpgrade | None = None
        self.largest = 0
        self.silence = 0.0

    def begins(self, upgrade: PlannedUpgrade) -> None:
        self.plan = upgrade
        self.goes_on()

    def goes_on(self) -> None:
        now = time.perf_counter()
        self.silence, self._last = max(self.silence, now - self._last), now
        self.largest = max(self.largest, self._log.stat().st_size if self._log.exists() else 0)


def measure(file: Path) -> None:
    size = file.stat().st_size
    watcher = _Measuring(file.with_name(f"{file.name}-wal"))
    began, used = time.perf_counter(), time.process_time()
    backup = migrate.migrate(file, watcher=watcher)
    took, used = time.perf_counter() - began, time.process_time() - used
    watcher.goes_on()
    if backup is None or watcher.plan is None:
        raise SystemExit(f"{file} has the latest schema: there is nothing to measure")
    plan = watcher.plan
    grown = file.stat().st_size - size
    written = backup.stat().st_size + watcher.largest + grown
    print(f"schema {plan.before} to {plan.schema}: {took:.1f} s, {used:.1f} s of CPU; told: about {plan.seconds} s")
    print(f"longest silence {watcher.silence:.1f} s")
    print(
        f"backup {mebibytes(backup.stat().st_size)}, log at most {mebibytes(watcher.largest)}, file grown by"
        f" {mebibytes(grown)}: {mebibytes(written)}; told: {mebibytes(plan.needs)}"
    )


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    source = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        measure(Path(shutil.copy(source, folder)))


if __name__ == "__main__":
    main()
