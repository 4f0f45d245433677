"""A place in what was written: what is there, and where a problem with it goes.

All places of one walk share the tree and the list of problems, so that a check hands on one thing and every problem
names its file, line and key.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from olhubd.config import fields
from olhubd.config.problem import Problem
from olhubd.config.source import Layer, Origin, SettingTree, dotted
from olhubd.config.toml_positions import KeyPath
from olhubd.config.validation import validate

__all__ = ["Checker"]

M = TypeVar("M", bound=BaseModel)
_OF_TEXT = frozenset({Layer.ENVIRONMENT, Layer.DATABASE, Layer.MARKETPLACE})
"""Where all values are text."""


@dataclass(frozen=True)
class Checker:
    """The place `path` of `tree`. What is wrong there is added to `problems`."""

    tree: SettingTree
    problems: list[Problem] = field(default_factory=list)
    path: KeyPath = ()

    def at(self, *keys: str | int) -> Checker:
        """A place inside of this one."""
        return replace(self, path=(*self.path, *keys))

    def apart(self) -> Checker:
        """The same place with a list of its own: what is found to be wrong there is not reported again."""
        return replace(self, problems=[])

    @property
    def name(self) -> str:
        """The last key of the path: that of the table, or of the value."""
        return str(self.path[-1])

    @property
    def value(self) -> Any:
        """What is there; None when nothing is."""
        found: Any = self.tree.values
        for key in self.path:
            if isinstance(found, dict):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and key < len(found):
                found = found[key]
            else:
                return None
        return found

    def tables(self) -> list[Checker]:
        """The places in a list of tables; none where it was not written. What is no list is reported."""
        found = self.value if self.value is not None else []
        if not isinstance(found, list):
            self.report("must be a list of tables", f"write each as [[{self.name}]]")
            return []
        return [self.at(index) for index in range(len(found))]

    @property
    def written(self) -> bool:
        """Whether this very place was written, and not only a table around it."""
        return self.path in self.tree.origins

    @property
    def origin(self) -> Origin:
        """Where it was written, or the nearest table around it."""
        return self.tree.origin(self.path)

    def report(self, message: str, hint: str = "", *, warning: bool = False, origin: Origin | None = None) -> None:
        """Add a problem with this place, which reads after the key: "must be text". `hint` says what to write.

        `origin` is where the value came from, if that is elsewhere than where the key was written.
        """
        origin = origin or self.origin
        problem = Problem(origin.place, origin.line, dotted(self.path), message, hint, warning)
        self.problems.append(problem)

    def warn(self, message: str, hint: str = "", *, origin: Origin | None = None) -> None:
        """Add what works but should not stay so."""
        self.report(message, hint, warning=True, origin=origin)

    def check(
        self, model: type[M], values: Any = None, *, beside: Collection[str] = (), broken: Collection[str] = ()
    ) -> M | None:
        """The table here as a `model`, or None with its problems added. One that was not written is empty.

        `values` are taken in place of what was written here, if given. `beside` are keys that would be right in the
        same table though they are not the model's; about those in `broken` enough has been said.
        """
        written = self.value if values is None else values
        if written is None:
            written = {}
        if not isinstance(written, dict):
            self.report("must be a table", f"write it as [{dotted(self.path)}]")
            return None
        given = dict(written)
        for key, info in fields.fields(model).items():
            if isinstance(given.get(key), str) and self.at(key).origin.layer in _OF_TEXT:
                given[key] = fields.literal(given[key], info)
        result, faults = validate(model, given, beside, broken)
        for fault in faults:
            place = self.at(*fault.path)
            if not fault.exact:
                place = self._nearest(place)
            place.report(fault.message, fault.hint)
        return result

    def _nearest(self, place: Checker) -> Checker:
        """The place, else the nearest one around it that was written, at most the key of this table."""
        while len(place.path) > len(self.path) + 1 and not place.written:
            place = replace(place, path=place.path[:-1])  # pydantic also names the arm of a union
        return place
