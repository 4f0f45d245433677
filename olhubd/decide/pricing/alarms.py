"""Which prices a person must look at: one alarm an account, which names the first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.decide.stock.level import TRIES, OfferLevel
from olhubd.model import AlarmKind, Money, Reason, code_of

__all__ = ["price_findings"]

_KNOWN = frozenset({"pricing.offer-off", "pricing.automatic", "pricing.changed-elsewhere"})
"""Somebody has seen to it that these are otherwise: they are shown, and alarm nobody."""


def price_findings(rows: Iterable[OfferLevel]) -> Iterator[AlarmFinding]:
    """What is wrong with these prices, of which each is held or not as wanted."""
    by_account: dict[str, list[Reason]] = {}
    for row in rows:
        why = row.held or row.reason
        if why is None or code_of(why) in _KNOWN or not (row.held or row.tries >= TRIES or _waits(row)):
            continue
        by_account.setdefault(row.account, []).append(_told(row, why))
    for account, reasons in by_account.items():
        first, more = reasons[0], len(reasons) - 1
        detail = Reason("alarm.and-more", first=first, n=more) if more else first
        yield AlarmFinding(kind=AlarmKind.PRICE, subject=account, detail=detail)


def _waits(row: OfferLevel) -> bool:
    """Whether nothing but a person, or another price, brings it on."""
    return row.phase == "settled" and row.tries == 0


def _told(row: OfferLevel, why: str) -> Reason:
    if row.wanted is None or row.confirmed is None or row.currency is None:
        return Reason("alarm.price-none", offer=row.external_id, why=why)
    wanted, shown = (Money.of_minor(amount, row.currency) for amount in (row.wanted, row.confirmed))
    return Reason("alarm.price", offer=row.external_id, wanted=wanted, shown=shown, why=why)
