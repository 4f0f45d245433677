"""Mails as a seller has them: a daemon with a mail account and a rule, from the purchase to the server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from olhubd import config
from olhubd_kit.simulator import serve
from tests.control.house import House
from tests.plugins.smtp.simulator import SmtpSimulator


class PostHouse(House):
    """Its market's buyers are written to, although their marketplace does so itself."""

    bundled = ("allegro", "woocommerce", "smtp")
    rule = 'from = "market"\non = ["received", "cancelled"]\nlanguage = "en"\ndouble = true\n'
    accounts: tuple[str, ...] = ("post",)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.post = SmtpSimulator()
        self.posted_at = ""

    def configuration(self) -> config.Configuration:
        (self.folder / "conf.d").mkdir(exist_ok=True)
        settings = msgspec.json.decode(msgspec.json.encode(self.post.settings(self.posted_at)))
        lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in settings.items()]
        tables = [f'[accounts.{name}]\nconnector = "smtp"\n' + "\n".join(lines) for name in self.accounts]
        tables.append(f'[[mails]]\nthrough = "{self.accounts[-1]}"\n{self.rule}')
        (self.folder / "conf.d" / "mails.toml").write_text("\n".join(tables), encoding="utf-8")
        return super().configuration()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with serve(self.post) as self.posted_at, super().open():
            yield


@pytest.fixture
async def posting(tmp_path: Path) -> AsyncIterator[PostHouse]:
    made = PostHouse(tmp_path)
    with capture_logs():
        async with made.open():
            await made.sign_in()
            yield made


async def written(house: PostHouse, count: int) -> None:
    async def there() -> bool:
        return len(house.post.mails) >= count

    await house.until(there)


async def test_a_buyer_is_written_to_by_the_running_hub(posting: PostHouse) -> None:
    """Part of NOT-11: the purchase, and nothing else but its cancellation; the history has both."""
    (sold,) = await posting.sell()
    await written(posting, 1)
    order = (await posting.get(f"/orders/{sold}"))["order"]
    (mail,) = posting.post.mails
    assert mail["recipients"] == [order["buyer"]["email"]]
    assert (order.get("number") or order["external_id"]) in mail["subject"] + mail["text"]
    posting.market.ledger.cancel(sold)
    await written(posting, 2)
    kinds = [one["kind"] for one in (await posting.get(f"/orders/{sold}/events"))["events"]]
    assert [kind for kind in kinds if kind.startswith("mail.")] == ["mail.received", "mail.cancelled"]


async def test_a_mail_account_that_is_moved_writes_nothing_again(posting: PostHouse) -> None:
    """The occasion was written about, whatever account it went through."""
    (sold,) = await posting.sell()
    await written(posting, 1)
    posting.accounts = ("post", "post2")
    await posting.hub.reload(posting.configuration())
    posting.market.ledger.cancel(sold)
    await written(posting, 2)
    rows = [one for one in (await posting.get("/deliveries"))["items"] if one["action"] == "send-mail"]
    assert sorted((one["target"], one["key"]) for one in rows) == [("post", "received"), ("post2", "cancelled")]
    assert len(posting.post.mails) == 2
