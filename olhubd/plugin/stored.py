"""What a target stored, compared with what was sent: fills `Receipt.differences` in all connectors the same way.

A text counts as stored when it differs in its white space alone, and as cut when its beginning is there. What is
reported of a difference holds numbers and our marks, never a text of a person, since it ends in events.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from olhubd.model import Money
from olhubd.plugin.capability import Difference

__all__ = ["Comparison"]


class Comparison:
    """Collects differences: call a method for each thing compared, then read `differences`."""

    def __init__(self) -> None:
        self._found: list[Difference] = []

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All that was found, for `Receipt.differences`."""
        return tuple(self._found)

    def add(self, field: str, what: str, *, cut: bool = False, wanted: str | None = None) -> None:
        """A difference that no other method here finds."""
        self._found.append(Difference(field=field, what=what, cut=cut, wanted=wanted))

    def lines(
        self,
        sent: Iterable[tuple[str, int | Decimal]],
        there: Iterable[tuple[str | None, int | Decimal]],
        field: str = "lines",
    ) -> None:
        """Rows by our marks with their quantities. Rows of one mark are added up; None is a row without a mark."""
        wanted, found = _added(sent), _added(there)
        unmarked = found.pop(None, None)
        for mark, quantity in wanted.items():
            if mark not in found:
                self.add(f"{field}[{mark}]", "is not there")
            elif found[mark] != quantity:
                self.add(f"{field}[{mark}].quantity", f"{quantity} were sent, {found[mark]} are there")
        for mark in (mark for mark in found if mark not in wanted):
            self.add(f"{field}[{mark}]", "was not sent")
        if unmarked is not None:
            self.add(field, "one that carries no mark of ours is there")

    def text(self, field: str, sent: str | None, there: str | None) -> None:
        """A text that the target may cut to what it can store."""
        wanted, found = _plain(sent), _plain(there)
        if wanted == found:
            return
        if not found:
            self.add(field, "is not there")
        elif wanted.startswith(found):
            self.add(field, f"{len(found)} of {len(wanted)} letters are there", cut=True)
        else:
            self.add(field, "is another one" if wanted else "was not sent")

    def word(self, field: str, sent: str | None, there: str | None) -> None:
        """A code, a number or a mark: the same or wrong, and no secret, since both are reported."""
        if sent != there:
            self.add(field, f"{sent or 'nothing'} was sent, {there or 'nothing'} is there")

    def money(self, field: str, sent: Money | None, there: Money | None) -> None:
        """A sum; None is not zero."""
        same = sent is there if sent is None or there is None else sent.rounded() == there.rounded()
        if not same:
            self.add(field, f"{sent or 'nothing'} was sent, {there or 'nothing'} is there")


def _added(rows: Iterable[tuple[str | None, int | Decimal]]) -> dict[str | None, Decimal]:
    total: dict[str | None, Decimal] = {}
    for mark, quantity in rows:
        total[mark] = total.get(mark, Decimal()) + quantity
    return total


def _plain(text: str | None) -> str:
    return " ".join(unicodedata.normalize("NFC", text or "").split())
