"""What a WooCommerce shop has in stock is what Allegro's offers show, through a whole hub and over real sockets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from olhubd import config
from olhubd.control.api.schema.stock import StockItemPage, StockItemRow
from olhubd.engine.errors import NotPossible
from olhubd.engine.hub import Hub
from olhubd.engine.levels.explaining import explain
from olhubd.engine.operator.offer_request import AskOutcome
from olhubd.model import AlarmKind, OfferState, code_of
from olhubd.store import events, levels, offers, reservations, stock_items
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.offers import OFFER
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tests.e2e.test_hub import Seller
from tests.waiting import until

SKU = "TAL-27"
NUMBER = str(OFFER + 3)
STOCK = 'master = "shop"\nchannels = ["first", "second"]\n'


class Unruled(Seller):
    """Two marketplace accounts, which are in no sandbox: nothing would be written to one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.first = AllegroSimulator(1, sandbox=False)
        self.second = AllegroSimulator(2, sandbox=False)


class Warehouse(Unruled):
    """The shop's stock is sold on both marketplace accounts."""

    rule = STOCK

    def configuration(self) -> config.Configuration:
        folder = self.folder / "conf.d"
        folder.mkdir(exist_ok=True)
        (folder / "stock.toml").write_text(f"[[stock]]\n{self.rule}", encoding="utf-8")
        return super().configuration()

    def in_stock(self, sku: str = SKU) -> int:
        row = self.shop.catalogue.by_sku(sku)
        assert row is not None
        return int(row["stock_quantity"])

    def restock(self, pieces: int, sku: str = SKU) -> None:
        row = self.shop.catalogue.by_sku(sku)
        assert row is not None
        at = self.shop.now().replace(tzinfo=None, microsecond=0).isoformat()
        assert self.shop.catalogue.move(row["id"], pieces, at)

    def shown(self) -> tuple[int, int]:
        return self.first.book.available(SKU)[NUMBER], self.second.book.available(SKU)[NUMBER]

    async def shows(self, first: int, second: int | None = None) -> None:
        async def there() -> bool:
            return self.shown() == (first, first if second is None else second)

        await self.until(there)

    async def stands(self) -> str:
        return f"they show {self.shown()}, the shop has {self.in_stock()}\n{await super().stands()}"

    async def unseen(self) -> int:
        (item,) = await stock_items.find(self.database.reader, SKU)
        return (await reservations.unseen(self.database.reader, [item.id])).get(item.id, 0)


@pytest.fixture
async def warehouse(tmp_path: Path) -> AsyncIterator[Warehouse]:
    warehouse = Warehouse(tmp_path)
    async with warehouse.open():
        yield warehouse


async def test_what_the_shop_has_is_what_both_accounts_show(warehouse: Warehouse) -> None:
    """OFF-02, OFF-16: kept equal, down and up."""
    await warehouse.shows(100)
    warehouse.restock(-93)
    await warehouse.shows(7)
    warehouse.restock(5)
    await warehouse.shows(12)
    assert warehouse.shown() == (12, 12)


class OneOfTwo(Warehouse):
    """The shop's stock is sold on the first account alone, whose switch goes off later."""

    rule = 'master = "shop"\nchannels = ["first"]\n'


async def test_stock_control_is_a_switch_of_each_account(tmp_path: Path) -> None:
    """OFF-15: no quantity is sent to an account that no rule names, nor to one that no rule names any more."""
    warehouse = OneOfTwo(tmp_path)
    async with warehouse.open():
        await warehouse.shows(100, 100)
        warehouse.restock(-60)
        await warehouse.shows(40, 100)
        assert not warehouse.second.book.commands
        sent = len(warehouse.first.book.commands)
        warehouse.rule = 'master = "shop"\nchannels = ["second"]\n'
        await warehouse.hub.reload(warehouse.configuration())
        warehouse.restock(-30)
        await warehouse.shows(40, 10)
        assert len(warehouse.first.book.commands) == sent


async def test_a_sale_on_one_account_lowers_the_other_before_the_shop_knows(warehouse: Warehouse) -> None:
    """OFF-30."""
    warehouse.restock(-95)
    await warehouse.shows(5)
    warehouse.shop.maintenance(10_000)
    warehouse.first.ledger.buy(sku=SKU, quantity=2, lines=1)
    await warehouse.shows(3)
    assert await warehouse.unseen() == 2


async def test_the_pieces_of_an_order_count_once_on_its_way_through_the_shop(warehouse: Warehouse) -> None:
    """OFF-29: the marketplace lowers its offer, the hub reserves, the shop takes the pieces: three stay."""
    warehouse.restock(-95)
    await warehouse.shows(5)
    warehouse.first.ledger.buy(sku=SKU, quantity=2, lines=1)
    await warehouse.settled()
    assert warehouse.in_stock() == 3

    async def released() -> bool:
        return await warehouse.unseen() == 0

    await warehouse.until(released)
    await warehouse.shows(3)


async def test_each_term_and_each_offer_is_explained(warehouse: Warehouse) -> None:
    warehouse.restock(-95)
    await warehouse.shows(5)
    warehouse.shop.maintenance(10_000)
    warehouse.first.ledger.buy(sku=SKU, quantity=2, lines=1)
    await warehouse.shows(3)
    found = await explain(warehouse.database.reader, SKU, warehouse.hub.in_force.stock())
    (row,) = StockItemPage(items=tuple(map(StockItemRow.of, found))).items
    assert [(term.what, term.pieces, term.account) for term in row.terms] == [
        ("master", 5, None),
        ("reservation", -2, "first"),
    ]
    assert (row.sellable, row.policy, row.account) == (3, "shared", "shop")
    assert [(one.account, one.external_id, one.linked_by) for one in row.offers] == [
        ("first", NUMBER, "sku"),
        ("second", NUMBER, "sku"),
    ]
    assert {one.wanted for one in row.offers} == {3}


async def test_the_last_piece_ends_the_offers_of_both(warehouse: Warehouse) -> None:
    warehouse.restock(-99)
    await warehouse.shows(1)
    warehouse.first.ledger.buy(sku=SKU, quantity=1, lines=1)
    await warehouse.shows(0)
    assert warehouse.second.book.offers[NUMBER]["publication"]["status"] == "ENDED"


async def test_a_lost_answer_sends_no_second_command(warehouse: Warehouse) -> None:
    await warehouse.shows(100)
    warehouse.first.faults.add(Fault(kind=FaultKind.LOSE, match="PUT /sale/offer-quantity-change-commands/"))
    warehouse.restock(-60)
    await warehouse.shows(40)
    assert len(warehouse.first.book.commands) == 1


async def test_a_killed_hub_goes_on_with_what_it_kept(warehouse: Warehouse) -> None:
    await warehouse.shows(100)
    warehouse.first.book.delay_commands(1.0)
    warehouse.restock(-60)

    async def sent() -> bool:
        return bool(warehouse.first.book.commands)

    await warehouse.until(sent)
    await warehouse.hub.stop(0)
    hub = warehouse.hub
    warehouse.hub = Hub(warehouse.configuration(), warehouse.database, warehouse.session, hub.clock, hub._log)
    await warehouse.hub.start()
    await warehouse.shows(40)
    assert len(warehouse.first.book.commands) == 1


def read(seller: Seller) -> dict[str, set[str]]:
    """The feeds that are read, by account."""
    pollers = {name: unit.feeds.poller for name, unit in seller.hub.units.items()}
    return {name: {reader.name for reader in poller.readers} for name, poller in pollers.items() if poller}


async def test_lists_of_stock_and_offers_are_read_only_where_a_rule_needs_them(tmp_path: Path) -> None:
    """Part of IMP-25 and ACC-23: without a rule they would cost calls that orders could use; a rule may come with a
    reload, and go."""
    seller = Unruled(tmp_path)
    async with seller.open():
        without = read(seller)
        assert set().union(*without.values()) == {"orders"}
        rule = tmp_path / "conf.d" / "stock.toml"
        rule.parent.mkdir(exist_ok=True)
        rule.write_text(f"[[stock]]\n{STOCK}", encoding="utf-8")
        await seller.hub.reload(seller.configuration())
        ruled = read(seller)
        assert {name for name, feeds in ruled.items() if "offers" in feeds} == {"first", "second"}
        assert {name for name, feeds in ruled.items() if "stock" in feeds} == {"shop"}
        rule.unlink()
        await seller.hub.reload(seller.configuration())
        assert read(seller) == without


class Resuming(Warehouse):
    """The shop's stock is sold on both accounts, and what has ended may come back."""

    rule = f"{STOCK}resume = true\n"

    def row(self, account: AllegroSimulator | None = None) -> dict[str, Any]:
        book = (account or self.first).book
        return {**book.offers[NUMBER], **book.details[NUMBER]}


@pytest.fixture
async def resuming(tmp_path: Path) -> AsyncIterator[Resuming]:
    resuming = Resuming(tmp_path)
    async with resuming.open():
        await resuming.shows(100)
        for name in ("first", "second"):
            # It is written and read again several times, and the simulator shows a write at once.
            leveller = resuming.hub.units[name].levels.leveller
            assert leveller is not None
            leveller._channel.sink.level_settle = timedelta(seconds=0.1)

        async def linked() -> bool:
            rows = await explain(resuming.database.reader, SKU, resuming.hub.in_force.stock())
            return sum(one.level is not None and one.level.wanted == 100 for row in rows for one in row.offers) == 2

        await resuming.until(linked)
        yield resuming


async def test_a_sold_out_offer_that_a_person_ends_does_not_come_back(resuming: Resuming) -> None:
    """Stock control has ended it, and would bring it back."""
    await resuming.hub.offer_actions.allow("first", NUMBER, True, "ania")
    resuming.restock(-100)
    await resuming.shows(0)
    reader = resuming.database.reader

    async def ended() -> bool:
        return (await offers.by_external(reader, "first", [NUMBER]))[NUMBER].offer.state is OfferState.ENDED

    await resuming.until(ended)
    assert await resuming.hub.offer_making.end("first", NUMBER, "ania") is AskOutcome.ACCEPTED
    known = (await offers.by_external(reader, "first", [NUMBER]))[NUMBER]
    assert not (await levels.of_offers(reader, [known.id]))[known.id].resumes
    assert await resuming.hub.offer_making.end("first", NUMBER, "ania") is AskOutcome.UNCHANGED


async def test_a_sold_out_offer_comes_back_where_it_is_said_to(resuming: Resuming) -> None:
    """OFF-18, OFF-21, OFF-22, OFF-23: with stock again, under its number, and only the offer that was let."""
    await resuming.hub.offer_actions.allow("first", NUMBER, True, "ania")
    resuming.restock(-100)
    await resuming.shows(0)
    resuming.restock(7)
    await resuming.shows(7, 0)
    row = resuming.row()
    assert (row["publication"]["status"], row["stock"]["available"]) == ("ACTIVE", 7)
    assert len([one for one in resuming.first.book.offers.values() if one["external"]["id"] == SKU]) == 1
    kinds = [
        (one.kind, one.body.get("publication", {}).get("action")) for one in resuming.first.book.commands.values()
    ]
    assert kinds == [("publication", "END"), ("quantity", None), ("publication", "ACTIVATE")]

    async def told() -> bool:
        rows = await explain(resuming.database.reader, SKU, resuming.hub.in_force.stock())
        return [code_of(one.level.reason) for item in rows for one in item.offers if one.level] == [
            None,
            "level.resume-off",
        ]

    await resuming.until(told)
    assert await levels.unresumed(resuming.database.reader) == {"second": 1}


async def test_a_person_brings_back_one_offer_and_is_told_what_cannot_be(resuming: Resuming) -> None:
    """OFF-26: an active one is refused, and what the marketplace ended; one that the seller ended comes back."""
    actions = resuming.hub.offer_actions
    with pytest.raises(NotPossible, match="has not ended"):
        await actions.resume("first", NUMBER, "ania")
    resuming.first.book.end_offer(NUMBER, "ADMIN")
    resuming.second.book.end_offer(NUMBER, "USER")

    async def ended() -> bool:
        rows = await levels.uneven(resuming.database.reader, "second", 10)
        return any(not row.active for row in rows)

    await resuming.until(ended)
    with pytest.raises(NotPossible, match="marketplace ended"):
        await actions.resume("first", NUMBER, "ania")
    await actions.resume("second", NUMBER, "ania")
    await resuming.shows(0, 100)


async def test_two_programs_that_write_one_offer_come_to_rest(resuming: Resuming) -> None:
    """S15: the other one sets five after each of our zeros: three commands, an alarm, and a person ends it."""
    resuming.restock(-100)
    await resuming.shows(0)

    async def disputed() -> bool:
        rows = await explain(resuming.database.reader, SKU, resuming.hub.in_force.stock())
        (level,) = [one.level for row in rows for one in row.offers if one.listed.account == "first"]
        if level is not None and level.wanted == 0 and level.even and resuming.shown()[0] == 0:
            resuming.first.book.set_quantity(NUMBER, 5)
        return bool(await levels.disputed(resuming.database.reader))

    await resuming.until(disputed)
    assert len(resuming.first.book.commands) == 3
    await resuming.hub.checks.round()
    alarm = resuming.hub.alarms.open[AlarmKind.DISPUTE, "first"]
    assert NUMBER in alarm.detail
    await resuming.hub.offer_actions.retry("first", NUMBER, "ania")
    await resuming.shows(0)
    await resuming.hub.checks.round()
    assert (AlarmKind.DISPUTE, "first") not in resuming.hub.alarms.open


async def test_an_offer_that_renews_itself_is_reported_and_what_it_makes_is_ended(resuming: Resuming) -> None:
    """S14: the new offer has the hundred that the first began with, and nothing is left to sell."""
    resuming.first.book.renew_offers([NUMBER])
    resuming.restock(-99)
    await resuming.shows(1)
    resuming.first.ledger.buy(sku=SKU, quantity=1, lines=1)

    async def quiet() -> bool:
        return len(resuming.first.book.offers) > len(resuming.second.book.offers) and not any(
            resuming.first.book.available(SKU).values()
        )

    await resuming.until(quiet)
    await resuming.shows(0)
    kinds = [event.kind for event in await events.latest(resuming.database.reader, limit=200)]
    assert "offer.unknown" in kinds


async def test_what_cannot_be_lowered_is_ended_and_then_a_person_is_called(resuming: Resuming) -> None:
    """S17: five may be sold and a hundred are shown, and its quantity is refused for another field: it ends. Where
    that is refused, too, the alarm says how many it sells."""
    resuming.first.book.fail_tasks([NUMBER], kind="quantity")
    resuming.restock(-95)
    await until(lambda: resuming.shown() == (0, 5), stands=resuming.stands)
    resuming.first.book.fail_tasks([NUMBER])
    resuming.first.book.set_quantity(NUMBER, 100)

    async def stuck() -> bool:
        return bool(await levels.stuck(resuming.database.reader, ["first"]))

    await resuming.until(stuck)
    await resuming.hub.checks.round()
    alarm = resuming.hub.alarms.open[AlarmKind.UNLOWERED, "first"]
    assert "it sells 100, and 5 may be sold; RESPONSIBLE_PRODUCER_NOT_SPECIFIED" in alarm.detail


class TwoShops(Warehouse):
    """A second shop is a channel: it sells what the first one has, beside the marketplaces."""

    rule = 'master = "shop"\nchannels = ["first", "second", "outlet"]\n'

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.outlet = WooCommerceSimulator(5)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with serve(self.outlet) as base:
            keys = {"connector": "woocommerce", "interval": "200 ms", "sweep_interval": "1 h", "fetch_orders": True}
            self.accounts["outlet"] = {**self.outlet.settings(base), **keys}
            async with super().open():
                yield

    async def _began(self) -> bool:
        rows = await self.database.reader.fetch("SELECT COUNT(*) FROM feeds WHERE feed = 'orders'")
        return bool(rows[0][0] == len(self.accounts))

    async def stands(self) -> str:
        return f"the outlet shows {self.in_outlet()}; {await super().stands()}"

    def in_outlet(self) -> int:
        return self.outlet.offers.buyable()["103"]

    async def all_show(self, pieces: int) -> None:
        async def there() -> bool:
            return (*self.shown(), self.in_outlet()) == (pieces,) * 3

        await self.until(there)


@pytest.fixture
async def shops(tmp_path: Path) -> AsyncIterator[TwoShops]:
    shops = TwoShops(tmp_path)
    async with shops.open():
        await shops.all_show(100)
        leveller = shops.hub.units["outlet"].levels.leveller
        assert leveller is not None
        leveller._channel.sink.level_settle = timedelta(seconds=0.1)
        yield shops


async def test_a_second_shop_shows_what_the_first_one_has(shops: TwoShops) -> None:
    """OFF-30: a sale in any of the three is off the two others, and the pieces of each count once."""
    shops.restock(-95)
    await shops.all_show(5)
    shops.outlet.place_order([{"sku": SKU, "quantity": 2}])
    assert shops.in_outlet() == 3, "the shop lowers it by itself"
    await shops.all_show(3)
    assert await shops.unseen() == 2
    shops.first.ledger.buy(sku=SKU, quantity=1, lines=1)
    await shops.all_show(2)
    shops.restock(-2)
    await shops.all_show(0)
    shops.restock(10)

    async def raised() -> bool:
        return shops.in_outlet() == 10

    await shops.until(raised)
    assert shops.shown() == (0, 0), (
        "what has ended there comes back where a rule says so; a shop's product never ends"
    )


async def test_a_batch_that_is_not_kept_is_written_again(shops: TwoShops) -> None:
    """S18: its answer repeats the number, and the shop front shows another one."""
    shops.outlet.offers.ignore_commands(1)
    shops.restock(-60)
    await shops.all_show(40)


async def test_a_lost_batch_is_read_and_not_sent_again(shops: TwoShops) -> None:
    written = shops.outlet.calls.get("POST /wc/v3/products/batch", 0)
    shops.outlet.faults.add(Fault(kind=FaultKind.LOSE, match="products/batch"))
    shops.restock(-60)
    await shops.all_show(40)
    rows = await levels.uneven(shops.database.reader, "outlet", 10)
    assert shops.outlet.calls["POST /wc/v3/products/batch"] == written + 1, rows
