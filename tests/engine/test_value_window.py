"""Budgets of values: exact in virtual time, and never too many in any window of the server's."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st

from olhubd.engine.access.budget import BudgetBook
from olhubd.engine.access.http_session import ClientFactory
from olhubd.engine.access.value_window import ValueWindow
from olhubd.plugin import ErrorTable, ValueBudget, ValuesSpent
from olhubd.plugin.budget import sparing
from olhubd_kit.virtual_clock import VirtualClock
from tests.engine.levels.stall import Time

pytestmark = pytest.mark.looptime


def window(values: int = 9_000, per: float = 60.0, pause: float = 60.0) -> ValueWindow:
    return BudgetBook(VirtualClock()).window(ValueBudget(key="app", values=values, per=per, pause=pause))


async def test_values_count_until_their_window_is_over_after_their_call() -> None:
    found = window()
    for _ in range(9):
        found.take(1_000)
        found.ended(1_000)
    assert found.left(1) == 60.0
    with pytest.raises(ValuesSpent) as refused:
        found.take(1_000)
    assert refused.value.retry_after == 60.0
    await asyncio.sleep(59.5)
    assert found.left(1_000) == pytest.approx(0.5)
    await asyncio.sleep(0.5)
    found.take(1_000)


async def test_what_is_under_way_counts_from_its_end() -> None:
    """The server may count it at any moment until then."""
    found = window(values=10)
    found.take(10)
    await asyncio.sleep(45)
    assert found.left(1) == 60.0
    found.ended(10)
    await asyncio.sleep(45)
    assert found.left(1) == 15.0


async def test_room_is_made_by_the_oldest_alone() -> None:
    found = window(values=10)
    for values in (4, 4, 2):
        found.take(values)
        found.ended(values)
        await asyncio.sleep(10)
    assert (found.left(3), found.left(5), found.left(9)) == (30.0, 40.0, 50.0)


async def test_a_call_of_more_than_the_budget_goes_alone() -> None:
    found = window(values=10)
    found.take(1)
    assert found.left(25) > 0
    found.ended(1)
    await asyncio.sleep(60)
    found.take(25)
    found.ended(25)
    assert found.left(1) == 60.0


async def test_a_refusal_shuts_it_until_the_servers_time_or_a_persons_word() -> None:
    book = BudgetBook(VirtualClock())
    found = book.window(ValueBudget(key="app", values=10, per=60.0, pause=30.0))
    found.close(None)
    assert found.left(1) == 30.0
    found.close(90.0)
    found.close(5.0)
    assert found.left(1) == 90.0
    assert book.open(["app", "another"]) == ["app"]
    assert found.left(1) == 0.0
    assert book.open(["app"]) == []


async def test_of_a_long_window_something_is_left_to_what_may_not_wait() -> None:
    """Raises of a whole catalogue must not take what the sales of the same hour need."""
    found = window(values=100, per=3600.0)
    with sparing():
        found.take(95)
        found.ended(95)
        assert found.left(1) == 3600.0
    assert found.left(5) == 0.0
    assert found.left(6) == 3600.0


async def test_the_tighter_of_two_budgets_with_one_key_holds() -> None:
    book = BudgetBook(VirtualClock())
    found = book.window(ValueBudget(key="app", values=10, per=60.0))
    assert book.window(ValueBudget(key="app", values=5, per=90.0)) is found
    found.take(5)
    found.ended(5)
    assert found.left(1) == 90.0


async def test_a_looser_setting_holds_when_the_account_has_begun_anew() -> None:
    """As after a reload. What was changed before counts on: the server knows nothing of settings."""
    book = BudgetBook(VirtualClock())
    clients = ClientFactory(cast("ClientSession", None), book, VirtualClock())
    begun: set[str] = set()

    def begin(values: int) -> None:
        budget = ValueBudget(key="app", values=values, per=3600.0)
        clients.of(lambda _date: None, begun)(
            "https://api.example", auth=None, budgets=[budget], errors=ErrorTable(), headers={}, timeout=1.0
        )

    begin(10)
    found = book.window(ValueBudget(key="app", values=10, per=3600.0), id(begun))
    found.take(10)
    found.ended(10)
    assert found.left(1) == 3600.0
    book.leave(begun, id(begun))
    begun = set()
    begin(1_000)
    assert found.left(990) == 0.0
    assert found.left(991) == 3600.0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 7), st.floats(0, 20), st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=40
    )
)
def test_no_window_of_the_server_sees_more(calls: list[tuple[int, float, float, float]]) -> None:
    """Whenever between the beginning and the end of a call the server counts it."""
    time = Time()
    found = ValueWindow(ValueBudget(key="app", values=10, per=60.0), time)
    counted: list[tuple[float, int]] = []
    for values, pause, lasts, when in calls:
        time.passed += pause
        time.passed += found.left(values)
        found.take(values)
        counted.append((time.passed + lasts * when, values))
        time.passed += lasts
        found.ended(values)
    for at, _ in counted:
        assert sum(values for moment, values in counted if at <= moment < at + 60.0 - 1e-5) <= 10
