"""Somebody else writes the same offer, again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock.dispute import DRIFTS, WITHIN, changes, contest, settle
from olhubd.decide.stock.level import Move, OfferLevel, next_step
from tests.orders import EPOCH


def changed(at: datetime, row: OfferLevel | None = None, shown: int = 5, **more: Any) -> OfferLevel:
    """A row that showed the 0 that is wanted, and shows another number now."""
    row = row or OfferLevel(offer=1, account="allegro", external_id="111", wanted=0)
    fields = {
        "confirmed": shown,
        "confirmed_at": at,
        "confirmed_after": row.confirmed_after + 1,
        **more,
    }
    return contest(msgspec.structs.replace(row, **fields), at)


def test_the_third_change_in_an_hour_is_a_dispute() -> None:
    first = changed(EPOCH)
    second = changed(EPOCH + timedelta(minutes=20), first, shown=7)
    third = changed(EPOCH + timedelta(minutes=59), second)
    assert [first.disputed_at, second.disputed_at] == [None, None]
    assert (third.disputed_at, third.disputed_over) == (EPOCH + timedelta(minutes=59), 0)
    assert [one.shown for one in third.drifts] == [5, 7, 5]
    assert changes(third.drifts) == "12:00:00 5, 12:20:00 7, 12:59:00 5"


def test_changes_of_more_than_an_hour_are_none() -> None:
    row = None
    for number in range(DRIFTS * 3):
        row = changed(EPOCH + number * WITHIN / (DRIFTS - 1), row)
        assert row.disputed_at is None


@pytest.mark.parametrize(
    "more",
    [
        {"wanted_at": EPOCH - timedelta(days=2)},
        {"confirmed_at": None},
        {"tries": 1},
    ],
    ids=["another number is wanted since", "never as wanted", "refused or not kept"],
)
def test_what_is_no_change_by_somebody_else(more: dict[str, Any]) -> None:
    assert changed(EPOCH, **more).drifts == ()


def test_one_reading_is_one_change_however_often_it_is_answered() -> None:
    row = changed(EPOCH)
    again = contest(row, EPOCH + timedelta(seconds=5))
    assert again.drifts == row.drifts


def disputed(wanted: int, shown: int, over: int = 2) -> OfferLevel:
    return OfferLevel(
        offer=1,
        account="allegro",
        external_id="111",
        wanted=wanted,
        confirmed=shown,
        disputed_at=EPOCH,
        disputed_over=over,
    )


@pytest.mark.parametrize(
    ("wanted", "shown", "move"),
    [
        (2, 5, Move.HELD),
        (2, 1, Move.HELD),
        (9, 5, Move.HELD),
        (1, 5, Move.LOWER),
        (1, 0, Move.HELD),
        (3, 5, Move.HELD),
    ],
)
def test_in_dispute_nothing_is_raised_and_only_less_is_written(wanted: int, shown: int, move: Move) -> None:
    """A raise never fights. What was sold meanwhile must not be sold again, so less is still written."""
    step = next_step(disputed(wanted, shown), 100, EPOCH)
    assert step.move is move
    assert step.why == ("level.disputed" if move is Move.HELD else None)


def test_what_was_written_in_dispute_is_not_written_again() -> None:
    row = contest(disputed(1, 5), EPOCH)
    assert row.disputed_over == 1
    assert next_step(row, 100, EPOCH).move is Move.HELD


def test_a_person_ends_it() -> None:
    row = settle(disputed(2, 5))
    assert (row.disputed_at, row.disputed_over, row.drifts) == (None, None, ())
    assert next_step(row, 100, EPOCH).move is Move.LOWER


def test_a_stop_of_all_selling_beats_a_dispute() -> None:
    row = msgspec.structs.replace(disputed(0, 5, over=0), beneath=2)
    assert next_step(row, 100, EPOCH).move is Move.LOWER


def test_a_stop_of_all_selling_is_nothing_that_a_dispute_is_over() -> None:
    row = msgspec.structs.replace(disputed(0, 5), beneath=2)
    assert contest(row, EPOCH).disputed_over == 2
    assert changed(EPOCH, beneath=2).drifts == ()
