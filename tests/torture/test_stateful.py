"""The same world, driven by hypothesis: rules in place of seeds, and what fails is shrunk by it.

A rule appends a step, and what came together is played at the end of a run: the loop of a play has no place to stop
between two rules. `HYPOTHESIS_PROFILE=deep` looks further.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from olhubd_torture.network_faults import NetworkFault
from olhubd_torture.run_schedule import play
from olhubd_torture.schedule import MARKETS, SHOP, Schedule, ScheduleStep
from olhubd_torture.store import DiskState
from tests.torture.mutations import MUTATIONS

CALLS = ("push", "read", "refresh", "journal|listing", "find", "cancel|status|payment|parcel", ".")
EXAMPLES = {"deep": 2000}
STEPS = {"deep": 40}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "")

moments = st.sampled_from((0.0, 0.3, 2.0, 20.0, 90.0))


class Trade(RuleBasedStateMachine):
    """Buyers, sellers and bad luck; the books are the invariant."""

    purchases: Bundle[int] = Bundle("purchases")

    @initialize(lag=st.sampled_from((0.0, 3.0, 15.0)), workshop=st.booleans())
    def begin(self, lag: float, workshop: bool) -> None:
        self.schedule = Schedule(seed=0, markets=MARKETS, lag=lag, workshop=workshop, steps=())
        self.now = 1.0
        self.count = 0

    def add(self, verb: str, **more: object) -> None:
        step = ScheduleStep(at=self.now, verb=verb, **more)  # type: ignore[arg-type]
        self.schedule = self.schedule.having((*self.schedule.steps, step))

    @rule(seconds=moments)
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=purchases, where=st.sampled_from(MARKETS), what=st.sampled_from(("", "ready", "ready", "cod")))
    def buy(self, where: str, what: str) -> int:
        self.count += 1
        self.add("buy", where=where, it=self.count, count=1 + self.count % 3, what=what)
        return self.count

    @rule(it=purchases, what=st.sampled_from(("", "unpaid")))
    def confirm(self, it: int, what: str) -> None:
        self.add("confirm", it=it, what=what)

    @rule(it=purchases, verb=st.sampled_from(("pay", "move", "surcharge", "reopen", "ship")))
    def change(self, it: int, verb: str) -> None:
        self.add(verb, it=it)

    @rule(it=purchases, what=st.sampled_from(("buyer", "seller")))
    def cancel(self, it: int, what: str) -> None:
        self.add("cancel", it=it, what=what)

    @rule(target=purchases, one=consumes(purchases), other=consumes(purchases))
    def merge(self, one: int, other: int) -> MultipleResults[int] | int:
        if one == other:
            return one
        self.add("merge", it=one, also=other)
        return multiple(one, other)

    @rule(
        where=st.sampled_from((*MARKETS, SHOP)),
        ill=st.sampled_from(NetworkFault),
        match=st.sampled_from(CALLS),
        count=st.integers(1, 3),
        seconds=st.sampled_from((0.0, 5.0, 60.0)),
    )
    def trouble(self, where: str, ill: NetworkFault, match: str, count: int, seconds: float) -> None:
        self.add("spell", where=where, what=ill.value, match=match, count=count, seconds=seconds)

    @rule(where=st.sampled_from(MARKETS), verb=st.sampled_from(("drop", "duplicate", "reorder", "short")))
    def lie(self, where: str, verb: str) -> None:
        self.add(verb, where=where, count=2)

    @rule(what=st.sampled_from(DiskState), seconds=st.sampled_from((3.0, 40.0)))
    def disk(self, what: DiskState, seconds: float) -> None:
        self.add("disk", what=what.value, seconds=seconds)

    @rule(where=st.sampled_from(MARKETS))
    def expire(self, where: str) -> None:
        self.add("expire", where=where)

    @rule(
        count=st.integers(1, 30), what=st.sampled_from(("", "torn", "power")), seconds=st.sampled_from((1.0, 30.0))
    )
    def kill(self, count: int, what: str, seconds: float) -> None:
        self.add("kill", count=count, what=what, seconds=seconds)

    @rule(seconds=st.sampled_from((-3600.0, 3600.0)))
    def jump(self, seconds: float) -> None:
        self.add("jump", seconds=seconds)

    def teardown(self) -> None:
        if not hasattr(self, "schedule"):
            return
        result = play(self.schedule)
        for step in self.schedule.steps:
            note(str(step))
        assert not result.findings


SETTINGS = settings(
    max_examples=EXAMPLES.get(PROFILE, 25),
    stateful_step_count=STEPS.get(PROFILE, 20),
    deadline=None,
    derandomize=not PROFILE,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
Trade.TestCase.settings = SETTINGS
test_trade = Trade.TestCase


def test_the_machine_sees_what_is_switched_off() -> None:
    once = settings(SETTINGS, phases=(Phase.generate,))
    with MUTATIONS["no echo guard"].patch(), pytest.raises(AssertionError):
        run_state_machine_as_test(Trade, settings=once)
