"""Exactly once: that a lost answer, a late act or a failing gateway makes no second order, nor hides the first.

A push may take several calls; the fault is put at each of them in turn, one push for each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from olhubd.plugin import OrderSink, OutcomeUnknown, PluginError, Push, Receipt
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.find import find
from olhubd_kit.conformance.push import made, only, push_of
from olhubd_kit.conformance.rule import Tier, broken, check, rule
from olhubd_kit.conformance.strangers import AFTER_ACTING
from olhubd_kit.faults import Fault, FaultKind

_SINK = "OrderSink"
MOST_CALLS = 40
"""A push of one order takes fewer calls than this."""
KINDS = (
    FaultKind.LOSE,
    FaultKind.RESET,
    FaultKind.HALF,
    FaultKind.ERROR_AFTER,
    FaultKind.CUT,
    FaultKind.ERROR,
    FaultKind.THROTTLE,
    FaultKind.LATE,
)


async def struck(bench: Bench, kind: FaultKind, **how: Any) -> AsyncIterator[tuple[Push, Receipt | PluginError]]:
    """Push one order after the other, with a single fault at the first call, at the second, and so on.

    Twice over: what a connector looks up once and remembers is called for in the first round only.
    """
    for again in ("first", "again"):
        for call in range(MOST_CALLS):
            before = bench.struck()
            push = push_of(bench, external_id=f"{kind.value}-{len(bench.books())}-{again}-{call}")
            options = {"status": 502, "retry_after": 1, "seconds": 0.005} | how
            bench.faults.add(Fault(kind=kind, after=call, **options))
            answer = await bench.attempt(lambda push=push: bench.part(OrderSink).push_order(push))  # type: ignore[misc]
            bench.faults.clear()
            await bench.faults.settle()
            if bench.struck() == before:
                break
            yield push, answer


def _one_more(push: Push) -> Push:
    """The same order with one piece more, paid for as well."""
    order = push.order
    lines = (msgspec.structs.replace(order.lines[0], quantity=order.lines[0].quantity + 1), *order.lines[1:])
    order = msgspec.structs.replace(order, lines=lines)
    total = order.expected_total()
    payment = order.payment and msgspec.structs.replace(order.payment, paid=total)
    return msgspec.structs.replace(push, order=msgspec.structs.replace(order, total=total, payment=payment))


async def _lost(bench: Bench, kind: FaultKind, **how: Any) -> None:
    made = 0
    async for push, answer in struck(bench, kind, **how):
        there = bench.carrying(push.reference)
        check(len(there) <= 1, f"one push with a fault {kind.value!r} made {len(there)} orders")
        if not there:
            continue
        made += 1
        if isinstance(answer, Receipt):  # it looked by itself, or the lost answer was not the one that mattered
            check(answer.external_id == there[0].external_id, "the receipt is for another order")
            continue
        told = type(answer).__name__ + (f" after {how['status']} {how['body'][:12]!r}" if how else "")
        check(isinstance(answer, OutcomeUnknown), f"the order was made, yet the push raised {told}")
        bench.clock.advance(bench.part(OrderSink).settle.total_seconds())
        found = await find(bench, push.reference)
        if found is None:
            broken("the order was made, yet it is not found")
        check(found.external_id == there[0].external_id, f"found {found.external_id}, not {there[0].external_id}")
    check(made, "no push made an order")


@rule("ONCE-01", Tier.SILVER, _SINK)
async def a_lost_answer_is_an_unknown_outcome(bench: Bench) -> None:
    """An order whose answer got lost is one order; the push raises OutcomeUnknown and the order is found."""
    await _lost(bench, FaultKind.LOSE)
    await _lost(bench, FaultKind.RESET)


@rule("ONCE-02", Tier.SILVER, _SINK)
async def half_an_answer_is_an_unknown_outcome(bench: Bench) -> None:
    """The same when the answer breaks off in the middle."""
    await _lost(bench, FaultKind.HALF)


@rule("ONCE-03", Tier.SILVER, _SINK)
async def a_gateway_that_gave_up_is_an_unknown_outcome(bench: Bench) -> None:
    """The same when a gateway answers 502 although the server behind it has acted."""
    await _lost(bench, FaultKind.ERROR_AFTER)


@rule("ONCE-04", Tier.SILVER, _SINK)
async def what_never_arrived_is_not_found(bench: Bench) -> None:
    """When the connection is cut before the target acts, the push raises and nothing is found."""
    async for push, answer in struck(bench, FaultKind.CUT):
        if isinstance(answer, Receipt):
            only(bench, push)
        elif not bench.carrying(push.reference):
            found = await find(bench, push.reference)
            check(found is None, "an order is found that was never made")


@rule("ONCE-05", Tier.GOLD, _SINK)
async def a_late_act_is_found_after_settling(bench: Bench) -> None:
    """When the target acts after the connection broke, the order is found once `settle` is over."""
    await _lost(bench, FaultKind.LATE)


@rule("ONCE-06", Tier.SILVER, _SINK)
async def one_push_never_makes_two(bench: Bench) -> None:
    """Under any single fault at any call, one push leaves one order at most; a receipt means that it is there."""
    for kind in KINDS:
        async for push, answer in struck(bench, kind):
            count = len(bench.carrying(push.reference))
            check(count <= 1, f"one push with a fault {kind.value!r} made {count} orders")
            if isinstance(answer, Receipt):
                check(only(bench, push).external_id == answer.external_id, "the receipt is for another order")


@rule("ONCE-07", Tier.SILVER, _SINK)
async def only_an_unknown_outcome_may_leave_an_order(bench: Bench) -> None:
    """Any error but OutcomeUnknown is a promise that no order was made."""
    for kind in KINDS:
        async for push, answer in struck(bench, kind):
            if isinstance(answer, PluginError) and not isinstance(answer, OutcomeUnknown):
                told = f"{type(answer).__name__} after a fault {kind.value!r}"
                check(not bench.carrying(push.reference), f"{told}, yet the order was made")


@rule("ONCE-08", Tier.SILVER, _SINK)
async def looking_up_and_pushing_again_ends_with_one(bench: Bench) -> None:
    """After any single fault, finding the order or else pushing it again ends with one order at the right total."""
    for kind in KINDS:
        async for push, answer in struck(bench, kind):
            if not isinstance(answer, Receipt):
                bench.clock.advance(bench.part(OrderSink).settle.total_seconds())
                if await find(bench, push.reference) is None:
                    await bench.part(OrderSink).push_order(push)
            entry = only(bench, push)
            wanted, got = push.order.total, entry.total
            check(got == wanted, f"after a fault {kind.value!r} the order costs {got}, not {wanted}")


@rule("ONCE-09", Tier.GOLD, _SINK)
async def what_was_begun_can_be_withdrawn(bench: Bench) -> None:
    """After any single fault a push that is not found can be withdrawn: no part of it stays, of no other order any
    is taken, and withdrawing where there is nothing is no error.
    """
    await bench.part(OrderSink).withdraw_order("market:never-sent")
    other = await made(bench, external_id="bystander")
    for kind in KINDS:
        async for push, answer in struck(bench, kind):
            if isinstance(answer, Receipt):
                continue
            bench.clock.advance(bench.part(OrderSink).settle.total_seconds())
            if await find(bench, push.reference) is not None:
                continue
            await bench.part(OrderSink).withdraw_order(push.reference)
            rest = [entry for entry in bench.simulator.books() if entry.reference == push.reference]
            check(all(entry.cancelled for entry in rest), f"after a fault {kind.value!r} a part of it stays there")
    check(not bench.books()[other.external_id].cancelled, "another order was withdrawn")


@rule("ONCE-10", Tier.SILVER, _SINK)
async def a_strangers_answer_proves_nothing(bench: Bench) -> None:
    """The same for whatever a firewall or gateway answers in the target's place after it acted: a page, nothing or
    JSON of its own, with 401, 403, 404, 409, 413, 429 or any other status, success among them.
    """
    for answer in AFTER_ACTING:
        await _lost(bench, FaultKind.ERROR_AFTER, **answer)


@rule("ONCE-11", Tier.SILVER, _SINK)
async def what_changed_between_two_tries_is_in_the_order(bench: Bench) -> None:
    """When a push failed and nothing is found, the next one is of the order as it is then: what was begun with the
    older content is not finished with it.
    """
    for kind in KINDS:
        async for push, answer in struck(bench, kind):
            if isinstance(answer, Receipt):
                continue
            bench.clock.advance(bench.part(OrderSink).settle.total_seconds())
            if await find(bench, push.reference) is not None:
                continue
            later = _one_more(push)
            receipt = await bench.part(OrderSink).push_order(later)
            entry, wanted = only(bench, push), later.order.total
            check(entry.total == wanted, f"the order changed to {wanted}, and {entry.total} is there")
            check(receipt.total == wanted, f"the order changed to {wanted}, and the receipt says {receipt.total}")
