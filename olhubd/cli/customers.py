"""`olhubd customers`: who bought, one row for each buyer of an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from olhubd.cli import pages
from olhubd.cli.private import PRIVATE
from olhubd.cli.session import Session, account_option, session_command

if TYPE_CHECKING:
    from olhubd.cli.output import Printer
    from olhubd.control.api.schema.customers import CustomerCard, CustomerRow
    from olhubd.model import Address

__all__ = ["customers"]

F = TypeVar("F", bound=Callable[..., Any])
KINDS = ["domestic", "intra-eu", "extra-eu"]


@click.group()
def customers() -> None:
    """Who bought, as the newest order of each has them."""


def _filtered(function: F) -> F:
    """Adds the filters that the list and the export share; the command gets them as keywords."""
    for option in reversed(
        (
            account_option("Of this account only."),
            click.option("--kind", type=click.Choice(KINDS), help="Of this kind only, seen from the seller."),
            click.option("--text", help="Whose name, e-mail, phone, tax number or login begins so."),
        )
    ):
        function = option(function)
    return function


@customers.command(name="list")
@_filtered
@pages.paged
@session_command(rows=True)
def listing(session: Session, before: int | None, limit: int, every: bool, **asked: Any) -> None:
    """The newest customers first. All filters that are given must fit.

    \b
    Examples:
      olhubd customers list --text "Kowalski"
      olhubd customers list --account shop-pl --kind intra-eu --all
    """
    from olhubd.control.api.schema.customers import CustomerPage

    with session.daemon() as daemon:
        found, after = pages.rows(
            daemon, "/api/v1/customers", CustomerPage, before=before, limit=limit, every=every, **asked
        )
    if session.printer.json({"items": found, "next": after}):
        return
    session.printer.table(
        (
            "ID:right", "NAME", "ACCOUNT", "LOGIN:least", "EMAIL:least", "PHONE:least", "TAX NUMBER:least", "KIND",
            "ORDERS:right", "LAST:least",
        ),
        map(_row, found),
        "No customers.",
    )  # fmt: skip
    session.printer.more(after)


def _row(one: CustomerRow) -> tuple[object, ...]:
    return (
        one.id, one.name, one.account, one.login, one.email, one.phone,
        " ".join(tax.value for tax in one.tax_ids), one.kind.value if one.kind is not None else None, one.orders,
        one.last_at,
    )  # fmt: skip


@customers.command()
@click.argument("customer", type=click.IntRange(0))
@session_command()
def show(session: Session, customer: int) -> None:
    """All that is known of CUSTOMER, by the hub's number, with the newest orders.

    \b
    Example:
      olhubd customers show 17
    """
    from olhubd.control.api.schema.customers import CustomerCard

    with session.daemon() as daemon:
        found = daemon.get(f"/api/v1/customers/{customer}", CustomerCard)
    if not session.printer.json(found):
        _card(session.printer, found)


def _card(printer: Printer, card: CustomerCard) -> None:
    one = card.customer
    printer.facts(
        (
            ("customer", one.id),
            ("account", one.account),
            ("name", one.name),
            ("login", one.login),
            ("company", one.company),
            ("e-mail", f"{one.email} (masked)" if one.email_masked else one.email),
            ("phone", one.phone),
            ("language", card.language),
            *((tax.kind, f"{tax.value} (wrong)" if tax.valid is False else tax.value) for tax in one.tax_ids),
            ("kind", f"{one.kind.value} ({one.territory})" if one.kind is not None else "not known"),
            ("address", _place(card.address)),
            ("orders", one.orders),
            ("first order", one.first_at),
            ("last order", one.last_at),
        )
    )
    if card.addresses:
        printer.line("\nWhere the orders went:")
        printer.table(
            ("ADDRESS", "ORDERS:right", "FIRST:least", "LAST"),
            [(_place(used.address), used.orders, used.first_at, used.last_at) for used in card.addresses],
            "",
        )
    printer.line("\nThe orders:")
    printer.table(
        ("ID:right", "ORDER", "PLACED", "TOTAL:right", "STAGE"),
        [(row.id, row.number or row.reference, row.placed_at, row.total, row.stage.value) for row in card.orders],
        "None.",
    )


def _place(address: Address | None) -> str | None:
    if address is None:
        return None
    person = " ".join(filter(None, (address.first_name, address.last_name)))
    town = " ".join(filter(None, (address.postcode, address.city)))
    return ", ".join(filter(None, (person, address.company, address.street, town, address.country)))


@customers.command()
@click.argument("customers", nargs=-1, type=click.IntRange(0), metavar="[ID]...")
@_filtered
@click.option(
    "--format",
    "kind_of_file",
    type=click.Choice(["csv", "xml", "json"]),
    default="csv",
    show_default=True,
    help="What to write.",
)
@click.option("-o", "--output", type=PRIVATE, default="-", help="The file to write; else standard output.")
@session_command()
def export(session: Session, customers: tuple[int, ...], kind_of_file: str, output: Any, **asked: Any) -> None:
    """Write the customers that fit the filters, or those with these IDs, as CSV, XML or JSON.

    It holds personal data, so the file is made for its owner alone. A cell that a spreadsheet would take for a
    formula begins with an apostrophe.

    \b
    Examples:
      olhubd customers export -o customers.csv
      olhubd customers export --kind intra-eu --format xml
      olhubd customers export 17 18
    """
    form = "json" if session.as_json else kind_of_file
    with session.daemon() as daemon:
        daemon.save("/api/v1/customers/export", output, format=form, id=customers or None, **asked)


@customers.command()
@click.argument("customer", type=click.IntRange(0))
@click.option("-o", "--output", type=PRIVATE, default="-", help="The file to write; else standard output.")
@session_command()
def data(session: Session, customer: int, output: Any) -> None:
    """Write everything that the hub holds about CUSTOMER as JSON, to be handed to them.

    \b
    Example:
      olhubd customers data 17 -o data.json
    """
    with session.daemon() as daemon:
        daemon.save(f"/api/v1/customers/{customer}/data", output)


@customers.command()
@click.argument("customer", type=click.IntRange(0))
@session_command()
def erase(session: Session, customer: int) -> None:
    """Erase CUSTOMER wherever the hub keeps them. The purchases stay without the person; it cannot be undone.

    \b
    Example:
      olhubd customers erase 17
    """
    from olhubd.control.api.schema.customers import ErasureReceiptRow

    with session.daemon() as daemon:
        done = daemon.post(f"/api/v1/customers/{customer}/erase", ErasureReceiptRow)
    if session.printer.json(done):
        return
    session.printer.facts(
        (
            ("erased", f"customer {customer} of {done.account}"),
            ("receipt", done.number),
            ("at", done.erased_at),
            ("orders without the person", done.orders),
            ("events masked", done.events),
            ("deliveries masked", done.deliveries),
            ("quarantined records", done.quarantine),
            ("inputs forgotten", done.inputs),
            ("kept answers forgotten", done.answers),
            ("copies at", ", ".join(done.targets)),
            ("older backups", ", ".join(done.copies)),
        )
    )
