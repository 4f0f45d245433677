"""Inputs that an earlier version kept, when rows named orders and what a person gave up was dead.

The recorded ones beside this are of that time, too; here is what they have none of.
"""

from __future__ import annotations

from typing import Any

import msgspec

from olhubd.engine.replay import recording
from olhubd.engine.replay.earlier import renewed
from olhubd.model import Cause, DeliveryState, Event, EventId, Subject
from olhubd.store.recorded_inputs import RecordedInput, pack
from tests.orders import EPOCH


def delivery(id_: int, state: str) -> dict[str, Any]:
    return {
        "id": id_,
        "order_id": 5,
        "target": "shop",
        "action": "set-status",
        "key": str(id_),
        "state": state,
        "event_id": 1,
        "created_at": EPOCH,
        "due_at": EPOCH,
        "payload": {"status": "1.50"},
    }


def event(id_: int, kind: str, order_id: int | None, data: dict[str, int]) -> dict[str, Any]:
    cause = {"kind": "operator", "id": "anna"}
    return {
        "id": id_,
        "at": EPOCH,
        "kind": kind,
        "account": "market",
        "cause": cause,
        "order_id": order_id,
        "data": data,
    }


def read(document: dict[str, Any]) -> recording.Document:
    kept = RecordedInput(at=EPOCH, kind=document["type"], document=pack(msgspec.json.encode(document)))
    return recording.decode(kept)


def test_what_a_person_gave_up_is_told_from_what_was_refused() -> None:
    document: dict[str, Any] = {
        "type": "told",
        "events": [event(1, "delivery.discarded", 5, {"delivery": 8}), event(2, "account.paused", None, {})],
        "orders": [
            {
                "id": 5,
                "document": {"total": "1.50"},
                "digest": "",
                "superseded_by": None,
                "changed_at": EPOCH,
                "deliveries": [delivery(7, "dead"), delivery(8, "dead")],
                "copies": [],
            }
        ],
    }
    told = read(document)
    assert isinstance(told, recording.ManualChange)
    assert [one.subject for one in told.events] == [Subject.order(5), None]
    assert told.events[0] == Event(
        id=EventId(1),
        at=EPOCH,
        kind="delivery.discarded",
        account="market",
        subject=Subject.order(5),
        cause=Cause("operator", "anna"),
        data=msgspec.Raw(b'{"delivery":8}'),
    )
    (image,) = told.orders
    assert bytes(image.document) == b'{"total":"1.50"}'
    assert [(one.id, one.state) for one in image.deliveries] == [
        (7, DeliveryState.DEAD),
        (8, DeliveryState.DISCARDED),
    ]
    assert {one.subject for one in image.deliveries} == {Subject.order(5)}


def test_a_turn_names_subjects() -> None:
    ended = {"delivery": delivery(7, "confirmed"), "account": "market"}
    turn = read({"type": "turn", "target": "shop", "ended": [ended], "back": [delivery(8, "retry")], "claimed": []})
    assert isinstance(turn, recording.DispatchRecord)
    assert {one.subject for one in (turn.ended[0].delivery, *turn.back)} == {Subject.order(5)}
    assert bytes(turn.back[0].payload) == b'{"status":"1.50"}'


def test_what_is_kept_now_stays_as_it_is() -> None:
    """A copy still names its order."""
    subject = b'"subject":{"kind":"order","id":5}'
    ended = b'{"delivery":{"id":7,%s},"account":"market","copy":{"order_id":5,"number":"\xc5\xbc 1"}}' % subject
    document = b'{"type":"turn","target":"shop","ended":[%s],"claimed":[{"id":8,%s}]}' % (ended, subject)
    assert renewed(document) == document
