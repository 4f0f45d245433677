"""The configuration: what is right gives one checked object, what is wrong is told all at once."""

from __future__ import annotations

import datetime as dt
import enum
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import FrozenInstanceError, dataclass, replace
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

import jsonschema
import pluggy
import pytest
from pydantic import field_validator, model_validator

from olhubd import config
from olhubd.config import Configuration, ConfigurationError, Listen, Problem
from olhubd.config.effective import secrets, shown
from olhubd.config.endpoint import reach
from olhubd.config.fields import FieldKind, fields, kind
from olhubd.config.tables import SECTIONS
from olhubd.config.toml_positions import spans
from olhubd.decide.route import UnlinkedPolicy, When
from olhubd.model import Shipment
from olhubd.plugin import (
    Connector,
    Defaults,
    Duration,
    Field,
    OrderLookup,
    OrderSink,
    Parts,
    PaymentSink,
    Secret,
    Settings,
    ShipmentSink,
    StatusSink,
    Url,
)
from olhubd.plugin.loading import Plugins
from tests.feeds import Told

CANARY = "canary-0f9d5c"


class Mood(enum.StrEnum):
    FAST = "fast"
    GENTLE = "gentle"


class BazaarSettings(Settings):
    """One seller's account at the bazaar."""

    client_id: str
    """Id of the application."""
    client_secret: Secret
    """Secret of the application."""
    sandbox: bool = False
    """Test mode."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """Records in one page."""
    mood: Mood = Mood.FAST
    """How to ask."""
    settle: Duration = dt.timedelta(seconds=5)
    """How long news take to settle."""
    languages: tuple[str, ...] = ()
    """Languages to ask for."""
    parallel: int = Field(default=3, ge=1)
    """Calls at one time."""

    @field_validator("client_secret")
    @classmethod
    def _long(cls, value: Secret) -> Secret:
        if len(value.get_secret_value()) < 4:
            raise ValueError(f"{value.get_secret_value()} is too short for a secret")
        return value


class Bazaar(Connector[BazaarSettings], OrderLookup, StatusSink, ShipmentSink):
    provides: ClassVar[Parts] = {Told: "orders"}
    name = "bazaar"
    title = "The bazaar"
    Settings = BazaarSettings
    defaults = Defaults(interval=dt.timedelta(minutes=10), retention=dt.timedelta(days=60), parallel=2)


class StallSettings(Settings):
    """One shop."""

    url: Url
    """Its address."""
    key: Secret
    """Key of its API."""
    second_key: Secret | None = None
    """Another one."""
    mode: Literal["new", "old"] = "new"
    """Which API."""
    user: str | None = None
    """Who goes with the second key."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if self.user is not None and self.second_key is None:
            raise ValueError("user and second_key go together")
        return self


class Parcels(ShipmentSink):
    async def add_shipment(self, external_id: str, shipment: Shipment) -> None: ...


class Stall(Connector[StallSettings], OrderLookup, OrderSink, StatusSink, PaymentSink):
    provides: ClassVar[Parts] = {Told: "orders", Parcels: "parcels"}
    name = "stall"
    title = "The stall"
    Settings = StallSettings
    defaults = Defaults(fetch_orders=False)


class Till(Connector[Settings], OrderSink):
    """Takes orders and can do nothing else."""

    name = "till"
    title = "The till"
    Settings = Settings


class Board(Connector[Settings]):
    """Gives orders and can do nothing else."""

    provides: ClassVar[Parts] = {Told: "orders"}
    name = "board"
    title = "The board"
    Settings = Settings


class GreedySettings(Settings):
    interval: int = 1


class Greedy(Connector[GreedySettings]):
    name = "greedy"
    title = "Greedy"
    Settings = GreedySettings


_ALL: tuple[type[Connector[Any]], ...] = (Bazaar, Stall, Till, Board, Greedy)
PLUGINS = Plugins(
    manager=pluggy.PluginManager("olhubd"),
    connectors={connector.name: connector for connector in _ALL},
    providers={connector.name: connector.name for connector in _ALL},
    failed={"sad": "ModuleNotFoundError: No module named 'zeep'"},
    loaded=tuple(connector.name for connector in _ALL),
    idle=("sleepy",),
)

GOOD = f"""
[accounts.market]
connector = "bazaar"
client_id = "id"
client_secret = "{CANARY}"

[accounts.shop]
connector = "stall"
url = "https://shop.example"
key = "{CANARY}"

[[routes]]
from = ["market"]
to = "shop"
"""
READ = GOOD.replace('"stall"', '"stall"\nfetch_orders = true')


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the main file and, by name, files of conf.d; gives the path of the main one."""

    def put(text: str, **fragments: str) -> Path:
        path = tmp_path / "olhubd.toml"
        path.write_text(dedent(text), encoding="utf-8")
        path.chmod(0o640)
        for name, fragment in fragments.items():
            (tmp_path / "conf.d").mkdir(exist_ok=True)
            file = tmp_path / "conf.d" / f"{name}.toml"
            file.write_text(dedent(fragment), encoding="utf-8")
            file.chmod(0o640)
        return path

    return put


def load(path: Path, environ: Mapping[str, str] = MappingProxyType({})) -> Configuration:
    return config.load(path, PLUGINS, environ)


def problems(path: Path, environ: Mapping[str, str] = MappingProxyType({})) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(path, environ)
    text = str(caught.value)
    assert CANARY not in text, "a secret is shown"
    assert "Traceback" not in text
    return caught.value.problems


# What is right


@pytest.mark.parametrize(
    ("written", "adaptive"),
    [
        ("", True),
        ('interval = "5 min"', False),
        ('interval = "5 min"\nadaptive = true', True),
        ("adaptive = false", False),
    ],
)
def test_an_interval_that_is_set_is_kept_and_a_suggested_one_may_be_shortened(
    write: Write, written: str, adaptive: bool
) -> None:
    path = write(GOOD.replace('client_id = "id"', f'client_id = "id"\n{written}'))
    assert load(path).accounts["market"].adaptive is adaptive


def test_defaults_are_those_of_the_connector_unless_the_operator_says_otherwise(write: Write) -> None:
    """IMP-09. Part of IMP-28 and ACC-06: each account has its own settings, the interval among them."""
    path = write(GOOD.replace('client_id = "id"', 'client_id = "id"\ninterval = "5 min"\nsweep_window = "14 days"'))
    configuration = load(path)
    market, shop = configuration.accounts["market"], configuration.accounts["shop"]
    assert (market.connector, market.title, market.enabled) == (Bazaar, "market", True)
    assert market.interval == dt.timedelta(minutes=5)
    assert market.sweep_interval == dt.timedelta(hours=1)
    assert market.sweep_window == dt.timedelta(days=14)
    assert (market.parallel, shop.parallel) == (3, 4)
    assert (market.fetch_orders, shop.fetch_orders) == (True, False)
    assert isinstance(market.settings, BazaarSettings)
    assert market.settings.client_secret.get_secret_value() == CANARY
    assert market.settings.mood is Mood.FAST
    assert configuration.warnings == ()
    assert CANARY not in repr(configuration)


def test_a_key_that_a_connector_takes_up_is_told_to_both(write: Write) -> None:
    path = write(GOOD.replace('client_id = "id"', 'client_id = "id"\nparallel = 7'))
    market = load(path).accounts["market"]
    assert isinstance(market.settings, BazaarSettings)
    assert (market.parallel, market.settings.parallel) == (7, 7)


def test_an_empty_file_is_a_daemon_without_accounts(write: Write) -> None:
    configuration = load(write(""))
    assert configuration.accounts == {}
    assert configuration.routes == ()
    assert configuration.daemon.data == Path("/var/lib/olhubd")
    assert configuration.control.listen == Listen("127.0.0.1", 8742)
    assert configuration.control.socket is None
    assert configuration.engine.backoff_first == dt.timedelta(seconds=5)


def test_the_result_cannot_be_changed(write: Write) -> None:
    configuration = load(write(GOOD))
    with pytest.raises(FrozenInstanceError):
        configuration.accounts["market"].title = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        configuration.accounts["other"] = configuration.accounts["market"]  # type: ignore[index]
    with pytest.raises(ValueError):
        configuration.engine.down_after = 1


def test_every_section_is_read(write: Write, tmp_path: Path) -> None:
    path = write("""
        [daemon]
        data = "state"
        log_level = "debug"
        log_format = "json"
        timezone = "Europe/Warsaw"
        stop_timeout = "10 s"

        [control]
        listen = "[::1]:80"
        socket = "/run/olhubd/olhubd.sock"

        [engine]
        down_after = 4
        backoff_max = "2 h"
    """)
    configuration = load(path)
    assert configuration.daemon.data == tmp_path / "state"
    assert (configuration.daemon.log_level, configuration.daemon.log_format) == ("debug", "json")
    assert str(configuration.daemon.zone) == "Europe/Warsaw"
    assert configuration.daemon.stop_timeout == dt.timedelta(seconds=10)
    assert configuration.control.listen == Listen("::1", 80)
    assert str(configuration.control.listen) == "[::1]:80"
    assert configuration.control.socket == Path("/run/olhubd/olhubd.sock")
    assert configuration.engine.down_after == 4
    assert configuration.engine.backoff_max == dt.timedelta(hours=2)


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("", None),
        ('start = "now"', None),
        ('start = "14 days"', dt.timedelta(days=14)),
        ("start = 2026-01-31T00:00:00+01:00", dt.datetime(2026, 1, 30, 23, tzinfo=dt.UTC)),
        ('start = "2026-01-30T23:00:00Z"', dt.datetime(2026, 1, 30, 23, tzinfo=dt.UTC)),
    ],
)
def test_the_start_of_orders(write: Write, written: str, start: object) -> None:
    """Part of ACC-16: how the start is written."""
    path = write(GOOD.replace('client_id = "id"', f'client_id = "id"\n{written}'))
    assert load(path).accounts["market"].start == start


def test_a_route_is_what_was_written(write: Write) -> None:
    path = write(
        READ
        + """
        forward = false
        when = "paid"
        hold = "5 min"
        unlinked = "hold"
        include = ["login", "offer-ids"]
        status_back = { sent = "SENT" }
        mark_processing = true

        [routes.statuses]
        new = "pending"
        cancelled = "cancelled"

        [routes.shipping]
        "Paczkomaty 24/7" = "flat_rate:3"

        [routes.payment]
        cash-on-delivery = "cod"
        """.replace("        ", "")
    )
    (route,) = load(path).routes
    assert (route.target, route.sources) == ("shop", frozenset({"market"}))
    assert (route.forward, route.when, route.hold_seconds) == (False, When.PAID, 300.0)
    assert route.unlinked is UnlinkedPolicy.HOLD
    assert route.statuses == {"new": "pending", "cancelled": "cancelled"}
    assert route.shipping == {"Paczkomaty 24/7": "flat_rate:3"}
    assert route.payment == {"cash-on-delivery": "cod"}
    assert route.status_back == {"sent": "SENT"}
    assert route.mark_processing
    assert (route.include_login, route.include_offer_ids) == (True, True)
    assert (route.include_note, route.include_payment) == (False, False)


def test_options_left_open_follow_what_both_ends_can(write: Write) -> None:
    """Part of FWD-15: an option that the target does not support is off by itself."""
    able = load(write(READ)).routes[0]
    assert able.sync_status
    assert able.sync_payment
    assert able.sync_shipments
    assert able.shipments_back
    assert not load(write(GOOD)).routes[0].shipments_back
    assert (able.include_note, able.include_payment, able.include_login) == (True, True, False)
    till = '[accounts.shop]\nconnector = "till"\n[accounts.b]\nconnector = "board"\n[[routes]]\nfrom="b"\nto="shop"'
    unable = load(write(till)).routes[0]
    assert not unable.sync_status
    assert not unable.sync_payment
    assert not unable.sync_shipments
    assert not unable.shipments_back


def test_the_star_is_every_account_with_orders_that_is_no_target(write: Write) -> None:
    path = write(
        GOOD.replace('["market"]', '"*"')
        + f"""
        [accounts.second]
        connector = "bazaar"
        client_id = "id"
        client_secret = "{CANARY}"
        [accounts.till]
        connector = "till"
        [[routes]]
        from = "*"
        to = "till"
        """.replace("        ", "")
    )
    assert {route.target: route.sources for route in load(path).routes} == {
        "shop": {"market", "second"},
        "till": {"market", "second"},
    }


def test_fragments_are_joined_in_the_order_of_their_names(write: Write) -> None:
    route = '[[routes]]\nfrom = "{}"\nto = "shop"\n'
    path = write(
        GOOD,
        b_more='[accounts.extra]\nconnector = "board"\n[accounts.market]\ntitle = "Ours"\n' + route.format("extra"),
        a_first='[accounts.board]\nconnector = "board"\n' + route.format("board"),
    )
    (path.parent / "conf.d" / "ignored.toml.bak").write_text("not = [valid")
    configuration = load(path)
    assert [set(route.sources) for route in configuration.routes] == [{"market"}, {"board"}, {"extra"}]
    assert configuration.accounts["market"].title == "Ours"
    assert str(configuration.origin("accounts.market.title")) == f"{path.parent}/conf.d/b_more.toml:4"
    assert str(configuration.origin("routes.1.from")) == f"{path.parent}/conf.d/a_first.toml:4"


def test_each_value_in_force_has_its_origin(write: Write) -> None:
    path = write(GOOD)
    environ = {"OLHUBD_ENGINE__DOWN_AFTER": "8", "STATE_DIRECTORY": "/var/lib/private/olhubd:/other"}
    configuration = load(path, environ)
    assert str(configuration.origin("accounts.market.client_id")) == f"{path}:4"
    assert str(configuration.origin("routes.0.to")) == f"{path}:14"
    assert str(configuration.origin("engine.down_after")) == "environment OLHUBD_ENGINE__DOWN_AFTER"
    assert str(configuration.origin("engine.backoff_first")) == "default"
    assert str(configuration.origin("daemon.data")) == "environment STATE_DIRECTORY"
    assert configuration.daemon.data == Path("/var/lib/private/olhubd")


def test_lines_are_right_whatever_the_toml_looks_like(write: Write) -> None:
    path = write(f"""\
        # a comment with [brackets] = "and" = signs
        daemon.timezone = "Europe/Warsaw"   # line 2
        [accounts."market"]
        connector = 'bazaar'
        client_id = '''
        [not.a.table]
        key = "value"'''
        languages = [  # line 8
          "pl", # a ] here
          "c\\"s]",
        ]
        client_secret = \"\"\"{CANARY}\"\"\"
        """)
    configuration = load(path)
    assert configuration.origin("daemon.timezone").line == 2
    assert configuration.origin("accounts.market").line == 3
    assert configuration.origin("accounts.market.client_id").line == 5
    assert configuration.origin("accounts.market.languages").line == 8
    assert configuration.origin("accounts.market.languages.1").line == 10
    assert configuration.origin("accounts.market.client_secret").line == 12


TRICKY = [
    "a = 1\nb.c = 2\nb.d = 3\n[h.e]\nf = 1979-05-27 07:32:00 # [x]\n[h]\ng = true",
    "[[a]]\nx = 1\n[[a.b]]\ny = 1\n[[a.b]]\ny = 2\n[a.c]\nz = 1\n[[a]]\nx = 2\n[[a.b]]\ny = 3",
    """a = \"\"\"\\\"\"\" \"\"\"\"\"\nb = '''it\'s ''''\nc = "\\"" # "\nd = '\\'\n""",
    "a = [[1, 2], [\n  {x = 1, y = [ { z = 2 } ]}, # ]\n  {},\n], []]\nb = {}\nc = { d.e = 1, 'f g' = \"}\" }",
    '"quoted key"."a.b" = 1\n[ spaced . "x\\u0041" ]\n1234 = -1_000.5e3\n"" = inf\r\nlast = 0x1F',
]


@pytest.mark.parametrize("text", TRICKY)
def test_every_key_that_toml_knows_has_its_line(text: str) -> None:
    def paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, one in inner:
            yield (*at, key)
            yield from paths(one, (*at, key))

    found = spans(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    lines = text.splitlines()
    for path, line in found.items():
        if isinstance(path[-1], str) and path[-1].isalnum():
            assert path[-1] in lines[line - 1] or "u0041" in lines[line - 1]


# Environment, secrets and credentials


def test_the_environment_outranks_the_files(write: Write) -> None:
    environ = {
        "OLHUBD_CONTROL__LISTEN": "127.0.0.1:9000",
        "OLHUBD_CONTROL__ALLOW_REMOTE": "True",
        "OLHUBD_ENGINE__DOWN_AFTER": "8",
        "OLHUBD_ACCOUNTS__MARKET__CLIENT_ID": "12345",
        "OLHUBD_ACCOUNTS__MARKET__LANGUAGES": "pl, cs",
        "OLHUBD_ACCOUNTS__MARKET__INTERVAL": "1 h",
        "OLHUBD_ACCOUNTS__MARKET__SANDBOX": "true",
        "OLHUBD_SPECS": "/not/ours",
        "PATH": "/usr/bin",
    }
    configuration = load(write(GOOD), environ)
    settings = configuration.accounts["market"].settings
    assert isinstance(settings, BazaarSettings)
    assert configuration.control.listen == Listen("127.0.0.1", 9000)
    assert configuration.control.allow_remote
    assert configuration.engine.down_after == 8
    assert (settings.client_id, settings.languages, settings.sandbox) == ("12345", ("pl", "cs"), True)
    assert configuration.accounts["market"].interval == dt.timedelta(hours=1)


def test_an_account_with_a_dash_is_reached_and_one_can_be_made(write: Write) -> None:
    path = write(GOOD.replace("market", "market-pl"))
    environ = {
        "OLHUBD_ACCOUNTS__MARKET_PL__TITLE": "Ours",
        "OLHUBD_ACCOUNTS__MY_TILL__CONNECTOR": "till",
    }
    configuration = load(path, environ)
    assert configuration.accounts["market-pl"].title == "Ours"
    assert configuration.accounts["my-till"].connector is Till


@pytest.mark.parametrize(
    ("variable", "message", "hint"),
    [
        ("OLHUBD_CONTORL__LISTEN", "there is no section 'contorl'", 'did you mean "control"?'),
        ("OLHUBD_ROUTES__0__TO", "routes are written in files only", ""),
        ("OLHUBD_ACCOUNTS__MARKT__TITLE", "there is no account 'markt'", 'did you mean "market"?'),
        ("OLHUBD_ACCOUNTS__MARKET", "does not name a key", "write it like OLHUBD_ACCOUNTS__SHOP__INTERVAL"),
    ],
)
def test_a_variable_that_reaches_nothing_is_told(write: Write, variable: str, message: str, hint: str) -> None:
    (problem,) = problems(write(GOOD), {variable: CANARY})
    assert problem == Problem("environment", None, variable, message, hint)


def test_a_wrong_value_from_the_environment_is_told_without_it(write: Write) -> None:
    (problem,) = problems(write(GOOD), {"OLHUBD_ENGINE__DOWN_AFTER": CANARY})
    assert (problem.file, problem.line, problem.key) == ("environment", None, "engine.down_after")
    assert problem.message == "must be a whole number"


def test_secrets_come_from_files_of_their_own(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}-file\n")
    (tmp_path / "secret").chmod(0o600)
    path = write(GOOD.replace(f'client_secret = "{CANARY}"', 'client_secret_file = "secret"'))
    configuration = load(path)
    assert secret(configuration) == f"{CANARY}-file"
    assert configuration.warnings == ()
    assert configuration.origin("accounts.market.client_secret").line == 5


def test_each_source_of_a_secret_outranks_the_next(write: Write, tmp_path: Path) -> None:
    """Part of SRC-01: wherever it is from, it is shown nowhere."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "market.client_secret").write_text(f"{CANARY}-credential")
    (tmp_path / "credentials" / "control.token").write_text(f"{CANARY}-token")
    (tmp_path / "credentials" / "another-program.key").write_text("x")
    path = write(GOOD)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    configuration = load(path, environ)
    assert secret(configuration) == f"{CANARY}-credential"
    assert configuration.control.token is not None
    assert configuration.control.token.get_secret_value() == f"{CANARY}-token"
    assert str(configuration.origin("control.token")) == "credentials"
    assert CANARY not in repr(configuration)
    environ["OLHUBD_ACCOUNTS__MARKET__CLIENT_SECRET"] = f"{CANARY}-environment"
    assert secret(load(path, environ)) == f"{CANARY}-environment"


def secret(configuration: Configuration) -> str:
    settings = configuration.accounts["market"].settings
    assert isinstance(settings, BazaarSettings)
    return settings.client_secret.get_secret_value()


def test_a_credential_satisfies_a_required_secret(write: Write, tmp_path: Path) -> None:
    (tmp_path / "market.client_secret").write_text(CANARY)
    path = write(GOOD.replace(f'client_secret = "{CANARY}"', ""))
    assert secret(load(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})) == CANARY


def test_a_credential_is_the_clients_token_without_a_table(write: Write, tmp_path: Path) -> None:
    """systemd may give what no file mentions."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "control.token").write_text(f"{CANARY}-token")
    path = write("[daemon]\n")
    assert reach(path, {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}).token == f"{CANARY}-token"
    assert reach(path, {}).token is None


def test_a_token_that_cannot_be_read_is_not_made_up(write: Write, tmp_path: Path) -> None:
    """What stands for it while the rest is checked is shown to no daemon: the socket needs no token."""
    path = write('[daemon]\n[control]\nsocket = "here.sock"\ntoken_file = "secrets/of-another-user"\n')
    there = reach(path, {})
    assert (there.token, there.socket) == (None, tmp_path / "here.sock")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "of-another-user").write_text(f"{CANARY}-token")
    assert reach(path, {}).token == f"{CANARY}-token"


def test_credentials_that_may_not_be_looked_at_stop_no_client(write: Write, tmp_path: Path) -> None:
    """systemd tells the command beside a service where its credentials are, and does not let it look."""
    closed = tmp_path / "closed"
    closed.touch()
    environ = {"CREDENTIALS_DIRECTORY": str(closed)}
    path = write(GOOD)
    (problem,) = {one.message: one for one in problems(path, environ)}.values()
    assert "the credentials cannot be read" in problem.message
    assert reach(path, environ).listen == Listen("127.0.0.1", 8742)


def test_a_misspelled_credential_is_told(write: Write, tmp_path: Path) -> None:
    (tmp_path / "market.client_secrt").write_text(CANARY)
    (problem,) = problems(write(GOOD), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert (problem.file, problem.key) == ("credentials", "market.client_secrt")
    assert problem.hint == 'did you mean "client_secret"?'


def test_a_secret_in_place_of_its_file_is_not_shown(write: Write) -> None:
    """Part of SRC-01."""
    path = write(GOOD.replace(f'client_secret = "{CANARY}"', f'client_secret_file = "{CANARY}"'))
    (problem,) = problems(path)
    assert (problem.line, problem.key) == (5, "accounts.market.client_secret_file")
    assert CANARY not in str(problem)
    assert "not the secret" in problem.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"one\ntwo\n", "has more than one line"),
        (b"\xff\xfe", "is not UTF-8 text (line 1)"),
    ],
)
def test_a_secret_file_that_is_of_no_use(write: Write, tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    path = write(GOOD.replace(f'client_secret = "{CANARY}"', f'client_secret_file = "{file}"'))
    (problem,) = problems(path)
    assert (problem.line, problem.key) == (5, "accounts.market.client_secret_file")
    assert problem.message == f"{file} {message}"
    assert problem.hint


def test_a_secret_that_cannot_be_read_is_told_once(write: Write, tmp_path: Path) -> None:
    """What joins it with other keys is not judged as if it had been left out on purpose."""
    more = f'[accounts.shop]\nuser = "hub"\nsecond_key_file = "{tmp_path}/x"'
    path = write(GOOD.replace("[accounts.shop]", more))
    (problem,) = problems(path)
    assert problem.key == "accounts.shop.second_key_file"


def test_secrets_that_everybody_can_read_are_warned_of(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "secret").chmod(0o644)
    path = write(GOOD.replace(f'client_secret = "{CANARY}"', 'client_secret_file = "secret"'))
    path.chmod(0o644)
    in_file, inline = load(path).warnings
    assert (in_file.line, in_file.key) == (5, "accounts.market.client_secret_file")
    assert in_file.hint == f"chmod 0600 {tmp_path}/secret"
    assert (inline.line, inline.key) == (10, "accounts.shop.key")
    assert inline.hint == f"chmod 0640 {path}, or use key_file"
    assert str(inline).startswith(f"{path}:10: warning: accounts.shop.key: ")


def test_what_is_warned_of_a_file_stays_when_the_database_adds_to_it(write: Write, tmp_path: Path) -> None:
    """Its secrets are not read again for that."""
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "secret").chmod(0o644)
    path = write(GOOD.replace(f'client_secret = "{CANARY}"', 'client_secret_file = "secret"'))
    before = load(path)
    (tmp_path / "secret").write_text("another")
    after, refused = before.filled([])
    assert (after.warnings, refused) == (before.warnings, {})
    assert "accounts.market.client_secret_file" in [one.key for one in after.warnings]
    assert after.accounts == before.accounts


# Plugins


def test_only_the_plugins_that_accounts_need_are_asked_for(write: Write) -> None:
    asked: list[tuple[set[str], tuple[str, ...]]] = []

    def loader(connectors: Any, extra: Any) -> Plugins:
        asked.append((set(connectors), tuple(extra)))
        return PLUGINS

    config.load(write(GOOD + '\n[daemon]\nplugins = ["bazaar"]\n'), loader, {})
    assert asked == [({"bazaar", "stall"}, ("bazaar",))]


def test_a_plugin_that_fails_does_not_matter_until_an_account_uses_it(write: Write) -> None:
    assert load(write(GOOD)).plugins.failed
    (problem,) = problems(write(GOOD + '\n[accounts.sad]\nconnector = "sad"\n'))
    assert problem.message == "the plugin sad cannot be loaded: ModuleNotFoundError: No module named 'zeep'"


# What is wrong: the line is the one that ends with "#!"


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    key: str
    message: str
    hint: str = ""

    @property
    def line(self) -> int:
        return next(i for i, line in enumerate(dedent(self.text).splitlines(), 1) if line.endswith("#!"))


MARKET = f'[accounts.market]\nconnector = "bazaar"\nclient_id = "id"\nclient_secret = "{CANARY}"\n'
UNREAD = f'[accounts.shop]\nconnector = "stall"\nurl = "https://shop.example"\nkey = "{CANARY}"\n'
SHOP = (
    f'[accounts.shop]\nconnector = "stall"\nfetch_orders = true\nurl = "https://shop.example"\nkey = "{CANARY}"\n'
)
TILL = '[accounts.till]\nconnector = "till"\n'
BOARD = '[accounts.board]\nconnector = "board"\n'
BOTH = MARKET + SHOP
ROUTE = '[[routes]]\nfrom = ["market"]\nto = "shop"\n'

CASES = [
    Case("no value", "[daemon]\ndata = #!", "", "is not valid TOML: invalid value", "text needs quotes"),
    Case("no quotes", "[daemon]\ndata = /srv/olhubd #!", "", "is not valid TOML: invalid value", "needs quotes"),
    Case("open header", "[daemon #!\n", "", "is not valid TOML: expected ']'"),
    Case("key twice", '[daemon]\ndata = "/a"\ndata = "/b" #!', "daemon.data", "is set a second time", ".toml:2"),
    Case("table twice", MARKET + "[accounts.market] #!", "accounts.market", "is set a second time", ".toml:1"),
    Case("unknown section", "[engin] #!\nx = 1", "engin", "is not a known section", 'did you mean "engine"?'),
    Case("section is no table", "daemon = 3 #!", "daemon", "must be a table", "write it as [daemon]"),
    Case("unknown key", "[daemon]\nlog_levl = 'info' #!", "daemon.log_levl", "not a known key", '"log_level"'),
    Case("key with dash", "[daemon]\nlog-level = 'info' #!", "daemon.log-level", "not a known", '"log_level"'),
    Case("unknown word", '[daemon]\nlog_level = "inof" #!', "daemon.log_level", "must be 'debug'", '"info"?'),
    Case("number for text", "[daemon]\ntimezone = 3 #!", "daemon.timezone", "must be text", "in quotes"),
    Case("unknown zone", '[daemon]\ntimezone = "Europe/Warszawa" #!', "daemon.timezone", "time zone", "Warsaw"),
    Case("city alone", '[daemon]\ntimezone = "warsaw" #!', "daemon.timezone", "time zone", '"Europe/Warsaw"'),
    Case("no zone at all", '[daemon]\ntimezone = "xyzzy" #!', "daemon.timezone", "time zone", 'for example "'),
    Case("no unit", "[daemon]\nstop_timeout = 25 #!", "daemon.stop_timeout", "needs a unit", '"25 s"'),
    Case("wrong unit", '[engine]\nbackoff_max = "1 hor" #!', "engine.backoff_max", "no unit", 'mean "1 hours"?'),
    Case("negative span", '[engine]\nbackoff_max = "-1 h" #!', "engine.backoff_max", "longer than nothing"),
    Case("spans in disorder", '[engine]\nbackoff_first = "2 h" #!', "engine.backoff_first", "than backoff_max"),
    Case("text for number", '[engine]\ndown_after = "4" #!', "engine.down_after", "whole number", "quotes"),
    Case("switch for number", "[engine]\ndown_after = true #!", "engine.down_after", "must be a whole number"),
    Case("number too small", "[engine]\ndown_after = 0 #!", "engine.down_after", "greater than or equal to 1"),
    Case("plugin missing", '[daemon]\nplugins = [\n  "sad", #!\n]', "daemon.plugins.0", "cannot be loaded: Mod"),
    Case("listen to all", '[control]\nlisten = "0.0.0.0:80" #!', "control.listen", "reached", "allow_remote"),
    Case(
        "remote without token",
        '[control]\nallow_remote = true\nlisten = "0.0.0.0:80" #!',
        "control.listen",
        "so a token is needed",
        "token_file",
    ),
    Case("no port", '[control]\nlisten = "localhost" #!', "control.listen", "an address and a port", "8742"),
    Case("port too big", '[control]\nlisten = "localhost:70000" #!', "control.listen", "port beyond 65535"),
    Case("all ears shut", '[control]\nlisten = "off" #!', "control.listen", "nobody could steer"),
    Case("empty secret", '[control]\ntoken = "" #!', "control.token", "is empty"),
    Case("token to be guessed", '[control]\ntoken = "letmein1letmein" #!', "control.token", "so short", "openssl"),
    Case(
        "host with its port", '[control]\nhosts = ["hub.example:443"] #!', "control.hosts", "no name", "hub.example"
    ),
    Case("host as an address", '[control]\nhosts = "https://hub.example" #!', "control.hosts", "no name"),
    Case("accounts as list", '[[accounts]] #!\nname = "x"', "accounts", "must be tables", "[accounts.NAME]"),
    Case("account is no table", 'accounts.shop = "x" #!', "accounts.shop", "must be a table", "[accounts.shop]"),
    Case("account name", TILL.replace("till]", "Till_1] #!"), "accounts.Till_1", "not a name", "[accounts.till-1]"),
    Case("reserved name", TILL.replace("till]", "control] #!"), "accounts.control", "not a name", "another"),
    Case("no connector", "[accounts.shop] #!\ntitle = 'x'", "accounts.shop.connector", "is missing", "system"),
    Case(
        "unknown connector", '[accounts.x]\nconnector = "stal" #!', "accounts.x.connector", "no installed", "stall"
    ),
    Case("idle plugin", '[accounts.x]\nconnector = "sleepy" #!', "accounts.x.connector", "OLHUBD_PLUGINS", "add"),
    Case("greedy plugin", '[accounts.x]\nconnector = "greedy" #!', "accounts.x.connector", "'interval'", "rename"),
    Case(
        "missing setting",
        MARKET.replace("market]", "market] #!").replace('client_id = "id"\n', ""),
        "accounts.market.client_id",
        "is missing",
        "Id of the application.",
    ),
    Case(
        "missing secret",
        MARKET.replace("market]", "market] #!").replace("client_secret", "# "),
        "accounts.market.client_secret",
        "is missing",
        "client_secret_file",
    ),
    Case("misspelled own key", MARKET + "sandbx = true #!", "accounts.market.sandbx", "not a known", '"sandbox"'),
    Case("misspelled common key", MARKET + 'intervall = "1 h" #!', "accounts.market.intervall", "k", '"interval"'),
    Case("file of no secret", MARKET + 'client_id_file = "x" #!', "accounts.market.client_id_file", "not a known"),
    Case(
        "secret and its file",
        MARKET + 'client_secret_file = "x" #!',
        "accounts.market.client_secret_file",
        "stands beside client_secret",
        "keep one",
    ),
    Case(
        "secret of a wrong type",
        MARKET.replace(f'"{CANARY}"', "4 #!"),
        "accounts.market.client_secret",
        "must be text",
        "quotes",
    ),
    Case(
        "secret in a plugin's own message",
        MARKET.replace(f'"{CANARY}"', '"c4n" #!'),
        "accounts.market.client_secret",
        "(hidden) is too short for a secret",
    ),
    Case("text for switch", MARKET + 'sandbox = "yes" #!', "accounts.market.sandbox", "true or false", "quotes"),
    Case("too many", MARKET + "page_size = 5000 #!", "accounts.market.page_size", "less than or equal to 1000"),
    Case("own word", MARKET + 'mood = "gentel" #!', "accounts.market.mood", "must be 'fast' or", '"gentle"?'),
    Case("own span", MARKET + 'settle = "5 secnds" #!', "accounts.market.settle", "no unit", '"5 seconds"?'),
    Case(
        "element",
        MARKET + 'languages = [\n"pl",\n3, #!\n]',
        "accounts.market.languages.1",
        "must be text",
        "in quotes",
    ),
    Case(
        "no address",
        SHOP.replace('example"', 'example" #!').replace("https://", ""),
        "accounts.shop.url",
        "web address",
        "shop.example",
    ),
    Case("literal", SHOP + 'mode = "nwe" #!', "accounts.shop.mode", "must be 'new' or 'old'", '"new"?'),
    Case("start", MARKET + 'start = "yesterday" #!', "accounts.market.start", "no time to start", "14 days"),
    Case("start without zone", MARKET + "start = 2026-01-31T00:00:00 #!", "accounts.market.start", "offset", "+01"),
    Case("start in numbers", MARKET + "start = 14 #!", "accounts.market.start", "no time to start", "14 days"),
    Case("beyond retention", MARKET + 'interval = "60 d" #!', "accounts.market.interval", "(60 days)", "10 min"),
    Case("nothing to fetch", TILL + "fetch_orders = true #!", "accounts.till.fetch_orders", "no orders", "leave"),
    Case("routes as table", BOTH + '[routes] #!\nto = "shop"', "routes", "must be a list", "[[routes]]"),
    Case("route without from", BOTH + '[[routes]] #!\nto = "shop"', "routes.0.from", "is missing", "Names of"),
    Case("unknown target", MARKET + ROUTE.replace('"shop"', '"markt" #!'), "routes.0.to", "no account", "market"),
    Case(
        "target takes none", BOTH + BOARD + ROUTE.replace('"shop"', '"board" #!'), "routes.0.to", "takes no", "shop"
    ),
    Case(
        "unknown source",
        BOTH + '[[routes]]\nto = "shop"\nfrom = [\n  "market",\n  "markett", #!\n]',
        "routes.0.from.1",
        "there is no account 'markett'",
        'did you mean "market"?',
    ),
    Case(
        "source gives none", BOTH + TILL + '[[routes]]\nto="shop"\nfrom="till" #!', "routes.0.from", "gives no", "m"
    ),
    Case("to itself", BOTH + '[[routes]]\nto = "shop"\nfrom = "shop" #!', "routes.0.from", "target of the same"),
    Case("star and more", BOTH + '[[routes]]\nto="shop"\nfrom=["*", "market"] #!', "routes.0.from.0", "alone", "*"),
    Case("source twice", BOTH + '[[routes]]\nto="shop"\nfrom=["market", "market"] #!', "routes.0.from.1", "twice"),
    Case("no source", BOTH + '[[routes]]\nto = "shop"\nfrom = [] #!', "routes.0.from", "names no account"),
    Case("star of nobody", TILL + '[[routes]]\nto = "till"\nfrom = "*" #!', "routes.0.from", "no account gives"),
    Case(
        "two routes",
        BOTH + ROUTE + ROUTE.replace("]]\n", "]] #!\n"),
        "routes.1",
        "market already has a route to shop",
        "see ",
    ),
    Case("route word", BOTH + ROUTE + 'when = "payed" #!', "routes.0.when", "must be 'confirmed'", '"paid"?'),
    Case("include", BOTH + ROUTE + 'include = ["offer_ids"] #!', "routes.0.include.0", "must be", '"offer-ids"?'),
    Case("negative hold", BOTH + ROUTE + 'hold = "-5 min" #!', "routes.0.hold", "must not be negative"),
    Case(
        "status key",
        BOTH + ROUTE + '[routes.statuses]\ncanceled = "x" #!',
        "routes.0.statuses.canceled",
        "is not a status of the hub",
        '"cancelled"?',
    ),
    Case(
        "payment key",
        BOTH + ROUTE + 'payment = { cod = "x" } #!',
        "routes.0.payment.cod",
        "is not a payment type of the hub",
        "cash-on-delivery",
    ),
    Case(
        "mapping to a number",
        BOTH + ROUTE + "shipping = { a = 3 } #!",
        "routes.0.shipping.a",
        "must be text",
        "in quotes",
    ),
    Case(
        "later status unsupported",
        BOARD + TILL + '[[routes]]\nfrom="board"\nto="till"\nstatuses.sent = "x" #!',
        "routes.0.statuses.sent",
        "till cannot change the status",
        "leave it out",
    ),
    Case(
        "cancel unsupported",
        BOARD + TILL + '[[routes]]\nfrom="board"\nto="till"\nstatuses.cancelled = "x" #!',
        "routes.0.statuses.cancelled",
        "till cannot cancel orders",
        "leave it out",
    ),
    *(
        Case(
            f"{option} unsupported",
            BOARD + TILL + f'[[routes]]\nfrom="board"\nto="till"\n{option} = true #!',
            f"routes.0.{option}",
            message,
            "leave it out",
        )
        for option, message in (
            ("sync_status", "till cannot change the status of an order"),
            ("sync_payment", "till cannot take later payments"),
            ("sync_shipments", "till cannot take parcels"),
            ("mark_processing", "board cannot take a status"),
        )
    ),
    Case(
        "one source cannot",
        BOTH + BOARD + '[[routes]]\nfrom = ["market", "board"]\nto = "shop"\nshipments_back = true #!',
        "routes.0.shipments_back",
        "board cannot take parcels",
        "a route of their own",
    ),
    Case(
        "target is not read",
        MARKET + UNREAD + '[[routes]]\nfrom = "market"\nto = "shop"\nstatus_back = { a = "b" } #!',
        "routes.0.status_back",
        "which nobody reads",
        "fetch_orders = true to [accounts.shop]",
    ),
    Case(
        "target cannot be read",
        MARKET + TILL + '[[routes]]\nfrom = "market"\nto = "till"\nstatus_back = { a = "b" } #!',
        "routes.0.status_back",
        "the orders at till cannot be read again",
        "leave it out",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_told_with_place_and_remedy(write: Write, case: Case) -> None:
    """Part of FWD-15: what cannot be done is refused with its reason."""
    path = write(case.text)
    (problem,) = problems(path)
    assert (problem.file, problem.line, problem.key) == (str(path), case.line, case.key)
    assert case.message in problem.message
    assert case.hint in problem.hint
    assert str(problem).startswith(f"{path}:{case.line}: {case.key}")


def test_there_are_enough_broken_configurations() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 30


def test_all_is_told_at_once_and_in_order(write: Write) -> None:
    path = write(
        "[daemon]\nlog_levl = 'x'\nstop_timeout = 5\n"
        + MARKET
        + 'sandbx = true\n[[routes]]\nfrom="x"\nwhn="paid"\nto="y"\n',
        more="[engine]\ndown_after = 'many'\n",
    )
    found = problems(path)
    assert [(Path(problem.file).name, problem.line, problem.key) for problem in found] == [
        ("more.toml", 2, "engine.down_after"),
        ("olhubd.toml", 2, "daemon.log_levl"),
        ("olhubd.toml", 3, "daemon.stop_timeout"),
        ("olhubd.toml", 8, "accounts.market.sandbx"),
        ("olhubd.toml", 10, "routes.0.from"),
        ("olhubd.toml", 11, "routes.0.whn"),
        ("olhubd.toml", 12, "routes.0.to"),
    ]


def test_a_key_in_two_files_names_both_places(write: Write) -> None:
    path = write(GOOD, more='\n[accounts.market]\nclient_id = "other"\n')
    (problem,) = problems(path)
    assert problem == Problem(
        f"{path.parent}/conf.d/more.toml",
        3,
        "accounts.market.client_id",
        "is set a second time",
        f"it is already set at {path}:4",
    )


def test_syntax_errors_of_all_files_are_told(write: Write) -> None:
    found = problems(write("[daemon", a="x =", b="[engine]\ndown_after = 'many'"))
    assert [(Path(problem.file).name, problem.line) for problem in found] == [("a.toml", 1), ("olhubd.toml", 1)]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "none.toml")
    assert (problem.file, problem.line) == (str(tmp_path / "none.toml"), None)
    assert problem.message == "there is no such file"
    assert "--config" in problem.hint


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "olhubd.toml").mkdir()
    (problem,) = problems(tmp_path / "olhubd.toml")
    assert problem.message == "cannot be read: is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_another_user_is_told(write: Write) -> None:
    path = write(GOOD)
    path.chmod(0)
    (problem,) = problems(path)
    assert problem.message == "cannot be read: permission denied"


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "olhubd.toml"
    path.write_bytes('[daemon]\ntimezone = "Łódź"\n'.encode("cp1250"))
    (problem,) = problems(path)
    assert problem.message == "is not UTF-8 text (line 2)"


def test_a_byte_order_mark_and_windows_lines_are_no_error(tmp_path: Path) -> None:
    path = tmp_path / "olhubd.toml"
    path.write_bytes(b"\xef\xbb\xbf[daemon]\r\n\r\ntimezone = 'UTC'\r\n")
    assert load(path).origin("daemon.timezone").line == 3


# The schema for editors


def valid(text: str) -> bool:
    try:
        jsonschema.validate(tomllib.loads(text), config.schema(PLUGINS))
    except jsonschema.ValidationError:
        return False
    return True


def test_the_schema_takes_what_is_right_and_refuses_what_is_not() -> None:
    jsonschema.Draft202012Validator.check_schema(config.schema(PLUGINS))
    assert valid(GOOD)
    assert valid(GOOD.replace(f'key = "{CANARY}"', 'key_file = "/x"\ninterval = "5 min"'))
    assert not valid(GOOD.replace("client_id", "client_di"))
    assert not valid(GOOD.replace("bazaar", "bazar"))
    assert not valid(GOOD + "hold = 5\n")
    assert not valid(GOOD + 'when = "never"\n')
    assert not valid("[engine]\ndown_after = 0\n")


def test_the_schema_keeps_equal_names_of_two_plugins_apart() -> None:
    other = type("Other", (Bazaar,), {"name": "other"})
    plugins = replace(PLUGINS, connectors={"bazaar": Bazaar, "other": other})
    definitions = config.schema(plugins)["$defs"]
    assert {"bazaar.Mood", "other.Mood"} <= definitions.keys()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("a = " + "9" * 5000, "a number is too long"),
        ("# " + "x" * 2**20, "is longer than 1024 KiB"),
    ],
    ids=["deep", "digits", "long"],
)
def test_a_file_that_cannot_be_a_configuration(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "olhubd.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        config.load(path, None, {})
    (problem,) = caught.value.problems
    assert words in str(problem)
    assert problem.file == str(path)


def test_a_short_secret_is_hidden_only_where_it_stands_alone(write: Write) -> None:
    """Hiding each of its letters inside of words would make the message unreadable and tell the letter."""
    path = write(GOOD.replace(f'key = "{CANARY}"', 'key = "a"').replace("https://shop.example", "nonsense"))
    with pytest.raises(ConfigurationError) as refused:
        load(path)
    (problem,) = refused.value.problems
    assert problem.message == "must be a web address"
    assert CANARY not in problem.hint
    assert "v(hidden)lid" not in problem.message


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('off = ["silense"]', "alarms.off", "silence"),
        ('quiet_days = ["24.12."]', "alarms.quiet_days", "no day of the year"),
        ('mail_to = ["shop at example"]', "alarms.mail_to", "no mail address"),
        ('smtp_user = "olhubd"', "alarms.smtp_password", "belong together"),
        ("retention_share = 1.5", "alarms.retention_share", "less than or equal to 1"),
        ('webhook_url = "chat"', "alarms.webhook_url", "web address"),
        ("undelivered = 60", "alarms.undelivered", "60 s"),
    ],
)
def test_wrong_settings_of_alarms_are_told_with_their_key(write: Write, line: str, key: str, words: str) -> None:
    (problem,) = problems(write(f"{GOOD}\n[alarms]\n{line}\n"))
    assert problem.key.startswith(key)
    assert words in str(problem)


def test_the_secrets_of_alarms_may_stand_elsewhere(write: Write, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{CANARY}\n")
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "alarms.webhook_secret").write_text("between us")
    path = write(f'{GOOD}\n[alarms]\nsmtp_user = "olhubd"\nsmtp_password_file = "{tmp_path}/password"\n')
    alarms = load(path, {"CREDENTIALS_DIRECTORY": str(tmp_path / "given")}).alarms
    assert alarms.smtp_password is not None
    assert alarms.smtp_password.get_secret_value() == CANARY
    assert alarms.webhook_secret is not None
    assert alarms.webhook_secret.get_secret_value() == "between us"
    assert CANARY not in repr(alarms)


def test_addresses_that_are_secrets_are_not_shown(write: Write) -> None:
    """Whoever knows a web hook's path may post there, and a name before a host may come with a password."""
    lines = (
        f'webhook_url = "https://chat.example/hooks/{CANARY}?key={CANARY}"',
        f'webhook_url = "https://olhubd:{CANARY}@chat.example/"',
    )
    for line in lines:
        told = {one.key: one.value for one in shown(load(write(f"{GOOD}\n[alarms]\n{line}\n")))}
        assert CANARY not in str(told)
        assert told["alarms.webhook_url"].startswith("https://")
        assert "chat.example/" in told["alarms.webhook_url"]
    plain = load(write(f'{GOOD}\n[alarms]\nwebhook_url = "http://a.example:81"\n'))
    assert {one.key: one.value for one in shown(plain)}["alarms.webhook_url"] == "http://a.example:81/"


def test_every_secret_of_a_configuration_is_known_to_who_must_hide_it(write: Write) -> None:
    """Of each table, those of connectors too, and those within addresses."""
    sections = "\n".join(
        f"[{section}]\n" + "".join(f'{key} = "secret of {section}.{key}"\n' for key in keys)
        for section, model in SECTIONS.items()
        if (keys := [key for key, info in fields(model).items() if kind(info) is FieldKind.SECRET])
    )
    assert "control.token" in sections
    address = 'webhook_url = "https://olhubd:p%40ss@chat.example/hooks/between-us?key=1"\nsmtp_user = "olhubd"\n'
    text = GOOD.replace("https://shop.example", "https://keeper:at-the-door@shop.example")
    known = set(secrets(load(write(f"{text}\n{sections}{address}"))))
    assert {f"secret of {part}" for part in re.findall(r"secret of ([\w.]+)", sections)} <= known
    assert {CANARY, "p@ss", "p%40ss", "hooks/between-us?key=1"} <= known
    assert "at-the-door" in known


def test_a_secret_deep_in_a_connectors_settings_is_known(write: Write) -> None:
    class Deep(Settings):
        """Keys by warehouse."""

        keys: Mapping[str, tuple[Secret, ...]]

    configuration = load(write(GOOD))
    market = configuration.accounts["market"]
    deep = replace(market, settings=Deep.model_validate({"keys": {"a": ("one-key", "two-key")}}))
    known = set(secrets(replace(configuration, accounts={"market": deep})))
    assert {"one-key", "two-key"} <= known
