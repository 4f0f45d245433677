"""A real Vendure shop for tests: installed once, started on a free port with all its data in memory, and seeded.

It is the shop itself and a clerk who reads its books over the admin API; it knows nothing of olhubd's plugin. Two
variables of the environment choose another kind of it: OLHUBD_VENDURE_DB=postgres keeps its data in a PostgreSQL
started for it, OLHUBD_VENDURE_IDS=uuid gives identifiers that are not in the order in which records were made.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from olhubd_kit.catalogue import PRODUCTS
from tests.e2e import postgres

__all__ = ["Clerk", "Shop", "ShopUnavailable", "add_product", "install", "running", "ten_off"]

FOLDER = Path(__file__).parent / "vendure"
PLACEHOLDER = "MARKETPLACE"
STOCK = 100_000
"""Of each product: enough for all tests of a session together."""
INSTALL_LIMIT = 900.0
START_LIMIT = 180.0


class ShopUnavailable(Exception):
    """The shop cannot be had here; the text says what is missing."""


def install(folder: Path = FOLDER) -> None:
    """Install the locked packages, once per lock file. Raises ShopUnavailable without node, npm or a registry."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise ShopUnavailable(f"{program} is not installed")
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "node_modules" / ".installed"
    with (folder / ".lock").open("w") as turn:
        # One installs, the other processes of a parallel test run wait for it.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (mark.exists() and mark.read_text() == lock):
            _npm_ci(folder)
            mark.write_text(lock)


def _npm_ci(folder: Path) -> None:
    command = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--no-progress"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_LIMIT)
    except subprocess.CalledProcessError as error:
        said = [line for line in (error.stderr or "").splitlines() if line.startswith("npm error")]
        raise ShopUnavailable(f"npm ci failed: {' '.join(said[:2]) or 'no reason given'}") from error
    except subprocess.TimeoutExpired as error:
        raise ShopUnavailable(f"npm ci did not end within {INSTALL_LIMIT:.0f} s") from error


class Clerk:
    """Signed in as superadmin: asks the shop anything, directly, whatever the hub believes."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._token: str | None = None

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of the answer; an answer with errors fails."""
        if self._token is None:
            login = 'mutation{login(username:"superadmin",password:"superadmin"){__typename}}'
            with self._post(login, {}) as response:
                self._token = response.headers["vendure-auth-token"]
        with self._post(query, variables or {}) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise AssertionError(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data

    @contextlib.contextmanager
    def _post(self, query: str, variables: Mapping[str, Any]) -> Iterator[Any]:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.base}/admin-api", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                yield response
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def orders(self, only: str = "{}") -> list[dict[str, Any]]:
        """All orders, carts and drafts too, that fit a filter as GraphQL writes it."""
        fields = """id code state active currencyCode totalWithTax shippingWithTax orderPlacedAt
          customFields{externalId}
          customer{id emailAddress firstName lastName}
          shippingAddress{fullName company streetLine1 city postalCode countryCode phoneNumber}
          lines{quantity unitPriceWithTax linePriceWithTax taxRate productVariant{sku}}
          shippingLines{shippingMethod{code}}
          payments{method amount state transactionId}
          fulfillments{state method trackingCode lines{quantity}}"""
        found = self.ask(f"{{orders(options:{{take:1000,filter:{only}}}){{items{{{fields}}}}}}}")
        items: list[dict[str, Any]] = found["orders"]["items"]
        return items

    def order(self, reference: str) -> dict[str, Any]:
        """The one order with our reference; none or two fail."""
        found = self.orders(f"{{externalId:{{eq:{json.dumps(reference)}}}}}")
        assert len(found) == 1, f"{len(found)} orders carry {reference}"
        return found[0]

    def ship(self, order_id: str, carrier: str, waybill: str) -> None:
        """Send all of an order, as somebody at the shop's dashboard would."""
        lines = self.ask("query($i:ID!){order(id:$i){lines{id quantity}}}", {"i": order_id})["order"]["lines"]
        arguments = [{"name": "method", "value": carrier}, {"name": "trackingCode", "value": waybill}]
        made = self.ask(
            "mutation($i:FulfillOrderInput!){addFulfillmentToOrder(input:$i){__typename ... on Fulfillment{id}}}",
            {
                "i": {
                    "lines": [{"orderLineId": line["id"], "quantity": line["quantity"]} for line in lines],
                    "handler": {"code": "manual-fulfillment", "arguments": arguments},
                }
            },
        )["addFulfillmentToOrder"]
        move = 'mutation($i:ID!){transitionFulfillmentToState(id:$i,state:"Shipped"){__typename}}'
        assert self.ask(move, {"i": made["id"]})["transitionFulfillmentToState"]["__typename"] == "Fulfillment"

    @contextlib.contextmanager
    def placed(self, moments: Sequence[datetime]) -> Iterator[list[str]]:
        """The ids of as many placed orders, made and touched at these moments; they go away afterwards."""
        place = "mutation($m:[DateTime!]!){placeOrders(moments:$m)}"
        ids: list[str] = self.ask(place, {"m": [at.isoformat() for at in moments]})["placeOrders"]
        try:
            yield ids
        finally:
            self.ask("mutation($i:[ID!]!){removeOrders(ids:$i)}", {"i": ids})

    def age(self, ids: Sequence[str], by: timedelta) -> None:
        """Let orders have been made earlier than they were."""
        change = "mutation($i:[ID!]!,$m:DateTime!){ageOrders(ids:$i,moment:$m)}"
        self.ask(change, {"i": list(ids), "m": (datetime.now(UTC) - by).isoformat()})

    def set_stock(self, sku: str, on_hand: int) -> None:
        """Say how many pieces there are."""
        query = "query($sku:String!){productVariants(options:{filter:{sku:{eq:$sku}}}){items{id stockLevels{\
stockLocationId}}}}"
        variant = self.ask(query, {"sku": sku})["productVariants"]["items"][0]
        level = {"stockLocationId": variant["stockLevels"][0]["stockLocationId"], "stockOnHand": on_hand}
        change = "mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}"
        self.ask(change, {"i": [{"id": variant["id"], "stockLevels": [level]}]})

    def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, allocated)."""
        query = "query($sku:String!){productVariants(options:{filter:{sku:{eq:$sku}}}){items{stockLevels{\
stockOnHand stockAllocated}}}}"
        levels = self.ask(query, {"sku": sku})["productVariants"]["items"][0]["stockLevels"]
        return sum(x["stockOnHand"] for x in levels), sum(x["stockAllocated"] for x in levels)

    def allocated(self, sku: str) -> Counter[str]:
        """How many pieces were put aside for each order, by its id, whatever has become of them since."""
        found: Counter[str] = Counter()
        for one in self.ask("query($s:String!){allocatedFor(sku:$s){order quantity}}", {"s": sku})["allocatedFor"]:
            found[one["order"]] += one["quantity"]
        return found


class Shop:
    """One running, seeded shop. `shipping` and `payment` are codes of its methods."""

    shipping = "marketplace"
    plain_shipping = "courier"
    payment = "marketplace"
    placeholder = PLACEHOLDER

    def __init__(self, base: str, ids: str) -> None:
        self.base = base
        self.absent = "999999" if ids == "increment" else "99999999-9999-4999-8999-999999999999"
        """An identifier that no record has."""
        self.username = "superadmin"
        self.password = "superadmin"
        self.clerk = Clerk(base)

    def settings(self, base: str | None = None, **more: Any) -> dict[str, Any]:
        """The settings of an account of the vendure connector, directly or through a proxy at `base`."""
        return {
            "url": base or self.base,
            "username": self.username,
            "password": self.password,
            "placeholder_sku": self.placeholder,
            **more,
        }


@contextlib.contextmanager
def running(folder: Path = FOLDER, *, plain: bool = False, ids: str | None = None) -> Iterator[Shop]:
    """A started and seeded shop; `plain` leaves olhubd's server plugin out, `ids` is "increment" or "uuid", by
    default what the environment says. Call `install` first."""
    port = _free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "PLAIN": "1" if plain else "0",
        "IDS": ids or os.environ.get("OLHUBD_VENDURE_IDS", "increment"),
        "DB": os.environ.get("OLHUBD_VENDURE_DB", "memory"),
    }
    with contextlib.ExitStack() as stack:
        if environment["DB"] == "postgres":
            try:
                environment |= stack.enter_context(postgres.cluster(_free_port()))
            except postgres.DatabaseUnavailable as error:
                raise ShopUnavailable(str(error)) from error
        shop = stack.enter_context(_served(folder, port, environment))
        seed(shop.clerk, plain=plain)
        yield shop


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _served(folder: Path, port: int, environment: Mapping[str, str]) -> Iterator[Shop]:
    log = folder / "node_modules" / f".server-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["node", "server.js"], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        shop = Shop(f"http://127.0.0.1:{port}", environment["IDS"])
        _wait(shop, process, log)
        yield shop
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.unlink(missing_ok=True)


def _wait(shop: Shop, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ShopUnavailable(f"the server ended with {process.returncode}: {log.read_text()[-500:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{shop.base}/health", timeout=5):
            return
        time.sleep(0.1)
    raise ShopUnavailable(f"the server was not ready within {START_LIMIT:.0f} s: {log.read_text()[-500:]}")


def seed(clerk: Clerk, *, plain: bool = False) -> None:
    """Poland, złoty, gross prices, a tax category per rate, the shared catalogue, delivery and payment methods."""
    ask = clerk.ask

    def text(name: str) -> list[dict[str, Any]]:
        return [{"languageCode": "en", "name": name}]

    countries = [
        ask("mutation($i:CreateCountryInput!){createCountry(input:$i){id}}",
            {"i": {"code": code, "enabled": True, "translations": text(name)}})["createCountry"]["id"]
        for code, name in (("PL", "Polska"), ("CZ", "Česko"), ("SK", "Slovensko"), ("HU", "Magyarország"))
    ]  # fmt: skip
    zone = ask(
        "mutation($i:CreateZoneInput!){createZone(input:$i){id}}", {"i": {"name": "EU", "memberIds": countries}}
    )["createZone"]["id"]
    channel = ask("{activeChannel{id}}")["activeChannel"]["id"]
    ask(
        "mutation($i:UpdateChannelInput!){updateChannel(input:$i){__typename ... on Channel{id}}}",
        {
            "i": {
                "id": channel,
                "availableCurrencyCodes": ["PLN"],
                "defaultCurrencyCode": "PLN",
                "pricesIncludeTax": True,
                "defaultTaxZoneId": zone,
                "defaultShippingZoneId": zone,
            }
        },
    )
    categories: dict[str, str] = {}
    for rate in sorted({str(product.tax.rate) for product in PRODUCTS if product.tax}):
        categories[rate] = ask(
            "mutation($i:CreateTaxCategoryInput!){createTaxCategory(input:$i){id}}",
            {"i": {"name": f"{rate} %", "isDefault": rate == "23"}},
        )["createTaxCategory"]["id"]
        ask(
            "mutation($i:CreateTaxRateInput!){createTaxRate(input:$i){id}}",
            {
                "i": {
                    "name": f"PL {rate} %",
                    "value": float(rate),
                    "enabled": True,
                    "categoryId": categories[rate],
                    "zoneId": zone,
                }
            },
        )
    _methods(clerk, plain=plain)
    location = ask("{stockLocations{items{id}}}")["stockLocations"]["items"][0]["id"]
    for product in PRODUCTS:
        assert product.price is not None
        assert product.tax is not None
        add_product(clerk, product.name, product.sku or "", {
            "price": product.price.minor(),
            "taxCategoryId": categories[str(product.tax.rate)],
            "trackInventory": "TRUE",
            "customFields": {"ean": product.ean},
            "stockLevels": [{"stockLocationId": location, "stockOnHand": STOCK}],
        })  # fmt: skip
    add_product(
        clerk,
        "Marketplace item",
        PLACEHOLDER,
        {"price": 0, "taxCategoryId": categories["23"], "trackInventory": "FALSE"},
    )


def add_product(clerk: Clerk, name: str, sku: str, variant: dict[str, Any]) -> None:
    """One product of one variant; a SKU that exists may be given once more."""
    slug = f"{sku.lower()}-{len(name)}"
    product = clerk.ask(
        "mutation($i:CreateProductInput!){createProduct(input:$i){id}}",
        {"i": {"translations": [{"languageCode": "en", "name": name, "slug": slug, "description": ""}]}},
    )["createProduct"]["id"]
    clerk.ask(
        "mutation($i:[CreateProductVariantInput!]!){createProductVariants(input:$i){id}}",
        {
            "i": [
                {
                    "productId": product,
                    "sku": sku,
                    "translations": [{"languageCode": "en", "name": name}],
                    **variant,
                }
            ]
        },
    )


def ten_off(clerk: Clerk) -> str:
    """A promotion that applies by itself to every order."""
    made: str = clerk.ask(
        "mutation($i:CreatePromotionInput!){createPromotion(input:$i){... on Promotion{id}}}",
        {"i": {
            "enabled": True,
            "conditions": [{"code": "minimum_order_amount", "arguments": [
                {"name": "amount", "value": "1"}, {"name": "taxInclusive", "value": "true"}]}],
            "actions": [{"code": "order_percentage_discount", "arguments": [{"name": "discount", "value": "10"}]}],
            "translations": [{"languageCode": "en", "name": "Ten off", "description": ""}],
        }},
    )["createPromotion"]["id"]  # fmt: skip
    return made


def _methods(clerk: Clerk, *, plain: bool) -> None:
    def shipping(code: str, checker: dict[str, Any], calculator: dict[str, Any]) -> None:
        clerk.ask(
            "mutation($i:CreateShippingMethodInput!){createShippingMethod(input:$i){id}}",
            {
                "i": {
                    "code": code,
                    "fulfillmentHandler": "manual-fulfillment",
                    "checker": checker,
                    "calculator": calculator,
                    "translations": [{"languageCode": "en", "name": code, "description": ""}],
                }
            },
        )

    def arguments(**values: str) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in values.items()]

    shipping(
        Shop.plain_shipping,
        {"code": "default-shipping-eligibility-checker", "arguments": arguments(orderMinimum="0")},
        {"code": "default-shipping-calculator",
         "arguments": arguments(rate="1299", includesTax="include", taxRate="23")},
    )  # fmt: skip
    if plain:
        return
    shipping(
        Shop.shipping,
        {"code": "olhubd-only", "arguments": []},
        {"code": "olhubd-shipping", "arguments": arguments(taxRate="23")},
    )
    clerk.ask(
        "mutation($i:CreatePaymentMethodInput!){createPaymentMethod(input:$i){id}}",
        {
            "i": {
                "code": Shop.payment,
                "enabled": True,
                "handler": {"code": "olhubd-payment", "arguments": []},
                "checker": {"code": "olhubd-only", "arguments": []},
                "translations": [{"languageCode": "en", "name": "Marketplace", "description": ""}],
            }
        },
    )
