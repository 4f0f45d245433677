"""The torture tortured: one guard of the engine is switched off at a time, and the books must show it.

Each mutation replaces one method for as long as it lasts, in the process that tests; nothing in the daemon knows of
it. One that cannot be called as what it replaces, or that breaks while it is played, raises `Stale`: it would show
nothing. With each goes what is played until the first finding. Run all of them, with how long each stayed hidden:

    python -m tests.torture.mutations
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec

from olhubd.engine.access.token_store import TokenStore
from olhubd.engine.access.tokens import StoredTokens, TokenKeeper
from olhubd.engine.feed.reader import FeedReader
from olhubd.engine.flow.flow import Result
from olhubd.engine.flow.landing import Landing
from olhubd.engine.flow.orders import OrderLanding
from olhubd.engine.outbox.actions.push_order import PushOrder
from olhubd.engine.outbox.attempt import DeliveryOutcome, Executor, Job
from olhubd.engine.outbox.dispatcher import Dispatcher
from olhubd.engine.outbox.doubts import Doubts
from olhubd.engine.outbox.target import TargetAccount
from olhubd.model import Delivery, DeliveryState, Money, Order
from olhubd.plugin import Receipt, Token
from olhubd.plugin.response import ErrorTable
from olhubd.store import Transaction, deliveries, feeds, orders
from olhubd_torture import inline
from olhubd_torture.campaign import SMALL, at_every_crossing, by_seed, restored
from olhubd_torture.run_schedule import ScheduleResult as Played
from olhubd_torture.run_schedule import play

__all__ = ["MUTATIONS", "Mutation", "Stale", "small", "swap"]

Patch = Callable[[], contextlib.AbstractContextManager[Any]]
Plays = Callable[[], Iterable[Played]]


class Mutation(msgspec.Struct, frozen=True):
    """A guard that is off under `patch`; `plays` find it out, by a finding of one of the `kinds`."""

    patch: Patch
    plays: Plays
    kinds: frozenset[str]

    def hidden(self) -> tuple[int, Played | None]:
        """How many plays it survived, and the one that found it."""
        number = 0
        with self.patch():
            for number, result in enumerate(self.plays(), 1):
                if broken := [text for text in result.findings if _breaks(text, self.kinds)]:
                    raise Stale(broken[0])
                if result.kinds & self.kinds:
                    return number, result
        return number, None

    def told(self, found: Played) -> str:
        """The finding by which it was found."""
        return next(text for text in found.findings if text.partition(":")[0] in self.kinds)


def _breaks(finding: str, kinds: frozenset[str]) -> bool:
    kind = finding.partition(":")[0]
    return kind in ("broken", "crash") and kind not in kinds


class Stale(Exception):
    """A mutation does not fit any more what it replaces."""


def swap(owner: Any, name: str, replacement: Callable[..., Any]) -> Any:
    """Replace a function or method by one that can be called in the same way. Raises Stale."""
    there = inspect.signature(getattr(owner, name)).parameters.values()
    plain = [one.name for one in there if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = {one.name: None for one in there if one.kind is one.KEYWORD_ONLY}
    try:
        inspect.signature(replacement).bind(*plain, **named)
    except TypeError as error:
        raise Stale(f"{owner.__name__}.{name}: {error}") from error
    return mock.patch.object(owner, name, replacement)


def small(*names: str, power: bool = False) -> Plays:
    """A kill at every crossing of these, or a cut of the power."""
    schedules = [msgspec.structs.replace(SMALL[name], power=power) for name in names]
    return lambda: at_every_crossing(*schedules)


def seeds(count: int) -> Plays:
    return lambda: by_seed(range(1, count + 1))


# The look-up before an order whose outcome is unknown is sent again


def _no_look_up() -> Any:
    carry = Executor.carry

    async def blind(self: Executor, job: Job[Any]) -> DeliveryOutcome:
        delivery = job.delivery
        if delivery.state is DeliveryState.SENT:
            delivery = msgspec.structs.replace(delivery, state=DeliveryState.RETRY)
        return await carry(self, msgspec.structs.replace(job, delivery=delivery))

    return swap(Executor, "carry", blind)


# The time that a target has to settle


def _no_settling() -> Any:
    return swap(Doubts, "settling", lambda _self, _delivery, _settle: 0.0)


def _settling_by_the_wall_clock() -> Any:
    """A clock that is put forward makes a target look settled."""

    def settling(self: Doubts, delivery: Delivery, settle: timedelta) -> float:
        if delivery.state is not DeliveryState.SENT or delivery.sent_at is None:
            return 0.0
        return max(0.0, (delivery.sent_at + settle - self._clock.now()).total_seconds())

    return swap(Doubts, "settling", settling)


# The cursor in the transaction of its rows


def _cursor_first() -> Any:
    land = Landing.land

    async def early(
        self: Landing, account: str, records: Any, *, position: feeds.FeedPosition | None = None, **more: Any
    ) -> Result:
        if position is not None:
            ahead = position

            async def work(tx: Transaction) -> None:
                await feeds.put(tx, ahead)

            await self._database.write(work)
        return await land(self, account, records, **more)

    return swap(Landing, "land", early)


def _cursor_beyond_a_failure() -> Any:
    """The page is counted as landed whole although its end could not be read."""
    from olhubd_torture.memory_connectors import MarketOrders

    pull = MarketOrders.pull

    async def generous(self: MarketOrders, cursor: Any) -> Any:
        page = await pull(self, cursor)
        if page.failure is not None:
            return msgspec.structs.replace(page, cursor=str(self.door.market.end()), failure=None)
        return page

    return swap(MarketOrders, "pull", generous)


# One row an order


_UNIQUE = "BLOB NOT NULL,\n    UNIQUE (account, external_id)\n);\nCREATE INDEX orders_of"
_OPEN = "BLOB NOT NULL\n);\nCREATE INDEX orders_of"


@contextlib.contextmanager
def _no_unique_key() -> Iterator[None]:
    """What is known is not recognised, and the schema does not object."""
    from olhubd.store.sqlite import migrate

    steps = {
        number: sql.replace(_UNIQUE, _OPEN).replace("UNIQUE INDEX order_lines_live", "INDEX order_lines_live")
        for number, sql in migrate._steps().items()
    }

    async def nobody(*_args: Any) -> dict[str, orders.OrderHead]:
        return {}

    with swap(migrate, "_steps", lambda: steps), swap(orders, "held", nobody):
        yield


# Tokens: durable before their first use, one renewal at a time


def _token_kept_later() -> Any:
    async def lazy(self: TokenKeeper, token: Token) -> None:
        kept = self._kept
        self._set(StoredTokens(token=token, previous=kept.token if kept else None))

        async def save() -> None:
            await asyncio.sleep(30)
            await self._vault.save(self._account, token)

        self._late = asyncio.create_task(save())  # type: ignore[attr-defined]

    return swap(TokenKeeper, "_store", lazy)


def _no_single_flight() -> Any:
    async def eager(self: TokenKeeper) -> str:
        if not self._loaded:
            self._set(await self._vault.load(self._account))
        if not self._fresh():
            await self._renew()
        return self._present().access

    return swap(TokenKeeper, "access", eager)


# Our own orders in a target's feed


def _no_echo_guard() -> Any:
    land = OrderLanding.land

    async def naive(self: OrderLanding, candidates: Sequence[Any]) -> Result:
        for candidate in candidates:
            candidate.record = msgspec.structs.replace(candidate.record, reference=None)
        return await land(self, candidates)

    async def all_good(_self: OrderLanding, good: list[Any]) -> tuple[list[Any], list[Order]]:
        return good, []

    stack = contextlib.ExitStack()
    stack.enter_context(swap(OrderLanding, "land", naive))
    stack.enter_context(swap(OrderLanding, "_without_copies", all_good))
    return stack


# The mark of sending, before the call


def _no_mark_of_sending() -> Any:
    claim = deliveries.claim

    async def unmarked(tx: Transaction, *args: Any, **named: Any) -> list[Delivery]:
        claimed = await claim(tx, *args, **named)
        await deliveries.save(tx, [msgspec.structs.replace(one, lease_until=None) for one in claimed])
        return claimed

    # Without it a process that comes after has only the look-up of old orders, so that is off as well.
    stack = contextlib.ExitStack()
    stack.enter_context(swap(deliveries, "claim", unmarked))
    stack.enter_context(_no_look_up_of_old_orders())
    return stack


def _no_look_up_of_old_orders() -> Any:
    """What this database calls never sent is believed to be."""
    return swap(Executor, "_in_doubt", lambda _self, _job: False)


def _no_lease() -> Any:
    """What is under way is claimed once more."""
    claim = deliveries.claim

    async def greedy(
        tx: Transaction,
        target: str,
        precedence: Any,
        now: Any,
        lease_until: Any,
        limit: int,
        *_without: Any,
        **_named: Any,
    ) -> list[Delivery]:
        claimed = await claim(tx, target, precedence, now, lease_until, limit)
        await tx.execute(
            "UPDATE deliveries SET lease_until = NULL, state = 'pending', sent_at = NULL"
            " WHERE lease_until IS NOT NULL"
        )
        return claimed

    return swap(deliveries, "claim", greedy)


# What is acknowledged is on the disk


def _never_synced() -> Any:
    return _syncing("OFF")


def _synced_at_checkpoints() -> Any:
    return _syncing("NORMAL")


def _syncing(mode: str) -> Any:
    """The store asks SQLite for less than it does."""
    execute = inline.InlineConnection.execute

    async def lazy(self: inline.InlineConnection, sql: str, parameters: Any = ()) -> Any:
        if sql == "PRAGMA synchronous = FULL":
            sql = f"PRAGMA synchronous = {mode}"
        return await execute(self, sql, parameters)

    return swap(inline.InlineConnection, "execute", lazy)


def _token_used_before_it_is_synced() -> Any:
    """The transaction of a token is handed to the system; the next one of something else would sync it as well."""
    save = TokenStore.save

    async def lazy(self: TokenStore, account: str, token: Token) -> None:
        for mode, work in (("NORMAL", save(self, account, token)), ("FULL", None)):
            database: Any = self._database
            while database._writer.in_transaction:  # within one, nothing can be changed
                await asyncio.sleep(0)
            await database._writer.execute(f"PRAGMA synchronous = {mode}")
            if work is not None:
                await work

    return swap(TokenStore, "save", lazy)


# The cursor with the last batch of a page


def _cursor_with_every_batch() -> Any:
    land, batch = Landing.land, Landing._batch
    ahead: dict[str, Any] = {}

    async def early(self: Landing, account: str, records: Any, *, position: Any = None, **more: Any) -> Any:
        ahead[account] = position
        return await land(self, account, records, position=position, **more)

    async def eager(
        self: Landing, account: str, some: Any, run: Any, position: Any, *more: Any, **named: Any
    ) -> Any:
        return await batch(self, account, some, run, position or ahead[account], *more, **named)

    stack = contextlib.ExitStack()
    stack.enter_context(swap(Landing, "land", early))
    stack.enter_context(swap(Landing, "_batch", eager))
    return stack


# The time that a system asks for


def _hasty(error: Any) -> Any:
    """The same failure, without the time."""
    if getattr(error, "retry_after", None) is None:
        return error
    hasty = copy.copy(error)
    hasty.retry_after = None
    return hasty


def _feed_forgets_the_time() -> Any:
    def heedless(self: FeedReader, failure: Any) -> bool:
        return False

    return swap(FeedReader, "_heed", heedless)


def _delivery_forgets_the_time() -> Any:
    failed = Executor._failed

    def hasty(self: Executor, job: Job[Any], error: Any) -> DeliveryOutcome:
        outcome = failed(self, job, _hasty(error))
        return msgspec.structs.replace(outcome, failure=error if outcome.failure is not None else None)

    return swap(Executor, "_failed", hasty)


def _target_forgets_the_time() -> Any:
    judge = Dispatcher._judge

    async def hasty(self: Dispatcher, outcome: DeliveryOutcome) -> None:
        await judge(self, msgspec.structs.replace(outcome, failure=_hasty(outcome.failure)))

    return swap(Dispatcher, "_judge", hasty)


# What the target has, against what was sent


def _currency_ignored() -> Any:
    arrived = PushOrder._arrived

    def trusting(
        self: PushOrder, target: TargetAccount, job: Job[Any], receipt: Receipt, *, looked_up: bool = False
    ) -> Any:
        total = Money(receipt.total.amount, job.stored.order.total.currency)
        return arrived(self, target, job, msgspec.structs.replace(receipt, total=total), looked_up=looked_up)

    return swap(PushOrder, "_arrived", trusting)


def _differences_ignored() -> Any:
    arrived = PushOrder._arrived

    def trusting(
        self: PushOrder, target: TargetAccount, job: Job[Any], receipt: Receipt, *, looked_up: bool = False
    ) -> Any:
        return arrived(self, target, job, msgspec.structs.replace(receipt, differences=()), looked_up=looked_up)

    return swap(PushOrder, "_arrived", trusting)


def _strangers_believed() -> Any:
    """Whatever fails is taken for the system's own refusal."""
    return swap(ErrorTable, "proves", lambda _self, _answer: True)


ONCE = frozenset({"doubled"})

MUTATIONS: dict[str, Mutation] = {
    "no look-up before sending again": Mutation(_no_look_up, small("a lost answer"), ONCE),
    "no time to settle": Mutation(_no_settling, small("a shop that acts late"), ONCE),
    "settling by the wall clock": Mutation(_settling_by_the_wall_clock, seeds(400), ONCE),
    "the cursor before its rows": Mutation(_cursor_first, small("an order"), frozenset({"cursor"})),
    "the cursor beyond what was read": Mutation(
        _cursor_beyond_a_failure, small("an order that cannot be read at first"), frozenset({"cursor"})
    ),
    "no unique key": Mutation(_no_unique_key, small("an order"), frozenset({"rows", "doubled"})),
    "a token kept after its first use": Mutation(_token_kept_later, small("a refresh"), frozenset({"parked"})),
    "renewals beside each other": Mutation(
        _no_single_flight, small("a refresh that two wait for"), frozenset({"refresh"})
    ),
    "no echo guard": Mutation(_no_echo_guard, small("an order"), frozenset({"ghost"})),
    "no mark of sending": Mutation(_no_mark_of_sending, small("an order"), ONCE),
    "no look-up after a restore": Mutation(
        _no_look_up_of_old_orders, lambda: (play(restored("older", skew)) for skew in (0, -86400)), ONCE
    ),
    "no lease": Mutation(_no_lease, seeds(200), ONCE),
    "never synced": Mutation(_never_synced, small("an order", power=True), frozenset({"power"})),
    "synced at checkpoints only": Mutation(
        _synced_at_checkpoints, small("an order", power=True), frozenset({"power"})
    ),
    "a token used before it is synced": Mutation(
        _token_used_before_it_is_synced, small("a refresh", power=True), frozenset({"power", "parked"})
    ),
    "the cursor with every batch": Mutation(
        _cursor_with_every_batch, small("a page of orders"), frozenset({"cursor"})
    ),
    "a feed that forgets Retry-After": Mutation(
        _feed_forgets_the_time, small("a marketplace that asks for time"), frozenset({"impatient"})
    ),
    "a delivery that forgets Retry-After": Mutation(
        _delivery_forgets_the_time, small("a shop that asks for time"), frozenset({"impatient"})
    ),
    "a target that is down and tried early": Mutation(
        _target_forgets_the_time, small("a shop that asks everybody for time"), frozenset({"impatient"})
    ),
    "currency ignored": Mutation(_currency_ignored, small("another currency"), frozenset({"total"})),
    "differences ignored": Mutation(
        _differences_ignored, small("a line that the shop drops"), frozenset({"lines"})
    ),
    "strangers believed": Mutation(
        _strangers_believed, small("a stranger's answer"), frozenset({"doubled", "held", "parked"})
    ),
}


def main() -> None:
    """Run all and tell."""
    from tests.torture.price_mutations import PRICE_MUTATIONS
    from tests.torture.stock_mutations import STOCK_MUTATIONS

    missed = 0
    for name, mutation in (MUTATIONS | STOCK_MUTATIONS | PRICE_MUTATIONS).items():
        began = time.perf_counter()
        plays, found = mutation.hidden()
        took = time.perf_counter() - began
        missed += found is None
        told = f"found by play {plays}: {mutation.told(found)}" if found else f"NOT FOUND in {plays} plays"
        print(f"{name:36} {took:6.1f} s  {told}"[:200])  # noqa: T201 - its purpose
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
