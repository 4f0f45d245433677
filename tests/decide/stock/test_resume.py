"""Whether an offer that has ended may be brought back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.resume import barred, forbidden
from olhubd.model import EndedBy, OfferState, OfferTerms
from tests.orders import EPOCH

SOLD_OUT = OfferTerms(
    offer="111",
    state=OfferState.ENDED,
    buy_now=True,
    renews=False,
    ended_at=EPOCH - timedelta(days=3),
    ended_by=EndedBy.SOLD_OUT,
)


def why(ended_here: bool = False, by_hand: bool = False, **changed: Any) -> str | None:
    terms = msgspec.structs.replace(SOLD_OUT, **changed)
    return barred(terms, EPOCH, ended_here=ended_here, by_hand=by_hand)


def test_what_is_sold_out_may_come_back() -> None:
    assert why() is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(days=60), None),
        (timedelta(days=60, microseconds=1), "level.ended-long-ago"),
        (timedelta(days=59, hours=23), None),
    ],
)
@pytest.mark.parametrize("by_hand", [True, False])
def test_sixty_days_to_the_second_and_no_longer(age: timedelta, expected: str | None, by_hand: bool) -> None:
    """Part of OFF-19."""
    assert why(ended_at=EPOCH - age, by_hand=by_hand) == expected


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": OfferState.ACTIVE}, "level.not-ended"),
        ({"state": OfferState.INACTIVE}, "level.not-ended"),
        ({"state": OfferState.UNKNOWN}, "level.not-there"),
        ({"buy_now": False}, "level.not-buy-now"),
        ({"buy_now": None}, "level.not-buy-now"),
        ({"ended_by": EndedBy.MARKETPLACE}, "level.ended-by-marketplace"),
        ({"ended_at": None}, "level.end-unknown"),
        ({"renews": True}, "level.republishes"),
        ({"renews": None}, "level.republishes"),
    ],
)
def test_what_nobody_may_bring_back(changed: dict[str, Any], expected: str, by_hand: bool) -> None:
    assert why(by_hand=by_hand, ended_here=True, **changed) == expected
    assert barred(None, EPOCH, ended_here=True, by_hand=by_hand) == "level.not-there"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (EndedBy.SELLER, "level.ended-by-seller"),
        (EndedBy.UNKNOWN, "level.end-unknown"),
        (None, "level.end-unknown"),
        (EndedBy.EXPIRED, None),
    ],
)
def test_what_a_person_ended_only_a_person_brings_back(by: EndedBy | None, expected: str | None) -> None:
    """What stock control ended itself is the seller's by the marketplace's word, and is known by our own mark."""
    assert why(ended_by=by) == expected
    assert why(ended_by=by, by_hand=True) is None
    assert why(ended_by=by, ended_here=True) is None


def test_an_offer_is_left_out_until_it_is_said_to_be_resumed() -> None:
    row = OfferLevel(offer=1, account="allegro", external_id="111", active=False)
    allowed = msgspec.structs.replace(row, resumes=True)
    asked = msgspec.structs.replace(row, resume_by="ania")
    assert forbidden(row, able=True, resumes=True) == "level.resume-off"
    assert forbidden(allowed, able=True, resumes=True) is None
    assert forbidden(allowed, able=True, resumes=False) == "level.ended"
    assert forbidden(asked, able=True, resumes=False) is None
    assert forbidden(asked, able=False, resumes=True) == "level.cannot-resume"
