"""The simulator as a server: Allegro's resources over the ledger, with Allegro's own strictness about headers."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web

from olhubd.plugin import Token
from olhubd_kit.catalogue import PRODUCTS, ShelfProduct
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import BookedOffer, BookedOrder, Listed, Simulator, Verb
from olhubd_kit.simulators.allegro.answers import MEDIA, answer, number, raw, refused
from olhubd_kit.simulators.allegro.change_limit import change_limits
from olhubd_kit.simulators.allegro.journal import EventJournal
from olhubd_kit.simulators.allegro.ledger import AllegroBooks, CheckoutForm
from olhubd_kit.simulators.allegro.listing import ListingBook
from olhubd_kit.simulators.allegro.listing_routes import ListingRoutes
from olhubd_kit.simulators.allegro.offer_routes import OfferRoutes
from olhubd_kit.simulators.allegro.offers import FEED, OfferBook
from olhubd_kit.simulators.allegro.population import COURIER, LOCKER, Json, Population, stamp
from olhubd_kit.simulators.allegro.signin import CLIENT_ID, CLIENT_SECRET, OAuthServer

__all__ = ["AllegroSimulator"]

AGENT = re.compile(r"\S.*/\S+ \(\+https?://[^ )]+\)")
LANGUAGES = frozenset({"en-US", "pl-PL", "uk-UA", "sk-SK", "cs-CZ", "hu-HU"})
STATUSES = frozenset(
    ["NEW", "PROCESSING", "READY_FOR_SHIPMENT", "READY_FOR_PICKUP", "SENT", "PICKED_UP", "CANCELLED", "SUSPENDED"]
)
CARRIERS = {
    "ALLEGRO": "Allegro",
    "DHL": "DHL",
    "DPD": "DPD",
    "GLS": "GLS",
    "INPOST": "InPost",
    "POCZTA_POLSKA": "Poczta Polska",
    "UPS": "UPS",
    "OTHER": "Inny",
}
FARTHEST = 10_000
SAME_STATUS_LIMIT = 10
WAYBILL_LIMIT = 10
BLOCK = 60.0

Handler = Callable[[web.Request], Awaitable[web.Response]]
T = TypeVar("T")


class AllegroSimulator(Simulator):
    """One seller of `wares`. `limit` is how many calls a minute are served before a minute's block; None: any."""

    connector: ClassVar[str] = "allegro"

    def __init__(
        self,
        seed: int = 0,
        now: Callable[[], datetime] | None = None,
        *,
        sandbox: bool = True,
        limit: int | None = None,
        wares: Sequence[ShelfProduct] = PRODUCTS,
    ) -> None:
        super().__init__(seed, now)
        people = Population(seed, wares)
        self.seller = str(40_000_000 + seed)
        self.marketplace = "allegro-pl"
        """The one that is the seller's own."""
        self.sandbox = sandbox
        self.limit = limit
        self.journal = EventJournal(self.seller, people.random)
        self.book = OfferBook(self.now, wares)
        self.change_limits = change_limits(self.now)
        self.listing = ListingBook(self.book, self.seller, self.now, wares)
        self.ledger = AllegroBooks(people, self.journal, self.now, self.book.sold)
        issuer = "https://allegro.pl.allegrosandbox.pl" if sandbox else "https://allegro.pl"
        self.signin = OAuthServer(self.seller, issuer, people.random, self.now)
        self._short = 0
        self._cap = 100
        self._ignore = 0
        self._calls: deque[datetime] = deque()
        self._blocked: datetime | None = None
        self._block: tuple[str, str] | None = None

    def settings(self, base: str) -> dict[str, Any]:
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "application": "olhubd-simulated",
            "contact": "https://olhubd.example/docs",
            "sandbox": self.sandbox,
            "api_url": base,
            "auth_url": base,
        }

    def token(self) -> Token:
        return self.signin.token()

    def books(self) -> list[BookedOrder]:
        return self.ledger.books()

    def listed(self) -> Mapping[str, Sequence[Listed]]:
        return {FEED: self.book.listed()}

    def offered(self) -> Sequence[BookedOffer]:
        return self.book.offered()

    def verbs(self) -> Mapping[str, Verb]:
        ledger, signin = self.ledger, self.signin
        return {
            "buy": ledger.buy,
            "advance": ledger.advance,
            "announce": ledger.announce,
            "pay": ledger.pay,
            "merge": ledger.merge,
            "cancel": ledger.cancel,
            "change_address": ledger.change_address,
            "surcharge": ledger.surcharge,
            "fulfil": ledger.fulfil,
            "ship": ledger.ship,
            "set_status": ledger.set_status,
            "corrupt": ledger.corrupt,
            "drop_events": self.drop_events,
            "duplicate_events": self.duplicate_events,
            "reorder_events": self.reorder_events,
            "delay_events": self.delay_events,
            "age_events": self.age_events,
            "short_pages": self.short_pages,
            "cap_pages": self.cap_pages,
            "ignore_changes": self.ignore_changes,
            "decorate": self.ledger.decorate,
            "rotate_and_forget": self.rotate_and_forget,
            "block": self.block,
            "unblock": self.unblock,
            "revoke_grant": signin.revoke,
            "expire_tokens": signin.expire,
            "consent": self.consent,
            "authorize": self.authorize,
            "poll_every": self.poll_every,
            **self.book.verbs(),
            **self.listing.verbs(),
        }

    def absent(self) -> Mapping[str, str]:
        return {"refund": "a refund at Allegro leaves the form as it is; the seller cancels it by its status"}

    def drop_events(self, count: int = 0, ids: Sequence[str] = ()) -> int:
        """Lose the next `count` events, and all that are about the forms `ids`."""
        return self.journal.drop(count, ids)

    def duplicate_events(self, count: int = 1) -> int:
        """Send the last `count` events once more."""
        return self.journal.duplicate(count)

    def reorder_events(self, window: int = 10) -> None:
        """Let the last `window` events change places."""
        self.journal.reorder(window)

    def delay_events(self, count: int = 1, seconds: float = 60.0) -> None:
        """Let the next `count` events show up `seconds` late."""
        self.journal.delay(count, seconds)

    def age_events(self, count: int = 1, days: float = 60.0) -> int:
        """Let the last `count` events have happened `days` ago; the journal forgets what is older than 60."""
        return self.journal.age(count, days)

    def short_pages(self, count: int = 1) -> None:
        """Let the next `count` pages of the journal, or of the list of forms, end in the middle."""
        self._short += count

    def cap_pages(self, rows: int | None) -> None:
        """From now on the list of forms gives no more than so many a page, whatever is asked for; None ends it."""
        self._cap = rows or 100

    def ignore_changes(self, count: int = 1) -> None:
        """Answer the next `count` statuses and parcels as ever, and keep nothing of them."""
        self._ignore += count

    def _shortened(self, page: list[T]) -> list[T]:
        """The page, or its first half where pages are to end early."""
        if not self._short or len(page) < 2:
            return page
        self._short -= 1
        return page[: len(page) // 2]

    def _kept(self) -> bool:
        ignored = self._ignore > 0
        self._ignore -= ignored
        return not ignored

    def rotate_and_forget(self) -> None:
        """Spend the refresh token at its next use, yet lose the answer with the new one."""
        self.faults.add(Fault(kind=FaultKind.LOSE, match="POST /auth/oauth/token$"))

    def consent(self, user_code: str, granted: bool = True) -> None:
        """The person at the other device agrees or refuses."""
        self.signin.answer(user_code, granted)

    def block(self, code: str | None = None, match: str = ".") -> None:
        """Allegro blocks the account: its grants end, as they do there. With a code the calls whose "METHOD /path"
        has a `match` are refused by it instead."""
        if code is None:
            self.signin.revoke()
        else:
            self._block = (code, match)

    def unblock(self) -> None:
        """Allegro takes the block back. Who lost the grant must sign in again."""
        self._block = None

    def authorize(self, url: str, granted: bool = True) -> str:
        """The person opens the page of a sign-in and agrees, or refuses; where their browser is sent back to."""
        return self.signin.send_back(dict(parse_qsl(urlsplit(url).query)), granted)

    def poll_every(self, seconds: float) -> None:
        """Have those who wait for somebody's consent ask so often; Allegro says 5 s. Nobody agrees unasked then."""
        self.signin.interval = seconds
        self.signin.consent = False

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        form = "/order/checkout-forms/{id}"
        return [
            *self.signin.routes(),
            web.get("/me", self._guard(self._me)),
            web.get("/order/events", self._guard(self._events)),
            web.get("/order/event-stats", self._guard(self._stats)),
            web.get("/order/carriers", self._guard(self._carriers)),
            web.get("/sale/delivery-methods", self._guard(self._delivery_methods)),
            web.get("/order/checkout-forms", self._guard(self._list)),
            *OfferRoutes(self.book, self._shortened, self.change_limits).routes(self._guard),
            *ListingRoutes(self.listing).routes(self._guard),
            web.get(form, self._guard(self._form)),
            web.put(f"{form}/fulfillment", self._guard(self._fulfil, frozenset({"en-US"}))),
            web.get(f"{form}/shipments", self._guard(self._shipments)),
            web.post(f"{form}/shipments", self._guard(self._ship)),
        ]

    def refusal(self, status: int) -> web.Response:
        return refused(status, "VALIDATION_ERROR", "The request is refused")

    def _guard(self, handler: Handler, languages: frozenset[str] = LANGUAGES) -> Handler:
        async def guarded(request: web.Request) -> web.Response:
            headers = request.headers
            if self._over():
                return refused(429, "TooManyRequests", "Too many requests")
            if not AGENT.fullmatch(headers.get("User-Agent", "")):
                return refused(403, "UserAgentRequired", "The application does not tell who it is")
            scheme, _, access = headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not self.signin.accepts(access):
                return answer({"error": "invalid_token", "error_description": f"Cannot use {access}"}, 401)
            if self._block is not None and re.search(self._block[1], f"{request.method} {request.path}"):
                return refused(403, self._block[0], "The account is blocked")
            if headers.get("Accept") != MEDIA:
                return refused(406, "NotAcceptableException", "Not acceptable representation requested", "Accept")
            if headers.get("Accept-Language", "en-US") not in languages:
                return refused(422, "UnsupportedLanguageInAcceptLanguageHeader", "Unsupported language")
            if request.can_read_body and headers.get("Content-Type") != MEDIA:
                return refused(415, "UnsupportedMediaType", "Unsupported media type", "Content-Type")
            response = await handler(request)
            response.headers["trace-id"] = f"{self.seed:x}-{len(self.journal.entries):x}"
            return response

        return guarded

    def _over(self) -> bool:
        """Whether the client is over its limit; a call during the block makes it longer."""
        if self.limit is None:
            return False
        now = self.now()
        while self._calls and (now - self._calls[0]).total_seconds() >= BLOCK:
            self._calls.popleft()
        blocked = self._blocked is not None and (now - self._blocked).total_seconds() < BLOCK
        if blocked or len(self._calls) >= self.limit:
            self._blocked = now
            return True
        self._calls.append(now)
        return False

    async def _me(self, _request: web.Request) -> web.Response:
        return answer(
            {
                "id": self.seller,
                "login": f"sklep_{self.seller}",
                "firstName": "Amadeusz",
                "lastName": "Iksiński",
                "email": f"sprzedawca-{self.seller}@example.com",
                "baseMarketplace": {"id": self.marketplace},
                "company": {"name": "Sklep z Wszystkim", "taxId": "5252674798"},
                "features": [],
            }
        )

    async def _events(self, request: web.Request) -> web.Response:
        start, limit = request.query.get("from"), number(request, "limit", 100)
        if limit is None or not 1 <= limit <= 1000 or not (start is None or start.isdecimal()):
            return refused(422, "VALIDATION_ERROR", "Query parameters are incorrect")
        kinds = request.query.getall("type", [])
        page = self._shortened(self.journal.after(None if start is None else int(start), kinds, limit, self.now()))
        return raw(b'{"events":[%s]}' % b",".join(entry.encode() for entry in page))

    async def _stats(self, _request: web.Request) -> web.Response:
        latest = self.journal.latest(self.now())
        if latest is None:
            return answer({})
        return answer({"latestEvent": {"id": str(latest.id), "occurredAt": stamp(latest.occurred)}})

    async def _carriers(self, _request: web.Request) -> web.Response:
        return answer({"carriers": [{"id": key, "name": name} for key, name in CARRIERS.items()]})

    async def _delivery_methods(self, _request: web.Request) -> web.Response:
        return answer({"deliveryMethods": [{"id": key, "name": name} for key, name in (COURIER, LOCKER)]})

    async def _form(self, request: web.Request) -> web.Response:
        purchase = self.ledger.find(request.match_info["id"])
        return _missing() if purchase is None else raw(purchase.body)

    async def _list(self, request: web.Request) -> web.Response:
        offset, limit = number(request, "offset", 0), number(request, "limit", 100)
        if offset is None or limit is None or offset < 0 or not 1 <= limit <= 100:
            return refused(422, "VALIDATION_ERROR", "Offset or limit is outside its range")
        if offset + limit > FARTHEST:
            return refused(
                422, "VALIDATION_ERROR", f"Offset and limit exceed the maximal result of {FARTHEST} items"
            )
        query = request.query
        try:
            bounds = {key: _moment(query[key]) for key in query if key.endswith((".gte", ".lte"))}
        except ValueError:
            return refused(400, "VALIDATION_ERROR", "A date is not written as ISO 8601")
        sort = query.get("sort", "-lineItems.boughtAt")
        times: Mapping[str, Callable[[CheckoutForm], datetime]] = {
            "updatedAt": lambda one: one.updated,
            "lineItems.boughtAt": lambda one: one.bought,
        }
        key = times.get(sort.removeprefix("-"))
        if key is None:
            return refused(400, "VALIDATION_ERROR", "Unknown sort")
        found = [one for one in self.ledger.live() if _fits(one, query, bounds, times)]
        found.sort(key=key, reverse=sort.startswith("-"))
        page = self._shortened(found[offset : offset + min(limit, self._cap)])
        return raw(
            b'{"checkoutForms":[%s],"count":%d,"totalCount":%d}'
            % (b",".join(one.body for one in page), len(page), len(found))
        )

    async def _fulfil(self, request: web.Request) -> web.Response:
        purchase = self.ledger.find(request.match_info["id"])
        if purchase is None:
            return _missing()
        status = str(msgspec.json.decode(await request.read()).get("status"))
        if status not in STATUSES:
            return refused(422, "VALIDATION_ERROR", "This status cannot be set", "status")
        revision = request.query.get("checkoutForm.revision")
        if revision is not None and revision != purchase.form["revision"]:
            return refused(409, "CONFLICT", "Provided revision is outdated")
        if purchase.status == "CANCELLED":
            return refused(422, "VALIDATION_ERROR", "The purchase was cancelled", "status")
        purchase.writes[status] = purchase.writes.get(status, 0) + 1
        if purchase.writes[status] > SAME_STATUS_LIMIT:
            return refused(422, "VALIDATION_ERROR", "Too many operations on this order", "status")
        if self._kept():
            self.ledger.fulfil(purchase.id, status)
        return web.Response(status=204)

    async def _shipments(self, request: web.Request) -> web.Response:
        purchase = self.ledger.find(request.match_info["id"])
        return _missing() if purchase is None else answer({"shipments": purchase.shipments})

    async def _ship(self, request: web.Request) -> web.Response:
        purchase = self.ledger.find(request.match_info["id"])
        if purchase is None:
            return _missing()
        body: Json = msgspec.json.decode(await request.read())
        carrier, waybill = body.get("carrierId"), body.get("waybill")
        if carrier not in CARRIERS or carrier == "ALLEGRO":
            return refused(400, "VALIDATION_ERROR", "Unknown carrier", "carrierId")
        if not isinstance(waybill, str) or not 1 <= len(waybill) <= 64:
            return refused(400, "VALIDATION_ERROR", "Invalid tracking number", "waybill")
        if len(body.get("carrierName") or "") > 30:
            return refused(400, "VALIDATION_ERROR", "Carrier name is too long", "carrierName")
        own = [line["id"] for line in purchase.form["lineItems"]]
        lines = [line["id"] for line in body.get("lineItems") or ()] or own
        if not set(lines) <= set(own):
            return refused(422, "VALIDATION_ERROR", "A line is not of this order", "lineItems")
        used = sum(one["waybill"] == waybill for other in self.ledger.live() for one in other.shipments)
        if used >= WAYBILL_LIMIT:
            return refused(409, "CONFLICT", "Maximum waybill usage exceeded")
        parcel: Json = {
            "id": f"{purchase.id[:8]}-{len(purchase.shipments) + 1}",
            "waybill": waybill,
            "carrierId": carrier,
            "lineItems": [{"id": line} for line in lines],
            "createdAt": stamp(self.ledger.tick()),
        }
        if carrier == "OTHER":
            parcel["carrierName"] = body.get("carrierName") or CARRIERS["OTHER"]
        if self._kept():
            self.ledger.attach(purchase, parcel)
        return answer(parcel, 201)


def _fits(
    one: CheckoutForm,
    query: Mapping[str, str],
    bounds: Mapping[str, datetime],
    times: Mapping[str, Callable[[CheckoutForm], datetime]],
) -> bool:
    for name, bound in bounds.items():
        field, _, side = name.rpartition(".")
        moment = times[field](one)
        if (moment < bound) if side == "gte" else (moment > bound):
            return False
    form = one.form
    exact = {
        "status": form["status"],
        "fulfillment.status": form["fulfillment"]["status"],
        "fulfillment.provider.id": form["fulfillment"]["provider"]["id"],
        "buyer.login": form["buyer"]["login"],
        "marketplace.id": form["marketplace"]["id"],
    }
    return all(query[name] == value for name, value in exact.items() if name in query)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def _missing() -> web.Response:
    return refused(404, "NotFound", "Order not found or does not belong to the seller")
