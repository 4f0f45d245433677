"""HTTP to one shop: addresses with and without permalinks, the ways to sign in, and what refusals mean.

It knows nothing of orders. A write is never repeated here unless its caller says that twice is once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from olhubd.plugin import (
    Account,
    AuthLost,
    Basic,
    Budget,
    Clock,
    Conflict,
    ContractBroken,
    ErrorDetails,
    ErrorTable,
    ListPage,
    Middleware,
    NotFound,
    OAuth1,
    PageSize,
    Permanent,
    Rejected,
    Response,
    ShortPages,
    Unavailable,
    by_offset,
    whole,
)
from olhubd_woocommerce.settings import Auth, WooCommerceSettings

__all__ = ["ERRORS", "NEEDS_PRODUCT", "PAGE", "Query", "Shop", "counted"]

T = TypeVar("T")
Query = Mapping[str, str | int]

PAGE = 100
"""Rows per page; the shop refuses more."""
_NO_ROUTE = "rest_no_route"
"""The feature or plugin behind an address is not there. Of an order it says nothing: WordPress says so of each
address of WooCommerce while that is switched off, as it is for a moment when it is updated."""
NEEDS_PRODUCT = "woocommerce_rest_required_product_reference"
"""A line must name a product; releases differ in whether a name alone is enough."""
_CLOCK = "olhubd-clock"
_SENSELESS = 7 * 86_400.0
"""Seconds by which no clock that can be used goes back."""
_NOBODY = "woocommerce_rest_cannot_"
_DIED = frozenset({"wp_die", "internal_server_error"})
"""Codes of WordPress where a program in it broke off: in the same form, yet no word about what was done."""


class _Data(msgspec.Struct):
    status: int | None = None
    params: Any = None


class _Refusal(msgspec.Struct):
    code: str
    message: str
    data: _Data


def _is_refusal(answer: Response) -> bool:
    """WordPress refuses by a code, a sentence and the status once more; a firewall's JSON has no such data."""
    refusal = answer.into(_Refusal)
    return bool(refusal.code) and refusal.code not in _DIED and refusal.data.status == answer.status


def _read(answer: Response) -> ErrorDetails:
    """What a refusal says. Never its `details`, which quote the values sent."""
    refusal = answer.into(_Refusal)
    message = refusal.message
    if answer.status == HTTPStatus.UNAUTHORIZED and "timestamp" in message.lower():
        # A clock that is wrong, ours or the shop's, is no lost key: it passes when somebody sets it right.
        return ErrorDetails(code=_CLOCK, message=f"{message} The clock of this machine or of the shop is wrong.")
    if answer.status == HTTPStatus.UNAUTHORIZED and refusal.code.startswith(_NOBODY):
        # What it says of a wrong secret is something else.
        message = (
            f"{message} The shop saw no key that it knows: the key was deleted or mistyped, or the host strips the"
            " Authorization header (then auth = query, over https)."
        )
    elif refusal.code == _NO_ROUTE:
        message = f"{message} WooCommerce is switched off there, is being updated, or is too old for this."
    elif answer.status in (401, 403):
        message = f"{message or 'refused'} Either the key is wrong or it lacks the right to do this."
    params = refusal.data.params
    field = next(iter(params), None) if isinstance(params, dict) else None
    return ErrorDetails(code=refusal.code, message=message, field=field)


ERRORS = ErrorTable(
    read=_read,
    is_refusal=_is_refusal,
    statuses={401: AuthLost, 404: NotFound, 409: Conflict, 410: NotFound, 413: Rejected},
    # The shop knows the key, which lacks the right. Other codes of a 403 are of plugins that nobody knows.
    forbidden={f"{_NOBODY}{deed}": AuthLost for deed in ("view", "create", "edit", "delete", "batch", "read")},
    codes={
        "woocommerce_rest_shop_order_invalid_id": NotFound,
        "woocommerce_rest_order_invalid_id": NotFound,
        "woocommerce_rest_product_invalid_id": NotFound,
        _NO_ROUTE: Unavailable,
        _CLOCK: Unavailable,
    },
)
_FEATURES = msgspec.structs.replace(ERRORS, codes={**ERRORS.codes, _NO_ROUTE: NotFound})
"""For what not every shop has."""


def _auth(settings: WooCommerceSettings, clock: Clock) -> Middleware | None:
    """None where the key goes in the address."""
    if settings.auth is Auth.QUERY:
        return None
    if settings.consumer_key is None or settings.consumer_secret is None:
        assert settings.application_password is not None  # the settings were checked
        return Basic(settings.username or "", settings.application_password)
    key, secret = settings.consumer_key, settings.consumer_secret
    if settings.auth is Auth.OAUTH1 or (settings.auth is Auth.AUTO and settings.url.scheme == "http"):
        # WordPress takes part only when it believes itself on plain http, so http is signed.
        return OAuth1(key, secret, clock, scheme="http")
    return Basic(key, secret)


def _proof(settings: WooCommerceSettings) -> Query:
    """What goes into each address as proof."""
    if settings.auth is not Auth.QUERY or settings.consumer_key is None or settings.consumer_secret is None:
        return {}
    key, secret = settings.consumer_key.get_secret_value(), settings.consumer_secret.get_secret_value()
    return {"consumer_key": key, "consumer_secret": secret}


class Shop:
    """The REST API of one shop. Paths are below its root: "/wc/v3/orders"."""

    def __init__(self, account: Account[WooCommerceSettings]) -> None:
        settings = account.settings
        self._pretty = settings.pretty_permalinks
        self._clock, self._log = account.clock, account.log
        self._least: float | None = None
        """By how many seconds the shop's Date was ahead of our monotonic clock, at the least."""
        self._sizes: dict[str, PageSize] = {}
        """By path, since an order weighs more than a tax rate."""
        self._proof = _proof(settings)
        self._pages = ShortPages(account.log, "the shop")
        # WooCommerce itself sets no limit; the budget is there so that a host's 429 stops everybody.
        budget = Budget(
            key=f"woocommerce:{settings.url.host}", calls=1_000_000, per=1.0, parallel=settings.parallel, pause=60.0
        )
        make = partial(
            account.client,
            str(settings.url).rstrip("/"),
            budgets=[budget],
            errors=ERRORS,
            headers={"Accept": "application/json"},
            timeout=settings.timeout.total_seconds(),
        )
        self._client = make(auth=_auth(settings, account.clock))
        self._stranger = make()

    def _address(self, path: str, query: Query | None, *, signed: bool = True) -> tuple[str, Query | None]:
        query = {**(query or {}), **self._proof} if signed and self._proof else query
        if self._pretty:
            return f"/wp-json{path}", query
        # Consumer keys count only when the request's address holds "wp-json/wc/" somewhere.
        return "/index.php", {"rest_route": path, **(query or {}), "x": "wp-json/wc/"}

    async def index(self, into: type[T], query: Query) -> T:
        """What the site says of itself, asked as a stranger, since a key of the shop means nothing there.

        Where any user of the site has an application password, WordPress takes the key for a wrong one of those. It
        is asked with the key only where the site hides that from strangers.
        """
        where, what = self._address("/", query, signed=False)
        try:
            return await self._stranger.get(where, into, what)
        except Permanent:
            return await self.get("/", into, query)

    async def get(self, path: str, into: type[T], query: Query | None = None) -> T:
        """GET and decode. A page in place of JSON (maintenance, a cache, a PHP notice) is Unavailable."""
        return (await self.fetch(path, query, into))[0]

    async def get_if_there(self, path: str, into: type[T]) -> T | None:
        """Like `get`, for a feature that not every shop has; None where this one has none."""
        try:
            return (await self.fetch(path, None, into, errors=_FEATURES))[0]
        except NotFound as error:
            if error.code == _NO_ROUTE:
                return None
            raise

    async def fetch(
        self,
        path: str,
        query: Query | None,
        into: type[T],
        *,
        attempts: int | None = None,
        errors: ErrorTable | None = None,
    ) -> tuple[T, Response]:
        """Like `get`, with the answer itself for its headers."""
        where, what = self._address(path, query)
        found, answer = await self._client.fetch("GET", where, into, query=what, attempts=attempts, errors=errors)
        self._hear(answer)
        return found, answer

    async def write(
        self,
        method: str,
        path: str,
        into: type[T],
        body: Mapping[str, Any] | msgspec.Raw,
        *,
        repeatable: bool = False,
    ) -> T:
        """Send `body` and decode the answer. `repeatable` promises that twice is once."""
        where, what = self._address(path, None)
        try:
            made, answer = await self._client.fetch(
                method, where, into, query=what, json=body, repeatable=repeatable
            )
            self._hear(answer)
            return made
        except ContractBroken as error:
            if repeatable:
                # Some cache's page or a gateway's own JSON: done or not, and twice is once.
                raise Unavailable(f"{method} {path}: {error}") from error
            raise

    @property
    def earliest(self) -> datetime | None:
        """What time it is by the shop's own clock at the earliest; None while it has given none.

        By the Date that was least ahead of our clock that never jumps. Where the shop's clock was put forward
        since, or we were stopped, it is later there, and what was made before bears the earlier time.
        """
        return None if self._least is None else datetime.fromtimestamp(self._least + self._clock.monotonic(), UTC)

    def _hear(self, answer: Response) -> None:
        told = answer.dated
        if told is None:
            return
        ahead = told.timestamp() - self._clock.monotonic()
        if self._least is None or self._least - _SENSELESS < ahead < self._least:
            self._least = ahead

    async def listed(self, path: str, query: Query, row: type[T], offset: int = 0) -> tuple[ListPage[T], Response]:
        """One page of a list, with the shop's own count, and the answer itself for its other headers."""
        kind: Any = list[row]  # type: ignore[valid-type]
        size = self._sizes.setdefault(path, PageSize(PAGE, self._clock, self._log))

        async def page(rows: int) -> tuple[ListPage[T], Response]:
            asked = {**query, "per_page": rows, "offset": offset}
            found, answer = await self.fetch(path, asked, kind, attempts=1)
            return ListPage(rows=found, asked=rows, total=counted(answer)), answer

        part, answer = await size.ask(page)
        self._pages.look(part, offset)
        return part, answer

    def disagrees(self, path: str, shown: int, total: int | None) -> None:
        """Say once that a list ended before all came that the shop counts."""
        self._pages.ended(f"GET {path}", shown, total)

    async def all(self, path: str, into: type[T], query: Query | None = None) -> Sequence[T]:
        """All rows of a short list; each has an `id`. Raises Unavailable when fewer come than the shop counts."""

        async def fetch(offset: int) -> ListPage[T]:
            return (await self.listed(path, query or {}, into, offset))[0]

        return await whole(by_offset(fetch, _row_id), f"GET {path}")


def counted(answer: Response) -> int | None:
    """The shop's own count of all rows of a list; None when it does not say."""
    text = answer.headers.get("X-WP-Total", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _row_id(row: Any) -> str:
    return str(row.id)
