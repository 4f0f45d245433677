"""A rule: one sentence that every connector with a capability must keep, and the function that tries it.

A rule is tried on a bench of its own. It fails by `broken`, it says that it cannot be tried here by `skip`, and it
passes by returning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from olhubd.plugin import Connector
from olhubd.plugin.quality import Tier

if TYPE_CHECKING:
    from olhubd_kit.conformance.bench import Bench

__all__ = [
    "FEED",
    "NotApplicable",
    "Rule",
    "RuleBroken",
    "Tier",
    "broken",
    "check",
    "declared",
    "rule",
    "rules",
    "skip",
]


FAMILIES = (
    *("DECL", "FEED", "ORDER", "MERGE", "SWEEP", "STREAM", "COUNT", "READ", "PUSH", "FIND", "ONCE", "ECHO"),
    *(
        "STATUS",
        "PAY",
        "SHIP",
        "CANCEL",
        "PRODUCT",
        "STOCK",
        "OFFER",
        "LEVEL",
        "PRICE",
        "MAKE",
        "MAIL",
        "PROBE",
        "PROFILE",
        "LIST",
        "LOGIN",
        "FAIL",
        "LOG",
    ),
)
"""The families of rules, in the order in which people read them."""


class RuleBroken(AssertionError):
    """The connector does not keep the rule."""


class NotApplicable(Exception):
    """The rule cannot be tried here; the text says why. `lacking` when the kit requires it of the simulator,
    `natural` when the system has nothing like it.
    """

    def __init__(self, reason: str, *, lacking: bool = False, natural: bool = False) -> None:
        super().__init__(reason)
        self.lacking = lacking
        self.natural = natural


Trial = Callable[["Bench"], Awaitable[None]]


FEED = "Feed"
"""What a rule is for that concerns each feed beside that of orders, whatever its records are about."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`capabilities` are those a connector must all declare for the rule to concern it; the first one owns it."""

    id: str
    meaning: str
    capabilities: tuple[str, ...]
    tier: Tier
    trial: Trial

    @property
    def family(self) -> str:
        return self.id.partition("-")[0]

    @property
    def title(self) -> str:
        """The id with the function's words, as tests are named."""
        return f"{self.id} {getattr(self.trial, '__name__', '').replace('_', ' ')}"


_RULES: dict[str, Rule] = {}


def rule(id: str, tier: Tier, *capabilities: str) -> Callable[[Trial], Trial]:  # noqa: A002
    """Declare a rule; the first paragraph of the docstring is its meaning. Without capabilities it is for all."""

    def declare(trial: Trial) -> Trial:
        if id in _RULES:
            raise ValueError(f"two rules are called {id}")
        meaning = " ".join((trial.__doc__ or "").split("\n\n")[0].split())
        _RULES[id] = Rule(id=id, meaning=meaning, capabilities=capabilities, tier=tier, trial=trial)
        return trial

    return declare


def rules() -> tuple[Rule, ...]:
    """All rules: by family, as `FAMILIES` has them, then by number."""
    return tuple(sorted(_RULES.values(), key=lambda rule: (FAMILIES.index(rule.family), rule.id)))


def declared(connector: type[Connector[Any]]) -> set[str]:
    """What rules can be for, of what `connector` can do: its capabilities, and FEED where it reads more than
    orders."""
    names = set(connector.capabilities())
    more = any(name.endswith(FEED) for name in names - {"OrderFeed"})
    return names | {FEED} if more else names


def broken(reason: str) -> NoReturn:
    raise RuleBroken(reason)


def check(condition: object, reason: str) -> None:
    """Like assert, yet also under `python -O`."""
    if not condition:
        raise RuleBroken(reason)


def skip(reason: str) -> NoReturn:
    raise NotApplicable(reason)
