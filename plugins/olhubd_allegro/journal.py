"""Allegro's order journal: what a page of it holds, and how far a cursor may go. Pure.

An event is only a hint that its form is worth reading. Types come in any order, times jump, events repeat; nothing
but the id can be relied on, and that is a number written as text.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from olhubd.plugin import ContractBroken
from olhubd_allegro import wire

__all__ = ["EMPTY", "LIMIT", "JournalHint", "hints", "position"]

LIMIT = 1000
"""Events in one answer, at most."""

EMPTY = 0
"""The position of a journal that holds nothing yet."""

READY = "READY_FOR_PROCESSING"


class JournalHint(msgspec.Struct, frozen=True):
    """One form that a page names. `before` is the last position that does not cover it."""

    form_id: str
    before: int
    ready: bool


def position(event_id: str) -> int:
    """The event's id as the number it is; 9 comes before 10."""
    try:
        return int(event_id)
    except ValueError:
        raise ContractBroken("an event id is not a number", field="events[].id") from None


def hints(events: Sequence[wire.Event], start: int) -> tuple[list[JournalHint], int]:
    """Each form once, in the order in which the journal first names it, and the position after all of them.

    A purchase that has no form yet is passed over; another event will come with one.
    """
    end = start
    first: dict[str, int] = {}
    ready: set[str] = set()
    for event in sorted(events, key=lambda one: position(one.id)):
        form = event.order.checkout_form if event.order else None
        if form is not None and form.id:
            first.setdefault(form.id, end)
            if event.type == READY:
                ready.add(form.id)
        end = max(end, position(event.id))
    return [JournalHint(form_id, before, form_id in ready) for form_id, before in first.items()], end
