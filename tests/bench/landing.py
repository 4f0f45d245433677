"""Landing through the whole pipeline against the least that could store the same rows.

    python tests/bench/landing.py [orders] [rounds]

Ours: decode the record, compare with what is held, contest lines, plan, and store order, lines, events, delivery,
run and cursor through the grouping writer; once more with the inputs kept for `olhubd replay`. Bare: a loop over
`sqlite3` that decodes the same record and inserts the same rows in transactions of 100, with the same pragmas,
comparing nothing. Rounds are interleaved; the ratio is of the medians within this run.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from olhubd.decide.route import Route
from olhubd.engine.flow.landing import Landing
from olhubd.model import Order, Run, RunId
from olhubd.runtime.clock import SystemClock
from olhubd.store import Database, codec, feeds, orders
from olhubd.store.sqlite import migrate
from olhubd_allegro import mapping, wire
from olhubd_kit.simulators.allegro import AllegroSimulator
from tests.orders import EPOCH

BATCH = 100
PAGE = 1000
"""As many as the journal of Allegro tells at one time."""


def forms(count: int) -> list[bytes]:
    """Checkout forms as Allegro sends them, about 3 KB each."""
    simulator = AllegroSimulator(7)
    ids = simulator.ledger.buy(count, lines=3, payment="ONLINE")
    return [simulator.ledger.purchases[id_].body for id_ in ids]


def canonical(raw: Sequence[bytes]) -> list[bytes]:
    """The same orders as canonical documents."""
    decode = msgspec.json.Decoder(wire.Form).decode
    return [codec.encode(mapping.order(decode(form))) for form in raw]


async def ours(documents: Sequence[bytes], path: Path, *, inputs: bool = False) -> tuple[float, float]:
    async with Database.open(path) as database:
        database.recording = inputs
        clock = SystemClock()
        routes = [Route(target="shop", sources=frozenset({"allegro"}))]
        landing = Landing(database, clock, lambda: routes, lambda targets: None)
        decode = msgspec.json.Decoder(Order).decode
        wall, cpu = time.perf_counter(), time.process_time()
        run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
        for start in range(0, len(documents), PAGE):
            page = [decode(document) for document in documents[start : start + PAGE]]
            position = feeds.FeedPosition(account="allegro", feed="orders", cursor=str(start), moved_at=EPOCH)
            await landing.land("allegro", page, run=run, position=position)
        return time.perf_counter() - wall, time.process_time() - cpu


def bare(documents: Sequence[bytes], path: Path) -> tuple[float, float]:
    migrate.migrate(path)
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")
    decode = msgspec.json.Decoder(Order).decode
    wall, cpu = time.perf_counter(), time.process_time()
    id_ = event = 0
    for start in range(0, len(documents), BATCH):
        rows, events, deliveries = [], [], []
        lines: list[tuple[object, ...]] = []
        for document in documents[start : start + BATCH]:
            order = decode(document)
            id_ += 1
            rows.append(
                (
                    id_,
                    "allegro",
                    order.external_id,
                    None,
                    order.stage.value,
                    order.fulfilment.value,
                    1,
                    0,
                    "PLN",
                    str(order.total.amount),
                    order.buyer.login,
                    None,
                    0,
                    0,
                    b"0123456789abcdef",
                    document,
                    orders.scaled(order.total.amount),
                )
            )
            lines.extend(
                (
                    id_,
                    n,
                    "allegro",
                    line.external_id,
                    line.offer_id,
                    line.sku,
                    line.ean,
                    line.name,
                    line.quantity,
                    1,
                )
                for n, line in enumerate(order.lines)
            )
            for kind in ("order.placed", "order.confirmed", "order.paid"):
                event += 1
                events.append((event, 0, kind, "allegro", "order", id_, "run", "1", b'{"external_stage":"READY"}'))
            deliveries.append(
                (
                    id_,
                    "order",
                    id_,
                    "shop",
                    "push-order",
                    "",
                    "pending",
                    event,
                    0,
                    0,
                    0,
                    None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    b"{}",
                )
            )
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO orders VALUES ({codec.marks(rows[0])})", rows)
        connection.executemany(f"INSERT INTO order_lines VALUES ({codec.marks(lines[0])})", lines)
        connection.executemany(f"INSERT INTO events VALUES ({codec.marks(events[0])})", events)
        marks = f"{codec.marks(deliveries[0])}, NULL, 0, 0, NULL"
        connection.executemany(f"INSERT INTO deliveries VALUES ({marks})", deliveries)
        connection.execute(
            "INSERT INTO feeds VALUES ('allegro', 'orders', ?, 0, NULL, NULL, 0)"
            " ON CONFLICT (account, feed) DO UPDATE SET cursor = excluded.cursor",
            (str(start),),
        )
        connection.execute("COMMIT")
    result = time.perf_counter() - wall, time.process_time() - cpu
    connection.close()
    return result


async def again(documents: Sequence[bytes], path: Path) -> float:
    """The same orders once more, unchanged: CPU seconds."""
    async with Database.open(path) as database:
        landing = Landing(database, SystemClock(), list, lambda targets: None)
        decode = msgspec.json.Decoder(Order).decode
        cpu = time.process_time()
        run = Run(id=RunId(1), account="allegro", feed="orders", trigger="timer", started_at=EPOCH)
        for start in range(0, len(documents), BATCH):
            await landing.land("allegro", [decode(d) for d in documents[start : start + BATCH]], run=run)
        assert not await orders.held(database.reader, "allegro", ["nobody"])
        return time.process_time() - cpu


def mapped(raw: Sequence[bytes]) -> float:
    """CPU seconds to turn the marketplace's JSON into canonical records."""
    decode = msgspec.json.Decoder(wire.Form).decode
    cpu = time.process_time()
    for form in raw:
        mapping.order(decode(form))
    return time.process_time() - cpu


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    raw = forms(count)
    documents = canonical(raw)
    size = sum(map(len, documents)) / count
    print(f"{count} orders of {size / 1024:.1f} KB (canonical), {rounds} interleaved rounds")
    names = ("ours", "keeping inputs", "bare")
    walls: dict[str, list[float]] = {name: [] for name in names}
    cpus: dict[str, list[float]] = {name: [] for name in names}
    repeats = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            path = Path(folder) / f"ours-{number}"
            results = {
                "ours": asyncio.run(ours(documents, path)),
                "keeping inputs": asyncio.run(ours(documents, Path(folder) / f"inputs-{number}", inputs=True)),
                "bare": bare(documents, Path(folder) / f"bare-{number}"),
            }
            repeats.append(asyncio.run(again(documents, path)))
            for name, (wall, cpu) in results.items():
                walls[name].append(wall)
                cpus[name].append(cpu)
    for name in names:
        wall, cpu = statistics.median(walls[name]), statistics.median(cpus[name])
        print(f"{name}: {count / wall:8.0f} orders/s, {cpu / count * 1e6:6.0f} us CPU an order")
    print(f"unchanged again: {statistics.median(repeats) / count * 1e6:6.0f} us CPU an order")
    print(f"Allegro JSON to record: {mapped(raw) / count * 1e6:6.0f} us CPU an order")
    wall_ratio = statistics.median(walls["bare"]) / statistics.median(walls["ours"])
    cpu_ratio = statistics.median(cpus["bare"]) / statistics.median(cpus["ours"])
    print(f"ratio to bare: {wall_ratio:.2f} by wall clock, {cpu_ratio:.2f} by CPU")
    kept = statistics.median(walls["keeping inputs"]) / statistics.median(walls["ours"]) - 1
    print(f"to keep inputs takes {kept:.1%} longer")


if __name__ == "__main__":
    main()
