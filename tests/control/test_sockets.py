"""Where the endpoint listens: TLS and its renewal, and ports that are taken."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from olhubd import config
from olhubd.client import EndpointClient, NotReachable
from olhubd.control.api.schema.health import Readiness
from olhubd.control.http import server, sockets
from olhubd.control.process_control import ProcessControl
from tests.control.house import House

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def certify(folder: Path, name: str) -> None:
    """A certificate of our own making for 127.0.0.1, by this name, with its key."""
    kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *kind.split(), *files, *names], check=True, capture_output=True)


@contextlib.asynccontextmanager
async def secured(house: House) -> AsyncIterator[tuple[str, sockets.ListeningSockets, config.Configuration]]:
    """A second endpoint of the house that speaks TLS."""
    certify(house.folder, "first")
    written = house.path.read_text()
    house.path.write_text(written.replace("[control]\n", '[control]\ncertificate = "cert.pem"\nkey = "key.pem"\n'))
    read = house.configuration()
    beside = dataclasses.replace(read, control=read.control.model_copy(update={"socket": None}))
    steer = ProcessControl(reload=house._reload, log_level=house._log_level)
    with sockets.opened(beside.control) as doors:
        async with server.serve(house.hub, doors, house.token, steer) as addresses:
            yield addresses[0], doors, beside


def shown(address: str) -> bytes:
    """The certificate that somebody who connects is shown."""
    host, _, port = address.removeprefix("https://").rpartition(":")
    return ssl.get_server_certificate((host, int(port)), timeout=10).encode()


@needs_openssl
async def test_it_speaks_tls_and_takes_a_renewed_certificate(house: House) -> None:
    async with secured(house) as (address, doors, beside), ClientSession(address, headers=house.bearer) as client:
        assert address.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(house.folder / "cert.pem"))
        async with client.get("/api/v1/status", ssl=trust) as response:
            assert response.status == 200
        fields = {"token": house.token}
        async with client.post("/login", data=fields, ssl=trust, allow_redirects=False) as response:
            assert "Secure" in response.headers["Set-Cookie"]
        first = await asyncio.to_thread(shown, address)
        certify(house.folder, "second")
        assert await asyncio.to_thread(shown, address) == first, "not before it is told"
        doors.renew(beside.control)
        second = await asyncio.to_thread(shown, address)
        assert second != first
        assert second.strip() == (house.folder / "cert.pem").read_bytes().strip()


@needs_openssl
@pytest.mark.parametrize(
    ("damage", "word"),
    [("missing", "cannot be read"), ("garbage", "cannot be used"), ("foreign key", "key values mismatch")],
)
def test_a_certificate_that_is_none_is_told_with_its_key(tmp_path: Path, damage: str, word: str) -> None:
    certify(tmp_path, "first")
    if damage == "missing":
        (tmp_path / "cert.pem").unlink()
    elif damage == "garbage":
        (tmp_path / "cert.pem").write_text("no certificate")
    else:
        kept = (tmp_path / "cert.pem").read_bytes()
        certify(tmp_path, "second")
        (tmp_path / "cert.pem").write_bytes(kept)
    path = tmp_path / "olhubd.toml"
    path.touch(mode=0o600)
    path.write_text('[daemon]\ndata = "."\n[control]\ncertificate = "cert.pem"\nkey = "key.pem"\n')
    with pytest.raises(config.ConfigurationError) as caught:
        config.load(path, None, {})
    (problem,) = caught.value.problems
    assert problem.key == "control.certificate"
    assert word in problem.message
    assert problem.hint


@needs_openssl
async def test_the_command_line_trusts_the_certificate_of_the_configuration(house: House) -> None:
    """And no other: what answers there with another one is not told the token."""
    async with secured(house) as (address, _doors, _beside):
        host, _, port = address.removeprefix("https://").rpartition(":")
        at = (host, int(port))
        trusted = EndpointClient(at, house.token, certificate=house.folder / "cert.pem")
        health = await asyncio.to_thread(trusted.get, "/readyz", Readiness)
        assert health.database
        certify(house.folder, "another")
        mistrusting = EndpointClient(at, house.token, certificate=house.folder / "cert.pem")
        with pytest.raises(NotReachable, match="another certificate"):
            await asyncio.to_thread(mistrusting.get, "/readyz", Readiness)


def test_a_taken_port_is_known_before_any_account_begins(tmp_path: Path) -> None:
    """The real daemon: it ends with the reason, and no account was begun."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "olhubd.toml"
        path.touch(mode=0o600)
        path.write_text(
            f'[daemon]\ndata = "."\n[control]\nlisten = "127.0.0.1:{port}"\n'
            '[accounts.shop]\nconnector = "woocommerce"\nurl = "http://127.0.0.1:9"\n'
            'consumer_key = "ck_1"\nconsumer_secret = "cs_1"\n'
        )
        command = [sys.executable, "-m", "olhubd", "--config", str(path), "run"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert f"cannot listen on 127.0.0.1:{port}: address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    with sqlite3.connect(tmp_path / "olhubd.sqlite") as database:
        assert database.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
