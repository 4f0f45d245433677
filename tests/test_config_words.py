"""What check tells without asking anybody: words that no system has, and what is hardly meant as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from olhubd import config
from olhubd.cli import cli

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


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("shop.example", 'write "https://shop.example"'),
        ("shop.example:8443", 'write "https://shop.example:8443"'),
        ("www.my-shop.pl", 'write "https://www.my-shop.pl"'),
        ("https//shop.example", 'write "https://shop.example"'),
        ("my shop", 'write "https://shop.example"'),
        ("ftp://shop.example", 'write "https://shop.example"'),
    ],
)
def test_an_address_without_its_beginning_is_told_in_our_words(tmp_path: Path, written: str, hint: str) -> None:
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, TEXT.replace('https://shop.example"\nconsumer', f'{written}"\nconsumer'))
    (problem,) = caught.value.problems
    assert (problem.key, problem.message) == ("accounts.shop.url", "must be a web address")
    assert problem.hint.startswith(hint.removesuffix('"'))


def test_a_key_and_its_secret_that_were_swapped_are_told(tmp_path: Path) -> None:
    swapped = TEXT.replace('"ck_1"', '"cs_9"').replace('"cs_1"', '"ck_9"')
    with pytest.raises(config.ConfigurationError) as caught:
        load(tmp_path, swapped)
    (problem,) = caught.value.problems
    assert "swapped" in problem.message
    assert "cs_9" not in str(problem)


def doubted(folder: Path, text: str) -> set[tuple[str, str]]:
    return {(one.key, one.message.split(",")[0].split(":")[0]) for one in load(folder, text).warnings}


def test_what_is_hardly_meant_is_doubted(tmp_path: Path) -> None:
    """Warnings, since it works as it stands and the operator may know better."""
    assert doubted(tmp_path, TEXT) == set()
    assert doubted(tmp_path, "") == {("", "names no account")}
    alone = TEXT.partition("[[routes]]")[0].replace("fetch_orders = true", "")
    assert doubted(tmp_path, alone) == {("accounts.market", "has no route")}
    asleep = alone.replace("[accounts.market]", "[accounts.market]\nenabled = false")
    assert doubted(tmp_path, asleep) == set()
    clear = TEXT.replace('"https://shop.example"\nconsumer', '"http://shop.example"\nconsumer')
    assert doubted(tmp_path, clear) == {("accounts.shop.url", "is plain http")}
    for host in ("localhost:81", "127.0.0.1:81", "[::1]:81", "shop"):
        here = TEXT.replace('"https://shop.example"\nconsumer', f'"http://{host}"\nconsumer')
        assert doubted(tmp_path, here) == set(), host


def test_an_error_among_warnings_is_marked_and_stands_first(tmp_path: Path) -> None:
    path = tmp_path / "olhubd.toml"
    path.touch()
    path.chmod(0o644)
    path.write_text(f"{TEXT}hold = 5\n")
    done = CliRunner().invoke(cli, ["check", "--config", str(path)])
    assert done.exit_code == 3
    lines = done.output.splitlines()
    assert "one problem" in lines[0]
    assert ": error: routes.0.hold" in lines[1]
    assert all(": warning: " in line for line in lines[2:])
    assert len(lines) > 3
