"""The hub as it begins and ends accounts; nobody answers at the other side here."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from olhubd import config, daemon
from olhubd.control.api.accounts import standing
from olhubd.control.dashboard import health
from olhubd.decide.pricing.rule import PriceRule
from olhubd.engine.access.connection import Connection
from olhubd.engine.access.http_session import open_session
from olhubd.engine.account import AccountUnit
from olhubd.engine.errors import NotPossible
from olhubd.engine.flow.landing import Landing
from olhubd.engine.hub import Hub
from olhubd.engine.in_force import InForce
from olhubd.engine.monitor.retention import Retention
from olhubd.engine.prices.account_prices import switch_off_unnamed
from olhubd.model import Action, AlarmKind, DeliveryState, Kind, OrderId, Run, RunId, RunState, code_of
from olhubd.plugin import PluginError
from olhubd.runtime import logs
from olhubd.runtime.clock import SystemClock
from olhubd.runtime.redact import HIDDEN
from olhubd.runtime.supervisor import Heartbeat
from olhubd.runtime.systemd import Notifier
from olhubd.store import (
    Database,
    StoreError,
    Transaction,
    account_settings,
    accounts,
    credentials,
    deliveries,
    events,
    feeds,
    price_switches,
    reread_queue,
    runs,
)
from olhubd.store.accounts import AccountRow, AccountState
from olhubd_kit.demo_stack import write_configuration
from olhubd_kit.simulators.allegro import AllegroSimulator
from tests.orders import EPOCH, order

NOWHERE = "http://127.0.0.1:9"
SHOP = {
    "connector": "woocommerce",
    "url": NOWHERE,
    "consumer_key": "ck_x",
    "consumer_secret": "cs_x",
    "fetch_orders": True,
}


@pytest.fixture
async def hub(database: Database, clock: SystemClock, tmp_path: Path) -> AsyncIterator[Hub]:
    tables = {
        "shop": SHOP,
        "other": SHOP,
        "market": {"connector": "allegro", **AllegroSimulator(1).settings(NOWHERE)},
    }
    routes = [{"from": ["market"], "to": "shop", "mark_processing": True}]
    path = write_configuration(tmp_path, tables, routes, {}, "127.0.0.1:0")
    with structlog.testing.capture_logs():
        async with open_session() as session:
            made = Hub(config.load(path, None, os.environ), database, session, clock, structlog.get_logger())
            yield made
            await made.stop(1)


@pytest.mark.parametrize("connector", ["allegro", "woocommerce"])
async def test_another_connector_begins_anew(hub: Hub, database: Database, connector: str) -> None:
    """Where one system's journal had come to, and who had signed in there, means nothing to another."""

    async def before(tx: Transaction) -> None:
        row = AccountRow(name="shop", connector=connector, state=AccountState.PAUSED, changed_at=EPOCH)
        await accounts.put(tx, row)
        position = feeds.FeedPosition(account="shop", feed="orders", cursor="7", moved_at=EPOCH)
        await feeds.put(tx, position)
        await feeds.put(tx, feeds.FeedPosition(account="third", feed="orders", cursor="8", moved_at=EPOCH))
        await reread_queue.put(
            tx, "shop", [reread_queue.RereadRequest(kind=Kind.ORDER, external_id="a", due_at=EPOCH, reason="test")]
        )
        await credentials.put(tx, "shop", b"{}", EPOCH)
        since = account_settings.AccountSetting(
            account="shop",
            key="start",
            said_by=account_settings.SaidBy.PERSON,
            value=EPOCH.isoformat(),
            changed_by="ola",
            changed_at=EPOCH,
        )
        await account_settings.put(tx, [since])

    await database.write(before)
    await hub.start()
    reader = database.reader
    kept = connector == "woocommerce"
    assert hub.unit("shop").row.state is (AccountState.PAUSED if kept else AccountState.ACTIVE)
    assert bool(await feeds.of_account(reader, "shop")) is kept
    assert bool(await reread_queue.due(reader, "shop", Kind.ORDER, EPOCH + timedelta(days=1))) is kept
    assert (await credentials.get(reader, "shop") is not None) is kept
    start = hub.configuration.accounts["shop"].start
    assert start == (EPOCH if kept else None), "no past is imported for which nobody has asked"
    assert bool(await account_settings.of_account(reader, "shop")) is kept
    assert await feeds.of_account(reader, "third")


async def test_nothing_is_woken_that_has_ended(hub: Hub) -> None:
    """Who ends late may owe something to who has ended; it waits for the next start."""
    await hub.start()
    shop, other = hub.unit("shop"), hub.unit("other")
    close = other.connector.close

    async def late() -> None:
        await close()
        hub.directory.wake(["shop"])

    other.connector.close = late  # type: ignore[method-assign]
    await hub.stop(1)
    assert shop.outbox.dispatcher is None
    assert len(hub.supervisor) == 0


async def test_an_order_that_a_person_accepted_is_worked_on_like_any_other(hub: Hub, database: Database) -> None:
    """Its source is told so, which ends the time in which the buyer can still change the address."""
    run = Run(id=RunId(1), account="market", feed="orders", trigger="timer", started_at=EPOCH)
    landing = Landing(database, hub.clock, lambda: hub.configuration.routes, lambda targets: None)
    await landing.land("market", [order("A")], run=run)

    async def held(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET state = 'hold', external_id = '77', due_at = due_at + 3600000000")

    await database.write(held)
    await hub.start()
    await hub.delivery_actions.accept(1, "me")
    found = (await deliveries.of_orders(database.reader, [1]))[OrderId(1)]
    assert [(d.target, d.action, d.state is DeliveryState.CONFIRMED) for d in found] == [
        ("shop", Action.PUSH_ORDER, True),
        ("market", Action.SET_STATUS, False),
    ]


async def test_a_sign_in_undoes_nothing_that_happened_meanwhile(hub: Hub, database: Database) -> None:
    """A person renames and pauses the account while somebody else signs in."""
    await hub.start()
    unit = hub.unit("market")
    await asyncio.gather(
        unit.record.change("account.renamed", {}, "jan", title="Market"), unit.signed_in("7", "seller", "ola")
    )
    await asyncio.gather(unit.pause("holidays", "jan"), unit.signed_in("7", "seller", "ola"))
    stored = await accounts.get(database.reader, "market")
    assert stored is not None
    assert stored == unit.row
    assert (stored.title, stored.login, stored.state) == ("Market", "seller", AccountState.PAUSED)


async def test_a_reload_that_cannot_be_stored_changes_nothing(hub: Hub, database: Database, tmp_path: Path) -> None:
    """With the database back, the same reload does all that it was asked for."""
    await hub.start()
    before, routes, unit = hub.configuration, hub.configuration.routes, hub.unit("shop")
    tables = {"shop": {**SHOP, "interval": "7 min"}, "other": SHOP}
    path = write_configuration(tmp_path, tables, [{"from": ["other"], "to": "shop"}], {}, "127.0.0.1:0")
    wanted = config.load(path, None, os.environ)
    away = database.path.with_suffix(".away")
    database.path.rename(away)
    with pytest.raises(StoreError, match="was removed"):
        await hub.reload(wanted)
    assert hub.configuration is before
    assert list(hub.configuration.routes) == list(routes)
    assert hub.unit("shop") is unit
    away.rename(database.path)
    assert await hub.reload(wanted) == {"begun": [], "changed": ["shop"], "ended": ["market"]}


def changed(folder: Path, **tables: dict[str, object]) -> config.Configuration:
    """Another configuration, in which shop is asked less often."""
    every: dict[str, dict[str, object]] = {"shop": {**SHOP, "interval": "7 min"}, "other": SHOP, **tables}
    path = write_configuration(folder, every, [{"from": ["other"], "to": "shop"}], {}, "127.0.0.1:0")
    return config.load(path, None, os.environ)


def slowed(unit: AccountUnit) -> tuple[asyncio.Event, asyncio.Event]:
    """Let an account end only when the second event is set; the first tells that it was told to."""
    ending, go_on, stop = asyncio.Event(), asyncio.Event(), unit.stop

    async def slow(grace: float) -> None:
        ending.set()
        await go_on.wait()
        await stop(grace)

    unit.stop = slow  # type: ignore[method-assign]
    return ending, go_on


async def test_a_reload_that_nobody_waits_for_goes_on_to_its_end(hub: Hub, tmp_path: Path) -> None:
    """Whoever asked gives up while an account ends: it is begun anew all the same, and nothing is left at rest."""
    await hub.start()
    unit = hub.unit("shop")
    ending, go_on = slowed(unit)
    asked = asyncio.create_task(hub.reload(changed(tmp_path)))
    await ending.wait()
    assert hub.directory.at_rest("shop") == "a reload begins it anew"
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go_on.set()
    async with asyncio.timeout(10):
        while "shop" not in hub.units:
            await asyncio.sleep(0.01)
    assert hub.unit("shop") is not unit
    assert hub.unit("shop").config.interval == timedelta(minutes=7)
    assert hub.directory.at_rest("shop") is None


async def test_a_setting_whose_change_nobody_waits_for_is_kept_and_in_force(
    hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changed it closes the connection when it has just been stored: both, never one of them."""
    await hub.start()
    go_on, write = asyncio.Event(), database.write

    async def slow(work: Any) -> Any:
        result = await write(work)
        await go_on.wait()
        return result

    monkeypatch.setattr(database, "write", slow)
    setting = asyncio.create_task(hub.account_settings.change("shop", {"sweep_interval": "17 min"}, "ola"))
    async with asyncio.timeout(10):
        while not await account_settings.of_account(database.reader, "shop"):
            await asyncio.sleep(0.01)
    setting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await setting
    go_on.set()
    async with asyncio.timeout(10):
        while hub.configuration.accounts["shop"].sweep_interval != timedelta(minutes=17):
            await asyncio.sleep(0.01)


async def test_a_reload_of_the_file_that_nobody_waits_for_comes_into_force(hub: Hub, tmp_path: Path) -> None:
    """The connection is closed while it waits behind another change; what it renewed by then is not half of it."""
    await hub.start()
    ending, go_on = slowed(hub.unit("other"))
    other = asyncio.create_task(hub.reload(changed(tmp_path, other={**SHOP, "interval": "7 min"})))
    await ending.wait()
    changed(tmp_path, shop={**SHOP, "interval": "8 min"})
    keeper = daemon._Keeper(hub, os.environ, Notifier({}), structlog.get_logger())
    asked = asyncio.create_task(keeper.reload("ola"))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go_on.set()
    await other
    async with asyncio.timeout(10):
        while hub.configuration.accounts["shop"].interval != timedelta(minutes=8):
            await asyncio.sleep(0.01)


async def test_an_account_that_ends_badly_is_begun_anew_all_the_same(hub: Hub, tmp_path: Path) -> None:
    await hub.start()
    unit = hub.unit("shop")

    async def fails(*_: object) -> None:
        raise ZeroDivisionError

    unit.connector.close = fails  # type: ignore[method-assign]
    assert (await hub.reload(changed(tmp_path)))["changed"] == ["shop"]
    assert hub.unit("shop") is not unit
    unit = hub.unit("shop")
    unit.stop = fails  # type: ignore[assignment, method-assign]
    tables = {"shop": {**SHOP, "interval": "8 min"}}
    assert (await hub.reload(changed(tmp_path, **tables)))["changed"] == ["shop"]
    assert hub.unit("shop") is not unit


async def test_an_account_that_cannot_begin_is_told_and_tried_again(
    hub: Hub, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm, the reason where it is asked for, an event; and the others begin."""
    await hub.start()

    def fails(account: config.AccountConfig, *rest: Any) -> Connection:
        if account.name == "shop":
            raise ZeroDivisionError
        return Connection(account, *rest)

    before = await events.head(database.reader)
    tables = {"other": {**SHOP, "interval": "7 min"}}
    with monkeypatch.context() as patch:
        patch.setattr("olhubd.engine.account.Connection", fails)
        with pytest.raises(ZeroDivisionError):
            await hub.reload(changed(tmp_path, **tables), "ola")
        assert hub.unit("other").config.interval == timedelta(minutes=7)
        with pytest.raises(NotPossible, match=r"shop is not at work: it cannot begin \(ZeroDivisionError\)"):
            hub.unit("shop")
        await hub.checks.round()
        assert "ZeroDivisionError" in hub.alarms.open[AlarmKind.PARKED, "shop"].detail
    told = [event for event in await events.since(database.reader, before) if event.kind.startswith("daemon.")]
    assert [event.kind for event in told] == ["daemon.reloaded", "daemon.reload-failed"]
    assert {(event.cause.kind, event.cause.id) for event in told} == {("operator", "ola")}
    task = asyncio.create_task(hub._round(Heartbeat("round", hub.clock)))
    async with asyncio.timeout(10):
        while "shop" not in hub.units:
            await asyncio.sleep(0.01)
    task.cancel()
    await hub.checks.round()
    assert (AlarmKind.PARKED, "shop") not in hub.alarms.open


async def test_a_reload_under_way_is_over_before_everything_ends(hub: Hub, tmp_path: Path) -> None:
    """What it begins is ended too."""
    await hub.start()
    unit, ending = hub.unit("shop"), asyncio.Event()
    stop = unit.stop

    async def slow(grace: float) -> None:
        ending.set()
        await asyncio.sleep(0.2)
        await stop(grace)

    unit.stop = slow  # type: ignore[method-assign]
    asked = asyncio.create_task(hub.reload(changed(tmp_path)))
    await ending.wait()
    await hub.stop(5)
    assert (await asked)["changed"] == ["shop"]
    assert not hub.units
    assert len(hub.supervisor) == 0


async def test_an_account_that_cannot_end_keeps_no_other_from_ending(
    hub: Hub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full at the end: a renewed token is not taken, nor the last runs; all is closed and told."""
    await hub.start()
    market, other = hub.unit("market"), hub.unit("other")
    closed: list[str] = []
    for unit in (market, other):

        async def close(name: str = unit.name) -> None:
            await asyncio.sleep(0.05)
            closed.append(name)

        unit.connector.close = close  # type: ignore[method-assign]

    async def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    assert market.connection.keeper is not None
    monkeypatch.setattr(market.connection.keeper, "close", full)
    monkeypatch.setattr(database, "write", full)
    hub.runs._dirty.add(("shop", "orders"))
    hub.runs._quiet["shop", "orders"] = Run(
        id=RunId(1), account="shop", feed="orders", trigger="timer", started_at=EPOCH
    )
    with structlog.testing.capture_logs() as lines:
        await hub.stop(1)
    assert sorted(closed) == ["market", "other"]
    assert len(hub.supervisor) == 0
    told = [(line["event"], line.get("account")) for line in lines if line.get("reason")]
    assert ("did not end well", "market") in told
    assert ("the last runs could not be stored", None) in told


async def test_an_end_during_a_reload_has_one_deadline(hub: Hub, tmp_path: Path) -> None:
    """What a reload that hangs has taken of it the accounts do not get once more; what it holds ends as well."""
    await hub.start()
    unit, ending, cut = hub.unit("shop"), asyncio.Event(), asyncio.Event()
    given: list[float] = []
    other = hub.unit("other")
    stop = other.stop

    async def hangs(grace: float) -> None:
        ending.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    async def ends(grace: float) -> None:
        given.append(grace)
        await stop(grace)

    unit.stop = hangs  # type: ignore[method-assign]
    other.stop = ends  # type: ignore[method-assign]
    asked = asyncio.create_task(hub.reload(changed(tmp_path)))
    await ending.wait()
    await hub.stop(2.4)
    assert len(given) == 1
    assert given[0] <= 1.2  # half of it went to the reload
    assert cut.is_set()
    assert not hub.units
    assert len(hub.supervisor) == 0
    await asyncio.gather(asked, return_exceptions=True)


async def test_nothing_begins_once_the_end_has_begun(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that comes to itself in the middle of the end begins nothing that would have to end at once."""
    await hub.start()
    ending, go_on = slowed(hub.unit("shop"))
    asked = asyncio.create_task(hub.reload(changed(tmp_path)))
    await ending.wait()
    begun: list[str] = []
    monkeypatch.setattr(AccountUnit, "start", lambda unit: begun.append(unit.name))
    stopping = asyncio.create_task(hub.stop(1))
    async with asyncio.timeout(10):
        while hub.units:
            await asyncio.sleep(0.01)
    go_on.set()
    await stopping
    assert (await asked)["changed"] == ["shop"]
    assert begun == []


async def test_an_end_is_heard_while_a_reload_by_a_signal_is_under_way(hub: Hub, tmp_path: Path) -> None:
    """SIGHUP, then SIGTERM."""
    await hub.start()
    unit = hub.unit("shop")
    ending, go_on = slowed(unit)
    changed(tmp_path)
    keeper = daemon._Keeper(hub, os.environ, Notifier({}), structlog.get_logger())
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    serving = asyncio.create_task(keeper.serve_signals(signals))
    signals.put_nowait(signal.SIGHUP)
    async with asyncio.timeout(10):
        await ending.wait()
        signals.put_nowait(signal.SIGTERM)
        await serving
    assert "shop" not in hub.units
    go_on.set()
    await hub.stop(5)
    assert len(hub.supervisor) == 0


def with_secrets(folder: Path, name: str) -> tuple[Path, list[str]]:
    """A configuration with a secret in each table that may hold one."""
    fresh = [f"{name}-key-of-the-{table}" for table in ("account", "control", "mail", "hook")]
    changed(folder, other={**SHOP, "consumer_secret": fresh[0]})
    path, mail = folder / "olhubd.toml", 'mail_to = ["anna@example.com"]\nsmtp_user = "anna"\n'
    alarms = f'[alarms]\n{mail}smtp_password = "{fresh[2]}"\nwebhook_secret = "{fresh[3]}"\n'
    path.write_text(path.read_text().replace("[control]", f'{alarms}\n[control]\ntoken = "{fresh[1]}"'))
    return path, fresh


def shown(secrets: list[str]) -> set[str]:
    """The secrets as the log would show them now."""
    return {logs._redactor.text(secret) for secret in secrets}


async def test_secrets_that_come_with_a_reload_are_hidden_before_anything_works_with_them(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 12, for each table that holds any: an account that fails with its new key may tell by which."""
    _, fresh = with_secrets(tmp_path, "fresh")
    before, reload, found = shown(fresh), hub.reload, set[str]()

    async def reloads(configuration: config.Configuration, who: str) -> dict[str, list[str]]:
        found.update(shown(fresh))
        return await reload(configuration, who)

    monkeypatch.setattr(hub, "reload", reloads)
    await hub.start()
    await daemon._Keeper(hub, os.environ, Notifier({}), structlog.get_logger()).reload("test")
    assert (before, found) == (set(fresh), {HIDDEN})


def test_secrets_are_hidden_before_the_daemon_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, first = with_secrets(tmp_path, "first")
    configuration = config.load(path, None, os.environ)
    before, found = shown(first), set[str]()

    def begins(main: Coroutine[Any, Any, None], *_: object) -> None:
        main.close()
        found.update(shown(first))

    monkeypatch.setattr("olhubd.daemon.loop.run", begins)
    monkeypatch.setattr("olhubd.daemon.logs.configure", lambda *_: None)
    daemon.run(configuration, {"MALLOC_ARENA_MAX": "1"})
    assert (before, found) == (set(first), {HIDDEN})


async def test_what_a_reload_breaks_off_does_not_stand_as_running(
    hub: Hub, database: Database, tmp_path: Path
) -> None:
    """Part of LOG-02. Nor does what an end breaks off; no count that is kept writes over it."""
    await hub.start()
    reader = database.reader
    ids = {name: await hub.runs.begin(name, "orders.sweep", "timer") for name in ("shop", "other")}
    before = [msgspec.structs.replace(run, added=3) for run in ids.values()]
    await database.write(lambda tx: runs.put(tx, before))

    async def states() -> dict[str, tuple[RunState, int, str | None]]:
        found = await runs.read(reader, [run.id for run in before])
        return {run.account: (run.state, run.added, run.error) for run in found.values()}

    lost = (RunState.LOST, 3, "broken off by a reload or the end of the daemon")
    await hub.reload(changed(tmp_path))
    assert await states() == {"shop": lost, "other": (RunState.RUNNING, 3, None)}
    await hub.runs.flush()
    await hub.stop(1)
    assert await states() == {"shop": lost, "other": lost}


async def test_a_reload_that_fails_when_nobody_waits_any_more_is_told(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.start()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fails(*_: object) -> None:
        begun.set()
        await go_on.wait()
        raise StoreError("disk full")

    monkeypatch.setattr(hub.reloader, "keep_inputs", fails)
    with structlog.testing.capture_logs() as lines:
        asked = asyncio.create_task(hub.reload(changed(tmp_path)))
        await begun.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        go_on.set()
        async with asyncio.timeout(10):
            while not any(line["event"] == "reload failed" for line in lines):
                await asyncio.sleep(0.01)
    assert [line.get("reason") for line in lines if line["event"] == "reload failed"] == ["disk full"]


async def test_nobody_waits_for_an_account_that_has_ended(hub: Hub, tmp_path: Path) -> None:
    """Part of MAN-03: a fetch by hand that a reload has overtaken ends."""
    await hub.start()
    unit = hub.unit("shop")
    await hub.reload(changed(tmp_path))
    async with asyncio.timeout(10):
        with pytest.raises(PluginError, match="broken off"):
            await unit.fetch()


async def test_runs_that_brought_nothing_are_forgotten_after_their_time(hub: Hub) -> None:
    """Those that did stay: they are causes in the history of orders."""
    now = hub.clock.now()
    old, young = now - runs.QUIET_KEPT - timedelta(hours=1), now - runs.QUIET_KEPT + timedelta(hours=1)
    quiet = Run(
        id=RunId(901), account="market", feed="orders", trigger="timer", started_at=old, state=RunState.DONE
    )
    quiet = msgspec.structs.replace(quiet, ended_at=old)
    kept = [
        quiet,
        msgspec.structs.replace(quiet, id=RunId(902), added=1),
        msgspec.structs.replace(quiet, id=RunId(903), state=RunState.FAILED, error="no answer"),
        msgspec.structs.replace(quiet, id=RunId(904), ended_at=young),
    ]
    await hub.database.write(lambda tx: runs.put(tx, kept))
    assert await Retention(hub.database, hub.clock, lambda: timedelta(days=1)).clear() == 1
    left = await runs.read(hub.database.reader, [901, 902, 903, 904])
    assert sorted(left) == [902, 903, 904]


async def test_an_account_that_never_worked_is_red_at_once(hub: Hub, tmp_path: Path) -> None:
    """A wrong address: what is derived from runs, answers or deliveries that went well has nothing to go by."""
    await hub.start()
    tables: dict[str, dict[str, object]] = {"target": {**SHOP, "fetch_orders": False}}
    await hub.reload(changed(tmp_path, **tables))
    async with asyncio.timeout(20):
        while not all(hub.unit(name).trouble for name in ("shop", "other", "target")):
            await asyncio.sleep(0.02)
    await hub.checks.round()
    open_ = hub.alarms.open
    for name in ("shop", "other"):
        assert "could not be read yet: GET" in open_[AlarmKind.FEED, name].detail
    assert "has not answered yet: GET" in open_[AlarmKind.TARGET_DOWN, "target"].detail
    shown = {one.name: one for one in await standing(hub)}
    for name in ("shop", "other", "target"):
        assert "cannot connect" in str(shown[name].last_error)
        assert shown[name].failing_since is not None
        assert health.level(shown[name]) is health.Level.BAD
    assert shown["target"].down
    run = shown["shop"].runs["orders"]
    assert (run.state, run.error) == (RunState.FAILED, shown["shop"].last_error)
    assert hub.runs.totals["shop", "orders"].failed > 0


async def test_an_account_without_an_interval_of_its_own_is_read_as_orders_come(hub: Hub, tmp_path: Path) -> None:
    """What a person wrote into the file holds as it is written."""
    await hub.start()
    assert code_of(hub.unit("shop").feeds.interval_reason) != "poll.as-set"
    await hub.reload(changed(tmp_path))
    read = hub.unit("shop").feeds
    assert (code_of(read.interval_reason), read.interval) == ("poll.as-set", 420.0)
    assert code_of(hub.unit("other").feeds.interval_reason) != "poll.as-set"


async def test_the_switch_of_an_account_without_a_rule_of_prices_goes_off(
    hub: Hub, database: Database, tmp_path: Path
) -> None:
    """At the start and at a reload, whether [[stock]] went with [[prices]] or the account itself did."""

    async def switch_on(*names: str) -> None:
        async def work(tx: Transaction) -> None:
            for name in names:
                await price_switches.on(tx, name, EPOCH)

        await database.write(work)

    await switch_on("market", "sold-to-nobody")
    await hub.start()
    assert await price_switches.accounts(database.reader) == frozenset()
    await switch_on("market", "sold-to-nobody")
    await hub.reload(changed(tmp_path))
    assert await price_switches.accounts(database.reader) == frozenset()
    # One that a rule names stays on, since when it was.
    await switch_on("market", "other")
    rule = PriceRule(master="shop", channels=frozenset({"market"}), price_list="default")
    named = InForce(dataclasses.replace(hub.in_force.configuration, prices=(rule,)))
    await switch_off_unnamed(database, named)
    assert await price_switches.accounts(database.reader) == frozenset({"market"})
    # An account that is not configured may be another process's.
    await switch_on("sold-to-nobody")
    database.alone = False
    await switch_off_unnamed(database, named)
    assert await price_switches.accounts(database.reader) == frozenset({"market", "sold-to-nobody"})
