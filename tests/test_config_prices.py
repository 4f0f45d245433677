"""Rules of [[prices]]: whose prices go where, and what is said of one that cannot be kept."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from olhubd import config
from olhubd.decide.pricing.rule import PriceRule
from tests.test_config_stock import SECOND
from tests.test_config_words import TEXT, load

PRICED = TEXT.replace("fetch_orders = true\n", 'fetch_orders = true\nproducts = "always"\n')
STOCK = '[[stock]]\nmaster = "shop"\nchannels = ["market", "second"]\n'


def prices(folder: Path, rule: str, text: str = PRICED, stock: str = STOCK) -> config.Configuration:
    return load(folder, f"{SECOND}{text}{stock}[[prices]]\n{rule}\n")


def test_a_rule_as_it_is_written(tmp_path: Path) -> None:
    (rule,) = prices(
        tmp_path,
        'master = "shop"\nchannels = ["market"]\nprice_list = "retail"\nmultiply = "1.05"\nadd = -1\n'
        'round_to = "1.00"\nending = 0.99\nfloor = "5.00"\nstep = 20\ntax = 23',
    ).prices
    assert rule == PriceRule(
        master="shop",
        channels=frozenset({"market"}),
        price_list="retail",
        multiply=Decimal("1.05"),
        add=Decimal(-1),
        round_to=Decimal("1.00"),
        ending=Decimal("0.99"),
        floor=Decimal("5.00"),
        step=Decimal("0.2"),
        tax=Decimal(23),
    )


def test_an_account_without_a_choice_has_the_default_list(tmp_path: Path) -> None:
    """PRC-10, and a rule that says nothing else changes no price and brakes a step of more than a half."""
    (rule,) = prices(tmp_path, 'master = "shop"\nchannels = "*"').prices
    assert (rule.price_list, rule.channels) == ("default", frozenset({"market", "second"}))
    assert (rule.multiply, rule.add, rule.step) == (Decimal(1), Decimal(0), Decimal("0.5"))
    assert (rule.round_to, rule.floor, rule.tax) == (None, None, None)


def test_nothing_is_written_to_a_sandbox(tmp_path: Path) -> None:
    trial = PRICED.replace('client_id = "id"', 'client_id = "id"\nsandbox = true')
    stock = '[[stock]]\nmaster = "shop"\nchannels = "*"\n'
    (rule,) = prices(tmp_path, 'master = "shop"\nchannels = "*"', trial, stock).prices
    assert rule.channels == {"second"}


@pytest.mark.parametrize(
    ("rule", "key", "said"),
    [
        ('master = "shpo"\nchannels = ["market"]', "master", "there is no account 'shpo'"),
        ('master = "shop"\nchannels = ["markt"]', "channels", "there is no account 'markt'"),
        ('master = "shop"\nchannels = ["shop"]', "channels", "is the master of the same prices"),
        ('master = "shop"\nchannels = ["market", "market"]', "channels", "names market twice"),
        ('master = "shop"\nchannels = ["market", "*"]', "channels", "must stand alone"),
        ('master = "shop"\nchannels = []', "channels", "names no account"),
        ('master = "shop"\nchannels = ["market"]\nending = "0.99"', "ending", "less than round_to"),
        (
            'master = "shop"\nchannels = ["market"]\nround_to = "0.5"\nending = "0.99"',
            "ending",
            "less than round_to",
        ),
        ('master = "shop"\nchannels = ["market"]\nmultiply = 0', "multiply", "greater than 0"),
        ('master = "shop"\nchannels = ["market"]\nmultiply = "five"', "multiply", "decimal"),
        ('master = "shop"\nchannels = ["market"]\nfloor = "NaN"', "floor", "number"),
        ('master = "shop"\nchannels = ["market"]\nfloor = -1', "floor", "greater than 0"),
        ('master = "shop"\nchannels = ["market"]\nstep = 0', "step", "1"),
        ('master = "shop"\nchannels = ["market"]\ntax = 101', "tax", "100"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_field(tmp_path: Path, rule: str, key: str, said: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        prices(tmp_path, rule)
    (problem,) = caught.value.problems
    assert problem.key == f"prices.0.{key}"
    assert said in problem.message


def test_a_master_whose_prices_nobody_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        prices(tmp_path, 'master = "shop"\nchannels = ["market"]', TEXT)
    (problem,) = caught.value.problems
    assert (problem.key, 'products = "always"' in problem.hint) == ("prices.0.master", True)


@pytest.mark.parametrize("channels", ['["second"]', '"*"'])
def test_a_channel_that_sells_nothing_of_the_master_is_refused(tmp_path: Path, channels: str) -> None:
    """What an offer sells is known by the links that stock makes."""
    stock = '[[stock]]\nmaster = "shop"\nchannels = ["market"]\n' if channels != '"*"' else ""
    with pytest.raises(config.ConfigurationError) as caught:
        prices(tmp_path, f'master = "shop"\nchannels = {channels}', stock=stock)
    (problem,) = caught.value.problems
    assert (problem.key, "[[stock]]" in problem.hint) == ("prices.0.channels", True)


def test_a_channel_has_one_rule_of_a_master(tmp_path: Path) -> None:
    rule = 'master = "shop"\nchannels = ["market"]\n'
    with pytest.raises(config.ConfigurationError) as caught:
        prices(tmp_path, f"{rule}[[prices]]\n{rule}")
    (problem,) = caught.value.problems
    assert "go to market already" in problem.message
