"""Profiles: what each sets where nobody has written it, where that is shown, and what each refuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pluggy
import pytest

from olhubd import config
from olhubd.config import Configuration, ConfigurationError, KeptValue, Layer
from olhubd.config.effective import shown
from olhubd.config.profiles import Profile
from olhubd.decide.route import When
from olhubd.plugin import Connector, Defaults, OrderLookup, OrderSink, Parts, PaymentSink, Settings, StatusSink
from olhubd.plugin.loading import Plugins
from tests.feeds import Told


class Auction(Connector[Settings], OrderLookup):
    provides: ClassVar[Parts] = {Told: "orders"}
    name = "allegro"
    title = "Allegro"
    Settings = Settings
    defaults = Defaults(
        interval=timedelta(seconds=20),
        retention=timedelta(days=60),
        profiles={"baselinker": timedelta(minutes=5), "atomstore": timedelta(minutes=10)},
    )


class Ebay(Auction):
    name = "ebay"
    title = "eBay"
    defaults = Defaults(interval=timedelta(seconds=20), profiles={"baselinker": timedelta(minutes=5)})


class Craft(Auction):
    name = "etsy"
    title = "Etsy"
    defaults = Defaults(interval=timedelta(seconds=20))


class Store(Connector[Settings], OrderLookup, OrderSink, StatusSink, PaymentSink):
    provides: ClassVar[Parts] = {Told: "orders"}
    name = "store"
    title = "The store"
    Settings = Settings
    defaults = Defaults(interval=timedelta(minutes=5))


_ALL = (Auction, Ebay, Craft, Store)
PLUGINS = Plugins(
    manager=pluggy.PluginManager("olhubd"),
    connectors={one.name: one for one in _ALL},
    providers={one.name: one.name for one in _ALL},
    failed={},
    loaded=tuple(one.name for one in _ALL),
    idle=(),
)

ACCOUNTS = """
[accounts.main]
connector = "allegro"
[accounts.bay]
connector = "ebay"
[accounts.craft]
connector = "etsy"
[accounts.shop]
connector = "store"
[[routes]]
from = "*"
to = "shop"
"""


def load(tmp_path: Path, text: str, environ: Mapping[str, str] = MappingProxyType({})) -> Configuration:
    path = tmp_path / "olhubd.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path, PLUGINS, environ)


def refused(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    return [f"{one.key}: {one.message} ({one.hint})" for one in caught.value.problems]


def profiled(profile: str) -> str:
    return f'[engine]\nprofile = "{profile}"\n{ACCOUNTS}'


def intervals(configuration: Configuration) -> dict[str, tuple[timedelta, bool]]:
    return {name: (one.interval, one.adaptive) for name, one in configuration.accounts.items()}


def test_without_a_profile_each_connector_goes_by_its_nature(tmp_path: Path) -> None:
    found = intervals(load(tmp_path, ACCOUNTS))
    assert found["main"] == (timedelta(seconds=20), True)
    assert found["shop"] == (timedelta(minutes=5), True)


def test_baselinker_reads_shops_and_other_sources_hourly_and_marketplaces_in_five_minutes(tmp_path: Path) -> None:
    """IMP-06, IMP-07: shops every 60 minutes, other sources with an API every hour."""
    configuration = load(tmp_path, profiled("baselinker"))
    found = intervals(configuration)
    assert found["shop"] == (timedelta(minutes=60), False)
    assert found["craft"] == (timedelta(minutes=60), False)
    assert found["main"] == found["bay"] == (timedelta(minutes=5), False)
    sweeps = {one.sweep_interval for one in configuration.accounts.values()}
    assert sweeps == {timedelta(hours=1)}, "the second look is the same whatever the profile says"


def test_atomstore_reads_allegro_every_ten_minutes_and_the_rest_as_ever(tmp_path: Path) -> None:
    """IMP-10."""
    found = intervals(load(tmp_path, profiled("atomstore")))
    assert found["main"] == (timedelta(minutes=10), False)
    assert found["bay"] == (timedelta(seconds=20), True)
    assert found["shop"] == (timedelta(minutes=5), True)


def test_e_sale_passes_on_what_is_paid(tmp_path: Path) -> None:
    """IMP-13, IMP-14: under this profile an order goes on when its money is there."""
    assert load(tmp_path, profiled("e-sale")).routes[0].when is When.PAID
    pinned = profiled("e-sale").replace('to = "shop"', 'to = "shop"\nwhen = "confirmed"')
    assert load(tmp_path, pinned).routes[0].when is When.CONFIRMED
    assert load(tmp_path, ACCOUNTS).routes[0].when is When.CONFIRMED


def test_baselinker_collects_statuses_hourly_and_payments_every_four_hours(tmp_path: Path) -> None:
    """Part of SYN-03 and SYN-07; SYN-04: no status may take longer than two hours."""
    hours = timedelta(hours=1)
    (route,) = load(tmp_path, profiled("baselinker")).routes
    assert (route.status_window, route.payment_window) == (hours, 4 * hours)
    (route,) = load(tmp_path, profiled("olhubd")).routes
    assert (route.status_window, route.payment_window) == (0 * hours, 0 * hours)
    pinned = profiled("baselinker").replace('to = "shop"', 'to = "shop"\nstatus_window = "WINDOW"')
    (route,) = load(tmp_path, pinned.replace("WINDOW", "0 s")).routes
    assert (route.status_window, route.payment_window) == (0 * hours, 4 * hours)
    (told,) = refused(tmp_path, pinned.replace("WINDOW", "3 h"))
    expected = "is longer than the longest that the profile baselinker allows (write 2 h at most)"
    assert told == f"routes.0.status_window: {expected}"
    (told,) = refused(tmp_path, pinned.replace("baselinker", "olhubd").replace("WINDOW", "25 h"))
    assert told == "routes.0.status_window: is longer than the longest (write 1 d at most)"


def test_an_account_may_have_a_profile_of_its_own(tmp_path: Path) -> None:
    text = profiled("baselinker").replace('"allegro"', '"allegro"\nprofile = "atomstore"')
    text = text.replace('"ebay"', '"ebay"\nprofile = "olhubd"')
    configuration = load(tmp_path, text)
    found = intervals(configuration)
    assert found["main"] == (timedelta(minutes=10), False)
    assert found["bay"] == (timedelta(seconds=20), True)
    profiles = {name: one.profile for name, one in configuration.accounts.items()}
    assert profiles == {
        "main": Profile.ATOMSTORE,
        "bay": Profile.OLHUBD,
        "craft": Profile.BASELINKER,
        "shop": Profile.BASELINKER,
    }


def test_what_is_written_pins_its_key_and_each_value_says_where_it_is_from(tmp_path: Path) -> None:
    """IMP-09: the interval in force can be read, with what it comes from."""
    text = profiled("baselinker").replace('"etsy"', '"etsy"\ninterval = "20 min"')
    configuration = load(tmp_path, text)
    rows = {one.key: (one.value, one.origin) for one in shown(configuration)}
    assert rows["accounts.main.interval"] == ("5 min", "profile baselinker")
    assert rows["accounts.craft.interval"] == ("20 min", f"{tmp_path / 'olhubd.toml'}:10")
    assert rows["accounts.main.profile"] == ("baselinker", f"{tmp_path / 'olhubd.toml'}:2")
    assert load(tmp_path, ACCOUNTS).origin("accounts.main.interval").layer is Layer.DEFAULT
    at = datetime(2026, 3, 1, tzinfo=UTC)
    kept = KeptValue(account="main", key="interval", text="7 min", layer=Layer.DATABASE, who="ola", at=at)
    after, wrong = configuration.filled([kept])
    assert not wrong
    assert after.accounts["main"].interval == timedelta(minutes=7)
    assert after.accounts["bay"].interval == timedelta(minutes=5)


def test_the_interval_of_atomstore_is_the_operators_alone(tmp_path: Path) -> None:
    """IMP-11, MAN-07: what somebody sets while the daemon runs does not hold; what the file says does."""
    configuration = load(tmp_path, profiled("atomstore"))
    at = datetime(2026, 3, 1, tzinfo=UTC)
    kept = [
        KeptValue(account="main", key=key, text=text, layer=Layer.DATABASE, who="ola", at=at)
        for key, text in (("interval", "1 min"), ("adaptive", "true"), ("sweep_window", "5 d"))
    ]
    after, wrong = configuration.filled(kept)
    assert {one.key for one in wrong} == {"interval", "adaptive"}
    assert all("under the profile atomstore" in problem.message for problem in wrong.values())
    assert after.accounts["main"].interval == timedelta(minutes=10)
    assert after.accounts["main"].sweep_window == timedelta(days=5)
    pinned = profiled("atomstore").replace('"allegro"', '"allegro"\ninterval = "1 min"')
    assert load(tmp_path, pinned).accounts["main"].interval == timedelta(minutes=1)


def test_baselinker_refuses_an_interval_that_breaks_its_promise(tmp_path: Path) -> None:
    text = profiled("baselinker").replace('"allegro"', '"allegro"\ninterval = "11 min"')
    (told,) = refused(tmp_path, text)
    assert told.startswith("accounts.main.interval: is longer than the profile baselinker allows (10 min)")
    load(tmp_path, text.replace("11 min", "10 min"))
    load(tmp_path, text.replace("baselinker", "olhubd"))


def test_baselinker_passes_on_the_orders_of_all_marketplaces_or_of_none(tmp_path: Path) -> None:
    """FWD-03: Allegro without eBay is refused; a switch that is off by default allows it."""
    text = profiled("baselinker").replace('from = "*"', 'from = ["main", "craft"]')
    (told,) = refused(tmp_path, text)
    assert told == (
        "routes.0.from: leaves out bay: the profile baselinker passes on the orders of all or of none"
        ' (write from = "*", or some_sources = true)'
    )
    load(tmp_path, text.replace('to = "shop"', 'to = "shop"\nsome_sources = true'))
    load(tmp_path, text.replace('to = "shop"', 'to = "shop"\nforward = false'))
    load(tmp_path, text.replace('"ebay"', '"ebay"\nenabled = false'))
    load(tmp_path, text.replace('"ebay"', '"ebay"\nfetch_orders = false'))
    load(tmp_path, text + '[[routes]]\nfrom = "bay"\nto = "shop"\n')
    for other in ("olhubd", "e-sale", "atomstore"):
        load(tmp_path, text.replace("baselinker", other))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[engine]\nprofile = "baselinkr"\n' + ACCOUNTS, "engine.profile: must be 'olhubd', 'baselinker'"),
        (ACCOUNTS.replace('"etsy"', '"etsy"\nprofile = "shoper"'), "accounts.craft.profile: must be"),
        ('profile = "baselinker"\n' + ACCOUNTS, "profile: is not a known section (write it in [engine]"),
        ("[engine]\nprofile = 7\n" + ACCOUNTS, "engine.profile: must be"),
    ],
)
def test_a_wrong_profile_is_told_once_at_its_key(tmp_path: Path, text: str, told: str) -> None:
    (only,) = refused(tmp_path, text)
    assert only.startswith(told)


def test_the_environment_may_choose_it(tmp_path: Path) -> None:
    configuration = load(tmp_path, ACCOUNTS, {"OLHUBD_ENGINE__PROFILE": "atomstore"})
    assert configuration.accounts["main"].interval == timedelta(minutes=10)
    assert str(configuration.origin("accounts.main.profile")) == "environment OLHUBD_ENGINE__PROFILE"
