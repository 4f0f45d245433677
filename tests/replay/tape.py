"""Recorded inputs as text, one a line, and what was decided from them, one order a line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from olhubd.decide.route import Route
from olhubd.engine.replay.numbers import SourceName, SourceNames
from olhubd.engine.replay.play import Play
from olhubd.model import Subject, plain
from olhubd.store import Database, Reader, history, recorded_inputs
from olhubd.store.recorded_inputs import RecordedInput
from olhubd.store.sqlite import snapshot

FOLDER = Path(__file__).parent


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An input that people can read."""

    at: datetime
    kind: str
    event: int | None
    document: msgspec.Raw


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """What an order of the inputs is called, which name it by its number alone."""

    id: int
    account: str
    external_id: str


async def named(database: Path) -> bytes:
    """The names of the orders of a database."""
    async with snapshot.opened(database) as reader:
        names = [Name(id=one[0], account=one[1], external_id=one[2]) for one in await history.names(reader)]
    return _text(names)


def names(text: bytes) -> SourceNames:
    """Names as a replay asks for them."""
    lines = [msgspec.json.decode(line, type=Name) for line in text.splitlines()]
    known = {Subject.order(one.id): SourceName(one.account, one.external_id) for one in lines}

    async def ask(subjects: Collection[Subject]) -> Mapping[Subject, SourceName]:
        return {subject: known[subject] for subject in subjects if subject in known}

    return ask


async def recorded(database: Path) -> bytes:
    """The inputs of a database."""
    lines = []
    async with snapshot.opened(database) as reader:
        for one in await recorded_inputs.following(reader, 0, 1_000_000):
            document = msgspec.Raw(recorded_inputs.unpack(one.document))
            lines.append(Line(at=one.at, kind=one.kind, event=one.event, document=document))
    return _text(lines)


def read(text: bytes) -> list[RecordedInput]:
    lines = [msgspec.json.decode(line, type=Line) for line in text.splitlines()]
    return [
        RecordedInput(
            id=number,
            at=line.at,
            kind=line.kind,
            event=line.event,
            document=recorded_inputs.pack(bytes(line.document)),
        )
        for number, line in enumerate(lines, 1)
    ]


async def decided(reader: Reader) -> bytes:
    """All orders with what came of them, identifiers and times included."""
    return _text([one async for part in history.walk(reader) for one in part.values()])


async def again(name: str, scratch: Path, routes: Sequence[Route] | None = None) -> bytes:
    """What is decided from the recorded inputs of that name now."""
    text = (FOLDER / f"{name}.inputs.jsonl").read_bytes()
    async with Database.open(scratch) as database:
        play = Play(database, names((FOLDER / f"{name}.names.jsonl").read_bytes()), routes)
        await play.decide(read(text))
        assert play.failures == []
        return await decided(database.reader)


def _text(lines: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(line, enc_hook=plain) + b"\n" for line in lines)
