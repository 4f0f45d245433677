"""From when on a new account takes orders: set while the daemon runs, to the second, for the timer and by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from olhubd.engine.errors import NotPossible
from olhubd.engine.operator.start_date import check_start
from olhubd.store import account_settings, feeds
from olhubd_kit.simulators.allegro import AllegroSimulator
from tests.control.house import House

ADDED = datetime(2026, 3, 10, 12, 0, 0, tzinfo=UTC)
SECOND, WEEK = timedelta(seconds=1), timedelta(days=7)


class Then:
    """The marketplace's clock, which can be put back to buy in the past."""

    back = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.back


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """With a purchase of three days ago and one of yesterday, of before anybody signed in."""
    then = Then()
    made = House(tmp_path)
    made.market = AllegroSimulator(1, then)
    made.market.signin.consent = False
    for days in (3, 1):
        then.back = timedelta(days=days)
        made.market.ledger.buy()
    then.back = timedelta(0)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            yield made


async def start(house: House, at: datetime) -> tuple[int, str]:
    body = {"values": {"start": at.isoformat()}}
    status, answer = await house.ask("POST", "/accounts/market/settings", body)
    return status, answer.get("detail", "")


async def held(house: House) -> set[str]:
    return {row["external_id"] for row in (await house.get("/orders"))["items"]}


async def test_orders_from_the_start_on_are_taken_by_timer_and_by_hand(house: House) -> None:
    """ACC-16: of two that were bought before the account was there the one after the start comes, and no other."""
    oldest, yesterday = (entry.external_id for entry in house.market.books())
    (fresh,) = house.market.ledger.buy()

    async def only_fresh() -> bool:
        return await held(house) == {fresh}

    await house.until(only_fresh)
    assert (await house.ask("POST", "/accounts/market/fetch"))[0] == 200
    assert await held(house) == {fresh}, "what was bought before is not wanted yet"
    at = house.clock.now() - timedelta(days=2)
    assert (await start(house, at))[0] == 200

    async def arrived() -> bool:
        return await held(house) == {fresh, yesterday}

    await house.until(arrived)
    (later,) = house.market.ledger.buy()
    assert (await house.ask("POST", "/accounts/market/fetch"))[0] == 200
    assert later in await held(house)
    assert oldest not in await held(house)
    position = await feeds.get(house.database.reader, "market", "orders")
    assert position is not None
    assert position.since == at, "to the microsecond"
    assert (await start(house, at + SECOND))[0] == 409, "no order of in between is passed over"
    text = house.path.read_text(encoding="utf-8")
    house.path.write_text(text.replace('interval = "100 ms"', 'interval = "90 ms"'), encoding="utf-8")
    with capture_logs() as said:
        assert (await house.hub.reload(house.configuration()))["changed"] == ["market"]
        assert (await house.ask("POST", "/accounts/market/fetch"))[0] == 200
    begun = [one["feed"] for one in said if (one["event"], one.get("account")) == ("begins", "market")]
    assert begun == [], "it has begun again once, and goes on from where it was"
    assert await held(house) == {fresh, yesterday, later}


async def test_beyond_seven_days_it_is_refused_with_the_earliest_date(house: House) -> None:
    """ACC-17 in part: from the API down; the seconds are tried below."""
    added = house.hub.unit("market").row.started_at
    assert added is not None
    status, said = await start(house, added - WEEK - SECOND)
    assert status == 409
    earliest = datetime.fromisoformat(said.partition("no earlier than ")[2].partition("+00:00")[0] + "+00:00")
    assert timedelta(0) <= earliest - (added - WEEK) < SECOND
    assert (await start(house, earliest))[0] == 200, "the date that it names is possible"
    assert (await start(house, house.clock.now() + timedelta(hours=1)))[0] == 409
    house.clock.ahead = WEEK + SECOND
    status, said = await start(house, added)
    assert status == 409
    assert "seven days after market was added" in said
    status, answer = await house.ask("POST", "/accounts/market/settings", {"unset": ["start"]})
    assert (status, "stays once it was set" in answer["detail"]) == (409, True)


async def test_an_account_that_is_switched_off_takes_no_start(house: House) -> None:
    """It would say that orders are taken since then, and none are."""
    body = {"values": {"start": (house.clock.now() - timedelta(hours=1)).isoformat()}}
    status, answer = await house.ask("POST", "/accounts/off/settings", body)
    assert (status, "enabled = false" in answer["detail"]) == (409, True)
    assert (await house.get("/accounts/off/settings"))["items"]
    assert await account_settings.of_account(house.database.reader, "off") == []


def test_it_is_moved_back_and_never_forward_once_orders_are_taken() -> None:
    """Those of in between that were not read yet, as after days without a sign-in, would be passed over."""
    check_start((ADDED - SECOND).isoformat(), "market", ADDED, ADDED + WEEK, ADDED)
    check_start(ADDED.isoformat(), "market", ADDED, ADDED + WEEK, ADDED)
    with pytest.raises(NotPossible, match="orders are taken since 2026-03-10T12:00:00"):
        check_start((ADDED + SECOND).isoformat(), "market", ADDED, ADDED + WEEK, ADDED)


def test_seven_days_to_the_second() -> None:
    """ACC-17: both for when it is set and for the date itself."""
    at = ADDED.isoformat()
    check_start(at, "market", ADDED, ADDED + WEEK - SECOND)
    check_start(at, "market", ADDED, ADDED + WEEK)
    with pytest.raises(NotPossible, match="could be set until 2026-03-17T12:00:00"):
        check_start(at, "market", ADDED, ADDED + WEEK + SECOND)
    check_start((ADDED - WEEK + SECOND).isoformat(), "market", ADDED, ADDED)
    check_start((ADDED - WEEK).isoformat(), "market", ADDED, ADDED)
    with pytest.raises(NotPossible, match="no earlier than 2026-03-03T12:00:00"):
        check_start((ADDED - WEEK - SECOND).isoformat(), "market", ADDED, ADDED)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-09T12:00:00",
        "yesterday",
        "now",
        "3 days",
        "2026-02-30T00:00:00+01:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_moment_needs_its_offset(text: str) -> None:
    with pytest.raises(NotPossible, match="write the moment with its offset"):
        check_start(text, "market", ADDED, ADDED)
