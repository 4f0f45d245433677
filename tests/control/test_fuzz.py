"""Requests made up from our own description, against a daemon that trades: none may break it.

No answer is a failure of the daemon, and none has a status, a type or a shape that the description does not have.
Each run is bounded; `OLHUBD_FUZZ` is how many requests to make up for each route, 1000 for a night.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys

import pytest

from olhubd.model import Scope
from tests.control.house import House
from tests.control.trouble import held, quarantined

pytest.importorskip("schemathesis", reason="schemathesis is not installed")

LONG = "OLHUBD_FUZZ" in os.environ
EXAMPLES = int(os.environ.get("OLHUBD_FUZZ", "3"))
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SLOW = r"/(fetch|sign-in|reconcile|reload)$"
"""What waits for other systems; made up from its own in a long run."""


async def fuzz(house: House, *options: str) -> tuple[int, str]:
    """How the fuzzer ended, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{house.base}/api/v1/openapi.json",
        f"--header=Authorization: Bearer {house.token}",
        f"--max-examples={EXAMPLES}",
        f"--checks={CHECKS}",
        "--seed=1",
        "--request-timeout=100",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--no-color",
        *options,
        cwd=house.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def tried(house: House) -> None:
    """Nothing is found, and the house trades on."""
    options = () if LONG else ("--phases=examples,coverage,fuzzing", f"--exclude-path-regex={SLOW}")
    code, said = await fuzz(house, *options)
    assert code == 0, said[-20_000:]
    assert int(re.findall(r"(\d+) passed", said)[-1]) > 500, said
    assert (await house.ask("GET", "/readyz"))[0] == 200
    for account in ("market", "shop"):
        assert (await house.ask("POST", f"/accounts/{account}/resume"))[0] == 200
    await house.get("/status")


async def test_made_up_requests_break_nothing(trading: House) -> None:
    await trading.sell(3)
    await tried(trading)


async def test_made_up_requests_about_what_is_there_break_nothing(trading: House) -> None:
    """The names in the paths are real ones, so that what is made up comes past the first look."""
    await trading.make_token("till", Scope.READ)
    names = {"account": "market", "token": "till", **await quarantined(trading), **await held(trading)}
    lines = [f'"path.{name}" = "{value}"' for name, value in names.items()]
    (trading.folder / "schemathesis.toml").write_text("\n".join(["[parameters]", *lines, ""]), encoding="utf-8")
    await tried(trading)
