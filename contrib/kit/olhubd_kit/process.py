"""Simulators and the daemon as real processes, and the two small HTTP clients that steer them.

Everything goes over real sockets on this machine; a killed process is a process that was killed. Each is in a
process group of its own, so that a Ctrl-C in the terminal reaches only the process that started them, which ends
them in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec

from olhubd_kit.faults import CONTROL, Fault, FaultKind
from olhubd_kit.simulator import BookedOrder

__all__ = ["LAUNCHER", "DaemonProcess", "SimulatorProcess", "spawn_simulator", "spawn_town"]

LAUNCHER: Sequence[str] = (sys.executable, "-m", "olhubd")
"""What the command line is started by; a test may put something of its own before it."""


class SimulatorProcess:
    """A simulator in another process."""

    def __init__(
        self, connector: str, base: str, process: asyncio.subprocess.Process, settings: dict[str, Any]
    ) -> None:
        self.connector = connector
        self.base = base
        self.settings = settings
        self.process = process

    async def do(self, session: aiohttp.ClientSession, verb: str, **arguments: Any) -> Any:
        """Have it do one of its verbs; see the simulator's `verbs`."""
        body = msgspec.json.encode(arguments)
        async with session.post(f"{self.base}{CONTROL}/do/{verb}", data=body) as response:
            text = await response.read()
            if response.status != 200:
                raise RuntimeError(f"{self.connector} could not {verb}: {response.status} {text[:300]!r}")
            return msgspec.json.decode(text)

    async def books(self, session: aiohttp.ClientSession) -> list[BookedOrder]:
        async with session.get(f"{self.base}{CONTROL}/books") as response:
            return msgspec.json.decode(await response.read(), type=list[BookedOrder])

    async def misbehave(self, session: aiohttp.ClientSession, *faults: Fault) -> None:
        async with session.post(f"{self.base}{CONTROL}/faults", data=msgspec.json.encode(faults)) as response:
            response.raise_for_status()

    async def behave(self, session: aiohttp.ClientSession, *kinds: FaultKind) -> None:
        """No more faults, of some kinds or at all, other than those under way."""
        async with session.delete(
            f"{self.base}{CONTROL}/faults", params=[("kind", kind.value) for kind in kinds]
        ) as response:
            response.raise_for_status()

    async def struck(self, session: aiohttp.ClientSession) -> dict[str, int]:
        async with session.get(f"{self.base}{CONTROL}/faults") as response:
            return msgspec.json.decode(await response.read(), type=dict[str, int])


class _Announcement(msgspec.Struct):
    """The first line that `olhubd simulate --json` prints."""

    connector: str
    base: str
    settings: dict[str, Any]


async def spawn_simulator(
    stack: contextlib.AsyncExitStack, connector: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> SimulatorProcess:
    """Start `olhubd simulate` for a connector; it ends with the stack."""
    command = (*LAUNCHER, "simulate", connector, "--json", *arguments)
    (remote,) = await _spawn(stack, connector, command, 1, environ or {})
    return remote


async def spawn_town(
    stack: contextlib.AsyncExitStack, connector: str, seeds: Sequence[int]
) -> list[SimulatorProcess]:
    """Start a simulator for each seed, all in one process, whose faults may strike processes by signals."""
    command = (sys.executable, "-m", "olhubd_kit.multi_account", connector, *map(str, seeds))
    return await _spawn(stack, connector, command, len(seeds), {})


async def _spawn(
    stack: contextlib.AsyncExitStack, connector: str, command: Sequence[str], count: int, environ: Mapping[str, str]
) -> list[SimulatorProcess]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
        process_group=0,
    )
    stack.push_async_callback(_end, process)
    assert process.stdout is not None
    remotes = []
    for _ in range(count):
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        if not line:
            raise RuntimeError(f"the simulator of {connector} ended with {await process.wait()}")
        said = msgspec.json.decode(line, type=_Announcement)
        remotes.append(SimulatorProcess(said.connector, said.base, process, said.settings))
    return remotes


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


class DaemonProcess:
    """The daemon in another process, on the configuration at `path`; `log` gets what it prints.

    `socket` is its control socket; `environ` is added to the environment; `launcher` starts the command line. Use
    as an async context manager, or `start`, `kill` and `stop` by hand.
    """

    def __init__(
        self,
        path: Path,
        socket: Path,
        log: Path,
        environ: Mapping[str, str] | None = None,
        launcher: Sequence[str] = LAUNCHER,
    ) -> None:
        self.path = path
        self._socket = socket
        self._log = log
        self._environ = {**os.environ, **(environ or {})}
        self._command = (*launcher, "run", "--config", str(path))
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self.kills = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """What it ended with."""
        return self._process.returncode if self._process is not None else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def frozen(self) -> bool:
        """Whether a signal has stopped it in its tracks."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "T"

    async def start(self, timeout: float = 60.0) -> None:
        """Start it and wait until it is ready. Raises RuntimeError with the end of its log when it ends instead."""
        await self.launch()
        assert self._process is not None
        self._session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket)))
        try:
            async with asyncio.timeout(timeout):
                while not await self._ready():
                    if self._process.returncode is not None:
                        tail = self._log.read_text(errors="replace")[-3000:]
                        raise RuntimeError(f"the daemon ended with {self._process.returncode}:\n{tail}")
                    await asyncio.sleep(0.02)
        except BaseException:
            await self.stop()
            raise

    async def launch(self) -> None:
        """Start it and wait for nothing."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdout=log, stderr=log, env=self._environ, process_group=0
            )

    async def ended(self, timeout: float) -> bool:
        """Whether it ends by itself, or by another's hand, within so many seconds."""
        assert self._process is not None
        try:
            await asyncio.wait_for(self._process.wait(), timeout)
        except TimeoutError:
            return False
        await self._hang_up()
        return True

    async def _ready(self) -> bool:
        try:
            status, _ = await self.call("GET", "/readyz")
        except aiohttp.ClientError:
            return False
        return status == 200

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask its control endpoint; returns the status and the decoded answer."""
        assert self._session is not None
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if data is not None else {}
        async with self._session.request(
            method, f"http://olhubd{path}", data=data, headers=headers, timeout=aiohttp.ClientTimeout(total=30)
        ) as response:
            text = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return response.status, msgspec.json.decode(text) if is_json and text else text.decode()

    async def get(self, path: str) -> Any:
        """A GET that must succeed."""
        status, answer = await self.call("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {answer}")
        return answer

    async def kill(self) -> None:
        """kill -9: no goodbye, no last write."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self.kills += 1
        await self._hang_up()

    async def stop(self, timeout: float = 60.0) -> int:
        """SIGTERM, as systemd does; returns the exit code."""
        await self._hang_up()
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), timeout)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        return self._process.returncode or 0

    async def second(self, timeout: float = 60.0) -> int:
        """Start another daemon on the same data, which must refuse; returns its exit code, or 0 if it runs on."""
        with self._log.open("ab") as log:
            other = await asyncio.create_subprocess_exec(
                *self._command, stdout=log, stderr=log, env=self._environ, process_group=0
            )
        try:
            return await asyncio.wait_for(other.wait(), timeout)
        except TimeoutError:
            return 0
        finally:
            if other.returncode is None:
                other.kill()
                await other.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def _hang_up(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
