"""Who blocks the event loop: a thread that looks at it from outside, since nothing inside of it can.

A call that computes or sleeps without awaiting stops all accounts, doors and signals. It cannot be ended; what can
be done is to say whose it is before the watchdog ends the process.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback

from olhubd.plugin import Log

__all__ = ["BlockDetector"]

AFTER = 5.0
"""Seconds without a turn of the loop, after which it counts as blocked."""
_FRAMES = 8


class BlockDetector:
    """`start` in the loop's own thread, then `stop`."""

    def __init__(self, log: Log, after: float = AFTER) -> None:
        self._log = log
        self._after = after
        self._every = after / 5
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._turned = time.monotonic()
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._watch, name="sentry", daemon=True)

    def start(self) -> None:
        self._turn()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        self._turned = time.monotonic()
        self._timer = self._loop.call_later(self._every, self._turn)

    def _watch(self) -> None:
        since: float | None = None
        while not self._ended.wait(self._every):
            turned = self._turned
            if since is None and time.monotonic() - turned > self._after:
                since = turned
                self._tell(time.monotonic() - turned)
            elif since is not None and turned > since:
                self._log.warning("the event loop goes on", blocked=round(turned - since, 1))
                since = None

    def _tell(self, late: float) -> None:
        task = asyncio.current_task(self._loop)
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  documented, for this very use
        # Where it is, not what it works on: lines of code hold nothing of a person.
        stack = traceback.extract_stack(frame)[-_FRAMES:] if frame is not None else []
        self._log.error(
            "the event loop is blocked: all accounts wait for this",
            task=task.get_name() if task is not None else "none",
            seconds=round(late, 1),
            where=[f"{line.filename}:{line.lineno} {line.name}" for line in stack],
        )
