"""One long life in virtual time, under continuous trade and faults: does it grow?

It is neither killed nor stopped, and its clock does not jump, since what is looked at is one process. The same in
real time, with the daemon as a process, is `olhubd_torture.soak_process`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from pathlib import Path

import msgspec

from olhubd_torture.run_schedule import ScheduleResult, play
from olhubd_torture.schedule import Schedule, draw
from olhubd_torture.soak_process import ProcessSample, growth

__all__ = ["SoakSample", "live"]

_PART = 1200.0
"""Seconds of each of the drawn schedules that follow one another."""
_NOT = ("kill", "stop", "jump")
_PURCHASES = 1000
"""Numbers of purchases that are kept for each part."""


class SoakSample(ProcessSample, frozen=True):
    """The process at one moment: also the objects that garbage collection looks at, and the database in bytes."""

    objects: int
    stored: int


def live(seed: int, seconds: float) -> tuple[ScheduleResult, list[SoakSample]]:
    """Live so long. What grows that must not is among the findings."""
    samples: list[SoakSample] = []

    def look(second: float, file: Path, orders: int) -> None:
        if second < seconds:
            samples.append(_look(second, file, orders))

    result = play(lengthy(seed, seconds), look=look)
    result.findings += growth(samples)
    return result, samples


def lengthy(seed: int, seconds: float) -> Schedule:
    """The steps of many schedules, one after another."""
    steps = []
    for part in range(max(1, int(seconds // _PART))):
        steps += [
            msgspec.structs.replace(
                step,
                at=part * _PART + min(step.at, _PART),
                it=step.it and step.it + part * _PURCHASES,
                also=step.also and step.also + part * _PURCHASES,
            )
            for step in draw(seed + part).steps
            if step.verb not in _NOT and step.seconds <= _PART
        ]
    ordered = tuple(sorted(steps, key=lambda step: step.at))
    return Schedule(seed=seed, markets=("market-a", "market-b"), lag=3.0, steps=ordered)


def _look(second: float, file: Path, orders: int) -> SoakSample:
    gc.collect()  # what is only not yet collected has not grown
    return SoakSample(
        second=second,
        resident=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        files=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
        cpu=time.process_time(),
        orders=orders,
        objects=len(gc.get_objects()),
        stored=file.stat().st_size,
    )
