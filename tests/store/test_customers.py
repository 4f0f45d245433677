"""Customers as they are kept with the orders, and those of a file that knew none."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from olhubd.model import Address, Buyer, Order, OrderId, Shipping
from olhubd.store import Database, codec, customers
from olhubd.store.customers import CustomerSearch, StoredCustomer
from olhubd.store.orders import StoredOrder
from olhubd.store.sqlite import fill, migrate
from tests.orders import EPOCH, order

STEP = 42


def stored(number: int, one: Order, account: str = "market") -> StoredOrder:
    return StoredOrder(
        id=OrderId(number), account=account, order=one, document=codec.encode(one), digest=b"", created_at=EPOCH,
        changed_at=EPOCH,
    )  # fmt: skip


def bought(number: int, buyer: Buyer, street: str = "Prosta 1", days: int = 0) -> StoredOrder:
    to = Address(first_name="Jan", last_name="Nowak", street=street, postcode="00-001", city="X", country="PL")
    placed = EPOCH + timedelta(days=days)
    return stored(number, order(f"O{number}", buyer=buyer, placed_at=placed, shipping=Shipping(address=to)))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "hub.sqlite") as database:
        yield database


async def kept(database: Database, *rows: StoredOrder, account: str = "market") -> None:
    await database.write(lambda tx: customers.keep(tx, account, rows))


async def every(database: Database, **wanted: Any) -> list[StoredCustomer]:
    ids = await customers.find(database.reader, CustomerSearch(**wanted))
    found = await customers.read(database.reader, ids)
    return [found[id_] for id_ in ids]


JAN = Buyer(external_id="7", login="jan", email="a+1@allegromail.pl", email_masked=True)


async def test_two_orders_of_a_buyer_are_of_one_customer(database: Database) -> None:
    """CUS-01, CUS-03: in one transaction and in two, and as often as they are reported."""
    await kept(database, bought(1, JAN), bought(2, Buyer(external_id="7", email="a+2@allegromail.pl")))
    await kept(database, bought(3, JAN))
    await kept(database, bought(3, JAN))
    await kept(database, bought(4, JAN), account="other")
    first, one = await every(database)
    assert (first.record.account, one.record.account) == ("other", "market")
    assert await customers.counts(database.reader, [one.id, first.id]) == {one.id: 3, first.id: 1}
    assert await customers.orders_of(database.reader, one.id) == [3, 2, 1]
    assert await customers.orders_of(database.reader, one.id, before=3, limit=1) == [2]


async def test_the_newest_order_says_where_they_are_in_whatever_sequence_they_come(database: Database) -> None:
    """CUS-02: an older order that lands later fills only what is not known."""
    await kept(database, bought(2, JAN, "Nowa 2", days=2))
    await kept(database, bought(1, Buyer(external_id="7", phone="500600700"), "Stara 1"))
    (one,) = await every(database)
    assert one.record.delivery_address is not None
    assert (one.record.delivery_address.street, one.record.phone) == ("Nowa 2", "500600700")
    assert (one.first_at, one.last_at) == (EPOCH, EPOCH + timedelta(days=2))
    await kept(database, bought(3, JAN, "Nowsza 3", days=3))
    (one,) = await every(database)
    assert one.record.delivery_address is not None
    assert one.record.delivery_address.street == "Nowsza 3"


async def test_an_order_whose_buyer_becomes_known_leaves_nobody_behind(database: Database) -> None:
    """The customer of that order alone ends; one who has other orders stays."""
    await kept(database, bought(1, Buyer(email="x@y.pl")))
    (guest,) = await every(database)
    assert guest.record.key == "order:O1"
    await kept(database, bought(1, JAN), bought(2, JAN))
    (one,) = await every(database)
    assert one.record.key == "id:7"
    assert await every(database, words=("x@y.pl",)) == []
    await kept(database, bought(2, Buyer(external_id="8")))
    assert await customers.counts(database.reader, [one.id]) == {one.id: 1}


async def test_they_are_found_by_what_they_are_called_now(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By few and by many, the old name no more."""
    await kept(database, bought(1, Buyer(external_id="7", last_name="Lis")))
    await kept(database, bought(2, Buyer(external_id="7", last_name="Wilk"), days=1))
    await kept(database, bought(3, Buyer(external_id="8", last_name="Wilk")))
    for few in (2_000, 0):
        monkeypatch.setattr(customers, "_FEW", few)
        assert [one.record.key for one in await every(database, words=("wilk",))] == ["id:8", "id:7"]
        assert await every(database, words=("lis",)) == []
        assert len(await every(database, words=("jan nowak", "wil"))) == 2
        assert [one.record.key for one in await every(database, words=("wilk",), ids=(1,))] == ["id:7"]
    assert len(await every(database, within=("PL",))) == 2
    assert await every(database, beyond=("PL", "DE")) == []
    assert await every(database, within=("DE",)) == []
    assert await every(database, account="other") == []


async def test_a_page_follows_another(database: Database) -> None:
    await kept(database, *(bought(n, Buyer(external_id=str(n))) for n in range(1, 6)))
    wanted = CustomerSearch()
    page = await customers.find(database.reader, wanted, limit=2)
    assert page == [5, 4]
    assert await customers.find(database.reader, wanted, before=4, limit=9) == [3, 2, 1]


async def test_a_file_that_knew_no_customers_has_those_of_its_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUS-01: over the borders of its batches, as landing would have kept them; an order that cannot be read stops
    nothing, and later ones go on by number."""
    monkeypatch.setattr(fill, "_AT_ONCE", 2)
    path = tmp_path / "hub.sqlite"
    rows = [
        bought(1, JAN), bought(2, Buyer(external_id="8", last_name="Lis"), days=1),
        bought(3, JAN, "Nowa 2", days=2), stored(4, order("O4", buyer=JAN), "other"),
        bought(6, Buyer(email="x@y.pl")),
    ]  # fmt: skip
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        for number, sql in migrate._steps().items():
            if number < STEP:
                raw.executescript(sql)
        raw.executemany(
            "INSERT INTO orders (id, account, external_id, stage, fulfilment, paid, placed_at, currency, total,"
            " created_at, changed_at, digest, document) VALUES (?,?,?,'confirmed','new',0,0,'PLN','1',0,0,x'',?)",
            [(row.id, row.account, row.external_id, row.document) for row in [*rows, stored(5, order("O5"))]],
        )
        raw.execute("UPDATE orders SET document = x'7b7d' WHERE id = 5")
        raw.execute(f"PRAGMA user_version = {max(n for n in migrate._steps() if n < STEP)}")
        raw.commit()
    async with Database.open(path) as database:
        found = {(one.record.account, one.record.key): one for one in await every(database)}
        counts = await customers.counts(database.reader, [one.id for one in found.values()])
        assert {key: counts[one.id] for key, one in found.items()} == {
            ("market", "id:7"): 2, ("market", "id:8"): 1, ("other", "id:7"): 1, ("market", "order:O6"): 1,
        }  # fmt: skip
        jan = found["market", "id:7"]
        assert jan.record.delivery_address is not None
        assert jan.record.delivery_address.street == "Nowa 2"
        assert (jan.first_at, jan.last_at) == (EPOCH, EPOCH + timedelta(days=2))
        assert [one.record.key for one in await every(database, words=("lis",))] == ["id:8"]
        await kept(database, bought(7, Buyer(external_id="9")))
        assert (await every(database))[0].record.key == "id:9"
