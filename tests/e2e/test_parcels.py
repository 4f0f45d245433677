"""Parcels on their way back to the marketplace, whole hub."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from olhubd_kit.simulators.allegro import AllegroSimulator
from olhubd_kit.simulators.allegro.answers import refused
from tests.e2e.test_hub import Seller


async def test_a_number_that_is_none_of_the_carriers_goes_by_its_carriers_name(tmp_path: Path) -> None:
    """allegro-api#7673: a DPD of another country; Allegro's support says OTHER with the carrier's name."""

    class Strict(AllegroSimulator):
        async def _ship(self, request: web.Request) -> web.Response:
            if msgspec.json.decode(await request.read()).get("carrierId") == "DPD":
                return refused(400, "CarrierWaybillValidationException", "Waybill is not valid for this carrier")
            return await super()._ship(request)

    seller = Seller(tmp_path)
    seller.first = Strict(1)
    with structlog.testing.capture_logs():
        async with seller.open():
            (order,) = seller.first.ledger.buy(paid=True)
            await seller.settled()
            entry = seller.in_shop("first", order)
            seller.shop.add_tracking(entry.external_id, "250095804610596704", "dpd")

            async def attached() -> bool:
                (sold,) = [e for e in seller.first.books() if e.external_id == order]
                return len(sold.shipments) == 1

            await seller.until(attached)
