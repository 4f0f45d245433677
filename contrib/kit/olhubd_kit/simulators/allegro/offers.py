"""What the simulated seller has on sale: offers that buyers lower, and commands that change many of them later.

As at Allegro: a quantity of zero ends an offer and cannot be set by a command, a command's number is used once, its
tasks fail one by one, and the journal of offers says only that something is otherwise. One that has ended can be
activated for sixty days, unless an administrator ended it; one that renews itself comes back under another number,
with the quantity that it began with.
"""

# ruff: noqa: A002 - the verbs are called by name from outside, and there an offer's id is just `id`.

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from olhubd.model import EndedBy, Kind
from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_kit.simulator import BookedOffer, Listed, Verb
from olhubd_kit.simulators.allegro.offer_command import OfferCommand
from olhubd_kit.simulators.allegro.offer_prices import OfferPrices, selling_mode
from olhubd_kit.simulators.allegro.population import Json, stamp

__all__ = ["FEED", "OFFER", "OfferBook"]

FEED = "offers"

OFFER = 7_000_000_000
"""The offer of a product has its number added to this."""
_KEPT = timedelta(hours=24)
_ARCHIVED = timedelta(days=60)
_ENDED_BY = {
    "USER": EndedBy.SELLER,
    "EMPTY_STOCK": EndedBy.SOLD_OUT,
    "EXPIRATION": EndedBy.EXPIRED,
    "ADMIN": EndedBy.MARKETPLACE,
}
_ENDS = {by.value: word for word, by in _ENDED_BY.items()}


class OfferBook:
    """The offers of one seller."""

    def __init__(self, now: Callable[[], datetime], wares: Sequence[ShelfProduct] = PRODUCTS) -> None:
        self._now = now
        self._names = {one.sku: one.name for one in wares}
        self._waiting: list[OfferCommand] = []
        """Commands that have not acted."""
        self.offers: dict[str, Json] = {}
        self.prices = OfferPrices(self.offers, self._tell, self.act)
        self.commands: dict[str, OfferCommand] = {}
        self.events: list[tuple[int, datetime, str, str]] = []
        self.delay = 0.0
        """Seconds until a command acts."""
        self.ignored = 0
        self.failing: dict[str, tuple[str, str]] = {}
        """By offer the code of its failures, and the kind of commands that fail; all kinds where it is empty."""
        self.details: dict[str, Json] = {}
        """What the list does not say: whether an offer renews itself, and who ended it."""
        self.initial: dict[str, int] = {}
        self.ended_at: dict[str, datetime] = {}
        self.rivals: dict[str, tuple[int, timedelta]] = {}
        self.seen: dict[str, tuple[int, datetime]] = {}
        self.spoilt: set[str] = set()
        """Offers that are sent in a way that cannot be understood."""
        self.hidden: set[str] = set()
        """Offers that are sent without their quantity."""
        self.left_out: set[str] = set()
        """Offers that lists count and do not show."""
        self.unmarked: set[str] = set()
        self.described: Callable[[str], Json] = lambda _offer: {}
        """What programs have said of an offer that they made or changed."""
        self.contents: Callable[[str], list[Json]] = lambda _offer: []
        """Which products of the catalogue an offer sells, where no program has said it."""
        self.made: Callable[[], None] = lambda: None
        """Does what is due of what programs make and change."""
        for product in wares:
            self.list_offer(product.sku or "", product.quantity or 0, str(OFFER + int(product.external_id)))

    def list_offer(
        self, sku: str, quantity: int, id_: str | None = None, selling: str = "BUY_NOW", renews: bool = False
    ) -> str:
        """Put something on sale, at its catalogue price."""
        number = id_ or str(OFFER + 1000 + len(self.offers))
        self.offers[number] = {
            "id": number,
            "name": self._names.get(sku, sku),
            "external": {"id": sku},
            "sellingMode": selling_mode(sku, selling),
            "stock": {"available": quantity, "sold": 0},
            "publication": {"status": "ACTIVE" if quantity else "ENDED", "startedAt": stamp(self._now())},
            "isFulfillment": False,
        }
        self.details[number] = {"republish": renews}
        self.initial[number] = quantity
        if quantity:
            self._tell("OFFER_ACTIVATED", number)
        else:
            self._end(number, "EMPTY_STOCK")
        return number

    def put_draft(self, number: str, row: Json) -> None:
        """An offer that a program has made and nobody can buy."""
        self.offers[number] = row
        self.details[number] = {"republish": False}
        self.initial[number] = 0

    def edited(self, offer: str, quantity: int | None = None) -> None:
        """A program has changed an offer, and how many pieces it has where that is given."""
        self._tell("OFFER_CHANGED", offer)
        if quantity is not None:
            self._set(offer, quantity)

    def renew_offers(self, offers: Sequence[str], on: bool = True) -> None:
        """From now on these list themselves again when they end by themselves, or do not any more."""
        for offer in offers:
            self.details[offer]["republish"] = on
            self._tell("OFFER_CHANGED", offer)

    def end_offer(self, offer: str, by: str = "USER", days: float = 0.0) -> None:
        """The seller ends it, or whom `by` names, in Allegro's words or those of `EndedBy`, so many days ago."""
        self.act()
        self._end(offer, _ENDS.get(by, by), self._now() - timedelta(days=days))

    def rival(self, offer: str, quantity: int, seconds: float = 1.0) -> None:
        """Another program of the seller's keeps an offer at this quantity: it sets it, and brings it back, when it
        has shown anything else for so many seconds. A quantity below zero ends that."""
        if quantity < 0:
            self.rivals.pop(offer, None)
        else:
            self.rivals[offer] = (quantity, timedelta(seconds=seconds))

    def now(self) -> datetime:
        """The seller's clock."""
        return self._now()

    def available(self, sku: str) -> dict[str, int]:
        """What buyers see of the offers of a SKU, by offer."""
        self.act()
        marked = (number for number, row in self.offers.items() if (row["external"] or {}).get("id") == sku)
        return {number: self._shown(number) for number in marked}

    def list_offers(self, count: int = 1, quantity: int = 5) -> list[str]:
        """Put `count` things on sale, `quantity` pieces of each; their numbers."""
        return [self.list_offer(f"MANY-{len(self.offers)}", quantity) for _ in range(count)]

    def buyable(self) -> dict[str, int]:
        """How many pieces of each offer buyers can buy."""
        self.act()
        return {number: self._shown(number) for number in self.offers}

    def numbers(self) -> list[str]:
        """The numbers of all commands that have arrived."""
        return [*self.commands]

    def sold(self, number: str, quantity: int) -> None:
        """A purchase lowers its offer; at zero it ends. What was never listed is let be, and so is what was sold by
        a verb that asks nobody whether it is there."""
        self.act()
        offer = self.offers.get(number)
        if offer is None:
            return
        stock = offer["stock"]
        stock["available"] = max(0, stock["available"] - quantity)
        stock["sold"] += quantity
        self._tell("OFFER_STOCK_CHANGED", number)
        if not stock["available"]:
            self._end(number, "EMPTY_STOCK")

    def sell_offer(self, offer: str, pieces: int = 1) -> None:
        """Buyers buy so many pieces of it."""
        self._one(FEED, offer)
        self.sold(offer, pieces)

    def set_offer_state(self, offer: str, state: str) -> None:
        """The offer is in a state, even one that is not known."""
        self._one(FEED, offer)["publication"] = {"status": state}
        self._tell("OFFER_CHANGED", offer)

    def hide_quantity(self, offer: str) -> None:
        """From now on the offer is sent without its quantity."""
        self._one(FEED, offer)
        self.hidden.add(offer)
        self._tell("OFFER_CHANGED", offer)

    def unmark_offer(self, offer: str) -> None:
        """The seller takes their own mark off the offer."""
        self._one(FEED, offer)
        self.unmarked.add(offer)
        self._tell("OFFER_CHANGED", offer)

    def set_quantity(self, offer: str, quantity: int) -> None:
        """The seller changes it by hand, or another program does."""
        self.act()
        self._set(offer, quantity)
        if not quantity:
            self._end(offer, "EMPTY_STOCK")
        else:
            self._activate(offer)

    def fail_tasks(
        self, offers: Sequence[str], code: str = "RESPONSIBLE_PRODUCER_NOT_SPECIFIED", kind: str = ""
    ) -> None:
        """From now on commands fail for these offers, with this code; an empty code ends that. Of the kind
        `kind` alone, `quantity`, `price` or `publication`, where it is not empty."""
        for offer in offers:
            if code:
                self.failing[offer] = (code, kind)
            else:
                self.failing.pop(offer, None)

    def delay_commands(self, seconds: float = 60.0) -> None:
        """From now on commands act so many seconds late."""
        self.delay = seconds

    def ignore_commands(self, count: int = 1) -> None:
        """Report the next `count` commands as done, and do nothing of them."""
        self.ignored += count

    def put(self, id_: str, kind: str, body: Json) -> OfferCommand:
        """Take a command. Raises KeyError where its number is used."""
        if id_ in self.commands:
            raise KeyError(id_)
        now = self._now()
        command = OfferCommand(id_, kind, body, now, now + timedelta(seconds=self.delay))
        self.commands[id_] = command
        self._waiting.append(command)
        return command

    def act(self) -> None:
        """Do what is due of the commands, and of what programs make: any look at the offers shows it."""
        self.made()
        now = self._now()
        for command in self._waiting:
            if command.acts is not None and command.acts <= now:
                self._perform(command)
                command.done = now
        self._waiting = [command for command in self._waiting if command.done is None]
        for offer, (quantity, patience) in [one for one in self.rivals.items() if one[0] in self.offers]:
            shown = self._shown(offer)
            if self.seen.get(offer, (-1, now))[0] != shown:
                self.seen[offer] = (shown, now)
            if shown != quantity and now - self.seen[offer][1] >= patience:
                self._set(offer, quantity)
                self._activate(offer)

    def _perform(self, command: OfferCommand) -> None:
        ignored = self.ignored > 0
        self.ignored -= ignored
        for offer in command.offers:
            if offer not in self.offers:
                gone = "The offer does not exist."
                error = {"code": "OFFER_NOT_FOUND", "message": gone, "userMessage": gone}
                command.tasks[offer] = ("FAIL", error)
            elif code := self._refusal(command, offer):
                command.tasks[offer] = ("FAIL", {"code": code, "message": code, "userMessage": code})
            else:
                command.tasks[offer] = ("SUCCESS", None)
                if not ignored:
                    self._do(command, offer)

    def _do(self, command: OfferCommand, offer: str) -> None:
        if command.kind == "publication":
            if command.body["publication"]["action"] == "END":
                self._end(offer, "USER")
            else:
                self._activate(offer)
        elif command.kind == "price":
            self.prices.set_price(offer, command.body["modification"]["price"]["amount"])
        else:
            change = command.body["modification"]
            before = self.offers[offer]["stock"]["available"] if change["changeType"] == "GAIN" else 0
            self._set(offer, max(0, change["value"] + before))

    def listed(self) -> Sequence[Listed]:
        """What the feed of offers reads."""
        return [Listed(kind=Kind.OFFER, external_id=offer) for offer in self.offers]

    def offered(self) -> Sequence[BookedOffer]:
        """All offers, with what buyers can buy of each."""
        self.act()
        return [
            BookedOffer(
                external_id=number,
                buyable=self._shown(number),
                sku=(row["external"] or {}).get("id") if number not in self.unmarked else None,
                ended_by=_ENDED_BY.get(self._ended_by(number), EndedBy.UNKNOWN)
                if row["publication"]["status"] == "ENDED"
                else None,
            )
            for number, row in self.offers.items()
        ]

    def verbs(self) -> Mapping[str, Verb]:
        """What can be done to the offers from outside."""
        return {
            "put": self.put_offers,
            "take": self.take_offer,
            "change": self.change_offer,
            "spoil": self.spoil_offer,
            "list_offer": self.list_offer,
            "list_offers": self.list_offers,
            "buyable": self.buyable,
            "commands": self.numbers,
            "set_quantity": self.set_quantity,
            **self.prices.verbs(),
            "sell_offer": self.sell_offer,
            "set_offer_state": self.set_offer_state,
            "hide_quantity": self.hide_quantity,
            "leave_out": self.leave_out,
            "unmark_offer": self.unmark_offer,
            "fail_tasks": self.fail_tasks,
            "renew_offers": self.renew_offers,
            "end_offer": self.end_offer,
            "rival": self.rival,
            "delay_commands": self.delay_commands,
            "ignore_commands": self.ignore_commands,
        }

    def leave_out(self, offer: str) -> None:
        """From now on lists count the offer, and their pages are without it."""
        self.left_out.add(self._one(FEED, offer)["id"])

    def put_offers(self, feed: str, count: int = 1) -> None:
        """`count` offers more, each with five pieces."""
        _known(feed)
        for _ in range(count):
            self.list_offer(f"NEW-{len(self.events)}", 5, str(OFFER + 10_000 + len(self.events)))

    def take_offer(self, feed: str, kind: str, id: str) -> None:
        """The seller archives the offer."""
        self._one(feed, id)
        self._tell("OFFER_ARCHIVED", id)
        self.offers.pop(id)

    def change_offer(self, feed: str, kind: str, id: str) -> None:
        """The seller adds a piece."""
        self._set(id, self._one(feed, id)["stock"]["available"] + 1)

    def spoil_offer(self, feed: str, kind: str, id: str) -> None:
        """From now on the offer's publication is sent as a word."""
        self._one(feed, id)
        self.spoilt.add(id)
        self._tell("OFFER_CHANGED", id)

    def row(self, offer: str) -> Json:
        """The offer as it is sent."""
        found = dict(self.offers[offer])
        if offer in self.spoilt:
            found["publication"] = "broken"
        if offer in self.hidden:
            found["stock"] = {"sold": found["stock"]["sold"]}
        if offer in self.unmarked:
            found["external"] = None
        return found

    def _one(self, feed: str, id_: str) -> Json:
        _known(feed)
        if id_ not in self.offers:
            raise ValueError(f"the seller has no offer {id_}")
        return self.offers[id_]

    def _set(self, offer: str, quantity: int) -> None:
        self.offers[offer]["stock"]["available"] = quantity
        self._tell("OFFER_STOCK_CHANGED", offer)

    def _shown(self, offer: str) -> int:
        row = self.offers[offer]
        return row["stock"]["available"] if row["publication"]["status"] == "ACTIVE" else 0

    def _refusal(self, command: OfferCommand, offer: str) -> str:
        """The code by which a command fails for an offer; empty where it does not."""
        code, kind = self.failing.get(offer, ("", ""))
        if code and kind in ("", command.kind):
            return code
        change = command.body.get("modification", {})
        if change.get("changeType") == "GAIN" and self.offers[offer]["stock"]["available"] + change["value"] <= 0:
            return "STOCK_TOO_LOW"  # a quantity of zero cannot be set by a command
        if command.kind != "publication" or command.body["publication"]["action"] != "ACTIVATE":
            return ""
        if self.offers[offer]["publication"]["status"] == "ACTIVE":
            return "OFFER_ALREADY_ACTIVE"
        if not self.offers[offer]["stock"]["available"]:
            return "STOCK_EMPTY"
        if self.details[offer].get("endedBy") in ("ADMIN", "PRODUCT_DETACHMENT"):
            return "OFFER_BLOCKED"
        ended = self.ended_at.get(offer)
        return "OFFER_ARCHIVED" if ended is not None and self._now() - ended > _ARCHIVED else ""

    def _activate(self, offer: str) -> None:
        self.offers[offer]["publication"] = {"status": "ACTIVE", "startedAt": stamp(self._now())}
        self.details[offer].pop("endedBy", None)
        self._tell("OFFER_ACTIVATED", offer)

    def _end(self, offer: str, by: str, at: datetime | None = None) -> None:
        self.ended_at[offer] = at or self._now()
        self.offers[offer]["publication"] |= {"status": "ENDED", "endedAt": stamp(self.ended_at[offer])}
        self.details[offer]["endedBy"] = by
        self._tell("OFFER_ENDED", offer)
        if self.details[offer]["republish"] and by in ("EMPTY_STOCK", "EXPIRATION") and self.initial[offer]:
            row = self.offers[offer]
            self.list_offer(row["external"]["id"], self.initial[offer], renews=True)

    def _tell(self, kind: str, offer: str) -> None:
        self.events.append((len(self.events) + 1, self._now(), kind, offer))

    def after(self, last: str | None, kinds: Sequence[str], limit: int) -> list[Json]:
        """The journal of the last 24 hours behind the event `last`."""
        since = self._now() - _KEPT
        start = int(last or 0)
        found = (row for row in self.events[start:] if row[1] >= since and (not kinds or row[2] in kinds))
        return [
            {
                "id": str(number),
                "occurredAt": stamp(at),
                "type": kind,
                "offer": {"id": offer, "external": self.offers.get(offer, {}).get("external")}
                | ({"publication": {"endedBy": self._ended_by(offer)}} if kind == "OFFER_ENDED" else {}),
            }
            for number, at, kind, offer in itertools.islice(found, limit)
        ]

    def _ended_by(self, offer: str) -> str:
        by: str = self.details[offer].get("endedBy", "UNKNOWN")
        return by

    def detailed(self, offer: str) -> Json | None:
        """An offer with what the list does not say; None where there is none."""
        row = self.offers.get(offer)
        if row is None:
            return None
        publication = {"status": row["publication"]["status"], **self.details[offer]}
        return {
            "productSet": self.contents(offer),
            **self.described(offer),
            "id": offer,
            "name": row["name"],
            "external": row["external"],
            "sellingMode": row["sellingMode"],
            "stock": {"available": row["stock"]["available"], "unit": "UNIT"},
            "publication": publication,
        }


def _known(feed: str) -> None:
    if feed != FEED:
        raise ValueError(f"there is no feed {feed!r}, only {FEED!r}")
