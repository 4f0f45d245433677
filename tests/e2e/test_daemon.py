"""The daemon as a real process: how it starts, reloads, ends, is killed, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiohttp
import msgspec
import pytest

from olhubd.model import Address, Order
from olhubd.plugin import Token
from olhubd.store.sqlite import migrate
from olhubd_kit.demo_stack import DemoStack, open_stage, write_configuration
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.process import DaemonProcess
from olhubd_kit.traffic import Traffic, spoil
from tests.waiting import until

CREATING = r"POST .*/orders$"
FAST = {"interval": "300 ms", "sweep_interval": "3 s"}
ENGINE = {"backoff_first": "200 ms", "backoff_max": "2 s"}


@contextlib.asynccontextmanager
async def stage_of_one(folder: Path, **changes: Any) -> AsyncIterator[DemoStack]:
    """One marketplace account and a shop."""
    keys: dict[str, Any] = {"account": FAST, "target": {"settle": "1 s"}, "engine": ENGINE, **changes}
    async with open_stage(folder, markets=("market",), **keys) as stage:
        yield stage


async def buy(stage: DemoStack, count: int = 1) -> list[str]:
    bought: list[str] = await stage.markets["market"].do(stage.session, "buy", count=count)
    return bought


async def struck(stage: DemoStack, count: int = 1) -> None:
    """Wait until the shop's faults have struck so often."""

    async def done() -> bool:
        assert stage.daemon.running
        return sum((await stage.shop.struck(stage.session)).values()) >= count  # type: ignore[attr-defined]

    await until(done)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the database holds; the daemon may be running."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "olhubd.sqlite")) as database:
        return database.execute(sql).fetchall()


def lines(folder: Path) -> list[dict[str, Any]]:
    """The log; each line must be a JSON object."""
    return [json.loads(line) for line in (folder / "olhubd.log").read_text().splitlines()]


def said(folder: Path, event: str) -> list[dict[str, Any]]:
    """What the log has of it; before the log come the warnings about the configuration, for people."""
    text = (folder / "olhubd.log").read_text()
    told: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in told if line["event"] == event]


async def polled(folder: Path, account: str, times: int) -> None:
    """Wait until the daemon has read the account's orders so often."""
    connector = aiohttp.UnixConnector(str(folder / "olhubd.sock"))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def done() -> bool:
            async with session.get(f"http://olhubd/api/v1/accounts/{account}") as answer:
                runs = (await answer.json())["runs"]
                return "orders" in runs and int(runs["orders"]["polls"]) >= times

        await until(done)


async def heard(folder: Path, event: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait for a line in the log."""

    async def done() -> bool:
        return len(said(folder, event)) >= count

    await until(done)
    return said(folder, event)


# One daemon for one data directory


async def test_a_second_daemon_on_the_same_data_refuses(tmp_path: Path) -> None:
    async with stage_of_one(tmp_path) as stage:
        second = await asyncio.to_thread(run, stage.daemon.path)
        assert second.returncode == 1
        assert "another olhubd already works on" in second.stderr
        assert "Traceback" not in second.stderr
        await buy(stage)
        assert await stage.settle(30), "the first one goes on, its socket too"


def test_what_it_keeps_is_its_own_users_alone(tmp_path: Path) -> None:
    async def check() -> None:
        async with stage_of_one(tmp_path, listen="127.0.0.1:0"):
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "data").iterdir()}
            assert modes["control.token"] == modes["olhubd.sqlite"] == 0o600
            assert {name: mode for name, mode in modes.items() if "sqlite" in name and mode & 0o077} == {}
            assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
            assert stat.S_IMODE((tmp_path / "olhubd.sock").stat().st_mode) == 0o660

    old = os.umask(0)
    try:
        asyncio.run(check())
    finally:
        os.umask(old)


# Reload


async def test_reload_takes_a_right_configuration_and_leaves_a_wrong_one(tmp_path: Path) -> None:
    """Part of ACC-23: all problems are in the log with file and line, the old configuration stays in force."""
    async with stage_of_one(tmp_path) as stage:
        path = stage.daemon.path
        right = path.read_text()
        path.write_text(right.replace('interval = "300 ms"', 'interval = "250 ms"'))
        stage.daemon.signal(signal.SIGHUP)
        (line,) = await heard(tmp_path, "reloaded")
        causes = rows(tmp_path, "SELECT cause_kind, cause_id FROM events WHERE kind = 'daemon.reloaded'")
        assert causes == [("operator", "signal")]
        assert (line["begun"], line["changed"], line["ended"]) == ([], ["market"], [])
        await buy(stage)
        assert await stage.settle(30)

        wrong = "configuration is wrong, the old one stays"
        path.write_text(right.replace("backoff_first", "backof_first").replace('to = "shop"', 'to = "shoop"'))
        stage.daemon.signal(signal.SIGHUP)
        problems = [line["problem"] for line in await heard(tmp_path, wrong, 2)]
        assert any(f"{path}:" in told and "backoff_first" in told for told in problems), problems
        assert any("shoop" in told for told in problems), problems
        for spoiled in (b"[accounts.market\n", b"\xff\xfe\x00", None):
            before = len(said(tmp_path, wrong))
            if spoiled is None:
                path.unlink()
            else:
                path.write_bytes(spoiled)
            stage.daemon.signal(signal.SIGHUP)
            await heard(tmp_path, wrong, before + 1)
        assert stage.daemon.running
        await buy(stage)
        assert await stage.settle(30), "it works on by the old one"

        path.write_text(right.replace('connector = "allegro"', 'connector = "allegro"\nenabled = false'))
        stage.daemon.signal(signal.SIGHUP)
        *_, line = await heard(tmp_path, "reloaded", 2)
        assert line["ended"] == ["market"]
        path.write_text(right)
        stage.daemon.signal(signal.SIGHUP)
        *_, line = await heard(tmp_path, "reloaded", 3)
        assert line["begun"] == ["market"]
        await buy(stage)
        assert await stage.settle(30)
    assert "Traceback" not in (tmp_path / "olhubd.log").read_text()


# The end


async def test_what_is_under_way_ends_before_the_daemon_does(tmp_path: Path) -> None:
    """SIGTERM among slow calls: each delivery that was begun has its outcome in the database."""
    async with stage_of_one(tmp_path) as stage:
        await stage.shop.misbehave(
            stage.session, Fault(kind=FaultKind.SLOW, match=CREATING, times=None, seconds=1.0)
        )
        await buy(stage, 20)
        await struck(stage)
        assert await stage.daemon.stop() == 0
        held = {entry.reference for entry in await stage.shop.books(stage.session)}
        states = rows(tmp_path, "SELECT state, sent_at, lease_until FROM deliveries WHERE action = 'push-order'")
        assert [row for row in states if row[0] == "sent" or row[2] is not None] == []
        assert sum(row[0] == "confirmed" for row in states) == len(held) > 0
        assert any(row[0] == "pending" for row in states), "nothing new was begun"
        events = [line["event"] for line in lines(tmp_path)]
        assert events.index("stops") < events.index("stopped")
        assert not (tmp_path / "olhubd.sock").exists()
        await stage.behave()
        await stage.daemon.start()
        assert await stage.settle(30)


async def test_a_call_that_never_ends_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """After `stop_timeout` its outcome is unknown, which is what the database says, and the next start looks."""
    async with stage_of_one(tmp_path) as stage:
        path = stage.daemon.path
        path.write_text(path.read_text().replace("[daemon]", '[daemon]\nstop_timeout = "1 s"'))
        stage.daemon.signal(signal.SIGHUP)
        await heard(tmp_path, "reloaded")
        await stage.shop.misbehave(stage.session, Fault(kind=FaultKind.HANG, match=CREATING))
        await buy(stage)
        await struck(stage)
        assert await stage.daemon.stop() == 0
        states = "SELECT state FROM deliveries WHERE action = 'push-order'"
        assert rows(tmp_path, states) == [("sent",)]
        await stage.daemon.start()
        assert await stage.settle(30)
        assert rows(tmp_path, states) == [("confirmed",)]
    assert "Traceback" not in (tmp_path / "olhubd.log").read_text()


async def test_a_disk_that_is_full_at_the_end_is_told_in_words(tmp_path: Path) -> None:
    """What is counted and not yet written is given up, and everything is closed all the same."""
    async with stage_of_one(tmp_path) as stage:
        await stage.daemon.stop()
        command = [sys.executable, "-m", "olhubd", "run", "--config", str(stage.daemon.path)]
        # It says it into a pipe, which no limit of files concerns.
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                while b'"ready"' not in await process.stdout.readline():
                    assert process.returncode is None
                await polled(tmp_path, "market", 3)  # some runs that brought nothing
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
                process.terminate()
                told = (await process.communicate())[0].decode()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, told
        assert "the last runs could not be stored" in told
        assert told.splitlines()[-1].endswith('"stopped"}')
        assert "Traceback" not in told


@pytest.mark.parametrize("kind", [FaultKind.SLOW, FaultKind.HANG])
async def test_after_a_kill_an_order_is_looked_up_before_it_is_sent_again(tmp_path: Path, kind: FaultKind) -> None:
    """Invariant 4: killed while the shop acts, or before it does."""
    late, now = 3.0, asyncio.get_running_loop().time
    async with stage_of_one(tmp_path, target={"settle": f"{late:g} s"}) as stage:
        await stage.shop.misbehave(stage.session, Fault(kind=kind, match=CREATING, times=None, seconds=late))
        await buy(stage, 3)
        await struck(stage)
        await stage.daemon.kill()
        killed = now()
        assert "sent" in {state for (state,) in rows(tmp_path, "SELECT state FROM deliveries")}
        await stage.behave()
        await stage.daemon.start()
        assert await stage.settle(30)
        await asyncio.sleep(killed + late + 0.5 - now())  # what the shop does late it has done by then
        assert (await stage.audit()).clean
        assert len(await stage.shop.books(stage.session)) == 3
    assert "Traceback" not in (tmp_path / "olhubd.log").read_text()


# systemd


class Manager:
    """The service manager's end of the notify socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}

    async def hear(self, wanted: str) -> dict[str, str]:
        """The next message with this field."""
        return (await self.until(wanted))[-1]

    async def until(self, wanted: str) -> list[dict[str, str]]:
        """All messages up to the next one with this field."""
        loop = asyncio.get_running_loop()
        heard: list[dict[str, str]] = []
        async with asyncio.timeout(30):
            while not heard or wanted not in heard[-1]:
                text = (await loop.sock_recv(self.socket, 4096)).decode()
                heard.append(dict(line.split("=", 1) for line in text.splitlines()))
        return heard

    def drain(self) -> None:
        """Forget what has been said so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(4096)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    try:
        yield manager
    finally:
        manager.socket.close()


async def test_systemd_hears_how_it_fares(tmp_path: Path, manager: Manager) -> None:
    async with stage_of_one(tmp_path, environ=manager.environ) as stage:
        assert int((await manager.hear("EXTEND_TIMEOUT_USEC"))["EXTEND_TIMEOUT_USEC"]) > 90e6, "for a migration"
        assert await manager.hear("READY") == {"READY": "1"}
        for _ in range(3):
            assert await manager.hear("WATCHDOG") == {"WATCHDOG": "1"}
        asked = time.monotonic_ns() // 1000
        stage.daemon.signal(signal.SIGHUP)
        told = await manager.hear("RELOADING")
        assert asked <= int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert await manager.hear("READY") == {"READY": "1"}
        stage.daemon.path.write_text("wrong")
        stage.daemon.signal(signal.SIGHUP)
        await manager.hear("RELOADING")
        await manager.hear("READY")
        assert await manager.hear("WATCHDOG")
        manager.drain()
        ending = asyncio.create_task(stage.daemon.stop())
        assert await manager.hear("STOPPING") == {"STOPPING": "1"}
        assert await ending == 0


STUBBORN = """
    '''A connector with a fault: it does not let go of a call that was given up. The daemon's patience is short.'''
    import asyncio
    import functools
    import pathlib
    from olhubd.engine.feed import account_feeds
    from olhubd.plugin import Connector, OrderFeed, Settings, hookimpl

    account_feeds.FeedSchedule = functools.partial(account_feeds.FeedSchedule, page_limit=0.2)

    class Orders(OrderFeed):
        async def start(self, since):
            while not pathlib.Path(__file__).with_suffix(".enough").exists():
                try:
                    await asyncio.sleep(0.1)
                except asyncio.CancelledError:
                    pass
            return "0"

        async def pull(self, cursor):
            raise NotImplementedError

    class Stubborn(Connector[Settings]):
        name = "stubborn"
        title = "Stubborn"
        Settings = Settings
        provides = {Orders: "orders"}

        def __init__(self, account):
            super().__init__(account)
            self.orders = Orders()

    @hookimpl
    def olhubd_register_connectors(register):
        register(Stubborn)
"""

FRAIL = """
    from olhubd.plugin import Connector, Settings, hookimpl

    class Frail(Connector[Settings]):
        name = "frail"
        title = "Frail"
        Settings = Settings

        def __init__(self, account):
            raise RuntimeError("cannot begin")

    @hookimpl
    def olhubd_register_connectors(register):
        register(Frail)
"""


def install(folder: Path, name: str, source: str) -> dict[str, str]:
    """Put a plugin on a path of its own, as pip would leave it; gives the environment that finds it."""
    site = folder / "site"
    info = site / f"hub_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: hub-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[olhubd]\n{name} = hub_{name}\n")
    (site / f"hub_{name}.py").write_text(dedent(source))
    return {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


async def test_a_stuck_loop_makes_it_unready_and_starves_the_watchdog(tmp_path: Path, manager: Manager) -> None:
    """Invariant 14: with a plugin's fault, which is told once when it begins and once when it is over."""
    environ = {**manager.environ, **install(tmp_path, "stubborn", STUBBORN)}
    accounts = {"slow": {"connector": "stubborn", "interval": "100 ms"}}
    path = write_configuration(tmp_path, accounts, [], {}, "off")
    async with DaemonProcess(path, tmp_path / "olhubd.sock", tmp_path / "olhubd.log", environ) as daemon:
        (line,) = await heard(tmp_path, "loops are stuck")
        assert line["loops"] == ["poller of slow"]
        status, answer = await daemon.call("GET", "/readyz")
        assert (status, list(answer["overdue"])) == (503, ["poller of slow"])
        assert (await daemon.call("GET", "/healthz"))[0] == 200
        manager.drain()
        await asyncio.sleep(0.5)
        with pytest.raises(BlockingIOError):
            manager.socket.recv(4096)
        (tmp_path / "site" / "hub_stubborn.enough").touch()

        async def ready() -> bool:
            return (await daemon.call("GET", "/readyz"))[0] == 200

        await until(ready)
        await heard(tmp_path, "all loops are well")
        await manager.hear("WATCHDOG")


# The log


async def test_the_log_is_json_and_holds_neither_people_nor_secrets(tmp_path: Path) -> None:
    """Invariant 12, on every line of a busy day at the lowest level, whatever went wrong."""
    async with open_stage(
        tmp_path,
        account=FAST,
        target={"settle": "1 s", "fetch_orders": True, "interval": "1 s"},
        engine=ENGINE,
        route={"mark_processing": True},
        seed=3,
    ) as stage:
        assert (await stage.daemon.call("POST", "/api/v1/log-level", {"level": "debug"}))[0] == 200
        await spoil(stage)
        await Traffic(stage, 24, seed=4).run()
        assert await stage.settle(60)
        first = stage.markets["allegro-main"]
        await first.do(stage.session, "revoke_grant")
        await first.do(stage.session, "expire_tokens")
        await heard(tmp_path, "account is parked", 3)
        keys = [{**remote.settings} for remote in (*stage.markets.values(), stage.shop)]
        made = (tmp_path / "data" / "control.token").read_text().strip()
    log = (tmp_path / "olhubd.log").read_text()
    for line in lines(tmp_path):
        assert {"at", "level", "event"} <= line.keys()
    canaries = {
        made,
        *(value for table in keys for key, value in table.items() if "secret" in key or "_key" in key),
    }
    for columns in rows(tmp_path, "SELECT token, previous FROM credentials"):
        for token in filter(None, columns):
            pair = msgspec.json.decode(token, type=Token)
            canaries |= {pair.access, pair.refresh or pair.access}
    documents = [msgspec.json.decode(row[0], type=Order) for row in rows(tmp_path, "SELECT document FROM orders")]
    for order in documents:
        canaries |= personal(order)
    assert len(canaries) > 60
    assert [canary for canary in sorted(canaries) if canary in log] == []
    assert "Traceback" not in log


def personal(order: Order) -> set[str]:
    """What of an order tells about people."""
    buyer, party = order.buyer, order.recipient
    found = [buyer.email, buyer.login, buyer.last_name, buyer.phone, order.buyer_note]
    for address in (party, buyer.address):
        if isinstance(address, Address):
            found += [address.street, address.phone, address.last_name]
    return {value for value in found if value and len(value) > 3}


# What keeps it from starting


def run(path: Path, environ: dict[str, str] | None = None, before: Sequence[str] = ()) -> Any:
    """`olhubd run` to its end."""
    command = [*before, sys.executable, "-m", "olhubd", "run", "--config", str(path)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(environ or {})}
    )


def refused(done: Any, *words: str) -> None:
    """It ended with exit code 1 and these words for a person."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    message = done.stderr.strip().splitlines()[-1]
    assert message.startswith("olhubd: ")
    for word in words:
        assert word in message


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """One account that needs nobody."""
    keys = {"url": "http://127.0.0.1:9", "consumer_key": "ck_x", "consumer_secret": "cs_x"}
    return write_configuration(tmp_path, {"shop": {"connector": "woocommerce", **keys}}, [], {}, "off")


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, configuration: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "olhubd.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE future (x)")
        database.execute("PRAGMA user_version = 9999")
    refused(run(configuration), "schema 9999", "install the newer olhubd again")
    assert rows(tmp_path, "SELECT name FROM sqlite_master") == [("future",)]


async def test_a_disk_that_is_full_at_the_start_is_told(tmp_path: Path, configuration: Path) -> None:
    """One that can be opened and takes nothing more; it is nobody's mistake."""
    daemon = DaemonProcess(configuration, tmp_path / "olhubd.sock", tmp_path / "olhubd.log")
    await daemon.start()
    assert await daemon.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "olhubd.sqlite", isolation_level=None)) as database:
        # While this reads, the log is not begun anew, and is longer already than the limit lets any file become.
        for statement in ("CREATE TABLE filler (x)", "INSERT INTO filler VALUES (zeroblob(300000))"):
            database.execute(statement)
        database.execute("DROP TABLE filler")
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM runs").fetchone()
        done = await asyncio.to_thread(run, configuration, before=("sh", "-c", 'ulimit -f 100; exec "$@"', "sh"))
    refused(done, "the database cannot be used: ")


async def test_a_database_that_vanished_between_two_starts_is_told(tmp_path: Path) -> None:
    async with stage_of_one(tmp_path) as stage:
        assert not [line for line in lines(tmp_path) if "new one begins" in line["event"]]
        await stage.daemon.stop()
        for file in (tmp_path / "data").glob("olhubd.sqlite*"):
            file.unlink()
        await stage.daemon.start()
        (told,) = [line for line in lines(tmp_path) if "new one begins" in line["event"]]
        assert told["level"] == "warning"
        assert told["file"] == str(tmp_path / "data" / "olhubd.sqlite")


async def test_an_upgrade_is_told_with_the_copy_that_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: Manager
) -> None:
    """What holds sign-ins and personal data beside the database must not lie there unknown.

    How long it may take is told before it begins, and systemd waits as long as it goes on.
    """
    steps = migrate._steps()
    old = {number: sql for number, sql in steps.items() if number < max(steps)}
    (tmp_path / "data").mkdir()
    with monkeypatch.context() as before:
        before.setattr(migrate, "_steps", lambda: old)
        migrate.migrate(tmp_path / "data" / "olhubd.sqlite")
    async with stage_of_one(tmp_path, environ=manager.environ):
        begins, line = [one for one in lines(tmp_path) if "newer schema" in one["event"]]
        extended = [one for one in await manager.until("READY") if "EXTEND_TIMEOUT_USEC" in one]
    assert (begins["before"], begins["schema"]) == (max(old), max(steps))
    assert 0 < begins["about_seconds"] < 60
    assert len(extended) > 2, "as it starts, as the upgrade begins, and as the copy is made"
    assert line["schema"] == max(steps)
    assert 0 <= line["seconds"] < 60
    assert line["backup"] in {str(path) for path in (tmp_path / "data").glob("*.backup")}
    assert f"schema-{max(old)}" in line["backup"]
    assert "personal data" in line["event"]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, configuration: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "olhubd.sqlite"
    file.write_bytes(b"my shopping list\n" * 500)
    refused(run(configuration), str(file), "not a database")
    assert file.read_bytes().startswith(b"my shopping list")


def powerless() -> Sequence[str]:
    """What to put before a command so that permissions count, though root runs it."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("permissions do not bind root, and setpriv is not there")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")


@pytest.mark.parametrize("made", [False, True])
def test_a_data_directory_that_cannot_be_written_is_told(tmp_path: Path, configuration: Path, made: bool) -> None:
    """Before the first start, and with a database that is there."""
    data = tmp_path / "data"
    data.mkdir()
    if made:
        with contextlib.closing(sqlite3.connect(data / "olhubd.sqlite")) as database:
            database.execute("PRAGMA journal_mode = WAL")
        (data / "olhubd.lock").touch()
    data.chmod(0o500)
    try:
        refused(run(configuration, before=powerless()), str(data))
    finally:
        data.chmod(0o700)


def test_a_port_that_is_taken_is_told(tmp_path: Path, configuration: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        configuration.write_text(configuration.read_text().replace('listen = "off"', f'listen = "{address}"'))
        done = run(configuration)
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert address.partition(":")[2] in message
    assert "in use" in message
    assert "Traceback" not in done.stderr


async def test_an_account_that_cannot_begin_keeps_no_other_from_beginning(tmp_path: Path) -> None:
    """Its plugin fails while it is made: that is told, and the others work."""
    environ = install(tmp_path, "frail", FRAIL)
    accounts: dict[str, dict[str, Any]] = {
        "weak": {"connector": "frail"},
        "well": {"connector": "frail", "enabled": False},
    }
    path = write_configuration(tmp_path, accounts, [], {}, "off")
    async with DaemonProcess(path, tmp_path / "olhubd.sock", tmp_path / "olhubd.log", environ) as daemon:
        (line,) = await heard(tmp_path, "cannot begin")
        assert (line["account"], line["level"]) == ("weak", "error")
        _, weak = await daemon.call("GET", "/api/v1/accounts/weak")
        assert weak["state"] == "parked"
        assert "it cannot begin (RuntimeError)" in weak["reason"]
        assert (await daemon.call("GET", "/readyz"))[0] == 200


WILD = """
    import asyncio
    import time
    from olhubd.plugin import Connector, OrderFeed, Page, Sweep, Settings, hookimpl

    async def leaks(error):
        raise error

    async def swallows():
        while True:
            try:
                await asyncio.sleep(3600)
            except BaseException:
                pass

    class Orders(OrderFeed, Sweep):
        looks = 0

        def __init__(self, way):
            self.way = way

        async def start(self, since):
            return "0"

        async def pull(self, cursor):
            self.looks += 1
            way = self.way
            if way == "leaks" and self.looks < 4:
                self.left = [asyncio.create_task(leaks(e)) for e in (SystemExit(3), KeyboardInterrupt())]
            if way == "blocks" and self.looks == 3:
                time.sleep(3)
            if way == "swallows":
                await swallows()
            return Page(records=[], cursor=str(self.looks))

        async def sweep(self, since, cursor):
            return Page(records=[], cursor="end")

    class Wild(Connector[Settings]):
        name = "wild"
        title = "Wild"
        Settings = Settings
        provides = {Orders: "orders"}

        def __init__(self, account):
            super().__init__(account)
            self.orders = Orders(account.name)

        async def close(self):
            if self.account.name == "swallows":
                await swallows()

    @hookimpl
    def olhubd_register_connectors(register):
        from olhubd.runtime import blocked
        blocked.BlockDetector.__init__.__defaults__ = (0.5,)
        register(Wild)
"""


async def test_a_plugin_that_leaks_blocks_and_swallows_ends_neither_daemon_nor_its_end(tmp_path: Path) -> None:
    """Its tasks that raise SystemExit, its calls that await nothing, and those that no cancellation ends."""
    environ = install(tmp_path, "wild", WILD)
    accounts = {way: {"connector": "wild", "interval": "100 ms"} for way in ("leaks", "blocks", "swallows", "calm")}
    path = write_configuration(tmp_path, accounts, [], {}, "off")
    async with DaemonProcess(path, tmp_path / "olhubd.sock", tmp_path / "olhubd.log", environ) as daemon:
        assert len(await heard(tmp_path, "a task of a plugin tried to end the daemon")) >= 1

        def blocked() -> list[dict[str, Any]]:
            # A machine that is busy with other things may block it somewhere else, too.
            told = said(tmp_path, "the event loop is blocked: all accounts wait for this")
            return [one for one in told if any("hub_wild.py" in line for line in one["where"])]

        assert [one["task"] for one in await until(blocked)] == ["pull of blocks"]
        await heard(tmp_path, "the event loop goes on")

        async def polls() -> int:
            _, calm = await daemon.call("GET", "/api/v1/accounts/calm")
            return int(calm["runs"]["orders"]["polls"])

        before = await polls()

        async def goes_on() -> bool:
            return await polls() > before

        await until(goes_on)
        assert await daemon.stop() == 0
    left = await heard(tmp_path, "a plugin does not end its call, which is left behind")
    assert {(line["account"], line["call"]) for line in left} == {("swallows", "pull"), ("swallows", "close")}
    await heard(tmp_path, "stopped")
    (line,) = await heard(tmp_path, "something does not end and is left behind")
    assert line["what"] == ["close of swallows", "pull of swallows"]


async def test_an_account_that_cannot_begin_at_a_reload_harms_no_other(tmp_path: Path) -> None:
    environ = install(tmp_path, "frail", FRAIL)
    async with stage_of_one(tmp_path, environ=environ) as stage:
        path = stage.daemon.path
        right = path.read_text()
        changed = right.replace('"300 ms"', '"250 ms"')
        path.write_text(changed + '\n[accounts.weak]\nconnector = "frail"\n')
        stage.daemon.signal(signal.SIGHUP)
        (line,) = await heard(tmp_path, "cannot begin")
        assert (line["account"], line["level"]) == ("weak", "error")
        await heard(tmp_path, "reload failed")
        await buy(stage)
        assert await stage.settle(30)
        path.write_text(right)
        stage.daemon.signal(signal.SIGHUP)
        await heard(tmp_path, "reloaded")
