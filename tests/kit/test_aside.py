"""What an author is shown to be kept aside is what the daemon keeps aside."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

import pytest

from olhubd.engine.flow.records import sorted_out
from olhubd.engine.flow.registry import FLOWS
from olhubd.model import Counting, Kind, Offer, OfferState, Product, StockBasis, StockLevel
from olhubd.plugin import Cursor, Feed, Gone, Later, Page, Record, Unreadable
from olhubd.plugin.feed import CARRIED, RECORD_KINDS
from olhubd_kit.aside import kept_aside
from tests.orders import order


class Wares(Feed):
    name = "wares"
    kinds = frozenset({Kind.PRODUCT, Kind.OFFER})

    async def start(self, since: datetime | None) -> Cursor:
        return Cursor("0")

    async def pull(self, cursor: Cursor) -> Page:
        return Page(records=[], cursor=cursor)


class Orders(Wares):
    name = "orders"
    kinds = frozenset({Kind.ORDER})


RECORDS: list[Any] = [
    order("1"),
    Product(external_id="5", name="Mug"),
    Offer(external_id="5", name="Mug", state=OfferState.ACTIVE),
    StockLevel(external_id="5", name="Mug", counting=Counting.UNTRACKED, basis=StockBasis.FREE),
    Unreadable(external_id="6", reason="no name", raw=b"{}"),
    Unreadable(external_id="6", reason="no name", raw=b"{}", kind=Kind.PRODUCT),
    Gone(external_id="7"),
    Gone(external_id="7", kind=Kind.PRODUCT),
    Later(external_id="8", seconds=1, reason="not yet"),
    Later(external_id="8", seconds=1, reason="not yet", kind=Kind.OFFER),
    {"id": 9},
]


@pytest.mark.parametrize("feed", [Wares(), Orders()], ids=lambda feed: feed.name)
@pytest.mark.parametrize("record", RECORDS, ids=lambda one: f"{type(one).__name__} {getattr(one, 'kind', '')}")
def test_an_author_sees_what_the_daemon_keeps_aside(feed: Feed, record: Any) -> None:
    _, others = sorted_out([record], feed.kinds)
    kept = [one for one in others if isinstance(one, Unreadable)]
    shown = kept_aside(feed, [record])
    assert [one.kind for one in shown] == [one.kind for one in kept]
    if [one.kind for one in kept] != [
        type(record).__name__
    ]:  # what its feed does not promise goes by the name of its type
        assert [(one.external_id, one.raw) for one in shown] == [(one.external_id, one.raw) for one in kept]
    assert all(one.reason for one in shown)


def test_the_plugin_api_names_the_kinds_that_the_daemon_carries() -> None:
    """An author reads there what a record is about, and a flow more is not forgotten there."""
    assert {flow.kind for flow in FLOWS} == CARRIED
    assert {flow.record: flow.kind for flow in FLOWS}.items() <= RECORD_KINDS.items()
    assert {*get_args(Record)} - {Unreadable, Gone, Later} <= RECORD_KINDS.keys()
