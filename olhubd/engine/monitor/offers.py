"""The round's look at offers: who else writes them, what cannot be lowered, and what sells beside the hub."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from olhubd.decide.alarm_rules import AlarmFinding
from olhubd.decide.pricing.alarms import price_findings
from olhubd.decide.stock.alarms import (
    BrakedOffers,
    OversoldFinding,
    SellingOn,
    StockFacts,
    SurplusOffer,
    stock_findings,
)
from olhubd.engine.in_force import InForce
from olhubd.store import Database, levels, offer_terms, oversold, sales_stops, stock_plans, unknown_offers

__all__ = ["OfferChecks"]


class OfferChecks:
    """Where no rule sells stock, nothing is asked of the database. `unreached` says why nothing can be written to
    an account now."""

    def __init__(self, in_force: InForce, database: Database, unreached: Callable[[str], str | None]) -> None:
        self._in_force = in_force
        self._database = database
        self._unreached = unreached
        self.looks = 0

    async def findings(self, now: datetime) -> list[AlarmFinding]:
        """Everything that is wrong with the offers of the channels. Raises one of FAILURES without the database."""
        channels = sorted({channel for rule in self._in_force.stock() for channel in rule.channels})
        if not channels:
            return []
        priced = sorted({channel for rule in self._in_force.prices() for channel in rule.channels})
        self.looks += len(channels)
        reader = self._database.reader
        stops = await sales_stops.every(reader)
        selling = await sales_stops.selling(reader, channels) if stops else {}
        facts = StockFacts(
            now=now,
            disputed=[row for row in await levels.disputed(reader) if row.account in channels],
            stuck=await levels.stuck(reader, channels),
            surplus=[
                SurplusOffer(
                    account=one.account, offer=one.external_id, known=one.known, shown=one.shown, wanted=one.wanted
                )
                for one in await unknown_offers.selling(reader, channels)
            ],
            renewing=await offer_terms.renewing(reader, channels),
            unsettled=await levels.unsettled(reader, channels),
            braked=[
                BrakedOffers(
                    plan=plan.id,
                    account=plan.account,
                    master=plan.master,
                    offers=counts.offers,
                    zeros=counts.zeros,
                    raises=counts.raises,
                )
                for plan, counts in await stock_plans.waiting(reader, channels)
            ],
            unrestored=await levels.unrestored(reader, channels),
            selling=[
                SellingOn(
                    account=one.account,
                    at=one.stopped_at,
                    offers=selling[one.account],
                    why=self._unreached(one.account),
                )
                for one in stops
                if one.account in selling
            ],
            oversold=[
                OversoldFinding(
                    record=one.id,
                    account=one.account,
                    order=one.order,
                    item=one.mark,
                    pieces=one.pieces,
                    cause=one.cause,
                )
                for one in await oversold.open_of(reader, channels)
            ],
        )
        prices = await levels.held_prices(reader, priced) if priced else ()
        return [*stock_findings(facts), *price_findings(prices)]
