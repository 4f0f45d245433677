"""A small file system of its own, which can be filled up and made read-only.

It is a tmpfs, so it needs Linux and the right to mount; `open_disk` gives None where there is none, and the caller
asked says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

__all__ = ["MountedDisk", "open_disk"]

_CHUNK = 64 * 1024


class MountedDisk:
    """Mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Leave not a byte."""
        with (self.path / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(_CHUNK))

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.path / "ballast").unlink(missing_ok=True)

    async def protect(self, protected: bool) -> None:
        """Make it read-only, which fails while anybody writes to it, or writable again."""
        if await _run("mount", "-o", f"remount,{'ro' if protected else 'rw'}", str(self.path)):
            raise OSError(f"{self.path} cannot be mounted anew")


@contextlib.asynccontextmanager
async def open_disk(path: Path, megabytes: int = 24) -> AsyncIterator[MountedDisk | None]:
    """Mount it at `path` for as long as it is open; None without the right to."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)  # noqa: ASYNC240 - once, before anything runs
    options = f"size={megabytes}m,mode=0700,uid={os.getuid()}"
    if await _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)):
        yield None
        return
    try:
        yield MountedDisk(path)
    finally:
        await _run("umount", "-l", str(path))


async def _run(*command: str) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError:
        return 127
    return await process.wait()
