"""A page on its way into the inputs: which of its records are kept, and when they are packed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence, Set
from datetime import datetime

import msgspec

from olhubd.decide.doubt import Doubt
from olhubd.engine.flow.batch import Batch
from olhubd.engine.replay.recording import InputPage, encode, first
from olhubd.model import Event, Kind, Run
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import Database, Transaction, recorded_inputs
from olhubd.store.feeds import FeedPosition
from olhubd.store.recorded_inputs import RecordedInput

__all__ = ["InputDraft"]

_THREAD = 20
"""From so many records on a page is packed in a thread, while the loop goes on."""


class InputDraft:
    """A page on its way into the inputs.

    What is reported again and again makes no difference and is left out. That is known for certain only within the
    transaction, but packing takes long, so it is done before for what will most likely be needed.
    """

    def __init__(self, page: InputPage, batch: Batch, novel: Set[tuple[Kind, str]]) -> None:
        self._page = page
        self._batch = batch
        self._novel = novel
        self._packed = b""

    @classmethod
    async def begin(
        cls,
        database: Database,
        account: str,
        batch: Batch,
        run: Run,
        position: FeedPosition | None,
        start: datetime | None,
        doubt: Doubt | None = None,
    ) -> InputDraft:
        """Pack what the database does not hold just so."""
        page = InputPage(
            account=account,
            feed=run.feed,
            run=run.id,
            start=start,
            cursor=position.cursor if position is not None else None,
            unreadable=[record for record in batch.others if isinstance(record, Unreadable)],
            gone=[record for record in batch.others if isinstance(record, Gone)],
            later=[record for record in batch.others if isinstance(record, Later)],
            doubt=doubt,
        )
        if not database.recording or len(batch) < _THREAD:
            return cls(page, batch, set())
        novel: set[tuple[Kind, str]] = set()
        for part in batch.parts:
            names = [candidate.external_id for candidate in part.candidates]
            held = await part.flow.held(database.reader, account, names)
            novel.update(
                (part.flow.kind, candidate.external_id)
                for candidate in part.candidates
                if (known := held.get(candidate.external_id)) is None or known.digest != candidate.digest
            )
        draft = cls(page, batch, novel)
        if len(novel) >= _THREAD:
            draft._packed = await asyncio.to_thread(draft._pack, novel)
        return draft

    async def end(
        self, tx: Transaction, at: datetime, events: Sequence[Event], touched: Collection[tuple[Kind, str]]
    ) -> None:
        """Store it in its transaction, which wrote these events.

        `touched` are the records for which the page made a difference.
        """
        page = self._page
        if not tx.recording or not (touched or page.unreadable or page.gone or page.later):
            return
        if not self._packed or not self._novel >= set(touched):
            self._packed = self._pack(touched)
        await recorded_inputs.put(tx, RecordedInput(at=at, kind="page", event=first(events), document=self._packed))

    def _pack(self, wanted: Collection[tuple[Kind, str]]) -> bytes:
        documents: dict[Kind, list[msgspec.Raw]] = {}
        broken: list[Unreadable] = []
        for flow, candidate in self._batch.singly():
            if (flow.kind, candidate.external_id) not in wanted:
                continue
            if candidate.fault is None:
                documents.setdefault(flow.kind, []).append(msgspec.Raw(candidate.document))
            else:  # one that broke something here cannot be kept as a record
                broken.append(
                    Unreadable(
                        external_id=candidate.external_id,
                        reason=candidate.fault,
                        raw=candidate.document,
                        kind=flow.kind,
                    )
                )
        page = msgspec.structs.replace(self._page, records=documents, unreadable=[*broken, *self._page.unreadable])
        return recorded_inputs.pack(encode(page))
