"""What actions have in common that write to an order which the target has."""

from __future__ import annotations

import abc
from typing import TypeVar

from olhubd.engine.outbox.handler import Handler, Result
from olhubd.engine.outbox.job import OrderJob
from olhubd.engine.outbox.renumbered import known_as
from olhubd.engine.outbox.target import TargetAccount
from olhubd.plugin import Capability

__all__ = ["OnCopy"]

C = TypeVar("C", bound=Capability)


class OnCopy(Handler[C]):
    """Writes to the order at its target, once it is sure that its number there is still its own."""

    async def perform(self, target: TargetAccount, job: OrderJob) -> Result:
        external_id = await known_as(target, job)
        if not isinstance(external_id, str):
            return external_id
        return await self.write(target, job, self.sink(target), external_id)

    @abc.abstractmethod
    async def write(self, target: TargetAccount, job: OrderJob, sink: C, external_id: str) -> Result:
        """Do it to the order that the target knows as `external_id`. Raises what the connector raises."""
