"""What is divided among the offers of two channels: no piece is for sale twice, whatever answers are lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from olhubd.decide.stock.level import OfferLevel, Phase
from olhubd.decide.stock.policy import StockPolicy, StockRule
from olhubd.engine.flow.flow import Asked
from olhubd.model import Order, Reason, Stage
from olhubd.store import Database
from tests.engine.levels.stall import Channel, Stall
from tests.engine.levels.test_stopping import hands as stops

A, B = "111", "222"


class Pair:
    """One master whose pieces are divided between an offer of `allegro` and one of `ebay`."""

    def __init__(self, database: Database, **more: object) -> None:
        rule = StockRule(
            master="shop",
            channels=frozenset({"allegro", "ebay"}),
            policy=StockPolicy.ALLOCATED,
            lowered_by=frozenset({"processing"}),
            **more,  # type: ignore[arg-type]
        )
        self.stall = Stall(database, rule)
        self.ebay = Channel()
        self.ebay.now = self.stall.clock.now
        self.allegro = self.stall.channel
        self.levellers = {"allegro": self.stall.leveller, "ebay": self.stall.make_leveller("ebay", self.ebay)}

    async def begin(self, pieces: int, allegro: int, ebay: int) -> None:
        await self.stall.stock("A", pieces)
        await self.listed("allegro", A, allegro)
        await self.listed("ebay", B, ebay)
        for leveller in self.levellers.values():
            await leveller.begin()
        await self.quiet()
        await self.known()

    async def listed(self, account: str, offer: str, quantity: int) -> None:
        channel = self.channel(account)
        channel.list(offer, quantity)
        usual, self.stall.channel = self.stall.channel, channel
        await self.stall.listed(offer, "A", account)
        self.stall.channel = usual

    async def listed_again(self) -> None:
        """The feeds of offers read both as they are."""
        for account, offer in (("allegro", A), ("ebay", B)):
            usual, self.stall.channel = self.stall.channel, self.channel(account)
            await self.stall.listed(offer, "A", account)
            self.stall.channel = usual

    def channel(self, account: str) -> Channel:
        return self.allegro if account == "allegro" else self.ebay

    async def turn(self, account: str) -> None:
        await self.levellers[account].turn()

    async def quiet(self, seconds: float = 60.0) -> None:
        """Both work for so long, and all that is sent settles."""
        for _ in range(6):
            for leveller in self.levellers.values():
                await leveller.turn()
            self.stall.clock.passed += seconds / 6

    async def known(self) -> None:
        """All orders of both, and of the shop, are read to their end and swept, and both have worked since."""
        await self.stall.land("other", self.stall.purchase(f"other-{self.stall.clock.passed}", "none"))
        await self.stall.orders_read()
        await self.stall.swept("allegro", "ebay")
        await self.quiet()

    def shown(self) -> tuple[int, int]:
        return tuple(  # type: ignore[return-value]
            channel.shown[offer] if channel.active[offer] else 0
            for channel, offer in ((self.allegro, A), (self.ebay, B))
        )

    async def level(self, account: str) -> OfferLevel:
        return await self.stall.level(A if account == "allegro" else B, account)

    def buys(self, account: str, name: str, pieces: int = 1) -> Order:
        """Somebody buys; the order is made and has not landed."""
        offer = A if account == "allegro" else B
        self.channel(account).sell(offer, pieces)
        return self.stall.purchase(name, offer, pieces, stage=Stage.PLACED)

    async def lands(self, account: str, order: Order) -> None:
        await self.stall.land_asked(account, Asked(after=await self.stall.head(), through=0), order)

    async def restart(self) -> None:
        """Another process begins with the same file."""
        self.stall.horizon = type(self.stall.horizon)(self.stall.database, lambda: True, lambda: None)
        self.levellers = {
            "allegro": self.stall.make_leveller("allegro", self.allegro),
            "ebay": self.stall.make_leveller("ebay", self.ebay),
        }
        for leveller in self.levellers.values():
            await leveller.begin()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "hub.sqlite") as found:
        yield found


async def test_what_came_in_is_divided(database: Database) -> None:
    pair = Pair(database)
    await pair.begin(10, 1, 1)
    assert pair.shown() == (5, 5)
    assert [call[0] for call in pair.allegro.calls + pair.ebay.calls] == ["change", "change"]


async def test_too_much_is_lowered_before_anything_is_known(database: Database) -> None:
    """Both show all of it when the hub begins: lowering waits for nothing."""
    pair = Pair(database)
    await pair.stall.stock("A", 6)
    await pair.listed("allegro", A, 6)
    await pair.listed("ebay", B, 6)
    for leveller in pair.levellers.values():
        await leveller.begin()
    await pair.quiet()
    assert sum(pair.shown()) == 6
    assert {call[0] for call in pair.allegro.calls + pair.ebay.calls} == {"change"}


async def test_a_piece_moves_after_its_giver_has_shown_the_lower_number(database: Database) -> None:
    """One is nearly sold out, and the other has plenty: pieces are for sale nowhere until the giver was read."""
    pair = Pair(database)
    await pair.begin(12, 6, 6)
    await pair.lands("allegro", pair.buys("allegro", "a1", 5))
    await pair.stall.orders_read()
    pair.ebay.mode = "accepted"
    for _ in range(3):
        await pair.turn("ebay")
        await pair.turn("allegro")
    assert [call[0] for call in pair.ebay.calls] == ["change"]
    lowered = pair.shown()[1]
    assert lowered < 6
    # It acted, and was not read: all the same it may have been sold before, so nobody has its pieces.
    assert pair.shown()[0] == 1
    await pair.quiet()
    await pair.known()
    assert sum(pair.shown()) == 7
    assert pair.shown()[0] > 1


async def test_a_sale_that_races_with_a_raise_stays_sold(database: Database) -> None:
    """A number would put the piece back that was sold while the command was on its way; a change does not."""
    pair = Pair(database)
    await pair.begin(4, 2, 2)
    await pair.stall.stock("A", 8)
    await pair.stall.land("other", pair.stall.purchase("o1", "none"))
    await pair.stall.orders_read()
    pair.allegro.mode = "late"
    await pair.turn("allegro")
    (call,) = pair.allegro.calls
    assert call[:2] == ("change", 2)
    order = pair.buys("allegro", "a1")
    pair.allegro.mode = "done"
    pair.allegro.act_late()
    assert pair.allegro.shown[A] == 3  # two, one sold, two more
    await pair.lands("allegro", order)
    await pair.quiet()
    await pair.known()
    assert sum(pair.shown()) == 7


async def test_a_raise_whose_answer_is_lost_is_not_sent_again_before_all_is_known(database: Database) -> None:
    pair = Pair(database)
    await pair.begin(4, 2, 2)
    await pair.stall.stock("A", 8)
    await pair.stall.land("other", pair.stall.purchase("o1", "none"))
    await pair.stall.orders_read()
    pair.allegro.mode = "never"
    await pair.turn("allegro")
    assert len(pair.allegro.calls) == 1
    pair.allegro.mode = "done"
    for _ in range(10):
        await pair.quiet(120)
        await pair.stall.orders_read()
    # It may have been done and sold at once: what it added counts until every order is known.
    assert len(pair.allegro.calls) == 1
    row = await pair.level("allegro")
    assert (row.phase, row.confirmed, row.bound) == (Phase.SETTLED, 2, 4)
    assert row.reason == Reason("level.unexplained")
    assert sum(pair.shown()) <= 8
    await pair.known()
    await pair.known()
    assert sum(pair.shown()) == 8


async def test_what_was_bought_and_has_not_landed_is_given_to_nobody(database: Database) -> None:
    """A reading shows fewer, and no order explains it yet: neither is the offer filled up, nor the other raised."""
    pair = Pair(database)
    await pair.begin(8, 4, 4)
    order = pair.buys("allegro", "a1", 2)
    await pair.listed_again()
    await pair.stall.orders_read()
    await pair.quiet()
    assert pair.shown() == (2, 4)
    await pair.lands("allegro", order)
    await pair.quiet()
    await pair.known()
    assert pair.shown() == (2, 4)
    assert (await pair.level("allegro")).even


async def test_a_sale_changes_nothing_elsewhere(database: Database) -> None:
    """No needless moves: each channel sells what it has, and nothing is written for a sale."""
    pair = Pair(database)
    await pair.begin(12, 6, 6)
    written = len(pair.allegro.calls) + len(pair.ebay.calls)
    for number in range(3):
        await pair.lands("allegro", pair.buys("allegro", f"a{number}"))
        await pair.quiet()
        await pair.known()
    assert pair.shown() == (3, 6)
    assert len(pair.allegro.calls) + len(pair.ebay.calls) == written


async def test_one_that_is_nearly_empty_gets_from_the_others(database: Database) -> None:
    pair = Pair(database)
    await pair.begin(12, 6, 6)
    await pair.lands("allegro", pair.buys("allegro", "a1", 5))
    for _ in range(3):
        await pair.quiet()
        await pair.known()
    a, b = pair.shown()
    assert a + b == 7
    assert a > 1


async def test_another_process_raises_nothing_before_it_knows_both(database: Database) -> None:
    """Its file may be an older one, so what the offers may still sell is learned again."""
    pair = Pair(database)
    await pair.begin(4, 2, 2)
    await pair.restart()
    await pair.stall.stock("A", 8)
    await pair.stall.land("other", pair.stall.purchase("o1", "none"))
    await pair.stall.orders_read()
    await pair.quiet()
    assert pair.shown() == (2, 2)
    await pair.stall.swept("allegro")
    await pair.quiet()
    assert pair.shown() == (2, 2)
    await pair.known()
    await pair.known()
    assert sum(pair.shown()) == 8


async def test_what_ended_elsewhere_goes_to_the_others(database: Database) -> None:
    """An offer that is not to be resumed has no share: its pieces are sold where they can be."""
    pair = Pair(database)
    await pair.begin(6, 3, 3)
    await pair.lands("allegro", pair.buys("allegro", "a1", 3))
    await pair.listed_again()
    await pair.quiet()
    await pair.known()
    await pair.stall.stock("A", 9)
    await pair.known()
    await pair.known()
    assert pair.shown() == (0, 6)


async def test_below_a_threshold_only(database: Database) -> None:
    """Above it each shows all of it; below it the last ones are divided."""
    pair = Pair(database, allocate_below=4)
    await pair.begin(10, 10, 10)
    assert pair.shown() == (10, 10)
    await pair.stall.stock("A", 3)
    await pair.quiet()
    await pair.known()
    assert sum(pair.shown()) == 3


async def test_weights_of_the_setting(database: Database) -> None:
    pair = Pair(database, weights={"allegro": 3})
    await pair.begin(8, 1, 1)
    assert pair.shown() == (6, 2)


async def test_what_is_divided_is_divided_again_when_a_stop_of_one_is_lifted(database: Database) -> None:
    pair = Pair(database)
    await pair.begin(10, 5, 5)
    await stops(pair.stall).stop("allegro", "anna")
    for _ in range(3):
        await pair.known()
    await stops(pair.stall).lift("allegro", "anna")
    for _ in range(8):
        await pair.known()
        assert sum(pair.shown()) <= 10
    assert pair.shown() == (5, 5)
