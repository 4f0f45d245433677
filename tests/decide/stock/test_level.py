"""What is to be done with one quantity of one offer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock.level import TRIES, Move, OfferLevel, Phase, judge, next_step
from tests.orders import EPOCH


def level(wanted: int | None = 5, confirmed: int | None = 5, **more: Any) -> OfferLevel:
    return OfferLevel(offer=1, account="allegro", external_id="111", wanted=wanted, confirmed=confirmed, **more)


def move(row: OfferLevel, read_through: int = 100, **more: Any) -> Move:
    return next_step(row, read_through, EPOCH, **more).move


def test_lowering_waits_for_nothing() -> None:
    assert move(level(wanted=3, basis_after=50, confirmed_after=60), read_through=0) is Move.LOWER


@pytest.mark.parametrize(
    ("through", "expected"), [(49, Move.WAIT), (59, Move.WAIT), (60, Move.WAIT), (61, Move.RAISE)]
)
def test_raising_waits_until_the_orders_were_read_after_all_it_is_computed_from(
    through: int, expected: Move
) -> None:
    assert move(level(wanted=7, basis_after=50, confirmed_after=60), through) is expected
    assert move(level(wanted=7, basis_after=60, confirmed_after=50), through) is expected


@pytest.mark.parametrize("phase", [Phase.SENT, Phase.SETTLING])
def test_one_write_is_unsettled_at_a_time(phase: Phase) -> None:
    row = level(wanted=0, phase=phase, sent=9, command="c")
    assert move(row) is Move.NOTHING
    assert row.ceiling == 9
    assert not row.even


def test_nothing_is_wanted_where_no_number_is_known() -> None:
    assert move(level(wanted=None, confirmed=12)) is Move.NOTHING
    assert level(wanted=None, confirmed=12).even


def test_what_was_never_read_is_read_first() -> None:
    assert move(level(confirmed=None)) is Move.READ


def test_an_offer_that_has_ended_is_not_raised_unless_it_may_be_resumed() -> None:
    ended = level(wanted=3, confirmed=0, active=False)
    assert next_step(ended, 100, EPOCH).why == "level.ended"
    assert move(ended) is Move.HELD
    assert next_step(ended, 100, EPOCH, barred="level.resume-off").why == "level.resume-off"
    assert move(ended, barred=None) is Move.FILL
    assert move(msgspec.structs.replace(ended, inside=3), barred=None) is Move.ACTIVATE
    assert move(msgspec.structs.replace(ended, inside=9), barred=None) is Move.FILL
    assert move(ended, 0, barred=None) is Move.WAIT
    assert move(level(wanted=0, confirmed=0, active=False)) is Move.NOTHING


def test_what_failed_waits_for_its_time() -> None:
    row = level(wanted=3, due_at=EPOCH + timedelta(seconds=1))
    assert move(row) is Move.NOTHING
    assert next_step(row, 100, EPOCH + timedelta(seconds=1)).move is Move.LOWER


def test_a_reading_settles_a_write_and_says_what_buyers_see() -> None:
    row = level(wanted=3, confirmed=5, phase=Phase.SETTLING, sent=3, command="c")
    found = judge(row, 3, True, 70, 70, EPOCH).level
    assert (found.phase, found.confirmed, found.confirmed_after, found.confirmed_at) == (
        Phase.SETTLED,
        3,
        70,
        EPOCH,
    )
    assert (found.command, found.sent) == (None, None)
    assert found.even


@pytest.mark.parametrize(
    ("shown", "asked", "still"), [(3, 60, False), (3, 59, True), (5, 60, True)], ids=["shown", "before", "other"]
)
@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=1)], ids=["clock behind", "clock ahead"])
def test_what_is_wanted_was_shown_by_a_reading_asked_for_after_it(
    shown: int, asked: int, still: bool, off: timedelta
) -> None:
    """By the order of commits: where the wall clock stands says nothing of it."""
    row = level(wanted=3, confirmed=5, wanted_after=60, wanted_at=EPOCH)
    assert (judge(row, shown, True, asked, 70, EPOCH + off).level.wanted_at is not None) is still


def test_a_reading_settles_nothing_while_the_command_may_still_act() -> None:
    row = level(wanted=3, confirmed=5, phase=Phase.SENT, sent=3, command="c")
    assert judge(row, 5, True, 70, 70, EPOCH).level == row


def test_a_write_that_is_not_kept_is_sent_again_ever_later_and_then_told() -> None:
    """The answer says 78 and buyers see 58, for ever: never confirmed, and a person hears of it."""
    row = level(wanted=78, confirmed=58)
    pauses = []
    for number in range(1, TRIES + 1):
        sent = msgspec.structs.replace(row, phase=Phase.SETTLING, sent=78, command=str(number))
        found = judge(sent, 58, True, 70, 70, EPOCH)
        row = found.level
        assert row.confirmed == 58
        assert row.confirmed_at is None
        assert row.due_at is not None
        pauses.append(row.due_at - EPOCH)
        assert (found.alarm == "level.not-kept") is (number == TRIES)
    assert pauses == sorted(set(pauses))


def test_an_offer_that_cannot_be_bought_shows_nothing_whatever_is_left_in_it() -> None:
    row = level(wanted=0, confirmed=1, phase=Phase.SETTLING, sent=0, command="c")
    found = judge(row, 1, False, 70, 70, EPOCH).level
    assert found.confirmed == 0
    assert found.even
