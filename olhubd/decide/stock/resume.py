"""Whether an offer that has ended may be brought back. Pure.

It may be while it keeps its number: sixty days after its end it is archived. What an administrator ended stays
ended, and so does what the seller ended by hand, until a person says otherwise. An offer that the marketplace lists
again by itself would come back a second time, with all that it began with.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from olhubd.decide.stock.level import OfferLevel
from olhubd.model import EndedBy, OfferState, OfferTerms

__all__ = ["LONGEST", "barred", "forbidden"]

LONGEST = timedelta(days=60)


def forbidden(level: OfferLevel, *, able: bool, resumes: bool) -> str | None:
    """Why nobody wants it back, as the code of a reason: `able` says whether its channel can bring offers back,
    `resumes` whether a rule does. An offer is left out until it is said to be resumed."""
    if not able:
        return "level.cannot-resume"
    if level.resume_by is not None:
        return None
    if not resumes:
        return "level.ended"
    return None if level.resumes else "level.resume-off"


def barred(terms: OfferTerms | None, now: datetime, *, ended_here: bool, by_hand: bool) -> str | None:
    """What of an offer stands against it, as the code of a reason. `ended_here`: stock control ended it."""
    if terms is None or terms.state is OfferState.UNKNOWN:
        return "level.not-there"
    # A draft was never on sale, so it is nobody's to bring back but a person's.
    drafted = terms.state is OfferState.INACTIVE and terms.ended_at is None and by_hand
    if terms.state is not OfferState.ENDED and not drafted:
        return "level.not-ended"
    if not terms.buy_now:
        return "level.not-buy-now"
    if drafted:
        return None if terms.renews is False else "level.republishes"
    if terms.ended_at is None:
        return "level.end-unknown"
    if now - terms.ended_at > LONGEST:
        return "level.ended-long-ago"
    if terms.ended_by is EndedBy.MARKETPLACE:
        return "level.ended-by-marketplace"
    if not ended_here and not by_hand:
        if terms.ended_by is EndedBy.SELLER:
            return "level.ended-by-seller"
        if terms.ended_by is None or terms.ended_by is EndedBy.UNKNOWN:
            return "level.end-unknown"
    return None if terms.renews is False else "level.republishes"
