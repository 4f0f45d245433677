"""A sign-in whose process is killed in its middle ends with a token, or says to sign in again; never in silence."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from olhubd_kit.demo_stack import DemoStack, open_stage
from olhubd_kit.faults import Fault, FaultKind
from tests.e2e.test_daemon import ENGINE, FAST, buy, rows

SIGN_IN = "/api/v1/accounts/market/sign-in"


async def begun(stage: DemoStack) -> str:
    """Where a person who agreed is sent back to."""
    status, answer = await stage.daemon.call("POST", SIGN_IN, {"flow": "code"})
    assert status == 202, answer
    async with stage.session.get(f"{answer['url']}&decision=agree", allow_redirects=False) as page:
        assert page.status == 302, await page.text()
        return page.headers["Location"]


async def returned(stage: DemoStack, address: str) -> Any:
    return (await stage.daemon.call("POST", f"{SIGN_IN}/return", {"address": address}))[1]


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        pytest.param(FaultKind.STRIKE, "POST .*/token", id="the code is not exchanged yet"),
        pytest.param(FaultKind.STRIKE_AFTER, "POST .*/token", id="the token was made and did not come"),
        pytest.param(FaultKind.STRIKE, "GET /me", id="the token came and is not stored"),
    ],
)
async def test_a_kill_in_the_midst_of_an_exchange(tmp_path: Path, kind: FaultKind, match: str) -> None:
    async with open_stage(
        tmp_path, markets=("market",), account=FAST, target={"settle": "1 s"}, engine=ENGINE, town=True
    ) as stage:
        market = stage.markets["market"]
        await market.do(stage.session, "revoke_grant")
        before = rows(tmp_path, "SELECT token FROM credentials WHERE account = 'market'")
        back = await begun(stage)
        await market.misbehave(
            stage.session, Fault(kind=kind, match=match, pid=stage.daemon.pid, signal=signal.SIGKILL)
        )
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await returned(stage, back)
        assert await stage.daemon.ended(10)
        assert rows(tmp_path, "SELECT state, secret FROM sign_ins") == [("pending", None)], "the code is taken"
        await stage.daemon.start()
        ended = await stage.daemon.get(f"{SIGN_IN}?wait=30")
        assert ended["state"] == "failed"
        assert ended["reason"] == "the hub was stopped while it exchanged the code: sign in again"
        assert rows(tmp_path, "SELECT token FROM credentials WHERE account = 'market'") == before
        # The address is of no use any more, and a sign-in from the beginning is.
        query = parse_qs(urlsplit(back).query)
        assert (await returned(stage, back))["type"].endswith(":parameter")
        ended = await returned(stage, await begun(stage))
        assert ended["state"] == "done", ended
        account = await stage.daemon.get("/api/v1/accounts/market")
        assert (account["state"], account["signed_in"]) == ("active", True)
        await buy(stage, 2)
        assert await stage.settle(30)
    log = (tmp_path / "olhubd.log").read_text()
    assert not [secret for name in ("code", "state") for secret in query[name] if secret in log]
