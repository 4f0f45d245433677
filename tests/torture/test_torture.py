"""A slice of torture that every change goes through; the long runs are in docs/reliability.md.

What is found here is told with the seed and the steps that are left after shrinking.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from olhubd.decide.changes import Change
from olhubd.engine.flow.copies import CopyUpdates
from olhubd.engine.outbox.attempt import Executor
from olhubd.engine.outbox.doubts import Doubts
from olhubd.model import Order
from olhubd.store.orders import StoredOrder
from olhubd_torture import rogue
from olhubd_torture.campaign import SMALL, at_every_crossing, by_seed, counted_and_lost, restored, shrink
from olhubd_torture.process_torture import besiege
from olhubd_torture.run_schedule import ScheduleResult, play
from olhubd_torture.schedule import WAYS, Schedule, ScheduleStep, draw
from olhubd_torture.stock_book import StockCounts
from tests.torture.mutations import MUTATIONS, Mutation, Stale, small, swap
from tests.torture.offer_mutations import OFFER_MUTATIONS
from tests.torture.price_mutations import PRICE_MUTATIONS
from tests.torture.stock_mutations import STOCK_MUTATIONS

EVERY = MUTATIONS | STOCK_MUTATIONS | PRICE_MUTATIONS | OFFER_MUTATIONS
QUICK = [
    name
    for name in EVERY
    if name not in ("settling by the wall clock", "never synced", "synced at checkpoints only")
    and name != "a token used before it is synced"
]
"""Mutations that are found within seconds; those of the power are in test_power.py, and `python -m
tests.torture.mutations` runs all of them."""


def words(result: ScheduleResult) -> str:
    """What a failure must tell to be played again."""
    if not result.findings:
        return ""
    least = shrink(result)
    steps = "\n".join(map(str, least.schedule.steps))
    found = "\n".join(least.findings[:10])
    return f"seed {result.schedule.seed}, killed at {result.strikes}\n{found}\nafter:\n{steps}"


@pytest.mark.parametrize("name", SMALL)
def test_a_kill_at_every_crossing_changes_nothing(name: str) -> None:
    """Invariants 1, 3, 4, 8: each call and each commit, before it and after it, is survived.

    One in five here, in fifteen where stock is counted, and in 45 where it is divided, which takes two sweeps
    before; in twenty where prices go to the offers. `olhubd torture --every` takes all.
    """
    plays, stock = 0, SMALL[name].stock
    stride = 5 if stock is None else 45 if stock.allocated else 20 if stock.priced else 15
    for result in at_every_crossing(SMALL[name], stride=stride):
        assert not result.findings, words(result)
        assert result.kills == len(result.strikes)
        plays += 1
    assert plays > 10


@pytest.mark.parametrize("start", range(1, 61, 20))
def test_random_schedules_leave_the_books_right(start: int) -> None:
    """No order lost, none doubled, no wrong total, nothing silent; invariants 1 to 6, 8, 11, 12 and 15."""
    for seed in range(start, start + 20):
        result = play(draw(seed))
        assert not result.findings, words(result)


def test_what_is_counted_is_sold_and_shown_and_never_promised_twice() -> None:
    """The stock book of worlds that count: sold on all channels and on hand is what was bought."""
    total = StockCounts()
    for seed in range(61, 121):
        if (schedule := draw(seed)).stock is not None:
            result = play(schedule)
            assert not result.findings, words(result)
            total = total.plus(result.stock)
    assert total.sold > 50
    assert 0 < total.confirmed <= total.written
    assert total.oversold < total.sold / 5  # what is shared can be, while news is under way


def test_what_offers_cost_is_what_the_list_said_last_and_never_below_the_floor() -> None:
    """The book of prices: only what the right list newly brought is sent, and it comes to be."""
    priced = 0
    for seed in range(61, 181):
        if (schedule := draw(seed)).stock is not None and schedule.stock.priced:
            result = play(schedule)
            assert not result.findings, words(result)
            priced += 1
    assert priced > 8


def test_offers_that_are_made_exist_once_and_as_they_were_asked_for_last() -> None:
    """The book of offers made: none twice, none published or brought back that nobody asked for."""
    listed = 0
    for seed in range(200, 290):
        if (schedule := draw(seed)).lists:
            result = play(schedule)
            assert not result.findings, words(result)
            listed += 1
    assert listed > 10


def test_the_stock_book_holds_while_all_is_imported_anew() -> None:
    result = play(counted_and_lost())
    assert not result.findings, words(result)


def test_small_schedules_leave_the_books_right() -> None:
    """Of these there are runs of a hundred thousand; here a few, and that they are what they say."""
    for result in by_seed(range(1, 31), small=True):
        assert not result.findings, words(result)
        assert 1 <= result.orders <= 9
        assert len(result.schedule.markets) == 1


def test_what_is_told_only_once_is_never_told_before_one_listened() -> None:
    """An order that no listing has is known by its one event, which may not land at a place already read."""
    result = play(draw(100905, further=False))
    assert not result.findings, words(result)


def test_a_wait_too_short_for_the_wall_clock_is_a_wait() -> None:
    """What was left of a target's time to settle was less than a microsecond: it was looked up again and again."""
    result = play(draw(1002561, small=True, further=False))
    assert not result.findings, words(result)


def test_what_a_failed_try_began_is_taken_back_when_the_order_is_cancelled() -> None:
    """A shop of several calls took the first and refused the next; then the buyer cancelled."""
    result = play(draw(1003974, small=True, further=False))
    assert not result.findings, words(result)


@pytest.mark.parametrize("seed", [1014205, 1014522])
def test_an_order_that_comes_back_while_it_is_given_up_is_owed_again(seed: int) -> None:
    """The seller took his cancellation back in the half second in which the executor gave the order up."""
    result = play(draw(seed, small=True, further=False))
    assert not result.findings, words(result)


def test_a_merge_that_is_cancelled_before_it_is_read_takes_its_parts_back() -> None:
    """One of them was forwarded unpaid, and stayed alive in the shop."""
    steps = (
        ScheduleStep(at=1, verb="buy", where="market-a", it=1),
        ScheduleStep(at=10, verb="confirm", it=1, what="unpaid"),
        ScheduleStep(at=20, verb="buy", where="market-a", it=2),
        ScheduleStep(at=100, verb="merge", it=1, also=2),
        ScheduleStep(at=100.01, verb="cancel", it=1, what="buyer"),
    )
    result = play(SMALL["an order"].having(steps))
    assert not result.findings, words(result)


def test_a_torn_commit_is_no_commit_or_a_whole_one() -> None:
    """The end of the write-ahead log is missing, of a commit that nobody was told of."""
    schedule = SMALL["an order"]
    whole = play(schedule)
    torn = 0
    for count in range(1, whole.troubled, 3):
        kill = ScheduleStep(at=0, verb="kill", count=count, what="torn", seconds=1)
        result = play(schedule.having((kill, *schedule.steps)))
        assert not result.findings, words(result)
        torn += any("committed" in line and "killed" in line for line in result.trace)
    assert torn > 3


def test_the_same_seed_is_the_same_schedule_to_the_last_step() -> None:
    """Whatever the order of sets, which differs from process to process."""
    code = (
        "from olhubd_torture import run_schedule, schedule\n"
        "print('\\n'.join(run_schedule.play(schedule.draw({seed})).trace))"
    )
    for seed in (7, 25):
        traces = {
            subprocess.run(
                [sys.executable, "-c", code.format(seed=seed)],
                env={**os.environ, "PYTHONHASHSEED": str(hashes)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for hashes in (1, 2)
        }
        assert len(traces) == 1
        assert traces.pop().count("\n") > 100


@pytest.mark.parametrize("name", QUICK)
def test_what_is_switched_off_is_missed(name: str) -> None:
    """The torture sees: each guard of the engine, once off, turns it red."""
    plays, found = EVERY[name].hidden()
    assert found is not None, f"not found in {plays} plays"


@pytest.mark.parametrize("name", EVERY)
def test_each_mutation_can_be_called_as_what_it_replaces(name: str) -> None:
    """Also those that take too long to be played here: one that fits no more shows nothing."""
    with EVERY[name].patch():
        pass


def test_a_mutation_that_fits_no_more_fails_loudly() -> None:
    """Else it shows nothing, and nobody notices: one cannot be called as what it replaces, one breaks then."""
    with pytest.raises(Stale, match="too many positional arguments"):
        swap(Doubts, "settling", lambda _self=None: 0.0)

    def broken(_self: Doubts, _delivery: object, _settle: object) -> float:
        raise ZeroDivisionError

    mutation = Mutation(lambda: swap(Doubts, "settling", broken), small("an order"), frozenset({"doubled"}))
    with pytest.raises(Stale, match="ZeroDivisionError"):
        mutation.hidden()


@pytest.mark.parametrize("way", WAYS)
def test_a_plugin_that_breaks_the_rules_hurts_no_other(way: str) -> None:
    """Beside it an order goes its way, through a stop in between that ends in time."""
    steps = (*SMALL["an order"].steps, ScheduleStep(at=7, verb="stop", seconds=5.0))
    result = play(msgspec.structs.replace(SMALL["an order"], rogue=way, steps=steps))
    assert result.findings == []
    assert any("stopped in order" in line for line in result.trace)


def test_ways_to_break_the_rules_are_those_that_are_drawn() -> None:
    assert tuple(rogue.WAYS) == WAYS


@pytest.mark.parametrize("skew", [0, -600, -3600, -86400, 3600])
@pytest.mark.parametrize("what", ["older", "lost"])
def test_a_database_of_before_doubles_nothing_and_leaves_nothing_alive(what: str, skew: int) -> None:
    """What was forwarded is found, what was cancelled meanwhile is cancelled in the shop, by whatever clock."""
    result = play(restored(what, skew))
    assert result.findings == []
    assert any("restored" in line for line in result.trace)


@pytest.mark.parametrize("what", ["older", "lost"])
def test_what_was_forwarded_and_merged_away_is_told_of_when_an_older_database_is_put_back(what: str) -> None:
    """No telling of the marketplace names the parts any more, and the shop would ship them."""
    steps = (
        ScheduleStep(at=5, verb="buy", where="market-a", it=1, what="ready"),
        ScheduleStep(at=20, verb="save"),
        *(ScheduleStep(at=20.0 + n, verb="buy", where="market-a", it=n, count=1) for n in (2, 3)),
        *(ScheduleStep(at=30.0 + n, verb="confirm", it=n, what="unpaid") for n in (2, 3)),
        ScheduleStep(at=150, verb="restore", what=what, count=0, also=600, seconds=61.0),
        ScheduleStep(at=160, verb="merge", it=2, also=3),
    )
    result = play(restored(what, 0).having(steps))
    assert not result.findings, words(result)
    assert sum("'kind': 'stranger'" in line for line in result.log) == 1


_THERE_AND_BACK = (
    ScheduleStep(at=5, verb="buy", where="market-a", it=1, what="ready"),
    ScheduleStep(at=120, verb="save"),
    ScheduleStep(at=180, verb="cancel", it=1, what="seller"),
    ScheduleStep(at=300, verb="reopen", it=1),
    ScheduleStep(at=500, verb="restore", what="older", count=3600, also=60, seconds=61.0),
)


def test_what_was_cancelled_and_taken_back_since_the_backup_is_asked_about() -> None:
    """Here the order never was off and nothing is owed; only the shop's feed tells that nobody packs it."""
    result = play(restored("older", 3600).having(_THERE_AND_BACK))
    assert not result.findings, words(result)
    with swap(CopyUpdates, "_one_sided", _nothing):
        assert "lost" in play(restored("older", 3600).having(_THERE_AND_BACK)).kinds


async def _nothing(_self: CopyUpdates, _order: Order, _origin: StoredOrder) -> list[Change]:
    return []


def test_what_a_shop_tells_of_is_looked_up_also_where_nothing_is_in_doubt() -> None:
    """Else it was told of, given up and told of again at each sweep, and stayed alive in the shop."""
    with swap(Executor, "_in_doubt", lambda _self, _job: False):
        result = play(restored("lost", 0))
    assert "stray" not in result.kinds


def test_later_trouble_is_drawn_beside_what_a_seed_always_played() -> None:
    """Where stock is divided, only lists that end early without saying so are left out."""
    for seed in range(30):
        old, new = draw(seed, further=False), draw(seed)
        divided = new.stock is not None and new.stock.allocated
        left_out = {"kill", "short"} if divided else {"kill"}
        assert {step for step in old.steps if step.verb not in left_out} <= set(new.steps)


def test_a_failing_schedule_is_shrunk_to_what_matters() -> None:
    mutation = MUTATIONS["no look-up before sending again"]
    idle = tuple(ScheduleStep(at=10.0 + number, verb="sell") for number in range(6))
    schedule: Schedule = SMALL["a lost answer"].having((*SMALL["a lost answer"].steps, *idle))
    with mutation.patch():
        least = shrink(play(schedule))
    assert "doubled" in least.kinds
    assert [step.verb for step in least.schedule.steps] == ["spell", "buy"]


def test_a_target_that_is_down_costs_nothing_while_nothing_is_due() -> None:
    """Else a shop's outage is twenty transactions a second, for as long as it lasts."""
    steps = (ScheduleStep(at=4, verb="outage", where="shop", seconds=600), *SMALL["an order"].steps)
    result = play(Schedule(seed=0, markets=("market-a",), lag=0, rest=700, steps=steps))
    assert result.findings == []
    assert sum("a write begins" in line for line in result.trace) < result.seconds / 2


async def test_the_whole_daemon_as_a_process(tmp_path: Path) -> None:
    """FWD-06: kill -9, signals and faults over real sockets."""
    siege = await besiege(tmp_path, 3, 1, print)
    assert siege.findings == []
    assert siege.forwarded == siege.orders > 0
