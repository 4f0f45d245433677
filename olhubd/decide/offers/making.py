"""The deliveries by which an offer is made, published, changed and ended."""

from __future__ import annotations

import msgspec

from olhubd.decide.plan import PlannedDelivery
from olhubd.model import Action, OfferDraft

__all__ = ["MakePayload", "change_at", "create_at", "end_at", "publish_at"]


class MakePayload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a CREATE_OFFER delivery: whether buyers are to buy the offer when it is there."""

    publish: bool = True


def create_at(target: str, version: int, *, publish: bool) -> PlannedDelivery:
    """The delivery that makes the offer of a draft at `target`."""
    payload = MakePayload(publish=publish)
    return PlannedDelivery(target=target, action=Action.CREATE_OFFER, cause=0, key=str(version), payload=payload)


def publish_at(target: str, key: str) -> PlannedDelivery:
    """The delivery that lets buyers buy an offer that is a draft."""
    return PlannedDelivery(target=target, action=Action.PUBLISH_OFFER, cause=0, key=key)


def change_at(target: str, draft: OfferDraft, key: str) -> PlannedDelivery:
    """The delivery that changes of an offer what the draft says."""
    return PlannedDelivery(target=target, action=Action.CHANGE_OFFER, cause=0, key=key, payload=draft)


def end_at(target: str, key: str) -> PlannedDelivery:
    """The delivery that takes an offer off sale."""
    return PlannedDelivery(target=target, action=Action.END_OFFER, cause=0, key=key)
