"""The seller's own statuses: the list, what each becomes at accounts, and which side leads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from olhubd.control.api.schema.base import AnswerStruct, Name, RequestStruct, TextLine
from olhubd.decide.own_status import StatusLeader

__all__ = ["OwnStatusList", "OwnStatusRequest", "OwnStatusRow", "StatusPair"]

Position = Annotated[int, msgspec.Meta(ge=1, le=1000)]
WordThere = Annotated[str, msgspec.Meta(max_length=100)]


class OwnStatusRow(AnswerStruct, frozen=True, kw_only=True):
    """One status: what it becomes at accounts (`sends`), and the words of accounts that bring it (`follows`).

    `orders` have it now. Who changed it last is not known of one that the file has.
    """

    name: str
    title: str
    sends: dict[str, str]
    follows: dict[str, tuple[str, ...]]
    orders: int
    changed_by: str | None
    changed_at: datetime | None


class StatusPair(AnswerStruct, frozen=True, kw_only=True):
    """The hub and one account: which side's status the other follows, and what its new orders get.

    `sends` counts the statuses that are written to it where the hub leads, `follows` those that it gives where it
    leads.
    """

    account: str
    leader: StatusLeader
    sends: int
    follows: int
    first_status: str | None
    first_status_cod: str | None
    first_status_paid: str | None


class OwnStatusList(AnswerStruct, frozen=True, kw_only=True):
    """`origin` is where the file has the list, which pins it; None where it is kept in the database."""

    items: tuple[OwnStatusRow, ...]
    accounts: tuple[StatusPair, ...]
    origin: str | None


class OwnStatusRequest(RequestStruct, frozen=True, kw_only=True):
    """What is left out stays. `position` counts from 1; an account with an empty word, or with no words, is mapped
    no more."""

    title: TextLine | None = None
    position: Position | None = None
    sends: Mapping[str, WordThere] = {}
    follows: Mapping[str, tuple[Name, ...]] = {}
