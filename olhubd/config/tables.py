"""The tables of the configuration file as people write them, one class each.

The docstrings of the fields are the configuration reference. What depends on one table alone is checked here; what
needs other tables or a connector is checked in `accounts` and `routes`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from olhubd.config.problem import HintedError
from olhubd.config.profiles import Profile
from olhubd.config.seller import SellerAddress
from olhubd.config.switches import Needs, Way
from olhubd.config.values import (
    Listen,
    Pause,
    Span,
    Start,
    Zone,
    read_hosts,
    read_listen,
    read_names,
    read_start,
    read_time_of_day,
)
from olhubd.decide.own_status import OrderFrom, StatusLeader
from olhubd.decide.product_import import ProductImport
from olhubd.decide.route import Include, UnlinkedPolicy, When
from olhubd.decide.stock.policy import StockPolicy
from olhubd.model import AlarmKind, Scope
from olhubd.plugin.settings import Secret, adjustable

__all__ = [
    "AccountTable",
    "Alarms",
    "Control",
    "Customers",
    "Daemon",
    "Engine",
    "Listen",
    "LogFormat",
    "LogLevel",
    "RouteTable",
    "Security",
    "Start",
    "StockTable",
    "Table",
    "unit",
]


_SHORTEST = 16
"""Characters of a token that nobody finds by trying, however long they try."""


def unit(of: str) -> dict[str, Any]:
    """In what a number is, as the reference says it."""
    return {"unit": of}


def _kind(kind: str) -> dict[str, Any]:
    return {"kind": kind}


class Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class LogLevel(enum.StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(enum.StrEnum):
    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Daemon(Table):
    """The process itself."""

    data: Path = Path("/var/lib/olhubd")
    """The directory of the database and its backups. Under systemd the unit's state directory, unless set here."""
    log_level: LogLevel = LogLevel.INFO
    """From which severity on a line is logged."""
    log_format: LogFormat = LogFormat.AUTO
    """`json` for machines, `console` for people, `auto` for console on a terminal and json elsewhere."""
    timezone: Zone = "UTC"
    """The zone in which times are shown. Stored times and those of the API are UTC always."""
    stop_timeout: Span = timedelta(seconds=25)
    """How long calls under way may take to finish when the daemon stops; shorter than the unit's TimeoutStopSec."""
    inputs_keep: Pause = timedelta(days=14)
    """How long the inputs of decisions are kept, for `olhubd replay`; they hold what orders hold. "0 s": none."""
    plugins: tuple[str, ...] = ()
    """Plugins to load beside those that the accounts' connectors need, such as one that only observes events."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Control(Table):
    """How the command line, the dashboard and other programs reach the daemon."""

    listen: Annotated[
        Listen | None,
        PlainValidator(read_listen),
        WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8742", "off"]}),
    ] = Field(default=Listen("127.0.0.1", 8742), json_schema_extra=_kind("text"))
    """Address and port; "off" for none. One that other machines can reach needs `certificate` or `allow_remote`."""
    hosts: Annotated[tuple[str, ...], AfterValidator(read_hosts), BeforeValidator(read_names)] = ()
    """Names by which browsers and programs may call `listen` beside localhost and addresses, such as that of a TLS
    proxy in front. Any other name is refused there, since a stranger's name can lead to this machine, too."""
    socket: Path | None = None
    """A Unix socket, for users of the daemon's group. Under systemd `olhubd.sock` in its runtime directory."""
    token: Secret | None = None
    """What a program must show as `Authorization: Bearer`. Without one, the daemon makes its own and keeps it."""
    group_scope: Scope = Scope.OPERATE
    """What members of the daemon's group may do over the socket without a token. Its user and root may do all."""
    allow_remote: bool = False
    """Whether `listen` may be an address that other machines can reach although it speaks no TLS. Tokens and orders
    then go over the wire as they are: put a TLS proxy in front of it. A `token` must be set, too."""
    certificate: Path | None = None
    """The certificate (PEM, with those between it and its authority) of `listen`, which then speaks HTTPS."""
    key: Path | None = None
    """The key of the certificate, where that file does not hold it, too. Both are read again by a reload."""

    @model_validator(mode="after")
    def _reachable(self) -> Control:
        if self.token is not None and len(self.token.get_secret_value()) < _SHORTEST:
            hint = f"take at least {_SHORTEST} random characters, such as those of: openssl rand -hex 32"
            raise HintedError("can be found by trying, it is so short", hint, key="token")
        if self.listen is None and self.socket is None:
            raise HintedError('is "off" and no socket is set: nobody could steer the daemon', key="listen")
        if self.key is not None and self.certificate is None:
            raise HintedError("is the key of no certificate", 'add certificate = "/path"', key="key")
        if self.listen is not None and not self.listen.local and self.certificate is None:
            if not self.allow_remote:
                hint = "listen on 127.0.0.1, set certificate and key, or write allow_remote = true and set a token"
                raise HintedError("can be reached from other machines", hint, key="listen")
            if self.token is None:
                hint = 'add token_file = "/path", a file with one line of random text'
                raise HintedError("can be reached from other machines, so a token is needed", hint, key="listen")
        return self


class Engine(Table):
    """How hard the daemon works and how patient it is. The defaults suit a shop with thousands of orders a day."""

    backoff_first: Span = timedelta(seconds=5)
    """The wait before something that failed is tried a second time; it doubles with each further failure."""
    backoff_max: Span = timedelta(hours=1)
    """The longest such wait."""
    timeout: Span = timedelta(minutes=2)
    """How long one delivery may take before it is given up as lost and looked up at its target."""
    down_after: int = Field(default=3, ge=1, le=1000, json_schema_extra=unit("failures"))
    """After so many failures in a row a target counts as down, and one delivery at a time probes it."""
    profile: Profile = Profile.OLHUBD
    """Whose rhythms and rules all accounts have that name none of their own: `olhubd`, at once and coalesced;
    `baselinker`, `e-sale` or `atomstore`, those of the system you come from. See docs/profiles.md."""

    @model_validator(mode="after")
    def _ordered(self) -> Engine:
        if self.backoff_first > self.backoff_max:
            raise HintedError("is longer than backoff_max", "make it the shorter of the two", key="backoff_first")
        return self


class Security(enum.StrEnum):
    """How mail is carried to its server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


def _days(value: tuple[str, ...]) -> tuple[str, ...]:
    for day in value:
        try:
            date.fromisoformat(f"2024-{day}")
        except ValueError:
            raise HintedError(
                f"has {day!r}, which is no day of the year", 'write month and day like "12-24"'
            ) from None
    return value


class Alarms(Table):
    """What olhubd reports by itself. Each alarm is in `olhubd status`, the log and the metrics; mail and web
    hook are sent where they are set."""

    off: tuple[AlarmKind, ...] = ()
    """Kinds of alarms that are not raised."""
    not_fetched: Span = timedelta(minutes=30)
    """`feed`: for how long the orders of an account may stay unread; at least three of its intervals."""
    retention_share: float = Field(default=0.5, gt=0, le=1, json_schema_extra=unit("share"))
    """`retention`: how old a cursor may be, as a share of what the remote journal remembers."""
    undelivered: Span = timedelta(hours=1)
    """`undelivered`: for how long something may be pending for a target, beyond the route's own `hold`."""
    target_down: Span = timedelta(minutes=15)
    """`target-down`: for how long a target may fail to answer."""
    sign_in_ahead: Span = timedelta(days=14)
    """`sign-in`: how long before a sign-in ends the alarm is raised."""
    disk_free: int = Field(default=500, ge=0, json_schema_extra=unit("MB"))
    """`disk`: how much room must be left beside the database; 0 does not look."""
    silence_rarity: Span = timedelta(days=3650)
    """`silence`: in how long at most one false alarm for each account is accepted."""
    quiet_days: Annotated[tuple[str, ...], AfterValidator(_days)] = ("01-01", "12-24", "12-25", "12-26")
    """Days of the year on which no orders are expected, as "month-day"."""
    reconcile_after: Pause = timedelta(hours=3)
    """How long after midnight in `daemon.timezone` a day's orders are compared with the source's."""
    mail_to: Annotated[tuple[str, ...], BeforeValidator(read_names)] = ()
    """Who gets mail; nobody without it."""
    mail_from: str | None = None
    """The sender. Default: olhubd at this machine's name."""
    smtp_host: str = "localhost"
    """The mail server."""
    smtp_port: int = Field(default=25, ge=1, le=65535, json_schema_extra=unit("port"))
    """Its port: usually 587 with `starttls`, 465 with `tls`."""
    smtp_security: Security = Security.NONE
    """`none` only for a server on this machine or in a network of your own."""
    smtp_user: str | None = None
    """The user, where the server wants one."""
    smtp_password: Secret | None = None
    """The user's password."""
    webhook_url: AnyHttpUrl | None = None
    """Where each alarm is posted as JSON."""
    webhook_secret: Secret | None = None
    """Signs what is posted; see docs/operator.md."""

    @model_validator(mode="after")
    def _possible(self) -> Alarms:
        if (self.smtp_user is None) is not (self.smtp_password is None):
            key = "smtp_password" if self.smtp_password is None else "smtp_user"
            raise HintedError("is missing", "smtp_user and smtp_password belong together", key=key)
        for index, address in enumerate(self.mail_to):
            if "@" not in address.strip("@") or any(c.isspace() for c in address):
                raise HintedError(
                    f"has no mail address at place {index + 1}", 'like "shop@example.com"', key="mail_to"
                )
        return self


class Customers(Table):
    """The buyers of all orders, who are kept as customers."""

    seller_country: str = Field(default="PL", pattern=r"^[A-Z]{2}$")
    """Where the seller is, as two capital letters. Whether a customer is domestic, intra-EU or extra-EU is seen
    from there."""


class AccountTable(Table):
    """One login at one connector. Beside these keys it takes those of its connector."""

    connector: str
    """Which system it is at; see the connectors below."""
    title: str | None = None
    """What people call it. Can be changed at any time; the name of the table is the identity. Default: the name."""
    enabled: bool = True
    """Off: nothing is pulled or delivered, by timer or by hand. On again, it goes on where it stopped."""
    fetch_orders: bool | None = Field(default=None, json_schema_extra=adjustable())
    """Whether orders are pulled from it. Default: as the connector suggests."""
    profile: Profile | None = None
    """Whose rhythms and rules it has; see docs/profiles.md. Whatever is written here or in the route counts more
    than the profile. Default: as `engine.profile` says."""
    interval: Span | None = Field(default=None, json_schema_extra=adjustable())
    """Between two pulls of the orders. Default: as its profile says, else as the connector suggests, and sooner
    while orders come."""
    adaptive: bool | None = Field(default=None, json_schema_extra=adjustable())
    """Pull every 2 s while orders come and the budget of calls allows, and else after `interval`. Off: always after
    `interval`. Default: on where no `interval` is set."""
    products: ProductImport = Field(default=ProductImport.OFF, json_schema_extra=adjustable())
    """When its products and price lists are read: `off`; `by-hand`, when somebody asks for it; `daily`, all of them
    once a day; `always`, changes after each interval, and all of them once a day."""
    products_from: Annotated[
        time, PlainValidator(read_time_of_day), WithJsonSchema({"type": "string", "examples": ["06:10"]})
    ] = Field(default=time(), json_schema_extra=adjustable(kind="text"))
    """When a day of imports begins, in `daemon.timezone`, such as "06:10", when a system has renewed its data."""
    products_once_a_day: bool | None = Field(default=None, json_schema_extra=adjustable())
    """Refuse a second import on the same day. Default: as the connector says, which most leave open."""
    products_remind: bool | None = Field(default=None, json_schema_extra=adjustable())
    """Remind once a day, by an alarm, that the products were not read yet on this day. Where a timer reads them, an
    hour after it began. Default: on where they are read by hand."""
    sweep_interval: Span | None = Field(default=None, json_schema_extra=adjustable())
    """Between two sweeps at most, which find what the feed never reported. Default: as the connector suggests."""
    sweep_window: Span | None = Field(default=None, json_schema_extra=adjustable())
    """How far back a sweep looks. Default: as the connector suggests."""
    start: Annotated[
        Start,
        PlainValidator(read_start),
        WithJsonSchema({"type": "string", "examples": ["now", "14 days", "2026-01-31T00:00:00+01:00"]}),
    ] = Field(default=None, json_schema_extra=adjustable(kind="text"))
    """From when on orders are taken: "now", a span before the first run ("14 d"), or a moment. Default: "now"."""
    parallel: int | None = Field(default=None, ge=1, le=256, json_schema_extra=adjustable(**unit("deliveries")))
    """How many deliveries may go to it at one time. Default: as the connector suggests."""
    first_status: str | None = Field(default=None, min_length=1, max_length=60, json_schema_extra=adjustable())
    """The status of the seller's own list (`[[statuses]]`) that a new order of this account gets."""
    first_status_cod: str | None = Field(default=None, min_length=1, max_length=60, json_schema_extra=adjustable())
    """The same for an order that is paid on delivery. It wins over `first_status`."""
    first_status_paid: str | None = Field(default=None, min_length=1, max_length=60, json_schema_extra=adjustable())
    """The same for an order that is fully paid. It wins over `first_status`, also when the payment comes later, as
    long as nobody gave the order another status."""
    order_from: OrderFrom = Field(default=OrderFrom.SOLD, json_schema_extra=adjustable())
    """From when on a sale gets its first status: `sold`, at once; `confirmed`, when the delivery form is complete;
    `paid`, when it is complete and paid, or cash on delivery. A person may give it one before."""
    status_leader: StatusLeader = Field(default=StatusLeader.HUB, json_schema_extra=adjustable())
    """Which side's status the other one follows: `hub`, what `sends` maps is written to the account, and its words
    change no status here; `account`, its words give orders the status whose `follows` has them, and nothing of
    `sends` is written to it."""
    default_category: str | None = Field(default=None, min_length=1, max_length=100, json_schema_extra=adjustable())
    """The category of new offers, by the marketplace's number. Offers that are there stay where they are."""
    handling_time: Pause | None = Field(default=None, json_schema_extra=adjustable())
    """From the payment until the parcel goes, for new offers that say nothing else. "0 s": at once."""
    seller_address: SellerAddress | None = Field(default=None, json_schema_extra=adjustable())
    """Where goods are sent from, for new offers: a table of `company`, `street`, `postcode`, `city`, `region` and
    `country`. Default: as the marketplace has it, where it says so."""


class RouteTable(Table):
    """Orders of some accounts go to another. No two routes may have a source and the target in common."""

    sources: Annotated[tuple[str, ...], BeforeValidator(read_names)] = Field(alias="from")
    """Names of accounts, or "*": every account with an order feed that is not itself the target of a route."""
    target: str = Field(alias="to")
    """The account that gets the orders."""
    forward: bool = True
    """Off: no new order goes; what went before is still kept in step."""
    some_sources: bool = False
    """Pass on the orders of some marketplaces and not of others, where the target's profile wants all or none."""
    when: When = When.CONFIRMED
    """`confirmed`: as soon as the buyer's form is complete, paid or not; `paid`: not before the money is there,
    cash on delivery excepted."""
    hold: Pause = timedelta(0)
    """How long to wait after an order is ripe, for buyers who cancel at once."""
    unlinked: UnlinkedPolicy = UnlinkedPolicy.FREE_LINE
    """A line without a product at the target: `free-line` sends it as text, `hold` keeps the order for a person."""
    statuses: Mapping[str, str] = {}
    """The target's own words by ours: `new`, `paid`, `cod` for an order that is created, of which `cod` and then
    `paid` win over `new`; `processing`, `ready`, `sent`, `delivered`, `returned`, `cancelled`, `suspended` for one
    that moves on."""
    shipping: Mapping[str, str] = {}
    """The target's shipping method ids by the source's method ids or names."""
    payment: Mapping[str, str] = {}
    """The target's payment method ids by payment type: `online`, `transfer`, `split-vat`, `deferred`,
    `cash-on-delivery`."""
    sync_status: Annotated[bool | None, Needs("change the status of an order", "StatusSink", "CancelSink")] = None
    """Carry later changes of the status to the target. Default: where the target can."""
    sync_payment: Annotated[bool | None, Needs("take later payments", "PaymentSink")] = None
    """Carry later payments to the target. Default: where the target can."""
    sync_shipments: Annotated[bool | None, Needs("take parcels", "ShipmentSink")] = None
    """Carry parcels registered at the source to the target. Default: where the target can."""
    status_window: Pause = timedelta(0)
    """Send statuses to the target at set times so far apart and not at once, of each order the last one: "1 h" at
    each full hour (UTC). Parcels and cancellations never wait."""
    payment_window: Pause = timedelta(0)
    """The same for payments: "4 h" at 00:00, 04:00 and so on (UTC)."""
    status_back: Annotated[Mapping[str, str], Needs("take a status", "StatusSink", way=Way.READ_BACK)] = {}
    """The source's status words by the target's, to carry the target's progress back."""
    shipments_back: Annotated[bool | None, Needs("take parcels", "ShipmentSink", way=Way.READ_BACK)] = None
    """Carry parcels registered at the target back to the source. Default: where both can."""
    mark_processing: Annotated[bool, Needs("take a status", "StatusSink", way=Way.BACK)] = False
    """Report to the source that the order is being worked on as soon as the target has it, which ends the time
    in which a buyer can still change the address."""
    include: tuple[Include, ...] = (Include.NOTE, Include.PAYMENT)
    """What else goes with an order: the buyer's `login`, `offer-ids`, the buyer's `note`, `payment` information."""


class StockTable(Table):
    """What one account has in stock is sold on others: what each of their offers shows follows from it."""

    master: str
    """The account that counts the stock: a shop or an ERP."""
    channels: Annotated[tuple[str, ...], BeforeValidator(read_names)]
    """Names of the accounts that sell it, or "*": every account whose offers take a quantity and whose orders are
    read, without those that are a master. Nothing is written to one in a sandbox."""
    policy: StockPolicy = StockPolicy.SHARED
    """`shared`: each offer shows all of it, which can be oversold while the systems' own delay lasts. `allocated`:
    each piece is for sale on one offer, so that none is sold twice. It needs channels whose offers can be changed
    by so many pieces."""
    allocate_below: int | None = Field(default=None, ge=1, json_schema_extra=unit("pieces"))
    """For `allocated`: only when fewer may be sold than so many. 2 has the last piece on one offer. Nothing is sold
    twice from the moment on that all offers have been lowered."""
    weights: Mapping[str, Annotated[int, Field(ge=1, le=1000)]] = {}
    """For `allocated`: how much of what is divided each channel gets, in proportion, by its account's name. One
    that is not named has 1. Default: by what each has sold of the item in the last thirty days."""
    buffer: int = Field(default=0, ge=0, json_schema_extra=unit("pieces"))
    """How many of each item are never sold."""
    buffer_share: int = Field(default=0, ge=0, le=100, json_schema_extra=unit("per cent"))
    """How much of the rest of each item is never sold, rounded up."""
    most_shown: int | None = Field(default=None, ge=1, json_schema_extra=unit("pieces"))
    """How many an offer shows at most."""
    link_by_ean: bool = True
    """Link an offer by its EAN, too, where a second mark agrees with it: its SKU or its name."""
    link_on_events: bool = False
    """Link an offer by itself only when something happens to it after this was switched on: it is listed, changed
    or bought, or one of its orders changes. Off, all offers are linked that are read."""
    raise_quantities: bool = True
    """Whether an offer shows more again when more may be sold. Off, its number only falls while it can be bought,
    so that it is never above the stock; one that has ended comes back by `resume` alone."""
    resume: bool = False
    """Whether offers that have ended come back with the stock, where `olhubd stock auto-resume` said so."""
    brake: bool = True
    """Whether a person is asked before the master's numbers change many offers of an account at once: see
    docs/operator.md. What orders lower is never held up."""
    brake_share: int = Field(default=20, ge=1, le=100, json_schema_extra=unit("per cent"))
    """When more of an account's offers than this go to zero, or are raised far, within an hour or one reading."""
    brake_least: int = Field(default=5, ge=1, json_schema_extra=unit("offers"))
    """How many must do so at least."""
    brake_factor: int = Field(default=10, ge=2, json_schema_extra=unit("times"))
    """An offer is raised far when it is to show more than so many times what it did."""


SECTIONS: Mapping[str, type[BaseModel]] = {
    "daemon": Daemon,
    "control": Control,
    "engine": Engine,
    "alarms": Alarms,
    "customers": Customers,
}
"""The tables that are there once."""
