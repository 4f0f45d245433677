"""A day without the marketplace or the shop, and the catch-up after it."""

from __future__ import annotations

import pytest

from olhubd.store import deliveries
from olhubd_torture.campaign import outage
from olhubd_torture.run_schedule import play
from tests.torture.mutations import swap


@pytest.mark.parametrize("where", ["market-a", "shop"])
def test_after_a_day_the_backlog_comes_soon_and_new_orders_do_not_wait_behind_it(where: str) -> None:
    """120 orders of the day and 8 of afterwards, within a probe's pause and a back-off."""
    result = play(outage(where))
    assert result.findings == []
    assert result.orders == 128


def test_new_orders_that_wait_behind_the_backlog_are_found_out() -> None:
    """Seen by a hub that tries what failed before once an hour and new orders not before that."""
    claim = deliveries.claim

    async def sluggish(tx, target, precedence, now, *args, **named):  # type: ignore[no-untyped-def]
        return await claim(tx, target, precedence, now.replace(minute=0, second=0), *args, **named)

    with swap(deliveries, "claim", sluggish):
        assert "late" in play(outage("shop")).kinds
