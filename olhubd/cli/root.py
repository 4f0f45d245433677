"""The table of all commands."""

from __future__ import annotations

import os
import sys

import click

from olhubd import __version__
from olhubd.cli import session
from olhubd.cli.failures import interrupted
from olhubd.cli.group import DistributionCommand, LazyCommand, LazyGroup, Table

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: Table = {
    "The daemon": {
        "run": LazyCommand("olhubd.cli.run:run", "Run the daemon in the foreground."),
        "check": LazyCommand("olhubd.cli.run:check", "Check the configuration and tell all that is wrong."),
        "status": LazyCommand("olhubd.cli.status:status", "How the daemon and its accounts stand."),
        "alarms": LazyCommand("olhubd.cli.alarms:alarms", "What is wrong now, and what was."),
        "doctor": LazyCommand("olhubd.cli.doctor:doctor", "Whether all is well, what is not, and how to mend it."),
        "reload": LazyCommand("olhubd.cli.run:reload", "Take the configuration into force anew."),
        "log-level": LazyCommand("olhubd.cli.run:log_level", "Log more or less until the daemon restarts."),
    },
    "Accounts": {
        "login": LazyCommand(
            "olhubd.cli.login:login", "Sign in to an account, also from a machine without a browser."
        ),
        "fetch": LazyCommand("olhubd.cli.accounts:fetch", "Fetch the orders of an account now."),
        "pause": LazyCommand(
            "olhubd.cli.accounts:pause", "Fetch and deliver nothing for an account until resumed."
        ),
        "resume": LazyCommand("olhubd.cli.accounts:resume", "Let a paused, parked or waiting account go on."),
        "account": LazyCommand(
            "olhubd.cli.accounts:account", "Show an account, set it, call it otherwise, or remove one that is gone."
        ),
        "runs": LazyCommand("olhubd.cli.runs:runs", "The import log: what was fetched when, and how it went."),
        "reconcile": LazyCommand(
            "olhubd.cli.alarms:reconcile", "Whether the hub holds all that its sources count."
        ),
    },
    "Orders": {
        "orders": LazyCommand("olhubd.cli.orders:orders", "List orders, write them to a file, or show one."),
        "customers": LazyCommand("olhubd.cli.customers:customers", "Who bought: list, show, write to a file."),
        "journal": LazyCommand("olhubd.cli.journal:journal", "What happened and why, also as it happens."),
        "events": LazyCommand("olhubd.cli.events:events", "The log of events for programs, also as they happen."),
        "mappings": LazyCommand(
            "olhubd.cli.mappings:mappings", "What words of sources become, and which are unmapped."
        ),
        "statuses": LazyCommand(
            "olhubd.cli.own_statuses:statuses", "The seller's own statuses, and what each is at accounts."
        ),
        "unlinked": LazyCommand(
            "olhubd.cli.mappings:unlinked", "Offers whose order lines are bound to no product."
        ),
        "explain": LazyCommand("olhubd.cli.orders:explain", "What happened to an order, when and why."),
        "deliveries": LazyCommand(
            "olhubd.cli.deliveries:deliveries", "What is owed to whom, and what waits for a person."
        ),
        "holds": LazyCommand("olhubd.cli.holds:holds", "What waits for a person, and the way out of each."),
        "strangers": LazyCommand("olhubd.cli.strangers:strangers", "Orders with our mark that only a shop knows."),
        "quarantine": LazyCommand("olhubd.cli.runs:quarantine", "Records that could not be stored, and why."),
    },
    "What is sold": {
        "stock": LazyCommand("olhubd.cli.stock:stock", "How many pieces of what may be sold, and why."),
        "offers": LazyCommand("olhubd.cli.offers:offers", "The offers of the channels, and what they show."),
        "prices": LazyCommand("olhubd.cli.prices:prices", "The price lists, what the offers cost, and why."),
        "links": LazyCommand("olhubd.cli.links:links", "Which stock items the offers sell."),
        "products": LazyCommand("olhubd.cli.products:products", "What the stock masters have, and its imports."),
    },
    "Setting up": {
        "plugins": LazyCommand("olhubd.cli.plugins:plugins", "What is installed and what it can do."),
        "token": LazyCommand("olhubd.cli.tokens:token", "Who may use the endpoint and the dashboard."),
        "config": LazyCommand(
            "olhubd.cli.config:config", "The configuration in force, and its schema for editors."
        ),
        "completion": LazyCommand("olhubd.cli.shell:completion", "Print the completion script for a shell."),
        "version": LazyCommand("olhubd.cli.shell:version", "Print the version."),
    },
    "Trying it out": {
        "demo": DistributionCommand("olhubd-kit", "Marketplaces, a shop and the daemon, all on this machine."),
        "replay": LazyCommand(
            "olhubd.cli.replay:replay", "Decide again what was decided, and tell what is different."
        ),
        "torture": DistributionCommand(
            "olhubd-torture", "Try to lose or double an order, by thousands of schedules."
        ),
        "simulate": DistributionCommand("olhubd-kit", "Stand in for a marketplace or a shop."),
        "prove": DistributionCommand("olhubd-kit", "Try connectors by the rules that all must keep."),
    },
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="olhubd %(version)s")
@session.config_option
def cli() -> None:
    """olhubd carries orders from marketplaces into shops, each exactly once.

    \b
    Begin with:
      olhubd check                 is the configuration right?
      olhubd login ACCOUNT         sign in to a marketplace
      olhubd status                does it work?
      olhubd doctor                what is wrong, and how to mend it?
      olhubd explain ORDER         what happened to an order, and why

    Most commands ask the running daemon. See docs/cli.md for exit codes.
    """


def main() -> None:
    """The command `olhubd`."""
    _reopen()
    try:
        code = cli.main(prog_name="olhubd", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        interrupted()
    except BrokenPipeError:  # piped into head, say
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # no room for what is printed
        click.echo(f"olhubd: {error.strerror or error}", err=True)
        sys.stdout = None  # what is left in its buffer cannot be written either
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _reopen() -> None:
    """Streams that the parent process closed swallow what is written to them."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
