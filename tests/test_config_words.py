"""Words of routes that are wrong whatever the system says: told with their line, without asking anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from olhubd import config

TEXT = """\
[accounts.market]
connector = "allegro"
client_id = "id"
client_secret = "secret"
application = "ExampleShopHub"
contact = "https://shop.example/contact"
[accounts.shop]
connector = "woocommerce"
url = "https://shop.example"
consumer_key = "ck_1"
consumer_secret = "cs_1"
fetch_orders = true
[[routes]]
from = "*"
to = "shop"
"""


def load(folder: Path, text: str) -> config.Configuration:
    path = folder / "olhubd.toml"
    path.touch(mode=0o600)
    path.write_text(text)
    return config.load(path, None, {})


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("SHIPED", "there are: CANCELLED, NEW, "),
        ("SENT_", 'did you mean "SENT"?'),
        ("sent", 'did you mean "SENT"?'),
    ],
)
def test_a_status_that_a_marketplace_never_has_is_told_by_check(tmp_path: Path, word: str, hint: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, f'{TEXT}status_back = {{ processing = "PROCESSING", completed = "{word}" }}\n')
    (problem,) = caught.value.problems
    assert (problem.key, problem.line) == ("routes.0.status_back.completed", 16)
    assert f"{word!r} is no status of Allegro" in problem.message
    assert hint in problem.hint


def test_a_shops_prefix_is_understood_wherever_a_status_is_written(tmp_path: Path) -> None:
    """WooCommerce's own pages and database say wc-completed where its API says completed."""
    fulfilments = 'fulfilments = { wc-packed = "ready" }\n[[routes]]'
    text = TEXT.replace("[[routes]]", fulfilments)
    found = load(
        tmp_path, f'{text}statuses = {{ paid = "wc-processing" }}\nstatus_back = {{ wc-completed = "SENT" }}\n'
    )
    (route,) = found.routes
    assert route.statuses == {"paid": "processing"}
    assert route.status_back == {"completed": "SENT"}
    assert list(found.accounts["shop"].settings.fulfilments) == ["packed"]  # type: ignore[attr-defined]
