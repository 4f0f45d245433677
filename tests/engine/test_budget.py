"""Budgets: rate, places, lanes, the pause after a 429 and its one probe, all in virtual time and exact."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olhubd.engine.access.budget import Bucket, BudgetBook, BudgetState
from olhubd.plugin import Budget, Gate, Lane, RateLimited
from olhubd_kit.virtual_clock import VirtualClock

pytestmark = pytest.mark.looptime


def book(patience: float = 1e9, jitter: float = 0.0) -> BudgetBook:
    return BudgetBook(VirtualClock(), patience=patience, jitter=jitter, rand=lambda: 1.0)


def bucket(calls: int = 10, per: float = 10.0, parallel: int = 100, **options: float) -> Bucket:
    return book(**options).gate(Budget(key="app", calls=calls, per=per, parallel=parallel, pause=60.0))


def now() -> float:
    return asyncio.get_running_loop().time()


async def passing(gate: Gate, lane: Lane = Lane.ORDERS, cost: int = 1, hold: float = 0.0) -> float:
    """Pass the gate, stay inside for `hold` seconds; tells when it was let through."""
    await gate.acquire(lane, cost)
    try:
        when = now()
        if hold:
            await asyncio.sleep(hold)
        return when
    finally:
        gate.release()


def spawn(*work: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(each) for each in work]


def without_suspending(work: Coroutine[Any, Any, Any]) -> bool:
    try:
        work.send(None)
    except StopIteration:
        return True
    work.close()
    return False


async def test_a_free_gate_never_suspends() -> None:
    gate = bucket(calls=100)
    assert all(without_suspending(gate.acquire()) for _ in range(10))
    assert not without_suspending(gate.acquire())


async def test_calls_are_spread_evenly_after_a_small_burst() -> None:
    gate = bucket(calls=10, per=10.0)  # holds one, gains one a second
    times = await asyncio.gather(*spawn(*(passing(gate) for _ in range(5))))
    assert times == [0.0, 1.0, 2.0, 3.0, 4.0]


async def test_a_rest_earns_a_tenth_at_most() -> None:
    gate = bucket(calls=100, per=91.0)  # holds ten, gains one a second
    await asyncio.sleep(100_000)
    start = now()
    times = [t - start for t in await asyncio.gather(*spawn(*(passing(gate) for _ in range(12))))]
    assert times == [0.0] * 10 + [1.0, 2.0]


@pytest.mark.parametrize(("calls", "per"), [(1, 60.0), (2, 1.0), (7, 3.0), (100, 60.0), (25, 1.0)])
async def test_no_window_sees_more_than_the_budget(calls: int, per: float) -> None:
    gate = bucket(calls=calls, per=per, parallel=10_000)
    times = sorted(await asyncio.gather(*spawn(*(passing(gate) for _ in range(3 * calls + 1)))))
    for i, start in enumerate(times):
        assert sum(start <= t < start + per - 1e-6 for t in times[i:]) <= calls
    assert times[-1] <= 3.4 * per  # and it is not slower than it must be


async def test_only_so_many_at_one_time() -> None:
    gate = bucket(calls=1000, per=1.0, parallel=2)
    times = await asyncio.gather(*spawn(*(passing(gate, hold=5.0) for _ in range(5))))
    assert times == [0.0, 0.0, 5.0, 5.0, 10.0]


async def test_orders_go_first_and_within_a_lane_who_came_first() -> None:
    gate = bucket()
    passed: list[str] = []

    async def go(name: str, lane: Lane) -> None:
        await passing(gate, lane)
        passed.append(name)

    await gate.acquire()  # takes the only token there is
    gate.release()
    names = [("offer", Lane.OFFERS), ("price", Lane.PRICES), ("stock1", Lane.STOCK), ("stock2", Lane.STOCK)]
    waiting = spawn(*(go(name, lane) for name, lane in names))
    await asyncio.sleep(0.5)
    waiting += spawn(go("order1", Lane.ORDERS), go("order2", Lane.ORDERS))
    await asyncio.gather(*waiting)
    assert passed == ["order1", "order2", "stock1", "stock2", "price", "offer"]


async def test_who_renews_a_token_passes_a_shut_gate_is_counted_and_opens_it_to_nobody() -> None:
    """A renewal whose answer was lost cannot wait a minute; the old token is not taken that long."""
    gate = bucket(calls=1, per=1000.0, patience=100.0)
    gate.close(60.0)
    assert await passing(gate, Lane.ACCESS) == 0.0
    gate.opened()
    assert gate.status().state is BudgetState.SHUT
    assert await passing(gate) == 1000.0  # and not 60, when the gate opens: there was one call to be had


async def test_who_renews_and_is_refused_too_keeps_the_gate_shut_no_longer_than_the_server_does() -> None:
    gate = bucket(calls=100, per=91.0)
    gate.close(60.0)
    waiting = asyncio.create_task(passing(gate))
    await asyncio.sleep(30.0)
    await gate.acquire(Lane.ACCESS)
    gate.close(None)  # a 429 without a time
    gate.release()
    assert await waiting == 60.0


async def test_who_waits_to_renew_a_token_when_the_gate_shuts_is_let_through() -> None:
    gate = bucket(calls=100, per=91.0, patience=30.0, parallel=1)
    await gate.acquire()
    renewing, ordering = spawn(passing(gate, Lane.ACCESS), passing(gate))
    await asyncio.sleep(1.0)
    gate.close(60.0)
    assert await renewing == 1.0
    with pytest.raises(RateLimited):
        await ordering
    gate.release()
    assert (gate.status().active, sum(gate.status().waiting.values())) == (0, 0)


async def test_nothing_small_slips_past_something_big() -> None:
    gate = bucket(calls=100, per=91.0)  # holds ten, gains one a second
    await gate.acquire(cost=10)
    gate.release()
    big, *small = spawn(passing(gate, cost=8), *(passing(gate) for _ in range(3)))
    assert await big == 8.0
    assert await asyncio.gather(*small) == [9.0, 10.0, 11.0]


async def test_a_call_that_costs_more_than_the_bucket_holds_leaves_a_debt() -> None:
    gate = bucket(calls=10, per=10.0)
    first, second = await asyncio.gather(*spawn(passing(gate, cost=5), passing(gate)))
    assert (first, second) == (0.0, 5.0)


async def test_a_429_stops_everybody_until_the_time_is_over_and_one_probe_goes() -> None:
    shared = book()
    gate = shared.gate(Budget(key="app", calls=100, per=1.0))
    other = shared.gate(Budget(key="app", calls=100, per=1.0))
    assert gate is other
    await gate.acquire()
    gate.close(30.0)
    gate.release()
    status = gate.status()
    assert (status.state, status.left) == (BudgetState.SHUT, 0)
    assert status.closed_until == VirtualClock().now() + timedelta(seconds=30)

    async def probe() -> float:
        await other.acquire()
        when = now()
        await asyncio.sleep(2.0)
        other.opened()
        other.release()
        return when

    first, *rest = spawn(probe(), *(passing(other) for _ in range(3)))
    await asyncio.sleep(31.0)
    assert gate.status().state is BudgetState.PROBING
    assert gate.status().waiting[Lane.ORDERS] == 3
    assert await first == 30.0
    assert await asyncio.gather(*rest) == [32.0, 32.0, 32.0]
    assert gate.status().state is BudgetState.OPEN


async def test_without_a_time_the_budgets_own_pause_holds_and_zero_is_a_second() -> None:
    gate = bucket()
    gate.close(None)
    assert await passing(gate) == 60.0
    gate.close(0.0)
    assert await passing(gate) == 61.0


async def test_the_jitter_only_ever_adds() -> None:
    gate = bucket(jitter=0.05)
    gate.close(100.0)
    assert await passing(gate) == 105.0


async def test_closing_again_only_extends() -> None:
    gate = bucket()
    gate.close(30.0)
    await asyncio.sleep(10.0)
    gate.close(5.0)
    gate.close(40.0)
    gate.close(1.0)
    assert await passing(gate) == 50.0


async def test_a_probe_that_is_refused_shuts_the_gate_again() -> None:
    gate = bucket(calls=1000)
    gate.close(10.0)
    await gate.acquire()
    waiter = spawn(passing(gate))[0]
    await asyncio.sleep(1.0)
    gate.close(20.0)
    gate.release()
    assert await waiter == 31.0


async def test_a_probe_that_finds_nothing_out_is_followed_by_another() -> None:
    gate = bucket(calls=1000)
    gate.close(10.0)
    times = await asyncio.gather(*spawn(*(passing(gate, hold=1.0) for _ in range(3))))
    assert times == [10.0, 11.0, 12.0]  # none of them called opened()


async def test_the_success_of_a_call_from_before_the_pause_opens_nothing() -> None:
    gate = bucket(calls=1000)

    async def old() -> None:
        await gate.acquire()
        await asyncio.sleep(11.0)
        gate.opened()
        gate.release()

    async def probe() -> None:
        await gate.acquire()
        await asyncio.sleep(5.0)
        gate.opened()
        gate.release()

    tasks = spawn(old())
    await asyncio.sleep(0)
    gate.close(10.0)
    tasks += spawn(probe())
    await asyncio.sleep(12.0)
    assert gate.status().state is BudgetState.PROBING
    assert await passing(gate) == 15.0
    await asyncio.gather(*tasks)


async def test_what_exceeds_the_patience_is_refused_at_once_also_to_those_who_wait() -> None:
    gate = bucket(patience=30.0, parallel=1)
    await gate.acquire()
    waiter = spawn(passing(gate))[0]
    await asyncio.sleep(1.0)
    gate.close(120.0)
    gate.release()
    with pytest.raises(RateLimited) as caught:
        await waiter
    assert (caught.value.retry_after, now()) == (120.0, 1.0)
    with pytest.raises(RateLimited, match="the budget app is shut for another 120 s"):
        await gate.acquire()
    await asyncio.sleep(100.0)
    assert await passing(gate) == 121.0


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    gate = bucket(parallel=1, calls=1000)
    await gate.acquire()
    waiting = spawn(*(passing(gate) for _ in range(3)))
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.sleep(0)
    assert gate.status().waiting[Lane.ORDERS] == 1
    gate.release()
    await waiting[2]
    assert gate.status().active == 0


async def test_a_waiter_cancelled_with_the_place_already_given_hands_it_on() -> None:
    gate = bucket(parallel=1, calls=1000)
    await gate.acquire()
    lucky, next_one = spawn(passing(gate), passing(gate))
    await asyncio.sleep(0)
    gate.release()  # gives the place to `lucky`, which has not run yet
    lucky.cancel()
    await asyncio.gather(lucky, return_exceptions=True)
    assert lucky.cancelled()
    await next_one
    status = gate.status()
    assert (status.active, status.waiting[Lane.ORDERS]) == (0, 0)


async def test_a_call_that_is_given_up_before_it_goes_costs_nothing() -> None:
    gate = bucket(parallel=1)
    await gate.acquire()
    lucky, next_one = spawn(passing(gate), passing(gate))
    await asyncio.sleep(1.0)
    gate.release()
    lucky.cancel()
    assert await next_one == 1.0


async def test_a_cancelled_probe_is_replaced() -> None:
    gate = bucket(calls=1000)
    gate.close(10.0)
    probe, next_one = spawn(passing(gate, hold=100.0), passing(gate))
    await asyncio.sleep(11.0)
    probe.cancel()
    assert await next_one == 11.0
    assert gate.status().active == 0


async def test_the_tighter_of_two_budgets_holds() -> None:
    shared = book()
    gate = shared.gate(Budget(key="app", calls=1000, per=1.0, parallel=50, pause=5.0))
    shared.gate(Budget(key="app", calls=10, per=10.0, parallel=80, pause=90.0))
    assert await asyncio.gather(*spawn(passing(gate), passing(gate))) == [0.0, 1.0]
    gate.close(None)
    assert await passing(gate) == 91.0
    shared.gate(Budget(key="app", calls=10, per=10.0, parallel=2, pause=5.0))
    assert (gate.status().places, gate.status().parallel) == (2, 2)


async def test_late_answers_halve_what_goes_at_one_time_once_for_all_that_are_under_way() -> None:
    gate = bucket(calls=1000, per=1.0, parallel=8)
    for _ in range(8):
        await gate.acquire()
    for _ in range(8):  # all eight waited in the same queue
        gate.strained()
        gate.release()
    assert gate.status().places == 4
    for _ in range(4):
        await gate.acquire()
    assert not without_suspending(gate.acquire())
    gate.strained()
    assert gate.status().places == 2


async def test_a_gate_narrows_from_what_was_under_way_and_never_to_nothing() -> None:
    gate = bucket(calls=1000, per=1.0, parallel=100)
    for places in (1, 1):
        await gate.acquire()
        gate.strained()
        gate.release()
        assert gate.status().places == places
    assert await passing(gate) == now()


async def test_a_row_of_good_calls_widens_it_again_by_one_and_no_farther_than_declared() -> None:
    gate = bucket(calls=10_000, per=1.0, parallel=3)
    await gate.acquire()
    gate.strained()
    gate.release()
    seen = []
    for _ in range(60):
        await gate.acquire()
        gate.opened()
        gate.release()
        seen.append(gate.status().places)
    assert [seen.index(places) + 1 for places in (1, 2, 3)] == [1, 8, 24]
    assert seen[-1] == 3


async def test_who_waits_for_a_place_gets_it_when_the_gate_widens() -> None:
    gate = bucket(calls=10_000, per=1.0, parallel=2)
    await gate.acquire()
    gate.strained()
    (waiting,) = spawn(gate.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.release()
    for _ in range(8):
        gate.opened()
    await waiting
    assert gate.status().active == 1


async def test_a_small_host_loses_no_answers_by_being_asked_too_much_at_once() -> None:
    """One worker, five seconds a call, a limit of thirty: eight at one time would wait up to forty."""
    gate = bucket(calls=10_000, per=1.0, parallel=8)
    worker, lost = asyncio.Lock(), []

    async def call() -> None:
        await gate.acquire()
        began = now()
        try:
            async with asyncio.timeout(30):
                async with worker:
                    await asyncio.sleep(5)
        except TimeoutError:
            lost.append(began)
        else:
            gate.opened()
        finally:
            if now() - began > 7.5:
                gate.strained()
            gate.release()

    await asyncio.gather(*(call() for _ in range(40)))
    assert max(lost) <= 10.0  # only of those that began before anything was known
    assert len(lost) <= 4


async def test_a_person_opens_a_shut_gate_and_one_probe_goes() -> None:
    gates = book()
    gate = gates.gate(Budget(key="app", calls=10, per=1.0))
    assert gates.open(["app", "other"]) == []  # nothing is shut
    gate.close(3600)
    first, second = spawn(passing(gate, hold=1.0), passing(gate))
    await asyncio.sleep(10)
    assert not first.done()
    assert gates.open(["app", "other"]) == ["app"]
    await asyncio.sleep(0.5)
    assert (gate.status().state, gate.status().active) == (BudgetState.PROBING, 1)
    assert not second.done()
    gate.close(60)  # the probe was refused: the server has not changed its mind
    assert gate.status().state is BudgetState.SHUT
    assert await second == 70.0 + 0.5


async def test_gates_that_nobody_holds_are_forgotten_but_not_while_shut() -> None:
    shared = book()
    for i in range(1000):
        shared.gate(Budget(key=f"shop-{i}", calls=10, per=1.0))
    shared.gate(Budget(key="blocked", calls=10, per=1.0)).close(100.0)
    gc.collect()
    assert [status.key for status in shared.snapshot()] == ["blocked"]
    assert await passing(shared.gate(Budget(key="blocked", calls=10, per=1.0))) == 100.0
    gc.collect()
    assert shared.snapshot() == []


async def test_a_budget_that_lets_nobody_through_is_refused() -> None:
    with pytest.raises(ValueError, match="app"):
        bucket(calls=0)


MOVES = st.lists(
    st.tuples(st.sampled_from(["go", "cancel", "close", "wait"]), st.integers(0, 40), st.sampled_from(list(Lane))),
    max_size=60,
)


@given(moves=MOVES)
@settings(max_examples=60)
def test_whatever_happens_no_place_is_lost(moves: list[tuple[str, int, Lane]]) -> None:
    """Random arrivals, cancellations and pauses: in the end every place is free and everybody else got through."""

    async def run() -> None:
        gate = bucket(calls=5000, per=1.0, parallel=3)
        tasks: list[asyncio.Task[Any]] = []
        inside = most = 0

        async def visit(lane: Lane, cost: int) -> None:
            nonlocal inside, most
            await gate.acquire(lane, cost)
            try:
                inside += 1
                if lane is not Lane.ACCESS:  # which goes in also where it is full, once the gate is shut
                    most = max(most, inside)
                await asyncio.sleep(cost / 10)
                gate.opened()
            finally:
                inside -= 1
                gate.release()

        for move, number, lane in moves:
            if move == "go":
                tasks.append(asyncio.create_task(visit(lane, 1 + number % 3)))
            elif move == "cancel" and tasks:
                tasks[number % len(tasks)].cancel()
            elif move == "close":
                gate.close(float(number))
            else:
                await asyncio.sleep(number / 10)
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 3600)
        assert all(r is None or isinstance(r, asyncio.CancelledError) for r in results)
        status = gate.status()
        assert (status.active, sum(status.waiting.values()), inside) == (0, 0, 0)
        assert most <= 3 + sum(lane is Lane.ACCESS for _, _, lane in moves)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(run())
