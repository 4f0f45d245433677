"""`olhubd simulate`: a stand-in for a marketplace or a shop, to try things out without an account there."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from typing import Any

import click
import msgspec

__all__ = ["simulate"]


@click.command()
@click.argument("connector")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--seed", type=int, default=None, help="Makes a run repeatable. Default: by chance.")
@click.option("--json", "as_json", is_flag=True, help="Print the settings to connect to it as one line of JSON.")
def simulate(connector: str, host: str, port: int, seed: int | None, as_json: bool) -> None:
    """Run a simulator of CONNECTOR until interrupted.

    It honours the system's contract, keeps its state in memory, and can be made to misbehave over its control
    routes below /_sim (see docs/simulators.md).

    \b
    Example:
      olhubd simulate allegro --port 8801
      curl -X POST http://127.0.0.1:8801/_sim/do/buy -d '{"count": 3}'
    """
    from olhubd_kit import simulators

    try:
        make = simulators.find(connector)
        if make is None:
            known = ", ".join(simulators.names()) or "none"
            raise click.UsageError(
                f"no simulator of {connector!r} is installed, or named by {simulators.PROJECT} in this folder;"
                f" there are: {known}"
            )
    except simulators.SimulatorUnusable as error:
        raise click.ClickException(str(error)) from error
    asyncio.run(_serve(make(seed if seed is not None else random.randrange(2**31)), host, port, as_json))


async def _serve(simulator: Any, host: str, port: int, as_json: bool) -> None:
    from olhubd_kit.simulator import serve

    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    async with serve(simulator, host, port) as base:
        settings = simulator.settings(base)
        if as_json:
            announcement = {"connector": simulator.connector, "base": base, "settings": settings}
            click.echo(msgspec.json.encode(announcement))
        else:
            click.echo(f"{simulator.connector} is simulated at {base}\nConnect to it with:\n", err=True)
            click.echo(_toml(simulator.connector, settings))
        sys.stdout.flush()
        await done.wait()


def _toml(connector: str, settings: dict[str, Any]) -> str:
    lines = [f"[accounts.{connector}]", f'connector = "{connector}"']
    lines += [f"{key} = {_value(value)}" for key, value in settings.items()]
    return "\n".join(lines)


def _value(value: Any) -> str:
    # JSON's strings, numbers and booleans are TOML's too.
    return msgspec.json.encode(value).decode()
