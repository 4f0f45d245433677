"""`olhubd doctor` beside a daemon that runs and without one, and the page about it."""

from __future__ import annotations

import asyncio
import csv
import inspect
import io
import re
import socket
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from olhubd.cli.session import Session
from olhubd.control.doctor.finding import CHECKS
from olhubd.control.doctor.inside import Examination
from olhubd.store.sqlite.migrate import migrate
from tests.cli.conftest import Run, Terminal
from tests.control.house import House

PAGE = (Path(__file__).parent.parent.parent / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_the_page_has_every_check() -> None:
    """A law: ids, what they ask, and which need a daemon."""
    told = re.findall(r"^\| `([A-Z]+)` \| (.+?) \| (yes|no) \|$", PAGE, re.MULTILINE)
    assert told == [
        (name, check.asks, "yes" if check.machine or not check.inside else "no") for name, check in CHECKS.items()
    ]


async def test_beside_a_daemon(house: House, terminal: Terminal) -> None:
    (house.folder / "data").chmod(0o700)
    told = await terminal("doctor", "daemon", "CLOCK", "DISK")
    assert [line.split()[:2] for line in told.splitlines()] == [
        ["fine", "DAEMON"], ["fine", "DISK"], ["fine", "CLOCK"], ["fine", "CLOCK"], ["fine", "CLOCK"],
    ]  # fmt: skip
    found = await terminal.json("doctor", "CLOCK")
    assert found["well"] is True
    assert {item["subject"] for item in found["items"]} == {"market", "shop", "stingy"}


async def test_what_is_wrong_is_told_with_its_mend_and_an_exit_code(house: House, terminal: Terminal) -> None:
    (house.folder / "data").chmod(0o755)
    told = await terminal("doctor", "FILES", code=1)
    assert told == (
        f"wrong     FILES  {house.folder}/data: others may look into it\n"
        f"                 -> chmod 0700 {house.folder}/data\n"
        "olhubd: 1 of 1 findings is wrong\n"
    )
    rows = list(csv.DictReader(io.StringIO(await terminal("doctor", "FILES", "--csv", code=1))))
    assert (rows[0]["check"], rows[0]["state"]) == ("FILES", "wrong")
    assert msgspec.json.decode(await terminal("doctor", "FILES", "--json", code=1))["well"] is False


async def test_a_check_that_there_is_not(house: House, terminal: Terminal) -> None:
    assert "check: CLOK is none; known: PLUGINS, " in await terminal("doctor", "CLOK", code=2)


def alone(house: House) -> str:
    """Its file without what only this house has a connector for."""
    text = house.path.read_text(encoding="utf-8")
    text = re.sub(r"\[accounts\.(stingy|off)\][^[]*", "", text)
    return text[: text.index('[[routes]]\nfrom = ["stingy')]


async def test_a_change_that_is_not_in_force(house: House, terminal: Terminal) -> None:
    text = alone(house)
    house.path.write_text(text, encoding="utf-8")
    await terminal("reload")
    assert "is right and in force" in await terminal("doctor", "CONFIG")
    house.path.write_text(text.replace('interval = "1 h"', 'interval = "2 h"'), encoding="utf-8")
    told = await terminal("doctor", "CONFIG")
    assert "look      CONFIG  changed and not in force yet: accounts.shop.interval\n" in told
    assert "olhubd reload" in told


async def test_what_is_kept_beside_the_file_is_no_change(house: House, terminal: Terminal) -> None:
    """It is in force, and no file says it; what the file says otherwise is one all the same."""
    text = alone(house)
    house.path.write_text(text, encoding="utf-8")
    await terminal("reload")
    await terminal("account", "settings", "market", "handling_time=2 d")
    assert "is right and in force" in await terminal("doctor", "CONFIG")
    market = "[accounts.market]\n"
    house.path.write_text(text.replace(market, f'{market}handling_time = "3 d"\n'), encoding="utf-8")
    assert "accounts.market.handling_time" in await terminal("doctor", "CONFIG")


@pytest.mark.parametrize("silent", [True, False])
async def test_a_long_look_is_no_silence(
    house: House, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    """What the daemon told at once still holds; only what it could not look at is wrong."""

    answered = asyncio.Event()

    async def look(self: Examination, wanted: Collection[str]) -> NoReturn:
        if silent:
            await answered.wait()
        raise TimeoutError

    monkeypatch.setattr(Examination, "examine", look)
    if silent:
        monkeypatch.setattr(inspect.unwrap(Session.daemon), "__defaults__", (0.2,))
    told = await terminal("doctor", "DAEMON", "PORT", "CLOCK", "DISK", code=1)
    assert [line.split()[:2] for line in told.splitlines() if not line.startswith(" ")] == [
        ["fine", "DAEMON"], ["fine", "PORT"], ["wrong", "DISK"], ["wrong", "CLOCK"], ["olhubd:", "2"],
    ]  # fmt: skip
    assert told.count("it took too long" if not silent else "did not answer within 0.2 s") == 2
    whole = await terminal("doctor", "--json", code=1)
    found = {item["check"]: item["text"] for item in msgspec.json.decode(whole)["items"]}
    assert found.keys() == CHECKS.keys() - {"PORT"}
    unknown = {name for name, text in found.items() if text.startswith("the daemon could not tell: ")}
    assert unknown == {name for name, check in CHECKS.items() if check.inside}
    answered.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration that no daemon works by."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = tmp_path / "olhubd.toml"
    path.write_text(f'[daemon]\ndata = "data"\n[control]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    return path


def test_without_a_daemon(run: Run, path: Path) -> None:
    """The machine is looked at all the same; the rest says why it is not."""
    (path.parent / "data").mkdir(mode=0o700)
    migrate(path.parent / "data" / "olhubd.sqlite")
    done = run("doctor", "--json", "--config", str(path))
    assert done.exit_code == 1
    found = {item["check"]: item for item in msgspec.json.decode(done.output)["items"]}
    assert list(found) == list(CHECKS)
    assert found["DAEMON"]["state"] == "wrong"
    assert "Is the daemon running?" in found["DAEMON"]["mend"]
    assert {name for name, item in found.items() if item["state"] == "fine"} == {
        "PLUGINS", "PORT", "FILES", "DISK", "INTEGRITY",
    }  # fmt: skip
    assert (found["CONFIG"]["state"], "names no account" in found["CONFIG"]["text"]) == ("look", True)
    for name in ("ALARMS", "REACH", "CLOCK", "TOKENS", "UNMAPPED"):
        assert (found[name]["state"], found[name]["text"]) == ("skipped", "only the daemon can tell")
    assert run("doctor", "PORT", "integrity", "--config", str(path)).exit_code == 0


def test_a_damaged_database_is_told_without_a_daemon(run: Run, path: Path) -> None:
    (path.parent / "data").mkdir(mode=0o700)
    file = path.parent / "data" / "olhubd.sqlite"
    migrate(file)
    content = bytearray(file.read_bytes())
    content[4096:16384] = b"\xff" * 12288
    file.write_bytes(content)
    done = run("doctor", "INTEGRITY", "--config", str(path))
    assert done.exit_code == 1
    assert "wrong     INTEGRITY" in done.output
    assert "restore the latest backup" in done.output


def test_a_wrong_configuration_is_told_with_its_line(run: Run, path: Path) -> None:
    path.write_text('[daemon]\nlog_levl = "debug"\n', encoding="utf-8")
    done = run("doctor", "--config", str(path))
    assert done.exit_code == 1
    assert f"wrong     CONFIG     {path}:2: daemon.log_levl: " in done.output
    assert "Traceback" not in done.output


def test_an_id_that_there_is_not_without_a_daemon(run: Run, path: Path) -> None:
    done = run("doctor", "CLOK", "--config", str(path))
    assert done.exit_code == 2
    assert "there is no check CLOK; known: CONFIG, " in done.output
