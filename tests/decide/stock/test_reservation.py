"""Which pieces an order needs: from the purchase to the reading that shows them taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from olhubd.decide.route import Route
from olhubd.decide.stock.reservation import Need, carries, due, takes
from olhubd.model import Fulfilment, Order, Reservation, Stage
from tests.orders import EPOCH, line, order

MASTER = "shop"


class Book:
    """Reservations of one order as the hub keeps them."""

    def __init__(self, *needs: Need) -> None:
        self.needs = needs
        self.rows: dict[tuple[str, int], Reservation] = {}
        self.event = 0

    def stand(self, told: Order, *, taken: bool = False, needs: Sequence[Need] | None = None) -> None:
        self.event += 1
        found = due(
            1,
            "allegro",
            told,
            self.needs if needs is None else needs,
            list(self.rows.values()),
            {MASTER: taken},
            after=self.event,
            now=EPOCH,
        )
        self.rows.update({(row.line, row.item): row for row in found.put})
        for key in found.end:
            del self.rows[key]

    def unseen(self, item: int = 7, read_after: int = 0) -> int:
        return sum(row.unseen(read_after) for row in self.rows.values() if row.item == item)


def need(pieces: int, name: str = "L1", item: int = 7, **more: Any) -> Need:
    return Need(line=name, item=item, master=MASTER, pieces=pieces, **more)


def bought(quantity: int = 2, **more: Any) -> Order:
    return order("A", (line("L1", quantity=quantity),), **more)


@pytest.mark.parametrize("stage", [Stage.PLACED, Stage.CONFIRMED, Stage.UNKNOWN])
def test_reserved_from_the_purchase_on(stage: Stage) -> None:
    book = Book(need(2))
    book.stand(bought(stage=stage))
    assert book.unseen() == 2


def test_asked_twice_it_is_the_same() -> None:
    book = Book(need(2))
    book.stand(bought())
    found = due(1, "allegro", bought(), book.needs, list(book.rows.values()), {MASTER: False}, after=9, now=EPOCH)
    assert found.put == ()
    assert found.end == ()


@pytest.mark.parametrize(
    "off",
    [
        {"stage": Stage.CANCELLED},
        {"fulfilment": Fulfilment.CANCELLED},
        {"fulfilled_by_marketplace": True},
        {"fulfilled_by_marketplace": True, "fulfilment": Fulfilment.SENT},
    ],
)
def test_what_is_off_or_sent_by_the_marketplace_needs_nothing(off: dict[str, Any]) -> None:
    book = Book(need(2))
    book.stand(bought())
    book.stand(bought(**off))
    assert book.unseen() == 0
    assert book.rows == {}, "what is needed no more is no row of the database either"
    fresh = Book(need(2))
    fresh.stand(bought(**off))
    assert fresh.rows == {}


def test_what_another_order_took_over_is_reserved_there_alone() -> None:
    book = Book(need(2))
    book.stand(bought())
    book.stand(bought(), needs=[need(2, live=False)])
    assert book.unseen() == 0


def test_a_reading_releases_only_when_it_was_asked_for_after_the_copy_was_known() -> None:
    book = Book(need(2))
    book.stand(bought())
    book.stand(bought(), taken=True)  # event 2
    assert book.unseen(read_after=1) == 2
    assert book.unseen(read_after=2) == 0


def test_a_copy_that_leaves_the_states_that_take_pieces_gives_them_back() -> None:
    """S1: on hold to pending in the shop: the shop shows the pieces again, and they are still sold."""
    book = Book(need(2))
    book.stand(bought())
    book.stand(bought(), taken=True)
    assert book.unseen(read_after=5) == 0
    book.stand(bought(), taken=False)
    assert book.unseen(read_after=5) == 2
    book.stand(bought(), taken=True)
    assert book.unseen(read_after=9) == 0


def test_sent_and_then_cancelled_returns_nothing_before_the_master_says_so() -> None:
    """S2: the smallest input of a return that was counted twice: 100 pieces, 5 of them sent and then cancelled."""
    book = Book(need(5))
    book.stand(bought(5))
    sent = bought(5, fulfilment=Fulfilment.SENT)
    book.stand(sent, taken=True)
    off = bought(5, fulfilment=Fulfilment.SENT, stage=Stage.CANCELLED)
    book.stand(off, taken=True)
    assert 100 - book.unseen(read_after=0) == 95
    other = Book(need(5))
    other.stand(bought(5))
    other.stand(bought(5, stage=Stage.CANCELLED))
    other.stand(off, taken=True, needs=[need(5, live=False)])
    assert 100 - other.unseen(read_after=0) == 95


def test_of_a_line_in_part_the_rest_comes_back() -> None:
    """S3: ten ordered, seven taken by the master, the rest cancelled: three come back, not ten and not none."""
    book = Book(need(7))
    book.stand(bought(7))
    book.stand(bought(7), taken=True)
    book.stand(bought(10), needs=[need(10)], taken=True)
    assert book.unseen(read_after=0) == 10
    assert book.unseen(read_after=9) == 3
    book.stand(bought(10, stage=Stage.CANCELLED), needs=[need(10, live=False)], taken=True)
    assert book.unseen(read_after=0) == 7
    assert book.unseen(read_after=9) == 0


def test_fewer_than_the_master_took_never_count_below_nothing() -> None:
    book = Book(need(5))
    book.stand(bought(5))
    book.stand(bought(5), taken=True)
    book.stand(bought(3), needs=[need(3)], taken=True)
    assert book.unseen(read_after=0) == 5
    assert book.unseen(read_after=9) == 0


def test_a_set_is_reserved_in_the_pieces_of_its_parts() -> None:
    book = Book(need(2, item=7), need(6, item=8))
    book.stand(bought())
    assert (book.unseen(7), book.unseen(8)) == (2, 6)


def test_an_offer_that_was_linked_later_is_reserved_then() -> None:
    book = Book()
    book.stand(bought(), needs=[])
    assert book.rows == {}
    book.stand(bought(), needs=[need(2)])
    assert book.unseen() == 2
    assert next(iter(book.rows.values())).opened_after == 2


def test_the_state_of_the_copy_says_whether_the_master_took_it() -> None:
    lowered = {"processing", "on-hold"}
    sent = bought(fulfilment=Fulfilment.SENT)
    assert takes(bought(), "processing", lowered, carried=True)
    assert not takes(bought(), "pending", lowered, carried=True)
    assert not takes(sent, None, lowered, carried=True)
    assert not takes(sent, "pending", lowered, carried=False)
    assert takes(sent, None, lowered, carried=False)
    assert not takes(bought(), None, lowered, carried=False)


def test_only_a_route_that_forwards_carries() -> None:
    route = Route(target="shop", sources=frozenset({"allegro"}))
    assert carries([route], "allegro", "shop")
    assert not carries([route], "allegro", "erp")
    assert not carries([route], "ebay", "shop")
    assert carries([msgspec.structs.replace(route, target="erp"), route], "allegro", "shop")
    assert not carries([], "allegro", "shop")
    assert not carries([msgspec.structs.replace(route, forward=False)], "allegro", "shop")


def test_a_reservation_says_whose_pieces_they_are_and_since_when() -> None:
    found = due(1, "allegro", bought(), [need(2)], (), {MASTER: False}, after=9, now=EPOCH)
    assert found.put == (
        Reservation(
            order_id=1, line="L1", item=7, account="allegro", pieces=2, opened_after=9, opened_at=EPOCH, taken=0
        ),
    )
    assert found.items == {7}


def test_a_line_without_pieces_reserves_none() -> None:
    book = Book(need(0))
    book.stand(bought())
    assert book.rows == {}


def test_of_what_the_master_took_and_nobody_needs_any_more_nothing_is_written_twice() -> None:
    book = Book(need(5))
    book.stand(bought(5))
    book.stand(bought(5), taken=True)
    off = bought(5, stage=Stage.CANCELLED)
    book.stand(off, taken=True)
    again = due(1, "allegro", off, book.needs, list(book.rows.values()), {MASTER: True}, after=9, now=EPOCH)
    assert (again.put, again.end, again.items) == ((), (), frozenset())


def test_all_items_that_are_needed_otherwise_are_named() -> None:
    """Another number may be sold of each of them."""
    known = due(1, "allegro", bought(), [need(2), need(1, item=8)], (), {MASTER: False}, after=1, now=EPOCH).put
    found = due(1, "allegro", bought(), [need(3)], known, {MASTER: False}, after=2, now=EPOCH)
    assert found.items == {7, 8}
    assert found.end == (("L1", 8),)
