"""Why more was sold than there is, from what was known of the offer and of the other sales."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from olhubd.decide.stock.dispute import WITHIN
from olhubd.decide.stock.level import Phase
from olhubd.decide.stock.oversold import (
    FoundBy,
    KnownOffer,
    KnownSale,
    OversoldCause,
    OversoldFacts,
    cause_of,
)
from tests.orders import EPOCH

SECOND = timedelta(seconds=1)
BOUGHT = EPOCH + timedelta(hours=1)


def shown(**more: Any) -> KnownOffer:
    """An offer that shows the two that are wanted, as it was read long ago."""
    known: dict[str, Any] = {
        "external_id": "111", "wanted": 2, "wanted_since": EPOCH, "sent": 2, "sent_at": EPOCH,
        "confirmed": 2, "confirmed_at": EPOCH + SECOND, "shown": True,
    }  # fmt: skip
    return KnownOffer(**known | more)


def sale(account: str, landed: timedelta) -> KnownSale:
    return KnownSale(account=account, order_id=1, pieces=1, bought_at=EPOCH, landed_at=BOUGHT + landed)


def why(offer: KnownOffer | None, *sales: KnownSale, pieces: int = 1, by: FoundBy = FoundBy.ORDER) -> OversoldCause:
    facts = OversoldFacts(
        bought_at=BOUGHT, found_at=BOUGHT + SECOND, pieces=pieces, master="shop", counted=0, reserved=pieces,
        read_at=EPOCH, offer=offer, sales=sales,
    )  # fmt: skip
    return cause_of(facts, by)


@pytest.mark.parametrize(
    ("offer", "cause"),
    [
        (None, OversoldCause.UNKNOWN),
        (shown(confirmed=None, sent=None), OversoldCause.UNKNOWN),
        (shown(confirmed=None), OversoldCause.UNEXPLAINED),
        (shown(sent=None, sent_at=None), OversoldCause.UNEXPLAINED),
        (shown(wanted=None), OversoldCause.UNKNOWN),
        (shown(), OversoldCause.UNEXPLAINED),
        # What kept it at its number beats what is known of other sales.
        (shown(held="level.braked"), OversoldCause.HELD),
        (shown(held="level.stopped"), OversoldCause.UNEXPLAINED),
        (shown(disputed_at=EPOCH), OversoldCause.BY_HAND),
        (shown(held="level.braked", disputed_at=EPOCH), OversoldCause.HELD),
        # Raised by somebody, and not right again when it was bought.
        (shown(raised_at=BOUGHT - SECOND), OversoldCause.BY_HAND),
        (shown(raised_at=BOUGHT - SECOND, confirmed_at=BOUGHT + SECOND), OversoldCause.BY_HAND),
        (shown(raised_at=BOUGHT - 2 * SECOND, confirmed_at=BOUGHT - SECOND), OversoldCause.UNEXPLAINED),
        (shown(raised_at=BOUGHT - WITHIN, confirmed_at=None), OversoldCause.BY_HAND),
        (shown(raised_at=BOUGHT - WITHIN - SECOND, confirmed_at=None), OversoldCause.UNEXPLAINED),
        # Wanted before it was bought, and not shown by then.
        (shown(shown=False), OversoldCause.UNDER_WAY),
        (shown(confirmed_at=BOUGHT + SECOND), OversoldCause.UNDER_WAY),
        (shown(shown=False, sent_at=EPOCH - SECOND), OversoldCause.UNSENT),
        (shown(shown=False, sent_at=None), OversoldCause.UNSENT),
        (shown(shown=False, sent_at=BOUGHT + SECOND), OversoldCause.UNSENT),
        (shown(shown=False, wanted_since=BOUGHT), OversoldCause.UNSENT),
        (shown(shown=False, wanted_since=BOUGHT + SECOND), OversoldCause.UNEXPLAINED),
        # Written once more between the purchase and its landing.
        (shown(sent_at=BOUGHT + SECOND), OversoldCause.LATE_NEWS),
        (shown(sent_at=BOUGHT), OversoldCause.UNEXPLAINED),
    ],
)
def test_what_was_known_of_the_offer_says_why(offer: KnownOffer | None, cause: OversoldCause) -> None:
    assert why(offer) is cause


def test_a_sale_that_landed_after_the_purchase_is_late_news_of_its_account() -> None:
    assert why(shown(), sale("allegro", SECOND)) is OversoldCause.LATE_NEWS
    assert why(shown(), sale("allegro", -SECOND)) is OversoldCause.UNEXPLAINED
    assert why(shown(), sale("shop", SECOND)) is OversoldCause.LATE_MASTER
    assert why(shown(), sale("shop", SECOND), sale("allegro", SECOND)) is OversoldCause.LATE_NEWS


def test_what_a_reading_brings_to_light_was_late_at_the_master() -> None:
    assert why(shown(), by=FoundBy.READING) is OversoldCause.LATE_MASTER
    assert why(shown(), sale("allegro", SECOND), by=FoundBy.READING) is OversoldCause.LATE_NEWS


def test_more_than_was_left_in_the_offer_was_put_there_by_hand() -> None:
    assert why(shown(), pieces=2) is OversoldCause.UNEXPLAINED
    assert why(shown(), pieces=3) is OversoldCause.BY_HAND
    assert why(shown(units=2), pieces=4) is OversoldCause.UNEXPLAINED
    assert why(shown(units=2), pieces=5) is OversoldCause.BY_HAND
    assert why(shown(phase=Phase.SETTLING), pieces=3) is OversoldCause.UNEXPLAINED
    assert why(shown(), sale("allegro", SECOND), pieces=3) is OversoldCause.LATE_NEWS
