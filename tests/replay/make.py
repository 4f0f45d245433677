"""Records the fixtures anew, and writes down what is decided from them.

    python -m tests.replay.make            what is decided now from the inputs that are there
    python -m tests.replay.make --record   new inputs too, from simulated trade

All of it is made up: the buyers of the simulators, and the small worlds of torture with their seeds.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from olhubd.engine.replay.replay import replay
from olhubd_torture.run_schedule import play
from olhubd_torture.schedule import draw
from tests.e2e.test_hub import Seller
from tests.replay import tape

SEEDS = (2, 34, 47, 55)
"""Schedules that between them have merges, cancellations, kills, lost answers, echoes and a person who accepts."""


async def trade(folder: Path) -> Path:
    """Two marketplace accounts and a shop, over real sockets, with whatever buyers and operators do."""
    seller = Seller(folder)
    async with seller.open():
        first, second = seller.first.ledger, seller.second.ledger
        bought = first.buy(4) + second.buy(2)
        waiting = first.buy(ready=False, payment="ONLINE")
        parts = second.buy(2, ready=False, buyer=4, payment="ONLINE")
        second.merge(parts)
        first.advance(waiting[0])
        first.advance(waiting[0])
        await seller.settled()
        first.cancel(bought[0])
        first.change_address(bought[1])
        await seller.settled()
        entry = seller.in_shop("first", bought[2])
        await asyncio.sleep(0.5)
        seller.shop.add_tracking(entry.external_id, "6300012345", "inpost")
        seller.shop.set_status(entry.external_id, "completed")
        await asyncio.sleep(1.5)
        await seller.settled()
    return folder / "hub.sqlite"


def storm(seed: int, folder: Path) -> Path:
    """One schedule of torture; the last of its lives has the inputs of all."""
    result = play(draw(seed), keep=folder)
    assert not result.findings
    last = max(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    return folder / str(last) / "hub.sqlite"


async def _write(name: str, database: Path) -> None:
    """The inputs, after a look whether they lead to what stands in the database."""
    with tempfile.TemporaryDirectory() as folder:
        report = await replay(database, Path(folder) / "scratch.sqlite")
    assert report.differ == 0, f"{name}: replayed it is another"
    (tape.FOLDER / f"{name}.inputs.jsonl").write_bytes(await tape.recorded(database))
    (tape.FOLDER / f"{name}.names.jsonl").write_bytes(await tape.named(database))


async def _decide() -> None:
    for path in sorted(tape.FOLDER.glob("*.inputs.jsonl")):
        with tempfile.TemporaryDirectory() as folder:
            now = await tape.again(path.name.partition(".")[0], Path(folder) / "scratch.sqlite")
        path.with_name(path.name.replace(".inputs.", ".decided.")).write_bytes(now)


def main() -> None:
    if "--record" in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_write("trade", asyncio.run(trade(Path(folder)))))
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(_write(f"storm-{seed}", storm(seed, Path(folder))))
    asyncio.run(_decide())


if __name__ == "__main__":
    main()
