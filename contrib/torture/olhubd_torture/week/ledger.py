"""What is really there, and what the offers say of it. It asks the simulators, never who carries the week."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

__all__ = ["Oversold", "WeekLedger", "WeekResult"]


_ALL = ""
"""All places as one."""


class Oversold(msgspec.Struct, frozen=True):
    """Pieces that a buyer got a promise for and that were not there. `since` is for how many seconds the offer had
    shown too much then, `after` where the last real piece had gone."""

    at: float
    place: str
    sku: str
    pieces: int
    since: float
    after: str


class WeekResult(msgspec.Struct, kw_only=True):
    """One week. `wrong` are minutes that offers showed another number than was there, `too_much` those of them in
    which it was higher; `turned_away` are pieces that were there and that no offer showed to who wanted them."""

    orders: int = 0
    sold: int = 0
    oversold: list[Oversold] = []
    turned_away: int = 0
    wrong: float = 0.0
    too_much: float = 0.0
    calls: int = 0
    lags: list[float] = []
    """Seconds of each spell in which an offer showed another number."""


class WeekLedger:
    """`shown` reads what each place shows of a SKU, by place; `now` are seconds since the week began. Where pieces
    are `divided` among the places, what all of them show together is right or wrong."""

    def __init__(
        self,
        stock: Mapping[str, int],
        shown: Callable[[str], Mapping[str, int]],
        now: Callable[[], float],
        divided: bool = False,
    ) -> None:
        self.there = dict(stock)
        self.result = WeekResult()
        self._shown = shown
        self._now = now
        self._divided = divided
        self._wrong: dict[tuple[str, str], tuple[float, int]] = {}
        """By place and SKU: since when it shows how many too many, or too few where it is below zero."""
        self._last: dict[str, str] = {}
        """By SKU the place where the last piece went."""

    def sell(self, place: str, sku: str, pieces: int) -> None:
        """A buyer got a promise."""
        before, now = self.there[sku], self._now()
        missing = pieces - max(0, min(pieces, before))
        if missing:
            since, _ = self._wrong.get((_ALL if self._divided else place, sku), (now, 0))
            after = self._last.get(sku, "the stock at the beginning")
            self.result.oversold.append(Oversold(now, place, sku, missing, now - since, after))
        self.result.sold += pieces
        self.there[sku] = before - pieces
        if before > 0 >= before - pieces:
            self._last[sku] = place
        self.look((sku,))

    def refuse(self, sku: str, pieces: int, shown: int) -> None:
        """A buyer went away, who saw `shown`."""
        self.result.turned_away += max(0, min(pieces, self.there[sku]) - max(0, shown))

    def put(self, sku: str, pieces: int) -> None:
        """Pieces came, or came back."""
        self.there[sku] += pieces
        self.look((sku,))

    def look(self, skus: Iterable[str]) -> None:
        """Note what offers of these say now. Call it whenever one of both sides changed."""
        now = self._now()
        for sku in skus:
            right = max(0, self.there[sku])
            said = self._shown(sku)
            for place, shown in ({_ALL: sum(said.values())} if self._divided else said).items():
                key = (place, sku)
                since, off = self._wrong.get(key, (now, 0))
                if off == shown - right:
                    continue
                if off:
                    self._end(now - since, off)
                if shown == right:
                    self._wrong.pop(key, None)
                else:
                    self._wrong[key] = (now, shown - right)

    def close(self) -> WeekResult:
        """The end of the week."""
        for since, off in self._wrong.values():
            self._end(self._now() - since, off)
        self._wrong.clear()
        return self.result

    def _end(self, seconds: float, off: int) -> None:
        self.result.lags.append(seconds)
        self.result.wrong += seconds / 60
        if off > 0:
            self.result.too_much += seconds / 60
