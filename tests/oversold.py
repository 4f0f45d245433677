"""An oversold order as the hub writes one down."""

from __future__ import annotations

from datetime import datetime

from olhubd.decide.stock.oversold import (
    FoundBy,
    KnownCommand,
    KnownOffer,
    KnownSale,
    OversoldCause,
    OversoldFacts,
)
from olhubd.store.oversold import OversoldOrder

__all__ = ["lacking"]


def lacking(number: int, item: int, order_id: int, at: datetime) -> OversoldOrder:
    """An order for which nothing was left."""
    facts = OversoldFacts(
        bought_at=at, found_at=at, pieces=1, master="shop", counted=0, reserved=1, read_at=at,
        offer=KnownOffer(external_id="111", wanted=0, confirmed=1, confirmed_at=at),
        sales=(KnownSale(account="shop", order_id=2, pieces=1, bought_at=at, landed_at=at),),
        commands=(KnownCommand(id="c1", action="set", state="kept", created_at=at, value=0),),
    )  # fmt: skip
    return OversoldOrder(
        id=number, order_id=order_id, item=item, account="market", pieces=1, by=FoundBy.ORDER,
        cause=OversoldCause.LATE_NEWS, found_at=at, facts=facts,
    )  # fmt: skip
