"""Finding an order by our reference: what prevents a second parcel after a lost answer."""

from __future__ import annotations

from datetime import timedelta

from olhubd.plugin import OrderSink, Receipt, Temporary
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.push import made
from olhubd_kit.conformance.rule import Tier, check, rule
from olhubd_kit.faults import FaultKind

_SINK = "OrderSink"
CROWD = 105
"""More orders than a page of search results."""


async def find(bench: Bench, reference: str) -> Receipt | None:
    """The order, which must be found whether or not it is known how old it can be."""
    unbounded: Receipt | None = await bench.part(OrderSink).find_order(reference, None)
    found: Receipt | None = await bench.part(OrderSink).find_order(reference, timedelta(hours=1))
    known = found.external_id if found else None
    check(known == (unbounded.external_id if unbounded else None), "a bound by age changes what is found")
    return found


@rule("FIND-01", Tier.BRONZE, _SINK)
async def a_pushed_order_is_found(bench: Bench) -> None:
    """The order that was pushed is found by its reference, the same one at the same total."""
    receipt = await made(bench)
    found = await find(bench, "market:plain-1")
    check(found is not None, "the pushed order is not found")
    if found is not None:
        check(found.external_id == receipt.external_id, f"found {found.external_id}, not {receipt.external_id}")
        check(found.total == receipt.total, f"found at {found.total}, pushed at {receipt.total}")


@rule("FIND-02", Tier.BRONZE, _SINK)
async def an_unknown_reference_is_not_found(bench: Bench) -> None:
    """A reference that no order carries gives None, in an empty shop and in one with orders."""
    empty = await find(bench, "market:never-sent")
    await made(bench)
    full = await find(bench, "market:never-sent")
    check(empty is None and full is None, "an order is found for a reference that was never sent")


@rule("FIND-03", Tier.BRONZE, _SINK)
async def similar_references_are_told_apart(bench: Bench) -> None:
    """Finding is exact: a reference that begins, ends or contains another one is another one."""
    ids = ("10", "101", "210", "10-a", "1O")
    receipts = {key: await made(bench, external_id=key) for key in ids}
    for key in ids:
        found = await find(bench, f"market:{key}")
        wanted = receipts[key].external_id
        check(found is not None and found.external_id == wanted, f"market:{key} finds another order or none")
    for near in ("market:1", "market:0", "market:", "market:1011", "market:10-", "arket:10"):
        found = await find(bench, near)
        check(found is None, f"{near!r} finds the order of a similar reference")


@rule("FIND-04", Tier.SILVER, _SINK)
async def a_failed_search_is_no_answer(bench: Bench) -> None:
    """While the target cannot be asked, finding raises; None would mean that the order is surely not there."""
    await made(bench)
    for kind, status in (
        (FaultKind.ERROR, 503),
        (FaultKind.ERROR, 200),
        (FaultKind.CUT, 0),
        (FaultKind.HALF, 0),
        (FaultKind.THROTTLE, 0),
    ):
        bench.strike(kind, times=None, status=status)
        answer = await bench.attempt(lambda: find(bench, "market:plain-1"))
        bench.faults.clear()
        check(isinstance(answer, Exception), f"after {kind.value} {status or ''} the search gave {answer!r}")


@rule("FIND-05", Tier.GOLD, _SINK)
async def an_order_is_found_among_many(bench: Bench) -> None:
    """The first and the last of many orders are found: the search does not end at a page border."""
    receipts = [await made(bench, external_id=f"crowd-{number}") for number in range(CROWD)]
    for number in (0, CROWD // 2, CROWD - 1):
        found = await find(bench, f"market:crowd-{number}")
        wanted = receipts[number].external_id
        check(found is not None and found.external_id == wanted, f"order {number + 1} of {CROWD} is not found")


@rule("FIND-06", Tier.SILVER, _SINK)
async def an_order_is_found_by_its_number(bench: Bench) -> None:
    """Where a person may name an order by its number, exactly that one is found, with its total and its mark."""
    if not bench.part(OrderSink).numbered:
        return
    receipts = [await made(bench, external_id=f"numbered-{number}") for number in range(11)]
    for number, receipt in enumerate(receipts):
        name = receipt.number or receipt.external_id
        found = await bench.part(OrderSink).find_by_number(name)
        right = found is not None and found.external_id == receipt.external_id
        check(right, f"number {name} finds another order or none")
        if found is not None:
            check(found.total == receipt.total, f"found at {found.total}, pushed at {receipt.total}")
            check(found.reference == f"market:numbered-{number}", f"found with the mark {found.reference}")
    last = receipts[-1].number or receipts[-1].external_id
    for near in (f"{last}0", last[:-1], f"0{last}", f"{last}x"):
        if near in {receipt.number or receipt.external_id for receipt in receipts}:
            continue
        found = await bench.part(OrderSink).find_by_number(near)
        check(found is None, f"{near!r} finds the order of a similar number")


@rule("FIND-07", Tier.GOLD, _SINK)
async def a_short_page_hides_no_order(bench: Bench) -> None:
    """When pages hold less than they could, with more behind them, an order is found or finding raises a Temporary
    error: None would send it a second time.
    """
    receipts = [await made(bench, external_id=f"crowd-{number}") for number in range(CROWD)]
    for number in (0, CROWD // 2, CROWD - 1):
        await bench.do("short_pages", 3)
        found = await bench.attempt(lambda number=number: find(bench, f"market:crowd-{number}"))  # type: ignore[misc]
        if isinstance(found, Temporary):
            continue
        right = isinstance(found, Receipt) and found.external_id == receipts[number].external_id
        check(right, f"with short pages order {number + 1} of {CROWD} is not found")
