"""`olhubd demo`: the main job on one machine, with nothing to set up, in plain words.

Two simulated Allegro accounts, a simulated WooCommerce shop and the real daemon, each a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import socket
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from olhubd_kit.commands import cleanup

if TYPE_CHECKING:
    from olhubd_kit.audit import Audit
    from olhubd_kit.demo_stack import DemoStack

__all__ = ["demo"]

_A_DAY = 715
"""Orders of a day where no number is given: 5,000 a week."""

SETTLE = "3 s"
"""The simulated shop acts at the latest a second after its answer was lost; a real one needs a minute."""

WORDS: Final = {
    "shipping": {"Allegro Kurier DPD": "flat_rate", "Allegro Paczkomaty InPost": "local_pickup"},
    "payment": {
        "online": "payu",
        "transfer": "bacs",
        "split-vat": "bacs",
        "deferred": "bacs",
        "cash-on-delivery": "cod",
    },
}
"""What a seller would write into the route: the shop's methods by the simulated buyers' ones."""


@click.command()
@click.option(
    "--orders",
    type=click.IntRange(min=0),
    default=0,
    help="Place so many orders; 0: one every few seconds until interrupted.",
)
@click.option("--faults", is_flag=True, help="Lose answers, tear them, refuse, throttle, cut; lie in the journal.")
@click.option(
    "--kill",
    "kills",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Kill the daemon (-9) N times meanwhile.",
)
@click.option("--exit", "ends", is_flag=True, help="End when all is settled; exit code 1 unless the books agree.")
@click.option("--seed", type=int, default=None, help="Makes buyers and faults repeatable. Default: by chance.")
@click.option("--listen", default="127.0.0.1:8742", show_default=True, help="Where the control endpoint listens.")
@click.option(
    "--keep", type=click.Path(path_type=Path), default=None, help="Work in this folder and leave it there."
)
@click.option(
    "--limit",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    help="Seconds to wait until all is settled.",
)
@click.option("--quiet", is_flag=True, help="Print the result only.")
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Instead, N days of stock in virtual time, beside the same days with a copy once an hour.",
)
@click.option(
    "--products",
    type=click.IntRange(min=20),
    default=2_000,
    show_default=True,
    metavar="N",
    help="With --days: so many products, each at each account.",
)
@click.option(
    "--policy",
    type=click.Choice(["shared", "allocated"]),
    default="shared",
    show_default=True,
    help="With --days: how the accounts share what there is.",
)
def demo(
    orders: int,
    faults: bool,
    kills: int,
    ends: bool,
    seed: int | None,
    listen: str,
    keep: Path | None,
    limit: float,
    quiet: bool,
    days: int | None,
    products: int,
    policy: str,
) -> None:
    """Show the main job: Allegro orders land in a WooCommerce shop, once each.

    Nothing real is touched: marketplaces and shop are simulated on this machine.

    \b
    Examples:
      olhubd demo
      olhubd demo --orders 200 --faults --exit
      olhubd demo --orders 1000 --faults --kill 5 --exit
      olhubd demo --days 7 --exit
    """
    if days is not None:
        if faults or kills or keep is not None:
            raise click.UsageError(
                "--days has its own troubles and no folder: leave --faults, --kill and --keep out"
            )
        sys.exit(0 if _days(days, orders, products, policy, seed, quiet) else 1)
    if seed is None:
        seed = random.randrange(1_000_000)
    if ends and not orders:
        orders = 20
    if kills and not orders:
        raise click.UsageError("--kill goes with --orders: the kills are spread over the orders")
    cleanup.in_order()
    if not ends:
        _must_be_free(listen)
    show = _Show(quiet)
    with contextlib.ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="olhubd-demo-")))
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise click.UsageError(f"--keep: {folder} is not empty; what is in it would be counted as well")
        settings = _Settings(orders, faults, kills, ends, seed, "off" if ends else listen, limit)
        try:
            clean = asyncio.run(_demo(folder, settings, show))
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            clean = True
    sys.exit(0 if clean else 1)


def _days(days: int, orders: int, products: int, policy: str, seed: int | None, quiet: bool) -> bool:
    """Virtual time is the torture's, which is a distribution of its own."""
    try:
        command = import_module("olhubd_torture.week.command")
    except ImportError:
        raise click.UsageError("--days needs olhubd-torture, which is not a part of this installation") from None
    orders = orders or days * _A_DAY
    shown: bool = command.show(
        days, orders, products, policy, seed, click.echo, lambda line: None if quiet else click.echo(line, err=True)
    )
    return shown


def _must_be_free(listen: str) -> None:
    """Better said before three processes are started than after."""
    host, _, port = listen.rpartition(":")
    if listen == "off" or not port.isdecimal() or port == "0":
        return
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise click.UsageError(
                f"cannot listen on {listen} ({reason}): name another address, such as --listen 127.0.0.1:8743"
            ) from None


class _Settings:
    def __init__(
        self, orders: int, faults: bool, kills: int, ends: bool, seed: int, listen: str, limit: float
    ) -> None:
        self.orders = orders
        self.faults = faults
        self.kills = kills
        self.ends = ends
        self.seed = seed
        self.listen = listen
        self.limit = limit


class _Show:
    """Prints for people."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def say(self, words: str) -> None:
        if not self._quiet:
            click.echo(words)

    def result(self, name: str, value: object) -> None:
        click.echo(f"{name:>14}  {value}")


async def _demo(folder: Path, settings: _Settings, show: _Show) -> bool:
    from olhubd_kit.demo_stack import open_stage
    from olhubd_kit.traffic import Traffic, spoil

    show.say(f"Two Allegro accounts, a WooCommerce shop and olhubd between them (seed {settings.seed}) ...")
    async with open_stage(
        folder,
        seed=settings.seed,
        account={"interval": "1 s", "sweep_interval": "5 s"},
        target={"fetch_orders": True, "interval": "5 s", "settle": SETTLE},
        route={"mark_processing": True, "status_back": {"completed": "SENT"}, **WORDS},
        engine={"backoff_first": "500 ms", "backoff_max": "5 s"},
        listen=settings.listen,
    ) as stage:
        show.say("Both accounts are signed in. The daemon runs.")
        if settings.listen != "off":
            show.say(f"Dashboard: http://{settings.listen}/   log in with: cat {folder}/data/control.token")
            program = "olhubd" if shutil.which("olhubd") else sys.argv[0]
            show.say(f"Ask it:    {program} --config {folder}/olhubd.toml status")
        if not settings.ends:
            show.say("Stop it:   Ctrl-C; then the books are compared")
        show.say("")
        if settings.faults:
            await spoil(stage, settings.seed)
        pause = 0.0 if settings.orders else 3.0
        trade = Traffic(
            stage, settings.orders or 10**9, seed=settings.seed, pause=pause, quirks=settings.orders > 0
        )
        teller = asyncio.create_task(_tell(stage, show))
        killer = asyncio.create_task(_kill(stage, settings, show, trade))
        try:
            await _until_interrupted(trade.run(show.say))
            await killer
            settled = await stage.settle(settings.limit)
            # One more look after a while: what is doubled is doubled late.
            await asyncio.sleep(2.0 if settings.faults else 0.2)
            return await _report(stage, show, settled)
        finally:
            for task in (teller, killer):
                task.cancel()
            await asyncio.gather(teller, killer, return_exceptions=True)


async def _until_interrupted(work: Any) -> None:
    """Ctrl-C ends the trade, and then the books are still closed in order."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _kill(stage: DemoStack, settings: _Settings, show: _Show, trade: Any) -> None:
    """Kill the daemon at even steps of the trade, a moment after it became busy."""
    dice = random.Random(settings.seed)
    for number in range(settings.kills):
        threshold = settings.orders * (number + 1) // (settings.kills + 1)
        while trade.placed < threshold:  # noqa: ASYNC110 - the trade has no bell to ring
            await asyncio.sleep(0.01)
        await asyncio.sleep(dice.uniform(0.0, 1.0))
        await stage.daemon.kill()
        show.say(f"*** the daemon is killed (-9), {number + 1} of {settings.kills}, and started again")
        await stage.daemon.start()


async def _tell(stage: DemoStack, show: _Show) -> None:
    """Say what becomes of the deliveries, as the daemon reports it."""
    seen: dict[int, str] = {}
    while True:
        await asyncio.sleep(0.5)
        try:
            page = await stage.daemon.get("/api/v1/deliveries?limit=200")
        except (OSError, RuntimeError, TimeoutError):  # it may just be killed
            continue
        for row in reversed(page["items"]):
            said = _say(row)
            if said is not None and seen.get(row["id"]) != said:
                seen[row["id"]] = said
                show.say(f"olhubd: order {row['order']['id']} of {row['order']['account']} {said}")
        floor = min((row["id"] for row in page["items"]), default=0)
        seen = {id_: said for id_, said in seen.items() if id_ >= floor}


def _say(row: dict[str, Any]) -> str | None:
    """What a delivery is worth a line, if anything."""
    match row["action"], row["state"]:
        case "push-order", "confirmed":
            return f"is in the shop as {row['external_id']}"
        case "cancel-order", "confirmed":
            return "was cancelled in the shop"
        case _, "hold":
            return f"waits for a person: {row['reason']}"
        case "push-order", "dropped":
            return f"does not go on: {row['reason']}"
        case "push-order", "sent" | "retry" if row["error"]:
            return f"is not through yet: {row['error']}"
    return None


async def _report(stage: DemoStack, show: _Show, settled: bool) -> bool:
    found: Audit = await stage.audit()
    landed, held = await stage.landed(), await stage.held()
    entries = [entry for books in (await stage.books())[0].values() for entry in books]
    cancelled = sum(entry.cancelled for entry in entries)
    merged = sum(entry.status == "MERGED" and not entry.cancelled for entry in entries)
    show.say("")
    # A sum that adds up: bought = cancelled + put together + unfinished + sold. What landed is what was sold and,
    # of the rest, what was read in time.
    show.result("bought", len(entries))
    show.result("cancelled", cancelled)
    show.result("put together", merged)
    show.result("unfinished", len(entries) - cancelled - merged - found.sold)
    show.result("sold", found.sold)
    show.result("landed", landed)
    show.result("forwarded", found.forwarded)
    show.result("lost", len(found.lost))
    show.result("doubled", len(found.doubled))
    show.result("wrong totals", len(found.wrong_totals))
    show.result("not taken back", len(found.strays))
    if held:
        show.result("held", f"{held} (for a person)")
    if stage.daemon.kills:
        show.result("killed", stage.daemon.kills)
    if not settled:
        click.echo(f"not settled in time: {await stage.open_deliveries()} deliveries are open", err=True)
    for kind in ("lost", "doubled", "wrong_totals", "strays"):
        for name in getattr(found, kind)[:10]:
            click.echo(f"{kind.replace('_', ' ')}: {name}", err=True)
    return settled and found.clean
