"""A house with a running daemon's inside, and a terminal to ask it from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from olhubd.cli import cli
from tests.control.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            yield made


class Terminal:
    """Runs commands beside the daemon, as another process would; it goes by the Unix socket."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, *arguments: str, code: int | None = 0, **environ: str) -> str:
        """What was printed, errors last. Fails unless it ended with `code`, where None is any failure."""
        command = ["--config", str(self._house.path), *arguments]
        result: Result = await asyncio.to_thread(CliRunner().invoke, cli, command, env=environ)
        assert result.exit_code == code if code is not None else result.exit_code != 0, result.output
        return result.output

    async def json(self, *arguments: str) -> Any:
        return msgspec.json.decode(await self(*arguments, "--json"))


@pytest.fixture
def terminal(house: House) -> Terminal:
    return Terminal(house)


Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs a command without any daemon."""

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), env=environ)

    return invoke
