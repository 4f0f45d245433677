"""What a connector says of the import of its products holds for its accounts, whatever their file says."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from olhubd import config
from olhubd.decide.product_import import ProductImport
from olhubd.plugin import Defaults, loading
from olhubd_woocommerce import WooCommerce
from tests.test_config_words import TEXT


class OnceADay(WooCommerce):
    """A shop that gives its products once a day."""

    name = "woocommerce"
    defaults = Defaults(fetch_orders=False, products_once_a_day=True)


def load(folder: Path, written: str) -> config.Configuration:
    path = folder / "olhubd.toml"
    path.touch(mode=0o600)
    path.write_text(TEXT.replace("fetch_orders = true\n", written))
    plugins = loading.load(["allegro", "woocommerce"], environ=os.environ)
    plugins = dataclasses.replace(plugins, connectors={**plugins.connectors, "woocommerce": OnceADay})
    return config.load(path, plugins, {})


def test_its_profile_is_set_by_itself(tmp_path: Path) -> None:
    """Part of PRD-06, PRD-07 and MAN-06: read by hand, and once a day."""
    products = load(tmp_path, 'products = "by-hand"\n').accounts["shop"].products
    assert (products.mode, products.once_a_day, products.remind) == (ProductImport.BY_HAND, True, True)
    assert not load(tmp_path, "").accounts["shop"].products.read


@pytest.mark.parametrize(
    ("written", "key", "said"),
    [
        ('products = "daily"\n', "accounts.shop.products", "when a person asks for them, and to no timer"),
        ('products = "always"\n', "accounts.shop.products", "when a person asks for them, and to no timer"),
        (
            'products = "by-hand"\nproducts_once_a_day = false\n',
            "accounts.shop.products_once_a_day",
            "once a day at most",
        ),
    ],
)
def test_no_faster_rhythm_is_taken(tmp_path: Path, written: str, key: str, said: str) -> None:
    """Part of PRD-06 and PRD-07."""
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, written)
    (problem,) = [one for one in caught.value.problems if not one.warning]
    assert problem.key == key
    assert said in problem.message
