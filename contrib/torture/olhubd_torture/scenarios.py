"""Small fixed plays against the daemon as a process, each of which one guard must survive.

What a siege meets by chance, a drill does on purpose: the call at which to strike, the answer that is lost. So a
guard that is off is seen at once and each time; tests/torture/drills.py switches them off.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from olhubd_kit.demo_stack import SHOP, DemoStack, open_stage
from olhubd_kit.faults import Fault, FaultKind
from olhubd_torture import names
from olhubd_torture.process_faults import HOSTS, FaultInjector, FaultTargets, FaultTrigger
from olhubd_torture.process_torture import LAUNCHER

__all__ = ["DRILLS", "Scenario", "drill"]

_MARKET = "allegro-main"
_CREATING = "POST .*/orders$"
_NEVER = "1 h"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`orders` are sold while the shop has the faults `at_shop`; with `trap` the daemon dies at that call.

    `account` has keys of the marketplace's account beside the usual ones. `limit` is how long it may take to
    settle, `rest` for how long doubles are waited for after that.
    """

    orders: int = 1
    at_shop: tuple[Fault, ...] = ()
    trap: FaultTrigger | None = None
    after: bool = True
    settle: str = "3 s"
    account: Mapping[str, Any] = {}
    limit: float = 20.0
    rest: float = 2.0


DRILLS: Mapping[str, Scenario] = {
    "an order": Scenario(),
    "a lost answer": Scenario(at_shop=(Fault(kind=FaultKind.LOSE, match=_CREATING),)),
    "a shop that acts late": Scenario(
        at_shop=(Fault(kind=FaultKind.LATE, match=_CREATING, seconds=5.0),), settle="10 s", limit=40.0, rest=6.0
    ),
    "killed when the shop has acted": Scenario(trap=FaultTrigger(True, _CREATING)),
    "killed before the shop acts": Scenario(trap=FaultTrigger(True, _CREATING), after=False),
    "killed while orders are read": Scenario(
        orders=3,
        trap=FaultTrigger(False, "GET /order/checkout-forms"),
        # A sweep would find what the cursor has passed over; here the journal alone must do.
        account={"sweep_interval": _NEVER},
    ),
    "killed when a token is renewed": Scenario(trap=FaultTrigger(False, "POST /auth/oauth/token", refresh=True)),
    "a stranger's answer": Scenario(
        at_shop=(Fault(kind=FaultKind.ERROR_AFTER, match=_CREATING, status=429, retry_after=1.0),)
    ),
    "a slow shop": Scenario(
        orders=4, at_shop=(Fault(kind=FaultKind.SLOW, match=_CREATING, times=None, seconds=3.0),)
    ),
}
"""By what happens in them."""


async def drill(folder: Path, wanted: Scenario, launcher: Sequence[str] = LAUNCHER) -> list[str]:
    """Play it in `folder`; what is found begins with its kind in one word."""
    hosts = folder / "hosts"
    names.write(hosts, dict.fromkeys(HOSTS.values(), "127.0.0.1"))
    found: list[str] = []
    async with open_stage(
        folder,
        markets=[_MARKET],
        account={"interval": "300 ms", "sweep_interval": "2 s", **wanted.account},
        target={
            "fetch_orders": True,
            "interval": "500 ms",
            "sweep_interval": "2 s",
            "settle": wanted.settle,
        },
        route={"mark_processing": True},
        engine={"backoff_first": "200 ms", "backoff_max": "1 s", "timeout": "10 s"},
        launcher=(*launcher, str(hosts)),
        town=True,
        hosts=HOSTS,
    ) as stage:
        field = FaultTargets(stage, hosts, folder / "data" / "olhubd.sqlite", None)
        await field.shop.misbehave(stage.session, *wanted.at_shop)
        striker = FaultInjector(field, random.Random(0), found.append)
        selling = asyncio.create_task(_sell(stage, wanted.orders), name="selling")
        if wanted.trap is not None and not await striker.trap(
            wanted.trap, signal.SIGKILL, after=wanted.after, skip=0
        ):
            found.append("trap: the call never came")
        await selling
        if not await stage.settle(wanted.limit):
            found.append(f"unsettled: {await stage.open_deliveries()} deliveries are open")
        await stage.behave()
        await asyncio.sleep(wanted.rest)
        audit = await stage.audit()
        for kind, word in (
            ("lost", "lost"),
            ("doubled", "doubled"),
            ("wrong_totals", "total"),
            ("strays", "stray"),
        ):
            found += [f"{word}: {name}" for name in getattr(audit, kind)]
        found += await _ghosts(stage)
    return found


async def _sell(stage: DemoStack, orders: int) -> None:
    """One after another, so that some are on their way when others come."""
    for _ in range(orders):
        await asyncio.sleep(0.8)
        await stage.markets[_MARKET].do(stage.session, "buy")


async def _ghosts(stage: DemoStack) -> list[str]:
    """Our own orders, taken for the shop's when they came back in its feed."""
    page = await stage.daemon.get("/api/v1/orders?limit=500")
    return [f"ghost: {row['external_id']} is nobody's order" for row in page["items"] if row["account"] == SHOP]
