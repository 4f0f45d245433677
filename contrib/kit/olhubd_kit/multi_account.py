"""Several simulators of one connector in one process, as a marketplace serves many sellers from one place.

    python -m olhubd_kit.multi_account allegro 101 102 103

serves one for each seed, each on a port of its own, and prints each as a line of JSON as `olhubd simulate --json`
does. Unlike that command it lets a fault strike another process by a signal, so it is for tests alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import msgspec

from olhubd_kit import simulators
from olhubd_kit.simulator import serve

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM: the connector's name, then a seed for each simulator."""
    connector, *seeds = arguments
    make = simulators.find(connector)
    assert make is not None, f"{connector} has no simulator"
    asyncio.run(_serve(make, [int(seed) for seed in seeds]))


async def _serve(make: simulators.Maker, seeds: Sequence[int]) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    async with contextlib.AsyncExitStack() as stack:
        for seed in seeds:
            simulator = make(seed)
            simulator.faults.signal = os.kill
            base = await stack.enter_async_context(serve(simulator))
            said = {"connector": simulator.connector, "base": base, "settings": simulator.settings(base)}
            sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()
        await done.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
