"""What is to be done with one quantity of one offer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock.level import TRIES, Move, OfferLevel, Phase, judge, next_step, unread
from olhubd.model import LevelStep, code_of
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
    """S18: the answer says 78 and buyers see 58, for ever: never confirmed, and a person hears of it."""
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


@pytest.mark.parametrize(
    ("row", "even", "ceiling"),
    [
        (level(), True, 5),
        (level(confirmed=4), False, 4),
        (level(confirmed=None), False, 0),
        (level(wanted=None, confirmed=None), True, 0),
        (level(active=False), False, 5),
        (level(wanted=0, confirmed=0, active=False), True, 0),
        (level(wanted=0, confirmed=1), False, 1),
        (level(phase=Phase.SETTLING, sent=5), False, 5),
        (level(phase=Phase.SENT, sent=5), False, 5),
        (level(wanted=None, phase=Phase.SETTLING, sent=2), False, 5),
        (level(confirmed=None, phase=Phase.SENT, sent=2), False, 2),
        (level(confirmed=3, phase=Phase.SENT, sent=None), False, 3),
        (level(confirmed=3, sent=9), False, 3),
    ],
)
def test_it_is_even_when_it_was_read_to_show_what_is_wanted_and_may_sell_the_most_that_it_may_show(
    row: OfferLevel, even: bool, ceiling: int
) -> None:
    assert (row.even, row.ceiling) == (even, ceiling)


def due(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (level(), Move.NOTHING),
        (level(wanted=4, tries=1, due_at=due(5)), Move.NOTHING),
        (level(wanted=4, tries=1, due_at=due(6)), Move.LOWER),
        (level(wanted=7, tries=1, due_at=due(5)), Move.NOTHING),
        (level(wanted=7, tries=1, due_at=due(3600)), Move.RAISE),
        (level(wanted=7, tries=3, due_at=due(3600)), Move.NOTHING),
        (level(wanted=7, tries=3, due_at=due(3601)), Move.RAISE),
        (level(wanted=4, tries=3, due_at=due(3600)), Move.LOWER),
        (level(wanted=4, tries=9, due_at=due(900)), Move.NOTHING),
        (level(wanted=5, confirmed=0, active=False, tries=1, due_at=due(5)), Move.NOTHING),
        (level(wanted=3, confirmed=5, active=False), Move.HELD),
        (level(wanted=0, confirmed=5, active=False), Move.NOTHING),
    ],
)
def test_a_pause_that_the_tries_do_not_give_is_passed(row: OfferLevel, expected: Move) -> None:
    """A clock that was ahead set its end; it would keep the offer from being written for as long."""
    assert move(row) is expected


def test_what_is_in_doubt_is_lowered_and_not_raised() -> None:
    step = next_step(level(wanted=7, held="link.ean-changed"), 100, EPOCH)
    assert (step.move, step.why) == (Move.HELD, "link.ean-changed")
    assert move(level(wanted=3, held="link.ean-changed")) is Move.LOWER


@pytest.mark.parametrize(
    ("renews", "expected", "why"),
    [(False, Move.RAISE, None), (None, Move.TERMS, None), (True, Move.HELD, "level.republishes")],
)
def test_an_offer_that_lists_itself_again_is_not_raised(
    renews: bool | None, expected: Move, why: str | None
) -> None:
    """It would come back a second time with all that it began with."""
    step = next_step(level(wanted=7), 100, EPOCH, renews=renews)
    assert (step.move, step.why) == (expected, why)
    assert move(level(wanted=3), renews=renews) is Move.LOWER


def settling(**more: Any) -> OfferLevel:
    return level(**{"confirmed": 5, "phase": Phase.SETTLING, "sent": 3, "wanted": 3, "command": "c", **more})


@pytest.mark.parametrize(
    ("row", "shown", "active", "tries", "again"),
    [
        (settling(), 3, True, 0, False),
        (settling(tries=2), 3, True, 0, False),
        (settling(), 5, True, 1, True),
        (settling(), 2, True, 1, True),
        (settling(), 3, False, 1, True),
        (settling(sent=0, wanted=0), 5, False, 0, False),
        (settling(sent=0, wanted=0), 5, True, 1, True),
        (settling(step=LevelStep.FILL), 3, False, 0, False),
        (settling(step=LevelStep.FILL), 2, False, 1, True),
        (settling(step=LevelStep.FILL), 3, True, 0, False),
        (settling(step=LevelStep.ACTIVATE), 3, False, 1, True),
        (settling(sent=None), 5, True, 0, False),
        (settling(sent=None, tries=1), 5, True, 1, False),
        (settling(wanted=2, tries=1), 3, True, 1, False),
        (level(wanted=3, tries=1), 5, True, 1, False),
        (level(wanted=3, tries=1), 3, True, 0, False),
        (level(wanted=3, sent=9, tries=1), 5, True, 1, False),
    ],
)
def test_a_write_was_kept_when_it_is_read(
    row: OfferLevel, shown: int, active: bool, tries: int, again: bool
) -> None:
    """What fills an offer that has ended is in it, though nobody can buy it. What was not sent was not missed."""
    found = judge(row, shown, active, 70, 70, EPOCH).level
    assert (found.tries, found.due_at is not None) == (tries, again)
    assert (found.inside, found.active) == (shown, active)


@pytest.mark.parametrize(
    ("row", "active", "ended_here"),
    [
        (settling(sent=0, wanted=0), False, True),
        (settling(sent=0, wanted=0), True, False),
        (settling(sent=0, wanted=0, active=False), False, False),
        (settling(), False, False),
        (level(wanted=0), False, False),
        (level(wanted=0, sent=0), False, False),
        (level(wanted=3, active=False, ended_here=True), False, True),
        (level(wanted=3, active=False, ended_here=True), True, False),
    ],
)
def test_stock_control_ended_it_where_it_could_be_bought_until_it_wrote_zero(
    row: OfferLevel, active: bool, ended_here: bool
) -> None:
    """What somebody else ended is not brought back."""
    assert judge(row, 5, active, 70, 70, EPOCH).level.ended_here is ended_here


def test_a_reading_ends_what_a_person_asked_for_and_why_it_was_not_as_wanted() -> None:
    asked = level(wanted=3, confirmed=0, active=False, resume_by="ania", reason="level.not-there")
    back, still = judge(asked, 3, True, 70, 70, EPOCH).level, judge(asked, 3, False, 70, 70, EPOCH).level
    assert (back.resume_by, back.reason) == (None, None)
    assert (still.resume_by, still.reason) == ("ania", "level.not-there")


@pytest.mark.parametrize(
    ("row", "shown", "alarm"),
    [
        (settling(tries=TRIES - 1), 5, "level.not-kept"),
        (settling(tries=TRIES), 5, "level.not-kept"),
        (settling(tries=TRIES - 2), 5, None),
        (settling(tries=TRIES), 3, None),
        (level(wanted=3, tries=TRIES), 5, None),
    ],
)
def test_a_person_hears_of_writes_that_were_not_kept_and_of_nothing_else(
    row: OfferLevel, shown: int, alarm: str | None
) -> None:
    assert judge(row, shown, True, 70, 70, EPOCH).alarm == alarm


def test_what_cannot_be_read_stays_as_it_is_and_is_read_ever_later() -> None:
    row, waits, alarms = level(wanted=3), [], []
    for _ in range(7):
        found = unread(row, EPOCH)
        row = found.level
        assert row.due_at is not None
        waits.append((row.due_at - EPOCH).total_seconds())
        alarms.append(found.alarm)
    assert (row.confirmed, row.wanted, row.phase, code_of(row.reason)) == (5, 3, Phase.SETTLED, "level.unreadable")
    assert waits == [5, 20, 80, 320, 900, 900, 900]
    assert [number for number, alarm in enumerate(alarms, 1) if alarm is not None] == [TRIES]
