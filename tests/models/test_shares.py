"""One item divided between two channels in every state that it can come to, with each rule on and off."""

from __future__ import annotations

from functools import partial

import pytest

from tests.models.explore import Found, explore
from tests.models.shares import Rules, State, start, steps, wrong

NEEDED = {
    "changes": Rules(changes=False),
    "charged_when_kept": Rules(charged_when_kept=False),
    "giver_is_read": Rules(giver_is_read=False),
    "report_is_needed": Rules(report_is_needed=False),
    "swept_first": Rules(swept_first=False),
    "divided_when_kept": Rules(divided_when_kept=False),
    "one_unsettled": Rules(one_unsettled=False),
}


def look(rules: Rules) -> Found[State]:
    return explore(start(rules), partial(steps, rules), wrong)


def test_with_all_rules_no_piece_is_for_sale_twice() -> None:
    found = look(Rules())
    assert found.wrong is None, found.path
    assert found.states > 10_000
    expected = {"sells", ": an order lands", ": acts", ": is lost", ": a fall is believed", ": read back"}
    assert {"a" + step if step[0] == ":" else f"a {step}" for step in expected} <= found.steps


@pytest.mark.parametrize("rule", NEEDED)
def test_each_rule_is_needed(rule: str) -> None:
    """Without any one of them there is a way to sell a piece twice."""
    found = look(NEEDED[rule])
    assert found.wrong is not None, f"{found.states} states without it, and nothing goes wrong"
