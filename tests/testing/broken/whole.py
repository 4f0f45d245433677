"""Connectors of both directions that talk too much or do not know themselves."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from olhubd.model import Order
from olhubd.plugin import Cursor, Page, Push, Receipt
from tests.testing.broken.good import GoodShop, breaks
from tests.testing.broken.records import Retelling


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
