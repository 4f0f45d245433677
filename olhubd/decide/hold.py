"""Why a delivery waits for a person, and what that person can do about it. Pure.

The reason itself is stored with its numbers where the delivery is held; here is the kind of it, as a word for
programs, and the way out, as a sentence for people.
"""

from __future__ import annotations

import enum

__all__ = ["Hold", "advice"]


class Hold(enum.StrEnum):
    """The kind of trouble that only a person can mend."""

    TOTAL = "total-differs"
    """The target stored another total than the buyer pays."""
    REFUSED = "refused"
    """The target refuses the order, perhaps naming a field."""
    UNLINKED = "unlinked"
    """A line is bound to no product there, and the route's rule is to hold such orders."""
    CHANGED = "changed-afterwards"
    """What was bought, or for whom, changed after the order went on."""
    UNABLE = "unable"
    """The connector cannot do what is pending."""
    NO_ROUTE = "no-route"
    VETO = "vetoed"
    """A plugin said no."""
    BROKEN = "connector-failed"
    """The connector failed again and again; whether the order was made is not known."""
    DIFFERS = "stored-differs"
    """The target stored something else than was sent, at the right total."""
    HALF = "half-made"
    """The target has an unfinished order of ours with a total of 0: it stopped while it made it."""
    DOUBLED = "doubled"
    """The target has two orders with the same mark of ours."""
    DOUBT = "in-doubt"
    """Sent again and again without an answer that says what its outcome was, and each time it was not there."""
    TAKEN = "number-taken"
    """The target's number is known as another order's already."""
    ONE_SIDED = "cancelled-on-one-side"
    """Of the purchase and its order at the target, one is cancelled and the other is not."""
    FLOOR = "below-floor"
    """A line was bought for less than the lowest price of its rule."""
    MAIL = "mail-in-doubt"
    """A mail may have gone, and nobody can be asked."""
    OTHER = "other"


_ADVICE = {
    Hold.TOTAL: "Compare the two orders (taxes, a promotion, rounding), mend the one there, then accept it.",
    Hold.REFUSED: "Mend what is complained of, at the target, in the configuration, or in the order's address; then"
    " retry. If somebody has entered the order there by hand, adopt it by its number.",
    Hold.UNLINKED: "Give the product its SKU or EAN at the target and retry, or release the order to go with a line"
    " of free text.",
    Hold.CHANGED: "Carry the change over at the target by hand, then accept.",
    Hold.UNABLE: "Do it at the target by hand, then discard this with a word on it.",
    Hold.NO_ROUTE: "Put the route back into the configuration and retry, or discard.",
    Hold.VETO: "Do as its reason says, then retry; or discard.",
    Hold.BROKEN: "Look whether the target has the order. If so, adopt it by its number; if not, retry, which looks"
    " it up first.",
    Hold.DIFFERS: "Compare the two orders, mend the one there, then accept it; or retry, which compares them"
    " again.",
    Hold.HALF: "Delete it there for good, from the trash too, then retry; or complete it there by hand and accept"
    " it.",
    Hold.DOUBLED: "Keep one of the two orders there, cancel the other one there by hand, then accept this.",
    Hold.DOUBT: "Mend what its reason says, then retry, which looks it up first. If it stands there under another"
    " mark, adopt it by its number.",
    Hold.TAKEN: "The target counts anew, or two hubs share it: find out which order is whose, then adopt the right"
    " one by its number, or discard.",
    Hold.ONE_SIDED: "Find out which side is right. Cancel the other one there, or make it good there by hand, then"
    " accept this; accept it at once to leave both as they are.",
    Hold.FLOOR: "Find out how the price came about. Release the order to have it sent on at that price, or cancel"
    " the purchase at the marketplace. Its pieces stay reserved meanwhile.",
    Hold.MAIL: "Look at the mail server's log for its Message-ID, or ask the buyer. Accept it where it has gone;"
    " retry sends it once more.",
    Hold.OTHER: "See what its reason says, then retry, or discard.",
}


def advice(kind: Hold) -> str:
    """What to do, in one or two sentences."""
    return _ADVICE[kind]
