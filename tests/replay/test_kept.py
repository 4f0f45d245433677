"""Which inputs are kept and for how long, and what a replay makes of them, of older orders and of other routes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from olhubd.cli.root import cli
from olhubd.decide.route import Route, When
from olhubd.engine.flow.landing import Landing
from olhubd.engine.monitor.retention import Retention
from olhubd.engine.replay import recording
from olhubd.engine.replay.recording import CONFIGURED, Configured, InputPage
from olhubd.engine.replay.replay import replay
from olhubd.model import Customer, Kind, Order, Run, RunId
from olhubd.plugin import Record
from olhubd.store import Database, StoreError, Transaction, history
from olhubd.store import recorded_inputs as kept
from olhubd.store.sqlite import snapshot
from olhubd.store.sqlite.ids import Identifiers
from olhubd_kit.virtual_clock import EPOCH, VirtualClock
from olhubd_torture.run_schedule import play
from olhubd_torture.schedule import draw
from tests.orders import line, order, paid
from tests.replay import tape

ROUTE = Route(target="shop", sources=frozenset({"allegro"}))


class House:
    """A database whose inputs are kept, and a landing."""

    def __init__(self, database: Database, path: Path) -> None:
        self.database = database
        self.path = path
        self.clock = VirtualClock()
        self.routes = [ROUTE]
        self._landing = Landing(database, self.clock, lambda: self.routes, lambda targets: None)

    async def begin(self) -> None:
        """From now on."""
        self.database.recording = True

        async def work(tx: Transaction) -> None:
            document = Configured(routes=self.routes, accounts={"allegro": "allegro", "shop": "woocommerce"})
            await recording.keep(tx, self.clock.now(), document)

        await self.database.write(work)

    async def land(self, *records: Record, account: str = "allegro") -> None:
        self.clock.jump(60)
        run = Run(id=RunId(1), account=account, feed="orders", trigger="timer", started_at=EPOCH)
        await self._landing.land(account, records, run=run)

    async def pages(self) -> list[InputPage]:
        found = await kept.following(self.database.reader, 0, 1000)
        return [document for one in found if isinstance(document := recording.decode(one), InputPage)]

    async def spoil(self, sql: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute(sql)

        await self.database.write(work)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    path = tmp_path / "olhubd.sqlite"
    async with Database.open(path) as database:
        yield House(database, path)


def changed(first: Order, **more: Any) -> Order:
    return msgspec.structs.replace(first, updated_at=first.placed_at + timedelta(hours=1), **more)


async def test_what_is_told_again_is_not_kept_again(house: House) -> None:
    """A sweep tells the whole day every hour."""
    await house.begin()
    orders = [order(str(number), (line(f"L{number}"),)) for number in range(30)]
    await house.land(*orders)
    assert [len(page.records[Kind.ORDER]) for page in await house.pages()] == [30]
    await house.land(*orders)
    assert len(await house.pages()) == 1
    await house.land(*orders[:-1], changed(orders[-1], number="77"))
    assert [len(page.records[Kind.ORDER]) for page in await house.pages()] == [30, 1]


async def test_a_replay_finds_nothing_different_while_the_daemon_works(house: House, tmp_path: Path) -> None:
    await house.begin()
    first = order("A", (line("L1"), line("L2")))
    await house.land(first, order("B", (line("L3"),)))
    await house.land(order("C", (line("L1"), line("L2"), line("L3"))))
    report = await replay(house.path, tmp_path / "scratch")
    assert (report.inputs, report.orders, report.differ, report.left_out) == (2, 3, 0, 0)
    assert report.decisions > 3


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET kind = 'order.reopened' WHERE id = 1",
        "UPDATE deliveries SET state = 'dead'",
        "UPDATE deliveries SET key = 'x'",
        "UPDATE orders SET document = REPLACE(document, 'PLN', 'EUR')",
        "DELETE FROM deliveries",
    ],
)
async def test_whatever_else_stands_there_is_told(house: House, tmp_path: Path, sql: str) -> None:
    await house.begin()
    await house.land(order("A"))
    await house.spoil(sql)
    report = await replay(house.path, tmp_path / "scratch")
    assert report.differ == 1
    assert [one.order for one in report.differences] == ["allegro:A"]


async def test_what_is_not_compared_is_named(house: House, tmp_path: Path) -> None:
    """Or nothing that differs would read as if all had been looked at."""
    await house.begin()
    await house.land(order("A"), Customer(key="P1", account="allegro"))  # type: ignore[arg-type]
    await house.spoil(
        "INSERT INTO events (id, at, kind, account, subject_kind, subject_id, cause_kind, cause_id, data)"
        " SELECT id + 1000, at, 'offer.sent', account, 'offer', 1, cause_kind, cause_id, data FROM events"
        " WHERE id = 1"
    )
    report = await replay(house.path, tmp_path / "scratch")
    assert (report.orders, report.differ) == (1, 0)
    assert report.not_compared == {"customer": 1, "offer": 1}
    later = await replay(house.path, tmp_path / "later", since=house.clock.now() + timedelta(days=1))
    assert later.not_compared == {}
    asked = ["replay", "--database", str(house.path), "--into"]
    told = await asyncio.to_thread(CliRunner().invoke, cli, [*asked, str(tmp_path / "told")])
    assert told.exit_code == 0
    assert "not compared is what happened to: customer (1), offer (1)" in told.output
    as_json = await asyncio.to_thread(CliRunner().invoke, cli, [*asked, str(tmp_path / "json"), "--json"])
    assert msgspec.json.decode(as_json.output)["not_compared"] == {"offer": 1, "customer": 1}


async def test_other_routes_show_what_they_would_have_decided(house: House, tmp_path: Path) -> None:
    """The way to try a route on the trade of last week."""
    await house.begin()
    await house.land(order("A", payment=paid("0.00")), order("B", (line("L9"),), payment=paid("15.00")))
    late = msgspec.structs.replace(ROUTE, when=When.PAID)
    report = await replay(house.path, tmp_path / "late", routes=[late])
    assert [(one.order, one.now) for one in report.differences] == [("allegro:A", "nothing")]
    both = [ROUTE, msgspec.structs.replace(ROUTE, target="erp")]
    report = await replay(house.path, tmp_path / "both", routes=both)
    assert report.differ == 2
    assert all("to erp" in one.now for one in report.differences)


async def test_what_would_not_have_gone_yet_has_no_answer(tmp_path: Path) -> None:
    """A route that waits ten minutes: what was confirmed at once would still be owed."""
    source = tape.FOLDER / "trade.inputs.jsonl"
    configured = recording.decode(tape.read(source.read_bytes())[0])
    assert isinstance(configured, Configured)
    patient = [msgspec.structs.replace(route, hold_seconds=600.0) for route in configured.routes]
    decided = await tape.again("trade", tmp_path / "scratch", patient)
    states = [
        delivery["state"]
        for one in map(msgspec.json.decode, decided.splitlines())
        for delivery in one["deliveries"]
        if delivery["action"] == "push-order"
    ]
    assert set(states) == {"pending", "dropped"}


async def test_orders_from_before_are_there_if_nothing_happened_to_them(house: House, tmp_path: Path) -> None:
    """How the others stood then is not known, and that is said."""
    await house.land(order("A"), order("B", (line("L9"),)))
    await house.spoil("UPDATE deliveries SET state = 'confirmed', external_id = subject_id")
    house.clock.jump(60)
    await house.begin()
    await house.land(changed(order("A"), number="77"), order("C", (line("L8"),)))
    report = await replay(house.path, tmp_path / "scratch")
    assert (report.orders, report.left_out, report.differ) == (1, 1, 0)
    async with snapshot.opened(tmp_path / "scratch") as reader:
        rows = await reader.fetch("SELECT external_id FROM orders ORDER BY external_id")
    assert rows == [("B",), ("C",)]


async def test_since_and_until(house: House, tmp_path: Path) -> None:
    await house.begin()
    await house.land(order("A"))
    between = house.clock.now() + timedelta(seconds=30)
    await house.land(order("B", (line("L9"),)))
    report = await replay(house.path, tmp_path / "since", since=between)
    assert (report.inputs, report.orders, report.differ) == (2, 1, 0)
    report = await replay(house.path, tmp_path / "until", until=between)
    assert report.inputs == 1
    report = await replay(house.path, tmp_path / "all", since=EPOCH - timedelta(days=1))
    assert report.orders == 2


async def test_no_time_before_the_first_input(house: House, tmp_path: Path) -> None:
    """Unless nothing at all was decided before."""
    await house.land(order("A"))
    await house.begin()
    await house.land(order("B", (line("L9"),)))
    with pytest.raises(StoreError, match="from 2026-01-01T"):
        await replay(house.path, tmp_path / "early", since=EPOCH - timedelta(days=1))


async def test_inputs_go_when_their_time_is_over_but_for_the_configuration(house: House) -> None:
    await house.begin()
    await house.land(order("A"))
    await house.begin()
    house.clock.jump(3600)
    await house.land(order("B", (line("L9"),)))
    waste = Retention(house.database, house.clock, lambda: timedelta(minutes=30))
    assert await waste.clear() == 2
    left = await kept.following(house.database.reader, 0)
    assert [one.kind for one in left] == [CONFIGURED, "page"]


async def test_nothing_is_kept_unless_it_is_wanted(house: House, tmp_path: Path) -> None:
    await house.land(order("A"))
    assert await kept.tally(house.database.reader) == (0, 0)
    with pytest.raises(StoreError, match="inputs_keep"):
        await replay(house.path, tmp_path / "scratch")


async def test_the_source_cannot_be_written(house: House) -> None:
    async with snapshot.opened(house.path) as reader:
        with pytest.raises(Exception, match="readonly"):
            await reader.fetch("DELETE FROM orders")


async def test_it_needs_a_database_of_olhubd_and_a_new_file(house: House, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("hello")
    for source, into, words in (
        (tmp_path / "none", tmp_path / "scratch", "is not there"),
        (tmp_path / "other", tmp_path / "scratch", "cannot be read"),
        (house.path, tmp_path / "other", "is there already"),
    ):
        with pytest.raises(StoreError, match=words):
            await replay(source, into)


@pytest.mark.parametrize("seed", [30, 31, 32, 33, 34])
def test_a_stormy_life_is_decided_the_same(seed: int, tmp_path: Path) -> None:
    """Kills, lost answers, merges, a person who accepts: and nothing is different."""
    result = play(draw(seed), keep=tmp_path)
    assert result.findings == []
    last = max(int(path.name) for path in tmp_path.iterdir() if path.name.isdigit())
    source = str(tmp_path / str(last) / "hub.sqlite")
    told = CliRunner().invoke(cli, ["replay", "--database", source, "--into", str(tmp_path / "scratch")])
    assert told.exit_code == 0, told.output
    assert re.search(r" 0 differ\n(not compared is what happened to: (draft|price|stock).*\n)?$", told.output)


@pytest.mark.parametrize("seed", [30, 47])
def test_numbers_that_others_take_meanwhile_are_no_difference(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several processes take numbers out of one sequence, so a replay gets others than were given."""
    give = Identifiers.next

    def mixed(self: Identifiers, table: str) -> int:
        for _ in range({"orders": 2, "events": 4, "deliveries": 1}.get(table, 0)):
            give(self, table)
        return give(self, table)

    with monkeypatch.context() as patch:
        patch.setattr(Identifiers, "next", mixed)
        result = play(draw(seed), keep=tmp_path)
    assert result.findings == []
    last = max(int(path.name) for path in tmp_path.iterdir() if path.name.isdigit())
    source, scratch = tmp_path / str(last) / "hub.sqlite", tmp_path / "scratch"
    report = asyncio.run(replay(source, scratch))
    assert report.differences == []
    assert report.orders > 3
    there, here = (asyncio.run(_numbers(path)) for path in (source, scratch))
    assert there.keys() == here.keys()
    assert all(there[name] != here[name] for name in list(there)[1:])


async def _numbers(path: Path) -> dict[tuple[str, str], int]:
    async with snapshot.opened(path) as reader:
        return {(account, external_id): id_ for id_, account, external_id in await history.names(reader)}


async def _spoilt(path: Path, sql: str) -> None:
    async with Database.open(path) as database:
        await House(database, path).spoil(sql)


async def _texts(path: Path) -> tuple[str, Sequence[str]]:
    """All inputs as one text, and the tokens."""
    async with snapshot.opened(path) as reader:
        found = await kept.following(reader, 0, 100_000)
        text = b"".join(kept.unpack(one.document) for one in found).decode()
        rows = await reader.fetch("SELECT token FROM credentials")
    tokens = [msgspec.json.decode(row[0]) for row in rows]
    return text, [value for token in tokens for key, value in token.items() if key in ("access", "refresh")]


def test_no_token_is_among_the_inputs(tmp_path: Path) -> None:
    """Invariant 12, and the exit code of a difference."""
    play(draw(1), keep=tmp_path)
    last = max(int(path.name) for path in tmp_path.iterdir() if path.name.isdigit())
    source = tmp_path / str(last) / "hub.sqlite"
    text, tokens = asyncio.run(_texts(source))
    assert tokens
    assert "page" in text
    assert not [token for token in tokens if token in text]
    asyncio.run(_spoilt(source, "UPDATE events SET kind = 'order.reopened' WHERE kind = 'order.placed'"))
    told = CliRunner().invoke(
        cli, ["replay", "--database", str(source), "--into", str(tmp_path / "scratch"), "--json"]
    )
    assert told.exit_code == 1
    report = msgspec.json.decode(told.output)
    assert report["differ"] > 0
    assert report["differences"][0]["was"].endswith("order.reopened")


@pytest.mark.parametrize("words", ["yesterday", "2026-01-01T00:00:00", "5"])
def test_a_time_that_is_none(words: str, tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["replay", "--since", words, "--into", str(tmp_path / "scratch")])
    assert told.exit_code == 2
    assert words in told.output
