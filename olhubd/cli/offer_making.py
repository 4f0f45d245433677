"""`olhubd offers create`, `change`, `end`, `copy`, `drafts`: offers that the hub makes and changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from olhubd.cli import pages
from olhubd.cli.failures import Exit, Failure
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.control.api.schema.offer_making import MadeOfferAnswer

__all__ = ["change", "copy", "create", "drafts", "end", "field_options", "fields_of", "outcome_of"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--name", help="The title."),
    click.option("--ean", help="EAN, UPC or ISBN, by which the marketplace knows the product."),
    click.option("--product", help="The marketplace's own number of the product."),
    click.option("--category", help="The marketplace's number of the category; else the suggested one."),
    click.option("--price", help="Of one piece, with tax, such as 24.90."),
    click.option("--currency", help="That of the price; PLN where it is left out."),
    click.option("--quantity", type=int, help="Pieces for sale, where no stock is kept for the account."),
    click.option(
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="What the category asks for; several values with |.",
    ),
    click.option("--description", help="What buyers read; @FILE reads it from a file."),
    click.option("--image", "images", multiple=True, help="Address of a picture; the main one first."),
    click.option("--shipping", help="The price list of deliveries, as the account calls it."),
    click.option("--handling-days", type=int, help="Within how many days it is handed over; 0 is at once."),
    click.option("--returns", help="The policy of returns, as the account calls it."),
    click.option("--implied-warranty", help="The conditions of complaints, as the account calls them."),
    click.option("--warranty", help="The warranty, as the account calls it."),
    click.option("--producer", help="Who is responsible for the product, as the account calls it."),
    click.option("--safety", help="What buyers must know to use it safely."),
    click.option("--tax", help="The rate in per cent, or the marketplace's word for an exemption."),
)


def field_options(command: F) -> F:
    """The options of all fields of a draft."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("account")
@click.option("--from", "source", help="A product that was imported, by its SKU, EAN or number: it fills the rest.")
@click.option("--sku", help="Your own mark on the offer; else that of the product.")
@field_options
@click.option("--draft", "unpublished", is_flag=True, help="Let it stay a draft that nobody can buy.")
@click.option("--check", is_flag=True, help="Only show what would be sent, and what is wrong.")
@session_command()
def create(session: Session, account: str, source: str | None, sku: str | None, **given: Any) -> None:
    """Make an offer on ACCOUNT, of a product that was imported or of what is given.

    It is made once, whatever becomes of an answer: it is known by its SKU. What is wrong is said with its field,
    and nothing is sent then.

    \b
    Examples:
      olhubd offers create allegro-main --from KUB-BIA --check
      olhubd offers create allegro-main --from KUB-BIA --parameter Stan=Nowy --shipping Kurier
    """
    from olhubd.control.api.schema.offer_making import CreateOfferRequest, MadeOfferAnswer

    publish, check = not given.pop("unpublished"), given.pop("check")
    body = CreateOfferRequest(
        account=account, sku=sku, source=source, publish=publish, check=check, **fields_of(given)
    )
    with session.daemon() as daemon:
        _shown(session, daemon.post("/api/v1/offers", MadeOfferAnswer, body))


@click.command()
@click.argument("account")
@click.argument("offer")
@field_options
@click.option("--publish", is_flag=True, help="Let buyers buy an offer that is a draft.")
@click.option("--check", is_flag=True, help="Only show what would be sent, and what is wrong.")
@session_command()
def change(session: Session, account: str, offer: str, publish: bool, check: bool, **given: Any) -> None:
    """Change of OFFER on ACCOUNT what is given; the rest stays.

    \b
    Examples:
      olhubd offers change allegro-main 7000000003 --handling-days 3
      olhubd offers change allegro-main 7000000003 --publish
    """
    from olhubd.control.api.schema.offer_making import ChangeOfferRequest, MadeOfferAnswer

    body = ChangeOfferRequest(publish=publish, check=check, **fields_of(given))
    with session.daemon() as daemon:
        _shown(session, daemon.post(_path(account, offer, "change"), MadeOfferAnswer, body))


@click.command()
@click.argument("account")
@click.argument("offer")
@session_command()
def end(session: Session, account: str, offer: str) -> None:
    """Take OFFER of ACCOUNT off sale. Stock control does not bring it back.

    \b
    Example:
      olhubd offers end allegro-main 7000000003
    """
    from olhubd.control.api.schema.offer_making import EndOfferRequest, MadeOfferAnswer

    with session.daemon() as daemon:
        _shown(session, daemon.post(_path(account, offer, "end"), MadeOfferAnswer, EndOfferRequest()))


@click.command()
@click.argument("account")
@click.argument("offer")
@click.argument("to")
@click.option("--sku", help="Your own mark on the copy; else that of the offer.")
@field_options
@click.option("--check", is_flag=True, help="Only show what would be sent, and what is wrong.")
@session_command()
def copy(session: Session, account: str, offer: str, to: str, sku: str | None, check: bool, **given: Any) -> None:
    """Make the same as OFFER of ACCOUNT on the account TO.

    Policies, rates and producers are those that TO calls the same. What is given counts instead of what the offer
    has.

    \b
    Examples:
      olhubd offers copy allegro-main 7000000003 allegro-second --check
      olhubd offers copy allegro-main 7000000003 allegro-second --price 26.90
    """
    from olhubd.control.api.schema.offer_making import CopyOfferRequest, MadeOfferAnswer

    body = CopyOfferRequest(to=to, sku=sku, check=check, **fields_of(given))
    with session.daemon() as daemon:
        _shown(session, daemon.post(_path(account, offer, "copy"), MadeOfferAnswer, body))


@click.command()
@account_option("Of this account only.")
@pages.paged
@session_command(rows=True)
def drafts(session: Session, before: int | None, limit: int, every: bool, **asked: Any) -> None:
    """The offers that were asked for, and how far each is.

    \b
    Example:
      olhubd offers drafts --account allegro-main
    """
    from olhubd.control.api.schema.offer_making import DraftPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/offer-drafts", DraftPage, before=before, limit=limit, every=every, **asked
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        ("ID:right:least", "ACCOUNT", "SKU", "NAME:least", "OFFER", "DOES", "STATE", "REASON"),
        [(one.id, one.account, one.sku, one.name, one.offer, one.action, one.state, one.reason) for one in found],
        "No offers were asked for.",
    )
    session.printer.more(after, whole=True)


def fields_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request, from options as they were given."""
    from olhubd.control.api.schema.offer_making import ParameterField

    fields = {name: value for name, value in given.items() if value not in (None, (), "")}
    if "parameters" in fields:
        fields["parameters"] = tuple(
            ParameterField(name=name.strip(), values=tuple(value.strip() for value in text.split("|")))
            for name, text in map(_parted, fields["parameters"])
        )
    description = fields.get("description")
    if isinstance(description, str) and description.startswith("@"):
        try:
            with open(description[1:], encoding="utf-8-sig") as file:
                fields["description"] = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"--description: {description[1:]} cannot be read: {error}", Exit.USAGE) from error
    return fields


def outcome_of(answer: MadeOfferAnswer) -> str:
    """What became of what was asked, in one line."""
    name = f"offer {answer.offer}" if answer.offer else f"the offer with the SKU {answer.sku}"
    if answer.outcome == "accepted":
        return f"{name} of {answer.account}: accepted; `olhubd holds list` shows what waits for you"
    if answer.outcome == "unchanged":
        return f"{name} of {answer.account}: the same was asked before"
    return f"{name} of {answer.account}: nothing is wrong, and nothing was sent"


def _parted(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise Failure(f"--parameter {text!r}: write it as NAME=VALUE", Exit.USAGE)
    return name, value


def _shown(session: Session, answer: MadeOfferAnswer) -> None:
    wrong = [f"{one.field}: {one.why}" for one in answer.wrong]
    if session.printer.json(answer):
        if wrong:
            raise Failure("the draft is wrong; nothing was sent", Exit.FAILED, wrong)
        return
    if wrong:
        raise Failure("the draft is wrong; nothing was sent", Exit.FAILED, wrong)
    session.printer.line(outcome_of(answer))
    if answer.unchecked:
        session.printer.line(f"not checked by the marketplace yet: {answer.unchecked}")
    if answer.outcome == "checked":
        if answer.category:
            session.printer.line(f"category: {answer.category}")
        session.printer.line(json.dumps(answer.sends, ensure_ascii=False, indent=2))


def _path(account: str, offer: str, verb: str) -> str:
    from olhubd.client import segment

    return f"/api/v1/offers/{segment(account)}/{segment(offer)}/{verb}"
