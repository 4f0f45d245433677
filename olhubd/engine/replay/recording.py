"""What an input is: everything from outside that a decision depends on, as it is kept to be decided again.

    Page            records that a feed, a sweep or a look-up gave, and that made a difference
    DispatchRecord  what became of deliveries, by the targets' answers, and which were claimed
    Told            what a person did, or the hub found by itself: events with the orders as they then stood
    Start           a process began and ended the leases of the one before it
    Configured      the routes in force from then on

Each is stored in the transaction that it concerns. Tokens and settings of accounts are never among them.
`olhubd.engine.replay.replay` reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from olhubd.decide.doubt import Doubt
from olhubd.decide.override import Override
from olhubd.decide.route import Route
from olhubd.engine.replay.earlier import renewed
from olhubd.model import Action, Delivery, Event, Kind, OrderId, Run
from olhubd.plugin import Gone, Later, Unreadable
from olhubd.store import Database, Transaction, codec, deliveries, orders, overrides, recorded_inputs, target_orders
from olhubd.store.feeds import FeedPosition
from olhubd.store.recorded_inputs import RecordedInput
from olhubd.store.target_orders import TargetOrder

if TYPE_CHECKING:
    from olhubd.engine.flow.batch import Batch

__all__ = [
    "CONFIGURED",
    "NOTHING",
    "Configured",
    "DispatchRecord",
    "Document",
    "Ended",
    "InputDraft",
    "InputPage",
    "ManualChange",
    "OrderImage",
    "Owed",
    "Start",
    "decode",
    "keep",
    "tell",
]

CONFIGURED = "configured"
_THREAD = 20
"""From so many orders on a page is packed in a thread, while the loop goes on."""
NOTHING = msgspec.Raw(b"null")


class InputPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="page"):
    """Records of one transaction of a landing. Those made before `start` are not imported."""

    account: str
    feed: str
    run: int
    start: datetime | None
    cursor: str | None
    """Where the feed then stood."""
    records: Mapping[Kind, Sequence[msgspec.Raw]] = {}
    """Canonical documents by kind; how one is read the flow of its kind knows."""
    unreadable: Sequence[Unreadable] = ()
    gone: Sequence[Gone] = ()
    later: Sequence[Later] = ()
    doubt: Doubt | None = None
    """What an earlier process may have sent; None where nothing was asked about that yet."""


class Owed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery that follows from an answer; see `olhubd.decide.plan.PlannedDelivery`."""

    target: str
    action: Action
    cause: int
    key: str
    delay: float
    replaces: bool
    same_key: bool = False
    payload: msgspec.Raw = NOTHING


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a delivery; see `olhubd.engine.outbox.attempt.Outcome`."""

    delivery: Delivery
    account: str
    event: str | None = None
    facts: msgspec.Raw = msgspec.Raw(b"{}")
    copy: TargetOrder | None = None
    planned: Sequence[Owed] = msgspec.field(default=(), name="debts")


class DispatchRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="turn"):
    """One transaction of a dispatcher: what ended, what was given back unbegun, what was claimed until when."""

    target: str
    ended: Sequence[Ended] = ()
    back: Sequence[Delivery] = ()
    claimed: Sequence[Delivery] = ()


class OrderImage(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stood after a transaction."""

    id: OrderId
    document: msgspec.Raw
    digest: str
    superseded_by: OrderId | None
    changed_at: datetime
    deliveries: Sequence[Delivery]
    copies: Sequence[TargetOrder]
    remark: Override | None = None


class ManualChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="told"):
    """What nobody can decide again: events that a person or the hub itself caused."""

    events: Sequence[Event]
    orders: Sequence[OrderImage] = ()


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """All leases end; nothing may be due after `latest`."""

    latest: datetime


class Configured(msgspec.Struct, frozen=True, kw_only=True, tag=CONFIGURED):
    """What the configuration says of decisions; accounts by connector. No address, no name of a user, no secret."""

    routes: Sequence[Route]
    accounts: dict[str, str]


Document = InputPage | DispatchRecord | ManualChange | Start | Configured

_encode = msgspec.json.Encoder(order="deterministic", enc_hook=codec.reason).encode
_decode = msgspec.json.Decoder(Document).decode


def decode(one: RecordedInput) -> Document:
    """What an input says."""
    document: Document = _decode(renewed(recorded_inputs.unpack(one.document)))
    return document


async def keep(tx: Transaction, at: datetime, upcoming: Sequence[int], document: Document) -> None:
    """Store an input, if inputs are kept. `upcoming` is what came next before its transaction did anything."""
    if tx.recording:
        packed = recorded_inputs.pack(_encode(document))
        kind = str(type(document).__struct_config__.tag)
        await recorded_inputs.put(tx, RecordedInput(at=at, kind=kind, upcoming=upcoming, document=packed))


async def tell(tx: Transaction, at: datetime, upcoming: Sequence[int], events: Sequence[Event]) -> None:
    """Keep events that nobody can decide again, with the orders they are about. The last act of a transaction."""
    ids = sorted({event.order_id for event in events if event.order_id is not None})
    rows = await orders.read(tx, ids) if ids else {}
    owed = await deliveries.of_orders(tx, ids) if ids else {}
    known = await target_orders.of_orders(tx, ids) if ids else {}
    said = await overrides.of_orders(tx, ids) if ids else {}
    images = [
        OrderImage(
            id=row.id,
            document=msgspec.Raw(row.document),
            digest=row.digest.hex(),
            superseded_by=row.superseded_by,
            changed_at=row.changed_at,
            deliveries=owed.get(row.id, ()),
            copies=known.get(row.id, ()),
            remark=said.get(row.id),
        )
        for row in rows.values()
    ]
    await keep(tx, at, upcoming, ManualChange(events=events, orders=images))


class InputDraft:
    """A page on its way into the inputs.

    What is told again and again makes no difference and is left out. That is known for certain only within the
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
        self, tx: Transaction, at: datetime, upcoming: Sequence[int], touched: Collection[tuple[Kind, str]]
    ) -> None:
        """Store it in its transaction. `touched` are the records for which the page made a difference."""
        page = self._page
        if not tx.recording or not (touched or page.unreadable or page.gone or page.later):
            return
        if not self._packed or not self._novel >= set(touched):
            self._packed = self._pack(touched)
        await recorded_inputs.put(tx, RecordedInput(at=at, kind="page", upcoming=upcoming, document=self._packed))

    def _pack(self, wanted: Collection[tuple[Kind, str]]) -> bytes:
        documents: dict[Kind, list[msgspec.Raw]] = {}
        broken: list[Unreadable] = []
        for flow, candidate in self._batch.singly():
            if (flow.kind, candidate.external_id) not in wanted:
                continue
            if candidate.fault is None:
                documents.setdefault(flow.kind, []).append(msgspec.Raw(candidate.document))
            else:  # one that broke something here cannot be told as a record
                broken.append(
                    Unreadable(
                        external_id=candidate.external_id,
                        reason=candidate.fault,
                        raw=candidate.document,
                        kind=flow.kind,
                    )
                )
        page = msgspec.structs.replace(self._page, records=documents, unreadable=[*broken, *self._page.unreadable])
        return recorded_inputs.pack(_encode(page))
