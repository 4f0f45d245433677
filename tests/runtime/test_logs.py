"""Logs: the journal's shape, one way out for all lines, and no secret and no person in any of them (invariant 12).

A token never appears in logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import io
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from olhubd.model import Address, Buyer
from olhubd.plugin import Log, Token
from olhubd.plugin.redaction import mask
from olhubd.runtime import logs
from olhubd.runtime.redact import HIDDEN, Redactor

CANARY = "c4n4ry-s3cret"
EMAIL = "jan.kowalski+x@example.com.pl"
PHONE = "+48 600 700 800"


class Lines(io.StringIO):
    """What was logged; each line read back as JSON."""

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.all[-1]


@pytest.fixture
def out() -> Iterator[Lines]:
    lines = Lines()
    hook, showwarning = sys.excepthook, warnings.showwarning
    logs.configure("info", "json", lines)
    yield lines
    sys.excepthook = hook
    logging.captureWarnings(False)
    warnings.showwarning = showwarning
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, logs._Handler)]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


# Shape


def test_a_line_is_one_json_object(out: Lines) -> None:
    log: Log = structlog.get_logger().bind(account="allegro-main")
    with structlog.contextvars.bound_contextvars(feed="orders", run=7):
        log.info("polled", seen=3, took=timedelta(seconds=1.5), total=Decimal("12.30"), text="a\nb")
    line = out.last
    at = datetime.fromisoformat(line.pop("at"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert line == {
        "level": "info",
        "event": "polled",
        "account": "allegro-main",
        "feed": "orders",
        "run": 7,
        "seen": 3,
        "took": "PT1.5S",
        "total": "12.30",
        "text": "a\nb",
    }
    assert out.getvalue().startswith('{"at":"')
    assert out.getvalue().count("\n") == 1


def test_plain_values_are_shown_as_they_are(out: Lines) -> None:
    class Colour(enum.Enum):
        RED = "red"

    uuid = UUID("29738e61-7f6a-11ea-a55e-0242ac130003")
    structlog.get_logger().info(
        "x",
        none=None,
        yes=True,
        colour=Colour.RED,
        uuid=uuid,
        order_id="600700800",
        offer="7650098765",
        revision=uuid.hex,
        day=datetime(2026, 11, 2, 10, 15, tzinfo=UTC),
        path=Path("/var/lib/olhubd"),
        list=(1, "a", [2]),
        map={"a": {"b": 1.5}},
        big=2**80,
        broken="\ud800",
    )
    line = out.last
    for name in ("at", "level", "event"):
        del line[name]
    assert line == {
        "none": None,
        "yes": True,
        "colour": "red",
        "uuid": str(uuid),
        "order_id": "600700800",
        "offer": "7650098765",
        "revision": uuid.hex,
        "day": line["day"],
        "path": "/var/lib/olhubd",
        "list": [1, "a", [2]],
        "map": {"a": {"b": 1.5}},
        "big": 2**80,
        "broken": "\ud800",
    }
    assert line["day"].startswith("2026-11-02")


@pytest.mark.parametrize(
    ("level", "prefix"),
    [("debug", "<7>"), ("info", "<6>"), ("warning", "<4>"), ("error", "<3>"), ("critical", "<2>")],
)
def test_the_journal_gets_its_priority(level: str, prefix: str, out: Lines) -> None:
    logs.configure("debug", "journal", out)
    getattr(structlog.get_logger(), level)("x")
    assert out.getvalue().startswith(prefix + "{")
    assert json.loads(out.getvalue()[3:])["level"] == level
    if level != "debug":
        getattr(logging.getLogger("aiohttp.client"), level)("y")
        assert out.getvalue().splitlines()[1].startswith(prefix + "{")


SCRIPT = """
import logging, structlog
from olhubd.runtime import logs
logs.configure()
structlog.get_logger().warning("hello", n=1)
logging.getLogger("lib").error("there")
raise RuntimeError("token=c4n4ry-s3cret of jan@example.com")
"""


@pytest.mark.parametrize("journal", [True, False])
def test_the_format_follows_where_the_error_output_goes(journal: bool, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as file:
        status = os.fstat(file.fileno())
        env = dict(os.environ, JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino + (not journal)}")
        subprocess.run([sys.executable, "-c", SCRIPT], stderr=file, env=env, cwd=Path.cwd(), check=False)
        file.seek(0)
        text = file.read()
    lines = text.splitlines()
    if journal:
        assert [line[:3] for line in lines] == ["<4>", "<3>", "<2>"]
        assert [json.loads(line[3:])["event"] for line in lines][:2] == ["hello", "there"]
    else:
        assert "hello" in lines[0]
        assert "n=1" in lines[0]
        assert "{" not in lines[0]
    assert "RuntimeError" in text
    assert CANARY not in text
    assert "jan@" not in text


def test_unknown_levels_and_formats_are_refused(out: Lines) -> None:
    with pytest.raises(ValueError, match="no such level: 'loud'"):
        logs.set_level("loud")
    with pytest.raises(ValueError, match="loud"):
        logs.configure(fmt="loud")


# Levels


def test_the_level_changes_at_once_for_loggers_bound_before(out: Lines) -> None:
    bound, library = structlog.get_logger().bind(account="a"), logging.getLogger("lib")
    logs.set_level("warning")
    bound.info("1")
    library.info("1")
    logs.set_level("info")
    bound.info("2")
    library.info("2")
    logs.set_level("error")
    bound.warning("3")
    library.warning("3")
    assert [line["event"] for line in out.all] == ["2", "2"]
    assert logs.level() == "error"


def test_libraries_tell_no_details(out: Lines) -> None:
    """Invariant 12: a driver's debug line holds the parameters of a statement, people's addresses among them."""
    logs.set_level("debug")
    structlog.get_logger().debug("ours")
    logging.getLogger("aiosqlite").debug("executing INSERT with %s", ("Jan Kowalski",))
    assert [line["event"] for line in out.all] == ["ours"]


def test_a_line_below_the_level_is_not_even_looked_at(out: Lines) -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError

        __repr__ = __str__

    structlog.get_logger().bind(account="a").debug("x", value=Costly())
    assert out.getvalue() == ""


# What libraries and exceptions say


def test_library_lines_pass_the_same_way(out: Lines) -> None:
    logging.getLogger("aiohttp.access").warning("GET /cb?code=1 by %s, token=%s", EMAIL, CANARY)
    line = out.last
    assert (line["level"], line["logger"]) == ("warning", "aiohttp.access")
    assert line["event"] == f"GET /cb?code=1 by [e-mail], token={HIDDEN}"
    logging.getLogger("lib").error("%d", "not a number")
    assert out.last["event"] == "a line could not be formatted"
    warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    structlog.get_logger().info("still here")
    assert out.last["event"] == "still here"


def fail(secret: str) -> None:
    password = secret
    raise RuntimeError(f"cannot sign in {len(password)}")


def test_an_exception_shows_its_frames_but_no_variables(out: Lines) -> None:
    try:
        fail(CANARY)
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("lib").exception("failed too")
    for line in out.all:
        assert "in fail" in line["exception"]
        assert "RuntimeError: cannot sign in 13" in line["exception"]
    assert CANARY not in out.getvalue()


def test_what_exceptions_carry_is_hidden_through_all_causes(out: Lines) -> None:
    logs.register_secret("s3cr3t-value")
    try:
        try:
            raise KeyError(f"https://api/?access_token={CANARY}&x=1")
        except KeyError as error:
            raise ExceptionGroup("both", [ValueError("s3cr3t-value"), OSError(f"mail to {EMAIL}")]) from error
    except ExceptionGroup as error:
        structlog.get_logger().error("failed", exc_info=error, error=error.exceptions[0])
    text = out.getvalue()
    for secret in (CANARY, "s3cr3t-value", EMAIL):
        assert secret not in text
    assert "ExceptionGroup: both" in text


async def test_a_task_that_nobody_awaited_tells_no_secret(out: Lines) -> None:
    logs.register_secret(CANARY)

    async def doomed() -> None:
        raise RuntimeError(f"with {CANARY}")

    task = asyncio.create_task(doomed())
    await asyncio.sleep(0)
    del task
    assert "never retrieved" in out.getvalue()
    assert CANARY not in out.getvalue()


# Redaction


@pytest.mark.parametrize(
    "key",
    [
        "token", "access_token", "refreshToken", "Authorization", "client_secret", "PASSWORD", "passwd",
        "Set-Cookie", "email", "e-mail", "buyerEmail", "phone", "phoneNumber", "address", "deliveryAddress",
        "street", "post_code", "postCode", "zip", "city", "first_name", "lastName", "api_key", "apikey",
        "X-Api-Key", "recipient",
    ],
)  # fmt: skip
def test_known_keys_are_hidden_wherever_they_are(key: str, out: Lines) -> None:
    deep = {"list": [{key: CANARY}], key: [CANARY], "n": {key: {"x": 12345}}}
    structlog.get_logger().info("x", **{key: CANARY}, deep=deep)
    assert out.last[key] == HIDDEN
    assert out.last["deep"] == {"list": [{key: HIDDEN}], key: HIDDEN, "n": {key: HIDDEN}}
    assert CANARY not in out.getvalue()


def test_plugins_add_keys_of_their_own(out: Lines) -> None:
    log = structlog.get_logger()
    log.info("x", ConsumerKind="a")
    assert out.last["ConsumerKind"] == "a"
    logs.hide_keys(frozenset({"consumer_kind"}))
    log.info("x", ConsumerKind="a")
    assert out.last["ConsumerKind"] == HIDDEN


def test_registered_values_are_hidden_everywhere(out: Lines) -> None:
    secret = 'p@ss/w"ord\\1'
    logs.register_secret(secret)
    structlog.get_logger().info(
        f"x {secret} y{secret}{secret}",
        order_id=f"a{secret}b",
        account=f"{secret}",
        url="/?p=p%40ss%2Fw%22ord%5C1",
        raw_text=repr(secret),
        deep={secret: [secret]},
    )
    assert out.last["event"] == f"x {HIDDEN} y{HIDDEN}{HIDDEN}"
    assert out.last["order_id"] == f"a{HIDDEN}b"
    assert out.last["url"] == f"/?p={HIDDEN}"
    assert "ss/w" not in out.getvalue()
    assert "w%22ord" not in out.getvalue()


def test_records_are_shown_by_their_type_only(out: Lines) -> None:
    buyer = Buyer(email=EMAIL, first_name=CANARY, address=Address(street=CANARY))
    token = Token(access=CANARY, expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    structlog.get_logger().info("x", seen=[buyer], thing=token, data=CANARY.encode(), call=print)
    line = out.last
    assert (line["seen"], line["thing"], line["data"]) == (["<Buyer>"], "<Token>", "<bytes>")
    assert CANARY not in out.getvalue()


def test_a_mapping_that_holds_itself_ends(out: Lines) -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    structlog.get_logger().info("x", loop=loop)
    assert "..." in out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        EMAIL, f"<{EMAIL}>", f"mailto:{EMAIL}.", "x@y", "jan@allegromail.pl,",
        PHONE, "+48600700800", "600700800", "600 700 800", "600-700-800", "48600700800", "0048 600 700 800",
        "(22) 123 45 67", "22 123 45 67", "+1 (555) 123-4567", "tel:600700800;",
    ],
)  # fmt: skip
def test_people_are_masked_in_sentences(text: str) -> None:
    masked = mask(f"Buyer {text} wrote")
    assert masked in ("Buyer [e-mail] wrote", "Buyer [phone] wrote") or "[" in masked
    assert not set("0123456789@") & set(masked)


@pytest.mark.parametrize(
    "text",
    [
        "order 29738e61-7f6a-11ea-a55e-0242ac130003", "offer 7650098765", "2026-11-02T10:15:00+00:00",
        "2026-11-02 10:15:00", "12.30 PLN", "1234567", "127.0.0.1:8080", "192.168.100.200", "v1.2.3",
        "waybill 620000000000000000000012", "EAN 5901234123457", "took 0.123456789 s", "page 3 of 12",
    ],
)  # fmt: skip
def test_numbers_of_things_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Authorization: Bearer {CANARY}", f"Authorization: {HIDDEN}"),
        (f"sent Bearer {CANARY} twice", f"sent Bearer {HIDDEN} twice"),
        (f"basic {CANARY}==", f"basic {HIDDEN}"),
        (f"/x?access_token={CANARY}&y=1", f"/x?access_token={HIDDEN}&y=1"),
        (f'{{"refresh_token": "{CANARY}", "n": 1}}', f'{{"refresh_token": "{HIDDEN}", "n": 1}}'),
        (f"client_secret='{CANARY}'", f"client_secret='{HIDDEN}'"),
        (f"password:{CANARY}", f"password:{HIDDEN}"),
        ("the token is over", "the token is over"),
        ("basic truth", "basic truth"),
    ],
)
def test_secrets_that_say_so_are_hidden_in_sentences(text: str, shown: str) -> None:
    assert Redactor().text(text) == shown


SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=6, max_size=40).filter(
    lambda s: s.strip() == s
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20), others=st.lists(SECRETS, max_size=4)
)
@settings(max_examples=100)
def test_no_registered_value_survives(secret: str, before: str, after: str, others: list[str]) -> None:
    redactor = Redactor()
    for value in [*others, secret]:
        redactor.hide_value(value)
    text = f"{before}{secret}{after}"
    event = {"event": text, "order_id": text, "x": [{"y": text, text: 1}], "e": ValueError(text)}
    shown = redactor(None, "info", event)
    # A secret that reads like a part of its own replacement cannot be told from it.
    if secret not in HIDDEN and secret not in "[e-mail][phone]":
        assert not any(secret in part for part in strings(shown))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


@given(facts=st.dictionaries(st.text(max_size=8), ANYTHING, max_size=5), event=st.text(max_size=60))
@settings(max_examples=100)
def test_whatever_is_logged_becomes_one_line(facts: dict[str, Any], event: str) -> None:
    redacted = Redactor()(None, "info", {"event": event, **{k: v for k, v in facts.items() if k != "event"}})
    line = logs._json_line(None, "info", redacted)
    assert "\n" not in line
    assert isinstance(json.loads(line), dict)


@given(st.emails())
def test_no_address_survives(address: str) -> None:
    assert address not in mask(f"to {address} today")


def test_very_many_secrets_cost_no_more_and_are_bounded() -> None:
    """What the configuration holds stays hidden, however many tokens come and go after it."""
    redactor = Redactor()
    redactor.hide_value("lasting-secret", lasting=True)
    redactor.hide_value("passing-secret")
    redactor.hide_value("passing-secret", lasting=True)  # by a reload
    for i in range(12_000):
        redactor.hide_value(f"secret-{i:06d}")
        if i % 1000 == 0:
            redactor.hide_value("lasting-secret")
    assert len(redactor._values) == 10_002
    assert redactor.text("secret-011999") == HIDDEN
    assert redactor.text("secret-000001") == "secret-000001"
    assert redactor.text("lasting-secret passing-secret") == f"{HIDDEN} {HIDDEN}"


def test_a_closed_error_output_stops_nobody(out: Lines) -> None:
    out.close()
    with contextlib.suppress(AssertionError):
        structlog.get_logger().error("x")
    logging.getLogger("lib").error("y")


def test_a_library_that_repeats_itself_is_told_now_and_then(out: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without files asyncio tells of each connection that it cannot take: 41,701 lines in eleven seconds."""
    passed = 0.0
    monkeypatch.setattr(logs._clock, "monotonic", lambda: passed)
    library = logging.getLogger("asyncio")

    def accepts(number: int) -> None:
        library.error(
            f"socket.accept() out of system resource\nsocket: <TransportSocket fd={number}>",
            exc_info=OSError(24, "x"),
        )

    for number in range(1000):
        accepts(number)
    library.error("something else")
    assert len(out.all) == 11
    assert out.last["event"] == "something else"
    passed = 61.0
    accepts(1)
    assert out.last["event"].endswith("(and 990 more like it)")
    passed = 122.0
    accepts(2)
    assert "more like it" not in out.last["event"]
