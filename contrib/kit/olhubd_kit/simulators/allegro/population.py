"""Buyers and what they buy: checkout forms drawn from a seed, each valid to the grosz.

Only forms are made here, in Allegro's own shape; what becomes of them is the ledger's.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from olhubd_kit.catalogue import PRODUCTS, ShelfProduct

__all__ = ["DrawnPurchase", "Json", "Population", "PurchaseTraits", "money", "stamp"]

Json = dict[str, Any]

FIRST = ("Anna", "Jan", "Katarzyna", "Piotr", "Małgorzata", "Łukasz", "Zofia", "Wojciech", "Żaneta", "Ignacy")
LAST = ("Nowak", "Kowalska", "Wiśniewski", "Wójcik", "Dąbrowska", "Zieliński", "Szymańska", "Źrebiec", "Śliwa")
PLACES = (
    ("Poznań", "60-166"),
    ("Warszawa", "00-001"),
    ("Gdańsk", "80-244"),
    ("Łódź", "90-113"),
    ("Kraków", "31-000"),
)
STREETS = ("Grunwaldzka", "Solna", "Świętego Marcina", "Długa", "Ogrodowa", "Hoża")
FIRMS = ("Kowalex", "Udix Sp. z o.o.", "P.H.U. „Bławatek”", "Żabka i Spółka", "ACME Polska S.A.")
NIPS = ("5252674798", "5213003700", "7740001454", "1132191233")
POINTS = (
    ("POZ08A", "Paczkomat POZ08A", "Stacja paliw"),
    ("WAW123M", "Paczkomat WAW123M", "Przy markecie"),
    ("POP-GDA7", "PaczkoPunkt POP-GDA7", "Kwiaciarnia"),
)
CURRENCIES = {"allegro-pl": "PLN", "allegro-cz": "CZK", "allegro-sk": "EUR", "allegro-hu": "HUF"}
LANGUAGES = {"allegro-pl": "pl-PL", "allegro-cz": "cs-CZ", "allegro-sk": "sk-SK", "allegro-hu": "hu-HU"}
COURIER = ("1fa56f79-4b6a-4821-a6f2-ca9c16d5c925", "Allegro Kurier DPD")
LOCKER = ("2488f7b7-5d1c-4d65-b85c-4cbcf253fd93", "Allegro Paczkomaty InPost")
CENT = Decimal("0.01")


Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
PAYMENTS = ("ONLINE", "CASH_ON_DELIVERY", "WIRE_TRANSFER", "SPLIT_PAYMENT", "EXTENDED_TERM")


class PurchaseTraits(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a purchase shall be like; whatever is None is drawn by chance.

    `sku` names the one product of each line, `wares` the product and the pieces of each; what is `unlisted` bears
    a SKU that no shop knows. `payment` is Allegro's word; `invoice` is "company", "person" or "none"; `buyer`
    chooses one by number, so that somebody can buy again; `warehouse` orders are carried out by Allegro itself; a
    `bare` delivery has `{}` for its address, as Allegro sends it for some pick-up points, its contract
    notwithstanding.
    """

    lines: Count | None = None
    quantity: Count | None = None
    sku: str | None = None
    wares: tuple[tuple[str, Count], ...] = ()
    unlisted: bool = False
    buyer: int | None = None
    guest: bool = False
    payment: str | None = None
    invoice: str | None = None
    pickup: bool | None = None
    smart: bool | None = None
    services: bool | None = None
    deposit: bool | None = None
    discount: bool | None = None
    voucher: bool = False
    tax: bool | None = None
    warehouse: bool = False
    bare: bool = False
    message: str | None = None
    marketplace: str = "allegro-pl"


class DrawnPurchase(msgspec.Struct):
    """A form as bought, and what its buyer will fill in later."""

    form: Json
    filled: Json
    buyer: int


def money(amount: Decimal, currency: str) -> Json:
    return {"amount": str(amount.quantize(CENT)), "currency": currency}


def stamp(moment: datetime) -> str:
    """The moment as Allegro writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _check(shape: PurchaseTraits, wares: Mapping[str, ShelfProduct]) -> None:
    """Raises ValueError for what nobody can buy, before anything is drawn or kept."""
    for sku in (shape.sku, *(sku for sku, _ in shape.wares)):
        if sku is not None and sku not in wares:
            known = ", ".join([*wares][:20])
            raise ValueError(f"nothing is sold under {sku!r}: sku is one of {known}")
    if shape.marketplace not in CURRENCIES:
        raise ValueError(f"there is no {shape.marketplace!r}: marketplace is one of {', '.join(CURRENCIES)}")
    if shape.payment is not None and shape.payment not in PAYMENTS:
        raise ValueError(f"nobody pays by {shape.payment!r}: payment is one of {', '.join(PAYMENTS)}")
    if shape.invoice not in (None, "company", "person", "none"):
        raise ValueError(f"invoice is company, person or none, not {shape.invoice!r}")


class Population:
    """Draws from one random stream: the same seed gives the same buyers and purchases, of `wares`."""

    def __init__(self, seed: int, wares: Sequence[ShelfProduct] = PRODUCTS) -> None:
        self.random = random.Random(f"allegro {seed}")
        self._seed = seed
        self._wares = tuple(wares)
        self._by_sku = {one.sku or "": one for one in wares}

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def chance(self, told: bool | None, share: float) -> bool:
        return self.random.random() < share if told is None else told

    def purchase(self, shape: PurchaseTraits, at: datetime) -> DrawnPurchase:
        _check(shape, self._by_sku)
        draw = self.random
        currency = CURRENCIES[shape.marketplace]
        number = draw.randrange(5000) if shape.buyer is None else shape.buyer
        buyer = self.buyer(number, shape)
        count = shape.lines or draw.choice((1, 1, 1, 2, 2, 3, 4))
        wares = self._wares if shape.sku is None else (self._by_sku[shape.sku],)
        if shape.unlisted:
            wares = tuple(msgspec.structs.replace(one, sku=f"{one.sku}-X", ean=None) for one in wares)
        chosen: list[tuple[ShelfProduct, int | None]]
        if shape.wares:
            chosen = [(self._by_sku[sku], pieces) for sku, pieces in shape.wares]
        else:
            chosen = [(ware, shape.quantity) for ware in draw.sample(wares, min(count, len(wares)))]
        lines = [self.line(ware, shape, pieces, currency, at) for ware, pieces in chosen]
        form: Json = {
            "id": self.uuid(),
            "buyer": buyer,
            "status": "BOUGHT",
            "fulfillment": {
                "status": "NEW",
                "provider": {"id": "ALLEGRO" if shape.warehouse else "SELLER"},
                "shipmentSummary": {"lineItemsSent": "NONE"},
            },
            "lineItems": lines,
            "surcharges": [],
            "marketplace": {"id": shape.marketplace},
        }
        return DrawnPurchase(form=form, filled=self.filling(shape, buyer, currency, at), buyer=number)

    def filling(self, shape: PurchaseTraits, buyer: Json, currency: str, at: datetime) -> Json:
        """What the delivery form brings: payment, delivery, maybe an invoice and a message."""
        draw = self.random
        kind = shape.payment or draw.choices(PAYMENTS, (68, 20, 6, 3, 3))[0]
        filled: Json = {
            "payment": {"id": self.uuid(), "type": kind, "features": []},
            "delivery": self.delivery(shape, buyer, currency, at),
            "invoice": self.invoice(shape),
        }
        if kind == "ONLINE":
            filled["payment"]["provider"] = draw.choice(("PAYU", "P24", "AF"))
            if draw.random() < 0.2:
                filled["payment"]["features"] = ["ALLEGRO_PAY"]
        elif kind == "EXTENDED_TERM":
            filled["payment"]["provider"] = "EPT"
        elif kind == "WIRE_TRANSFER":
            filled["payment"]["provider"] = "OFFLINE"
        if shape.message is not None or draw.random() < 0.1:
            filled["messageToSeller"] = shape.message or "Proszę zapakować na prezent, dziękuję!"
        return filled

    def buyer(self, number: int, shape: PurchaseTraits) -> Json:
        """The buyer of that number, always the same one, under a mask that is new each time."""
        own = random.Random(f"buyer {number}")
        first, last = own.choice(FIRST), own.choice(LAST)
        city, code = own.choice(PLACES)
        mask, alias = f"{own.getrandbits(50):x}", f"{self.random.getrandbits(40):x}"
        buyer: Json = {
            "id": str(20_000_000 + number),
            "login": f"Client:{20_000_000 + number}" if shape.guest else f"{last.lower()}_{number}",
            "email": f"{mask}+{alias}@allegromail.pl",
            "firstName": first,
            "lastName": last,
            "guest": shape.guest,
            "phoneNumber": f"+48 {own.randrange(500_000_000, 899_999_999)}",
            "preferences": {"language": LANGUAGES[shape.marketplace]},
            "address": {
                "street": f"{own.choice(STREETS)} {own.randrange(1, 200)}",
                "city": city,
                "postCode": code,
                "countryCode": "PL",
            },
        }
        if own.random() < 0.15:
            buyer["companyName"] = own.choice(FIRMS)
        return buyer

    def line(
        self, ware: ShelfProduct, shape: PurchaseTraits, pieces: int | None, currency: str, at: datetime
    ) -> Json:
        draw = self.random
        if ware.price is None or ware.tax is None or ware.tax.rate is None:
            raise ValueError("the catalogue tells every price and rate")
        price = original = ware.price.amount
        offer = 7_000_000_000 + int(ware.external_id)
        line: Json = {
            "id": self.uuid(),
            "offer": {
                "id": str(offer),
                "name": ware.name,
                "external": {"id": ware.sku},
                "productSet": {"products": [{"id": str(uuid.UUID(int=offer, version=4)), "quantity": 1}]},
            },
            "quantity": pieces or draw.choice((1, 1, 1, 1, 2, 3, 10)),
            "boughtAt": stamp(at),
            "discounts": [],
            "vouchers": [],
            "selectedAdditionalServices": [],
        }
        if self.chance(shape.discount, 0.15):
            price = (original * Decimal("0.9")).quantize(CENT)
            line["discounts"] = [{"type": draw.choice(("BUNDLE", "UNIT_PERCENTAGE_DISCOUNT", "CAMPAIGN"))}]
            back = (original - price) * line["quantity"]
            if draw.random() < 0.3:
                line["reconciliation"] = {
                    "value": money(back, currency),
                    "type": draw.choice(("BILLING", "WALLET")),
                    "quantity": line["quantity"],
                }
        line["originalPrice"], line["price"] = money(original, currency), money(price, currency)
        if self.chance(shape.tax, 0.8):
            line["tax"] = {"rate": str(ware.tax.rate.quantize(CENT)), "subject": "GOODS", "exemption": None}
        if self.chance(shape.services, 0.05):
            gift = {"definitionId": "GIFT_WRAP", "name": "Pakowanie na prezent", "quantity": 1}
            line["selectedAdditionalServices"] = [gift | {"price": money(Decimal("4.99"), currency)}]
        if self.chance(shape.deposit, 1.0 if ware.sku == "WOD-1L" else 0.02):
            line["deposit"] = {"price": money(Decimal("0.50"), currency)}
        if shape.voucher:
            voucher = {"code": "0213456789BCADEF", "type": "NOTEBOOKS_FOR_TEACHERS", "status": "ACTIVE"}
            line["vouchers"] = [voucher | {"externalTransactionId": "T1", "value": money(Decimal(5), currency)}]
        return line

    def address(self, buyer: Json) -> Json:
        """A recipient, at times somebody else than the buyer."""
        draw = self.random
        city, code = draw.choice(PLACES)
        return {
            "firstName": buyer["firstName"] if draw.random() < 0.7 else draw.choice(FIRST),
            "lastName": buyer["lastName"],
            "street": f"{draw.choice(STREETS)} {draw.randrange(1, 200)}",
            "city": city,
            "zipCode": code,
            "countryCode": "PL",
            "phoneNumber": buyer["phoneNumber"],
        }

    def delivery(self, shape: PurchaseTraits, buyer: Json, currency: str, at: datetime) -> Json:
        draw = self.random
        locker = self.chance(shape.pickup, 0.45)
        smart = self.chance(shape.smart, 0.4)
        method, name = LOCKER if locker else COURIER
        delivery: Json = {
            "method": {"id": method, "name": name},
            "cost": money(Decimal(0) if smart else draw.choice((Decimal("9.99"), Decimal("14.50"))), currency),
            "smart": smart,
            "calculatedNumberOfPackages": 1,
            "time": {
                "from": stamp(at + timedelta(days=1)),
                "to": stamp(at + timedelta(days=2)),
                "dispatch": {"from": stamp(at), "to": stamp(at + timedelta(days=1))},
            },
        }
        delivery["address"] = {} if shape.bare else self.address(buyer)
        if locker:
            code, label, where = draw.choice(POINTS)
            street = {"street": "Grunwaldzka 108", "zipCode": "60-166", "city": "Poznań", "countryCode": "PL"}
            delivery["pickupPoint"] = {"id": code, "name": label, "description": where, "address": street}
        return delivery

    def invoice(self, shape: PurchaseTraits) -> Json:
        draw = self.random
        kind = shape.invoice or draw.choices(("none", "company", "person"), (65, 25, 10))[0]
        if kind == "none":
            return {"required": False, "features": []}
        city, code = draw.choice(PLACES)
        address: Json = {
            "street": f"{draw.choice(STREETS)} {draw.randrange(1, 99)}",
            "city": city,
            "zipCode": code,
            "countryCode": "PL",
        }
        if kind == "company":
            number = draw.choice(NIPS)
            address["company"] = {
                "name": draw.choice(FIRMS),
                "ids": [{"type": "PL_NIP", "value": number}],
                "vatPayerStatus": draw.choice(("ACTIVE", "NON_ACTIVE", "NOT_APPLICABLE")),
                "taxId": number,
            }
        else:
            address["naturalPerson"] = {"firstName": draw.choice(FIRST), "lastName": draw.choice(LAST)}
        return {"required": True, "address": address, "features": []}
