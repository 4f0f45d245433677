"""What came out: a verdict for each rule. Which tier follows from it and from what else is for `tier`."""

from __future__ import annotations

import enum

import msgspec

from olhubd_kit.conformance.rule import Rule

__all__ = ["Report", "RuleResult", "RuleVerdict"]


class RuleVerdict(enum.StrEnum):
    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """One rule tried. `lacking`: not applicable because the simulator lacks a verb that the kit requires of it;
    `natural`: because the system has nothing like it."""

    rule: Rule
    verdict: RuleVerdict
    reason: str | None = None
    lacking: bool = False
    natural: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The results for one connector, in the order of the rules."""

    connector: str
    capabilities: tuple[str, ...]
    results: tuple[RuleResult, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the rules that are broken."""
        return tuple(result.rule.id for result in self.broken)

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The results of the rules that are broken."""
        return tuple(result for result in self.results if result.verdict is RuleVerdict.FAIL)

    def __str__(self) -> str:
        lines = [f"{self.connector} ({', '.join(self.capabilities)})"]
        for result in self.results:
            tail = f": {result.reason}" if result.reason else ""
            lines.append(f"  {result.verdict.value:<14} {result.rule.title}{tail}")
        return "\n".join(lines)
