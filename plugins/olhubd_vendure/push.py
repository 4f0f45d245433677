"""Making one order in the shop, as often as need be: what an earlier try left behind is finished, never doubled.

The order is claimed by our reference, which is unique, before anything else is written; only then is it filled,
placed, and at last marked as completely imported. What is next is told by `draft.missing`; here it is carried out.
"""

from __future__ import annotations

from datetime import timedelta

from olhubd.model import Money
from olhubd.plugin import (
    Account,
    Conflict,
    ContractBroken,
    OutcomeUnknown,
    Permanent,
    PluginError,
    Push,
    Receipt,
    Temporary,
)
from olhubd_vendure import draft, mapping, wire
from olhubd_vendure.client import Duplicate
from olhubd_vendure.draft import Plan
from olhubd_vendure.queries import Call
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop

__all__ = ["Importer", "receipt"]

_ROUNDS = 12
"""More than any order needs: content, closing, payment and the mark, and some for what changes meanwhile."""
_STRAY = timedelta(hours=1)
"""After this time no call that began with a draft can still be about to claim it."""


def receipt(order: wire.Order, plan: Plan | None = None) -> Receipt | None:
    """What the shop holds; None for an order that is not complete."""
    if order.state in mapping.UNPLACED or order.custom("imported") is not True:
        return None
    return Receipt(
        external_id=order.id,
        number=order.code,
        status=order.state,
        total=Money.of_minor(order.total_with_tax, order.currency_code),
        unlinked=plan.unlinked if plan else (),
    )


class Importer:
    """Makes orders in one shop."""

    def __init__(self, account: Account[VendureSettings], shop: Shop) -> None:
        self._settings = account.settings
        self._clock = account.clock
        self._log = account.log
        self._shop = shop
        self._tidied: float | None = None

    async def push(self, push: Push) -> Receipt:
        """Make or finish the order. A refusal leaves nothing behind."""
        found = await self._shop.find(push.reference)
        if found is not None and found.state == "Cancelled":
            raise Conflict(f"order {found.code} carries the reference and is cancelled")
        plan = await self._plan(push)
        done = receipt(found, plan) if found is not None else None
        if done is not None:
            return done
        if found is None:
            await self._tidy()
        # From here on something may have been written, so a passing failure is no longer "nothing was done".
        order = found
        try:
            order = order or await self._claim(plan)
            return await self._finish(order, plan)
        except OutcomeUnknown:
            raise
        except Temporary as error:
            raise OutcomeUnknown(f"begun, then {error}", code=error.code, status=error.status) from error
        except Permanent:
            if order is not None:
                await self._withdraw(order.id)
            raise

    async def _plan(self, push: Push) -> Plan:
        server = await self._shop.server()
        variants, placeholder = await self._shop.products(push.order.lines)
        if push.shipping_method is None:
            self._log.warning(
                "a delivery method is not mapped", reference=push.reference, method=push.order.shipping.method
            )
        return draft.plan(
            push,
            server,
            variants,
            placeholder=placeholder,
            shipping_method=await self._shop.shipping_method(push.shipping_method),
            settings=self._settings,
        )

    async def _claim(self, plan: Plan) -> wire.Order:
        """A new draft with our reference on it."""
        (made,) = await self._shop.api.change(Call("createDraftOrder"))
        if made.id is None:
            raise OutcomeUnknown("createDraftOrder: made, but the answer has no id")
        fields = {"id": made.id, "customFields": dict(plan.fields)}
        try:
            await self._shop.api.change(Call("setOrderCustomFields", {"input": fields}))
        except Duplicate as error:
            # Somebody else claimed the reference meanwhile; theirs is the order.
            await self._withdraw(made.id)
            raise OutcomeUnknown("another try is making this order now") from error
        return await self._read(made.id)

    async def _finish(self, order: wire.Order, plan: Plan) -> Receipt:
        server = await self._shop.server()
        refused: tuple[list[Call], Conflict] | None = None
        for _ in range(_ROUNDS):
            calls = draft.missing(order, plan, server)
            if refused is not None and refused[0] == calls:
                raise refused[1]
            if not calls:
                done = receipt(order, plan)
                if done is None:
                    raise ContractBroken(f"order {order.code} lacks nothing and is not complete")
                return done
            try:
                await self._shop.api.change(*calls)
            except Conflict as error:
                # Another try may have been faster; the next look tells.
                refused = (calls, error)
            order = await self._read(order.id)
        raise ContractBroken(f"order {order.code} does not become what it was made to be")

    async def _read(self, id_: str) -> wire.Order:
        order = await self._shop.order(id_)
        if order is None:
            raise OutcomeUnknown(f"order {id_} was there and is gone")
        return order

    async def _withdraw(self, id_: str) -> None:
        """Remove a draft that will not become an order. One that stays is found and finished by the next try."""
        try:
            (outcome,) = await self._shop.api.change(Call("deleteDraftOrder", {"orderId": id_}))
            reason = None if outcome.result == "DELETED" else outcome.message
        except PluginError as error:
            reason = str(error)
        if reason is not None:
            self._log.warning("an unfinished order could not be removed", order=id_, reason=reason)

    async def _tidy(self) -> None:
        """Now and then remove empty drafts of ours: the answer that told of each was lost before its claim."""
        now = self._clock.monotonic()
        if self._tidied is not None and now - self._tidied < _STRAY.total_seconds():
            return
        self._tidied = now
        for id_ in await self._shop.strays(self._clock.now() - _STRAY):
            await self._withdraw(id_)
