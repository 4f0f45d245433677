"""What can be done to the simulated shop from outside: by its buyers, in its panel, by its host and its plugins."""

# ruff: noqa: A002 - the verbs are called by name from outside, and there an order's id is just `id`.

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from olhubd.model import Address, Money
from olhubd_kit.simulator import (
    BookedItem,
    BookedLine,
    BookedOffer,
    BookedOrder,
    BookedParcel,
    BookedProduct,
    Listed,
    Simulator,
    Verb,
)
from olhubd_kit.simulators.woocommerce.arithmetic import TaxScheme
from olhubd_kit.simulators.woocommerce.catalogue import ProductCatalogue
from olhubd_kit.simulators.woocommerce.ledger import DEATHS, ShopOrder, WooCommerceBooks
from olhubd_kit.simulators.woocommerce.listing import Pager
from olhubd_kit.simulators.woocommerce.mails import Mail
from olhubd_kit.simulators.woocommerce.offers import ProductOffers
from olhubd_kit.simulators.woocommerce.shelf import ProductShelf

__all__ = ["Steering"]


class Steering(Simulator):
    """The shop's state and its verbs; the addresses that answer out of it are derived from this."""

    ledger: WooCommerceBooks
    catalogue: ProductCatalogue
    offers: ProductOffers
    scheme: TaxScheme
    fulfillments: bool
    tracking_plugin: bool
    _random: random.Random

    def __init__(self, seed: int = 0, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(seed, now)
        self.customers: list[dict[str, Any]] = []
        self.pager = Pager({"touch": self.touch, "trash": self.trash, "delete": self.delete})
        self.place = {"address": "Polna 7", "address_2": "", "city": "Łódź", "postcode": "90-001"}
        """Where the store is, in its country."""
        self.losing = 0
        self.ignoring = 0
        """How many of the next orders lose a line, and how many changes are not kept."""
        self.maintenance_left = 0
        """How many of the next calls meet the page of an update."""
        self.workers: int | None = None
        self.seconds = 0.0
        """How many PHP workers the host has, None for as many as are asked for, and how long each takes."""

    def _fulfil(self, sheet: ShopOrder, body: Any) -> Any:
        raise NotImplementedError

    def _track(self, sheet: ShopOrder, body: Any) -> Any:
        raise NotImplementedError

    def books(self) -> list[BookedOrder]:
        return [_entry(sheet) for sheet in self.ledger.sheets.values()]

    @property
    def shelf(self) -> ProductShelf:
        """What its feeds of stock and of products read."""
        return ProductShelf(self.catalogue, self.now)

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        return self.shelf.listed()

    def stocked(self) -> Sequence[BookedItem]:
        return self.shelf.stocked()

    def catalogued(self) -> Sequence[BookedProduct]:
        return self.shelf.catalogued(self.ledger.currency, gross=self.scheme.prices_include_tax)

    def offered(self) -> Sequence[BookedOffer]:
        return self.offers.offered()

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "buy": self.buy,
            "cancel": self.cancel,
            "ship": self.ship,
            "refund": self.refund,
            "lose_lines": self.lose_lines,
            "ignore_changes": self.ignore_changes,
            "decorate": self.decorate,
            "corrupt": self.corrupt,
            "bend": self.bend,
            "drop_events": self.drop_events,
            **self.pager.verbs(),
            "place_order": self.place_order,
            "set_status": self.set_status,
            "remove_status": self.remove_status,
            "add_tracking": self.add_tracking,
            "set_stock": self.set_stock,
            "set_rate": self.set_rate,
            "add_product": self.add_product,
            "die": self.die,
            "refuse_saved": self.refuse_saved,
            "old_tables": self.old_tables,
            "maintenance": self.maintenance,
            "slow_host": self.slow_host,
            "mails": self.mails,
            "touch": self.touch,
            "trash": self.trash,
            "delete": self.delete,
            "sell_item": self.sell_item,
            "move_seller": self.move_seller,
            **self.shelf.verbs(),
            **self.offers.verbs(),
        }

    def absent(self) -> Mapping[str, str]:
        return {
            "expire_tokens": "a key of a WooCommerce shop has no end of its own",
            "commands": "a batch of a WooCommerce shop has no number",
            "delay_commands": "a WooCommerce shop does a batch at once",
            "merge": "nobody can put orders of a WooCommerce shop together",
            "duplicate_events": "a WooCommerce shop has a list of orders and no journal",
            "reorder_events": "a WooCommerce shop has a list of orders and no journal",
        }

    def _sheet(self, id: str | int) -> ShopOrder:
        sheet = self.ledger.sheets.get(int(id)) if str(id).isdecimal() else None
        if sheet is None:
            raise ValueError(f"the shop has no order {id}")
        return sheet

    def move_seller(self, street: str = "", postcode: str = "", city: str = "", country: str = "PL") -> None:
        """The owner writes another address of the store; without a city there is none."""
        self.place = {"address": street, "address_2": "", "city": city, "postcode": postcode}
        self.scheme.base = country

    def place_order(self, lines: list[dict[str, Any]], status: str = "processing", **fields: Any) -> str:
        """A buyer orders in the shop itself. `lines` are {sku, quantity}; `fields` are those of POST /orders."""
        address = {"first_name": "Anna", "last_name": "Nowak", "address_1": "Polna 1", "city": "Łódź"}
        address |= {"postcode": "90-001", "country": "PL"}
        body = {
            "billing": {**address, "email": "anna@example.test", "phone": "600100200"},
            "shipping": address,
            "payment_method": "przelewy24",
            "payment_method_title": "Przelewy24",
            "created_via": "checkout",
            "line_items": lines,
            "shipping_lines": [{"method_id": "flat_rate", "method_title": "Kurier", "total": "12.19"}],
            "status": status,
            **fields,
        }
        return str(self.ledger.create(body).doc["id"])

    def buy(self, count: int = 1, *, paid: bool = True, cod: bool = False, sku: str | None = None) -> list[str]:
        """`count` finished purchases in the shop itself, of products by chance or of the one with `sku`."""
        if sku is not None and self.catalogue.by_sku(sku) is None:
            raise ValueError(f"the shop has no product {sku!r}")
        ids = []
        for _ in range(count):
            products = [p for p in self.catalogue.products.values() if p["type"] in ("simple", "variation")]
            chosen = self._random.sample(products, self._random.randint(1, 3))
            skus = [sku] if sku is not None else [p["sku"] for p in chosen]
            lines = [{"sku": one, "quantity": self._random.randint(1, 3)} for one in skus]
            if cod:
                ids.append(self.place_order(lines, payment_method="cod", payment_method_title="Za pobraniem"))
            elif paid:
                ids.append(self.place_order(lines))
            else:
                ids.append(
                    self.place_order(lines, "on-hold", payment_method="bacs", payment_method_title="Przelew")
                )
        return ids

    def set_status(self, id: str | int, status: str) -> None:
        """A person moves the order in the shop's panel, perhaps to a status that a plugin has brought."""
        sheet = self._sheet(id)
        self.ledger.statuses.setdefault(status, status)
        self.ledger.update(sheet, {"status": status})

    def lose_lines(self, count: int = 1) -> None:
        """The next `count` orders that the API makes keep their sum and lose their last line."""
        self.losing += count

    def ignore_changes(self, count: int = 1) -> None:
        """The next `count` changes by the API are answered with the order as it was, and not kept."""
        self.ignoring += count

    def decorate(self, id: str | int) -> None:
        """A plugin answers fields of the order in shapes of its own that nobody needs."""
        self.bend(id, {"customer_note": None, "coupon_lines": {}, "transaction_id": 7})

    def refund(self, id: str | int) -> None:
        """A person gives the whole sum back, which makes the order refunded."""
        self.set_status(id, "refunded")

    def remove_status(self, status: str) -> None:
        """The plugin that brought this status is gone: its orders keep it and are in no list any more."""
        self.ledger.statuses.pop(status, None)

    def cancel(self, id: str | int) -> None:
        """The order is cancelled in the shop's panel."""
        self.set_status(id, "cancelled")

    def ship(self, id: str | int) -> None:
        """The order is sent, which the shop calls completed."""
        self.set_status(id, "completed")

    def corrupt(self, id: str | int) -> None:
        """A plugin breaks the order's answer."""
        self.bend(id, {"total": None})

    def bend(self, id: str | int, fields: dict[str, Any]) -> None:
        """A plugin of the shop answers these fields of the order in its own way."""
        sheet = self._sheet(id)
        sheet.bent = {**sheet.bent, **fields}
        self.ledger.touch(sheet)

    def drop_events(self, count: int) -> None:
        """The next orders are written past WooCommerce, so that no date of change is kept of them."""
        self.ledger.silent += count

    def add_tracking(self, id: str | int, number: str, carrier: str = "") -> None:
        """A person types a waybill in, wherever this shop keeps them."""
        sheet = self._sheet(id)
        if self.fulfillments:
            items = [{"item_id": line["id"], "qty": line["quantity"]} for line in sheet.doc["line_items"]]
            meta = {"_items": items, "_tracking_number": number, "_shipment_provider": carrier}
            rows = [{"key": name, "value": value} for name, value in meta.items()]
            self._fulfil(sheet, {"status": "fulfilled", "is_fulfilled": True, "meta_data": rows})
        elif self.tracking_plugin:
            self._track(sheet, {"tracking_number": number, "custom_tracking_provider": carrier})
        else:
            rows = [{"key": "_tracking_number", "value": number}, {"key": "_tracking_provider", "value": carrier}]
            self.ledger.update(sheet, {"meta_data": rows})

    def sell_item(self, id: str, pieces: int = 1) -> str:
        """A buyer orders so many pieces of a product in the shop itself."""
        row = self.catalogue.products.get(int(id)) if id.isdecimal() else None
        if row is None:
            raise ValueError(f"the shop has no product {id}")
        return self.place_order([{"sku": row["sku"], "quantity": pieces}])

    def set_stock(self, sku: str, quantity: int | None) -> None:
        """Set what is on the shelf; None stops counting it."""
        row = self.catalogue.by_sku(sku)
        if row is None:
            raise ValueError(f"no product {sku}")
        row |= {"manage_stock": quantity is not None, "stock_quantity": quantity}

    def set_rate(self, country: str, percent: str, tax_class: str = "standard") -> None:
        """A new tax law."""
        try:
            rate = f"{Decimal(percent):.4f}"
        except InvalidOperation:
            raise ValueError(f"{percent!r} is no rate") from None
        rows = [row for row in self.scheme.rates if row["country"] == country and row["class"] == tax_class]
        if not rows:
            raise ValueError(f"the shop has no rate {tax_class} for {country}")
        for row in rows:
            row["rate"] = rate

    def add_product(self, sku: str, fields: dict[str, Any] | None = None) -> int:
        """A product under a SKU that may be taken, as translations and imports have them. `fields` are its own:
        {"type": "variable"}, {"status": "private"}, {"tax_status": "shipping"}, {"global_unique_id": ...}."""
        at = self.now().replace(tzinfo=None, microsecond=0).isoformat()
        return int(self.catalogue.put(sku, at, **(fields or {}))["id"])

    # What hosts and plugins do to it

    def die(self, at: str, count: int = 1) -> None:
        """PHP dies while it makes each of the next `count` orders: at "start" before anything is there, "lines"
        before the lines are saved, "sums" before the total is, "totals" before the status, "status" before the
        stock is taken."""
        if at not in DEATHS:
            raise ValueError(f"PHP dies at {', '.join(DEATHS)}, not at {at!r}")
        self.ledger.deaths += [at] * count

    def refuse_saved(self, count: int = 1) -> None:
        """The next `count` orders are refused after their first saving, which leaves a draft with all that was
        sent."""
        self.ledger.drafts += count

    def old_tables(self, tables: Sequence[str] = ("orders", "items")) -> None:
        """These tables hold letters of three bytes: a row with one of four, such as an emoji, is lost."""
        if strange := [name for name in tables if name not in ("orders", "items")]:
            raise ValueError(f"there are tables orders and items, no {strange[0]!r}")
        self.ledger.tables.old = set(tables)

    def maintenance(self, count: int = 1) -> None:
        """The next `count` calls meet the page of an update, which says "ten minutes" and means seconds."""
        self.maintenance_left += count

    def slow_host(self, workers: int = 1, seconds: float = 1.0) -> None:
        """The host has so few PHP workers, and each takes so long; what is more waits in its queue."""
        if workers < 1 or seconds < 0:
            raise ValueError("a host has one worker at least, and takes no time back")
        self.workers, self.seconds = workers, seconds

    def mails(self) -> list[Mail]:
        """What the shop has written to whom."""
        return list(self.ledger.mails.sent)

    def touch(self, id: str | int) -> None:
        """Something about the order is saved again."""
        self.ledger.touch(self._sheet(id))

    def trash(self, id: str | int) -> None:
        """A person puts the order into the trash."""
        self.ledger.trash(self._sheet(id))

    def delete(self, id: str | int) -> None:
        """A person deletes the order for good."""
        self.ledger.delete(self._sheet(id))


def _entry(sheet: ShopOrder) -> BookedOrder:
    doc = sheet.doc
    rows = [m["value"] for f in sheet.fulfilments for m in f["meta_data"] if m["key"] == "_tracking_number"]
    rows += [row["tracking_number"] for row in sheet.trackings]
    rows += [text.strip() for text in str(sheet.meta("_tracking_number") or "").split(",") if text.strip()]
    return BookedOrder(
        external_id=str(doc["id"]),
        total=Money(Decimal(doc["total"]), doc["currency"]),
        status=doc["status"],
        due=doc["created_via"] == "checkout" and doc["status"] in ("on-hold", "processing", "completed"),
        cancelled=doc["status"] in ("cancelled", "refunded", "trash"),
        paid=doc["date_paid_gmt"] is not None,
        reference=sheet.meta("_olhubd_reference"),
        placed_at=datetime.fromisoformat(doc["date_created_gmt"] + "+00:00"),
        fulfilment=doc["status"],
        shipments=list(dict.fromkeys(rows)),
        lines=[_line(row) for row in doc["line_items"]],
        recipient=_recipient(doc),
        buyer=doc["billing"]["email"] or None,
        parcels=[*_fulfilled(sheet), *_tracked(sheet)],
    )


def _line(row: Mapping[str, Any]) -> BookedLine:
    mark = next((meta["value"] for meta in row["meta_data"] if meta["key"] == "_olhubd_line_id"), None)
    return BookedLine(id=str(row["id"]), quantity=row["quantity"], sku=row["sku"] or None, mark=mark)


def _recipient(doc: Mapping[str, Any]) -> Address:
    row = doc["shipping"]
    return Address(
        first_name=row["first_name"] or None,
        last_name=row["last_name"] or None,
        company=row["company"] or None,
        street=" ".join(part for part in (row["address_1"], row["address_2"]) if part) or None,
        postcode=row["postcode"] or None,
        city=row["city"] or None,
        country=row["country"] or None,
    )


def _fulfilled(sheet: ShopOrder) -> list[BookedParcel]:
    parcels = []
    for row in sheet.fulfilments:
        meta = {one["key"]: one["value"] for one in row["meta_data"]}
        if meta.get("_tracking_number"):
            lines = [str(item["item_id"]) for item in meta.get("_items", ())]
            carrier = meta.get("_shipment_provider")
            parcels.append(BookedParcel(waybill=meta["_tracking_number"], carrier=carrier, lines=lines))
    return parcels


def _tracked(sheet: ShopOrder) -> list[BookedParcel]:
    """Of the tracking plugin and of those in the order's meta; neither keeps what is in a parcel."""
    keys = ("_wc_shipment_tracking_items", "_olhubd_parcels")
    rows = [*sheet.trackings, *(row for key in keys for row in sheet.meta(key) or [])]
    parcels = {}
    for row in rows:
        carrier = row.get("tracking_provider") or row.get("custom_tracking_provider") or None
        parcels[row["tracking_number"]] = BookedParcel(waybill=row["tracking_number"], carrier=carrier)
    return list(parcels.values())
