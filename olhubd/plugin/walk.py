"""Lists of another system, read to the end that the system itself names, in the order that it really gives.

Three things are not believed here. A page with fewer rows than were asked for is not the last one: hosts cap pages,
and plugins of a shop take rows out of them. The end is the system's own count, its own "no next", or a page on
which nothing follows. Rows move during a reading: pages overlap by a row, and where that row is gone the reading
steps back. A list does not come in an order because it was asked for: `require_order` looks.

A reading whose rows are fewer than the system's own count is not complete. "Not there" may be said only after one
that is; `whole` raises Unavailable otherwise, and `gathered` says whether it was. The size of a page is the
caller's and may differ from page to page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from olhubd.plugin.connector import Log
from olhubd.plugin.errors import ContractBroken, Unavailable

__all__ = [
    "ListPage",
    "ListPlace",
    "Portion",
    "ShortPages",
    "by_link",
    "by_number",
    "by_offset",
    "gathered",
    "require_order",
    "whole",
]

R = TypeVar("R")

RESTARTS = 5
"""How often one reading starts again before the list counts as one that cannot be read."""
_BLIND = 50
"""Pages that may bring nothing although the system counts more rows, before the reading ends as not complete."""
_BACKS = 200
"""So often one reading may step back because rows left before its page."""
_SAME = "the list gives the same page again, whatever is asked for"
_MOVES = "the list changes faster than it can be read"


class ListPage(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One answer of a list: its rows and what the system says beside them.

    `asked` is how many rows the page was asked for. `total` is the system's own count of all rows that fit, None
    where it does not say. `link` is where the next page is, for lists that are read by links or cursors.
    """

    rows: Sequence[R]
    asked: int
    total: int | None = None
    link: str | None = None

    @property
    def short(self) -> bool:
        """Whether the page holds fewer rows than it was asked for. By itself that means nothing."""
        return len(self.rows) < self.asked


class Portion(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """What one page brought. `rows` are those that no page before it held, `page` is the page as it was given.

    `end` says that the list is read to its end, `complete` that this end agrees with the system's own count.
    `again` marks the first portion of a reading that started again, since rows had moved.
    """

    rows: Sequence[R]
    page: Sequence[R]
    end: bool = False
    complete: bool = False
    again: bool = False


class ListPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """The position of a reading by offset: the next page begins at `offset` with the row whose key is `last`.

    `last` None means that nothing is known of the row there. `rows` have come so far, and `least` is the lowest
    count that the system gave meanwhile. `blind` counts pages that brought nothing although the system counts more,
    `restarts` how often the reading started again: without it the places of a reading would come once more, and who
    keeps them would see a circle. A place can be kept as text between two calls, as in the cursor of a sweep.
    """

    offset: int = 0
    last: str | None = None
    rows: int = 0
    least: int | None = None
    blind: int = 0
    restarts: int = 0

    def after(self, part: ListPage[R], key: Callable[[R], str]) -> tuple[Sequence[R], ListPlace | None, bool]:
        """The new rows of `part`, the place behind them (None at the end), and whether the reading is complete.

        Where the row that the pages share is not there, rows before it are gone: the place is then an earlier one.
        Raises Unavailable when the page is the same one whatever offset is asked for, and when the reading began
        again too often. Nothing goes on from this place then, so the list is to be read from a new one.
        """
        keys = [key(row) for row in part.rows]
        fresh = part.rows
        if self.last is not None:
            if self.last not in keys:
                if self.offset:
                    # By no more than such a page holds, else the step jumps over the row where pages are capped.
                    offset = max(0, self.offset - max(1, (len(keys) or part.asked) // 2))
                    return (), ListPlace(offset, self.last, self.rows, self.least, restarts=self.restarts), False
                # From the beginning all comes once more: the row itself is gone.
                if self.restarts >= RESTARTS:
                    raise Unavailable(_MOVES)
                return (), ListPlace(restarts=self.restarts + 1), False
            fresh = part.rows[len(keys) - keys[::-1].index(self.last) :]
        read, rows = self.offset + len(keys), self.rows + len(fresh)
        # Rows that come while one reads are no part of what was there when it began, so the lowest count decides.
        least = min((count for count in (self.least, part.total) if count is not None), default=None)
        complete = not self.blind and (least is None or rows >= least)
        # A count that is lower than what is there counts something else.
        left = part.total - read if part.total is not None and part.total >= read else None
        if fresh:
            if left == 0 and part.short:
                return fresh, None, complete
            # The next page begins with the last row of this one, unless the two would be the same page.
            offset, last = (read - 1, keys[-1]) if len(keys) > 1 else (read, None)
            return fresh, ListPlace(offset, last, rows, least, self.blind, self.restarts), False
        if part.total is not None and read > part.total > len(keys) > 1:
            raise Unavailable(_SAME)
        if not left or self.blind >= _BLIND:
            return fresh, None, complete
        # More rows are counted than are shown: look behind those that seem to be hidden.
        offset = self.offset + max(1, part.asked - 1)
        return fresh, ListPlace(offset, None, rows, least, self.blind + 1, self.restarts), False


async def by_offset(
    fetch: Callable[[int], Awaitable[ListPage[R]]], key: Callable[[R], str], *, restarts: int = RESTARTS
) -> AsyncIterator[Portion[R]]:
    """The list behind `fetch`, which gets the offset of a page and asks for as many rows as it sees fit.

    `key` distinguishes rows; put into it what changes when a row moves to another place of the list, such as its
    time of change. A row is given once under each key. Raises Unavailable when the list moves faster than it can be
    read, and when it gives the same page whatever offset is asked for.
    """
    given: set[str] = set()
    for attempt in range(restarts):
        reading = _Reading(again=attempt > 0)
        while True:
            part = await fetch(reading.offset)
            keys = [key(row) for row in part.rows]
            if reading.torn(keys):
                reading.back(part.asked)
                continue
            end, complete = reading.take(part, keys)
            if end and not complete and reading.moved(part):
                break
            rows = [row for row, name in zip(part.rows, keys, strict=True) if name not in given]
            given.update(keys)
            yield Portion(rows=rows, page=part.rows, end=end, complete=complete, again=reading.again)
            if end:
                return
            reading.again = False
    raise Unavailable(_MOVES)


class _Reading:
    """One reading of a list by offset, from its first row on."""

    def __init__(self, again: bool) -> None:
        self.again = again
        self.offset = 0
        self._seen: set[str] = set()
        self._before: list[str] = []
        self._anchored = False
        """Whether the next page has to begin with a row that was seen; a page of one row cannot be overlapped."""
        self._first: int | None = None
        self._backs = self._blind = self._reach = 0

    def torn(self, keys: Sequence[str]) -> bool:
        """Whether rows may be unseen before this page, since rows before it are gone."""
        return self._anchored and self.offset > 0 and (not keys or keys[0] not in self._seen)

    def back(self, asked: int) -> None:
        """Begin the next page earlier."""
        self._backs += 1
        if self._backs > _BACKS:
            raise Unavailable(_MOVES)
        self._reach = max(self._reach, self.offset)
        self.offset, self._before = max(0, self.offset - max(1, asked // 2)), []

    def take(self, part: ListPage[Any], keys: list[str]) -> tuple[bool, bool]:
        """Go on behind a page. Whether it was the last, and whether all came that the system counted at first."""
        if not self._seen and self.offset == 0:
            self._first = part.total
        fresh = len(set(keys) - self._seen)
        self._seen.update(keys)
        read = self.offset + len(keys)
        # A count that is lower than what is there counts something else.
        left = part.total - read if part.total is not None and part.total >= read else None
        complete = not self._blind and (self._first is None or len(self._seen) >= self._first)
        if fresh or (left != 0 and len(keys) > 1 and read <= self._reach):
            if left == 0 and part.short:
                return True, complete
            # The next page begins with the last row of this one, unless the two would be the same page.
            self._anchored = len(keys) > 1
            self.offset, self._before = (read - 1 if self._anchored else read), keys
            return False, False
        # It may be all there is; but a full page with a count below it says nothing of what is behind.
        whole = part.total is not None and (part.total == len(keys) or (part.total < len(keys) and part.short))
        if len(keys) > 1 and keys == self._before and not whole:
            raise Unavailable(_SAME)
        if not left or self._blind >= _BLIND:
            return True, complete
        # More rows are counted than are shown: look behind those that seem to be hidden.
        self._blind += 1
        self._anchored, self.offset = False, self.offset + max(1, part.asked - 1)
        return False, False

    def moved(self, part: ListPage[Any]) -> bool:
        """Whether the list became another one while it was read, so that its counts mean nothing."""
        return part.total != self._first


async def by_number(
    fetch: Callable[[int], Awaitable[ListPage[R]]],
    key: Callable[[R], str],
    *,
    first: int = 1,
    restarts: int = RESTARTS,
) -> AsyncIterator[Portion[R]]:
    """The list behind `fetch`, which gets the number of a page: for systems that know no offset.

    All pages must be asked for with one size. A shift shows only by a count that changes, so use `by_offset` where
    there is a choice.
    """
    given: set[str] = set()
    for attempt in range(restarts):
        number, read, counted = first, 0, None
        before: list[str] = []
        while True:
            part = await fetch(number)
            keys = [key(row) for row in part.rows]
            if number == first:
                counted = part.total
            elif part.total != counted:
                break
            if len(keys) > 1 and keys == before:
                raise Unavailable(_SAME)
            read += len(keys)
            left = counted - read if counted is not None and counted >= read else None
            end = not keys or (left == 0 and part.short)
            rows = [row for row, name in zip(part.rows, keys, strict=True) if name not in given]
            given.update(keys)
            again = attempt > 0 and number == first
            yield Portion(rows=rows, page=part.rows, end=end, complete=end and not left, again=again)
            if end:
                return
            number, before = number + 1, keys
    raise Unavailable(_MOVES)


async def by_link(fetch: Callable[[str | None], Awaitable[ListPage[R]]]) -> AsyncIterator[Portion[R]]:
    """The list behind `fetch`, which gets the link or cursor of a page, None for the first.

    The end is a page without link. Raises ContractBroken when a link leads back to where it was.
    """
    link: str | None = None
    gone: set[str | None] = {None}
    read = 0
    while True:
        part = await fetch(link)
        link = part.link
        read += len(part.rows)
        end = link is None
        complete = end and not (part.total is not None and part.total > read)
        yield Portion(rows=part.rows, page=part.rows, end=end, complete=complete)
        if end:
            return
        if link in gone:
            raise ContractBroken("the list's next page is one that was read already")
        gone.add(link)


async def gathered(portions: AsyncIterator[Portion[R]]) -> tuple[list[R], bool]:
    """All rows that come of a list that is short enough to be kept, and whether as many came as the system says
    there are. Of what was asked for by name and did not come nothing is known where they did not."""
    rows: list[R] = []
    complete = False
    async for portion in portions:
        rows.extend(portion.rows)
        complete = portion.complete
    return rows, complete


async def whole(portions: AsyncIterator[Portion[R]], what: str) -> list[R]:
    """All rows of a list that is short enough to be kept. `what` names it: "GET /taxes".

    Raises Unavailable when the list ends before as many rows came as the system says there are.
    """
    rows, complete = await gathered(portions)
    if not complete:
        raise Unavailable(f"{what}: the list ends after {len(rows)} rows, and the system counts more")
    return rows


def require_order(keys: Iterable[Any], what: str, *, descending: bool = False) -> None:
    """Raise ContractBroken unless `keys`, those of a page's rows as given, never go back.

    `what` is the key by which the rows were asked for, such as "updatedAt". Rows without it (None) are passed over.
    """
    last = None
    for key in keys:
        if key is None:
            continue
        if last is not None and (key > last if descending else key < last):
            raise ContractBroken(f"the rows are not in the order that was asked for, by {what}", field=what)
        last = key


class ShortPages:
    """Says once that a system gives fewer rows a page than it is asked for, and once that it hides some."""

    def __init__(self, log: Log, whose: str) -> None:
        self._log, self._whose = log, whose
        self._told = self._ended = False

    def look(self, part: ListPage[Any], offset: int = 0) -> None:
        """Look at one page; `offset` is where it began."""
        counted = part.total is not None and part.total > offset + len(part.rows)
        if part.rows and part.short and counted and not self._told:
            self._told = True
            self._log.warning(f"{self._whose} gives {len(part.rows)} rows a page", asked=part.asked)

    def ended(self, what: str, rows: int, total: int | None) -> None:
        """The list `what` ended after `rows`, which the system's own count contradicts: say so once."""
        if not self._ended:
            self._ended = True
            self._log.warning(
                f"{self._whose} shows fewer rows than it counts", list=what, shown=rows, counted=total
            )
