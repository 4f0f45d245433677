"""Whose number is whose: what an input calls by a number of its own database has another in the scratch database.

Numbers are asked for where rows are made, in a replay as in a daemon, so none is predicted. A thing is known in
both by its kind, its account and the name that its source gave it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from olhubd.engine.flow.registry import Flows
from olhubd.engine.replay.recording import DispatchRecord, Document, InputPage, ManualChange
from olhubd.model import Kind, OrderId, Subject
from olhubd.store import Transaction

__all__ = ["Numbers", "SourceName", "SourceNames"]

_SOME = 50
"""So many numbers before a doubt's last one are looked at for one that is known in both."""


class SourceName(NamedTuple):
    """By what a thing is known in both databases, beside its kind."""

    account: str
    external_id: str


SourceNames = Callable[[Collection[Subject]], Awaitable[Mapping[Subject, SourceName]]]
"""Gives the names of subjects of the database that the inputs are from. What it does not know is left out."""


class Numbers:
    """The subjects of some inputs, and what they are in the scratch database. `look_up` comes first."""

    def __init__(self, names: SourceNames, flows: Flows, strangers: Collection[tuple[Kind, SourceName]]) -> None:
        self._source = names
        self._flows = flows
        self._strangers = strangers
        self._names: dict[Subject, SourceName] = {}
        self._before: dict[OrderId, list[Subject]] = {}
        """The newest orders that are known up to the last of a doubt."""

    async def look_up(self, documents: Iterable[Document]) -> None:
        """Find the names of all that these inputs are about, outside of any transaction."""
        self._names.clear()
        lasts: set[OrderId] = set()
        wanted: set[Subject] = set()
        for document in documents:
            wanted.update(about(document))
            if isinstance(document, InputPage) and document.doubt is not None and document.doubt.last:
                lasts.add(document.doubt.last)
        for last in lasts:
            if last not in self._before:
                self._before[last] = await self._up_to(last)
            wanted.update(self._before[last])
        if wanted:
            self._names.update(await self._source(wanted))

    async def here(self, tx: Transaction, there: Iterable[Subject]) -> dict[Subject, Subject]:
        """What these are in the scratch database; those that are not there are left out."""
        wanted: dict[tuple[Kind, str], dict[str, Subject]] = {}
        for subject in there:
            if (name := self._names.get(subject)) is not None and (subject.kind, name) not in self._strangers:
                wanted.setdefault((subject.kind, name.account), {})[name.external_id] = subject
        found: dict[Subject, Subject] = {}
        for (kind, account), some in wanted.items():
            held = await self._flows[kind].held(tx, account, list(some))
            found.update((some[external_id], Subject(kind, known.id)) for external_id, known in held.items())
        return found

    async def last(self, tx: Transaction, last: OrderId | None) -> OrderId | None:
        """The newest order here that came up to the order `last` there. Orders come in the same order in both."""
        if not last:
            return last
        found = await self.here(tx, self._before.get(last, ()))
        return OrderId(max((subject.id for subject in found.values()), default=0))

    async def _up_to(self, last: OrderId) -> list[Subject]:
        for end in range(last, 0, -_SOME):
            some = [Subject.order(id_) for id_ in range(max(1, end - _SOME + 1), end + 1)]
            names = await self._source(some)
            known = [one for one, name in names.items() if (one.kind, name) not in self._strangers]
            if known:
                return known
        return []


def about(document: Document) -> set[Subject]:
    """All subjects that an input names by their numbers."""
    match document:
        case DispatchRecord():
            rows = [*(ended.delivery for ended in document.ended), *document.back, *document.claimed]
            return {delivery.subject for delivery in rows}
        case ManualChange():
            found = {event.subject for event in document.events if event.subject is not None}
            found.update(Subject.order(image.id) for image in document.orders)
            found.update(image.subject for image in document.others)
            winners = {image.superseded_by for image in document.orders}
            found.update(Subject.order(id_) for id_ in winners if id_ is not None)
            return found
    return set()
