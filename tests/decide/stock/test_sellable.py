"""The one number of an item, and the cause of each of its terms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olhubd.decide.stock.sellable import Buffer, Sellable, StockReading, of_offer, sellable, terms
from olhubd.model import Counting, Reservation, StockBasis, StockLevel
from tests.orders import EPOCH

NOTHING = Buffer()


def level(quantity: int | None, **more: Any) -> StockLevel:
    given_ = {"counting": Counting.COUNTED, "basis": StockBasis.FREE, **more}
    return StockLevel(external_id="1", name="Cup", quantity=quantity, **given_)


def reading(quantity: int | None, after: int = 10, **more: Any) -> StockReading:
    return StockReading(level=level(quantity, **more), after=after)


def reservation(pieces: int, taken_after: int | None = None, order_id: int = 1) -> Reservation:
    return Reservation(
        order_id=order_id,
        line="L1",
        item=7,
        account="allegro",
        pieces=pieces,
        opened_after=1,
        opened_at=EPOCH,
        taken=pieces if taken_after is not None else 0,
        taken_after=taken_after,
    )


def pieces(found: StockReading | None, unseen: int = 0, buffer: Buffer = NOTHING) -> int | None:
    return sellable(found, unseen, buffer).pieces


def test_free_pieces_less_what_the_master_has_not_seen_less_the_buffer() -> None:
    assert pieces(reading(10), 3, Buffer(pieces=2)) == 5


def test_not_tracked_no_number_and_zero_are_three_things() -> None:
    """Only a record that says it counts makes a zero."""
    assert pieces(None) is None
    assert pieces(reading(None, counting=Counting.UNTRACKED)) is None
    assert pieces(reading(None, counting=Counting.UNKNOWN)) is None
    assert pieces(reading(0, counting=Counting.UNTRACKED)) is None
    assert pieces(reading(0)) == 0
    assert sellable(reading(None, counting=Counting.UNTRACKED), 0, NOTHING).counting is Counting.UNTRACKED


def test_what_is_not_on_sale_sells_nothing_and_keeps_its_count() -> None:
    found = sellable(reading(7, on_sale=False), 0, NOTHING)
    assert (found.pieces, found.net) == (0, 7)
    assert pieces(reading(None, counting=Counting.UNTRACKED, on_sale=False)) == 0


def test_pieces_on_hand_are_less_those_that_the_master_has_given_away() -> None:
    """S4: free 8, allocated 2, on hand 10, and one reservation that is not seen: 7, whichever the master tells."""
    assert pieces(reading(8), 1) == 7
    assert pieces(reading(10, basis=StockBasis.ON_HAND, allocated=2), 1) == 7


def test_more_promised_than_there_is_shows_nothing_and_says_how_much() -> None:
    found = sellable(reading(2), 5, NOTHING)
    assert (found.pieces, found.net) == (0, -3)


@pytest.mark.parametrize(
    ("buffer", "left"),
    [
        (Buffer(), 10),
        (Buffer(pieces=3), 7),
        (Buffer(pieces=30), 0),
        (Buffer(share=25), 7),  # 2.5 are kept back as 3
        (Buffer(pieces=1, share=10), 8),
        (Buffer(most=4), 4),
        (Buffer(pieces=8, most=4), 2),
    ],
)
def test_buffers(buffer: Buffer, left: int) -> None:
    assert pieces(reading(10), 0, buffer) == left


def test_each_term_has_its_cause_and_they_add_up() -> None:
    rows = [reservation(2), reservation(3, taken_after=11, order_id=2), reservation(4, taken_after=9, order_id=3)]
    found = reading(12, basis=StockBasis.ON_HAND, allocated=1)
    unseen = sum(row.unseen(10) for row in rows)
    assert unseen == 5
    parts = terms(found, rows, Buffer(pieces=1))
    assert [(one.what, one.pieces, one.order_id) for one in parts] == [
        ("master", 12, None),
        ("allocated", -1, None),
        ("reservation", -2, 1),
        ("reservation", -3, 2),
        ("buffer", -1, None),
    ]
    assert sum(one.pieces for one in parts) == pieces(found, unseen, Buffer(pieces=1)) == 5


@given(
    st.integers(-5, 60),
    st.lists(st.tuples(st.integers(1, 9), st.one_of(st.none(), st.integers(8, 12))), max_size=5),
    st.builds(Buffer, pieces=st.integers(0, 9), share=st.integers(0, 100), most=st.none() | st.integers(0, 20)),
    st.booleans(),
)
def test_the_terms_are_the_number(
    quantity: int, reserved: list[tuple[int, int | None]], buffer: Buffer, on_sale: bool
) -> None:
    rows = [reservation(n, taken, index) for index, (n, taken) in enumerate(reserved)]
    found = reading(quantity, on_sale=on_sale)
    number = sellable(found, sum(row.unseen(10) for row in rows), buffer)
    added = sum(one.pieces for one in terms(found, rows, buffer))
    assert number.pieces == max(0, added)


def test_a_set_is_the_least_of_its_parts_and_never_arithmetic_on_two_minima() -> None:
    """S6: need 2 and 2. Part A: 8 on hand and 14 reserved, B: 4258 and 168. The set is -3, which is shown as 0."""
    a, b = sellable(reading(8), 14, NOTHING), sellable(reading(4258), 168, NOTHING)
    assert a.net == -6
    assert of_offer({1: 2, 2: 2}, {1: a.pieces, 2: b.pieces}) == 0
    assert of_offer({1: 2, 2: 3}, {1: 9, 2: 30}) == 4


def test_an_offer_with_an_unknown_part_is_unknown_unless_another_part_is_sold_out() -> None:
    assert of_offer({1: 1, 2: 1}, {1: 4}) is None
    assert of_offer({1: 1, 2: 1}, {1: 0}) == 0
    assert of_offer({}, {}) is None
    assert of_offer({1: 10}, {1: 10}) == 1
    assert of_offer({1: 10}, {1: 9}) == 0


def test_a_number_says_by_what_it_is_counted() -> None:
    assert sellable(None, 0, NOTHING).counting is Counting.UNKNOWN
    assert sellable(reading(4), 0, NOTHING).counting is Counting.COUNTED
    off = reading(None, counting=Counting.UNTRACKED, on_sale=False)
    assert sellable(off, 0, NOTHING) == Sellable(pieces=0, net=0, counting=Counting.UNTRACKED)


def test_without_a_number_there_are_no_terms() -> None:
    assert terms(None, [], NOTHING) == ()
    assert terms(reading(None, counting=Counting.UNTRACKED), [reservation(1)], NOTHING) == ()
    # On hand, and nobody says how many of them are given away.
    assert terms(reading(4, counting=Counting.UNKNOWN), [], NOTHING) == ()


@pytest.mark.parametrize("quantity", [0, 2])
def test_of_pieces_that_are_not_there_none_is_kept_back(quantity: int) -> None:
    """More is promised than there is: the sum goes below nothing, and no buffer fills it up again."""
    parts = terms(reading(quantity), [reservation(5)], Buffer(pieces=3, share=10))
    assert [(one.what, one.pieces) for one in parts] == [("master", quantity), ("reservation", -5)]


def test_each_term_says_where_and_since_when() -> None:
    parts = terms(reading(9, on_sale=False), [reservation(2)], Buffer(pieces=3))
    master, reserved, kept, off = parts
    assert (master.after, off.after, kept.after) == (10, 10, None)
    assert (reserved.account, reserved.order_id, reserved.line, reserved.after) == ("allegro", 1, "L1", 1)
    assert (kept.pieces, off.what, off.pieces) == (-3, "off-sale", -4)
    assert [one.what for one in terms(reading(3, on_sale=False), [reservation(3)], NOTHING)] == [
        "master",
        "reservation",
    ]
