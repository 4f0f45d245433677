"""The book of offers made: what a person asked for, and what there is at the marketplaces.

A person asks for one thing after another, and asks again until it is accepted, whatever became of the daemon in
between. So of each offer it is known what is to be there at last:

- each that was made exists exactly once under its mark, at any time;
- it has the name and the price that were asked for last;
- it can be bought only where somebody asked for that, and not after its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

import msgspec

from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.engine.operator.offer_request import AskOutcome
from olhubd.model import Money, OfferDraft
from olhubd_torture.stall import CURRENCY, Stall

__all__ = ["Ask", "AskedOffers"]

WHO = "anna"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person asks for. `verb` is list, edit, publish or withdraw; `public`: with its making it is
    to be published."""

    verb: str
    market: str
    sku: str
    price: int = 0
    name: str = ""
    public: bool = False


class _Wanted(msgspec.Struct):
    """What of an offer was asked for, and accepted: `listed` says that it is to be there."""

    listed: bool = False
    name: str = ""
    price: Decimal = Decimal(0)
    public: bool = False
    ended: bool = False


class AskedOffers:
    """`tell` is called with what is found."""

    def __init__(self, stalls: Mapping[str, Stall], tell: Callable[[str], None]) -> None:
        self._stalls = stalls
        self._tell = tell
        self._wanted: dict[tuple[str, str], _Wanted] = {}
        self.findings: list[str] = []
        self.asks: deque[Ask] = deque()
        """What is still to be asked for, one after another."""
        self.accepted = 0
        for stall in stalls.values():
            stall.watch = self

    async def ask(self, hub: Hub, ask: Ask) -> bool:
        """Ask the hub; False where it has to be asked again. It counts as asked for from the first time on: what
        was not answered may have been accepted."""
        wanted = self._wanted.setdefault((ask.market, ask.sku), _Wanted())
        making, stall = hub.offer_making, self._stalls[ask.market]
        if ask.verb == "list":
            wanted.public = ask.public
            draft = OfferDraft(
                sku=ask.sku,
                name=ask.name,
                category="1",
                price=_money(ask.price),
                quantity=3,
                tax="23",
            )
            made = await making.create(ask.market, draft, WHO, publish=ask.public)
            if made.outcome is AskOutcome.REFUSED:
                raise NotPossible(str(made.flaws))
            wanted.listed, wanted.name, wanted.price = True, ask.name, Decimal(ask.price)
            return True
        there = stall.bearing(ask.sku)
        if not there:
            return False
        number = there[0].id
        if ask.verb == "edit":
            change = OfferDraft(sku=ask.sku, name=ask.name or None, price=_money(ask.price) if ask.price else None)
            asked = await making.change(ask.market, number, change, WHO)
            if asked.outcome is AskOutcome.REFUSED:
                raise NotPossible(str(asked.flaws))
            wanted.name = ask.name or wanted.name
            wanted.price = Decimal(ask.price) if ask.price else wanted.price
        elif ask.verb == "publish":
            wanted.public = True
            await making.publish(ask.market, number, WHO)
        else:
            await making.end(ask.market, number, WHO)
            wanted.ended = True
        return True

    # What happens at the marketplaces

    def listed(self, market: str, sku: str) -> None:
        """A program has made an offer."""
        found = [one.id for one in self._stalls[market].offers.values() if one.sku == sku]
        if (market, sku) not in self._wanted:
            self._find(f"unasked: {market} has an offer under {sku} that nobody asked for")
        if len(found) > 1:
            self._find(f"made: {market} has {len(found)} offers under {sku}")

    def woken(self, market: str, sku: str) -> None:
        """A program has published an offer."""
        wanted = self._wanted.get((market, sku))
        if wanted is None or not wanted.public:
            self._find(f"published: {sku} can be bought at {market}, and nobody asked for that")

    def settled(self) -> Iterator[str]:
        """What is not there as it was asked for."""
        for (market, sku), wanted in self._wanted.items():
            found = self._stalls[market].bearing(sku)
            if not wanted.listed:
                continue
            if len(found) != 1:
                yield f"made: {market} has {len(found)} offers under {sku}"
                continue
            one = found[0]
            if (one.name, one.price) != (wanted.name, wanted.price):
                yield (
                    f"fields: {one.id} is {one.name!r} at {one.price}, and was to be {wanted.name!r} at"
                    f" {wanted.price}"
                )
            if wanted.ended and one.state == "active":
                yield f"woken: {one.id} can be bought, and was ended"
            if wanted.public and not wanted.ended and one.state != "active":
                yield f"unpublished: {one.id} is {one.state}, and was to be published"

    def _find(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)
            self._tell(f"! {finding}")


def _money(amount: int) -> Money:
    return Money(Decimal(amount), CURRENCY)
