"""What a capability is, and which of them a class has.

Capabilities share one namespace in the class that derives from them. Where two have a name in common, such as the
`settle` of two sinks or the `name` of a feed and of its connector, one value would serve both. That is refused when
the class is made, long before an order is.
"""

from __future__ import annotations

import abc
import inspect
from collections.abc import Mapping

__all__ = ["Capability", "Parts", "abilities", "require_apart"]


class Capability(abc.ABC):  # noqa: B024 - it marks what derives from it, and demands nothing itself
    """What all capabilities derive from.

    No class can be two capabilities that have a name in common, such as `settle`: it would have one value for both.
    One of the two is then a part of its own, see `Connector.provides`.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        require_apart(cls, *abilities(cls))


def abilities(cls: type) -> list[type[Capability]]:
    """The capabilities that a class has by deriving from them."""
    return [base for base in cls.__mro__ if Capability in base.__bases__]


def require_apart(cls: type, *bases: type) -> None:
    """Raises TypeError where two of the bases have a public name in common."""
    owners: dict[str, type] = {}
    for base in bases:
        for name in {*vars(base), *inspect.get_annotations(base)}:
            if not name.startswith("_") and (other := owners.setdefault(name, base)) is not base:
                raise TypeError(
                    f"{cls.__name__}: {other.__name__} and {base.__name__} both have {name!r}, so one class cannot"
                    " be both: make one of them a part of its own and name it in `provides`"
                )


Parts = Mapping[type[Capability], str]
"""The class of each part, and the attribute of the connector that holds it."""
