"""The small pieces that each plugin had for itself: guarded reading, remembering, a ladder of statuses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
import pytest

from olhubd.plugin import Connector, ContractBroken, Ladder, Settings, Unavailable, Unreadable, decode, guarded
from olhubd_kit.test_host import InstantClock, account

HOUR = timedelta(hours=1)


class Name(msgspec.Struct):
    id: str
    name: str


class Id(msgspec.Struct):
    id: str


def read(raw: bytes) -> str:
    return decode(raw, Name).name


def key(raw: bytes) -> str:
    return decode(raw, Id).id


def test_what_can_be_read_is_what_was_read() -> None:
    assert guarded(msgspec.Raw(b'{"id": "1", "name": "Jan"}'), key, read) == "Jan"


@pytest.mark.parametrize(
    ("raw", "known", "says"),
    [
        (b'{"id": "1"}', "1", "missing required field `name`"),
        (b'{"id": "1", "name": 5}', "1", r"at $.name"),
        (b'{"id": 5}', "unreadable-32b88581", "unexpected answer"),
        (b"no JSON", "unreadable-02506da0", "not JSON"),
    ],
)
def test_what_cannot_be_read_is_put_aside_under_its_name(raw: bytes, known: str, says: str) -> None:
    put = guarded(raw, key, read)
    assert isinstance(put, Unreadable)
    assert (put.external_id, put.raw) == (known, raw)
    assert says in put.reason
    assert guarded(raw, key, read) == put, "under the same name each time"


def test_a_fault_is_told_without_its_words() -> None:
    """They may hold what the record held."""

    def fails(raw: bytes) -> str:
        raise ValueError("Jan Kowalski is no number")

    put = guarded(b"{}", "7", fails)
    assert put == Unreadable(external_id="7", reason="it makes no sense (ValueError)", raw=b"{}")


def test_what_passes_by_itself_is_no_fault_of_the_record() -> None:
    def fails(raw: bytes) -> str:
        raise Unavailable("down")

    with pytest.raises(Unavailable):
        guarded(b"{}", "7", fails)


def test_a_ladder_knows_what_is_still_to_be_done() -> None:
    ladder = Ladder("new", ("packed", "labelled"), "sent")
    assert "labelled" in ladder
    assert "lost" not in ladder
    assert ladder.due("new", "sent") is True
    assert ladder.due("sent", "new") is False
    assert ladder.due("packed", "labelled") is ladder.due("new", "new") is False
    assert ladder.due("lost", "sent") is ladder.due("new", "lost") is None


class Clock(InstantClock):
    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


class Plain(Connector[Settings]):
    name = "plain"
    title = "Plain"
    Settings = Settings


class Carriers:
    def __init__(self) -> None:
        self.read = 0
        self.fails = False
        self.going = asyncio.Event()
        self.going.set()

    async def __call__(self) -> int:
        self.read += 1
        now = self.read
        await self.going.wait()
        if self.fails:
            raise Unavailable("down")
        return now


@pytest.fixture
async def plain() -> Any:
    clock = Clock()
    async with aiohttp.ClientSession() as session, account(Plain, {}, session=session, clock=clock) as made:
        yield made


async def test_what_was_read_is_believed_for_a_while(plain: Plain) -> None:
    remember, load = plain.account.remember, Carriers()
    assert [await remember("carriers", HOUR, load) for _ in range(3)] == [1, 1, 1]
    assert await remember("taxes", HOUR, load) == 2
    plain.account.clock.at = 3599.0  # type: ignore[attr-defined]
    assert await remember("carriers", HOUR, load) == 1
    plain.account.clock.at = 3600.0  # type: ignore[attr-defined]
    assert await remember("carriers", HOUR, load) == 3
    assert await remember("carriers", HOUR, load, fresh=True) == 4
    assert await remember("carriers", HOUR, load) == 4


async def test_many_cause_one_reading(plain: Plain) -> None:
    load = Carriers()
    load.going.clear()
    asked = [asyncio.create_task(plain.account.remember("carriers", HOUR, load)) for _ in range(5)]
    await asyncio.sleep(0)
    load.going.set()
    assert await asyncio.gather(*asked) == [1] * 5


async def test_a_failed_reading_is_not_kept_and_takes_nothing_away(plain: Plain) -> None:
    remember, load = plain.account.remember, Carriers()
    load.fails = True
    with pytest.raises(Unavailable):
        await remember("carriers", HOUR, load)
    load.fails = False
    assert await remember("carriers", HOUR, load) == 2
    load.fails = True
    with pytest.raises(Unavailable):
        await remember("carriers", HOUR, load, fresh=True)
    assert await remember("carriers", HOUR, load) == 2


async def test_what_is_forgotten_while_it_is_read_is_not_kept(plain: Plain) -> None:
    """Somebody changed just that: the reading may be of before."""
    remember, load = plain.account.remember, Carriers()
    load.going.clear()
    reading = asyncio.create_task(remember("carriers", HOUR, load))
    await asyncio.sleep(0)
    plain.account.forget("carriers")
    load.going.set()
    assert await reading == 1
    assert await remember("carriers", HOUR, load) == 2


def test_contract_broken_is_told_with_its_place() -> None:
    def fails(raw: bytes) -> str:
        raise ContractBroken("the answer is another order's", field="id")

    put = guarded(b"{}", "7", fails)
    assert isinstance(put, Unreadable)
    assert put.reason == "the answer is another order's at id"
