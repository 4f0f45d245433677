"""The whole conformance suite for what the connector declares: one test for each rule."""

from olhubd_kit import conformance
from olhubd_tinyshop.connector import TinyShop
from tinyshop_simulator import TinyShopSimulator

TestTinyShop = conformance.suite(TinyShop, TinyShopSimulator)
