"""Whether the price of an offer follows its product."""

from datetime import UTC, datetime, timedelta

import pytest

from olhubd.decide.pricing.switch import follows_at_first, follows_when_resumed

SINCE = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEFORE, AFTER = SINCE - timedelta(seconds=1), SINCE + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("listed_at", "since", "follows"),
    [
        (AFTER, SINCE, True),
        (SINCE, SINCE, True),
        (BEFORE, SINCE, False),
        (None, SINCE, False),
        (AFTER, None, False),
        (None, None, False),
    ],
)
def test_offers_follow_that_were_listed_after_the_switch(
    listed_at: datetime | None, since: datetime | None, follows: bool
) -> None:
    assert follows_at_first(listed_at, since) is follows


@pytest.mark.parametrize(
    ("linked_at", "since", "follows"),
    [
        ([AFTER], SINCE, True),
        ([SINCE], SINCE, True),
        ([BEFORE], SINCE, False),
        ([AFTER, BEFORE], SINCE, False),
        ([], SINCE, False),
        ([AFTER], None, False),
    ],
)
def test_a_resumed_offer_follows_whose_link_is_newer_than_the_switch(
    linked_at: list[datetime], since: datetime | None, follows: bool
) -> None:
    assert follows_when_resumed(linked_at, since) is follows
