"""The conformance kit: the rules that every connector must keep, tried against its simulator over real sockets.

In a plugin's tests one line is enough:

    TestShop = conformance.suite(Shop)

Without pytest, `await conformance.run(Shop)` gives a report with a verdict for each rule, and
`await conformance.prove(Shop)` the tier that follows.
See docs/plugins.md for the rules, the tiers and the verbs a simulator gives.
"""

from olhubd_kit.conformance import (  # noqa: F401  (importing them declares their rules)
    access,
    catalogue,
    count,
    declaration,
    echo,
    failure,
    feed,
    find,
    goods,
    journal,
    kept,
    levels,
    mails,
    making,
    merge,
    offers,
    once,
    order,
    privacy,
    push,
    small,
    stock,
    streams,
    sweep,
)
from olhubd_kit.conformance.bench import Bench, bench
from olhubd_kit.conformance.report import Report, RuleResult, RuleVerdict
from olhubd_kit.conformance.rule import NotApplicable, Rule, RuleBroken, Tier, rules
from olhubd_kit.conformance.suite import concerning, prove, run, suite, try_rule
from olhubd_kit.conformance.tier import CRITERIA
from olhubd_kit.conformance.verbs import MINIMUM, VERBS

__all__ = [
    "CRITERIA",
    "MINIMUM",
    "VERBS",
    "Bench",
    "NotApplicable",
    "Report",
    "Rule",
    "RuleBroken",
    "RuleResult",
    "RuleVerdict",
    "Tier",
    "bench",
    "concerning",
    "prove",
    "rules",
    "run",
    "suite",
    "try_rule",
]
