"""Quantities out as they should be, and what a connector may forget, believe or claim about them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from olhubd.plugin import (
    Accepted,
    Account,
    Conflict,
    ContractBroken,
    LevelCall,
    LevelSink,
    LevelWish,
    NotFound,
    OutcomeUnknown,
    Parts,
    PluginError,
    RowOutcome,
    ShownLevel,
    Unavailable,
    decode,
)
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.good import GoodShop, breaks
from tests.kit.broken.offers import OfferShelf, Order

__all__ = ["GoodLevels"]

Answer = Sequence[RowOutcome] | Accepted


class Row(msgspec.Struct):
    offer: str
    error: str | None


class Told(msgspec.Struct):
    done: bool
    rows: list[Row]


class Shown(msgspec.Struct):
    id: str
    left: int
    ended: bool


class Named(msgspec.Struct):
    id: str


class Levels(LevelSink):
    """Does as its connector has it, so that a broken connector is broken in one place."""

    def __init__(self, shop: GoodLevels) -> None:
        self.shop = shop

    def plan_levels(self, wishes: Sequence[LevelWish]) -> Sequence[LevelCall]:
        return self.shop.plan(wishes)

    async def write_levels(self, command: str, call: LevelCall) -> Answer:
        return await self.shop.write(command, call)

    async def report_levels(self, command: str, call: LevelCall) -> Answer | None:
        return await self.shop.report(command, call)

    async def read_levels(self, offers: Sequence[str]) -> Sequence[ShownLevel]:
        return await self.shop.look(offers)


class GoodLevels(GoodShop):
    """Declares its quantities alone."""

    stand_in = OfferShelf
    provides: ClassVar[Parts] = {**GoodShop.provides, Levels: "own_levels"}

    def __init__(self, account: Account[TinySettings]) -> None:
        super().__init__(account)
        self.own_levels = Levels(self)

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return ("LevelSink",)

    def plan(self, wishes: Sequence[LevelWish]) -> list[LevelCall]:
        by_value: dict[int, list[str]] = {}
        for wish in wishes:
            by_value.setdefault(wish.value, []).append(wish.offer)
        return [
            LevelCall(action="set", value=value, offers=tuple(some)) for value, some in sorted(by_value.items())
        ]

    def order(self, call: LevelCall) -> Order:
        return Order(value=call.value or 0, offers=[*call.offers])

    async def write(self, command: str, call: LevelCall) -> Answer:
        try:
            await self.http.call("POST", f"/levels/{command}", str, json=self.order(call))
        except Conflict as error:
            raise OutcomeUnknown("the number is used") from error
        return Accepted(after=1.0)

    async def rows(self, command: str) -> list[Row] | None:
        """None while it is under way."""
        found: list[Row] = []
        while True:
            told = await self.http.get(f"/levels/{command}", Told, {"after": len(found)})
            if not told.done:
                return None
            found += told.rows
            if not told.rows:
                return found

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        try:
            rows = await self.rows(command)
        except NotFound:
            return None
        if rows is None:
            return Accepted(after=1.0)
        return [self.outcome(row) for row in rows]

    def outcome(self, row: Row) -> RowOutcome:
        return RowOutcome(offer=row.offer, done=row.error is None, error=row.error)

    async def look(self, offers: Sequence[str]) -> list[ShownLevel]:
        found: list[ShownLevel] = []
        for start in range(0, len(offers), 50):
            found += await self.some(offers[start : start + 50])
        return found

    async def some(self, offers: Sequence[str]) -> list[ShownLevel]:
        """These offers: a page that ends early is asked for again, until nothing more comes. What is counted then
        is there, or may be."""
        found, counted = await self.counted(offers)
        there = {one.offer for one in found}
        rest = [offer for offer in offers if offer not in there]
        if found and rest:
            return [*found, *await self.some(rest)]
        return self.left_out(offers) if counted and not found else found

    def left_out(self, offers: Sequence[str]) -> list[ShownLevel]:
        return [ShownLevel(offer=offer, quantity=None, active=True) for offer in offers]

    async def page(self, offers: Sequence[str]) -> list[ShownLevel]:
        return (await self.counted(offers))[0]

    async def counted(self, offers: Sequence[str]) -> tuple[list[ShownLevel], int]:
        rows, answer = await self.http.fetch("GET", "/offers", list[msgspec.Raw], query={"ids": ",".join(offers)})
        found = [shown for raw in rows if (shown := self.read(bytes(raw))) is not None]
        return found, int(answer.headers["X-Total"]) - (len(rows) - len(found))

    def read(self, raw: bytes) -> ShownLevel | None:
        try:
            return self.level(decode(raw, Shown))
        except ContractBroken:
            return self.unread(decode(raw, Named).id)

    def unread(self, offer: str) -> ShownLevel | None:
        return ShownLevel(offer=offer, quantity=None, active=True)

    def level(self, row: Shown) -> ShownLevel:
        return ShownLevel(offer=row.id, quantity=row.left, active=not row.ended)


@breaks("LEVEL-01")
class EndsLast(GoodLevels):
    """Raises first and lowers to zero at the end."""

    def plan(self, wishes: Sequence[LevelWish]) -> list[LevelCall]:
        return super().plan(wishes)[::-1]


@breaks("LEVEL-01")
class PlansWhatIsSoldOutTwice(GoodLevels):
    """Goes for sure, and names an offer twice."""

    def plan(self, wishes: Sequence[LevelWish]) -> list[LevelCall]:
        calls = super().plan(wishes)
        return [*(call for call in calls if call.value == 0), *calls]


@breaks("LEVEL-02", "LEVEL-06")
class AddsToWhatIsThere(GoodLevels):
    """Takes a value for a difference."""

    def order(self, call: LevelCall) -> Order:
        order = super().order(call)
        return replace(order, add=order.value > 0)


@breaks("LEVEL-03")
class LeavesOne(GoodLevels):
    """Writes one where zero is not taken."""

    def order(self, call: LevelCall) -> Order:
        order = super().order(call)
        return replace(order, value=order.value or 1)


@breaks("LEVEL-04", "FAIL-02")
class TakesALostAnswerForAFailure(GoodLevels):
    """Says that nothing was done, as of a reading."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        try:
            return await super().write(command, call)
        except OutcomeUnknown as error:
            raise Unavailable("not reached", retry_after=error.retry_after) from error


@breaks("LEVEL-04")
class KnowsItsCommandsByHeart(GoodLevels):
    """Knows of those commands alone that this instance has sent."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        self.__dict__.setdefault("mine", set()).add(command)
        return await super().write(command, call)

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        return await super().report(command, call) if command in self.__dict__.get("mine", ()) else None


@breaks("LEVEL-05")
class TakesNoReportForDone(GoodLevels):
    """Believes that what the shop does not know has been done and forgotten."""

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        found = await super().report(command, call)
        return [RowOutcome(offer=offer, done=True) for offer in call.offers] if found is None else found


@breaks("LEVEL-04", "LEVEL-06")
class MakesItsOwnNumbers(GoodLevels):
    """Sends each call under a new number, and finds it by the host's."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        number = self.__dict__.setdefault("numbers", {})[command] = str(uuid.uuid4())
        return await super().write(number, call)

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        return await super().report(self.__dict__.get("numbers", {}).get(command, command), call)


@breaks("LEVEL-06")
class TakesAUsedNumberForDone(GoodLevels):
    """Believes that a used number was used for this very call."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        try:
            await self.http.call("POST", f"/levels/{command}", str, json=self.order(call))
        except Conflict:
            return [RowOutcome(offer=offer, done=True) for offer in call.offers]
        return Accepted(after=1.0)


@breaks("LEVEL-07", "LEVEL-08", "LEVEL-09")
class TakesACommandForItsRows(GoodLevels):
    """Reports a command that ran as done for all its offers."""

    def outcome(self, row: Row) -> RowOutcome:
        return RowOutcome(offer=row.offer, done=True)


@breaks("LEVEL-07")
class SaysNoWord(GoodLevels):
    """Reports a failed row without what the shop said."""

    def outcome(self, row: Row) -> RowOutcome:
        return replace(super().outcome(row), error=None)


@breaks("LEVEL-08")
class ReadsOnePageOfTheReport(GoodLevels):
    """Takes the first page of a report for all of it."""

    async def rows(self, command: str) -> list[Row] | None:
        told = await self.http.get(f"/levels/{command}", Told, {"after": 0})
        return told.rows if told.done else None


@breaks("LEVEL-07", "LEVEL-08", "LEVEL-09", "LEVEL-10")
class TakesAcceptedForDone(GoodLevels):
    """Reports as done what the shop has only taken."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        await super().write(command, call)
        return [RowOutcome(offer=offer, done=True) for offer in call.offers]


@breaks("LEVEL-10")
class ReadsWhatItWrote(GoodLevels):
    """Shows as read what it has written itself."""

    async def write(self, command: str, call: LevelCall) -> Answer:
        answer = await super().write(command, call)
        self.__dict__.setdefault("wrote", {}).update(dict.fromkeys(call.offers, call.value))
        return answer

    def level(self, row: Shown) -> ShownLevel:
        shown = super().level(row)
        return replace(shown, quantity=self.__dict__.get("wrote", {}).get(row.id, shown.quantity))


@breaks("LEVEL-11")
class ShowsAZeroForNothing(GoodLevels):
    """Takes an offer that is not there for one that is sold out."""

    async def look(self, offers: Sequence[str]) -> list[ShownLevel]:
        found = {one.offer: one for one in await super().look(offers)}
        return [found.get(one) or ShownLevel(offer=one, quantity=0, active=False) for one in offers]


@breaks("LEVEL-03", "LEVEL-12")
class TakesWhatIsLeftForWhatIsOnSale(GoodLevels):
    """Does not see that an offer has ended."""

    def level(self, row: Shown) -> ShownLevel:
        return replace(super().level(row), active=True)


@breaks("LEVEL-14", "LEVEL-16")
class TakesAShortPageForAll(GoodLevels):
    """Believes that an offer is gone when a page ended before it."""

    async def some(self, offers: Sequence[str]) -> list[ShownLevel]:
        return await self.page(offers)


@breaks("LEVEL-13", "LEVEL-14", "LEVEL-16")
class ReadsOnePageOfOffers(GoodLevels):
    """Asks about all offers in one call, which answers for as many as fit on a page."""

    async def look(self, offers: Sequence[str]) -> list[ShownLevel]:
        return await self.page(offers)


@breaks("LEVEL-15")
class TakesNonsenseForSoldOut(GoodLevels):
    """Shows no pieces where it cannot read how many there are."""

    def unread(self, offer: str) -> ShownLevel | None:
        return ShownLevel(offer=offer, quantity=0, active=False)


@breaks("LEVEL-15")
class TakesNonsenseForNothing(GoodLevels):
    """Leaves out an offer that it cannot read."""

    def unread(self, offer: str) -> ShownLevel | None:
        return None


@breaks("LEVEL-15")
class ReadsAllOrNothing(GoodLevels):
    """Gives a page up for one offer that it cannot read."""

    def read(self, raw: bytes) -> ShownLevel | None:
        return self.level(decode(raw, Shown))


@breaks("LEVEL-16")
class TakesWhatIsLeftOutForGone(GoodLevels):
    """Says nothing of an offer that the shop counts and does not show."""

    def left_out(self, offers: Sequence[str]) -> list[ShownLevel]:
        return []


@breaks("LEVEL-16")
class ReadsNoneWhereOneIsLeftOut(GoodLevels):
    """Gives all offers up for one that the shop counts and does not show."""

    def left_out(self, offers: Sequence[str]) -> list[ShownLevel]:
        raise Unavailable("the shop shows fewer offers than it counts")


@breaks("FAIL-01", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07", "FAIL-10")
class TakesAnOutageForNoReport(GoodLevels):
    """Says that the shop does not know a command, when nobody could be asked."""

    async def report(self, command: str, call: LevelCall) -> Answer | None:
        try:
            return await super().report(command, call)
        except PluginError:
            return None
