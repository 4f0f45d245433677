"""What a command has started ends with it, also when it is killed or its terminal is closed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from olhubd_torture.command import torture

PROCESSES = 3


@pytest.mark.parametrize(
    ("number", "command"),
    [
        (signal.SIGTERM, "torture --process --soak 1h --accounts 2"),
        (signal.SIGHUP, "torture --process --schedules 1 --jobs 1"),
        (signal.SIGTERM, "torture --schedules 100000 --small --jobs 2"),
    ],
)
async def test_a_killed_torture_leaves_nothing_behind(number: signal.Signals, command: str, tmp_path: Path) -> None:
    """No daemon, no simulator, no process that plays schedules, no folder; started by a script, as from cron."""
    program = (sys.executable, "-m", "olhubd", *command.split())
    background = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    process = await asyncio.create_subprocess_exec(
        *background,
        *program,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    try:
        while len(_session(process.pid)) <= PROCESSES:
            assert process.returncode is None
            await asyncio.sleep(0.05)
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 60) == 130
        async with asyncio.timeout(30):
            while _session(process.pid):  # what was told to end needs a moment for it
                await asyncio.sleep(0.05)
        assert os.listdir(tmp_path) == []
    finally:
        for pid in _session(process.pid):
            os.kill(pid, signal.SIGKILL)


def _session(number: int) -> list[int]:
    """The processes of a session that live, in groups of their own or not."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if path.name.isdecimal() and int(fields[3]) == number and fields[0] != "Z":
            found.append(int(path.name))
    return found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--schedules 0", "--schedules"),
        ("--process --schedules -3", "--schedules"),
        ("--process --every", "--every"),
        ("--soak 1h --small", "--small"),
    ],
)
def test_a_torture_of_nothing_is_refused(options: str, said: str) -> None:
    """Else it would say that nothing failed."""
    result = CliRunner().invoke(torture, options.split())
    assert result.exit_code == 2
    assert said in result.output
