"""A write whose answer is lost, whatever its connector asks before it writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count

from olhubd.plugin import OutcomeUnknown, Temporary
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import check
from olhubd_kit.faults import FaultKind

__all__ = ["lose_answer"]

_MOST_CALLS = 20
"""Calls of one write at most."""


async def lose_answer(
    bench: Bench, write: Callable[[int], Awaitable[object]], done: Callable[[int], Awaitable[bool]]
) -> int:
    """Which of the writes ended in OutcomeUnknown: of write n the answer of its call n is lost, counted from zero.

    What is asked before may be asked again, or fail before anything was done, which `done` tells.
    """
    for number in count():
        check(number < _MOST_CALLS, "a write makes calls without end")
        before = bench.struck()
        bench.strike(FaultKind.LOSE, after=number)
        answer = await bench.attempt(partial(write, number))
        bench.faults.clear()
        if isinstance(answer, OutcomeUnknown):
            return number
        said = f"after a lost answer a write gave {answer!r:.60}, not OutcomeUnknown"
        check(bench.struck() > before, said)
        if isinstance(answer, BaseException):
            check(isinstance(answer, Temporary) and not await done(number), said)
    raise AssertionError  # the count has no end
