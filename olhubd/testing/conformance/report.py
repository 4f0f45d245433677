"""What came out: a verdict for each rule, and the tier that follows from them. Nobody can claim a tier."""

from __future__ import annotations

import enum

import msgspec

from olhubd.testing.conformance.rule import Rule, Tier

__all__ = ["Report", "Result", "Verdict"]


class Verdict(enum.StrEnum):
    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One rule tried. `lacking`: not applicable because the simulator lacks a verb that it owes to the kit."""

    rule: Rule
    verdict: Verdict
    reason: str | None = None
    lacking: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The results for one connector, in the order of the rules."""

    connector: str
    capabilities: tuple[str, ...]
    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of the rules that are broken."""
        return tuple(r.rule.id for r in self.results if r.verdict is Verdict.FAIL)

    @property
    def tier(self) -> Tier:
        """The highest tier up to which no rule failed and none lacks its means; PLATINUM when all were tried."""
        reached = Tier.NONE
        for tier in (Tier.BRONZE, Tier.SILVER, Tier.GOLD):
            if any(_bars(result) for result in self.results if result.rule.tier <= tier):
                return reached
            reached = tier
        everything = all(result.verdict is Verdict.PASS for result in self.results)
        return Tier.PLATINUM if everything else reached

    def __str__(self) -> str:
        lines = [f"{self.connector}: {self.tier.label} ({', '.join(self.capabilities)})"]
        for result in self.results:
            tail = f": {result.reason}" if result.reason else ""
            lines.append(f"  {result.verdict.value:<14} {result.rule.title}{tail}")
        return "\n".join(lines)


def _bars(result: Result) -> bool:
    return result.verdict is Verdict.FAIL or result.lacking
