"""What the benchmarks read from the system about processes: CPU time, memory, how busy the machine is."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["cpu", "machine", "resident"]

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used so far, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def resident(pid: int) -> float:
    """Megabytes of a process that are in memory, shared libraries included."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def machine() -> str:
    """One line on where the figures come from; a load beside them says whether the machine was shared."""
    busy = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {busy:.1f}"
