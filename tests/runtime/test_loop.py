"""A loop whose plugins leave tasks behind that try to end it, or do not end themselves."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
import asyncio, signal, sys
import structlog
from olhubd.runtime import loop

async def leaks(error):
    await asyncio.sleep(0.01)
    raise error

async def stays():
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

async def main():
    running = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, lambda: None)
    {body}
    await asyncio.sleep(0.2)
    print("went on", flush=True)
    {end}

loop._ENDING = 0.2
loop.run(main(), None, structlog.get_logger())
print("returned", flush=True)
"""


def ran(body: str, end: str = "pass") -> subprocess.CompletedProcess[str]:
    script = textwrap.dedent(SCRIPT).format(body=body, end=end)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("error", ["SystemExit(7)", "KeyboardInterrupt()"])
def test_a_task_left_behind_does_not_end_the_daemon(error: str) -> None:
    """It is told, with where it was raised, and all other tasks go on where they were."""
    done = ran(f"tasks = [asyncio.create_task(leaks({error})) for _ in range(3)]")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("went on\nreturned\n")
    assert done.stdout.count("a task of a plugin tried to end the daemon") == 3
    assert "in leaks" in done.stdout


def test_a_task_that_does_not_end_is_left_behind() -> None:
    done = ran("task = asyncio.create_task(stays(), name='of a plugin')")
    assert done.returncode == 0, done.stderr
    assert "went on" in done.stdout
    assert "is left behind" in done.stdout
    assert "of a plugin" in done.stdout


def test_a_thread_that_does_not_end_is_left_behind() -> None:
    thread = "import threading; threading.Thread(target=threading.Event().wait, name='of a plugin').start()"
    done = ran(thread)
    assert done.returncode == 0, done.stderr
    assert "of a plugin" in done.stdout


def test_what_the_daemon_itself_raises_is_raised() -> None:
    done = ran("pass", "raise ValueError('no such thing')")
    assert done.returncode == 1
    assert "ValueError: no such thing" in done.stderr
    done = ran("pass", "sys.exit(5)")
    assert done.returncode == 5
