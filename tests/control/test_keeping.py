"""Accounts as a person keeps them: renamed, removed, and never mistaken for another shop."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from olhubd.engine.access import key_retry
from olhubd.model import Reason
from olhubd.store import accounts, deliveries
from olhubd.store.accounts import AccountState
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.simulator import serve
from olhubd_kit.simulators.woocommerce import WooCommerceSimulator
from tests.control.house import House


async def test_a_title_changes_nothing_else(trading: House) -> None:
    """ACC-05: the name that is shown, through a reload too, and no mark on any order."""
    (sold,) = await trading.sell()
    status, account = await trading.ask("POST", "/accounts/market/rename", {"title": "Allegro, ogród"})
    assert (status, account["title"], account["name"]) == (200, "Allegro, ogród", "market")
    assert (await trading.get(f"/orders/{sold}"))["reference"] == f"market:{sold}"
    await trading.ask("POST", "/accounts/market/pause")
    await trading.ask("POST", "/accounts/market/resume")
    assert (await trading.get("/accounts/market"))["title"] == "Allegro, ogród"
    assert (await trading.ask("POST", "/accounts/market/rename", {}))[1]["title"] == "market"
    assert (await trading.ask("POST", "/accounts/nobody/rename", {"title": "x"}))[0] == 404


async def without(house: House, name: str) -> None:
    """The configuration without an account and the routes."""
    parts = house.path.read_text().split("\n[")
    kept = [part for part in parts if not part.startswith((f"accounts.{name}]", "[routes]]"))]
    house.path.write_text("\n[".join(kept))
    await house.hub.reload(house.configuration())


async def test_an_account_that_is_gone_keeps_its_history_until_and_after_it_is_removed(trading: House) -> None:
    """Refused while it is configured, then while something is owed, with what it is."""
    (sold,) = await trading.sell()
    status, problem = await trading.ask("POST", "/accounts/shop/remove")
    assert status == 409
    assert "stands in the configuration" in problem["detail"]
    await trading.ask("POST", "/accounts/shop/pause")
    await trading.ask("POST", f"/orders/{sold}/shipments", {"carrier": "DPD", "waybill": "123"})
    await without(trading, "shop")
    (gone,) = (await trading.get("/accounts"))["gone"]
    assert gone["name"] == "shop"
    assert gone["ties"] == ["1 owed to it (olhubd deliveries list --target shop)"]
    status, problem = await trading.ask("POST", "/accounts/shop/remove")
    assert status == 409
    assert "1 owed to it" in problem["detail"]
    (owed,) = (await trading.get("/deliveries", target="shop", state="pending"))["items"]
    await trading.database.write(
        lambda tx: tx.execute("UPDATE deliveries SET state = 'dead' WHERE id = ?", (owed["id"],))
    )
    status, left = await trading.ask("POST", "/accounts/shop/remove")
    assert (status, left["gone"]) == (200, [])
    card = await trading.get(f"/orders/{sold}")
    assert [copy["account"] for copy in card["copies"]] == ["shop"]
    assert (await trading.ask("POST", "/accounts/shop/remove"))[0] == 409


async def proven(house: House) -> Any:
    found: list[Any] = []

    async def there() -> bool:
        row = await accounts.get(house.database.reader, "shop")
        found[:] = [row]
        return row is not None and row.owner is not None

    await house.until(there)
    return found[0]


async def test_another_shop_under_the_same_name_is_refused_loudly(trading: House) -> None:
    """Nothing goes there; the account is parked and says whose it is; with a word, a shop that moved goes on."""
    await trading.sell()
    before = await proven(trading)
    other = WooCommerceSimulator(9)
    other.home = "http://other.test"
    async with serve(other) as base:
        url = str(trading.hub.configuration.accounts["shop"].settings.url).rstrip("/")  # type: ignore[attr-defined]
        trading.path.write_text(trading.path.read_text().replace(url, base))
        assert base in trading.path.read_text()
        await trading.ask("POST", "/accounts/shop/pause")
        trading.market.ledger.buy()

        async def owed() -> bool:
            return bool(await deliveries.tally(trading.database.reader))

        await trading.until(owed)
        await trading.database.write(lambda tx: tx.execute("UPDATE accounts SET state = 'active'"))
        # It takes its time to say who it is; what is owed must wait for that.
        other.faults.add(Fault(kind=FaultKind.SLOW, match="GET /wp-json/$", times=None, seconds=1.0))
        await trading.hub.reload(trading.configuration())

        async def parked() -> bool:
            return bool((await trading.get("/accounts/shop"))["state"] == "parked")

        await trading.until(parked)
        account = await trading.get("/accounts/shop")
        assert "another system answers" in account["reason"]
        status, problem = await trading.ask("POST", "/accounts/shop/resume")
        assert status == 409
        assert "resume it as moved" in problem["detail"]
        assert other.books() == []
        assert (await trading.ask("POST", "/accounts/shop/resume", {"moved": True}))[0] == 200

        async def arrived() -> bool:
            return len(other.books()) == 1

        await trading.until(arrived)
        row = await accounts.get(trading.database.reader, "shop")
        assert row is not None
        assert (row.state, row.owner != before.owner) == (AccountState.ACTIVE, True)


async def test_a_key_that_another_shop_takes_starts_nothing(
    trading: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account was parked for its key, and its address leads elsewhere by now: the key is taken there at once."""
    monkeypatch.setattr(key_retry, "_FIRST", 0.05)
    await trading.sell()
    row = await proven(trading)
    refused = msgspec.structs.replace(
        row, state=AccountState.PARKED, reason=Reason("account.key-refused", error="401")
    )
    other = WooCommerceSimulator(9)
    other.home = "http://other.test"
    async with serve(other) as base:
        url = str(trading.hub.configuration.accounts["shop"].settings.url).rstrip("/")  # type: ignore[attr-defined]
        trading.path.write_text(trading.path.read_text().replace(url, base))
        await trading.database.write(lambda tx: accounts.put(tx, refused))
        await trading.hub.reload(trading.configuration())
        trading.market.ledger.buy()
        unit = trading.hub.unit("shop")

        async def answered() -> bool:
            return unit._proof.another is not None

        await trading.until(answered)
        tried = unit._key_retry._pauses.failures

        async def tried_again() -> bool:
            return unit._key_retry._pauses.failures >= tried + 3 or not unit.record.parked

        await trading.until(tried_again)
        assert unit.record.parked
        assert other.books() == []


async def test_nothing_goes_on_at_a_persons_word_before_a_shop_has_said_who_it_is(trading: House) -> None:
    """Who lets it go may not know that its address leads to another shop by now."""
    await trading.sell()
    await proven(trading)
    other = WooCommerceSimulator(9)
    other.home = "http://other.test"
    async with serve(other) as base:
        url = str(trading.hub.configuration.accounts["shop"].settings.url).rstrip("/")  # type: ignore[attr-defined]
        trading.path.write_text(trading.path.read_text().replace(url, base))
        other.faults.add(Fault(kind=FaultKind.ERROR, match="GET /wp-json/$", times=None, status=503))
        await trading.hub.reload(trading.configuration())
        trading.market.ledger.buy()

        async def owed() -> bool:
            return bool(await deliveries.tally(trading.database.reader))

        await trading.until(owed)
        assert (await trading.ask("POST", "/accounts/shop/resume"))[0] == 200
        asked = other.faults.struck.get(FaultKind.ERROR, 0)

        async def asked_again() -> bool:
            return other.faults.struck.get(FaultKind.ERROR, 0) >= asked + 2

        await trading.until(asked_again)
        other.faults.clear()

        async def parked() -> bool:
            return bool((await trading.get("/accounts/shop"))["state"] == "parked")

        await trading.until(parked)
        assert other.books() == []


async def test_other_settings_of_the_same_shop_are_no_other_shop(trading: House) -> None:
    await proven(trading)
    text = trading.path.read_text()
    trading.path.write_text(
        text.replace('connector = "woocommerce"', 'connector = "woocommerce"\noverlap = "20 min"')
    )
    await trading.hub.reload(trading.configuration())
    await trading.sell()
    assert (await trading.get("/accounts/shop"))["state"] == "active"
