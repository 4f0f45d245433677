"""The kit itself: it is green on a good connector and turns exactly the right rules red on each broken one."""

from __future__ import annotations

import pytest

from olhubd.testing import conformance
from olhubd.testing.conformance import Verdict
from tests.testing.broken import feeds, records, sinks, small, whole  # noqa: F401  (importing them lists their sins)
from tests.testing.broken.good import SINS, GoodShop


async def test_the_good_one_is_green() -> None:
    report = await conformance.run(GoodShop)
    assert {result.verdict for result in report.results} == {Verdict.PASS}, str(report)


@pytest.mark.parametrize("broken", SINS, ids=lambda broken: broken.__name__)
async def test_a_broken_one_turns_the_right_rules_red(broken: type[GoodShop]) -> None:
    report = await conformance.run(broken)
    assert set(report.failed) == SINS[broken], str(report)


def test_every_rule_was_seen_red() -> None:
    """A rule that no broken connector breaks may be one that cannot fail. Signing in is what Tiny Shop has not."""
    seen = frozenset[str]().union(*SINS.values())
    blind = {rule.id for rule in conformance.rules() if rule.id not in seen and rule.family != "LOGIN"}
    assert blind == set()
