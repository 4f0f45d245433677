"""The kit's own promises: its rules are named and explained, verdicts and tiers follow from what was tried."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from olhubd.plugin import Capability, Connector, Cursor, Feed, Page, Unreadable, feed
from olhubd.plugin.connector import CAPABILITIES
from olhubd.plugin.quality import Proof
from olhubd_kit import conformance
from olhubd_kit.conformance import Report, Rule, RuleVerdict, Tier
from olhubd_kit.conformance.calls import every_call
from olhubd_kit.conformance.rule import FAMILIES, FEED, check, rule
from olhubd_kit.conformance.tier import Evidence, judge
from olhubd_kit.simulator import BookedOrder, Verb
from tests.kit.broken.counts import GoodCount
from tests.kit.broken.good import GoodFeed, GoodShop, GoodSmall
from tests.kit.broken.levels import GoodLevels
from tests.kit.broken.mails import GoodMails
from tests.kit.broken.making import GoodMaking
from tests.kit.broken.prices import GoodPrices
from tests.kit.broken.streams import GoodStreams
from tinyshop_simulator import TinyShopSimulator


@pytest.mark.parametrize("known", conformance.rules(), ids=lambda known: known.id)
def test_a_rule_has_an_id_a_meaning_and_known_capabilities(known: Rule) -> None:
    assert re.fullmatch(r"[A-Z]+-\d\d", known.id)
    assert known.family in FAMILIES
    assert known.meaning.endswith(".")
    assert set(known.capabilities) <= {*CAPABILITIES, *FEEDS}
    assert known.tier is not Tier.NONE


FEEDS = {FEED} | {
    f"{kind.title()}Feed"
    for one in vars(feed).values()
    if isinstance(one, type) and issubclass(one, Feed) and one is not Feed
    for kind in one.kinds
}
"""The feeds as connectors declare them, by the kinds of their records, and FEED for each beside that of orders."""
UNASKED = {
    "OrderFeed.start": "the rules about the feed begin with it, and its page is asked for the failures",
    "Feed.start": "a list begins at its first row, for which nobody is asked; where one is, it is called",
    "LevelSink.plan_levels": "planning is pure, and LEVEL-01 sees that it calls nobody",
    "PriceSink.plan_prices": "planning is pure, and PRICE-01 sees that it calls nobody",
    "OAuthLogin.refresh": "the rules about signing in have failures of their own, since one of them ends a grant",
}
"""What the rules about failures do not call, each with the reason."""


def test_every_capability_has_a_rule() -> None:
    """What no rule tries, a connector could declare and do as it likes."""
    concerned = {name for known in conformance.rules() for name in known.capabilities}
    assert {*CAPABILITIES, *FEEDS} <= concerned


async def test_every_method_of_a_capability_is_tried_with_failures() -> None:
    """What the table of calls leaves out may take an outage for an answer, and no rule would see it."""
    called: set[str] = set()
    for connector in (GoodShop, GoodCount, GoodStreams, GoodLevels, GoodPrices, GoodMaking, GoodMails):
        async with conformance.bench(connector, connector.stand_in) as place:
            called |= {name.partition(" of ")[0] for name in await every_call(place)}
    known: dict[str, type[Capability]] = {**CAPABILITIES, FEED: Feed}
    methods = {
        f"{name}.{method}"
        for name, capability in known.items()
        for method in getattr(capability, "__abstractmethods__", ())
        if method not in called
    }
    assert methods == UNASKED.keys()


def test_rules_of_one_family_are_numbered_without_gaps() -> None:
    for family in FAMILIES:
        numbers = [int(known.id[-2:]) for known in conformance.rules() if known.family == family]
        assert numbers == list(range(1, len(numbers) + 1)), family


def test_an_id_is_given_once() -> None:
    with pytest.raises(ValueError, match="two rules are called FEED-01"):
        rule("FEED-01", Tier.BRONZE)(lambda bench: bench.clock.sleep(0))


def test_only_what_is_declared_is_tried() -> None:
    families = {known.family for known in conformance.concerning(GoodFeed)}
    assert families == {"DECL", "FEED", "ORDER", "MERGE", "SWEEP", "READ", "FAIL", "LOG"}


class Mute(TinyShopSimulator):
    """Sells nothing on demand."""

    def verbs(self) -> dict[str, Verb]:
        return {}


class Poor(TinyShopSimulator):
    """Sells, and can do nothing else."""

    def verbs(self) -> dict[str, Verb]:
        return {"buy": lambda count=1: self.buy(count)}


async def test_a_missing_verb_is_not_applicable_and_says_so() -> None:
    report = await conformance.run(GoodFeed, Poor)
    reasons = {
        result.rule.id: result.reason for result in report.results if result.verdict is RuleVerdict.NOT_APPLICABLE
    }
    assert reasons["FEED-09"] == "the simulator has no verb 'cancel'"
    assert reasons["ORDER-08"] == "the simulator's verb 'buy' does not take 'cod'"
    assert report.failed == ()
    [everything] = [fact for fact in _judged(GoodFeed, report).facts if fact.name == "all-rules"]
    assert everything.lacking is not None
    assert "FEED-09" in everything.lacking, "what was never tried keeps a connector from the highest tier"


async def test_a_missing_minimum_verb_bars_every_tier() -> None:
    report = await conformance.run(GoodFeed, Mute)
    assert report.failed == ()
    assert _judged(GoodFeed, report).tier is Tier.NONE


def _judged(connector: type[GoodShop], report: Report) -> Proof:
    return judge(Evidence(connector=connector, report=report))


class Nameless(GoodShop):
    """Has no simulator to be tried against."""

    name = "nobodys"


async def test_without_a_simulator_nothing_is_proved() -> None:
    report = await conformance.run(Nameless)
    assert {result.verdict for result in report.results} == {RuleVerdict.NOT_APPLICABLE}
    assert _judged(Nameless, report).tier is Tier.NONE


class Crooked(GoodFeed):
    """Raises what no host expects."""

    async def pull(self, cursor: object) -> object:  # type: ignore[override]
        return dict[str, str]()["orders"]


async def test_a_foreign_exception_is_a_failure_with_its_place() -> None:
    first = next(known for known in conformance.rules() if known.id == "FEED-01")
    result = await conformance.try_rule(first, Crooked, Crooked.stand_in)
    assert result.verdict is RuleVerdict.FAIL
    assert result.reason == "raised KeyError ('orders'), which is no plugin error"


class Garbled(GoodFeed):
    """Reads no order at all."""

    async def pull(self, cursor: Cursor) -> Page:
        page = await super().pull(cursor)
        told = [Unreadable(external_id=one.external_id, reason="Expected float", raw=b"{}") for one in page.records]
        return replace(page, records=told)


async def test_the_cause_is_told_before_its_consequences() -> None:
    """What came and cannot be read is no order that never came."""
    first = next(known for known in conformance.rules() if known.id == "FEED-01")
    result = await conformance.try_rule(first, Garbled, Garbled.stand_in)
    assert result.reason == "after a whole walk: 7 orders came as Unreadable: Expected float"


class Forgetful(TinyShopSimulator):
    """Keeps books of money alone."""

    def books(self) -> list[BookedOrder]:
        return [replace(entry, lines=None, recipient=None, buyer=None, parcels=None) for entry in super().books()]


async def test_what_the_books_do_not_tell_is_not_tried_and_bars_bronze() -> None:
    report = await conformance.run(GoodSmall, Forgetful)
    fact = next(fact for fact in _judged(GoodSmall, report).facts if fact.name == "goods")
    assert (fact.tier, fact.lacking) == ("bronze", "not tried: SHIP-04, SHIP-05, SHIP-06")
    assert report.failed == ()


def test_a_suite_has_a_test_for_each_rule() -> None:
    made = conformance.suite(GoodFeed)
    [mark] = [mark for mark in made.test.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert [known.id for known in mark.args[1]] == [known.id for known in conformance.concerning(GoodFeed)]
    assert mark.kwargs["ids"][0] == "DECL-01-it-has-a-name-a-title-and-something-to-do"


def test_check_holds_also_without_asserts() -> None:
    with pytest.raises(conformance.RuleBroken, match="wrong"):
        check(False, "wrong")
    assert issubclass(conformance.RuleBroken, AssertionError)
    assert issubclass(GoodShop, Connector)
