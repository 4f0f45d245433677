"""Trade on a stage: buyers who behave like buyers, and trouble that behaves like trouble.

Both are drawn from a seed. How it ends is read from the books of `olhubd_kit.audit`, not from here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from olhubd_kit.demo_stack import DemoStack
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.process import SimulatorProcess

__all__ = ["Traffic", "spoil", "spoil_markets", "spoil_shop"]

Tell = Callable[[str], None]


class Traffic:
    """Places `orders` purchases at the stage's marketplaces; with `quirks` buyers merge, cancel, move, pay late.

    `tell` is called with what buyers do, in plain words.
    """

    def __init__(
        self, stage: DemoStack, orders: int, *, seed: int = 0, quirks: bool = True, pause: float = 0.0
    ) -> None:
        self._stage = stage
        self._orders = orders
        self._random = random.Random(seed)
        self._quirks = quirks
        self._pause = pause
        self.placed = 0

    async def run(self, tell: Tell = lambda _words: None) -> None:
        """Place them all."""
        markets = list(self._stage.markets.items())
        while self.placed < self._orders:
            name, market = markets[self.placed % len(markets)]
            step = self._choose(self._orders - self.placed)
            self.placed += await step(name, market, tell)
            if self._pause:
                await asyncio.sleep(self._random.expovariate(1 / self._pause))

    def stop(self) -> None:
        """Let `run` end after what a buyer just does."""
        self._orders = 0

    def _choose(self, left: int) -> Callable[[str, SimulatorProcess, Tell], Awaitable[int]]:
        """The next thing that a buyer does; mostly just buying."""
        if not self._quirks:
            return self._buy
        dice = self._random.random()
        for chance, step, needs in (
            (0.06, self._merge, 3),
            (0.05, self._cancel_early, 1),
            (0.05, self._cancel_late, 1),
            (0.06, self._pay_late, 1),
            (0.05, self._move, 1),
        ):
            if dice < chance and left >= needs:
                return step
            dice -= chance
        return self._buy

    async def _do(self, market: SimulatorProcess, verb: str, **arguments: object) -> list[str]:
        result = await market.do(self._stage.session, verb, **arguments)
        return result if isinstance(result, list) else [result]

    async def _buy(self, name: str, market: SimulatorProcess, tell: Tell) -> int:
        (order,) = await self._do(market, "buy")
        tell(f"{name}: somebody buys ({_short(order)})")
        return 1

    async def _pay_late(self, name: str, market: SimulatorProcess, tell: Tell) -> int:
        (order,) = await self._do(market, "buy", ready=False, payment="ONLINE")
        await asyncio.sleep(self._random.uniform(0, 0.5))
        await self._do(market, "advance", id=order)
        await self._do(market, "advance", id=order)
        tell(f"{name}: somebody buys and fills in the form later ({_short(order)})")
        return 1

    async def _merge(self, name: str, market: SimulatorProcess, tell: Tell) -> int:
        first, second = await self._do(market, "buy", count=2, ready=False, buyer=7, payment="ONLINE")
        (both,) = await self._do(market, "merge", ids=[first, second])
        tell(f"{name}: somebody pays two purchases together ({_short(first)} + {_short(second)} = {_short(both)})")
        return 2

    async def _cancel_early(self, name: str, market: SimulatorProcess, tell: Tell) -> int:
        (order,) = await self._do(market, "buy")
        await self._do(market, "cancel", id=order, by="buyer")
        tell(f"{name}: somebody buys and cancels at once ({_short(order)})")
        return 1

    async def _cancel_late(self, name: str, market: SimulatorProcess, tell: Tell) -> int:
        (order,) = await self._do(market, "buy")
        await asyncio.sleep(self._random.uniform(0.5, 2.0))
        await self._do(market, "cancel", id=order, by="buyer")
        tell(f"{name}: somebody buys and cancels a little later ({_short(order)})")
        return 1

    async def _move(self, name: str, market: SimulatorProcess, tell: Tell) -> int:
        (order,) = await self._do(market, "buy")
        await self._do(market, "change_address", id=order)
        tell(f"{name}: somebody changes the address ({_short(order)})")
        return 1


def _short(order: str) -> str:
    return order.partition("-")[0]


async def spoil_markets(stage: DemoStack) -> None:
    """The marketplaces' part of it alone."""
    for remote in stage.markets.values():
        await remote.misbehave(
            stage.session,
            Fault(kind=FaultKind.ERROR, match="GET /order", times=None, chance=0.02, status=503),
            Fault(kind=FaultKind.CUT, match="GET /order", times=None, chance=0.01),
            Fault(kind=FaultKind.HALF, match="GET /order", times=None, chance=0.01),
            Fault(kind=FaultKind.SLOW, match="GET /order", times=None, chance=0.02, seconds=0.3),
            Fault(kind=FaultKind.THROTTLE, match="GET /order", times=3, chance=0.01, retry_after=1.0),
        )
        await remote.do(stage.session, "drop_events", count=3)
        await remote.do(stage.session, "delay_events", count=5, seconds=3.0)
        await remote.do(stage.session, "rotate_and_forget")
        await remote.do(stage.session, "expire_tokens")


async def spoil(stage: DemoStack, seed: int = 0) -> None:
    """Put faults in force at all simulators: lost and torn answers, refusals, slowness, a journal that lies."""
    await spoil_markets(stage)
    await spoil_shop(stage)


async def spoil_shop(stage: DemoStack) -> None:
    """The shop's part of it alone."""
    creating = r"POST .*/orders$"
    await stage.shop.misbehave(
        stage.session,
        Fault(kind=FaultKind.LOSE, match=creating, times=None, chance=0.03),
        Fault(kind=FaultKind.HALF, match=creating, times=None, chance=0.02),
        Fault(kind=FaultKind.ERROR_AFTER, match=creating, times=None, chance=0.02, status=502),
        Fault(kind=FaultKind.ERROR_AFTER, match=creating, times=None, chance=0.01, status=403),
        Fault(kind=FaultKind.ERROR_AFTER, match=creating, times=None, chance=0.01, status=404, body=""),
        Fault(kind=FaultKind.ERROR, match=creating, times=None, chance=0.02, status=503),
        Fault(kind=FaultKind.CUT, match=creating, times=None, chance=0.02),
        Fault(kind=FaultKind.LATE, match=creating, times=None, chance=0.01, seconds=1.0),
        Fault(kind=FaultKind.SLOW, match=".", times=None, chance=0.02, seconds=0.3),
        Fault(kind=FaultKind.THROTTLE, match=".", times=3, chance=0.01, retry_after=1.0),
    )
