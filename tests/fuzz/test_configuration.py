"""Whatever is written into the configuration, `olhubd check` says what is wrong and where, and tells no secret."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from olhubd.cli import cli
from olhubd.cli.failures import Exit
from tests.fuzz.effort import effort, tried

EXAMPLE = Path("etc/olhubd.toml").read_text(encoding="utf-8")
SECRETS = ("canary-7f3a91", "canary-c0ffee")
LIVE = f"""
[daemon]
data = "data"

[control]
listen = "127.0.0.1:0"

[accounts.market]
connector = "allegro"
client_id = "app"
application = "Shop"
contact = "https://shop.example/contact"
client_secret = "{SECRETS[0]}"
interval = "20 s"

[accounts.shop]
connector = "woocommerce"
url = "https://shop.example"
consumer_key = "{SECRETS[1]}"
consumer_secret = "{SECRETS[1]}"
fetch_orders = true

[[routes]]
from = ["market"]
to = "shop"
status_back = {{ completed = "SENT" }}
"""

KEYS = st.sampled_from(
    ["daemon", "control", "engine", "alarms", "accounts", "routes", "accounts.market", "accounts.shop", "x",
    '"a b"',
     "listen", "data", "socket", "connector", "url", "from", "to", "interval", "hold", "client_secret",
     "token", "0"]
)  # fmt: skip
SCALARS = st.sampled_from(
    ["true", "0", "-1", "1e400", "nan", "inf", "9" * 400, '""', '"x"', "'''\n'''", '"\\u0000"', '"\\ud800"',
    "1979-05-27",
     "1979-05-27T07:32:00Z", "25:61:61", "[]", "[[]]", "{}", "[1, 'a', {b = 1}]", '"20 s"', '"-5 h"',
     '"9999999999 days"',
     '"/"', '"//["', '"http://["', '"http://u:p@h"', '"env:NOPE"', '"file:/nope"', '"file:/dev/zero"',
     "{file = 1}",
     '{ credential = "x" }', '"127.0.0.1:99999"', '"[::1"', '"*"', '"\\u202e"', "[" * 300 + "]" * 300, "0x",
     "1__0", "+nan"]
)  # fmt: skip
LINES = st.one_of(
    st.builds("[{}]".format, KEYS),
    st.builds("[[{}]]".format, KEYS),
    st.builds("{} = {}".format, KEYS, SCALARS),
    st.builds("{}.{} = {}".format, KEYS, KEYS, SCALARS),
    st.text(max_size=20),
)


def _checked(folder: Path, content: bytes) -> None:
    path = folder / "olhubd.toml"
    path.write_bytes(content)
    path.chmod(0o600)
    result = CliRunner().invoke(cli, ["--config", str(path), "check"])
    tried("configuration")
    said = result.output
    assert result.exit_code in (Exit.OK, Exit.CONFIGURATION), (result.exit_code, said, content)
    assert "Traceback" not in said
    assert len(said) < 100_000
    for secret in SECRETS:
        assert secret not in said, said
    if result.exit_code == Exit.CONFIGURATION:
        problems = said.splitlines()[1:]
        assert problems, said
        assert any("olhubd.toml" in line or "accounts." in line for line in problems), said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration")


def test_the_undamaged_one_is_right(folder: Path) -> None:
    path = folder / "right.toml"
    path.write_text(LIVE, encoding="utf-8")
    path.chmod(0o600)
    result = CliRunner().invoke(cli, ["--config", str(path), "check"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("text", [EXAMPLE, LIVE], ids=["example", "live"])
def test_changed_bytes(text: str, folder: Path) -> None:
    @effort(30)
    @given(st.integers(0, 10**6), st.binary(max_size=12), st.integers(0, 30))
    def each(at: int, put: bytes, away: int) -> None:
        content = text.encode()
        at %= len(content)
        _checked(folder, content[:at] + put + content[at + away :])

    each()


def test_values_and_keys_that_nobody_meant(folder: Path) -> None:
    """One value or key of a right configuration is another."""

    @effort(60)
    @given(st.integers(0, 10**6), KEYS, SCALARS, st.booleans())
    def each(which: int, key: str, value: str, renamed: bool) -> None:
        lines = LIVE.splitlines()
        places = [number for number, line in enumerate(lines) if " = " in line]
        at = places[which % len(places)]
        old_key, _, old = lines[at].partition(" = ")
        lines[at] = f"{key} = {old}" if renamed else f"{old_key} = {value}"
        _checked(folder, "\n".join(lines).encode("utf-8", "surrogatepass"))

    each()


def test_lines_left_out_doubled_and_shuffled(folder: Path) -> None:
    @effort(30)
    @given(st.integers(0, 10**6), st.integers(0, 3))
    def each(seed: int, how: int) -> None:
        chosen, lines = random.Random(seed), LIVE.splitlines()
        for _ in range(how + 1):
            at = chosen.randrange(len(lines))
            lines[at:at] = [lines[chosen.randrange(len(lines))]] if how % 2 else []
            del lines[chosen.randrange(len(lines))]
        if how == 3:
            chosen.shuffle(lines)
        _checked(folder, "\n".join(lines).encode())

    each()


def test_made_up_ones(folder: Path) -> None:
    @effort(40)
    @given(st.lists(LINES, max_size=12))
    def each(lines: list[str]) -> None:
        _checked(folder, "\n".join(lines).encode("utf-8", "surrogatepass"))

    each()
