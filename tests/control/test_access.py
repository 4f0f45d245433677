"""The token in its file, and the Unix socket that needs none."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from olhubd import config
from olhubd.control.http import access
from olhubd.control.http.api_tokens import ApiTokens
from olhubd.model import Scope
from olhubd.store import Transaction
from tests.control.house import House, decoded


def configured(folder: Path, control: str = "") -> config.Configuration:
    path = folder / "olhubd.toml"
    path.touch(mode=0o600)
    path.write_text(f'[daemon]\ndata = "."\n[control]\n{control}\n', encoding="utf-8")
    return config.load(path, None, {})


def test_the_daemon_makes_a_token_that_nobody_else_can_read(tmp_path: Path) -> None:
    configuration = configured(tmp_path)
    token = access.load_or_make_token(configuration)
    file = tmp_path / access.TOKEN_FILE
    assert len(token) >= 32
    assert file.read_text(encoding="ascii").strip() == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert access.load_or_make_token(configuration) == token, "a restart locks nobody out"


def test_a_token_file_that_all_can_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / access.TOKEN_FILE
    file.write_text("kept\n", encoding="ascii")
    file.chmod(0o644)
    assert access.load_or_make_token(configured(tmp_path)) == "kept"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_empty_token_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / access.TOKEN_FILE).touch()
    assert len(access.load_or_make_token(configured(tmp_path))) >= 32


def test_the_configured_token_wins(tmp_path: Path) -> None:
    assert access.load_or_make_token(configured(tmp_path, 'token = "chosen-by-a-person"')) == "chosen-by-a-person"
    assert not (tmp_path / access.TOKEN_FILE).exists()


async def test_the_socket_knows_who_is_there(house: House) -> None:
    async with house.over_socket() as session, session.get("/api/v1/status") as response:
        assert response.status == 200
    socket = house.folder / "olhubd.sock"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o660


async def test_the_operator_is_named_in_the_log_of_events(trading: House) -> None:
    async with trading.over_socket() as session, session.post("/api/v1/accounts/shop/pause") as response:
        assert (await decoded(response))["state"] == "paused"
    (row,) = await trading.database.reader.fetch("SELECT cause_id FROM events WHERE kind = 'account.paused'")
    assert row == (access._name(os.geteuid()),)


@pytest.mark.parametrize(
    ("uid", "groups", "scope"),
    [
        (0, [], Scope.ADMIN),
        (os.geteuid(), [], Scope.ADMIN),
        (54321, [os.getegid()], Scope.READ),
        (54321, [54321], None),
    ],
)
def test_who_needs_no_token(uid: int, groups: list[int], scope: Scope | None) -> None:
    assert access._granted(uid, frozenset(groups), Scope.READ) is scope


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_a_stranger_at_the_socket_needs_the_token(house: House) -> None:
    """A real process of another user: the kernel's word counts, not what it says."""
    (house.folder / "olhubd.sock").chmod(0o666)
    house.folder.chmod(0o755)
    program = (
        "import os, socket\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "end = socket.socket(socket.AF_UNIX); end.connect('olhubd.sock')\n"
        "end.sendall(b'GET /api/v1/status HTTP/1.0\\r\\n\\r\\n'); print(end.recv(12).decode())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=house.folder, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    assert said.decode().strip() == "HTTP/1.0 401"


async def test_a_leftover_socket_is_no_obstacle(house: House, tmp_path: Path) -> None:
    """A killed daemon leaves its socket behind; the next one takes its place."""
    from olhubd.control.http import sockets

    path = tmp_path / "left.sock"
    sockets._unix(path).close()
    assert path.is_socket()
    sockets._unix(path).close()


def test_a_socket_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    from olhubd.control.http import sockets

    with pytest.raises(OSError, match=r"cannot listen on .*: no such file or directory"):
        sockets._unix(tmp_path / "no" / "folder.sock")


async def test_an_address_that_is_taken_is_named(house: House) -> None:
    from olhubd.config import Listen
    from olhubd.control.http import sockets

    port = int(house.base.rpartition(":")[2])
    taken = {"socket": None, "listen": Listen("127.0.0.1", port)}
    configuration = dataclasses.replace(
        house.configuration(), control=house.configuration().control.model_copy(update=taken)
    )
    with (
        pytest.raises(OSError, match=rf"cannot listen on 127.0.0.1:{port}: address already in use"),
        sockets.opened(configuration.control),
    ):
        pass


def test_a_token_file_that_holds_no_token_is_named(tmp_path: Path) -> None:
    (tmp_path / access.TOKEN_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OSError, match=r"control\.token holds no token: remove it"):
        access.load_or_make_token(configured(tmp_path))


async def test_what_is_no_socket_is_not_touched(house: House, tmp_path: Path) -> None:
    """Neither when it is in the way, nor when the daemon ends because of that."""
    from olhubd.control.http import sockets

    path = tmp_path / "precious"
    path.write_text("kept", encoding="ascii")
    configuration = dataclasses.replace(
        house.configuration(), control=house.configuration().control.model_copy(update={"socket": path})
    )
    with pytest.raises(OSError, match="no socket"), sockets.opened(configuration.control):
        pass
    assert path.read_text(encoding="ascii") == "kept"


async def test_the_socket_of_another_daemon_is_not_taken(house: House) -> None:
    from olhubd.control.http import sockets

    configuration = dataclasses.replace(
        house.configuration(), control=house.configuration().control.model_copy(update={"listen": None})
    )
    with pytest.raises(OSError, match="another program listens there"), sockets.opened(configuration.control):
        pass
    async with house.over_socket() as session, session.get("/readyz") as response:
        assert response.status == 200


async def _raw(house: House, *lines: bytes) -> bytes:
    """What is answered to bytes that no client would send."""
    host, _, port = house.base.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\r\n".join(lines))
    answer = await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    return answer


async def test_a_token_of_strange_bytes_is_wrong_and_no_failure(house: House) -> None:
    shown = b"Authorization: Bearer \x80"
    answer = await _raw(house, b"GET /metrics HTTP/1.1", b"Host: localhost", shown, b"", b"")
    assert b" 401 " in answer


async def test_a_body_that_is_not_packed_as_it_says(house: House) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with house.client.post("/api/v1/log-level", data=b"not gzip", headers=headers) as response:
        assert response.status == 400
        assert (await decoded(response))["type"] == "urn:olhubd:problem:body"


async def test_what_is_no_http_is_not_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Anybody can send it, and as often as they like; and it may hold what should not be in a log."""
    assert b" 400 " in await _raw(house, b"GET / HTTP/9.9 s3cret", b"Host: localhost", b"", b"")
    assert not caplog.records


@contextlib.asynccontextmanager
async def stuck(house: House) -> AsyncIterator[None]:
    """Nothing can be written meanwhile, as when another program holds the database."""
    go, there = asyncio.Event(), asyncio.Event()

    async def hold(_tx: Transaction) -> None:
        there.set()
        await go.wait()

    holding = asyncio.create_task(house.database.write(hold))
    await there.wait()
    try:
        yield
    finally:
        go.set()
        await holding


async def test_a_database_that_cannot_be_written_keeps_nobody_out(house: House) -> None:
    """When a token was last used is worth writing down, and not worth waiting for."""
    token = await house.make_token("till", Scope.READ)
    headers = {"Authorization": f"Bearer {token}"}
    async with stuck(house), asyncio.timeout(20), house.client.get("/api/v1/orders", headers=headers) as response:
        assert response.status == 200


async def test_a_revocation_holds_although_nobody_waited_for_its_end(house: House) -> None:
    """Whoever gives up waiting has not undone what they asked for."""
    token = await house.make_token("till", Scope.ADMIN)
    keyring = ApiTokens(house.token, house.hub)
    await keyring.load()
    async with stuck(house):
        revoking = asyncio.create_task(keyring.revoke("till", "jan"))
        await asyncio.sleep(0)
        revoking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await revoking
        assert keyring.shown(token) is None
    await house.make_token("later", Scope.READ)  # written after what waited
    assert not [one for one in await keyring.listing() if one.name == "till"]


async def test_no_log_shows_a_token_that_opens_the_endpoint(house: House) -> None:
    """Neither the endpoint's own, configured or made, nor one that a person made, also after a restart."""
    assert house.token in house.learned, "as soon as anybody could be asked for it"
    token = await house.make_token("till", Scope.READ)
    assert token in house.learned
    house.learned.clear()  # as in the next process, which knows of it no more than its digest
    for shown in (token, house.token):
        async with house.client.get("/api/v1/orders", headers={"Authorization": f"Bearer {shown}"}) as response:
            assert response.status == 200
    assert {token, house.token} <= set(house.learned)
    async with house.client.get("/api/v1/orders", headers={"Authorization": "Bearer stranger"}) as response:
        assert response.status == 401
    assert "stranger" not in house.learned, "else strangers could crowd out what must stay hidden"
