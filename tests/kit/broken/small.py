"""Small sinks that do things twice, or never."""

from __future__ import annotations

from msgspec.structs import replace

from olhubd.model import Money, Payment, Shipment
from olhubd.plugin import Conflict, NotFound, Rejected
from tests.kit.broken.good import GoodSmall, breaks


@breaks("STATUS-03")
class SetsTheStatusOfNobody(GoodSmall):
    """Takes an order that is not there for one that needs nothing."""

    async def set_status(self, external_id: str, status: str) -> None:
        try:
            await super().set_status(external_id, status)
        except NotFound:
            return


@breaks("PAY-02")
class PaysAgain(GoodSmall):
    """Adds the whole sum without a look at what is booked."""

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        await self.change(external_id, "payment", str(paid.amount))


@breaks("SHIP-02")
class AddsTheParcelAsTyped(GoodSmall):
    """Compares waybills letter by letter."""

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        order = await self.held(external_id)
        if shipment.waybill not in [parcel.number for parcel in order.parcels]:
            await self.change(external_id, "parcel", replace(self.parcel(order, shipment), number=shipment.waybill))


@breaks("CANCEL-02")
class StumblesOverItsOwnCancel(GoodSmall):
    """Raises where the order is cancelled already."""

    async def cancel_order(self, external_id: str, reason: str) -> None:
        if (await self.held(external_id)).state == "sent":
            raise Conflict("the order is sent already")
        await self.change(external_id, "state", "cancelled")


@breaks(
    *("STATUS-01", "STATUS-02", "STATUS-03", "STATUS-04", "STATUS-05", "STATUS-06"),
    *("PAY-01", "PAY-02", "PAY-03", "PAY-04"),
    *("SHIP-01", "SHIP-02", "SHIP-03", "SHIP-04", "SHIP-05", "SHIP-06", "SHIP-07"),
    *("CANCEL-01", "CANCEL-02", "CANCEL-03", "CANCEL-04", "CANCEL-05"),
    *("FAIL-01", "FAIL-02", "FAIL-03", "FAIL-04", "FAIL-05", "FAIL-06", "FAIL-07", "FAIL-10"),
)
class Sleeps(GoodSmall):
    """Does nothing, and is content."""

    async def set_status(self, external_id: str, status: str) -> None:
        return

    async def set_payment(self, external_id: str, payment: Payment, paid: Money) -> None:
        return

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        return

    async def cancel_order(self, external_id: str, reason: str) -> None:
        return


@breaks("STATUS-05")
class RaisesTheDead(GoodSmall):
    """Takes the refusal of a cancelled order for an order that is there already."""

    async def set_status(self, external_id: str, status: str) -> None:
        try:
            await super().set_status(external_id, status)
        except Conflict:
            return


@breaks("STATUS-04")
class TakesAnyWord(GoodSmall):
    """Leaves out a status that the shop does not know, and says nothing."""

    async def set_status(self, external_id: str, status: str) -> None:
        try:
            await super().set_status(external_id, status)
        except Rejected:
            return


@breaks("SHIP-01", "SHIP-06")
class KeepsOneParcel(GoodSmall):
    """Thinks that an order is one parcel."""

    async def add_shipment(self, external_id: str, shipment: Shipment) -> None:
        order = await self.held(external_id)
        if not order.parcels:
            await self.change(external_id, "parcel", self.parcel(order, shipment))


@breaks("CANCEL-04")
class CancelsTheSent(GoodSmall):
    """Takes "too late" for "done"."""

    async def cancel_order(self, external_id: str, reason: str) -> None:
        try:
            await super().cancel_order(external_id, reason)
        except Conflict:
            return
