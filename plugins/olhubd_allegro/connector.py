"""Allegro as a connector: its capabilities, each a few calls around the pure parts beside this module."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from olhubd.model import Fulfilment, Order, Shipment, Stage
from olhubd.plugin import (
    Account,
    Bearer,
    Conflict,
    Connector,
    ContractBroken,
    Cursor,
    Defaults,
    DeliveryMethodList,
    DeviceGrant,
    Gone,
    Identity,
    Later,
    Method,
    NotFound,
    OAuthLogin,
    OrderCount,
    OrderFeed,
    OrderLookup,
    OutcomeUnknown,
    Page,
    Pending,
    Probe,
    Record,
    Rejected,
    ShipmentSink,
    Status,
    StatusList,
    StatusSink,
    Temporary,
    Token,
    Unavailable,
    Unreadable,
    decode,
)
from olhubd_allegro import journal, wire
from olhubd_allegro.client import API_ERRORS, MEDIA, api_headers, budget
from olhubd_allegro.login import Login, Vetted
from olhubd_allegro.mapping import order
from olhubd_allegro.parcel import FOREIGN_WAYBILL, OTHER, choose, other, request, same
from olhubd_allegro.settings import AllegroSettings
from olhubd_allegro.status import STATUSES, WORDS, due
from olhubd_allegro.sweep import Place, stamp

__all__ = ["Allegro"]

FORMS = "/order/checkout-forms"
READERS = 8
"""Forms that are read at one time."""
SETTLE = 30.0
"""Seconds until a form that lags behind its event is read again."""
STUBBORN = 5
"""So many pulls in a row may one form's server error hold up the journal; then it is put aside for later."""
ASIDE = 600.0
"""Seconds for which such a form is put aside."""

_DAY = timedelta(days=1)
"""For how long the list of carriers is believed."""

T = TypeVar("T")

_BODY = {"Content-Type": MEDIA}
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Allegro(
    Connector[AllegroSettings],
    OrderFeed,
    OrderCount,
    OrderLookup,
    StatusSink,
    ShipmentSink,
    StatusList,
    DeliveryMethodList,
    Probe,
    OAuthLogin,
):
    name = "allegro"
    title = "Allegro"
    Settings = AllegroSettings
    defaults = Defaults(
        interval=timedelta(seconds=20),
        sweep_interval=timedelta(hours=1),
        sweep_window=timedelta(days=3),
        retention=timedelta(days=60),
        parallel=2,
    )
    fixed_statuses = frozenset(status.code for status in STATUSES)
    scopes = Login.scopes
    secret_keys = frozenset(
        {
            "access_token",
            "refresh_token",
            "client_secret",
            "device_code",
            "user_code",
            "code_verifier",
            "error_description",
            "email",
            "phoneNumber",
            "personalIdentity",
            "street",
        }
    )

    def __init__(self, account: Account[AllegroSettings]) -> None:
        super().__init__(account)
        self._login = Login(account)
        self.flows, self.redirect_uri = self._login.flows, self._login.redirect_uri
        self._api = account.client(
            self.settings.api,
            auth=Bearer(Vetted(account.tokens, self.settings.realm)),
            budgets=(budget(self.settings),),
            errors=API_ERRORS,
            headers=api_headers(self.settings),
        )
        self._refusals: dict[str, int] = {}

    # Orders in

    async def start(self, since: datetime | None) -> Cursor:
        """The journal's end, also with `since`: what came before is the sweep's, which needs no replay."""
        stats = await self._api.get("/order/event-stats", wire.Stats)
        return Cursor(stats.latest_event.id if stats.latest_event else str(journal.EMPTY))

    async def pull(self, cursor: Cursor) -> Page:
        start = journal.position(cursor)
        query: dict[str, str | int] = {"limit": journal.LIMIT}
        if start != journal.EMPTY:
            query["from"] = cursor
        events = (await self._api.get("/order/events", wire.Events, query)).events
        hints, end = journal.hints(events, start)
        found, failure = await self._read_all(hints)
        records = [record for group in found for record in group]
        if failure is None:
            self._refusals.clear()
            return Page(records=records, cursor=Cursor(str(end)), more=len(events) >= journal.LIMIT)
        blocked = hints[len(found)]
        self._refusals = {blocked.form_id: self._refusals.get(blocked.form_id, 0) + 1}
        return Page(records=records, cursor=Cursor(str(blocked.before)), failure=failure)

    async def sweep(self, since: datetime, cursor: Cursor | None) -> Page:
        place = Place.of(cursor) if cursor else Place.begin(since)
        page = await self._api.get(FORMS, wire.Forms, place.query)
        keys = [_key(raw) for raw in page.checkout_forms]
        seen = frozenset(place.seen)
        records = [
            _record(key.id, bytes(raw))
            for key, raw in zip(keys, page.checkout_forms, strict=True)
            if key.id not in seen
        ]
        then = place.after(keys, page.total_count)
        return Page(records=records, cursor=(then or place).cursor, more=then is not None)

    async def count_orders(self, since: datetime, until: datetime) -> int:
        query: dict[str, str | int] = {"lineItems.boughtAt.gte": stamp(since), "limit": 1}
        # The list takes both bounds as belonging to it.
        query["lineItems.boughtAt.lte"] = stamp(until - timedelta(milliseconds=1))
        return (await self._api.get(FORMS, wire.FormCount, query)).total_count

    async def read_order(self, external_id: str) -> Record:
        try:
            raw = await self._get_form(external_id, msgspec.Raw)
        except NotFound:
            return Gone(external_id=external_id)
        return _record(external_id, bytes(raw))

    async def _read_all(self, hints: Sequence[journal.Hint]) -> tuple[list[list[Record]], Temporary | None]:
        """The records of as many hints from the first on as could be read, and why it ended there."""
        found: dict[int, list[Record]] = {}
        failures: dict[int, Temporary] = {}
        fatal: list[Exception] = []
        queue = iter(range(len(hints)))

        async def reader() -> None:
            # What follows a failure cannot be covered by the cursor, so nobody starts on it.
            for i in queue:
                if fatal or failures:
                    return
                try:
                    found[i] = await self._read_hint(hints[i])
                except Temporary as error:
                    failures[i] = error
                except Exception as error:
                    fatal.append(error)

        if hints:
            async with asyncio.TaskGroup() as readers:
                for _ in range(min(READERS, len(hints))):
                    readers.create_task(reader())
        if fatal:
            raise fatal[0]
        end = min(failures, default=len(hints))
        return [found[i] for i in range(end)], failures.get(end)

    async def _read_hint(self, hint: journal.Hint) -> list[Record]:
        try:
            record = await self.read_order(hint.form_id)
        except (Rejected, ContractBroken) as error:
            return [Unreadable(external_id=hint.form_id, reason=str(error), raw=b"")]
        except Unavailable as error:
            # Without a status it may be the network; but the events were told just before.
            patience = STUBBORN if error.status is not None else 2 * STUBBORN
            if self._refusals.get(hint.form_id, 0) < patience:
                raise
            return [Later(external_id=hint.form_id, seconds=ASIDE, reason=str(error))]
        if hint.ready and isinstance(record, Order) and record.stage is Stage.PLACED:
            behind = Later(external_id=hint.form_id, seconds=SETTLE, reason="the form lags behind its event")
            return [record, behind]
        return [record]

    async def _get_form(self, external_id: str, into: type[T]) -> T:
        return await self._api.get(f"{FORMS}/{_checked(external_id)}", into)

    # Statuses and parcels back

    async def statuses(self) -> Sequence[Status]:
        return STATUSES

    async def delivery_methods(self) -> Sequence[Method]:
        listed = await self._api.get("/sale/delivery-methods", wire.DeliveryMethods)
        return [Method(code=one.id, name=one.name) for one in listed.delivery_methods]

    def status_for(self, fulfilment: Fulfilment) -> str | None:
        return WORDS.get(fulfilment)

    async def set_status(self, external_id: str, status: str) -> None:
        """Writes against the revision that was read; an order that moved meanwhile is read and judged once more.

        The answer to a status is empty, so only a reading shows that it was kept.
        """
        for _ in range(2):
            form = await self._state(external_id)
            if not due(form, status):
                return
            if await self._put_status(external_id, status, form.revision):
                if due(await self._state(external_id), status):
                    raise OutcomeUnknown(f"Allegro took the status {status}, and the order does not show it")
                return
        raise Conflict("the order keeps changing while its status is being set", status=409)

    async def _state(self, external_id: str) -> wire.FormState:
        """How the form stands. By another one's state a status would be taken for set that is not."""
        form = await self._get_form(external_id, wire.FormState)
        if form.id != external_id:
            raise Unavailable(f"GET {FORMS}/{external_id}: the answer is another order's")
        return form

    async def _put_status(self, external_id: str, status: str, revision: str | None) -> bool:
        """False when the order changed between reading and writing."""
        try:
            await self._api.request(
                "PUT",
                f"{FORMS}/{external_id}/fulfillment",
                query={"checkoutForm.revision": revision} if revision else None,
                json={"status": status},
                headers=_BODY | {"Accept-Language": "en-US"},  # the only language of this resource
            )
        except Conflict as error:
            if error.status == 409:
                return False
            raise
        return True

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        """Reads before it writes and after: only a parcel that is seen there counts as attached."""
        path = f"{FORMS}/{_checked(external_id)}/shipments"
        known = await self.account.remember("carriers", _DAY, self._read_carriers)
        carrier = choose(known, shipment)
        if await self._attached(path, shipment, carrier):
            return
        try:
            await self._api.request("POST", path, json=request(shipment, carrier), headers=_BODY)
        except Conflict as error:
            if error.status == 409 and await self._attached(path, shipment, carrier):
                return
            raise
        except Rejected as error:
            if error.code != FOREIGN_WAYBILL or carrier.id == OTHER:
                raise
            # Carriers of one name in other countries number otherwise: Allegro's own advice is to name the carrier.
            carrier = other(shipment, carrier)
            self.log.warning("a number goes by its carrier's name alone", carrier=carrier.name)
            await self._api.request("POST", path, json=request(shipment, carrier), headers=_BODY)
        # Its answer repeats what was sent, which proves nothing.
        if not await self._attached(path, shipment, carrier):
            raise OutcomeUnknown("Allegro took the parcel, and the order does not show it")

    async def _read_carriers(self) -> Sequence[wire.Carrier]:
        return (await self._api.get("/order/carriers", wire.Carriers)).carriers or ()

    async def _attached(self, path: str, shipment: Shipment, carrier: wire.Carrier) -> bool:
        there = await self._api.get(path, wire.Shipments)
        return any(same(parcel, shipment, carrier) for parcel in there.shipments or ())

    # Access

    async def probe(self) -> Identity:
        me = await self._api.get("/me", wire.Me)
        details = {
            "marketplace": me.base_marketplace.id if me.base_marketplace else None,
            "company": me.company.name if me.company else None,
            "world": str(self.settings.realm),
        }
        return Identity(id=me.id, login=me.login, details={key: value for key, value in details.items() if value})

    async def begin_device(self) -> DeviceGrant:
        return await self._login.begin_device()

    async def poll_device(self, grant: DeviceGrant) -> Token | Pending:
        return await self._login.poll_device(grant)

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        return self._login.authorize_url(redirect_uri, state, challenge)

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Token:
        return await self._login.exchange(code, redirect_uri, verifier)

    async def refresh(self, token: Token) -> Token:
        return await self._login.refresh(token)


def _checked(external_id: str) -> str:
    """The id as part of a path; it came from outside and must not become another path."""
    if _ID.fullmatch(external_id) is None:
        raise Rejected("this is no id of a checkout form", field="id")
    return external_id


def _key(raw: msgspec.Raw) -> wire.FormKey:
    try:
        return decode(bytes(raw), wire.FormKey)
    except ContractBroken:
        pass
    try:
        return wire.FormKey(id=decode(bytes(raw), wire.FormId).id)
    except ContractBroken:
        # Put aside by a name made up from its text, so that its neighbours land.
        return wire.FormKey(id=f"unreadable-{zlib.crc32(raw):08x}")


def _record(external_id: str, raw: bytes) -> Record:
    try:
        form = decode(raw, wire.Form)
        if form.id != external_id:
            raise ContractBroken("the answer is another order's", field="id")
        return order(form)
    except ContractBroken as error:
        where = f" at {error.field}" if error.field else ""
        return Unreadable(external_id=external_id, reason=f"{error}{where}", raw=raw)
    except Exception as error:
        # What fits its type may still make no sense, a day before the calendar begins say. Its words may hold what
        # the form held. One such form must not keep the journal from moving on.
        return Unreadable(external_id=external_id, reason=f"it makes no sense ({type(error).__name__})", raw=raw)
