"""A whole seller on one machine: simulated marketplaces, a shop, and the real daemon between them, as processes.

The shop is a simulated one, or a real one that a test brings along. The demo, torture and whole-daemon tests run on
it. What happens on the stage is decided by the caller; this module only sets it up, signs the accounts in as a
person would, and takes it down.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import msgspec

from olhubd_kit.audit import Audit, audit
from olhubd_kit.faults import Fault
from olhubd_kit.process import LAUNCHER, DaemonProcess, SimulatorProcess, spawn_simulator, spawn_town
from olhubd_kit.simulator import BookedOrder

__all__ = ["SHOP", "DemoShop", "DemoStack", "open_stage", "write_configuration"]

SHOP = "shop"


class DemoShop(Protocol):
    """A shop on the stage: what `SimulatorProcess` is for a simulated one. `settings` are those of its account."""

    connector: str
    settings: dict[str, Any]

    async def books(self, session: aiohttp.ClientSession) -> list[BookedOrder]:
        """All orders placed there, asked of the shop itself."""
        ...

    async def misbehave(self, session: aiohttp.ClientSession, *faults: Fault) -> None: ...

    async def behave(self, session: aiohttp.ClientSession) -> None: ...


class DemoStack:
    """The open stage. `markets` are the simulated marketplaces by account name."""

    def __init__(
        self,
        folder: Path,
        session: aiohttp.ClientSession,
        markets: Mapping[str, SimulatorProcess],
        shop: DemoShop,
        daemon: DaemonProcess,
    ) -> None:
        self.folder = folder
        self.session = session
        self.markets = markets
        self.shop = shop
        self.daemon = daemon

    @property
    def log(self) -> str:
        """All that the daemon has said so far."""
        return (self.folder / "olhubd.log").read_text(encoding="utf-8", errors="replace")

    async def sign_in(self, account: str) -> None:
        """As a person would: open the address, agree; the daemon does the rest."""
        status, grant = await self.daemon.call("POST", f"/api/v1/accounts/{account}/sign-in", {})
        if status not in (200, 202):
            raise RuntimeError(f"signing in to {account}: {status} {grant}")
        await self.markets[account].do(self.session, "consent", user_code=grant["user_code"])
        async with asyncio.timeout(60):
            while True:
                state = await self.daemon.get(f"/api/v1/accounts/{account}/sign-in")
                if state["state"] == "done":
                    return
                if state["state"] == "failed":
                    raise RuntimeError(f"signing in to {account}: {state}")
                await asyncio.sleep(0.05)

    async def books(self) -> tuple[dict[str, list[BookedOrder]], list[BookedOrder]]:
        """What the marketplaces and the shop themselves say."""
        names = list(self.markets)
        found = await asyncio.gather(*(self.markets[name].books(self.session) for name in names))
        return dict(zip(names, found, strict=True)), await self.shop.books(self.session)

    async def audit(self) -> Audit:
        markets, shop = await self.books()
        return audit(markets, shop)

    async def open_deliveries(self) -> int:
        """How many deliveries the daemon still works on, by its own word; those on hold wait for a person."""
        owed = (await self.daemon.get("/api/v1/status"))["owed"]
        return sum(int(owed.get(state, 0)) for state in ("pending", "sent", "retry"))

    async def held(self) -> int:
        """How many deliveries wait for a person."""
        return int((await self.daemon.get("/api/v1/status"))["owed"].get("hold", 0))

    async def landed(self) -> int:
        """How many orders of the marketplaces the daemon holds."""
        count, before = 0, ""
        while True:
            page = await self.daemon.get(f"/api/v1/orders?limit=500{before}")
            count += sum(row["account"] in self.markets for row in page["items"])
            if page["next"] is None:
                return count
            before = f"&before={page['next']}"

    async def settle(self, limit: float) -> bool:
        """Wait until all is where it belongs and nothing is pending any more; False when for `limit` seconds
        nothing came nearer to that. How long it takes in all depends on the machine and says nothing."""
        now = asyncio.get_running_loop().time
        least, since = None, now()
        while now() - since < limit:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, RuntimeError):
                async with asyncio.timeout(limit):
                    left = (await self.audit()).left + await self.open_deliveries()
                if left == 0:
                    return True
                if least is None or left < least:
                    least, since = left, now()
            await asyncio.sleep(0.3)
        return False

    async def behave(self) -> None:
        """Take all faults away."""
        for market in self.markets.values():
            await market.behave(self.session)
        await self.shop.behave(self.session)


@contextlib.asynccontextmanager
async def open_stage(
    folder: Path,
    *,
    markets: Sequence[str] = ("allegro-main", "allegro-second"),
    marketplace: str = "allegro",
    shop: str | DemoShop = "woocommerce",
    seed: int = 0,
    account: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    route: Mapping[str, Any] | None = None,
    engine: Mapping[str, Any] | None = None,
    listen: str = "off",
    environ: Mapping[str, str] | None = None,
    launcher: Sequence[str] = LAUNCHER,
    town: bool = False,
    hosts: Mapping[str, str] | None = None,
    prepare: Callable[[DaemonProcess], Awaitable[object]] | None = None,
) -> AsyncIterator[DemoStack]:
    """Start the simulators and the daemon in `folder`, and sign in.

    `shop` is the connector of a simulated one, or a real one. `account`, `target`, `route` and `engine` are further
    keys of those tables of the configuration. `environ` is added to the daemon's environment, `launcher` starts it.
    With `town` the marketplaces share a process, and faults may strike the daemon. `hosts` names an account's host
    otherwise than by its number. `prepare` does something with the daemon before it is started.
    """
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        seeds = [seed + number for number in range(1, len(markets) + 1)]
        if town:
            found = await spawn_town(stack, marketplace, seeds)
        else:
            found = [await spawn_simulator(stack, marketplace, "--seed", str(one)) for one in seeds]
        remotes = dict(zip(markets, found, strict=True))
        if not isinstance(shop, str):
            outlet = shop
        elif town:
            (outlet,) = await spawn_town(stack, shop, [seed])
        else:
            outlet = await spawn_simulator(stack, shop, "--seed", str(seed))
        names = hosts or {}
        accounts = {
            name: {"connector": marketplace, **(account or {}), **_named(remote.settings, names.get(name))}
            for name, remote in remotes.items()
        }
        settings = _named(outlet.settings, names.get(SHOP))
        accounts[SHOP] = {"connector": outlet.connector, **settings, **(target or {})}
        routes = [{"from": list(markets), "to": SHOP, **(route or {})}]
        path = write_configuration(folder, accounts, routes, engine or {}, listen)
        daemon = DaemonProcess(path, folder / "olhubd.sock", folder / "olhubd.log", environ, launcher)
        if prepare is not None:
            await prepare(daemon)
        await stack.enter_async_context(daemon)
        stage = DemoStack(folder, session, remotes, outlet, daemon)
        if town:
            await asyncio.gather(*(one.do(session, "poll_every", seconds=0.2) for one in remotes.values()))
        await asyncio.gather(*(stage.sign_in(name) for name in markets))
        yield stage


def _named(settings: Mapping[str, Any], host: str | None) -> dict[str, Any]:
    """The settings with another name for the simulator's host."""
    return {
        key: value.replace("//127.0.0.1:", f"//{host}:") if host and isinstance(value, str) else value
        for key, value in settings.items()
    }


def write_configuration(
    folder: Path,
    accounts: Mapping[str, Mapping[str, Any]],
    routes: Sequence[Mapping[str, Any]],
    engine: Mapping[str, Any],
    listen: str,
) -> Path:
    """Write olhubd.toml as a person would have; returns its path."""
    lines = ["[daemon]", f"data = {_toml(str(folder / 'data'))}", 'log_format = "json"', ""]
    lines += ["[control]", f"listen = {_toml(listen)}", f"socket = {_toml(str(folder / 'olhubd.sock'))}", ""]
    lines += ["[engine]", *(f"{key} = {_toml(value)}" for key, value in engine.items()), ""]
    for name, keys in accounts.items():
        lines += [f"[accounts.{name}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
    for route in routes:
        lines += ["[[routes]]", *(f"{key} = {_toml(value)}" for key, value in route.items()), ""]
    path = folder / "olhubd.toml"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    """A value in TOML's notation, which for these kinds is JSON's, but for tables."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(str(key))} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return msgspec.json.encode(value).decode()
