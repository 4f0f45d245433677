"""English: what people do, what waits for them, alarms, access, and getting about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["WORDS"]

WORDS: Final[Mapping[str, str | tuple[str, ...]]] = {
    # Getting about
    "find": "Find an order",
    "find.hint": "Number or id",
    "menu": "Menu",
    "group.work": "Work",
    "group.history": "History",
    "group.setup": "Setup",
    "nav.tokens": "Access",
    "as": "Logged in as {name}",
    "read-only": "This login may look and change nothing.",
    # The overview
    "alarms": "Open alarms",
    "alarms.none": "No alarm is open.",
    "verdict.alarm": "{kind}, {subject}: {reason}",
    "compared": "Compared with the source",
    "compared.what": "Orders of each day, as the hub and as the source count them. Expected difference: 0.",
    "compared.none": "The first day is compared after its midnight.",
    "compared.same": "equal",
    "compared.differs": "Source {source}, hub {hub}; missing {missing}, surplus {surplus}",
    "compared.equal": "Source and hub both count {count}",
    "compared.unknown": "not compared",
    "latency.told": "Time to the shop of the last orders, the newest on the right; the last one {span}",
    "lane.refused": "in quarantine",
    "sources.loose": "Without a route",
    # The card
    "steps": "Where it is",
    "step.bought": "Bought",
    "step.landed": "In the hub",
    "step.paid": "Paid",
    "step.unpaid": "Not paid",
    "step.cod": "Cash on delivery",
    "step.cancelled": "Cancelled",
    "step.superseded": "Taken over",
    "step.at": "At {target}",
    "step.not-sent-on": "Goes nowhere",
    "step.shipped": "Parcel",
    "step.later": "{span} later",
    "step.todo": "not yet",
    "deeds": "What can be done",
    "deeds.not": "Not possible now",
    "note.own": "Note of the hub",
    "note.own.hint": "Stays here and goes to nobody",
    "do.note": "Note",
    "do.note-save": "Save the note",
    "do.status": "Status",
    "do.status-set": "Set the status",
    "status.goes": "goes to {targets}",
    "status.stays": "stays in the hub",
    "do.ship": "Parcel",
    "do.ship-add": "Add the parcel",
    "do.address": "Address",
    "do.address-set": "Change the address",
    "do.forward": "Send on",
    "do.forward-to": "Send on to {target}",
    "carrier": "Carrier",
    "waybill": "Tracking number",
    "url": "Address to follow it",
    "first-name": "First name",
    "last-name": "Last name",
    "street": "Street",
    "postcode": "Postcode",
    "city": "City",
    "country": "Country",
    "region": "Region",
    # Waiting
    "do.release": "Release",
    "do.adopt": "Adopt",
    "do.adopt-number": "Adopt an order that is there",
    "adopt.number": "Its number there",
    "adopt.despite": "Another total is right",
    "expected": "Here",
    "there": "There",
    "waiting.what": "Each thing stands here until a person has decided. The rest goes on meanwhile.",
    "hold.field": "Complained of",
    "advice.total-differs": (
        "Compare the two orders (taxes, a promotion, rounding), mend the one there, then accept it."
    ),
    "advice.refused": (
        "Mend what is complained of, in the shop, in the configuration or in the order's address, then retry. If"
        " somebody has entered the order there by hand, adopt it by its number."
    ),
    "advice.unlinked": (
        "Give the product its SKU or EAN in the shop and retry, or release the order to go with a line of free"
        " text."
    ),
    "advice.changed-afterwards": "Carry the change over in the shop by hand, then accept.",
    "advice.unable": "Do it in the shop by hand, then discard this with a word on it.",
    "advice.no-route": "Put the route back into the configuration and retry, or discard.",
    "advice.vetoed": "Do as its reason says, then retry; or discard.",
    "advice.connector-failed": (
        "Look whether the shop has the order. If so, adopt it by its number; if not, retry, which looks it up"
        " first."
    ),
    "advice.stored-differs": (
        "Compare the two orders, mend the one there, then accept it; or retry, which compares them again."
    ),
    "advice.half-made": (
        "Delete it there for good, from the trash too, then retry; or complete it there by hand and accept it."
    ),
    "advice.doubled": ("Keep one of the two orders there, cancel the other one there by hand, then accept this."),
    "advice.in-doubt": (
        "Mend what its reason says, then retry, which looks it up first. If it stands there under another mark,"
        " adopt it by its number."
    ),
    "advice.number-taken": (
        "The shop counts anew, or two hubs share it: find out which order is whose, then adopt the right one by"
        " its number, or discard."
    ),
    "advice.cancelled-on-one-side": (
        "Find out which side is right. Cancel the other one there, or make it good there by hand, then accept this;"
        " accept it at once to leave both as they are."
    ),
    "advice.other": "See what its reason says, then retry, or discard.",
    "fact.total": "Total",
    "fact.paid": "Paid",
    "fact.lines": "Lines",
    "fact.pieces": "Pieces",
    "fact.shipping": "Delivery",
    "fact.shipping_cost": "Delivery cost",
    "fact.payment": "Payment",
    "fact.country": "Country",
    "fact.skus": "SKUs",
    "fact.id": "Id",
    "fact.number": "Number",
    "fact.status": "Status",
    "fact.url": "Link",
    "fact.unlinked": "Without product",
    "fact.parcels": "Parcels",
    "do.read-again": "Read again",
    "raw.masked": "What came, with all that is personal covered",
    "note.release": "Delivery {delivery} goes on.",
    "note.adopt": "Delivery {delivery} is settled by order {number}.",
    "note.read-again": "Record {record} is asked for once more.",
    "note.given-up": "Record {record} was given up.",
    "note.noted": "The note on order #{order} is saved.",
    "note.note-removed": "Order #{order} has no note any more.",
    "note.status": "The status of order #{order} is set.",
    "note.shipped": "Order #{order} has the parcel {waybill}.",
    "note.address": "Order #{order} goes to the new address.",
    "note.forwarded": "Order #{order} is sent on.",
    # Accounts and access
    "do.rename": "Rename",
    "rename.title": "New name; empty: the one of the configuration",
    "do.remove": "Remove",
    "do.reconcile": "Compare yesterday",
    "do.moved": "It is the same shop, only elsewhere",
    "gone": "No longer configured",
    "gone.what": "Their orders and histories stay. Removing one forgets its sign-in and where its feeds stood.",
    "gone.ties": "Something of it is open still",
    "note.rename": "{account} is now called {title}.",
    "note.remove": "{account} was removed.",
    "note.reconcile": "{account} on {day}: {source} orders at the source, {hub} in the hub.",
    "tokens.what": "Who shows a token may do what its scope allows, under its name.",
    "tokens.none": "Nobody has a token but the one of the configuration.",
    "tokens.new": "New token",
    "tokens.name": "Name",
    "tokens.name.hint": "Letters, digits, dots and dashes",
    "tokens.scope": "Scope",
    "tokens.lifetime": "Good for",
    "tokens.forever": "until it is revoked",
    "tokens.made": "The token {name} is made. Copy its text now; nobody can see it again.",
    "tokens.created": "Made",
    "tokens.by": "By",
    "tokens.used": "Last used",
    "tokens.never": "never",
    "tokens.expires": "Expires",
    "tokens.expired": "expired",
    "do.make": "Make the token",
    "do.revoke": "Revoke",
    "note.revoked": "The token {token} opens nothing any more.",
    "scope.read": "look",
    "scope.operate": "work",
    "scope.admin": "administer",
    # The description for programs
    "manual.scope": "scope",
    "manual.open": "open to all",
    "manual.body": "body",
    "manual.parameter": "parameter",
    "manual.in": "in",
    "manual.type": "type",
    "manual.default": "default",
    "manual.required": "required",
    "manual.always": "always there",
    "manual.field": "field",
    "manual.schemas": "Records",
    # Kinds of alarms
    "alarm.silence": "Too few orders",
    "alarm.feed": "Not read",
    "alarm.retention": "Journal forgets",
    "alarm.missed": "Missed by the feed",
    "alarm.reconciliation": "Counts differ",
    "alarm.unchecked": "Not compared",
    "alarm.undelivered": "Undelivered",
    "alarm.target-down": "Shop does not answer",
    "alarm.doubled": "An order twice",
    "alarm.stranger": "An unknown order in the shop",
    "alarm.hold": "On hold",
    "alarm.quarantine": "Quarantine",
    "alarm.sign-in": "Sign-in",
    "alarm.parked": "Parked",
    "alarm.words": "Words",
    "alarm.loop": "Task",
    "alarm.disk": "Disk",
    "alarm.database": "Database",
    # Numbers of things
    "tokens.days": ("{n} day", "{n} days"),
}
