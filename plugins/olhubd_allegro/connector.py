"""Allegro as a connector: its capabilities, each a few calls around the pure parts beside this module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from olhubd.model import Address, Fulfilment, Reason, Shipment
from olhubd.plugin import (
    Account,
    Bearer,
    Client,
    Conflict,
    Connector,
    Defaults,
    DeliveryMethodList,
    Identity,
    Method,
    OutcomeUnknown,
    Parts,
    Probe,
    Rejected,
    SellerProfile,
    ShipmentSink,
    Status,
    StatusList,
    StatusSink,
    Unavailable,
    ValueBudget,
)
from olhubd_allegro import wire
from olhubd_allegro.account_terms import AccountTerms
from olhubd_allegro.client import MEDIA, api_errors, api_headers, budget, changes
from olhubd_allegro.commands import MOST, Commands
from olhubd_allegro.levels import Levels
from olhubd_allegro.listing import Listing
from olhubd_allegro.login import Login, RealmCheckedTokens
from olhubd_allegro.offer_products import ProductSets
from olhubd_allegro.offers import Offers
from olhubd_allegro.orders import FORMS, Orders, form_id
from olhubd_allegro.parcel import FOREIGN_WAYBILL, OTHER, choose, other, request, same
from olhubd_allegro.pictures import Pictures, upload_errors
from olhubd_allegro.prices import Prices
from olhubd_allegro.settings import AllegroSettings
from olhubd_allegro.status import STATUSES, WORDS, due

__all__ = ["Allegro"]

_DAY = timedelta(days=1)
"""For how long the list of carriers is believed."""
_BODY = {"Content-Type": MEDIA}


class Allegro(
    Connector[AllegroSettings],
    StatusSink,
    ShipmentSink,
    StatusList,
    DeliveryMethodList,
    Probe,
    SellerProfile,
):
    name = "allegro"
    title = "Allegro"
    informs_buyers = frozenset({"received", "paid", "sent", "cancelled"})
    masks_buyers = True
    Settings = AllegroSettings
    defaults = Defaults(
        interval=timedelta(seconds=20),
        sweep_interval=timedelta(hours=1),
        sweep_window=timedelta(days=3),
        retention=timedelta(days=60),
        parallel=2,
        profiles={"baselinker": timedelta(minutes=5), "atomstore": timedelta(minutes=10)},
    )
    provides: ClassVar[Parts] = {
        Orders: "orders",
        Offers: "offers",
        ProductSets: "product_sets",
        Levels: "levels",
        Prices: "prices",
        Listing: "listing",
        Login: "login",
    }
    fixed_statuses = frozenset(status.code for status in STATUSES)
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
        self.login = Login(account)
        self._api = self._client()
        self.orders = Orders(self._api)
        self.offers = Offers(self._api)
        self.product_sets = ProductSets(self._api)
        publications = self._commands("publications", self.settings.changes_per_hour)
        quantities = self._commands("quantities", self.settings.changes_per_hour)
        self.levels = Levels(self._api, self.offers, quantities, publications)
        self.prices = Prices(self._commands("prices", self.settings.price_changes_per_hour), self.offers)
        uploads = account.client(
            self.settings.upload,
            auth=Bearer(RealmCheckedTokens(account.tokens, self.settings.realm)),
            budgets=(budget(self.settings),),
            errors=upload_errors(self.settings),
            headers=api_headers(self.settings),
        )
        self.listing = Listing(account, self._api, self.offers, Pictures(uploads), publications)

    def _client(self, *changed: ValueBudget) -> Client:
        return self.account.client(
            self.settings.api,
            auth=Bearer(RealmCheckedTokens(self.account.tokens, self.settings.realm)),
            budgets=(budget(self.settings), *changed),
            errors=api_errors(self.settings),
            headers=api_headers(self.settings),
        )

    def _commands(self, what: str, per_hour: int) -> Commands:
        most = min(MOST, self.settings.changes_per_minute, per_hour)
        limits = changes(self.settings, self.account.name, what, per_hour)
        return Commands(self._api, lambda: self._client(*limits), most)

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
                    raise OutcomeUnknown(Reason("olhubd_allegro:status-not-shown", status=status))
                return
        raise Conflict(Reason("olhubd_allegro:changing"), status=409)

    async def _state(self, external_id: str) -> wire.FormState:
        """The state of the form. By another one's state a status would be taken for set that is not."""
        form = await self.orders.form(external_id, wire.FormState)
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
        path = f"{FORMS}/{form_id(external_id)}/shipments"
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
            raise OutcomeUnknown(Reason("olhubd_allegro:parcel-not-shown"))

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

    async def seller_address(self) -> Address | None:
        return await AccountTerms(self.account, self._api).address()
