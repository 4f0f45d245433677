"""A write whose answer is lost, whatever its connector asks before it writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from olhubd.plugin import OutcomeUnknown, Temporary
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import broken, check
from olhubd_kit.faults import FaultKind

__all__ = ["MOST_TRIES", "MOST_WRITES", "lose_answer"]

MOST_TRIES = 3
"""So often a write that may be repeated is sent in all while its answers are lost, as by the host's client."""
MOST_WRITES = 20
"""So many writes, and none ends as it must."""


async def lose_answer(
    bench: Bench, write: Callable[[int], Awaitable[object]], done: Callable[[int], Awaitable[bool]]
) -> int:
    """Which of the writes ended in OutcomeUnknown when the answer of one of its calls was lost, counted from zero.

    What is asked before may be asked again, or fail before anything was done, which `done` says of a write.
    """
    at, said = 0, ""
    for number in range(MOST_WRITES):
        struck, made = bench.struck(), bench.session.calls
        bench.strike(FaultKind.LOSE, after=at)
        answer = await bench.attempt(partial(write, number))
        bench.faults.clear()
        if isinstance(answer, OutcomeUnknown):
            return number
        said = f"after a lost answer a write gave {answer!r:.60}, not OutcomeUnknown"
        if isinstance(answer, BaseException):
            check(isinstance(answer, Temporary) and not await done(number), said)
        # What was asked once may be remembered: then there are fewer calls, and the last one is the write.
        at = at + 1 if bench.struck() > struck else max(0, bench.session.calls - made - 1)
    raise broken(said)
