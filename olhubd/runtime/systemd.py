"""Reporting the daemon's state to systemd: the notify protocol, in the few lines of it that we need.

Without `NOTIFY_SOCKET` every call does nothing, so the daemon runs the same in a terminal. Whether the watchdog may
be fed is not decided here: the supervisor feeds it only while all loops are fresh.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

__all__ = ["Notifier"]

_SEND_TIMEOUT = 1.0
"""Seconds for which a full socket may hold up the caller; systemd reads it at once or is itself in trouble."""


class Notifier:
    """One daemon's line to its service manager.

    `environ` is the process environment at start. `monotonic` gives seconds of CLOCK_MONOTONIC, by which systemd
    distinguishes one reload from the next.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        pid: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._monotonic = monotonic
        self.interval = _interval(environ, os.getpid() if pid is None else pid)
        """Seconds between two feedings of the watchdog, half of what it allows; None when there is no watchdog."""

    @property
    def active(self) -> bool:
        """Whether anybody listens."""
        return self._address is not None

    def ready(self, status: str | None = None) -> bool:
        """Start-up, or a reload, is complete."""
        return self._send({"READY": "1"}, status)

    def reloading(self, status: str | None = None) -> bool:
        """A reload begins; `ready` ends it."""
        return self._send({"RELOADING": "1", "MONOTONIC_USEC": str(int(self._monotonic() * 1_000_000))}, status)

    def stopping(self, status: str | None = None) -> bool:
        """The daemon ends by its own will or by order."""
        return self._send({"STOPPING": "1"}, status)

    def status(self, text: str) -> bool:
        """One line for `systemctl status`."""
        return self._send({}, text)

    def watchdog(self) -> bool:
        """All is well, for another interval."""
        return self._send({"WATCHDOG": "1"})

    def extend(self, seconds: float) -> bool:
        """Start-up or stopping needs so much more time from now, for a migration say."""
        return self._send({"EXTEND_TIMEOUT_USEC": str(int(seconds * 1_000_000))})

    def _send(self, fields: Mapping[str, str], status: str | None = None) -> bool:
        """Whether the message went out. A manager that cannot be reached is no reason to stop working."""
        if self._address is None:
            return False
        lines = [f"{name}={value}" for name, value in fields.items()]
        if status is not None:
            lines.append(f"STATUS={' '.join(status.split())}")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_SEND_TIMEOUT)
            line.connect(self._address)
            line.sendall("\n".join(lines).encode())
            return True
        return False


def _address(text: str) -> str | None:
    """The socket's address; a leading @ means the zero byte of an abstract one."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _interval(environ: Mapping[str, str], pid: int) -> float | None:
    usec, meant = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (meant and meant != str(pid)):
        return None
    return int(usec) / 2_000_000
