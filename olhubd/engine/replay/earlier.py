"""Inputs as earlier versions kept them, put as they are kept now, so that what was decided before an upgrade can be
decided again after it.

Until schema 13 an event and a delivery named an order, where they now name a subject, and what a person gave up was
dead like what a target refused. A page had orders alone, where it now has records by kind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from olhubd.model import Kind

__all__ = ["renewed"]

_PAGE = b'{"type":"page",'
_Fields = dict[str, msgspec.Raw]
_ONE = msgspec.json.Decoder(_Fields).decode
_MANY = msgspec.json.Decoder(list[_Fields]).decode
_encode = msgspec.json.Encoder().encode


def renewed(document: bytes) -> bytes:
    """The document of an input. What is as it is kept now stays byte for byte."""
    if document.startswith(_PAGE):
        fields = _ONE(document)
        if "orders" not in fields:
            return document
        return _encode(fields | {"records": {Kind.ORDER: fields.pop("orders")}})
    if b'"order_id"' not in document:
        return document
    fields = _ONE(document)
    for name in ("events", "back", "claimed"):
        if name in fields:
            fields[name] = _raw([_about(one) for one in _MANY(fields[name])])
    if "ended" in fields:
        ended = [one | {"delivery": _raw(_about(_ONE(one["delivery"])))} for one in _MANY(fields["ended"])]
        fields["ended"] = _raw(ended)
    if "orders" in fields and bytes(fields["type"]) == b'"told"':
        given_up = _given_up(_MANY(fields["events"]))
        images = [
            one | {"deliveries": _raw([_told(owed, given_up) for owed in _MANY(one["deliveries"])])}
            for one in _MANY(fields["orders"])
        ]
        fields["orders"] = _raw(images)
    return _encode(fields)


def _given_up(events: Collection[_Fields]) -> frozenset[bytes]:
    """The deliveries that a person gave up just then."""
    kinds = [(one, bytes(one["kind"])) for one in events]
    return frozenset(bytes(_ONE(one["data"])["delivery"]) for one, kind in kinds if kind == b'"delivery.discarded"')


def _told(delivery: Mapping[str, msgspec.Raw], given_up: Collection[bytes]) -> _Fields:
    fields = _about(delivery)
    if bytes(fields["id"]) in given_up and bytes(fields["state"]) == b'"dead"':
        fields["state"] = msgspec.Raw(b'"discarded"')
    return fields


def _about(one: Mapping[str, msgspec.Raw]) -> _Fields:
    """An event or a delivery with its subject."""
    fields = dict(one)
    order_id = fields.pop("order_id", None)
    if order_id is not None and bytes(order_id) != b"null":
        fields["subject"] = msgspec.Raw(b'{"kind":"order","id":%s}' % bytes(order_id))
    return fields


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
