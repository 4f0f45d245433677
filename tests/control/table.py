"""Every route that is served, by who may ask it. Tests over all routes read it; one that is missing fails them.

Who adds a route adds it here, and where it changes something also to the table of `test_audit`.
"""

from __future__ import annotations

from olhubd.model import Scope

__all__ = ["ADMIN", "API", "BUTTONS", "DOOR", "LOGOUT", "OPEN", "OPERATE", "PAGES", "PLUGIN", "STREAM", "path"]

Key = tuple[str, str]

OPEN: set[Key] = {("GET", "/healthz"), ("GET", "/readyz")}
DOOR: set[Key] = {("GET", "/login"), ("POST", "/login"), ("GET", "/static/{name}"), ("GET", "/signin/callback")}
PAGES: set[Key] = {
    ("GET", "/"),
    ("GET", "/orders"),
    ("GET", "/orders/{order}"),
    ("GET", "/orders/export"),
    ("GET", "/customers"),
    ("GET", "/customers/{customer}"),
    ("GET", "/customers/export"),
    ("GET", "/customers/{customer}/data"),
    ("GET", "/api"),
    ("GET", "/api/openapi.json"),
    ("GET", "/waiting"),
    ("GET", "/runs"),
    ("GET", "/accounts"),
    ("GET", "/accounts/{account}/settings"),
    ("GET", "/accounts/{account}/sign-in"),
    ("GET", "/journal"),
    ("GET", "/mappings"),
    ("GET", "/statuses"),
    ("GET", "/plugins"),
    ("GET", "/settings"),
    ("GET", "/unlinked"),
    ("GET", "/stock"),
    ("GET", "/stock/plans"),
    ("GET", "/stock/oversold"),
    ("GET", "/offers"),
    ("GET", "/offers/made"),
    ("GET", "/links"),
    ("GET", "/links/export"),
    ("GET", "/products"),
    ("GET", "/products/{product}"),
    ("GET", "/prices"),
    ("GET", "/imports"),
    ("GET", "/find"),
    ("GET", "/tokens"),
}
ADMIN: set[Key] = {("GET", "/tokens")}
"""Pages for administrators alone."""
OPERATE: set[Key] = {("GET", "/accounts/{account}/sign-in")}
"""Pages that say what lets who reads them change something."""
LOGOUT: Key = ("POST", "/logout")
BUTTONS: dict[Key, Scope] = {
    ("POST", "/accounts/{account}/fetch"): Scope.OPERATE,
    ("POST", "/accounts/{account}/pause"): Scope.OPERATE,
    ("POST", "/accounts/{account}/resume"): Scope.OPERATE,
    ("POST", "/accounts/{account}/sign-in"): Scope.OPERATE,
    ("POST", "/accounts/{account}/sign-in/return"): Scope.OPERATE,
    ("POST", "/deliveries/{delivery}/retry"): Scope.OPERATE,
    ("POST", "/deliveries/{delivery}/accept"): Scope.OPERATE,
    ("POST", "/deliveries/{delivery}/discard"): Scope.OPERATE,
    ("POST", "/deliveries/{delivery}/release"): Scope.OPERATE,
    ("POST", "/deliveries/{delivery}/adopt"): Scope.OPERATE,
    ("POST", "/hold-causes/{cause}/retry"): Scope.OPERATE,
    ("POST", "/hold-causes/{cause}/release"): Scope.OPERATE,
    ("POST", "/hold-causes/{cause}/discard"): Scope.OPERATE,
    ("POST", "/orders/{order}/note"): Scope.OPERATE,
    ("POST", "/orders/{order}/status"): Scope.OPERATE,
    ("POST", "/orders/{order}/own-status"): Scope.OPERATE,
    ("POST", "/statuses"): Scope.OPERATE,
    ("POST", "/statuses/{status}"): Scope.OPERATE,
    ("POST", "/statuses/{status}/remove"): Scope.OPERATE,
    ("POST", "/orders/{order}/shipments"): Scope.OPERATE,
    ("POST", "/orders/{order}/address"): Scope.OPERATE,
    ("POST", "/orders/{order}/edit"): Scope.OPERATE,
    ("POST", "/orders/{order}/payments"): Scope.OPERATE,
    ("POST", "/orders/{order}/payments/{booking}/undo"): Scope.OPERATE,
    ("POST", "/orders/{order}/forward"): Scope.OPERATE,
    ("POST", "/quarantine/{record}/retry"): Scope.OPERATE,
    ("POST", "/quarantine/{record}/discard"): Scope.OPERATE,
    ("POST", "/accounts/{account}/rename"): Scope.OPERATE,
    ("POST", "/accounts/{account}/settings"): Scope.OPERATE,
    ("POST", "/accounts/{account}/remove"): Scope.ADMIN,
    ("POST", "/accounts/{account}/reconcile"): Scope.OPERATE,
    ("POST", "/links"): Scope.OPERATE,
    ("POST", "/offers/made"): Scope.OPERATE,
    ("POST", "/offers/made/rows"): Scope.OPERATE,
    ("POST", "/links/remove"): Scope.OPERATE,
    ("POST", "/links/confirm"): Scope.OPERATE,
    ("POST", "/sales-stops"): Scope.OPERATE,
    ("POST", "/sales-stops/lift"): Scope.OPERATE,
    ("POST", "/stock-plans/{plan}/approve"): Scope.OPERATE,
    ("POST", "/stock-plans/{plan}/reject"): Scope.OPERATE,
    ("POST", "/oversold/{record}/close"): Scope.OPERATE,
    ("POST", "/customers/{customer}/erase"): Scope.ADMIN,
    ("POST", "/tokens"): Scope.ADMIN,
    ("POST", "/tokens/{token}/revoke"): Scope.ADMIN,
}
STREAM: set[Key] = {("GET", "/events/stream")}
API: dict[Key, Scope] = {
    ("GET", "/metrics"): Scope.READ,
    ("GET", "/api/v1/status"): Scope.READ,
    ("GET", "/api/v1/plugins"): Scope.READ,
    ("POST", "/api/v1/reload"): Scope.ADMIN,
    ("POST", "/api/v1/log-level"): Scope.ADMIN,
    ("GET", "/api/v1/tokens"): Scope.ADMIN,
    ("POST", "/api/v1/tokens"): Scope.ADMIN,
    ("POST", "/api/v1/tokens/{token}/revoke"): Scope.ADMIN,
    ("GET", "/api/v1/accounts"): Scope.READ,
    ("GET", "/api/v1/accounts/{account}"): Scope.READ,
    ("POST", "/api/v1/accounts/{account}/fetch"): Scope.OPERATE,
    ("POST", "/api/v1/accounts/{account}/pause"): Scope.OPERATE,
    ("POST", "/api/v1/accounts/{account}/resume"): Scope.OPERATE,
    ("POST", "/api/v1/accounts/{account}/sign-in"): Scope.OPERATE,
    ("GET", "/api/v1/accounts/{account}/sign-in"): Scope.OPERATE,
    ("POST", "/api/v1/accounts/{account}/sign-in/return"): Scope.OPERATE,
    ("GET", "/api/v1/orders"): Scope.READ,
    ("GET", "/api/v1/orders/{order}"): Scope.READ,
    ("GET", "/api/v1/orders/{order}/events"): Scope.READ,
    ("GET", "/api/v1/customers"): Scope.READ,
    ("GET", "/api/v1/customers/export"): Scope.READ,
    ("GET", "/api/v1/customers/{customer}"): Scope.READ,
    ("GET", "/api/v1/customers/{customer}/data"): Scope.READ,
    ("POST", "/api/v1/customers/{customer}/erase"): Scope.ADMIN,
    ("GET", "/api/v1/deliveries"): Scope.READ,
    ("GET", "/api/v1/deliveries/{delivery}"): Scope.READ,
    ("POST", "/api/v1/deliveries/{delivery}/retry"): Scope.OPERATE,
    ("POST", "/api/v1/deliveries/{delivery}/discard"): Scope.OPERATE,
    ("POST", "/api/v1/deliveries/{delivery}/accept"): Scope.OPERATE,
    ("GET", "/api/v1/hold-causes"): Scope.READ,
    ("POST", "/api/v1/hold-causes/{cause}/retry"): Scope.OPERATE,
    ("POST", "/api/v1/hold-causes/{cause}/release"): Scope.OPERATE,
    ("POST", "/api/v1/hold-causes/{cause}/discard"): Scope.OPERATE,
    ("POST", "/api/v1/accounts/{account}/rename"): Scope.OPERATE,
    ("GET", "/api/v1/accounts/{account}/settings"): Scope.READ,
    ("POST", "/api/v1/accounts/{account}/settings"): Scope.OPERATE,
    ("POST", "/api/v1/accounts/{account}/remove"): Scope.ADMIN,
    ("POST", "/api/v1/accounts/{account}/reconcile"): Scope.OPERATE,
    ("GET", "/api/v1/orders/export"): Scope.READ,
    ("POST", "/api/v1/orders/{order}/note"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/status"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/own-status"): Scope.OPERATE,
    ("GET", "/api/v1/statuses"): Scope.READ,
    ("POST", "/api/v1/statuses/{status}"): Scope.OPERATE,
    ("POST", "/api/v1/statuses/{status}/remove"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/shipments"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/address"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/edit"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/payments"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/payments/{booking}/undo"): Scope.OPERATE,
    ("POST", "/api/v1/orders/{order}/forward"): Scope.OPERATE,
    ("POST", "/api/v1/deliveries/{delivery}/release"): Scope.OPERATE,
    ("POST", "/api/v1/deliveries/{delivery}/adopt"): Scope.OPERATE,
    ("POST", "/api/v1/quarantine/{record}/retry"): Scope.OPERATE,
    ("POST", "/api/v1/quarantine/{record}/discard"): Scope.OPERATE,
    ("GET", "/api/v1/journal"): Scope.READ,
    ("GET", "/api/v1/events"): Scope.READ,
    ("GET", "/api/v1/unlinked"): Scope.READ,
    ("GET", "/api/v1/settings"): Scope.READ,
    ("GET", "/api/v1/mappings"): Scope.READ,
    ("GET", "/api/v1/alarms"): Scope.READ,
    ("GET", "/api/v1/doctor"): Scope.READ,
    ("GET", "/api/v1/reconciliations"): Scope.READ,
    ("GET", "/api/v1/openapi.json"): Scope.READ,
    ("GET", "/api/v1/runs"): Scope.READ,
    ("GET", "/api/v1/quarantine"): Scope.READ,
    ("GET", "/api/v1/quarantine/{record}"): Scope.READ,
    ("GET", "/api/v1/stock/{item}"): Scope.READ,
    ("GET", "/api/v1/strangers"): Scope.READ,
    ("POST", "/api/v1/strangers/{account}/{order}/discard"): Scope.OPERATE,
    ("GET", "/api/v1/stock"): Scope.READ,
    ("GET", "/api/v1/offers"): Scope.READ,
    ("GET", "/api/v1/offers/{offer}"): Scope.READ,
    ("GET", "/api/v1/offer-drafts"): Scope.READ,
    ("POST", "/api/v1/offers"): Scope.OPERATE,
    **{
        ("POST", f"/api/v1/offers/{{account}}/{{offer}}/{deed}"): Scope.OPERATE
        for deed in ("change", "copy", "end")
    },
    **{
        ("POST", f"/api/v1/offers/{{account}}/{{offer}}/{deed}"): Scope.OPERATE
        for deed in ("approve-price", "auto-resume", "follow-price", "ignore", "resume", "retry", "send-price")
    },
    ("GET", "/api/v1/sales-stops"): Scope.READ,
    ("POST", "/api/v1/sales-stops"): Scope.OPERATE,
    ("POST", "/api/v1/sales-stops/lift"): Scope.OPERATE,
    ("GET", "/api/v1/stock-plans"): Scope.READ,
    ("GET", "/api/v1/stock-plans/{plan}"): Scope.READ,
    ("POST", "/api/v1/stock-plans/{plan}/approve"): Scope.OPERATE,
    ("POST", "/api/v1/stock-plans/{plan}/reject"): Scope.OPERATE,
    ("GET", "/api/v1/oversold"): Scope.READ,
    ("GET", "/api/v1/oversold/{record}"): Scope.READ,
    ("POST", "/api/v1/oversold/{record}/close"): Scope.OPERATE,
    ("GET", "/api/v1/pricing/{item}"): Scope.READ,
    ("GET", "/api/v1/price-lists"): Scope.READ,
    ("GET", "/api/v1/list-prices"): Scope.READ,
    ("GET", "/api/v1/products"): Scope.READ,
    ("GET", "/api/v1/products/{product}"): Scope.READ,
    ("GET", "/api/v1/imports"): Scope.READ,
    ("GET", "/api/v1/imports/accounts"): Scope.READ,
    ("GET", "/api/v1/links"): Scope.READ,
    ("GET", "/api/v1/links/export"): Scope.READ,
    ("POST", "/api/v1/links"): Scope.OPERATE,
    ("POST", "/api/v1/links/remove"): Scope.OPERATE,
    ("POST", "/api/v1/links/confirm"): Scope.OPERATE,
    ("POST", "/api/v1/links/import"): Scope.OPERATE,
}
PLUGIN: dict[Key, Scope] = {
    ("GET", "/extra"): Scope.READ,
    ("POST", "/extra"): Scope.OPERATE,
    ("DELETE", "/extra/{order}"): Scope.OPERATE,
}
"""What a plugin of the test adds: routes that say nothing of scopes go by their method."""

_PARTS = {"account": "nobody", "name": "style.css", "token": "nothing"}


def path(pattern: str) -> str:
    """The pattern with names of nothing in it; ids of rows are 0."""

    class Parts(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return _PARTS.get(key, "0")

    return pattern.format_map(Parts())
