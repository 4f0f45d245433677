"""No secret and no personal data in what is logged, printed or said in an error.

Everything a connector can do is done, well and under faults; then all that was written is searched for the
account's secrets and for the persons in the orders.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator

from olhubd.plugin import Page, PluginError, Secret, Unreadable
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.calls import every_call, outcome
from olhubd_kit.conformance.order import parts
from olhubd_kit.conformance.rule import NotApplicable, Tier, check, rule
from olhubd_kit.faults import Fault, FaultKind
from olhubd_kit.samples import PERSONAL

_TELLING = ("email", "phone", "last_name", "street", "national_id")
_FAULTS = (
    Fault(kind=FaultKind.ERROR, status=401),
    Fault(kind=FaultKind.ERROR, status=422),
    Fault(kind=FaultKind.ERROR, status=503),
    Fault(kind=FaultKind.ERROR, status=200),
    Fault(kind=FaultKind.THROTTLE),
    Fault(kind=FaultKind.LOSE),
    Fault(kind=FaultKind.HALF),
)


class _Lines(logging.Handler):
    """All that the standard library's loggers say, whatever their level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def _listening() -> Iterator[_Lines]:
    root, lines = logging.getLogger(), _Lines()
    before = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(before)
        root.removeHandler(lines)


async def _everything(bench: Bench) -> set[str]:
    """Make every call, well and under each fault; the personal data that were in the orders."""
    persons = set(PERSONAL)
    for fault in (None, *_FAULTS):
        for call in (await every_call(bench)).values():
            if fault is not None:
                bench.strike(fault.kind, status=fault.status, times=None)
            answer = await outcome(bench, call)
            bench.faults.clear()
            if isinstance(answer, Page):
                persons.update(_persons(answer))
    return persons


def _persons(page: Page) -> Iterator[str]:
    for record in page.records:
        for path, value in parts(record):
            if isinstance(value, str) and len(value) > 5 and path.endswith(_TELLING):
                yield value


def _secrets(bench: Bench) -> set[str]:
    fields = bench.connector.settings
    held = {value.get_secret_value() for _, value in fields if isinstance(value, Secret)}
    token = bench.simulator.token()
    if token is not None:
        held |= {token.access, token.refresh or ""}
    current = getattr(bench.connector.account.tokens, "token", None)
    if current is not None:
        held |= {current.access, current.refresh or ""}
    return {secret for secret in held if len(secret) > 3}


def _texts(errors: list[Exception]) -> Iterator[str]:
    for error in errors:
        cause: BaseException | None = error
        while cause is not None:
            yield f"{cause} {cause!r}"
            cause = cause.__cause__


async def _reasons(bench: Bench) -> list[str]:
    """Why an order is unreadable, which people will read in a journal."""
    if not bench.has("OrderFeed"):
        return []
    [key] = await bench.buy(1)
    await bench.do("corrupt", key)
    return [record.reason for record in (await bench.walk()).records if isinstance(record, Unreadable)]


async def _written(bench: Bench) -> tuple[str, set[str]]:
    """All that was logged and said in errors, and the personal data that must not be in it."""
    with _listening() as lines:
        persons = await _everything(bench)
        with contextlib.suppress(NotApplicable, PluginError):
            lines.lines.extend(await _reasons(bench))
    logged = [json.dumps(entry, default=repr, ensure_ascii=False) for entry in bench.log.entries]
    return "\n".join([*lines.lines, *logged, *_texts(list(bench.errors))]), persons


@rule("LOG-01", Tier.SILVER)
async def secrets_are_never_written(bench: Bench) -> None:
    """No key, password or token of the account is in any log line or error text, whatever went wrong."""
    written, _ = await _written(bench)
    for secret in _secrets(bench):
        check(secret not in written, f"a secret of {len(secret)} characters was written")


@rule("LOG-02", Tier.SILVER)
async def persons_are_never_written(bench: Bench) -> None:
    """No buyer's name, address, e-mail or telephone is in any log line or error text."""
    written, persons = await _written(bench)
    shown = sorted(person for person in persons if person in written)
    check(not shown, f"personal data were written: {len(shown)} of {len(persons)} values of the orders")


@rule("LOG-03", Tier.BRONZE)
async def nothing_is_printed(bench: Bench) -> None:
    """A connector logs; it never prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        for call in (await every_call(bench)).values():
            await outcome(bench, call)
    check(not out.getvalue() and not err.getvalue(), "something was printed")
