"""Running the event loop of a daemon whose plugins nobody can vouch for.

A task that a plugin left behind and that raises SystemExit or KeyboardInterrupt breaks out of the loop. The
daemon's own task is not done then, and the loop is taken up where it stopped. At the end, tasks and threads that do
not end when cancelled are left behind, so that the process ends in time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from olhubd.plugin import Log

__all__ = ["run"]

_ENDING = 3.0
"""Seconds that what is left at the end has to end as well."""


def run(main: Coroutine[Any, Any, None], factory: Callable[[], asyncio.AbstractEventLoop] | None, log: Log) -> None:
    """Run it to its end. Raises what it raises; ends the process where something is left that would keep it up."""
    loop = (factory or asyncio.new_event_loop)()
    asyncio.set_event_loop(loop)
    task = loop.create_task(main, name="main")
    try:
        _until_done(loop, task, log)
    except BaseException:
        _tidy(loop, log)
        raise
    if (left := [*_tidy(loop, log), *_threads()]) and not task.cancelled():
        log.warning("something does not end and is left behind", what=left)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _until_done(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], log: Log) -> None:
    while True:
        try:
            loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            # Only while nobody listens for the signal does a Ctrl-C come this way.
            if task.done() or signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                raise
            log.error("a task of a plugin tried to end the daemon", exc_info=error)
        else:
            return


def _tidy(loop: asyncio.AbstractEventLoop, log: Log) -> list[str]:
    """End what is left and close the loop. Returns the names of the tasks that do not end."""
    left: set[asyncio.Task[Any]] = set()
    try:
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks, timeout=_ENDING))
            left = {task for task in tasks if not task.done()}
        for step in (loop.shutdown_asyncgens(), loop.shutdown_default_executor()):
            loop.run_until_complete(asyncio.wait([loop.create_task(step)], timeout=_ENDING))
    except (SystemExit, KeyboardInterrupt) as error:
        log.error("a task of a plugin tried to end the daemon", exc_info=error)
    finally:
        asyncio.set_event_loop(None)
        if not left:
            loop.close()
    return sorted(task.get_name() for task in left)


def _threads() -> list[str]:
    """The threads for which the interpreter would wait."""
    return [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon and thread.is_alive()
    ]
