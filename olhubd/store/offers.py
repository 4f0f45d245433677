"""The offers of the channels as they were read last, and which stock items they sell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from olhubd.model import LevelKind, Link, Linking, LinkOrigin, Money, Offer, OfferState
from olhubd.model.check import gtin
from olhubd.store import codec, levels
from olhubd.store.base import Reader, Row, Transaction

__all__ = [
    "StoredOffer",
    "bearing",
    "by_external",
    "by_number",
    "doubted",
    "follow_prices",
    "images",
    "link",
    "linked_accounts",
    "linked_names",
    "links_of",
    "of_account",
    "of_items",
    "on_orders",
    "put",
    "read",
    "set_linking",
    "set_product",
    "tally",
    "unfollowed_by_hand",
    "unlink",
]


class StoredOffer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An offer as a row: the hub's number, and the newest event when it was asked for."""

    id: int
    account: str
    offer: Offer
    read_after: int
    read_at: datetime
    digest: bytes = b""
    linking: Linking = Linking.NONE
    price_sync: bool = False
    """Whether its price follows its product, where its account's prices do."""
    products_read_at: datetime | None = None
    """When it was read which products of its marketplace's catalogue it sells; None where that is to be read. Its
    article number and the size of its set are theirs."""
    happened_at: datetime | None = None
    """When something happened to it last by which it may be linked, where offers are linked on events."""

    @property
    def gtin(self) -> str | None:
        """Its article number, in the form in which they are compared."""
        return gtin(self.offer.ean)


_COLUMNS = (
    "id, account, external_id, name, sku, ean, state, external_state, quantity, set_size, read_after, read_at,"
    " digest, linking, price, currency, price_rule, listed_at, price_sync, image, products_read_at, happened_at"
)
_LINK = "offer_id, item_id, units, origin, linked_at, gtin, set_size, made_by, doubt"
_BY_HAND = -1
"""The switch of a price is 1 where it is on, 0 where it was never on or went off by itself, and this where a person
has switched it off."""
_OPEN = (Linking.NONE.value, Linking.PROPOSED.value, Linking.CONFLICT.value)
"""Of these offers it is not known what they sell, and nobody has said that it is nothing."""


async def put(tx: Transaction, offers: Sequence[StoredOffer]) -> None:
    """Store or renew offers. What is known of what they sell stays."""
    await tx.executemany(
        f"INSERT INTO offers ({_COLUMNS}, gtin) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (id) DO UPDATE"
        " SET name = excluded.name, sku = excluded.sku, ean = excluded.ean, state = excluded.state,"
        " external_state = excluded.external_state, quantity = excluded.quantity, set_size = excluded.set_size,"
        " read_after = excluded.read_after, read_at = excluded.read_at, digest = excluded.digest,"
        " gtin = excluded.gtin, price = excluded.price, currency = excluded.currency,"
        " price_rule = excluded.price_rule, listed_at = excluded.listed_at, image = excluded.image,"
        " products_read_at = excluded.products_read_at, happened_at = excluded.happened_at",
        [
            (
                one.id,
                one.account,
                one.offer.external_id,
                one.offer.name,
                one.offer.sku,
                one.offer.ean,
                one.offer.state.value,
                one.offer.external_state,
                one.offer.quantity,
                one.offer.set_size,
                one.read_after,
                codec.stamp(one.read_at),
                one.digest,
                one.linking.value,
                str(one.offer.price.amount) if one.offer.price is not None else None,
                one.offer.price.currency if one.offer.price is not None else None,
                one.offer.price_rule,
                codec.stamp(one.offer.listed_at),
                int(one.price_sync),
                one.offer.image,
                codec.stamp(one.products_read_at) or 0,
                codec.stamp(one.happened_at),
                one.gtin,
            )
            for one in offers
        ],
    )


async def read(reader: Reader, ids: Collection[int]) -> dict[int, StoredOffer]:
    """These offers, by number."""
    rows = await reader.fetch(f"SELECT {_COLUMNS} FROM offers WHERE id IN ({codec.marks(list(ids))})", list(ids))
    return {row[0]: _listed(row) for row in rows}


async def by_external(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, StoredOffer]:
    """The offers of an account by their numbers there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offers WHERE account = ? AND external_id IN ({codec.marks(external_ids)})",
        (account, *external_ids),
    )
    return {row[2]: _listed(row) for row in rows}


async def by_number(reader: Reader, external_id: str) -> list[StoredOffer]:
    """The offers of any account with this number there."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offers WHERE external_id = ? ORDER BY id LIMIT 20", (external_id,)
    )
    return [_listed(row) for row in rows]


async def images(reader: Reader, account: str, external_ids: Sequence[str]) -> dict[str, str]:
    """The addresses of the pictures of an account's offers, by their numbers there."""
    rows = await reader.fetch(
        "SELECT external_id, image FROM offers"
        f" WHERE account = ? AND external_id IN ({codec.marks(external_ids)}) AND image IS NOT NULL",
        (account, *external_ids),
    )
    return dict(rows)


async def bearing(
    reader: Reader, skus: Sequence[str], gtins: Sequence[str], *, linked: bool = False
) -> list[StoredOffer]:
    """The offers of all accounts that bear one of these marks of the seller, or one of these article numbers, and
    of which it is not known what they sell; or those that are `linked`."""
    states = (Linking.LINKED.value,) if linked else _OPEN
    loose = f"linking IN ({codec.marks(states)})"
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offers WHERE sku IN ({codec.marks(skus)}) AND {loose}"
        f" UNION SELECT {_COLUMNS} FROM offers WHERE gtin IN ({codec.marks(gtins)}) AND {loose} ORDER BY 1",
        (*skus, *states, *gtins, *states),
    )
    return [_listed(row) for row in rows]


async def on_orders(reader: Reader, order_ids: Collection[int]) -> list[StoredOffer]:
    """The offers on the lines of these orders of which it is not known what they sell."""
    loose = f"linking IN ({codec.marks(_OPEN)})"
    rows = await reader.fetch(
        "SELECT DISTINCT o.id FROM order_lines l"
        " JOIN offers o ON o.account = l.account AND o.external_id = l.offer_id"
        f" WHERE l.order_id IN ({codec.marks(list(order_ids))}) AND o.{loose} ORDER BY o.id",
        (*order_ids, *_OPEN),
    )
    return list((await read(reader, [row[0] for row in rows])).values()) if rows else []


async def of_account(reader: Reader, account: str, after: int, limit: int) -> list[StoredOffer]:
    """The offers of an account, from the number `after` on."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM offers WHERE account = ? AND id > ? ORDER BY id LIMIT ?", (account, after, limit)
    )
    return [_listed(row) for row in rows]


async def set_linking(tx: Transaction, states: Mapping[int, Linking]) -> None:
    """Store what is known of what these offers sell, by number."""
    await tx.executemany(
        "UPDATE offers SET linking = ? WHERE id = ?", [(state.value, id_) for id_, state in sorted(states.items())]
    )


async def set_product(tx: Transaction, read: Mapping[int, tuple[str | None, int | None]], now: datetime) -> None:
    """Store the article number and the size of the set of these offers, by number, as their products say it."""
    await tx.executemany(
        "UPDATE offers SET ean = ?, gtin = ?, set_size = ?, products_read_at = ? WHERE id = ?",
        [(ean, gtin(ean), size, codec.stamp(now), id_) for id_, (ean, size) in sorted(read.items())],
    )


async def follow_prices(tx: Transaction, ids: Collection[int], on: bool, *, by_hand: bool = False) -> None:
    """From now on the prices of these offers follow their products, or do not any more. What was wanted before is
    not sent. What a person switches off stays off, see `unfollowed_by_hand`."""
    await levels.forget_wanted(tx, LevelKind.PRICE, offers=ids)
    state = 1 if on else _BY_HAND if by_hand else 0
    await tx.executemany("UPDATE offers SET price_sync = ? WHERE id = ?", [(state, id_) for id_ in sorted(ids)])


async def unfollowed_by_hand(reader: Reader, ids: Collection[int]) -> set[int]:
    """Those of these offers whose price a person has said does not follow."""
    rows = await reader.fetch(
        f"SELECT id FROM offers WHERE price_sync = ? AND id IN ({codec.marks(list(ids))})", (_BY_HAND, *ids)
    )
    return {row[0] for row in rows}


async def link(tx: Transaction, links: Sequence[Link]) -> None:
    """Store links. One that is there already is renewed. Lock their items before."""
    await tx.executemany(
        f"INSERT INTO links ({_LINK}) VALUES (?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (offer_id, item_id) DO UPDATE SET units = excluded.units, origin = excluded.origin,"
        " linked_at = excluded.linked_at, gtin = excluded.gtin, set_size = excluded.set_size,"
        " made_by = excluded.made_by, doubt = excluded.doubt",
        [
            (
                one.offer,
                one.item,
                one.units,
                one.origin.value,
                codec.stamp(one.linked_at),
                one.gtin,
                one.set_size,
                one.made_by,
                codec.reason(one.doubt),
            )
            for one in links
        ],
    )


async def unlink(tx: Transaction, pairs: Collection[tuple[int, int]]) -> None:
    """Forget links, by offer and item. Lock their items before."""
    await tx.executemany("DELETE FROM links WHERE offer_id = ? AND item_id = ?", sorted(pairs))


async def links_of(reader: Reader, offers: Collection[int]) -> dict[int, list[Link]]:
    """What these offers sell, by offer."""
    found: dict[int, list[Link]] = {}
    for part in codec.parts(sorted(offers)):
        rows = await reader.fetch(
            f"SELECT {_LINK} FROM links WHERE offer_id IN ({codec.marks(part)}) ORDER BY offer_id, item_id", part
        )
        for row in rows:
            found.setdefault(row[0], []).append(_link(row))
    return found


async def of_items(reader: Reader, items: Collection[int], account: str | None = None) -> list[Link]:
    """The links to these items: all of them, or those of the offers of one account."""
    of = " AND o.account = ?" if account is not None else ""
    columns = ", ".join(f"l.{name}" for name in _LINK.split(", "))
    # An inner join that begins at the items: begun at the account, it would look at each of its offers.
    rows = await reader.fetch(
        f"SELECT {columns} FROM links l CROSS JOIN offers o WHERE o.id = l.offer_id"
        f" AND l.item_id IN ({codec.marks(list(items))}){of} ORDER BY l.offer_id, l.item_id",
        [*items, *([account] if account is not None else [])],
    )
    return [_link(row) for row in rows]


async def linked_accounts(reader: Reader, accounts: Collection[str]) -> dict[str, int]:
    """How many offers of these accounts are linked, where there are any."""
    rows = await reader.fetch(
        "SELECT account, COUNT(*) FROM offers WHERE linking = 'linked'"
        f" AND account IN ({codec.marks(list(accounts))}) GROUP BY account",
        list(accounts),
    )
    return {row[0]: row[1] for row in rows}


async def linked_names(reader: Reader, account: str, limit: int) -> list[str]:
    """The first linked offers of an account, by their numbers there."""
    rows = await reader.fetch(
        "SELECT external_id FROM offers WHERE account = ? AND linking = 'linked' ORDER BY id LIMIT ?",
        (account, limit),
    )
    return [row[0] for row in rows]


async def doubted(reader: Reader) -> dict[str, int]:
    """How many offers of each account have a link that a person must look at."""
    rows = await reader.fetch(
        "SELECT o.account, COUNT(DISTINCT o.id) FROM links l CROSS JOIN offers o"
        " WHERE o.id = l.offer_id AND l.doubt IS NOT NULL GROUP BY o.account"
    )
    return {row[0]: row[1] for row in rows}


async def tally(reader: Reader) -> dict[tuple[str, Linking], int]:
    """How many offers are not linked, by account and by what is known of them."""
    rows = await reader.fetch(
        "SELECT account, linking, COUNT(*) FROM offers WHERE linking <> 'linked' GROUP BY account, linking"
    )
    return {(row[0], Linking(row[1])): row[2] for row in rows}


def _link(row: Row) -> Link:
    return Link(
        offer=row[0],
        item=row[1],
        units=row[2],
        origin=LinkOrigin(row[3]),
        linked_at=codec.moment(row[4]),
        gtin=row[5],
        set_size=row[6],
        made_by=row[7],
        doubt=codec.text(row[8]),
    )


def _listed(row: Row) -> StoredOffer:
    offer = Offer(
        external_id=row[2],
        name=row[3],
        sku=row[4],
        ean=row[5],
        state=OfferState(row[6]),
        external_state=row[7],
        quantity=row[8],
        set_size=row[9],
        price=Money(Decimal(row[14]), row[15]) if row[14] is not None else None,
        price_rule=row[16],
        listed_at=codec.moment(row[17]),
        image=row[19],
    )
    return StoredOffer(
        id=row[0],
        account=row[1],
        offer=offer,
        read_after=row[10],
        read_at=codec.moment(row[11]),
        digest=row[12],
        linking=Linking(row[13]),
        price_sync=row[18] == 1,
        products_read_at=codec.moment(row[20] or None),
        happened_at=codec.moment(row[21]),
    )
