"""Rules of [[stock]]: whose stock is sold where, and what is said of one that cannot be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from olhubd import config
from olhubd.config import KeptValue, Layer
from olhubd.decide.stock.brake import Brake
from olhubd.decide.stock.policy import StockPolicy
from olhubd_allegro.levels import Levels
from tests.test_config_words import TEXT, load

SECOND = TEXT.partition("[accounts.shop]")[0].replace("[accounts.market]", "[accounts.second]")


def stock(folder: Path, rule: str, text: str = TEXT) -> config.Configuration:
    return load(folder, f"{SECOND}{text}[[stock]]\n{rule}\n")


def test_a_star_is_every_account_that_shows_quantities_but_the_master(tmp_path: Path) -> None:
    (rule,) = stock(tmp_path, 'master = "shop"\nchannels = "*"').stock
    assert (rule.master, rule.channels) == ("shop", frozenset({"market", "second"}))


def kept(account: str, key: str, text: str) -> KeptValue:
    """What a person has set while the daemon ran."""
    return KeptValue(
        account=account, key=key, text=text, layer=Layer.DATABASE, who="ola", at=datetime(2026, 3, 1, tzinfo=UTC)
    )


def test_what_does_not_go_with_a_rule_falls_alone(tmp_path: Path) -> None:
    """A rule that is new in the file needs the orders of `market`: what others keep does not fall with that."""
    loud = kept("market", "fetch_orders", "false")
    quiet = [kept("second", "fetch_orders", "false"), kept("second", "interval", "7 min")]
    written = stock(tmp_path, 'master = "shop"\nchannels = ["market"]')
    filled, refused = written.filled([*quiet[:1], loud, *quiet[1:]])
    assert set(refused) == {loud}
    assert filled.accounts["market"].fetch_orders, "the rule holds"
    assert not filled.accounts["second"].fetch_orders, "what a person switched off stays off"


def test_linking_by_ean_is_a_switch_that_is_on(tmp_path: Path) -> None:
    """Part of OFF-11."""
    rule = 'master = "shop"\nchannels = "*"\n'
    assert [stock(tmp_path, rule + more).stock[0].link_by_ean for more in ("", "link_by_ean = false")] == [
        True,
        False,
    ]


def test_linking_on_events_is_a_switch_that_is_off(tmp_path: Path) -> None:
    """Part of OFF-13."""
    rule = 'master = "shop"\nchannels = "*"\n'
    assert [stock(tmp_path, rule + more).stock[0].link_on_events for more in ("", "link_on_events = true")] == [
        False,
        True,
    ]


def test_raising_is_a_switch_that_is_on(tmp_path: Path) -> None:
    """Part of OFF-17."""
    rule = 'master = "shop"\nchannels = "*"\n'
    assert [stock(tmp_path, rule + more).stock[0].raises for more in ("", "raise_quantities = false")] == [
        True,
        False,
    ]


def test_the_brake_is_on_and_can_be_switched_off(tmp_path: Path) -> None:
    rule = 'master = "shop"\nchannels = "*"\n'
    set_ = "brake_share = 50\nbrake_least = 100\nbrake_factor = 3"
    assert [stock(tmp_path, rule + more).stock[0].brake for more in ("", set_, "brake = false")] == [
        Brake(share=20, least=5, factor=10),
        Brake(share=50, least=100, factor=3),
        None,
    ]


def test_nothing_is_written_to_a_sandbox(tmp_path: Path) -> None:
    """OFF-28, as far as quantities go."""
    trial = TEXT.replace('client_id = "id"', 'client_id = "id"\nsandbox = true')
    (rule,) = stock(tmp_path, 'master = "shop"\nchannels = "*"', trial).stock
    assert rule.channels == {"second"}


@pytest.mark.parametrize(
    ("rule", "key", "said"),
    [
        (
            'master = "shop"\nchannels = ["market"]\npolicy = "allocated"\nweights = {second = 2}',
            "weights.second",
            "is no channel of this table",
        ),
        (
            'master = "shop"\nchannels = ["market"]\npolicy = "allocated"\nraise_quantities = false',
            "raise_quantities",
            "a piece that moves raises the offer",
        ),
        ('master = "shop"\nchannels = ["market"]\nweights = {market = 2}', "weights", "has no meaning"),
        ('master = "shop"\nchannels = ["market"]\nallocate_below = 2', "allocate_below", "has no meaning"),
        ('master = "shpo"\nchannels = ["market"]', "master", "there is no account 'shpo'"),
        ('master = "market"\nchannels = ["second"]', "master", "allegro does not say what it has in stock"),
        ('master = "shop"\nchannels = ["markt"]', "channels", "there is no account 'markt'"),
        ('master = "shop"\nchannels = ["shop"]', "channels", "is the master of the same stock"),
        ('master = "shop"\nchannels = ["market", "market"]', "channels", "names market twice"),
        ('master = "shop"\nchannels = ["market", "*"]', "channels", "must stand alone"),
        ('master = "shop"\nchannels = []', "channels", "names no account"),
        ('master = "shop"\nchannels = ["market"]\nbrake = "off"', "brake", "true or false"),
        ('master = "shop"\nchannels = ["market"]\nbrake = false\nbrake_least = 9', "brake_least", "no meaning"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_field(tmp_path: Path, rule: str, key: str, said: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, rule)
    (problem,) = caught.value.problems
    assert problem.key == f"stock.0.{key}"
    assert said in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("brake_share", 0, "greater than or equal to 1"),
        ("brake_share", 101, "less than or equal to 100"),
        ("brake_least", 0, "greater than or equal to 1"),
        ("brake_factor", 1, "greater than or equal to 2"),
    ],
)
def test_the_numbers_of_the_brake_have_bounds(tmp_path: Path, key: str, value: int, said: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, f'master = "shop"\nchannels = ["market"]\n{key} = {value}')
    (problem,) = caught.value.problems
    assert (problem.key, said in problem.message) == (f"stock.0.{key}", True)


@pytest.mark.parametrize("channels", ['["market"]', '"*"'])
def test_a_sandbox_that_is_named_or_alone_is_refused(tmp_path: Path, channels: str) -> None:
    trial = TEXT.replace('client_id = "id"', 'client_id = "id"\nsandbox = true')
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, f'{trial}[[stock]]\nmaster = "shop"\nchannels = {channels}\n')
    (problem,) = caught.value.problems
    assert (problem.key, "in a sandbox" in problem.message) == ("stock.0.channels", True)


def test_a_channel_has_one_rule_of_a_master(tmp_path: Path) -> None:
    rule = 'master = "shop"\nchannels = ["market"]\n'
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, f"{rule}[[stock]]\n{rule}")
    (problem,) = caught.value.problems
    assert "is sold on market already" in problem.message


def test_a_master_whose_orders_nobody_reads_is_refused(tmp_path: Path) -> None:
    """What became of the copies decides which pieces the master's number is without."""
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, 'master = "shop"\nchannels = "*"', TEXT.replace("fetch_orders = true\n", ""))
    (problem,) = caught.value.problems
    assert (problem.key, "fetch_orders = true" in problem.hint) == ("stock.0.master", True)


OUTLET = """\
[accounts.outlet]
connector = "woocommerce"
url = "https://outlet.example"
consumer_key = "ck_2"
consumer_secret = "cs_2"
"""


def test_a_second_shop_is_a_channel_where_its_orders_are_read(tmp_path: Path) -> None:
    """What is sold on a channel is off the number of all others, so it must be heard of."""
    read = f"{OUTLET}fetch_orders = true\n{TEXT}"
    assert stock(tmp_path, 'master = "shop"\nchannels = "*"', f"{OUTLET}{TEXT}").stock[0].channels == {
        "market",
        "second",
    }
    assert stock(tmp_path, 'master = "shop"\nchannels = ["outlet"]', read).stock[0].channels == {"outlet"}
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, 'master = "shop"\nchannels = ["outlet"]', f"{OUTLET}{TEXT}")
    (problem,) = caught.value.problems
    assert (problem.key, "whose orders nobody reads" in problem.message) == ("stock.0.channels", True)
    assert "fetch_orders = true to [accounts.outlet]" in problem.hint


def test_two_shops_are_not_each_others_master(tmp_path: Path) -> None:
    """Each would be written the other's number. A star leaves masters out."""
    read = f"{OUTLET}fetch_orders = true\n{TEXT}"
    rules = stock(tmp_path, 'master = "shop"\nchannels = "*"\n[[stock]]\nmaster = "outlet"\nchannels = "*"', read)
    assert [rule.channels for rule in rules.stock] == [{"market", "second"}] * 2
    both = 'master = "shop"\nchannels = ["outlet"]\n[[stock]]\nmaster = "outlet"\nchannels = ["shop"]'
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, both, read)
    (problem,) = caught.value.problems
    assert problem.key == "stock.1"
    assert "shop sells its own stock on outlet, so neither is the master" in problem.message


DIVIDED = 'master = "shop"\nchannels = ["market", "second"]\npolicy = "allocated"\n'


def test_what_is_divided_has_weights_and_a_threshold(tmp_path: Path) -> None:
    (rule,) = stock(tmp_path, DIVIDED + "allocate_below = 2\nweights = {market = 3}").stock
    assert rule.policy is StockPolicy.ALLOCATED
    assert (rule.allocate_below, rule.weights) == (2, {"market": 3})


def test_a_channel_that_takes_numbers_only_cannot_be_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number overwrites what is sold at the same moment, so the promise could not be kept there."""
    monkeypatch.setattr(Levels, "changes", False)
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, DIVIDED)
    first, second = caught.value.problems
    assert [one.key for one in (first, second)] == ["stock.0.policy"] * 2
    assert "market (allegro) take only a whole number" in first.message
    assert "leave it out of the channels" in first.hint


def test_what_is_divided_is_sold_by_no_other_table(tmp_path: Path) -> None:
    one = 'master = "shop"\nchannels = ["market"]\npolicy = "allocated"\n'
    other = '[[stock]]\nmaster = "shop"\nchannels = ["second"]'
    with pytest.raises(config.ConfigurationError) as caught:
        stock(tmp_path, one + other)
    (problem,) = caught.value.problems
    assert problem.key == "stock.0.policy"
    assert "would sell the same pieces" in problem.message
