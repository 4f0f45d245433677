"""Which alarms there should be of an account's feeds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from olhubd.decide.alarm_rules import (
    AlarmFacts,
    AlarmLimits,
    FailingFeed,
    LinkedOffers,
    SourceFacts,
    TargetFacts,
    UnknownOrder,
    findings,
)
from olhubd.model import AlarmKind, Reason
from tests.orders import EPOCH

NOW = EPOCH + timedelta(days=1)
LIMITS = AlarmLimits(
    feed=timedelta(hours=1),
    retention=0.5,
    undelivered=timedelta(hours=1),
    target_down=timedelta(hours=1),
    sign_in=timedelta(days=7),
    disk=0,
)
SOURCE = SourceFacts(
    name="allegro",
    active=True,
    parked=None,
    fetches=True,
    began=EPOCH,
    heard=NOW,
    checked=NOW,
    interval=timedelta(minutes=1),
    retention=None,
    signed_in=None,
    sign_in_ends=None,
    missed=0,
    quarantined=0,
    differences=(),
)


def found(kind: AlarmKind, **about: Any) -> list[str]:
    facts = AlarmFacts(
        now=NOW,
        sources=[replace(SOURCE, **about)],
        targets=(),
        late={},
        failing_since={},
        free=None,
        database=True,
    )
    return [finding.detail for finding in findings(facts, LIMITS) if finding.kind is kind]


def told(**about: Any) -> list[str]:
    return found(AlarmKind.FEED, **about)


def failing(since: timedelta) -> tuple[FailingFeed, ...]:
    return (FailingFeed(name="products", since=NOW - since, reason="503"),)


def test_another_feed_that_cannot_be_read_for_long_is_an_alarm() -> None:
    """Also where the account fetches no orders."""
    text = "its feed products has not been read for 3 hours: 503"
    assert told(failing=failing(timedelta(hours=3))) == [text]
    assert told(failing=failing(timedelta(hours=3)), fetches=False) == [text]
    assert told(failing=failing(timedelta(minutes=30))) == []
    assert told(failing=failing(timedelta(hours=3)), interval=timedelta(hours=2)) == []
    assert told(failing=failing(timedelta(hours=3)), active=False) == []


def test_orders_that_are_not_read_are_told_first() -> None:
    """An account has one alarm of a kind."""
    assert told(failing=failing(timedelta(hours=3)), heard=NOW - timedelta(hours=5)) == [
        "last read 5 hours ago: olhubd runs"
    ]


def test_what_cannot_be_compared_is_no_alarm_for_not_being_compared() -> None:
    long_ago = EPOCH - timedelta(days=30)
    assert found(AlarmKind.UNCHECKED, checked=None, began=long_ago) != []
    assert found(AlarmKind.UNCHECKED, checked=None, began=long_ago, comparable=False) == []


TARGET = TargetFacts(name="shop", active=True, down_since=None, owed_since=None, held=0, dead=0)


def of_target(**about: Any) -> list[tuple[AlarmKind, str]]:
    """The kind of each alarm about the target, and what is said in it."""
    facts = AlarmFacts(
        now=NOW,
        sources=(),
        targets=[replace(TARGET, **about)],
        late={},
        failing_since={},
        free=None,
        database=True,
    )
    alarms = list(findings(facts, LIMITS))
    assert all(one.subject == "shop" and isinstance(one.detail, Reason) for one in alarms)
    return [(one.kind, str(one.detail)) for one in alarms]


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        ({}, None),
        ({"held": 2}, AlarmKind.HOLD),
        ({"dead": 3}, AlarmKind.HOLD),
        ({"held": 2, "dead": 3}, AlarmKind.HOLD),
        ({"held": 2, "active": False}, AlarmKind.HOLD),
        ({"doubled": 2}, AlarmKind.DOUBLED),
        ({"doubled": 2, "active": False}, AlarmKind.DOUBLED),
        ({"unmet": "no route to host"}, AlarmKind.TARGET_DOWN),
        ({"unmet": "no route to host", "active": False}, None),
        ({"down_since": NOW - timedelta(hours=1)}, AlarmKind.TARGET_DOWN),
        ({"down_since": NOW - timedelta(minutes=59)}, None),
        ({"down_since": NOW - timedelta(hours=1), "active": False}, None),
        ({"owed_since": NOW - timedelta(hours=1, seconds=1)}, AlarmKind.UNDELIVERED),
        ({"owed_since": NOW - timedelta(hours=1)}, None),
        ({"owed_since": NOW - timedelta(hours=2), "active": False}, None),
    ],
)
def test_a_target_is_reported_for_what_waits_there(about: dict[str, Any], kind: AlarmKind | None) -> None:
    """What a person has put to sleep is not late; what is held or doubled there waits for them all the same."""
    assert [one for one, _ in of_target(**about)] == ([] if kind is None else [kind])


def test_held_and_given_up_are_counted_each() -> None:
    ((_, held),), ((_, dead),), ((_, both),) = (
        of_target(held=2),
        of_target(dead=3),
        of_target(held=2, dead=3),
    )
    assert ("2" in held, "3" in dead, "2" in both, "3" in both) == (True, True, True, True)
    assert not any(word in text for word, text in (("0", held), ("0", dead), ("3", held), ("2", dead)))


def test_an_order_that_nobody_knows_is_reported_when_it_had_its_time() -> None:
    def strange(age: timedelta, sweep: timedelta | None = None, number: str = "77") -> UnknownOrder:
        return UnknownOrder(number=number, reference="allegro:A", since=NOW - age, sweep=sweep)

    patience = LIMITS.stranger
    assert of_target(strangers=[strange(patience)]) == []
    ((kind, words),) = of_target(strangers=[strange(patience + timedelta(seconds=1)), strange(timedelta(0))])
    assert kind is AlarmKind.STRANGER
    assert "77 of allegro:A" in words
    # One whose source is only swept may come with the next sweep.
    assert of_target(strangers=[strange(patience * 2, sweep=patience * 3)]) == []
    assert len(of_target(strangers=[strange(patience * 4, sweep=patience * 3)])) == 1


def test_links_that_are_gone_are_reported_once_and_not_as_doubted_too() -> None:
    facts = AlarmFacts(
        now=NOW,
        sources=(),
        targets=(),
        late={},
        failing_since={},
        free=None,
        database=True,
        doubted={"first": 3, "second": 1},
        gone={"first": LinkedOffers(count=3, names=("111", "222")), "third": LinkedOffers(count=1, names=("9",))},
    )
    alarms = list(findings(facts, LIMITS))
    assert {one.kind for one in alarms} == {AlarmKind.LINKS}
    found = {one.subject: str(one.detail) for one in alarms}
    assert sorted(found) == ["first", "second", "third"]
    assert ("111, 222, …" in found["first"], "…" in found["third"]) == (True, False)
    assert found["second"].startswith("one offer is not raised")
