"""Lists read to the end that the system names: caps, shifts, counts that lie, orders that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from olhubd.plugin import (
    ContractBroken,
    ListPage,
    ListPlace,
    ShortPages,
    Unavailable,
    by_link,
    by_number,
    by_offset,
    require_order,
    whole,
)


class Listing:
    """A list of another system: it caps its pages, hides rows late, and moves between two pages."""

    def __init__(self, rows: Sequence[int], cap: int = 1000, counts: Callable[[int], int | None] = int) -> None:
        self.rows = list(rows)
        self.cap, self.counts = cap, counts
        self.hidden: frozenset[int] = frozenset()
        self.between: list[Callable[[], None]] = []
        """What happens after each page, in turn."""
        self.asked: list[int] = []

    def page(self, offset: int, size: int) -> ListPage[int]:
        self.asked.append(offset)
        cut = self.rows[offset : offset + min(size, self.cap)]
        rows = [row for row in cut if row not in self.hidden]
        part = ListPage(rows=rows, asked=size, total=self.counts(len(self.rows)))
        if self.between:
            self.between.pop(0)()
        return part


async def _read(listing: Listing, size: Callable[[], int] = lambda: 10) -> list[int]:
    async def fetch(offset: int) -> ListPage[int]:
        return listing.page(offset, size())

    return await whole(by_offset(fetch, str), "GET /rows")


def untold(_: int) -> None:
    return None


@pytest.mark.parametrize("counts", [int, untold, lambda n: 0, lambda n: n // 2])
@pytest.mark.parametrize("cap", [1, 3, 10])
@pytest.mark.parametrize("rows", [0, 1, 2, 9, 10, 11, 19, 20, 21, 40])
async def test_all_rows_come_whatever_the_cap_and_the_count(
    rows: int, cap: int, counts: Callable[[int], int | None]
) -> None:
    """A page that is short is not the last one, and a count below what is there counts something else.

    Where a short page and the count agree, there is no second word that could be asked for.
    """
    listing = Listing(range(rows), cap, counts)
    agree = [cut for cut in range(cap, rows, max(1, cap - 1)) if cap < 10 and counts(rows) == cut]
    if not agree:
        assert await _read(listing) == list(range(rows))


@pytest.mark.parametrize("rows", [1, 7, 18])
async def test_the_count_spares_a_question(rows: int) -> None:
    listing = Listing(range(rows))
    await _read(listing)
    assert len(listing.asked) == (1 if rows < 10 else 2)


async def test_a_size_that_changes_between_pages_loses_nothing() -> None:
    sizes = iter([10, 10, 5, 2, 2, 3, 8, 10, 10, 10, 10, 10])
    assert await _read(Listing(range(47)), lambda: next(sizes)) == list(range(47))


@pytest.mark.parametrize("counts", [int, untold])
async def test_a_row_that_vanishes_hides_none(counts: Callable[[int], int | None]) -> None:
    """What follows moves up by one, so a page that began where the last one ended would skip a row."""
    listing = Listing(range(30), counts=counts)
    listing.between = [lambda: listing.rows.__delitem__(slice(3, 6)), lambda: None, lambda: listing.rows.remove(2)]
    assert set(await _read(listing)) >= set(range(30)) - {2, 3, 4, 5}


@pytest.mark.parametrize("counts", [int, untold])
async def test_an_empty_page_is_no_end_where_rows_left_before_it(counts: Callable[[int], int | None]) -> None:
    """The next page lies behind all that are left, and those that moved up are still to be read."""
    listing = Listing(range(30), counts=counts)
    listing.between = [lambda: listing.rows.__delitem__(slice(25))]
    assert set(await _read(listing)) >= set(range(25, 30))


async def test_rows_that_come_in_front_repeat_none() -> None:
    listing = Listing(range(30))
    listing.between = [lambda: listing.rows.insert(0, 99), lambda: listing.rows.insert(0, 98)]
    assert sorted(await _read(listing)) == list(range(30))


async def test_a_list_that_never_stands_still_gives_no_answer() -> None:
    listing = Listing(range(300))
    listing.between = [lambda: listing.rows.__delitem__(-1)] * 250
    with pytest.raises(Unavailable, match="faster"):
        await _read(listing)


@pytest.mark.parametrize("total", [None, 40])
async def test_the_same_page_again_is_no_end(total: int | None) -> None:
    async def fetch(offset: int) -> ListPage[int]:
        return ListPage(rows=range(10), asked=10, total=total)

    with pytest.raises(Unavailable, match="same page"):
        await whole(by_offset(fetch, str), "GET /rows")


@pytest.mark.parametrize("hidden", [{3}, {12}, {28}, set(range(5, 30)), set(range(30))])
async def test_fewer_rows_than_are_counted_is_not_known(hidden: set[int]) -> None:
    """Rows behind the hidden ones come all the same; but nobody may say that the others are not there."""
    listing = Listing(range(40), cap=10)
    listing.hidden = frozenset(hidden)
    came: list[int] = []

    async def fetch(offset: int) -> ListPage[int]:
        return listing.page(offset, 10)

    async for portion in by_offset(fetch, str):
        came += portion.rows
        last = portion
    assert came == [row for row in range(40) if row not in hidden]
    assert last.end
    assert not last.complete
    with pytest.raises(Unavailable, match="counts more"):
        await whole(by_offset(fetch, str), "GET /rows")


async def test_a_row_that_came_meanwhile_does_not_make_up_for_one_that_was_leapt_over() -> None:
    """As many came as were counted, and one that was there all the time is not among them."""
    pages = {0: "abc", 2: "c", 4: "ef", 5: "f"}  # where the second one ends is a hidden row

    async def fetch(offset: int) -> ListPage[str]:
        return ListPage(rows=pages[offset], asked=3, total=5)

    with pytest.raises(Unavailable, match="counts more"):
        await whole(by_offset(fetch, str), "GET /rows")


@given(
    rows=st.integers(0, 60),
    cap=st.integers(2, 20),
    size=st.integers(2, 20),
    gone=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 59)), max_size=3),
)
async def test_what_stood_there_all_the_time_always_comes(
    rows: int, cap: int, size: int, gone: list[tuple[int, int]]
) -> None:
    listing = Listing(range(rows), cap)
    vanished = {row for _, row in gone}

    def remove(page: int) -> None:
        listing.rows = [row for row in listing.rows if (page, row) not in gone]

    listing.between = [lambda page=page: remove(page) for page in range(6)]  # type: ignore[misc]
    assert set(await _read(listing, lambda: size)) >= set(range(rows)) - vanished


async def test_rows_that_vanish_one_after_the_other_are_no_reason_to_give_up() -> None:
    """A busy shop saves an order anew with each page that is read: the next page begins earlier, and all come."""
    listing = Listing(range(200))
    listing.between = [lambda: listing.rows.append(1000 + listing.rows.pop(8))] * 60
    assert set(await _read(listing)) >= set(range(200))


@pytest.mark.parametrize("gone", [(), (3,), (9,), (3, 9), tuple(range(10)), tuple(range(20))])
async def test_a_place_goes_on_from_its_text(gone: tuple[int, ...]) -> None:
    """A sweep keeps where it stands between two calls; the row that pages share proves that it holds."""
    listing = Listing(range(40))
    place: ListPlace | None = ListPlace()
    came: list[int] = []
    while place is not None:
        rows, place, complete = place.after(listing.page(place.offset, 10), str)
        came += rows
        if len(listing.asked) == 1:
            listing.rows = [row for row in listing.rows if row not in gone]
    assert set(came) | set(gone) == set(range(40))
    assert complete
    assert len(came) == 40 or 9 in gone  # only where the shared row itself is gone all come once more


async def test_a_row_that_comes_before_a_place_leaves_its_reading_complete() -> None:
    """It was not there when the reading began: that it is counted and did not come is no lack."""
    listing = Listing(range(40))
    place: ListPlace | None = ListPlace()
    came: list[int] = []
    while place is not None:
        rows, place, complete = place.after(listing.page(place.offset, 10), str)
        came += rows
        if len(listing.asked) == 1:
            listing.rows.insert(0, 99)
    assert came == list(range(40))
    assert complete


def _places(listing: Listing, between: Callable[[int], object]) -> tuple[set[int], list[ListPlace]]:
    """A list read from its places, with what happens after each page: the rows that came, and the places."""
    places: list[ListPlace] = [ListPlace()]
    came: set[int] = set()
    while True:
        place = places[-1]
        rows, then, _ = place.after(listing.page(place.offset, 10), str)
        came.update(rows)
        if then is None:
            return came, places
        places.append(then)
        between(len(places))


@pytest.mark.parametrize("counts", [int, untold])
@pytest.mark.parametrize("bought", [True, False])
async def test_a_reading_that_begins_anew_comes_to_no_place_twice(
    bought: bool, counts: Callable[[int], int | None]
) -> None:
    """Who keeps the places would take it for a circle, and end a sweep before the rest was read."""
    listing = Listing(range(40), counts=counts)

    def shared_row_goes(pages: int) -> None:
        if pages == 3:
            listing.rows.remove(18)  # the row that the second page and the third one share
            listing.rows += [40] if bought else []

    came, places = _places(listing, shared_row_goes)
    assert came >= set(range(40)) - {18}
    assert len(places) == len(set(places))
    assert places[-1].restarts == 1


async def test_a_reading_begins_anew_only_so_often() -> None:
    listing = Listing(range(300))
    with pytest.raises(Unavailable, match="faster"):
        _places(listing, lambda _pages: listing.rows.__delitem__(slice(9, 10)))
    assert listing.asked.count(0) <= 20


@pytest.mark.parametrize("cap", [4, 10])
async def test_a_page_that_is_capped_is_no_reason_to_begin_anew(cap: int) -> None:
    """A step back that is longer than a page jumps over the very row that it looks for."""
    listing = Listing(range(80), cap=cap)
    came, places = _places(listing, lambda pages: listing.rows.pop(0) if pages in range(3, 17, 2) else None)
    assert came == set(range(80))
    assert places[-1].restarts == 0


@pytest.mark.parametrize(("cap", "counts"), [(10, int), (4, int), (4, untold), (10, untold), (10, lambda n: 0)])
async def test_numbered_pages_are_read_to_an_empty_one(cap: int, counts: Callable[[int], int | None]) -> None:
    listing = Listing(range(23), cap, counts)

    async def fetch(number: int) -> ListPage[int]:
        return listing.page((number - 1) * cap, 10)

    assert await whole(by_number(fetch, str), "GET /rows") == list(range(23))


async def test_numbered_pages_begin_anew_when_the_count_changes() -> None:
    listing = Listing(range(23))
    listing.between = [lambda: listing.rows.remove(4)]

    async def fetch(number: int) -> ListPage[int]:
        return listing.page((number - 1) * 10, 10)

    assert sorted(await whole(by_number(fetch, str), "GET /rows")) == list(range(23))


async def test_numbered_pages_that_hide_rows_are_not_complete() -> None:
    listing = Listing(range(23))
    listing.hidden = frozenset({11})

    async def fetch(number: int) -> ListPage[int]:
        return listing.page((number - 1) * 10, 10)

    with pytest.raises(Unavailable, match="counts more"):
        await whole(by_number(fetch, str), "GET /rows")


async def test_links_are_followed_to_the_page_without_one() -> None:
    """Empty and short pages with a link behind them are no end."""
    pages = {None: ([1], "a"), "a": ([], "b"), "b": ([2, 3], None)}

    async def fetch(link: str | None) -> ListPage[int]:
        rows, then = pages[link]
        return ListPage(rows=rows, asked=10, link=then)

    assert await whole(by_link(fetch), "GET /rows") == [1, 2, 3]
    pages["b"] = ([2, 3], "a")
    with pytest.raises(ContractBroken, match="read already"):
        await whole(by_link(fetch), "GET /rows")


async def test_links_that_end_before_the_count_are_not_complete() -> None:
    async def fetch(link: str | None) -> ListPage[int]:
        return ListPage(rows=[1, 2], asked=10, total=3)

    with pytest.raises(Unavailable, match="ends after 2 rows"):
        await whole(by_link(fetch), "GET /rows")


@pytest.mark.parametrize(
    ("keys", "descending", "fine"),
    [
        ([], False, True),
        ([1, 1, 2, 5], False, True),
        ([1, None, 2], False, True),
        ([1, 3, 2], False, False),
        ([3, None, 2], False, False),
        ([5, 2, 2, 1], True, True),
        ([2, 1, 3], True, False),
    ],
)
def test_an_order_is_looked_at(keys: list[int | None], descending: bool, fine: bool) -> None:
    if fine:
        require_order(keys, "updatedAt", descending=descending)
        return
    with pytest.raises(ContractBroken, match="updatedAt"):
        require_order(keys, "updatedAt", descending=descending)


def test_short_pages_are_told_once() -> None:
    with structlog.testing.capture_logs() as lines:
        pages = ShortPages(structlog.get_logger(), "the shop")
        pages.look(ListPage(rows=[1], asked=10, total=1))  # the end
        pages.look(ListPage(rows=[1], asked=10))  # nobody knows
        pages.look(ListPage(rows=[1, 2, 3], asked=10, total=30))
        pages.look(ListPage(rows=[1, 2, 3], asked=10, total=30), offset=3)
    assert [line["event"] for line in lines] == ["the shop gives 3 rows a page"]
