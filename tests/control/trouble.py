"""Orders in trouble, for tests of what a person does about them."""

from __future__ import annotations

from typing import Any

from olhubd.store import Transaction, quarantine
from olhubd_kit.faults import Fault, FaultKind
from tests.control.house import House

__all__ = ["held", "quarantined", "unequal"]


async def held(house: House) -> dict[str, Any]:
    """A delivery that the shop refused, with its order."""
    house.shop.faults.add(Fault(kind=FaultKind.REFUSE, match="POST .*/orders$", status=400, times=1))
    house.market.ledger.buy()
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        found[:] = (await house.get("/deliveries", state="hold"))["items"]
        return bool(found)

    await house.until(there)
    return {"delivery": found[0]["id"], "order": found[0]["order"]["id"]}


async def unequal(house: House) -> dict[str, Any]:
    """One that the shop has, though not as it was sold."""
    found = await held(house)

    async def there(tx: Transaction) -> None:
        await tx.execute("UPDATE deliveries SET external_id = '501' WHERE id = ?", (found["delivery"],))

    await house.database.write(there)
    return found


async def quarantined(house: House) -> dict[str, Any]:
    """A record that could not land, of an order that its source has."""
    (sold,) = await house.sell()
    refused = quarantine.QuarantineDraft(
        kind="order", external_id=sold, reason="its parts do not sum up", raw=b"{}"
    )
    now = house.clock.now()
    await house.database.write(lambda tx: quarantine.put(tx, "market", "orders", [refused], now))
    (record,) = (await house.get("/quarantine"))["items"]
    return {"record": record["id"]}
