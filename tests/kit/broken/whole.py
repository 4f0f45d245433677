"""Connectors of both directions that talk too much or do not know themselves."""

from __future__ import annotations

import logging

from msgspec.structs import replace
from pydantic import ConfigDict

from olhubd.model import Address, Order
from olhubd.plugin import Cursor, Identity, Method, Page, Push, Receipt, Status
from olhubd_tinyshop.settings import TinySettings
from tests.kit.broken.good import GoodFeed, GoodShop, breaks
from tests.kit.broken.records import Retelling


class Whole(Retelling):
    """Declares both directions."""

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        return GoodShop.capabilities()


@breaks("ECHO-01")
class ForgetsItsOwn(Whole):
    """Does not know the orders again that the hub itself pushed."""

    def retell(self, order: Order) -> Order:
        return replace(order, reference=None)


@breaks("ECHO-02")
class SeesItselfEverywhere(Whole):
    """Takes every order for one that the hub pushed."""

    def retell(self, order: Order) -> Order:
        return replace(order, reference=order.reference or f"market:{order.external_id}")


@breaks("LOG-02")
class NamesTheBuyer(GoodShop):
    async def push_order(self, push: Push) -> Receipt:
        self.log.info("pushing", to=push.order.buyer.email)
        return await super().push_order(push)


@breaks("LOG-01")
class ShowsTheKey(GoodShop):
    """By the standard library's logger, where no processor redacts."""

    async def pull(self, cursor: Cursor) -> Page:
        logging.getLogger("tinyshop").debug("calling with %s", self.settings.api_key.get_secret_value())
        return await super().pull(cursor)


@breaks("LOG-03")
class Prints(GoodShop):
    async def pull(self, cursor: Cursor) -> Page:
        print("pulling")  # noqa: T201
        return await super().pull(cursor)


class Careless(TinySettings):
    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)
    shop_password: str = "guess"


@breaks("DECL-01", "DECL-02", "DECL-03")
class IntroducesItselfBadly(GoodFeed):
    """Has a name of two words, a setting that nobody explains, and a password for all to see."""

    name = "Tiny Shop"
    Settings = Careless


@breaks("PROBE-01", "LIST-01", "LIST-02", "LIST-03")
class KnowsNotWhoItIs(GoodShop):
    """Says another name each time, every status and way to deliver twice, and no way to pay."""

    asked = 0

    async def probe(self) -> Identity:
        self.asked += 1
        return replace(await super().probe(), login=f"tiny-{self.asked}")

    async def statuses(self) -> list[Status]:
        return [*await super().statuses(), *await super().statuses()]

    async def delivery_methods(self) -> list[Method]:
        return [*await super().delivery_methods(), *await super().delivery_methods()]

    async def payment_methods(self) -> list[Method]:
        return (await super().payment_methods())[:0]


@breaks("PROFILE-01")
class RemembersWhereItsSellerWas(GoodShop):
    """Asks once, and believes the answer for ever."""

    place: Address | None = None

    async def seller_address(self) -> Address | None:
        found = await super().seller_address()
        self.place = self.place or found
        return found and self.place


@breaks("PROFILE-02")
class MakesUpAnAddress(GoodShop):
    """Takes no answer for an address without its parts."""

    async def seller_address(self) -> Address | None:
        return await super().seller_address() or Address(country="PL")


@breaks("LIST-01")
class KnowsFewerWordsThanItHas(GoodShop):
    """Declares statuses that never differ, and lists others."""

    fixed_statuses = frozenset({"new"})
