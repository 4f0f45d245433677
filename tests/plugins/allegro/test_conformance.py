"""The rules that every connector keeps, tried on Allegro against its simulator."""

from __future__ import annotations

from olhubd.testing import conformance
from olhubd_allegro import Allegro

TestAllegro = conformance.suite(Allegro)
