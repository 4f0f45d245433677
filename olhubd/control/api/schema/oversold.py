"""Orders for which nothing was left, with what was known when that was found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Before, Limit, Page, RequestStruct, Text
from olhubd.decide.stock.oversold import FoundBy, KnownCommand, KnownOffer, KnownSale, OversoldCause
from olhubd.model import Reason, beside, plain
from olhubd.store.oversold import OversoldOrder

__all__ = ["CloseOversoldRequest", "OversoldPage", "OversoldQuery", "OversoldRow"]


class OversoldQuery(RequestStruct, frozen=True, kw_only=True):
    """With `open` those of which there is not enough yet. Pages go on by `before`, the `next` of the last one."""

    account: str | None = None
    cause: OversoldCause | None = None
    open: bool = False
    before: Before | None = None
    limit: Limit = 50


class CloseOversoldRequest(RequestStruct, frozen=True, kw_only=True):
    reason: Text | None = None


class OversoldSaleRow(AnswerStruct, frozen=True, kw_only=True):
    """Another order that took `pieces` of the item: placed at `bought_at`, here since `landed_at`, `seconds`
    later.
    """

    account: str
    order_id: int
    pieces: int
    bought_at: datetime
    landed_at: datetime
    seconds: float

    @classmethod
    def of(cls, one: KnownSale) -> OversoldSaleRow:
        return cls(
            account=one.account,
            order_id=one.order_id,
            pieces=one.pieces,
            bought_at=one.bought_at,
            landed_at=one.landed_at,
            seconds=(one.landed_at - one.bought_at).total_seconds(),
        )


class OversoldOfferRow(AnswerStruct, frozen=True, kw_only=True):
    """What was known of the offer that sold it: `wanted` since `wanted_since`, `sent` at `sent_at`, `shown` when it
    was read last. `age` is for how many seconds it had been known then that it showed what was wanted."""

    external_id: str
    units: int
    wanted: int | None
    wanted_since: datetime | None
    sent: int | None
    sent_at: datetime | None
    shown: int | None
    confirmed_at: datetime | None
    age: float | None
    phase: str
    may_sell: int | None
    held: str | None
    error: str | None

    @classmethod
    def of(cls, one: KnownOffer, at: datetime) -> OversoldOfferRow:
        return cls(
            external_id=one.external_id,
            units=one.units,
            wanted=one.wanted,
            wanted_since=one.wanted_since,
            sent=one.sent,
            sent_at=one.sent_at,
            shown=one.confirmed,
            confirmed_at=one.confirmed_at,
            age=(at - one.confirmed_at).total_seconds() if one.confirmed_at is not None else None,
            phase=one.phase.value,
            may_sell=one.bound,
            held=one.held,
            error=one.reason,
        )


class OversoldCommandRow(AnswerStruct, frozen=True, kw_only=True):
    """A command to the offer of which it was not known what became of it. `value` or `change` is what it writes."""

    id: str
    action: str
    state: str
    created_at: datetime
    value: int | None
    change: int | None

    @classmethod
    def of(cls, one: KnownCommand) -> OversoldCommandRow:
        return cls(**msgspec.structs.asdict(one))


class OversoldRow(AnswerStruct, frozen=True, kw_only=True):
    """An order of `account` that lacks `pieces` of a stock item: found at `found_at`, `by` the `order` itself or by
    a `reading` of the stock master.

    It was bought at `bought_at` and needs `needed` pieces. `counted` is what the master said, which was read
    `reading_age` seconds before, and `reserved` what orders needed that this did not show. `sales` are the other
    orders that took pieces of it, the newest first, `commands` those under way to the offer. `cause` is a word,
    `why` its sentence. `closed_at`: there is enough since then, or `closed_by` has dealt with it.
    """

    id: int
    account: str
    order_id: int
    order: str
    item: str
    item_name: str
    master: str
    pieces: int
    needed: int
    by: FoundBy
    cause: OversoldCause
    why: str
    why_code: str | None = None
    why_values: dict[str, Any] | None = None
    bought_at: datetime
    found_at: datetime
    counted: int
    reserved: int
    reading_age: float
    offer: OversoldOfferRow | None
    sales: tuple[OversoldSaleRow, ...]
    commands: tuple[OversoldCommandRow, ...]
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None = None
    reason_code: str | None = None
    reason_values: dict[str, Any] | None = None

    @classmethod
    def of(cls, one: OversoldOrder) -> OversoldRow:
        facts, why = one.facts, Reason(f"oversold.{one.cause.value}")
        return cls(
            id=one.id,
            account=one.account,
            order_id=one.order_id,
            order=one.order,
            item=one.mark,
            item_name=one.name,
            master=facts.master,
            pieces=one.pieces,
            needed=facts.pieces,
            by=one.by,
            cause=one.cause,
            why=plain(why),
            **beside("why", why),
            bought_at=facts.bought_at,
            found_at=one.found_at,
            counted=facts.counted,
            reserved=facts.reserved,
            reading_age=(one.found_at - facts.read_at).total_seconds(),
            offer=OversoldOfferRow.of(facts.offer, one.found_at) if facts.offer is not None else None,
            sales=tuple(map(OversoldSaleRow.of, facts.sales)),
            commands=tuple(map(OversoldCommandRow.of, facts.commands)),
            closed_at=one.closed_at,
            closed_by=one.closed_by,
            reason=plain(one.reason) if one.reason is not None else None,
            **beside("reason", one.reason),
        )


OversoldPage = Page[OversoldRow]
