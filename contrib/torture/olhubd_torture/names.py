"""The daemon with a resolver that can be made to fail: names that end in .test are looked up in a file.

    python -m olhubd_torture.names HOSTS run --config olhubd.toml

is `olhubd run` but for that. HOSTS has a name and an address a line; a name that is not in it does not resolve. The
file is read again for each question, as a server's answer may change. All other names go the usual way.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from aiohttp.resolver import ThreadedResolver

__all__ = ["install", "write"]

ZONE = ".test"


def write(path: Path, names: dict[str, str]) -> None:
    """Let the names resolve from now on as they say, and no other ones."""
    fresh = path.with_suffix(".new")
    fresh.write_text("".join(f"{name} {address}\n" for name, address in names.items()), encoding="ascii")
    os.replace(fresh, path)


def _read(path: Path) -> dict[str, str]:
    return dict(line.split() for line in path.read_text(encoding="ascii").splitlines())


def install(path: Path) -> None:
    """Put the file in the place of the resolver, in this process."""
    ask = ThreadedResolver.resolve

    async def answer(self: ThreadedResolver, host: str, *arguments: Any, **named: Any) -> Any:
        if host.endswith(ZONE):
            known = _read(path)
            if host not in known:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host = known[host]
        return await ask(self, host, *arguments, **named)

    mock.patch.object(ThreadedResolver, "resolve", answer).start()


if __name__ == "__main__":
    install(Path(sys.argv.pop(1)))
    from olhubd.cli import main

    main()
