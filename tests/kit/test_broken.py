"""The kit itself: it is green on a good connector and turns exactly the right rules red on each broken one."""

from __future__ import annotations

import pytest

from olhubd_kit import conformance
from olhubd_kit.conformance import RuleVerdict
from tests.kit.broken import (  # noqa: F401  (importing them lists their sins)
    catalogue,
    counts,
    feeds,
    goods,
    journals,
    levels,
    listings,
    mails,
    making,
    prices,
    records,
    sinks,
    small,
    stock,
    streams,
    whole,
)
from tests.kit.broken.catalogue import GoodCatalogue
from tests.kit.broken.counts import GoodCount
from tests.kit.broken.drafts import GoodDrafts
from tests.kit.broken.good import SINS, GoodShop
from tests.kit.broken.levels import GoodLevels
from tests.kit.broken.listings import GoodOffers, GoodTerms
from tests.kit.broken.mails import GoodMails
from tests.kit.broken.making import GoodMaking
from tests.kit.broken.prices import GoodPrices
from tests.kit.broken.signin import GoodLogin
from tests.kit.broken.stock import GoodStock
from tests.kit.broken.streams import GoodStreams


@pytest.mark.parametrize(
    "good",
    [
        GoodShop,
        GoodLogin,
        GoodDrafts,
        GoodCount,
        GoodStreams,
        GoodLevels,
        GoodPrices,
        GoodMaking,
        GoodMails,
        GoodStock,
        GoodOffers,
        GoodTerms,
        GoodCatalogue,
    ],
    ids=lambda good: good.__name__,
)
async def test_a_good_one_is_green(good: type[GoodShop]) -> None:
    report = await conformance.run(good, good.stand_in)
    tried = {result.verdict for result in report.results if not result.natural}
    assert tried == {RuleVerdict.PASS}, str(report)


@pytest.mark.parametrize("broken", SINS, ids=lambda broken: broken.__name__)
async def test_a_broken_one_turns_the_right_rules_red(broken: type[GoodShop]) -> None:
    report = await conformance.run(broken, broken.stand_in)
    assert set(report.failed) == SINS[broken], str(report)


UNSEEN: dict[str, str] = {}
"""Rules that no broken connector breaks, each with the reason why there is none."""


def test_every_rule_was_seen_red() -> None:
    """A rule that no broken connector breaks may be one that cannot fail."""
    seen = frozenset[str]().union(*SINS.values())
    assert {rule.id for rule in conformance.rules()} - seen == UNSEEN.keys()
