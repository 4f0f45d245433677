"""Making one order in the shop, as often as need be: what an earlier try left behind is finished, never doubled.

Where the server plugin offers it, one call makes the order in one transaction: it is there as a whole, or not at
all. Elsewhere it is made step by step: claimed by our reference, which is unique, before anything else is written;
then filled, placed, and at last marked as completely imported. What is next comes from `draft.missing`; here it is
carried out. What an earlier try left half-made is always finished so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from http import HTTPStatus

import msgspec

from olhubd.model import Money, Reason
from olhubd.plugin import (
    Account,
    Conflict,
    ContractBroken,
    Difference,
    NotFound,
    OutcomeUnknown,
    Permanent,
    PluginError,
    Push,
    Receipt,
    Rejected,
    Temporary,
    Unavailable,
    decode,
)
from olhubd_vendure import compare, draft, mapping, plan, wire
from olhubd_vendure.catalogue import products
from olhubd_vendure.client import Duplicate, refusal
from olhubd_vendure.plan import PlannedOrder
from olhubd_vendure.queries import Mutation
from olhubd_vendure.settings import VendureSettings
from olhubd_vendure.shop import Shop

__all__ = ["Importer", "receipt"]

_ROUNDS = 12
"""More than any order needs: content, closing, payment and the mark, and some for what changes meanwhile."""
_STRAY = timedelta(hours=1)
"""After this time no call that began with a draft can still be about to claim it."""
_MOMENT = 1.0
"""Seconds after which an order that another try has just marked can be read."""


def receipt(order: wire.Core, wanted: PlannedOrder | None = None) -> Receipt | None:
    """What the shop holds; None for an order that is not complete. With a plan it has the differences to it."""
    if order.state in mapping.UNPLACED or order.custom("imported") is not True:
        return None
    found: tuple[Difference, ...] = ()
    if wanted is not None and isinstance(order, wire.Order):
        found = compare.differences(order, wanted)
    return Receipt(
        external_id=order.id,
        number=order.code or None,
        status=order.state,
        total=Money.of_minor(_total(order), order.currency_code),
        unlinked=wanted.unlinked if wanted else (),
        differences=found,
    )


def _total(order: wire.Core) -> int:
    """What the buyer pays, in minor units. A cancelled order costs nothing any more; then it is what it cost."""
    if order.state != "Cancelled" or not isinstance(order, wire.Order):
        return order.total_with_tax
    goods = sum(line.unit_price_with_tax * line.order_placed_quantity for line in order.lines)
    return goods + int(order.custom("marketplaceShipping") or order.shipping_with_tax)


class Importer:
    """Pushes orders into one shop."""

    def __init__(self, account: Account[VendureSettings], shop: Shop) -> None:
        self._settings = account.settings
        self._clock = account.clock
        self._log = account.log
        self._shop = shop
        self._tidied: float | None = None
        self._buyers: dict[str, tuple[asyncio.Lock, int]] = {}

    async def push(self, push: Push) -> Receipt:
        """Make or finish the order. A refusal leaves nothing behind, or says what."""
        found = _alive(await self._shop.find(push.reference))
        wanted = await self._plan(push)
        if found is not None and (done := receipt(found, wanted)) is not None and not _waiting(found, wanted):
            return done
        async with self._one_of(wanted.customer["emailAddress"]):
            return await self._made(found, wanted)

    async def compare(self, push: Push, found: Receipt) -> Receipt:
        """`found` with its differences to what would be sent now."""
        try:
            order = await self._shop.order(found.external_id)
        except ContractBroken as error:
            # It is there; what it holds is for a person to look at.
            what = Difference(field="order", what=f"it cannot be read as a whole: {error}")
            return msgspec.structs.replace(found, differences=(what,))
        if order is None:
            raise Unavailable(Reason("olhubd_vendure:gone", order=found.external_id))
        try:
            wanted = await self._plan(push)
        except Rejected as error:
            # It is there, and what would be sent now could not be: that is for a person to see.
            what = Difference(field=error.field or "order", what=f"it would be refused now: {error}")
            return msgspec.structs.replace(found, differences=(what,))
        differences = compare.differences(order, wanted)
        return msgspec.structs.replace(found, unlinked=wanted.unlinked, differences=differences)

    async def _plan(self, push: Push) -> PlannedOrder:
        server = await self._shop.server()
        plan.check_rights(server, self._settings)
        facilities = await self._shop.facilities()
        variants, placeholder = await products(self._shop, push.order.lines)
        if push.shipping_method is None:
            self._log.warning(
                "a delivery method is not mapped", reference=push.reference, method=push.order.shipping.method
            )
        wanted = plan.plan(push, server, facilities, variants, placeholder=placeholder, settings=self._settings)
        if not self._settings.notify_buyer:
            return wanted
        # An address that belongs to an account of the shop is taken for nobody else.
        known = await self._shop.customer(wanted.customer["emailAddress"])
        return msgspec.structs.replace(wanted, customer_id=known)

    @contextlib.asynccontextmanager
    async def _one_of(self, email: str) -> AsyncIterator[None]:
        """One order of a buyer at a time: two at once would make two customers."""
        lock, waiting = self._buyers.get(email, (asyncio.Lock(), 0))
        self._buyers[email] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._buyers.pop(email)
            if waiting > 1:
                self._buyers[email] = (lock, waiting - 1)

    async def _made(self, found: wire.Core | None, wanted: PlannedOrder) -> Receipt:
        order = None if found is None else await self._read(found.id)
        if order is None:
            whole = (await self._shop.facilities()).whole
            try:
                order = await (self._whole(wanted) if whole else self._claim(wanted))
            except Duplicate:
                order = await self._claimed(wanted.reference)
        # From here on something was written, so a passing failure is no longer "nothing was done".
        try:
            return await self._finish(order, wanted)
        except OutcomeUnknown:
            raise
        except Temporary as error:
            raise OutcomeUnknown(
                f"begun, then {error}", retry_after=error.retry_after, code=error.code, status=error.status
            ) from error
        except (Rejected, Conflict, NotFound) as error:
            if error.status in (None, HTTPStatus.OK):
                # The shop's own refusal, in its own form: GraphQL has it inside an answer of success.
                await self._give_up(order.id, error)
            raise

    async def _whole(self, wanted: PlannedOrder) -> wire.Order:
        """The order, made at once. A refusal leaves nothing behind."""
        (outcome,) = await self._shop.api.change(draft.whole(wanted))
        if outcome.refusal is not None:
            raise self._why(outcome.refusal, wanted)
        if outcome.order is None:
            raise OutcomeUnknown("createMarketplaceOrder: the answer has neither an order nor a refusal")
        return await self._written(outcome.order.id)

    def _why(self, said: wire.Refusal, wanted: PlannedOrder) -> PluginError:
        about = said.about
        if said.line is not None and 0 <= said.line < len(wanted.items):
            about = wanted.items[said.line].sku
        if said.error_code == "TOTAL":
            with contextlib.suppress(ContractBroken):
                sums = decode(said.message.encode(), draft.ExpectedTotals)
                return Rejected(draft.discrepancy(sums, wanted), field="totalWithTax")
        outcome = wire.Outcome(error_code=said.error_code, message=said.message)
        return refusal(Mutation("createMarketplaceOrder", about=about), outcome)

    async def _claim(self, wanted: PlannedOrder) -> wire.Order:
        """A new draft with our reference on it. Where it cannot be marked it does not stay."""
        (made,) = await self._shop.api.change(Mutation("createDraftOrder"))
        if made.id is None:
            raise OutcomeUnknown("createDraftOrder: made, but the answer has no id")
        fields = {"id": made.id, "customFields": dict(wanted.fields)}
        try:
            await self._shop.api.change(Mutation("setOrderCustomFields", {"input": fields}))
        except OutcomeUnknown:
            await self._unless_marked(made.id, wanted.reference)
            raise
        except Temporary as error:
            await self._remove(made.id)
            raise OutcomeUnknown(
                f"begun, then {error}", retry_after=error.retry_after, code=error.code, status=error.status
            ) from error
        except Permanent:
            await self._remove(made.id)
            raise
        order = await self._written(made.id)
        await self._tidy(order.created_at)
        return order

    async def _unless_marked(self, id_: str, reference: str) -> None:
        """Remove a draft that was just made and carries no mark; a mark that comes later finds nothing to mark."""
        try:
            order = await self._shop.order(id_)
        except PluginError:
            return
        if order is not None and order.state == "Draft" and order.custom("externalId") != reference:
            await self._remove(id_)

    async def _claimed(self, reference: str) -> wire.Order:
        """The order that carries the reference already: another try's."""
        for again in (True, False):
            found = _alive(await self._shop.find(reference))
            if found is not None:
                return await self._read(found.id)
            if again:
                await self._clock.sleep(_MOMENT)
        raise Conflict(Reason("olhubd_vendure:mark-taken", mark=reference))

    async def _finish(self, order: wire.Order, wanted: PlannedOrder) -> Receipt:
        refused: tuple[list[Mutation], Conflict] | None = None
        chosen = False
        for _ in range(_ROUNDS):
            if (done := receipt(order, wanted)) is not None and not _waiting(order, wanted):
                return done
            calls = draft.missing(order, wanted, chosen)
            if refused is not None and refused[0] == calls:
                raise refused[1]
            if not calls:
                raise ContractBroken(f"order {order.code} lacks nothing and is not complete")
            try:
                await self._shop.api.change(*calls)
                chosen = chosen or any(call.name == draft.CHOOSE for call in calls)
            except Conflict as error:
                # Another try may have been faster; the next look shows it.
                refused = (calls, error)
            order = await self._read(order.id)
        raise ContractBroken(f"order {order.code} does not become what it was made to be")

    async def _read(self, id_: str) -> wire.Order:
        order = await self._shop.order(id_)
        if order is None:
            raise OutcomeUnknown(Reason("olhubd_vendure:gone", order=id_))
        return order

    async def _written(self, id_: str) -> wire.Order:
        """The order that was just made."""
        try:
            return await self._read(id_)
        except OutcomeUnknown:
            raise
        except PluginError as error:
            raise OutcomeUnknown(
                Reason("olhubd_vendure:made-then", order=id_, why=error), code=error.code
            ) from error

    async def _give_up(self, id_: str, error: Permanent) -> None:
        """Remove a draft that will not become an order. What was closed already stays, and the error says so: it is
        finished when the push is tried again, and taken back when the order is cancelled."""
        try:
            order = await self._shop.order(id_)
        except PluginError:
            return
        if order is None:
            return
        if order.state == "Draft":
            await self._remove(id_)
        elif order.order_placed_at is None and order.state != "Cancelled":
            left = f"; order {order.code} waits for it in the shop as {order.state}, unpaid"
            error.args = (f"{error}{left}", *error.args[1:])

    async def _remove(self, id_: str) -> None:
        try:
            (outcome,) = await self._shop.api.change(Mutation("deleteDraftOrder", {"orderId": id_}))
            reason = None if outcome.result == "DELETED" else outcome.message or "no reason given"
        except PluginError as error:
            reason = str(error)
        if reason is not None:
            self._log.warning("an unfinished order could not be removed", order=id_, reason=reason)

    async def _tidy(self, now: datetime) -> None:
        """Now and then remove empty drafts of ours: the answer with its id was lost before its claim. `now` is
        the shop's own time."""
        here = self._clock.monotonic()
        if self._tidied is not None and here - self._tidied < _STRAY.total_seconds():
            return
        self._tidied = here
        for id_ in await self._shop.strays(now - _STRAY):
            await self._remove(id_)


def _alive(found: wire.Core | None) -> wire.Core | None:
    if found is not None and found.state == "Cancelled":
        raise Conflict(Reason("olhubd_vendure:cancelled-copy", order=found.code))
    return found


def _waiting(order: wire.Core, wanted: PlannedOrder) -> bool:
    """Whether an order that is marked as complete waits for a payment that is there."""
    return order.state == "ArrangingPayment" != wanted.goal
