"""Many schedules side by side, each process playing some: a schedule needs nothing but one core.

What comes back has its findings; the trace and the log only when there are any. The order is that of completion.
"""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import signal
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

import msgspec

from olhubd_torture.run_schedule import ScheduleResult, play
from olhubd_torture.schedule import Schedule

__all__ = ["Task", "attempt", "muster"]

Task = tuple[Schedule, tuple[int, ...]]
"""A schedule, and the crossings to be killed at besides."""

_HAND = 8
"""So many tasks go to a process at a time."""


def muster(tasks: Iterable[Task], jobs: int) -> Generator[ScheduleResult, None, None]:
    """Play all, `jobs` at a time."""
    if jobs == 1:
        yield from (attempt(task) for task in tasks)
        return
    hands = _hands(tasks)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin) as pool:
        under_way = {pool.submit(_hand, hand): hand for hand in itertools.islice(hands, 2 * jobs)}
        try:
            while under_way:
                ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for one in ended:
                    yield from _answers(one, under_way.pop(one))
                    under_way.update({pool.submit(_hand, hand): hand for hand in itertools.islice(hands, 1)})
        finally:  # nobody wants the rest; each process ends with what it has in hand
            pool.shutdown(wait=True, cancel_futures=True)


def _hands(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    left = iter(tasks)
    while hand := list(itertools.islice(left, _HAND)):
        yield hand


def _answers(ended: Future[list[ScheduleResult]], hand: list[Task]) -> list[ScheduleResult]:
    try:
        return ended.result()
    except BrokenProcessPool as error:
        seeds = ", ".join(str(schedule.seed) for schedule, _ in hand)
        raise RuntimeError(f"a process that played schedules was killed, at one of the seeds {seeds}") from error


def _begin() -> None:
    """In each process: Ctrl-C is for who started it, and garbage is collected between schedules only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.disable()


def _hand(tasks: list[Task]) -> list[ScheduleResult]:
    results = [attempt(task) for task in tasks]
    gc.collect()
    return results


def attempt(task: Task) -> ScheduleResult:
    """Play one. Where the torture itself breaks that is a finding, too, and the others are still played."""
    schedule, kills = task
    try:
        result = play(schedule, kills=kills)
    except Exception as error:
        return ScheduleResult(
            schedule=schedule, strikes=kills, findings=[f"broken: {type(error).__name__}: {error}"]
        )
    return result if result.findings else msgspec.structs.replace(result, trace=[], log=[])
