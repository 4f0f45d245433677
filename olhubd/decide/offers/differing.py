"""What of an offer is not as it was asked for. Pure."""

from __future__ import annotations

from olhubd.model import Offer, OfferDraft, OfferFlaw, OfferState, Reason

__all__ = ["differing", "without"]

_SPOKEN = tuple(name for name in OfferDraft.__struct_fields__ if name != "sku")


def differing(draft: OfferDraft, offer: Offer) -> tuple[OfferFlaw, ...]:
    """The fields of `draft` that `offer` shows otherwise, of those that an offer shows at all.

    Fewer pieces than were asked for are no difference while it is on sale: buyers take them.
    """
    found: list[OfferFlaw] = []
    if draft.name is not None and " ".join(draft.name.split()) != " ".join(offer.name.split()):
        found.append(_flaw("name", offer.name, draft.name))
    if draft.price is not None and (offer.price is None or draft.price.rounded() != offer.price.rounded()):
        found.append(_flaw("price", offer.price, draft.price.rounded()))
    if draft.quantity is not None:
        sold = offer.state is OfferState.ACTIVE
        more = offer.quantity is None or offer.quantity > draft.quantity
        if more or (not sold and offer.quantity != draft.quantity):
            found.append(_flaw("quantity", offer.quantity, draft.quantity))
    return tuple(found)


def without(draft: OfferDraft, later: OfferDraft) -> OfferDraft | None:
    """What a change still says where another one was asked for later: what that one says too is its affair. None
    where nothing is left."""
    silent = OfferDraft(sku=draft.sku)
    left = {
        name: getattr(silent, name)
        for name in _SPOKEN
        if getattr(later, name) != getattr(silent, name) and getattr(draft, name) != getattr(silent, name)
    }
    if not left:
        return draft
    kept = OfferDraft(**{name: left.get(name, getattr(draft, name)) for name in draft.__struct_fields__})
    return kept if kept != silent else None


def _flaw(field: str, shown: object, asked: object) -> OfferFlaw:
    words = str(shown) if shown is not None else "-"
    return OfferFlaw(field=field, why=Reason("making.shown", shown=words, asked=str(asked)))
