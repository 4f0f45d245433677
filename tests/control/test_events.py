"""The log of events over HTTP: a page at a time, waiting for more, and as a stream that is taken up again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from olhubd.control.api import events
from olhubd.model import Scope
from olhubd.store import events as log
from olhubd.store import journal
from olhubd.store.base import Reader, Transaction
from tests.control.house import House


async def test_all_are_told_once_and_in_order(trading: House) -> None:
    """Whoever goes on by `newest` gets each event once, whatever the size of the pages."""
    await trading.sell(4)
    told: list[dict[str, Any]] = []
    newest = 0
    while True:
        page = await trading.get("/events", after=newest, limit=3)
        told += page["items"]
        newest = page["newest"]
        if not page["items"]:
            break
    stored = await log.since(trading.database.reader, 0, 1000)
    assert [one["id"] for one in told] == [one.id for one in stored][: len(told)]
    assert newest >= told[-1]["id"]
    placed = next(one for one in told if one["kind"] == "order.placed")
    assert placed["account"] == "market"
    assert placed["text"].startswith("the order was seen for the first time")
    assert placed["why"].startswith("told by the feed of orders of market")
    assert placed["cause"]["kind"] == "run"


async def test_the_latest_and_the_filters(trading: House) -> None:
    first, _ = await trading.sell(2)
    latest = (await trading.get("/events", limit=2))["items"]
    assert len(latest) == 2
    assert latest[0]["id"] < latest[1]["id"]
    card = await trading.get(f"/orders/{first}")
    of_order = (await trading.get("/events", q=first, after=0, limit=500))["items"]
    assert of_order
    assert {one["order_id"] for one in of_order} == {card["id"]}
    assert of_order == (await trading.get("/events", q=first, limit=500))["items"]
    await trading.make_token("till", Scope.READ, timedelta(days=1))
    assert {one["account"] for one in (await trading.get("/events", account="market"))["items"]} == {"market"}


async def test_what_happens_while_the_latest_are_read_comes_after_them(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on by `newest` misses nothing that came between the page and the look at the log's end."""
    await trading.sell()
    page = journal.page

    async def slow(reader: Reader, **asked: Any) -> Any:
        found = await page(reader, **asked)
        monkeypatch.undo()
        await trading.make_token("till", Scope.READ)
        return found

    monkeypatch.setattr(journal, "page", slow)
    first = await trading.get("/events")
    then = await trading.get("/events", after=first["newest"])
    kinds = [one["kind"] for one in (*first["items"], *then["items"])]
    assert kinds.count("token.created") == 1


async def test_what_there_is_not_is_refused(house: House) -> None:
    """An empty answer to a name that is wrong would be taken for the truth."""
    assert (await house.ask("GET", "/events", account="markt"))[1]["parameter"] == "account"
    assert (await house.ask("GET", "/events", q="no such order"))[1]["parameter"] == "q"


async def test_waiting_for_something_to_happen(trading: House) -> None:
    await trading.hub.supervisor.stop("alarms")  # whose events would come between
    newest = (await trading.get("/events"))["newest"]
    waiting = asyncio.create_task(trading.get("/events", after=newest, wait=60))
    await trading.sell()
    assert (await waiting)["items"][0]["kind"] == "order.placed"


class Stream:
    """Reads server-sent events."""

    def __init__(self, house: House, **headers: str) -> None:
        self._asked = house.client.get("/api/v1/events", headers={"Accept": "text/event-stream", **headers})

    async def __aenter__(self) -> Stream:
        self._answer = await self._asked.__aenter__()
        assert self._answer.status == 200
        assert self._answer.content_type == "text/event-stream"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._answer.close()

    async def next(self) -> dict[str, Any]:
        """The next event. Its id stands in its frame too."""
        async with asyncio.timeout(20):
            while True:
                line = (await self._answer.content.readline()).decode()
                if line.startswith("id: "):
                    told: dict[str, Any] = msgspec.json.decode(
                        (await self._answer.content.readline()).removeprefix(b"data: ")
                    )
                    assert told["id"] == int(line.removeprefix("id: "))
                    return told

    async def ends(self) -> bool:
        """Whether the daemon ends it, whatever it still tells before."""
        async with asyncio.timeout(20):
            while await self._answer.content.readline():
                pass
        return True


async def test_a_stream_tells_what_happens_and_is_taken_up_again(trading: House) -> None:
    await trading.hub.supervisor.stop("alarms")  # whose events would come between
    async with Stream(trading) as stream:
        await trading.sell()
        first = await stream.next()
        assert first["kind"] == "order.placed"
    async with Stream(trading, **{"Last-Event-ID": str(first["id"])}) as stream:
        assert (await stream.next())["id"] == first["id"] + 1, "none is left out and none told twice"


async def test_streams_are_bounded_and_end(trading: House) -> None:
    streams = [Stream(trading, **{"Last-Event-ID": "0"}) for _ in range(events.MOST)]
    for stream in streams:
        await stream.__aenter__()
        await stream.next()
    async with trading.client.get("/api/v1/events", headers={"Accept": "text/event-stream"}) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "30")
    for stream in streams:
        await stream.__aexit__()

    async def free() -> bool:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": "0"}
        async with trading.client.get("/api/v1/events", headers=headers) as response:
            return response.status == 200

    await trading.sell()  # something to write, by which it is noticed that they went
    await trading.until(free)


async def test_many_at_one_moment_find_no_more_room_than_there_is(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for the database before its stream begins; by then its place is taken."""
    head, waiting, go_on = log.head, 0, asyncio.Event()

    async def slow(reader: Reader) -> int:
        nonlocal waiting
        waiting += 1
        await go_on.wait()
        return await head(reader)

    monkeypatch.setattr(log, "head", slow)
    tasks = [asyncio.create_task(_status(trading)) for _ in range(events.MOST + 4)]

    async def all_there() -> bool:
        return waiting + sum(task.done() for task in tasks) >= len(tasks)

    await trading.until(all_there)
    go_on.set()
    assert sorted(await asyncio.gather(*tasks)) == [200] * events.MOST + [429] * 4


ACCEPT = {"Accept": "text/event-stream"}


async def _status(house: House) -> int:
    async with house.client.get("/api/v1/events", headers=ACCEPT) as response:
        if response.status == 200:
            await response.content.readline()
        return response.status


@pytest.mark.parametrize("how", ["revoked", "over"])
async def test_a_stream_ends_with_its_token(trading: House, how: str) -> None:
    """What opens nothing any more must keep nothing open either: events tell what is in orders."""
    token = await trading.make_token("till", Scope.READ, timedelta(hours=1))
    async with Stream(trading, Authorization=f"Bearer {token}") as stream:
        await trading.sell()
        await stream.next()
        if how == "revoked":
            assert (await trading.ask("POST", "/tokens/till/revoke"))[0] == 200
        else:
            trading.clock.ahead = timedelta(hours=2)
        assert await stream.ends()


async def test_a_stream_over_the_socket_needs_no_token(trading: House) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "0"}
    async with (
        trading.over_socket() as session,
        session.get("http://olhubd/api/v1/events", headers=headers) as answer,
    ):
        for _ in range(3):
            while not (await answer.content.readline()).startswith(b"id: "):
                pass


async def emptied(house: House) -> int:
    """The log as it is in another database; gives the newest event of the one before."""
    newest: int = (await house.get("/events"))["newest"]

    async def work(tx: Transaction) -> None:
        await tx.execute("DELETE FROM events WHERE id > 1")

    await house.database.write(work)
    return newest


async def test_a_place_in_another_log_is_refused(house: House) -> None:
    """After a restore the numbers begin again below: nothing would come until they are passed, without a word."""
    await house.until(lambda: some(house))
    newest = await emptied(house)
    for path, after in (("/events", str(newest)), ("/journal", f"{newest}.0")):
        status, refused = await house.ask("GET", path, after=after, wait="60")
        assert (status, refused["type"]) == (410, "urn:olhubd:problem:gone")
        assert f"there is no event {newest} yet" in refused["detail"]
    assert (await house.ask("GET", "/events", after=(await house.get("/events"))["newest"]))[0] == 200
    async with house.client.get(
        "/api/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": str(newest + 1000)}
    ) as answer:
        async with asyncio.timeout(20):
            lines = [(await answer.content.readline()).decode() for _ in range(4)]
    assert lines[3] == "event: anew\n"


async def some(house: House) -> bool:
    return int((await house.get("/events"))["newest"]) > 1
