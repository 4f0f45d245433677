"""Files that a command writes and that hold what nobody else should read: made for their owner alone."""

from __future__ import annotations

import os
import stat
import sys
from typing import IO, Any

import click

__all__ = ["PRIVATE"]


class _Private(click.ParamType):  # type: ignore[type-arg]  # no generic in every version
    """A file to write, `-` for standard output. It is made when the first byte comes, so a refusal leaves none."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            return sys.stdout.buffer
        if os.path.isdir(value):
            self.fail(f"{value} is a directory", param, ctx)
        made = _Late(value)
        if ctx is not None:
            ctx.call_on_close(made.close)
        return made


class _Late:
    def __init__(self, path: str) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def write(self, content: bytes) -> int:
        if self._file is None:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)  # it may have been there, open to all
            self._file = os.fdopen(descriptor, "wb")
        return self._file.write(content)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


PRIVATE = _Private()
