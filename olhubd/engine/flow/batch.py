"""The records of one transaction of a landing, whatever their kinds, and how they land in it.

The same here for a page that has just come and for one that is replayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from olhubd.engine.flow.flow import FlowContext, RecordFlow, Result
from olhubd.engine.flow.prepared import Candidate
from olhubd.engine.flow.registry import Flows
from olhubd.engine.levels.linking import link_bought
from olhubd.engine.levels.reserving import reserve, sold
from olhubd.model import Kind
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import quarantine, reread_queue

__all__ = ["Batch", "BatchPart", "land", "portions"]


class BatchPart(msgspec.Struct, frozen=True):
    """The candidates of one flow."""

    flow: RecordFlow[Any]
    candidates: Sequence[Candidate[Any]]


class Batch(msgspec.Struct, frozen=True):
    """Records of one transaction: the candidates of each kind, and what are none."""

    parts: Sequence[BatchPart] = ()
    others: Sequence[Unreadable | Gone | Later] = ()

    def __len__(self) -> int:
        return sum(len(part.candidates) for part in self.parts) + len(self.others)

    def singly(self) -> Iterator[tuple[RecordFlow[Any], Candidate[Any]]]:
        """Each candidate with its flow."""
        for part in self.parts:
            for candidate in part.candidates:
                yield part.flow, candidate


def portions(records: Mapping[Kind, Sequence[Any]], most: int) -> Iterator[Mapping[Kind, Sequence[Any]]]:
    """The records in portions of `most` at most, in their order; one empty portion where there are none."""
    portion: dict[Kind, Sequence[Any]] = {}
    room = most
    for kind, some in records.items():
        start = 0
        while start < len(some):
            if not room:
                yield portion
                portion, room = {}, most
            portion[kind] = some[start : start + room]
            start += len(portion[kind])
            room -= len(portion[kind])
    yield portion


async def land(context: FlowContext, batch: Batch, flows: Flows) -> Result:
    """Land a batch in the transaction of `context`: each kind by its flow, then what are no records of any kind."""
    result = Result()
    for part in batch.parts:
        result.add(await part.flow.land(context, part.candidates))
    result.count(seen=len(batch))
    refused = [
        quarantine.QuarantineDraft(kind=one.kind, external_id=one.external_id, reason=one.reason, raw=one.raw)
        for one in batch.others
        if isinstance(one, Unreadable)
    ]
    await context.refuse(refused)
    result.count(quarantined=len(refused))
    later = [
        reread_queue.RereadRequest(
            kind=one.kind,
            external_id=one.external_id,
            due_at=context.now + timedelta(seconds=one.seconds),
            reason=one.reason,
        )
        for one in batch.others
        if isinstance(one, Later)
    ]
    if later:
        await context.read_later(later)
    for flow in flows:
        gone = [one.external_id for one in batch.others if isinstance(one, Gone) and one.kind == flow.kind]
        if gone:
            result.add(await flow.gone(context, gone))
    result.later = context.later
    await _reserve(context, batch)
    return result


async def _reserve(context: FlowContext, some: Batch) -> None:
    """What the orders need of the stock, and what their channel has lowered by itself for them."""
    if not context.rules:
        return
    tx, recorder, routes, rules = context.tx, context.recorder, context.routes, context.rules
    await link_bought(tx, recorder, context.account, context.after, routes, rules)
    if await reserve(tx, recorder, routes, rules):
        await sold(tx, context.account, recorder, context.through, rules)
