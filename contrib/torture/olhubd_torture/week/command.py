"""`olhubd demo --days N`: days of a seller in minutes, and beside them the same days with an hourly copy."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from olhubd_kit.catalogue import wares
from olhubd_torture.week import hourly, hub, plan, report

__all__ = ["show"]

MARKETS = ("allegro-main", "allegro-second", "allegro-third")


def show(
    days: int,
    orders: int,
    products: int,
    policy: str,
    seed: int | None,
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> bool:
    """Play the days and print what came of them. `note` takes lines of progress. Returns whether all is well."""
    seed = random.randrange(1_000_000) if seed is None else seed
    sold = wares(products)
    drawn = plan.draw(seed, days, orders, sold, MARKETS)
    began, worked = time.perf_counter(), time.process_time()

    def told(seconds: float) -> None:
        done, hours = seconds / (days * plan.DAY), seconds / 3600
        note(f"... {hours:.0f} of {days * 24} hours, {time.perf_counter() - began:.0f} s, {done:.0%}")

    note(f"{days} days of {products} products at {len(MARKETS)} marketplace accounts and a shop (seed {seed}) ...")
    week = hub.carry(drawn, sold, told, policy)
    other = hourly.carry(drawn, sold)
    for line in report.table(week.result, other):
        say(line)
    say("")
    books = week.books
    say(f"books: {books.sold} sold at the marketplaces, {books.forwarded} in the shop, {len(books.lost)} lost,")
    say(f"       {len(books.doubled)} doubled, {len(books.wrong_totals)} wrong totals, {len(books.strays)} strays")
    for line in report.explained(week.explained, week.braked):
        say(line)
    for one in week.result.oversold:
        say(report.post_mortem(one))
    for line in week.errors:
        say(line)
    took, busy = time.perf_counter() - began, time.process_time() - worked
    say(f"took {took:.0f} s, in which a processor worked {busy:.0f} s for it")
    return books.clean and not week.errors
