"""Which alarms there should be of an account's feeds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from olhubd.decide.alarm_rules import AlarmFacts, AlarmLimits, FailingFeed, SourceFacts, findings
from olhubd.model import AlarmKind
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
