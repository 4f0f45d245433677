"""The stock of one item in every state that it can come to, with each rule of the hub on and off."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from tests.models.book import Rules, State, start, steps, wrong
from tests.models.explore import Found, explore

NEEDED = {
    "lock": Rules(lock=False),
    "reserves_with_order": Rules(reserves_with_order=False),
    "seen_by_later_reading": Rules(seen_by_later_reading=False),
    "reads_orders_first": Rules(reads_orders_first=False),
    "one_unsettled": Rules(one_unsettled=False, sales=1),
}


def look(rules: Rules) -> Found[State]:
    return explore(start(rules), partial(steps, rules), wrong)


def test_with_all_rules_nothing_is_sold_that_is_not_there() -> None:
    found = look(Rules())
    assert found.wrong is None, found.path
    assert found.states > 100_000
    expected = {"buy", "restock", "order lands", "copy made", "copy known", "reading lands", "read back"}
    assert expected | {"orders read to their end", "write 0 is lost"} <= found.steps


@pytest.mark.parametrize("rule", NEEDED)
def test_each_rule_is_needed(rule: str) -> None:
    """Without any one of them there is a way to sell what is not there, or to show it for good."""
    rules = NEEDED[rule]
    found = look(rules)
    assert found.wrong is not None, f"{found.states} states without it, and nothing goes wrong"
    whole = look(replace(rules, **{rule: True})) if rules.sales != Rules().sales else None
    assert whole is None or whole.wrong is None, "it goes wrong with the rule too"
