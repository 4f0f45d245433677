"""Whatever a system answers, a connector makes of it a record, an unreadable record or an error of the plugin API.

Honest answers of the simulators are distorted (see `distort`) on their way to the bundled connectors, through real
sockets and the real HTTP client. Never another exception, never a hang, never a page that cannot be stored.
Invariants 1, 6 and 11.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from olhubd.model import Order
from olhubd.plugin import OutcomeUnknown, Page, PluginError, Temporary
from olhubd_kit.test_host import account
from tests.fuzz.acts import STANDS
from tests.fuzz.distort import GARBAGE, Answered, Distortion, Kind, distortions, twist, written
from tests.fuzz.effort import LIMIT, effort, tried
from tests.fuzz.mangler import Mangler, served

CASES = [(name, act) for name, stand in STANDS.items() for act in stand.acts]


async def put_to(name: str, act: str, steps: dict[int, Distortion]) -> Any:
    """What came of an act while answers were distorted: its result or its plugin error; and how many were."""
    stand, mangler = STANDS[name], Mangler()
    simulator: Any = stand.simulator()
    ids = stand.open(simulator)
    async with (
        served(simulator, mangler) as base,
        account(stand.connector, simulator.settings(base), token=simulator.token()) as connector,
    ):
        mangler.begin(steps)
        try:
            async with asyncio.timeout(LIMIT):
                result = await stand.acts[act](connector, ids)
        except PluginError as error:
            result = error
        return result, mangler.struck


def _sound(result: Any) -> None:
    """A result can be told on: a plugin error says something short, a record can be written down."""
    if isinstance(result, PluginError):
        assert 0 < len(str(result)) < 3000
        assert "secret-token" not in str(result)
        return
    pages = result if isinstance(result, list) and result and isinstance(result[0], Page) else []
    for page in pages:
        assert isinstance(page.cursor, str)
        for record in page.records:
            assert len({record.external_id}) == 1
    with contextlib.suppress(TypeError):  # a list of statuses has a name for each and nothing else
        msgspec.json.encode(result)


@pytest.mark.parametrize(("name", "act"), CASES, ids=[f"{name}-{act}" for name, act in CASES])
def test_nothing_but_a_record_or_a_plugin_error(name: str, act: str) -> None:
    @effort(10, share=1 / len(CASES))
    @given(st.dictionaries(st.integers(0, 3) | st.integers(0, 12), distortions(), min_size=1, max_size=3))
    def each(steps: dict[int, Distortion]) -> None:
        result, struck = asyncio.run(put_to(name, act, steps))
        if struck:
            tried(f"answers of {name}")
        _sound(result)

    each()


@pytest.mark.parametrize(("name", "act"), CASES, ids=[f"{name}-{act}" for name, act in CASES])
async def test_undistorted_all_works(name: str, act: str) -> None:
    """What the others try is what would work."""
    result, struck = await put_to(name, act, {})
    assert not struck
    assert not isinstance(result, PluginError) or act == "exchange", result
    if act in ("pull", "sweep", "journal") and (name, act) != ("allegro", "pull"):
        assert sum(isinstance(record, Order) for page in result for record in page.records) >= 3


LISTS = [
    (name, act) for name, act in CASES if act in ("pull", "sweep", "journal") and (name, act) != ("allegro", "pull")
]


def _rows(content: Any) -> Any:
    """The list of orders in an answer; None in another."""
    if isinstance(content, list):
        return content
    if isinstance(content, dict):
        return content.get("checkoutForms") or ((content.get("data") or {}).get("orders") or {}).get("items")
    return None


def _poisoned(spoiled: str, by: Distortion) -> Any:
    """Spoils one order in each list that holds it, and nothing beside it."""

    def change(answer: Answered) -> Answered:
        content = json.loads(answer.body)
        rows = _rows(content)
        for at in [n for n, row in enumerate(rows or ()) if str(row["id"]) == spoiled]:
            rows[at] = twist([rows[at]], by)[0] if by.kind is Kind.VALUE and by.where == 0 else twist(rows[at], by)
        return answer._replace(body=written(content))

    return change


def _orders(result: Any) -> dict[str, Order]:
    assert not isinstance(result, PluginError), repr(result)
    return {record.external_id: record for page in result for record in page.records if isinstance(record, Order)}


@pytest.mark.parametrize(("name", "act"), LISTS, ids=[f"{name}-{act}" for name, act in LISTS])
def test_a_spoiled_order_costs_no_neighbour(name: str, act: str) -> None:
    """Whatever is wrong with one order of a page, the others of it land as they are. Invariant 1."""

    async def compare(which: int, by: Distortion) -> None:
        stand, mangler = STANDS[name], Mangler()
        simulator: Any = stand.simulator()
        ids = stand.open(simulator)
        async with served(simulator, mangler) as base:
            told = []
            for spoiled in (False, True):
                async with account(stand.connector, simulator.settings(base), token=simulator.token()) as connector:
                    if spoiled:
                        mangler.plan = lambda request, _: (
                            _poisoned(ids[which], by) if _listing(request, ids[which]) else None
                        )
                    async with asyncio.timeout(LIMIT):
                        told.append(_orders(await stand.acts[act](connector, ids)))
        honest, after = told
        assert len(honest) >= 3
        lost = {key for key, order in honest.items() if after.get(key) != order}
        assert len(lost) <= 1, lost

    def _listing(request: Any, spoiled: str) -> bool:
        # The journal names forms and each is read by itself.
        return act != "journal" or request.path.endswith(spoiled)

    @effort(25, share=0.1 / len(LISTS))
    @given(st.integers(0, 2), distortions(Kind.VALUE, Kind.DROP, Kind.ADD))
    def each(which: int, by: Distortion) -> None:
        tried(f"answers of {name}")
        asyncio.run(compare(which, by))

    each()


WRITES = ("push", "push much", "ship", "pay", "cancel", "status")
# All that is asked of Vendure is a POST; what its writes answer has tests of its own.
WRITING = [(name, act) for name, act in CASES if act in WRITES and name != "vendure"]


@pytest.mark.parametrize(("name", "act"), WRITING, ids=[f"{name}-{act}" for name, act in WRITING])
def test_what_was_done_is_never_called_not_done(name: str, act: str) -> None:
    """A write whose answer is no answer may have been carried out: it ends well or as an unknown outcome, so that
    it is looked up before it is sent again. Invariant 4."""

    async def write(by: Distortion) -> None:
        stand, mangler = STANDS[name], Mangler()
        simulator: Any = stand.simulator()
        ids = stand.open(simulator)
        async with (
            served(simulator, mangler) as base,
            account(stand.connector, simulator.settings(base), token=simulator.token()) as connector,
        ):
            mangler.plan = lambda request, _: by if _writes(request) else None
            failure = None
            try:
                async with asyncio.timeout(LIMIT):
                    await stand.acts[act](connector, ids)
            except PluginError as error:
                failure = error
            if failure is not None:
                wanted = OutcomeUnknown if act in ("push", "push much") else Temporary
                assert isinstance(failure, wanted), repr(failure)

    def _writes(request: web.Request) -> bool:
        return request.method != "GET"

    @effort(25, share=0.1 / len(WRITING))
    @given(distortions(*GARBAGE))
    def each(by: Distortion) -> None:
        tried(f"answers of {name}")
        asyncio.run(write(by))

    each()
