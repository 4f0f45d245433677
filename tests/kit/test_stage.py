"""A stage waits as long as it comes nearer to its end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from olhubd_kit.audit import Audit
from olhubd_kit.demo_stack import DemoStack


class Scene(DemoStack):
    """A stage of which only the books are seen: how many orders are lost, one look after the other."""

    def __init__(self, lost: Iterable[int]) -> None:
        self.folder = Path()
        self._lost = [*lost]

    async def audit(self) -> Audit:
        lost = self._lost.pop(0) if len(self._lost) > 1 else self._lost[0]
        return Audit(sold=99, forwarded=99 - lost, lost=("x",) * lost)

    async def open_deliveries(self) -> int:
        return 0


@pytest.mark.looptime
async def test_it_waits_while_orders_arrive_however_slowly() -> None:
    """Ninety orders, each two seconds after the other: far longer than the limit, which is for standing still."""
    slowly = [lost for lost in range(90, -1, -1) for _ in range(7)]
    assert await Scene(slowly).settle(10)


@pytest.mark.looptime
async def test_it_does_not_wait_for_ever_for_what_does_not_come_nearer() -> None:
    assert not await Scene([3]).settle(10)
    assert not await Scene([3, 2, 3] * 400).settle(10), "to and fro is not nearer"
