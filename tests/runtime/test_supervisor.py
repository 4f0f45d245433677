"""Tasks are guarded, restarted and heard of; what ends unexpectedly is told (invariants 13 and 14)."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from olhubd.runtime.supervisor import Heartbeat, Supervisor
from olhubd_kit.virtual_clock import VirtualClock

pytestmark = pytest.mark.looptime


class Log:
    """Remembers what was said, by level."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **facts: self.lines.append((level, event, facts["task"]))


async def test_a_failing_loop_is_told_once_and_begun_again_ever_later() -> None:
    log, clock = Log(), VirtualClock()
    supervisor, began = Supervisor(clock, log), []

    async def main(pulse: Heartbeat) -> None:
        began.append(clock.monotonic())
        raise RuntimeError("broken")

    supervisor.start("reader", main)
    await clock.sleep(200.0)
    pauses = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert pauses[:8] == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60], abs=0.01)
    assert log.lines.count(("error", "has failed", "reader")) == 1
    assert supervisor.failing == {"reader"}
    supervisor.recovered("reader")
    assert log.lines[-1] == ("info", "works again", "reader")
    await supervisor.stop_all()


async def test_who_gives_up_waiting_for_an_end_leaves_nothing_behind() -> None:
    """Else it would work on while the database closes, and nobody would know of it."""
    clock = VirtualClock()
    supervisor, ended = Supervisor(clock, Log()), asyncio.Event()

    async def main(pulse: Heartbeat) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    supervisor.start("sender", main)
    await clock.sleep(1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await supervisor.stop("sender", grace=30.0)
    await clock.sleep(1.0)
    assert ended.is_set()


async def test_a_loop_that_works_again_is_told_and_forgotten() -> None:
    """What failed once must not be shown as failing for ever."""
    log, clock = Log(), VirtualClock()
    supervisor, rounds = Supervisor(clock, log), iter([False, True, True])

    async def main(pulse: Heartbeat) -> None:
        while True:
            if not next(rounds):
                raise RuntimeError("disk full")
            pulse.well()
            await clock.sleep(1.0)

    supervisor.start("writer", main)
    await clock.sleep(0.5)
    assert supervisor.failing == {"writer"}
    await clock.sleep(1.5)
    assert supervisor.failing == set()
    assert log.lines == [("error", "has failed", "writer"), ("info", "works again", "writer")]
    await supervisor.stop_all()


async def test_a_loop_that_ends_by_itself_is_told_and_begun_again() -> None:
    log, clock = Log(), VirtualClock()
    supervisor, began = Supervisor(clock, log), []

    async def main(pulse: Heartbeat) -> None:
        began.append(clock.monotonic())

    supervisor.start("reader", main)
    await clock.sleep(2.0)
    assert len(began) == 2
    assert log.lines[0] == ("error", "has finished unexpectedly", "reader")
    await supervisor.stop_all()


async def test_a_broken_promise_shows_and_a_kept_one_does_not() -> None:
    clock = VirtualClock()
    supervisor = Supervisor(clock, Log())

    async def stuck(pulse: Heartbeat) -> None:
        pulse.beat(10.0)
        await asyncio.Event().wait()

    async def waiting(pulse: Heartbeat) -> None:
        pulse.beat(10.0)
        pulse.rest()
        await asyncio.Event().wait()

    supervisor.start("stuck", stuck)
    supervisor.start("waiting", waiting)
    await clock.sleep(9.0)
    assert supervisor.overdue() == {}
    await clock.sleep(6.0)
    assert supervisor.overdue() == {"stuck": pytest.approx(5.0, abs=0.01)}
    await supervisor.stop_all()
    assert supervisor.overdue() == {}
    assert len(supervisor) == 0


async def test_work_done_now_and_then_pauses_between_its_rounds_and_recovers() -> None:
    """A failure, of a full disk say, is told until a round goes well, and no longer."""
    log, clock = Log(), VirtualClock()
    supervisor, began = Supervisor(clock, log), []

    async def work(_pulse: Heartbeat) -> None:
        began.append(clock.monotonic())
        if len(began) == 2:
            raise RuntimeError("disk full")
        await clock.sleep(2.0)

    supervisor.every("cleaner", lambda: 10.0 * len(began), work)
    await clock.sleep(12.5)
    assert supervisor.failing == {"cleaner"}
    await clock.sleep(40.0)
    pauses = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert pauses == pytest.approx([12, 1, 32], abs=0.01)
    assert supervisor.failing == set()
    assert log.lines == [("error", "has failed", "cleaner"), ("info", "works again", "cleaner")]
    await supervisor.stop_all()


async def test_a_round_may_take_its_limit_and_three_pauses_more() -> None:
    clock = VirtualClock()
    supervisor = Supervisor(clock, Log())

    async def work(_pulse: Heartbeat) -> None:
        await asyncio.Event().wait()

    supervisor.every("cleaner", 10.0, work, limit=5.0)
    await clock.sleep(44.0)
    assert supervisor.overdue() == {}
    await clock.sleep(2.0)
    assert supervisor.overdue() == {"cleaner": pytest.approx(1.0, abs=0.01)}
    await supervisor.stop_all()


async def test_a_task_that_was_told_to_end_has_its_grace() -> None:
    clock = VirtualClock()
    supervisor, ended = Supervisor(clock, Log()), []

    async def main(pulse: Heartbeat) -> None:
        try:
            await clock.sleep(5.0)
            ended.append("by itself")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    supervisor.start("patient", main)
    supervisor.start("late", main)
    await clock.sleep(1.0)
    await supervisor.stop("late", grace=1.0)
    await supervisor.stop("patient", grace=60.0)
    assert ended == ["cancelled", "by itself"]


async def test_a_task_of_one_time_fails_alone() -> None:
    log = Log()
    supervisor = Supervisor(VirtualClock(), log)

    async def main(pulse: Heartbeat) -> None:
        raise RuntimeError("broken")

    supervisor.once("import", main)
    await asyncio.sleep(1.0)
    assert log.lines == [("error", "has failed", "import")]
    assert len(supervisor) == 0


async def test_a_task_that_was_left_behind_takes_no_other_with_it() -> None:
    """Another one goes by its name meanwhile, and has to be found when it is to end."""
    supervisor, over, ended = Supervisor(VirtualClock(), Log()), asyncio.Event(), asyncio.Event()

    async def stubborn(pulse: Heartbeat) -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    async def calm(pulse: Heartbeat) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    supervisor.once("knock", stubborn)
    await asyncio.sleep(0.1)
    await supervisor.stop("knock")
    supervisor.once("knock", calm)
    over.set()
    await asyncio.sleep(0.1)
    assert len(supervisor) == 1
    await supervisor.stop("knock")
    assert ended.is_set()


async def test_a_full_disk_is_a_sentence_and_no_mistake_of_the_loop() -> None:
    log, clock = Log(), VirtualClock()
    supervisor = Supervisor(clock, log, (OSError,))

    async def main(pulse: Heartbeat) -> None:
        raise OSError("database or disk is full")

    supervisor.start("reader", main)
    await clock.sleep(20.0)
    assert [line for line in log.lines if line[0] == "error"] == [("error", "cannot work now", "reader")]
    await supervisor.stop_all()


async def test_who_fails_while_being_ended_is_ended_all_the_same() -> None:
    """A disk that is read-only when the daemon stops: a failed last write took the cancellation's place."""
    log, clock = Log(), VirtualClock()
    supervisor = Supervisor(clock, log, (OSError,))
    began = 0

    async def main(pulse: Heartbeat) -> None:
        nonlocal began
        began += 1
        try:
            await clock.sleep(3600.0)
        finally:
            raise OSError("attempt to write a readonly database")

    supervisor.start("dispatcher", main)
    await clock.sleep(1.0)
    async with asyncio.timeout(60.0):
        await supervisor.stop("dispatcher", grace=5.0)
    await clock.sleep(600.0)
    assert began == 1
    assert log.lines == [("error", "cannot work now", "dispatcher")]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()])
async def test_an_end_that_nobody_asked_for_is_begun_anew(error: BaseException) -> None:
    """Something inside of the loop broke off: told as what it is, begun again, and ended when it is told to."""
    clock, log = VirtualClock(), Log()
    supervisor, began = Supervisor(clock, log), []

    async def main(pulse: Heartbeat) -> None:
        began.append(clock.monotonic())
        if len(began) < 3:
            raise error
        await asyncio.Event().wait()

    supervisor.start("poller", main)
    async with asyncio.timeout(60):
        while len(began) < 3:
            await asyncio.sleep(0.1)
    assert supervisor.failing == {"poller"}
    if isinstance(error, asyncio.CancelledError):
        assert began[1] == began[0], "at once"
    await supervisor.stop("poller")
    assert len(supervisor) == 0
    assert len(began) == 3


async def test_a_task_that_does_not_end_is_left_behind() -> None:
    """Whoever waits for its end has others to end, too; it is named until it ends after all."""
    log = Log()
    supervisor, over = Supervisor(VirtualClock(), log), asyncio.Event()

    async def main(pulse: Heartbeat) -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    supervisor.start("stubborn", main)
    supervisor.start("calm", lambda pulse: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(60):
        await supervisor.stop_all()
    assert supervisor.left == {"stubborn"}
    over.set()
    await asyncio.sleep(0.1)
    assert supervisor.left == frozenset()
