"""The guide's own plugin keeps every rule of the conformance kit that concerns it."""

from olhubd_kit import conformance
from olhubd_tinyshop.connector import TinyShop
from tinyshop_simulator import TinyShopSimulator

TestTinyShop = conformance.suite(TinyShop, TinyShopSimulator)
