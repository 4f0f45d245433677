"""What a person says of the price of an offer: whether it follows its product, that a large step is meant, or that
the price of the list is to be sent now.

Each is one transaction with an event that names who did it. What follows is the leveller's, which is woken.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec

from olhubd.decide.pricing.step import leaps
from olhubd.decide.stock.level import OfferLevel
from olhubd.engine.errors import NotPossible
from olhubd.engine.in_force import InForce
from olhubd.engine.outbox.recorder import Recorder
from olhubd.engine.prices.wanted import Priced, offer_prices, want
from olhubd.model import Cause, Kind, LevelKind, Money, Reason, Subject
from olhubd.plugin import Clock
from olhubd.store import Database, Transaction, levels, offers
from olhubd.store.offers import StoredOffer

__all__ = ["PriceActions"]


class PriceActions:
    """The hands of a person on prices. `moved` wakes who keeps them."""

    def __init__(self, in_force: InForce, database: Database, clock: Clock, moved: Callable[[], None]) -> None:
        self._in_force = in_force
        self._database = database
        self._clock = clock
        self._moved = moved

    async def follow(self, account: str, offer: str, on: bool, who: str) -> None:
        """Say whether the price of an offer follows its product. Only what is brought from now on is sent."""

        async def work(tx: Transaction, known: StoredOffer, recorder: Recorder) -> None:
            # One that does not follow yet begins to when it comes back, unless a person says that it does not.
            if known.price_sync == on and (on or await offers.unfollowed_by_hand(tx, [known.id])):
                return
            await offers.follow_prices(tx, [known.id], on, by_hand=True)
            kind = "pricing.followed" if on else "pricing.unfollowed"
            await recorder.event(kind, account, Subject(Kind.OFFER, known.id), {"offer": offer})

        await self._act(account, offer, who, work)

    async def approve(self, account: str, offer: str, price: Decimal, who: str) -> None:
        """Let this very price be sent, though it is further away than the rule allows. Another one that waits by
        now is refused."""

        async def work(tx: Transaction, known: StoredOffer, recorder: Recorder) -> None:
            row = (await levels.of_offers(tx, [known.id], LevelKind.PRICE)).get(known.id)
            rule = (await self._priced(tx, account, known)).rule
            if row is None or rule is None or row.wanted is None or not leaps(row, rule.step):
                raise NotPossible(Reason("pricing.nothing-to-approve", offer=offer))
            waits = Money.of_minor(row.wanted, row.currency or "")
            if waits.amount != price:
                raise NotPossible(Reason("pricing.another-waits", offer=offer, price=waits, seen=f"{price:f}"))
            changed = msgspec.structs.replace(row, approved=row.wanted, reason=None)
            await levels.put(tx, [changed])
            facts: dict[str, object] = {"offer": offer, "price": str(waits)}
            await recorder.event("pricing.approved", account, Subject(Kind.OFFER, known.id), facts)

        await self._act(account, offer, who, work)

    async def send(self, account: str, offer: str, who: str) -> OfferLevel:
        """Have the price of the list sent as it is now, whatever was brought when."""
        found: list[OfferLevel] = []

        async def work(tx: Transaction, known: StoredOffer, recorder: Recorder) -> None:
            priced = await self._priced(tx, account, known)
            if not known.price_sync:
                raise NotPossible(Reason("pricing.offer-off"))
            if priced.found.price is None:
                raise NotPossible(priced.found.why or Reason("pricing.unlinked"))
            found[:] = await want(tx, account, [known.id], self._in_force.prices(), self._clock.now())
            facts: dict[str, object] = {"offer": offer, "price": str(priced.found.price)}
            await recorder.event("pricing.send-asked", account, Subject(Kind.OFFER, known.id), facts)

        await self._act(account, offer, who, work)
        return found[0]

    async def _priced(self, tx: Transaction, account: str, known: StoredOffer) -> Priced:
        rules = self._in_force.prices()
        return (await offer_prices(tx, account, [known.id], rules, self._clock.now()))[known.id]

    async def _act(
        self,
        account: str,
        offer: str,
        who: str,
        act: Callable[[Transaction, StoredOffer, Recorder], Awaitable[None]],
    ) -> None:
        # A switch of an offer is there only while that of its account is on.
        if not any(account in rule.channels for rule in self._in_force.prices()):
            raise NotPossible(Reason("pricing.account-off", account=account))

        async def work(tx: Transaction) -> None:
            known = (await offers.by_external(tx, account, [offer])).get(offer)
            if known is None:
                raise NotPossible(Reason("pricing.no-offer", offer=offer, account=account))
            recorder = Recorder(tx, self._clock.now(), Cause("operator", who))
            await act(tx, known, recorder)
            await recorder.write(tx)

        await self._database.write(work)
        self._moved()
