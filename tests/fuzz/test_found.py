"""What distorting answers found, each as the one answer that did it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from olhubd.model import Order
from olhubd.plugin import ContractBroken, OutcomeUnknown, Page, PluginError, Token, Unavailable, Unreadable
from olhubd_kit.test_host import account
from tests.fuzz.acts import STANDS
from tests.fuzz.distort import Answered, written
from tests.fuzz.mangler import Change, Mangler, served

Edit = Callable[[Any], Any]


async def ask(name: str, act: str, change: Change, match: str = "") -> Any:
    """What an act gives while `change` is done to all answers to requests whose path holds `match`."""
    stand, mangler = STANDS[name], Mangler()
    simulator: Any = stand.simulator()
    ids = stand.open(simulator)
    mangler.plan = lambda request, _: change if match in request.path else None
    async with (
        served(simulator, mangler) as base,
        account(stand.connector, simulator.settings(base), token=simulator.token()) as connector,
    ):
        try:
            return await stand.acts[act](connector, ids)
        except PluginError as error:
            return error


def edited(edit: Edit) -> Change:
    def change(answer: Answered) -> Answered:
        content = json.loads(answer.body)
        return answer._replace(body=written(edit(content) or content))

    return change


def headed(name: str, value: str) -> Change:
    return lambda answer: answer._replace(headers={**answer.headers, name: value})


def kinds(pages: list[Page]) -> list[int]:
    """How many orders, and how many unreadable records."""
    records = [record for page in pages for record in page.records]
    return [sum(isinstance(record, kind) for record in records) for kind in (Order, Unreadable)]


@pytest.mark.parametrize("count", ["9" * 5000, "-1", "٣" * 30])
async def test_a_count_beyond_all_counting(count: str) -> None:
    assert isinstance(await ask("woocommerce", "count", headed("X-WP-Total", count)), ContractBroken)
    assert kinds(await ask("woocommerce", "pull", headed("X-WP-Total", count))) == [3, 0]


async def test_a_date_at_the_end_of_the_calendar() -> None:
    assert kinds(await ask("woocommerce", "pull", headed("Date", "Fri, 31 Dec 9999 23:59:59 -2359"))) == [3, 0]


@pytest.mark.parametrize("broken", [None, 7, "x", {}, {"id": "x"}, {"number": "5"}])
@pytest.mark.parametrize("act", ["pull", "sweep"])
async def test_a_row_without_an_id_is_put_aside_by_itself(act: str, broken: Any) -> None:
    def edit(rows: Any) -> Any:
        return [*rows[:1], broken, *rows[1:]] if rows else rows

    orders, aside = kinds(await ask("woocommerce", act, edited(edit), "/orders"))
    assert orders == 3
    assert aside >= 1


@pytest.mark.parametrize("when", [None, "", "soon", "0001-01-01T00:00:00", "9999-99-99T00:00:00"])
async def test_a_row_changed_at_no_time_does_not_stop_the_feed(when: str | None) -> None:
    def edit(rows: Any) -> None:
        rows[0]["date_modified_gmt"] = when

    orders, aside = kinds(await ask("woocommerce", "pull", edited(edit), "/orders"))
    assert orders + aside == 3
    assert orders >= 2


async def test_a_shop_that_does_not_know_its_time_zone() -> None:
    def edit(content: Any) -> None:
        content.update(timezone_string="", gmt_offset="soon")

    spoil = edited(edit)
    assert callable(spoil)
    probed = await ask("woocommerce", "probe", lambda a: spoil(a) if b"gmt_offset" in a.body else a)
    assert probed.details["time zone"] == "unknown"


async def test_a_shop_that_gives_the_same_page_for_ever() -> None:
    """It ends, and not with "there is no such order"."""

    def edit(rows: Any) -> Any:
        return [{"id": 1000 - n, "meta_data": []} for n in range(100)]

    found = await ask("woocommerce", "find", edited(edit), "/orders")
    assert isinstance(found, Unavailable), found


async def test_a_sign_in_that_answers_nothing() -> None:
    assert isinstance(
        await ask("vendure", "probe", lambda answer: answer._replace(body=b'{"data":{}}')), PluginError
    )


@pytest.mark.parametrize("broken", [None, 7, {}, {"id": "x"}])
@pytest.mark.parametrize("act", ["pull", "sweep"])
async def test_an_order_without_id_or_time_is_put_aside_by_itself(act: str, broken: Any) -> None:
    def edit(content: Any) -> None:
        if "orders" in content["data"]:
            content["data"]["orders"]["items"].insert(1, broken)

    assert kinds(await ask("vendure", act, edited(edit))) == [3, 1]


@pytest.mark.parametrize("when", ["2026-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_an_order_of_a_time_that_does_not_compare(when: str) -> None:
    def edit(content: Any) -> None:
        if "orders" in content["data"]:
            content["data"]["orders"]["items"][0]["updatedAt"] = when

    assert kinds(await ask("vendure", "pull", edited(edit))) == [2, 1]


async def test_a_list_that_gives_the_same_page_for_ever() -> None:
    """Full of what has no place in the feed, whatever part of it was asked for."""

    def edit(content: Any) -> None:
        if "orders" in content["data"]:
            content["data"]["orders"]["items"] = [{"id": str(n)} for n in range(1000)]

    found = await ask("vendure", "sweep", edited(edit))
    assert isinstance(found, ContractBroken), found


async def test_an_order_read_alone_that_makes_no_sense() -> None:
    def edit(content: Any) -> None:
        if "order" in content["data"]:
            content["data"]["order"]["payments"] = [
                {
                    "id": "1",
                    "method": "x",
                    "amount": 10**4000,
                    "state": "Settled",
                    "createdAt": "0001-01-01T00:00:00Z",
                }
            ]

    found = await ask("vendure", "read", edited(edit))
    assert isinstance(found, Order | Unreadable | ContractBroken), found


@pytest.mark.parametrize("broken", [None, 7, {}, {"id": 5}])
async def test_a_form_without_an_id_is_put_aside_by_itself(broken: Any) -> None:
    def edit(content: Any) -> None:
        content["checkoutForms"].insert(1, broken)

    orders, aside = kinds(await ask("allegro", "sweep", edited(edit), "/order/checkout-forms"))
    assert (orders, aside) == (6, 2)  # both walks


@pytest.mark.parametrize("seconds", [1e308, -1e308, 1e12, -5])
@pytest.mark.parametrize("act", ["device", "refresh"])
async def test_a_time_to_live_beyond_all_calendars(act: str, seconds: float) -> None:
    def edit(content: Any) -> None:
        content["expires_in"] = seconds

    made = await ask("allegro", act, edited(edit), "/auth/")
    assert not isinstance(made, Exception), made


@pytest.mark.parametrize("interval", [0, -5, 1e308])
async def test_nobody_asks_without_a_pause_nor_never_again(interval: float) -> None:
    def edit(content: Any) -> None:
        content["interval"] = interval

    assert 0 < (await ask("allegro", "device", edited(edit), "/auth/")).interval <= 60


@pytest.mark.parametrize("claims", [{"iss": "http://["}, {"exp": 1e300}, {"exp": -1e300}, "x", None])
async def test_a_token_that_says_nonsense_of_itself(claims: Any) -> None:
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    def edit(content: Any) -> None:
        content["access_token"] = content["refresh_token"] = f"a.{text}.c"

    assert isinstance(await ask("allegro", "refresh", edited(edit), "/auth/"), Token)


@pytest.mark.parametrize("status", [101, 304])
async def test_an_answer_that_says_nothing_of_a_write_leaves_it_open(status: int) -> None:
    """Invariant 4: neither says that nothing was done."""
    raw = f"HTTP/1.1 {status} Whatever\r\n\r\n".encode()
    stand = STANDS["woocommerce"]
    mangler, simulator = Mangler(), stand.simulator()
    mangler.plan = lambda request, _: (lambda a: a._replace(raw=raw)) if request.method == "POST" else None
    async with served(simulator, mangler) as base, account(stand.connector, simulator.settings(base)) as connector:
        with pytest.raises(OutcomeUnknown):
            await stand.acts["push"](connector, [])
    assert len(simulator.books()) == 1


async def test_json_of_a_gateway_is_no_verdict_on_a_write_that_may_be_sent_again() -> None:
    """Invariant 4: it stood on hold for a person, though the next try would have told what became of it."""
    stand = STANDS["woocommerce"]
    mangler, simulator = Mangler(), stand.simulator()
    ids = stand.open(simulator)
    foreign = b'{"id": "maintenance", "code": "soon"}'
    mangler.plan = lambda request, _: (
        (lambda a: a._replace(body=foreign)) if request.method in ("PUT", "PATCH", "POST") else None
    )
    async with served(simulator, mangler) as base, account(stand.connector, simulator.settings(base)) as connector:
        with pytest.raises(Unavailable):
            await stand.acts["cancel"](connector, ids)
        mangler.plan = lambda _request, _answer: None
        await stand.acts["cancel"](connector, ids)


async def test_half_an_emoji_costs_nobody_an_order() -> None:
    r"""A name cut in the middle of a pair of surrogates (`\ud83d`) made the whole page unreadable, for ever."""

    def cut(answer: Answered) -> Answered:
        body, cuts = re.subn(rb'("first_name": ?")', rb"\1\\ud83d", answer.body, count=1)
        assert cuts
        return answer._replace(body=body)

    for act in ("pull", "sweep"):
        assert kinds(await ask("woocommerce", act, cut, "/orders")) == [3, 0]
