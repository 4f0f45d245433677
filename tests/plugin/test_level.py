"""The parts of a sink of levels that the host gives."""

from __future__ import annotations

from olhubd.plugin import RowOutcome, done_when_shown


def test_a_call_is_done_when_all_its_offers_show_it() -> None:
    """One that does not show it yet keeps the whole call open: it may be done later."""
    assert done_when_shown(["1", "2"], {"1", "2", "3"}) == [
        RowOutcome(offer="1", done=True),
        RowOutcome(offer="2", done=True),
    ]
    assert done_when_shown(["1", "2"], {"1"}) is None
    assert done_when_shown(["1"], ()) is None
