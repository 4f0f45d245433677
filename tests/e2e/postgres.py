"""A PostgreSQL of its own for a test: in a folder that goes away with it, reachable over the loopback alone.

PostgreSQL refuses to run as root; then it runs as the user `postgres`, whom its Debian package makes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DatabaseUnavailable", "cluster"]

USER = "postgres"


class DatabaseUnavailable(Exception):
    """There is no PostgreSQL here; the text says what is missing."""


@contextlib.contextmanager
def cluster(port: int) -> Iterator[dict[str, str]]:
    """A running server on `port`; gives the environment by which its one database is reached."""
    programs = _programs()
    as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="olhubd-pg-") as name:
        folder = Path(name)
        if as_user:
            shutil.chown(folder, USER)
        data, log = folder / "data", folder / "log"

        def run(*command: str) -> None:
            try:
                subprocess.run([*as_user, *command], cwd=folder, check=True, capture_output=True, text=True)
            except subprocess.CalledProcessError as error:
                raise DatabaseUnavailable(f"{command[0]}: {error.stderr.strip()[-300:]}") from error

        run(str(programs / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        run(str(programs / "pg_ctl"), "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
        try:
            yield {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": USER, "PGDATABASE": USER}
        finally:
            run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")


def _programs() -> Path:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    raise DatabaseUnavailable("PostgreSQL is not installed; on Debian and Ubuntu: apt-get install postgresql")
