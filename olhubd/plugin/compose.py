"""How a connector is put together: which part can do what, and where it is held.

What does not fit together is reported when the class is created, so that a plugin that loads is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from olhubd.plugin.feed import Feed, Sweep
from olhubd.plugin.part import Capability, Parts, abilities

__all__ = ["Composition", "compose"]

_FEED_NAME = re.compile(r"[a-z][a-z0-9-]*")


class Composition(msgspec.Struct, frozen=True):
    """The attribute that holds each part; empty where that is the connector itself."""

    parts: dict[type[Capability], str]
    feeds: dict[type[Feed], str]

    def place_of(self, wanted: type[Capability]) -> str | None:
        """Where the part is that can do what is wanted; None where none can."""
        place = self.parts.get(wanted)
        if place is None and issubclass(wanted, Feed | Sweep):
            raise TypeError("a connector may have several feeds: take them by name from `feeds`, or by kind")
        return place

    @property
    def all(self) -> tuple[tuple[type[Capability], str], ...]:
        return (*self.parts.items(), *self.feeds.items())


def compose(connector: type, provides: Parts) -> Composition:
    """How a connector is put together, of itself and the parts that it `provides`. Raises TypeError where they do
    not fit."""
    found = Composition({}, {})
    for part, place in [(connector, ""), *provides.items()]:
        able = abilities(part)
        if place and (lacks := sorted(getattr(part, "__abstractmethods__", ()))):
            raise TypeError(f"{part.__name__}, a part of {connector.__name__}, lacks {', '.join(lacks)}")
        if issubclass(part, Feed):
            _require_feed(connector, part, found.feeds)
            found.feeds[part] = place
        elif Sweep in able:
            raise TypeError(f"{part.__name__}: a sweep belongs to a feed, and this class is none")
        for one in able:
            if one in found.parts:
                raise TypeError(f"{connector.__name__}: two of its parts are {one.__name__}")
            if one not in (Feed, Sweep):
                found.parts[one] = place
    return found


def _require_feed(connector: type, feed: type[Feed], others: Iterable[type[Feed]]) -> None:
    name = getattr(feed, "name", None)
    if not isinstance(name, str) or _FEED_NAME.fullmatch(name) is None:
        raise TypeError(f"{feed.__name__}: the name of a feed is a lower-case word, not {name!r}")
    if name in {other.name for other in others}:
        raise TypeError(f"{connector.__name__}: two of its feeds are called {name!r}")
    if not getattr(feed, "kinds", None):
        raise TypeError(f"{feed.__name__}: `kinds` does not say what its records are about")
