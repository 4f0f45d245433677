"""The daemon as a process with one guard off, and the drill that must see it.

    python -m tests.torture.drills                    all of them, and each drill with all guards on
    python -m tests.torture.drills "no echo guard" HOSTS run --config olhubd.toml
                                                      `olhubd run` without that guard, as the first form starts it

The guards are those of tests/torture/mutations.py. They are taken out in the process that is tortured, before its
command line begins; nothing in the daemon knows of it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from olhubd_torture.process_torture import LAUNCHER
from olhubd_torture.scenarios import DRILLS, drill

__all__ = ["OFF", "broken", "play"]

OFF: Mapping[str, tuple[str, str]] = {
    "no look-up before sending again": ("a lost answer", "doubled"),
    "no time to settle": ("a shop that acts late", "doubled"),
    "no mark of sending": ("killed when the shop has acted", "doubled"),
    "no unique key": ("an order", "doubled"),
    "no echo guard": ("an order", "ghost"),
    "no lease": ("a slow shop", "doubled"),
    "strangers believed": ("a stranger's answer", "doubled"),
}
"""By guard: the drill that misses it, and as what."""


def broken(guard: str) -> tuple[str, ...]:
    """What starts the command line without this guard."""
    return (sys.executable, "-m", "tests.torture.drills", guard)


def play(name: str, guard: str | None = None) -> list[str]:
    """What a drill finds, with a guard off or with all of them."""
    with tempfile.TemporaryDirectory(prefix="olhubd-drill-") as folder:
        return asyncio.run(drill(Path(folder), DRILLS[name], broken(guard) if guard else LAUNCHER))


def main() -> None:
    """Run all and tell."""
    wrong = 0
    for name in DRILLS:
        found = play(name)
        wrong += bool(found)
        print(f"{name:36} {'; '.join(found) or 'nothing found'}"[:200])  # noqa: T201 - its purpose
    for guard, (name, kind) in OFF.items():
        began = time.perf_counter()
        found = play(name, guard)
        seen = [finding for finding in found if finding.startswith(f"{kind}:")]
        wrong += not seen
        told = seen[0] if seen else f"NOT FOUND: {'; '.join(found) or 'nothing'}"
        print(f"{guard:36} {time.perf_counter() - began:6.1f} s  {name}: {told}"[:200])  # noqa: T201
    raise SystemExit(1 if wrong else 0)


def _run_without(guard: str) -> None:
    """Be the daemon, less a guard."""
    from olhubd.cli import main as olhubd
    from olhubd_torture import names
    from tests.torture.mutations import MUTATIONS

    names.install(Path(sys.argv.pop(1)))
    with MUTATIONS[guard].patch():
        olhubd()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _run_without(sys.argv.pop(1))
    else:
        main()
