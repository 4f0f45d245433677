"""What was decided is decided again from what came in: byte for byte, or the difference is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from olhubd.decide import compare
from olhubd.decide.planners import forward, update, write_back
from olhubd.engine.replay import recording
from olhubd.engine.replay.play import Play
from olhubd.engine.replay.recording import Configured, DispatchRecord, InputPage, ManualChange, Start
from olhubd.store import Database
from olhubd.store import recorded_inputs as kept
from tests.replay import tape

FIXTURES = sorted(path.name.removesuffix(".inputs.jsonl") for path in tape.FOLDER.glob("*.inputs.jsonl"))


def text(name: str, part: str) -> bytes:
    return (tape.FOLDER / f"{name}.{part}.jsonl").read_bytes()


@pytest.mark.parametrize("name", FIXTURES)
async def test_what_was_recorded_is_decided_the_same_byte_for_byte(name: str, tmp_path: Path) -> None:
    """Whoever changes a decision on purpose writes the fixtures anew: python -m tests.replay.make."""
    assert await tape.again(name, tmp_path / "scratch") == text(name, "decided")


async def test_twice_is_the_same(tmp_path: Path) -> None:
    """In other processes too, whose sets have another order."""
    script = (
        "import asyncio, sys; from pathlib import Path; from tests.replay import tape;"
        "sys.stdout.buffer.write(asyncio.run(tape.again('trade', Path(sys.argv[1]))))"
    )
    told = [
        subprocess.run(  # noqa: ASYNC221
            [sys.executable, "-c", script, str(tmp_path / seed)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] == text("trade", "decided")


MUTATIONS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "nothing follows an order": (update, "_update", lambda route, step: ()),
    "no cancellation is seen": (compare, "cancelled", lambda order: False),
    "every order is ripe": (forward, "ripe", lambda order, route: True),
    "no line moves": (compare, "contest", lambda order, rivals: compare.Contest()),
    "nothing goes back": (write_back, "_back", lambda route, step: ()),
}


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_changed_decision_turns_it_red(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, function, other = MUTATIONS[name]
    monkeypatch.setattr(module, function, other)
    seen = 0
    for fixture in FIXTURES:
        try:
            seen += await tape.again(fixture, tmp_path / fixture) != text(fixture, "decided")
        except AssertionError:  # it cannot even be stored
            seen += 1
    assert seen


def test_the_fixtures_have_all_kinds_of_inputs() -> None:
    documents = [recording.decode(one) for name in FIXTURES for one in tape.read(text(name, "inputs"))]
    kinds = {type(document) for document in documents}
    assert kinds == {InputPage, DispatchRecord, ManualChange, Configured, Start}
    assert any(document.gone or document.later for document in documents if isinstance(document, InputPage))
    assert any(document.orders for document in documents if isinstance(document, ManualChange))


async def test_what_cannot_be_decided_is_told_and_its_neighbours_are_decided(tmp_path: Path) -> None:
    """An input whose documents make no sense any more, as after an upgrade, is never left out in silence."""
    good = tape.read(text("trade", "inputs"))
    where = next(i for i, one in enumerate(good) if one.kind == "page")
    page = msgspec.json.decode(kept.unpack(good[where].document))
    page["orders"] = [{"no": "order"}]
    broken = msgspec.structs.replace(good[where], document=kept.pack(msgspec.json.encode(page)))
    async with Database.open(tmp_path / "scratch") as scratch:
        play = Play(scratch, tape.names(text("trade", "names")))
        assert await play.decide([*good[:where], broken]) > 0
        (failure,) = play.failures
    assert failure.was == "decided"
    assert failure.now.startswith(f"input {broken.id} (page) cannot be decided: ")
