"""What a switch of a route needs of the accounts at its ends, written beside its field in `RouteTable`.

`olhubd.config.routes` checks each switch by it, so a new one is a field there and one of `Route`.
"""

from __future__ import annotations

import enum

__all__ = ["Needs", "Way"]


class Way(enum.Enum):
    """Whom something of a route is written to."""

    FORTH = "to its target"
    BACK = "to its sources"
    READ_BACK = "to its sources, from what is read of the orders at its target"


class Needs:
    """Any of these capabilities, by which an account can do `what`."""

    def __init__(self, what: str, *capabilities: str, way: Way = Way.FORTH) -> None:
        self.what = what
        self.capabilities = capabilities
        self.way = way
