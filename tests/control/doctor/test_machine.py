"""What is looked at on the machine: each check is well, goes wrong, and says which file and what to do."""

from __future__ import annotations

import dataclasses
import socket
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from olhubd import config
from olhubd.config import Configuration
from olhubd.control.doctor import machine
from olhubd.control.doctor.finding import CheckState, Finding
from olhubd.plugin import hookimpl
from olhubd.store.sqlite.migrate import latest, migrate


@pytest.fixture
def settings(tmp_path: Path) -> Configuration:
    return configured(tmp_path, "127.0.0.1:0")


def configured(folder: Path, listen: str) -> Configuration:
    path = folder / "olhubd.toml"
    path.write_text(f'[daemon]\ndata = "data"\n[control]\nlisten = "{listen}"\n', encoding="utf-8")
    data = folder / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    migrate(data / machine.DATABASE)
    return config.load(path, None, {})


def worst(found: Iterable[Finding]) -> Finding:
    return max(
        found,
        key=lambda one: [CheckState.FINE, CheckState.SKIPPED, CheckState.LOOK, CheckState.WRONG].index(one.state),
    )


def test_files_are_closed_to_others(settings: Configuration) -> None:
    at = machine.place(settings)
    assert worst(machine.files(at)).state is CheckState.FINE
    at.database.chmod(0o644)
    one = worst(machine.files(at))
    assert (one.state, one.subject, one.mend) == (CheckState.WRONG, str(at.database), f"chmod 0600 {at.database}")
    at.database.chmod(0o600)
    token = at.data / "control.token"
    token.touch(mode=0o640)
    assert worst(machine.files(at)).subject == str(token)
    token.chmod(0o600)
    at.data.chmod(0o705)
    assert worst(machine.files(at)).mend == f"chmod 0700 {at.data}"
    at.data.chmod(0o700)
    at.config.chmod(0o666)
    assert worst(machine.files(at)).mend == f"chmod o-w {at.config}"


def test_a_data_directory_that_is_gone(settings: Configuration, tmp_path: Path) -> None:
    (tmp_path / "data").rename(tmp_path / "moved")
    assert worst(machine.files(machine.place(settings))).state is CheckState.LOOK, "a first start makes it"
    running = machine.place(settings, tmp_path / "data" / machine.DATABASE)
    assert worst(machine.files(running)).state is CheckState.WRONG


def test_disk(settings: Configuration) -> None:
    at = dataclasses.replace(machine.place(settings), least=0)
    assert worst(machine.disk(at)).state is CheckState.FINE
    assert worst(machine.disk(dataclasses.replace(at, least=2**60))).state is CheckState.WRONG


def test_disk_without_room_for_an_upgrade(settings: Configuration) -> None:
    at = dataclasses.replace(machine.place(settings), least=0)
    with at.database.open("r+b") as file:
        file.truncate(2**43)  # a file with a hole, far larger than any disk here
    assert "an upgrade writes a copy" in worst(machine.disk(at)).text


async def test_integrity(settings: Configuration) -> None:
    at = machine.place(settings)
    assert [one.text for one in await machine.database(at)] == [f"SQLite finds it sound, schema {latest()}"]
    with at.database.open("r+b") as file:
        file.seek(4096)  # behind the first page, which says that it is a database at all
        file.write(b"\xde\xad\xbe\xef" * 4096)
    one = worst(await machine.database(at))
    assert one.state is CheckState.WRONG
    assert one.subject == str(at.database)
    assert one.mend is not None
    assert "restore" in one.mend


async def test_a_file_that_is_no_database(settings: Configuration) -> None:
    at = machine.place(settings)
    at.database.write_bytes(b"not a database at all" * 100)
    assert worst(await machine.database(at)).state is CheckState.WRONG


@pytest.mark.parametrize(("schema", "told"), [(1, CheckState.LOOK), (9999, CheckState.WRONG)])
async def test_a_database_of_another_version(settings: Configuration, schema: int, told: CheckState) -> None:
    at = machine.place(settings)
    with sqlite3.connect(at.database) as connection:
        connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    one = worst(await machine.database(at))
    assert one.state is told
    assert f"schema {schema}" in one.text


async def test_a_look_at_the_database_writes_nothing(settings: Configuration) -> None:
    at = machine.place(settings)
    before = at.database.read_bytes()
    await machine.database(at)
    assert at.database.read_bytes() == before


async def test_a_long_look_is_ended(settings: Configuration) -> None:
    one = worst(await machine.database(machine.place(settings), within=0.0))
    assert one.state is CheckState.LOOK
    assert one.mend is not None
    assert "olhubd doctor INTEGRITY" in one.mend


def test_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = configured(tmp_path, f"127.0.0.1:{other.getsockname()[1]}")
        one = worst(machine.port(taken.control))
        assert one.state is CheckState.WRONG
        assert "already in use" in one.text
    assert worst(machine.port(taken.control)).state is CheckState.FINE


def test_plugins(settings: Configuration) -> None:
    assert worst(machine.plugins(settings)).state is CheckState.FINE
    broken = dataclasses.replace(settings.plugins, failed={"scales": "ImportError: no module named usb"})
    one = worst(machine.plugins(dataclasses.replace(settings, plugins=broken)))
    assert (one.state, one.subject) == (CheckState.WRONG, "scales")


class Clumsy:
    @staticmethod
    @hookimpl
    def olhubd_register_checks(register: Any) -> None:
        register("BROKEN", lambda: 1 / 0)
        register("GOOD", lambda: None)


def test_a_check_of_a_plugin_that_fails_is_told_and_hurts_no_other(settings: Configuration) -> None:
    settings.plugins.manager.register(Clumsy)
    try:
        found = dict(machine.own_checks(settings))
        assert found["BROKEN"].text == "the check itself failed: ZeroDivisionError"
        assert found["GOOD"].state is CheckState.FINE
        assert dict(machine.own_checks(settings, ["GOOD"])).keys() == {"GOOD"}
    finally:
        settings.plugins.manager.unregister(Clumsy)
