"""The week in virtual time: what its ledger counts, and the same purchases with the hub and with an hourly copy."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from olhubd.decide.stock.oversold import OversoldCause
from olhubd_kit.catalogue import PRODUCTS, wares
from olhubd_kit.virtual_clock import EPOCH
from olhubd_torture.week import hourly, hub, plan, report
from olhubd_torture.week.ledger import WeekLedger
from olhubd_torture.week.plan import (
    SHOP,
    BuyerCame,
    BuyerCancelled,
    CameBack,
    LostAnswers,
    PiecesCame,
    WeekPlan,
    WentDown,
)
from olhubd_torture.week.systems import WeekSystems

SKU, OTHER = "TAL-27", "LAM-BIU"
MARKETS = ("first", "second", "third")


def a_plan(*acts: plan.Act, seconds: float = 3000.0, **stock: int) -> WeekPlan:
    """A short week that begins with these pieces, and none of anything else."""
    there = {one.sku or "": 0 for one in PRODUCTS} | {name.replace("_", "-"): n for name, n in stock.items()}
    return WeekPlan(1, seconds, MARKETS, there, acts)


# What the ledger counts


class Time:
    def __init__(self, divided: bool = False) -> None:
        self.now = 0.0
        self.shown = {"first": 3, "second": 3}
        self.ledger = WeekLedger({SKU: 3}, lambda _: self.shown, lambda: self.now, divided)


def test_minutes_are_wrong_from_the_change_until_the_number_is_right() -> None:
    time = Time()
    time.shown["first"] = 1
    time.ledger.sell("first", SKU, 2)
    time.now = 90.0
    time.shown["second"] = 1
    time.ledger.look([SKU])
    time.now = 200.0
    result = time.ledger.close()
    assert (result.wrong, result.too_much, result.lags) == (1.5, 1.5, [90.0])


def test_what_shows_too_little_is_wrong_and_not_too_much() -> None:
    time = Time()
    time.ledger.put(SKU, 1)
    time.now = 60.0
    result = time.ledger.close()
    assert (result.wrong, result.too_much) == (2.0, 0.0)


def test_divided_pieces_are_right_where_all_places_together_show_what_is_there() -> None:
    time = Time(divided=True)
    time.shown.update(first=2, second=1)
    time.ledger.look([SKU])
    time.now = 60.0
    time.ledger.sell("first", SKU, 1)
    time.now = 90.0
    time.ledger.sell("second", SKU, 3)
    time.shown.update(first=0, second=0)
    time.ledger.look([SKU])
    result = time.ledger.close()
    assert (result.wrong, result.too_much, result.lags) == (0.5, 0.5, [30.0, 0.0])
    assert [(one.pieces, one.since) for one in result.oversold] == [(1, 30.0)]


def test_what_is_wrong_by_more_than_before_was_wrong_all_the_time() -> None:
    time = Time()
    time.ledger.sell("first", SKU, 1)
    time.now = 60.0
    time.ledger.sell("second", SKU, 1)
    time.now = 90.0
    time.shown.update(first=1, second=1)
    time.ledger.look([SKU])
    result = time.ledger.close()
    assert (result.wrong, result.too_much) == (3.0, 3.0)


def test_nothing_is_the_right_number_where_pieces_are_missing() -> None:
    time = Time()
    time.shown.update(first=0, second=0)
    time.ledger.sell("first", SKU, 5)
    time.now = 60.0
    assert time.ledger.close().lags == []


def test_a_promise_without_a_piece_is_oversold_with_the_time_since_the_last_went() -> None:
    time = Time()
    time.now = 10.0
    time.shown["first"] = 0
    time.ledger.sell("first", SKU, 3)
    time.now = 14.0
    time.ledger.sell("second", SKU, 2)
    (row,) = time.ledger.result.oversold
    assert (row.at, row.place, row.pieces, row.since, row.after) == (14.0, "second", 2, 4.0, "first")


def test_only_the_missing_pieces_are_oversold() -> None:
    time = Time()
    time.ledger.sell("first", SKU, 2)
    time.ledger.sell("second", SKU, 3)
    assert [row.pieces for row in time.ledger.result.oversold] == [2]
    assert time.ledger.result.sold == 5


def test_what_is_promised_after_that_counts_by_itself_and_names_where_the_last_piece_went() -> None:
    time = Time()
    time.ledger.sell("first", SKU, 3)
    time.ledger.sell("second", SKU, 2)
    time.ledger.sell("third", SKU, 1)
    assert [(row.place, row.pieces, row.after) for row in time.ledger.result.oversold] == [
        ("second", 2, "first"),
        ("third", 1, "first"),
    ]


def test_a_piece_that_came_back_can_be_sold_again() -> None:
    time = Time()
    time.ledger.sell("first", SKU, 3)
    time.ledger.put(SKU, 1)
    time.ledger.sell("second", SKU, 1)
    assert time.ledger.result.oversold == []


def test_who_finds_too_few_shown_is_turned_away_for_what_was_there() -> None:
    time = Time()
    time.ledger.refuse(SKU, 2, 0)
    time.ledger.refuse(SKU, 9, 1)
    assert time.ledger.result.turned_away == 2 + 2


# What happens


def test_the_same_seed_is_the_same_week() -> None:
    sold = wares(100)
    one, again, other = (plan.draw(seed, 2, 200, sold, MARKETS) for seed in (1, 1, 2))
    assert one == again != other
    assert {type(act) for act in one.acts} == {
        BuyerCame,
        BuyerCancelled,
        PiecesCame,
        WentDown,
        CameBack,
        LostAnswers,
    }
    assert [act.at for act in one.acts] == sorted(act.at for act in one.acts)
    assert len(one.stock) == len({ware.ean for ware in sold}) == 100


def test_what_goes_down_comes_back_within_the_week() -> None:
    """Else its orders would be counted as lost."""
    for seed in range(60):
        down: set[str] = set()
        for act in plan.draw(seed, 1, 10, PRODUCTS, MARKETS).acts:
            match act:
                case WentDown():
                    down.add(act.place)
                case CameBack():
                    down.remove(act.place)
        assert down == set(), seed


def systems_of(*acts: plan.Act, **stock: int) -> WeekSystems:
    """What is there once all of these have happened."""
    made = WeekSystems(a_plan(*acts, **stock), PRODUCTS, lambda: EPOCH)
    made.open()
    for act in acts:
        made.act(act)
    return made


@pytest.mark.parametrize("place", ["first", SHOP])
def test_what_a_buyer_takes_and_gives_back_is_so_at_its_place_and_in_the_ledger(place: str) -> None:
    bought = BuyerCame(1.0, place, ((SKU, 2), (OTHER, 9)), 1)
    systems = systems_of(bought, TAL_27=3, LAM_BIU=1)
    shop, market = (1, 3) if place == SHOP else (3, 1)
    assert (systems.stock(SKU), systems.shown(SKU)["first"], systems.ledger.there[SKU]) == (shop, market, 1)
    result = systems.ledger.result
    assert (result.orders, result.sold, result.turned_away) == (1, 2, 0)
    systems.act(BuyerCancelled(2.0, 1))
    systems.act(BuyerCancelled(3.0, 1))
    cancelled = [one for one in systems.system(place).books() if one.cancelled]
    assert (len(cancelled), systems.ledger.there[SKU]) == (1, 3)


def test_who_wants_more_than_is_shown_takes_nothing() -> None:
    systems = systems_of(BuyerCame(1.0, "first", ((SKU, 4),), 1), BuyerCame(2.0, SHOP, ((SKU, 4),), 2), TAL_27=3)
    result = systems.ledger.result
    assert (result.orders, result.sold, systems.stock(SKU), systems.shown(SKU)["first"]) == (0, 0, 3, 3)


def test_what_comes_is_in_the_shop_and_in_the_ledger_and_not_yet_shown() -> None:
    systems = systems_of(PiecesCame(1.0, SKU, 4), TAL_27=3)
    assert (systems.stock(SKU), systems.ledger.there[SKU]) == (7, 7)
    assert systems.shown(SKU) == dict.fromkeys(MARKETS, 3)


def test_an_offer_that_has_ended_shows_nothing() -> None:
    systems = systems_of(TAL_27=3)
    systems.markets["first"].book.end_offer(systems.number(SKU), "USER")
    assert systems.shown(SKU) == {"first": 0, "second": 3, "third": 3}


UP = 404
"""A place that answers says that it knows no such path."""


@pytest.mark.parametrize(
    ("acts", "answers"),
    [
        ((), [UP, UP, UP]),
        ((WentDown(1.0, "first"),), [503, 503, 503]),
        ((WentDown(1.0, "first"), CameBack(2.0, "first")), [UP, UP, UP]),
        ((LostAnswers(1.0, "first", 2),), ["lost", "lost", UP]),
        ((WentDown(1.0, "second"), LostAnswers(1.0, SHOP, 2)), [UP, UP, UP]),
    ],
)
async def test_a_place_answers_as_the_plan_has_it(acts: tuple[plan.Act, ...], answers: list[object]) -> None:
    systems = systems_of(*acts, TAL_27=3)
    found: list[object] = []
    async with TestServer(systems.markets["first"].application()) as server, aiohttp.ClientSession() as session:
        for _ in answers:
            try:
                async with session.post(server.make_url("/nothing")) as response:
                    found.append(response.status)
            except aiohttp.ServerDisconnectedError:
                found.append("lost")
    assert found == answers
    assert systems.down == {act.place for act in acts if isinstance(act, WentDown)} - {
        act.place for act in acts if isinstance(act, CameBack)
    }


# The hub, and an hourly copy

LAST_TWICE = (
    BuyerCame(600.0, "first", ((SKU, 1),), 1),
    BuyerCame(700.0, "second", ((SKU, 1),), 2),
    BuyerCame(710.0, SHOP, ((OTHER, 1),), 3),
    BuyerCame(1500.0, "third", ((OTHER, 1),), 4),
)


def test_an_hourly_copy_sells_the_last_piece_twice() -> None:
    result = hourly.carry(a_plan(*LAST_TWICE, TAL_27=1, LAM_BIU=1), PRODUCTS)
    assert [(row.sku, row.place) for row in result.oversold] == [(SKU, "second"), (OTHER, "third")]


def test_an_hourly_copy_is_late_and_makes_no_mistake() -> None:
    """What was sold and cancelled is copied at the full hour, by what answers then."""
    acts = (
        BuyerCame(600.0, "first", ((SKU, 2),), 1),
        BuyerCame(700.0, "first", ((OTHER, 1),), 2),
        WentDown(3500.0, "second"),
        CameBack(3700.0, "second"),
        BuyerCancelled(4000.0, 1),
        WentDown(7100.0, SHOP),
        CameBack(7300.0, SHOP),
    )
    week = a_plan(*acts, seconds=5 * 3600.0, TAL_27=2, LAM_BIU=1)
    result = hourly.carry(week, PRODUCTS)
    assert (result.oversold, result.orders, result.sold) == ([], 2, 3)
    # At the first hour `second` is down, at the second one the shop; the third one sets all right.
    sold = {"third": 3000.0, "second, until the buyer cancels": 3400.0}
    cancelled = {"first": 6800.0, "third": 6800.0}
    other = {"third": 2900.0, "second": 10_100.0}
    assert sorted(result.lags) == sorted([*sold.values(), *cancelled.values(), *other.values()])
    assert result.calls > 0


def test_the_hub_sells_it_once() -> None:
    """Ten virtual minutes of idling before, then four purchases: by real plugins, servers and the real hub."""
    week = hub.carry(a_plan(*LAST_TWICE, TAL_27=1, LAM_BIU=1), PRODUCTS, lambda _: None)
    assert week.result.oversold == []
    assert week.result.orders == 2
    assert (week.books.sold, week.books.clean, week.errors) == (1, True, [])
    assert 0.0 < max(week.result.lags) < 300.0
    assert week.result.calls > 0


def test_two_buyers_at_once_are_more_than_any_hub_can_serve_and_are_counted() -> None:
    acts = (BuyerCame(600.0, "first", ((SKU, 1),), 1), BuyerCame(600.1, "second", ((SKU, 1),), 2))
    week = hub.carry(a_plan(*acts, seconds=1200.0, TAL_27=1), PRODUCTS, lambda _: None)
    (row,) = week.result.oversold
    assert (row.place, row.after) == ("second", "first")
    assert row.since == pytest.approx(0.1)
    assert week.books.clean
    assert week.explained == {OversoldCause.LATE_NEWS: (1, 1)}
    assert list(report.explained(week.explained, week.braked)) == [
        "hub:   1 oversold orders written down, 1 pieces; 0 plans stopped by the brake",
        "       late-news: 1 orders, 1 pieces",
    ]


def test_a_cancelled_order_and_a_delivery_come_back_on_all_offers() -> None:
    acts = (
        LostAnswers(500.0, "first", 2),
        BuyerCame(600.0, "first", ((SKU, 2),), 1),
        WentDown(650.0, SHOP),
        CameBack(700.0, SHOP),
        BuyerCancelled(900.0, 1),
        PiecesCame(1500.0, SKU, 3),
        BuyerCame(2800.0, "second", ((SKU, 5),), 2),
    )
    week = hub.carry(a_plan(*acts, TAL_27=2), PRODUCTS, lambda _: None)
    assert (week.result.orders, week.result.sold, week.result.oversold) == (2, 7, [])
    assert week.books.clean


def test_what_is_divided_is_not_sold_twice_even_in_the_same_second() -> None:
    acts = (BuyerCame(600.0, "first", ((SKU, 1),), 1), BuyerCame(600.1, "second", ((SKU, 1),), 2))
    week = hub.carry(a_plan(*acts, seconds=1200.0, TAL_27=1), PRODUCTS, lambda _: None, "allocated")
    assert (week.result.sold, week.result.oversold, week.explained) == (1, [], {})


def test_what_the_shop_itself_sells_is_off_the_offers_as_soon_as_its_order_is_known() -> None:
    """Its stock is read by the order, and not minutes later by its timer."""
    acts = (
        BuyerCame(300.0, SHOP, ((OTHER, 1),), 1),
        BuyerCame(600.0, SHOP, ((SKU, 1),), 2),
        *(BuyerCame(630.0, market, ((SKU, 1),), number) for number, market in enumerate(MARKETS, start=3)),
    )
    week = hub.carry(a_plan(*acts, seconds=900.0, TAL_27=1, LAM_BIU=9), PRODUCTS, lambda _: None, "allocated")
    assert (week.result.sold, week.result.oversold, week.explained) == (2, [], {})
