"""A typo in a route is told before it is found order by order: in the log, as an alarm, and by the doctor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from olhubd.model import AlarmKind
from tests.control.house import House

TYPOS = """
statuses = { paid = "wc-procesing", cancelled = "wc-cancelled" }
payment = { online = "payuu", cash-on-delivery = "cod" }
[routes.shipping]
"Allegro Kurier DPD" = "kurier"
"Allegro Paczkomat InPost" = "flat_rate:3"
"""
RIGHT = """
statuses = { paid = "wc-processing", cancelled = "cancelled" }
payment = { online = "payu", cash-on-delivery = "cod" }
[routes.shipping]
"Allegro Kurier DPD" = "flat_rate:1"
"Allegro Paczkomaty InPost" = "flat_rate:3"
"""


@pytest.fixture
async def mistaken(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose route has words that nobody has."""
    house = House(tmp_path)
    with structlog.testing.capture_logs() as house.lines:  # type: ignore[attr-defined]
        async with house.open():
            await house.sign_in()
            await rewrite(house, TYPOS)
            yield house


async def rewrite(house: House, words: str) -> None:
    before, route, rest = house.path.read_text().partition("# words")[0].partition("[[routes]]")
    head = before + route + rest.partition("[[routes]]")[0]  # they are those of the first route
    house.path.write_text(f"{head}# words{words}")
    status, answer = await house.ask("POST", "/reload")
    assert status == 200, answer


async def test_a_typo_is_told_before_any_order_meets_it(mistaken: House) -> None:
    """Each with its line, what was probably meant, and what there is; and once mended all is over."""
    house = mistaken
    await house.hub.vocabulary.look()
    await house.hub.checks.round()
    alarm = house.hub.alarms.open[AlarmKind.WORDS, "shop"]
    line = 1 + house.path.read_text().splitlines().index(TYPOS.splitlines()[1])
    assert f"{house.path}:{line}: statuses.paid: procesing is no status of shop; did you mean processing?" in (
        alarm.detail
    )
    assert alarm.detail.endswith("; 2 more")
    found = (await house.get("/doctor", check="WORDS"))["items"]
    told = {(one["state"], one["text"].split(": ")[1]) for one in found}
    assert told == {
        ("wrong", "statuses.paid"),
        ("wrong", "payment.online"),
        ("wrong", 'shipping."Allegro Kurier DPD"'),
        ("look", 'shipping."Allegro Paczkomat InPost"'),
    }
    assert "did you mean payu?" in next(one["text"] for one in found if "payment.online" in one["text"])
    assert "flat_rate:1 (Polska: Kurier)" in next(
        one["text"] for one in found if "Allegro Kurier DPD" in one["text"]
    )
    said = [line["reason"] for line in house.lines if "has a word" in line["event"]]  # type: ignore[attr-defined]
    assert len(said) == len(set(said)) == 4, "once each"

    await rewrite(house, RIGHT)
    assert [one["state"] for one in (await house.get("/doctor", check="WORDS"))["items"]] == ["fine"]
    await house.hub.checks.round()
    assert (AlarmKind.WORDS, "shop") not in house.hub.alarms.open
    assert house.hub.configuration.routes[0].statuses["paid"] == "processing", (
        "with the prefix of the shop's own pages"
    )

    await rewrite(house, TYPOS)
    await house.hub.vocabulary.look()
    said = [line["reason"] for line in house.lines if "has a word" in line["event"]]  # type: ignore[attr-defined]
    assert len(said) == 8, "who makes a mistake again is told again"


async def test_it_is_asked_by_itself_at_the_start_and_again_where_nobody_answered(mistaken: House) -> None:
    house = mistaken

    async def known() -> bool:
        return len(house.hub.vocabulary.unknown) == 4

    await house.until(known)
    assert house.hub.vocabulary.silent == {}


async def test_words_of_an_account_that_cannot_be_asked_are_no_reproach(mistaken: House) -> None:
    house = mistaken
    assert (await house.ask("POST", "/accounts/shop/pause"))[0] == 200
    found = (await house.get("/doctor", check="WORDS"))["items"]
    told = {(one["state"], one["subject"]) for one in found}
    assert told == {("skipped", "shop"), ("look", "market")}, "the market still tells that it has no such way"
