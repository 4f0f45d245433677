"""Recorded inputs as text, one a line, and what was decided from them, one order a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from olhubd.decide.route import Route
from olhubd.engine.replay.replay import Play
from olhubd.model import plain
from olhubd.store import Database, Reader, history, recorded_inputs
from olhubd.store.recorded_inputs import RecordedInput
from olhubd.store.sqlite import snapshot

FOLDER = Path(__file__).parent


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An input that people can read."""

    at: datetime
    kind: str
    upcoming: tuple[int, ...]
    document: msgspec.Raw


async def recorded(database: Path) -> bytes:
    """The inputs of a database."""
    lines = []
    async with snapshot.opened(database) as reader:
        for one in await recorded_inputs.following(reader, 0, 1_000_000):
            document = msgspec.Raw(recorded_inputs.unpack(one.document))
            lines.append(Line(at=one.at, kind=one.kind, upcoming=tuple(one.upcoming), document=document))
    return _text(lines)


def read(text: bytes) -> list[RecordedInput]:
    lines = [msgspec.json.decode(line, type=Line) for line in text.splitlines()]
    return [
        RecordedInput(
            id=number,
            at=line.at,
            kind=line.kind,
            upcoming=line.upcoming,
            document=recorded_inputs.pack(bytes(line.document)),
        )
        for number, line in enumerate(lines, 1)
    ]


async def decided(reader: Reader) -> bytes:
    """All orders with what came of them, identifiers and times included."""
    return _text([one async for part in history.walk(reader) for one in part.values()])


async def again(text: bytes, scratch: Path, routes: Sequence[Route] | None = None) -> bytes:
    """What is decided from recorded inputs now."""
    async with Database.open(scratch) as database:
        play = Play(database, routes)
        await play.decide(read(text))
        assert play.failures == []
        return await decided(database.reader)


def _text(lines: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(line, enc_hook=plain) + b"\n" for line in lines)
