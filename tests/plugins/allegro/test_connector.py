"""What Allegro's connector declares of itself."""

from __future__ import annotations

from datetime import timedelta

from olhubd_allegro.connector import Allegro


def test_its_own_rhythm() -> None:
    """Part of IMP-05 and IMP-28: asked every twenty seconds, looked through again once an hour."""
    assert Allegro.defaults.interval == timedelta(seconds=20)
    assert Allegro.defaults.sweep_interval == timedelta(hours=1)
