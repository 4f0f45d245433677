"""GET /orders: which rows, in which order, which page. What it does not know of, it ignores without a word."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from olhubd_kit.simulators.woocommerce.ledger import ShopOrder, WooCommerceBooks
from olhubd_kit.simulators.woocommerce.refusal import invalid

__all__ = ["Pager", "project", "rows"]

T = TypeVar("T")

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?")
_HIDDEN = ("trash", "auto-draft")
"""What "any" leaves out; drafts of the checkout it does not."""


def _seconds(params: Mapping[str, str], name: str, zone: timedelta) -> int | None:
    """A moment as the shop reads it: its own time without a suffix; with `dates_are_gmt` UTC, suffix or not."""
    text = params.get(name)
    if text is None:
        return None
    if not _MOMENT.fullmatch(text):
        raise invalid(name, "Invalid date.")
    at = datetime.fromisoformat(text)
    if params.get("dates_are_gmt") == "true":
        # A suffix is turned into local time first and that is then taken for UTC: shifted twice.
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC) + zone
    elif at.tzinfo is None:
        at = at.replace(tzinfo=UTC) - zone
    return int(at.timestamp())


def _number(params: Mapping[str, str], name: str, default: int, low: int, high: int | None) -> int:
    text = params.get(name, str(default))
    if not text.isdigit() or int(text) < low or (high is not None and int(text) > high):
        raise invalid(name, f"{name} must be between {low} (inclusive) and {high} (inclusive)")
    return int(text)


def rows(ledger: WooCommerceBooks, params: Mapping[str, str]) -> list[ShopOrder]:
    """All that fit, sorted."""
    bounds = {
        name: _seconds(params, name, ledger.zone)
        for name in ("after", "before", "modified_after", "modified_before")
    }
    index = ledger.by_modified if bounds["modified_after"] is not None else ledger.by_created
    low = bounds["modified_after"] if bounds["modified_after"] is not None else bounds["after"]
    start = 0 if low is None else bisect.bisect_right(index, (low, 1 << 60))
    sheets = ledger.sheets
    found = [sheets[number] for _, number in index[start:]]
    if index is ledger.by_modified:
        found = [s for s in found if not s.silent]
    wanted = params.get("status", "any").split(",")
    for status in wanted:
        if status not in ledger.statuses and status not in ("any", "trash", "auto-draft"):
            raise invalid("status", "status is not one of them.")
    if "any" in wanted:
        # Any that the shop knows: an order whose status a plugin brought and took along is in no list.
        found = [s for s in found if s.doc["status"] in ledger.statuses and s.doc["status"] not in _HIDDEN]
    else:
        found = [s for s in found if s.doc["status"] in wanted]
    found = _narrow(found, params, bounds)
    orderby, descending = params.get("orderby", "date"), params.get("order", "desc") == "desc"
    if orderby not in ("date", "id", "modified", "include", "title", "slug"):
        raise invalid("orderby", "orderby is not one of them.")
    if orderby == "modified":
        if index is not ledger.by_modified:
            found.sort(key=lambda s: (s.modified, s.doc["id"]))
    elif index is not ledger.by_created:
        found.sort(key=lambda s: s.doc["id"])
    if descending:
        found.reverse()
    return found


def _narrow(found: list[ShopOrder], params: Mapping[str, str], bounds: Mapping[str, int | None]) -> list[ShopOrder]:
    after, before, until = bounds["after"], bounds["before"], bounds["modified_before"]
    if after is not None:
        found = [s for s in found if s.created > after]
    if before is not None:
        found = [s for s in found if s.created < before]
    if until is not None:
        found = [s for s in found if s.modified < until]
    if "created_via" in params:
        found = [s for s in found if s.doc["created_via"] in params["created_via"].split(",")]
    if "customer" in params:
        found = [s for s in found if str(s.doc["customer_id"]) == params["customer"]]
    if "include" in params:
        found = [s for s in found if str(s.doc["id"]) in params["include"].split(",")]
    if "search" in params:
        word = params["search"].casefold()
        found = [s for s in found if any(word in str(v).casefold() for v in _searched(s))]
    return found


def _searched(sheet: ShopOrder) -> list[Any]:
    """What the shop's search looks at; plugins that give orders numbers of their own add these."""
    return [*sheet.doc["billing"].values(), sheet.told["number"]]


class Pager:
    """Cuts lists into pages and counts them, as right or as wrong as it is set to.

    `ways` are how `shift_rows` can make an order move.
    """

    def __init__(self, ways: Mapping[str, Callable[[str], None]]) -> None:
        self._cap = 100
        self._wrong_by = 0
        self._counts = True
        self._short = 0
        self._jumble = 0
        self._shift: list[str] = []
        self._ways = ways

    def page(self, found: list[Any], params: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
        """One page and the headers that go with it. A page past the end is empty, not an error."""
        size = min(_number(params, "per_page", 10, 1, 100), self._cap)
        start = (_number(params, "page", 1, 1, None) - 1) * size
        if "offset" in params:
            start = _number(params, "offset", 0, 0, None)
        total = max(0, len(found) + self._wrong_by)
        headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(-(-total // size))} if self._counts else {}
        return found[start : start + size], headers

    def shorten(self, found: list[T]) -> list[T]:
        """The rows of a page of orders or products that a plugin leaves in it."""
        if not self._short or len(found) < 2:
            return found
        self._short -= 1
        return found[: len(found) // 2]

    def jumbled(self, found: list[T]) -> list[T]:
        """The rows of a page of products in the order in which a plugin leaves them."""
        if not self._jumble:
            return found
        self._jumble -= 1
        return found[::-1]

    def shift(self, found: list[ShopOrder]) -> None:
        """What happens right after such a page was read."""
        if self._shift and found:
            self._ways[self._shift.pop()](str(found[0].doc["id"]))

    def verbs(self) -> dict[str, Callable[..., None]]:
        """What can be done to lists."""
        names = ("short_pages", "cap_pages", "count_wrong", "count_nothing", "shift_rows", "jumble_rows")
        return {name: getattr(self, name) for name in names}

    def short_pages(self, count: int = 1) -> None:
        """The next `count` lists of orders or products hold half of their rows, as where a plugin filters late."""
        self._short += count

    def jumble_rows(self, count: int = 1) -> None:
        """The next `count` lists of products are the other way round, as where a plugin sorts them."""
        self._jumble += count

    def cap_pages(self, rows: int | None) -> None:
        """From now on no list holds more than so many rows a page, whatever is asked for; None ends that."""
        self._cap = rows or 100

    def count_wrong(self, by: int) -> None:
        """From now on X-WP-Total gives `by` rows more (or, below zero, less) than there are; 0 ends that."""
        self._wrong_by = by

    def count_nothing(self, count: bool = False) -> None:
        """From now on no list says how many rows there are, as behind a proxy that drops headers; True ends it."""
        self._counts = count

    def shift_rows(self, pages: int = 1, how: str = "touch") -> None:
        """After each of the next `pages` pages of orders its first order is saved again, or gone: `how` is
        `touch`, `trash` or `delete`."""
        if how not in self._ways:
            raise ValueError(f"how: {how!r} is none of {', '.join(self._ways)}")
        self._shift += [how] * pages


def project(doc: Any, params: Mapping[str, str]) -> Any:
    """`_fields`: only those."""
    if "_fields" not in params or not isinstance(doc, dict):
        return doc
    return {name: doc[name] for name in params["_fields"].split(",") if name in doc}
