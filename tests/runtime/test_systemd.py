"""What systemd hears, on a real notify socket."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from olhubd.runtime.systemd import Notifier


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The service manager's end: the value of NOTIFY_SOCKET, and what was bound there."""
    name = f"@olhubd-test-{secrets.token_hex(8)}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind("\0" + name[1:] if name.startswith("@") else name)
        bound.setblocking(False)
        yield name, bound


def heard(bound: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in bound.recv(4096).decode().split("\n"))


def test_a_life_is_told(manager: tuple[str, socket.socket]) -> None:
    name, bound = manager
    notifier = Notifier({"NOTIFY_SOCKET": name}, monotonic=lambda: 1234.5)
    assert notifier.active

    assert notifier.ready("3 accounts")
    assert heard(bound) == {"READY": "1", "STATUS": "3 accounts"}
    assert notifier.reloading()
    assert heard(bound) == {"RELOADING": "1", "MONOTONIC_USEC": "1234500000"}
    assert notifier.ready()
    assert heard(bound) == {"READY": "1"}
    assert notifier.watchdog()
    assert heard(bound) == {"WATCHDOG": "1"}
    assert notifier.extend(30.5)
    assert heard(bound) == {"EXTEND_TIMEOUT_USEC": "30500000"}
    assert notifier.stopping("waiting for 2 calls")
    assert heard(bound) == {"STOPPING": "1", "STATUS": "waiting for 2 calls"}


def test_a_status_is_one_line_and_sets_no_other_field(manager: tuple[str, socket.socket]) -> None:
    name, bound = manager
    assert Notifier({"NOTIFY_SOCKET": name}).status("one\nSTOPPING=1\r\ntwo żółw")
    assert heard(bound) == {"STATUS": "one STOPPING=1 two żółw"}


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_manager_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    assert not notifier.active
    assert not notifier.ready()
    assert not notifier.watchdog()


def test_a_manager_that_is_gone_does_not_stop_the_daemon(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert notifier.active
    assert not notifier.ready()


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "42"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "41"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_asks(environ: dict[str, str], interval: float | None) -> None:
    assert Notifier(environ, pid=42).interval == interval
