"""The guide's own plugin keeps every rule of the conformance kit that concerns it, and its own tests hold."""

from olhubd_kit import conformance
from olhubd_tinyshop.connector import TinyShop
from test_own import (  # noqa: F401  (the tests that the guide shows are run here too)
    test_an_amount_that_is_none_is_kept_aside_and_its_neighbour_comes,
    test_an_order_whose_answer_was_lost_is_found_by_its_mark,
)
from tinyshop_simulator import TinyShopSimulator

TestTinyShop = conformance.suite(TinyShop, TinyShopSimulator)
