"""What many offers cost: bytes of each table, look-ups by mark, pages of lists, and a change of one item's stock.

    python tests/bench/goods.py [offers] [rounds]

The file is filled by the store's own functions: each item of one stock master is sold by ten offers, each of an
account of its own, linked by its SKU, with a quantity that it must show and shows. Bytes are those of the pages of
a table with its indexes, for each offer. Beside each look-up stands what it takes to find one row by its number, in
the same run. At the end the stock of one item with fifty offers on ten accounts
changes: how many marks that is, and how many calls bring it out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from olhubd.decide.stock.level import OfferLevel
from olhubd.decide.stock.policy import StockRule
from olhubd.model import (
    Counting,
    Link,
    Linking,
    LinkOrigin,
    Offer,
    OfferState,
    StockBasis,
    StockLevel,
)
from olhubd.store import Database, Reader, Transaction, catalog_search, codec, levels, offers, stock_items
from olhubd.store.catalog_search import LinkSearch, OfferSearch, StockSearch
from olhubd.store.offers import StoredOffer
from olhubd.store.stock_items import StockItem
from tests.bench._meter import machine
from tests.engine.levels.stall import Channel, Stall

ACCOUNTS = tuple(f"allegro-{number}" for number in range(10))
_BATCH = 500
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_PAGE = 50.0
"""The goal in milliseconds."""
_BYTES = 1536.0
"""The goal for an offer."""


def ean(number: int) -> str:
    """An article number with its check digit."""
    digits = f"59{number:010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


async def fill(database: Database, count: int) -> None:
    """So many offers, ten of each item."""
    for first in range(0, count // len(ACCOUNTS), _BATCH):
        numbers = range(first, min(first + _BATCH, count // len(ACCOUNTS)))

        async def work(tx: Transaction, numbers: range = numbers) -> None:
            items, listed, links, rows = [], [], [], []
            for number in numbers:
                name, sku = f"Kubek ceramiczny numer {number}, 330 ml", f"KUB-{number:07d}"
                level = StockLevel(
                    external_id=str(number), name=name, sku=sku, ean=ean(number), counting=Counting.COUNTED,
                    basis=StockBasis.FREE, quantity=number % 40,
                )  # fmt: skip
                digest = codec.digest(codec.encode(level))
                items.append(
                    StockItem(id=number + 1, account="shop", level=level, read_after=1, read_at=_AT, digest=digest)
                )
                for place, account in enumerate(ACCOUNTS):
                    id_ = number * len(ACCOUNTS) + place + 1
                    offer = Offer(
                        external_id=str(7_700_000_000 + id_), name=name, sku=sku, state=OfferState.ACTIVE,
                        quantity=number % 40,
                    )  # fmt: skip
                    listed.append(
                        StoredOffer(
                            id=id_,
                            account=account,
                            offer=offer,
                            read_after=1,
                            read_at=_AT,
                            digest=codec.digest(codec.encode(offer)),
                            linking=Linking.LINKED,
                        )
                    )
                    links.append(Link(offer=id_, item=number + 1, origin=LinkOrigin.SKU, linked_at=_AT))
                    rows.append(
                        OfferLevel(
                            offer=id_,
                            account=account,
                            external_id=offer.external_id,
                            wanted=number % 40,
                            wanted_after=1,
                            basis_after=1,
                            confirmed=number % 40,
                            confirmed_after=1,
                            confirmed_at=_AT,
                            inside=number % 40,
                        )
                    )
            await stock_items.put(tx, items)
            await offers.put(tx, listed)
            await offers.link(tx, links)
            await levels.put(tx, rows)

        await database.write(work)


async def weigh(reader: Reader, count: int) -> float:
    """Print the bytes of each table for each offer; gives their sum."""
    rows = await reader.fetch(
        "SELECT m.tbl_name, SUM(s.pgsize) FROM sqlite_master AS m CROSS JOIN dbstat AS s ON s.name = m.name"
        " GROUP BY m.tbl_name HAVING SUM(s.pgsize) > ? ORDER BY 2 DESC",
        (count,),
    )
    for table, size in rows:
        print(f"  {table:24} {size / count:8.0f} bytes an offer")
    return float(sum(size for _, size in rows)) / count


async def timed(ask: Callable[[int], Awaitable[object]], numbers: list[int]) -> tuple[float, float]:
    """Median and 99th of 100 in milliseconds."""
    found = []
    for number in numbers:
        began = time.perf_counter()
        await ask(number)
        found.append((time.perf_counter() - began) * 1000)
    found.sort()
    return statistics.median(found), found[int((len(found) - 1) * 0.99)]


async def look_up(reader: Reader, count: int, rounds: int) -> bool:
    """Print what look-ups and pages take. Returns whether all are within their goals."""
    dice, items = random.Random(7), count // len(ACCOUNTS)
    numbers = [dice.randrange(items) for _ in range(rounds)]

    async def bare(number: int) -> object:
        return await reader.one("SELECT name FROM stock_items WHERE id = ?", (number + 1,))

    async def linked(number: int) -> object:
        (item,) = await stock_items.by_codes(reader, [f"KUB-{number:07d}"], [])
        return await offers.of_items(reader, [item.id])

    asked: dict[str, Callable[[int], Awaitable[object]]] = {
        "one row by its number": bare,
        "an item by its SKU, with its links": linked,
        "an item by its EAN": lambda number: stock_items.by_codes(reader, [], [f"0{ean(number)}"]),
        "a page of stock, by name": lambda number: catalog_search.find_stock(
            reader, StockSearch(text=f"Kubek ceramiczny numer {number}"), before=None, limit=50
        ),
        "a page of an account's offers": lambda number: catalog_search.find_offers(
            reader, OfferSearch(account=ACCOUNTS[0]), before=number * 10 + 100, limit=50
        ),
        "a page of offers that are not even": lambda _: catalog_search.find_offers(
            reader, OfferSearch(uneven=True), before=None, limit=50
        ),
    }
    base, good = 0.0, True
    for name, ask in asked.items():
        median, late = await timed(ask, numbers)
        base = base or median
        good = good and median <= _PAGE
        print(f"  {name:40} {median:8.2f} ms, 99 of 100 {late:8.2f} ms, {median / base:6.1f} times a bare row")
    return good


async def pages(reader: Reader, count: int, rounds: int = 7) -> bool:
    """Print the CPU of a page of each list, by what is looked for and deep inside. Returns whether all are good."""
    account, items = ACCOUNTS[3], count // len(ACCOUNTS)
    name, state = "Kubek", OfferState.ACTIVE
    listed: dict[str, tuple[OfferSearch | StockSearch | LinkSearch, int | None]] = {
        "offers": (OfferSearch(), None),
        "offers, deep": (OfferSearch(), count // 2),
        "an account's offers, deep": (OfferSearch(account=account), count // 3),
        "offers by state": (OfferSearch(state=state), count // 2),
        "offers by linking": (OfferSearch(linking=Linking.LINKED), None),
        "offers that nobody linked": (OfferSearch(unlinked=True), None),
        "sold out": (OfferSearch(sold_out=True), None),
        "sold out, of an account, deep": (OfferSearch(sold_out=True, account=account), count // 2),
        "offers not as wanted": (OfferSearch(uneven=True), None),
        "offers with a name that all have": (OfferSearch(text=name), count // 3),
        "the same in a state that none has": (OfferSearch(text=name, state=OfferState.ENDED), None),
        "stock, deep": (StockSearch(), items // 2),
        "stock that no offer sells": (StockSearch(unlinked=True), None),
        "stock sold out": (StockSearch(sold_out=True), None),
        "stock with offers not as wanted, deep": (StockSearch(uneven=True), items // 2),
        "stock with a name that all has": (StockSearch(text=name), None),
        "links of an account, deep": (LinkSearch(account=account), count // 3),
        "links by hand": (LinkSearch(origin=LinkOrigin.HAND), None),
    }
    good = True
    for what, (wanted, before) in listed.items():
        found = []
        for _ in range(rounds):
            began = time.process_time()
            if isinstance(wanted, OfferSearch):
                await catalog_search.find_offers(reader, wanted, before=before, limit=50)
            elif isinstance(wanted, StockSearch):
                await catalog_search.find_stock(reader, wanted, before=before, limit=50)
            else:
                await catalog_search.find_links(reader, wanted, before=before, limit=50)
            found.append((time.process_time() - began) * 1000)
        good = good and max(found) <= _PAGE
        print(f"  {what:40} {statistics.median(found):8.2f} ms CPU, longest {max(found):8.2f} ms")
    return good


async def change(folder: Path) -> bool:
    """One item with fifty offers on ten accounts: the marks of a change, and the calls that bring it out."""
    async with Database.open(folder / "change.sqlite") as database:
        stall = Stall(database, StockRule(master="shop", channels=frozenset(ACCOUNTS)))
        await stall.stock("A", 9)
        sold = []
        for place, account in enumerate(ACCOUNTS):
            channel = stall.channel = Channel()
            for number in range(5):
                await stall.offer(f"{place}{number}", "A", 9, account)
            sold.append((channel, stall.make_leveller(account, channel)))
        for _, leveller in sold:
            await leveller.begin()
            await leveller.turn()
        before = await database.reader.one("SELECT COUNT(*) FROM stock_marks WHERE id > 0")
        began = time.perf_counter()
        await stall.stock("A", 4)
        after = await database.reader.one("SELECT COUNT(*) FROM stock_marks WHERE id > 0")
        assert before is not None
        assert after is not None
        for _, leveller in sold:
            await leveller.turn()
        took, marks = time.perf_counter() - began, after[0] - before[0]
        calls = sum(len(channel.calls) for channel, _ in sold)
        right = all(shown == 4 for channel, _ in sold for shown in channel.shown.values())
        print(f"  {marks} mark, {calls} calls, {took * 1000:.0f} ms; all show what is right: {right}")
        return marks == 1 and calls == len(ACCOUNTS) and right


async def measure(count: int, rounds: int) -> bool:
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        async with Database.open(Path(folder) / "goods.sqlite") as database:
            began = time.perf_counter()
            await fill(database, count)
            print(f"{count:,} offers, ten of each item, filled in {time.perf_counter() - began:.0f} s")
            size = await weigh(database.reader, count)
            print(f"  {'together':24} {size:8.0f} bytes an offer, {_BYTES:.0f} are the goal")
            good = await look_up(database.reader, count, rounds)
            good = await pages(database.reader, count) and good
        print("the stock of one item with fifty offers on ten accounts changes:")
        return await change(Path(folder)) and good and size <= _BYTES


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("offers", type=int, nargs="?", default=100_000)
    parser.add_argument("rounds", type=int, nargs="?", default=200)
    given = parser.parse_args()
    raise SystemExit(0 if asyncio.run(measure(given.offers, given.rounds)) else 1)
