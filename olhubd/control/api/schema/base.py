"""What the records of all resources share: their bases, the limits of parameters, and what several resources use.

Times are UTC. Money is an exact decimal text with its currency. An unknown field of a request is an error. Later
versions may add fields to an answer; within /api/v1 an existing field keeps its name and meaning.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec

from olhubd.model import Kind, Reason, plain

__all__ = [
    "Amount",
    "AnswerStruct",
    "Before",
    "Cursor",
    "Day",
    "DiscardRequest",
    "Limit",
    "Name",
    "Nothing",
    "OrderName",
    "Page",
    "RequestStruct",
    "SubjectName",
    "T",
    "Text",
    "TextLine",
    "Wait",
    "shape",
]


T = TypeVar("T")

Limit = Annotated[int, msgspec.Meta(ge=1, le=500)]


def shape(code: str) -> dict[str, Any]:
    """A pattern in words: for the description of the endpoint, and as the code of the reason for a refusal."""
    return {"description": plain(Reason(code)), "extra": {"reason": code}}


Before = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

Wait = Annotated[float, msgspec.Meta(ge=0, le=60)]
"""Seconds."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]

TextLine = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$",
        **shape("shape.words"),
    ),
]

Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        pattern=r"^\s*[^\s\x00-\x1f][^\x00-\x1f]*$",
        **shape("shape.name"),
    ),
]

Cursor = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{1,18}\.[0-9]{1,18}$",
        **shape("shape.place"),
    ),
]

Day = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]

Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$", **shape("shape.amount"))]


class RequestStruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Nothing(RequestStruct, frozen=True, kw_only=True):
    """No parameters, no body."""


class AnswerStruct(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """`next` goes into `before` of the next request; None on the last page."""

    items: tuple[T, ...]
    next: int | None = None


class OrderName(AnswerStruct, frozen=True, kw_only=True):
    """What people call an order by."""

    id: int
    reference: str
    account: str
    external_id: str
    number: str | None


class SubjectName(AnswerStruct, frozen=True, kw_only=True):
    """What an event or a delivery is about: `name` is what its source, `account`, calls it.

    Both are None where the hub does not know it any more, or not yet.
    """

    kind: str
    id: int
    account: str | None = None
    name: str | None = None

    @property
    def called(self) -> str:
        """What people call it. Most are orders, so that is not said."""
        name = self.name or f"#{self.id}"
        return " ".join(filter(None, (self.account, None if self.kind == Kind.ORDER else self.kind, name)))


class DiscardRequest(RequestStruct, frozen=True, kw_only=True):
    reason: Text = msgspec.field(default_factory=lambda: Reason("given-up-by-person"))
