"""The rules that every connector keeps, tried on Allegro against its simulator."""

from __future__ import annotations

from olhubd_allegro import Allegro
from olhubd_kit import conformance

TestAllegro = conformance.suite(Allegro)
