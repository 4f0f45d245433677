"""The table of all commands."""

from __future__ import annotations

import os
import sys

import click

from olhubd import __version__
from olhubd.cli import session
from olhubd.cli.failures import interrupted
from olhubd.cli.group import Apart, Lazy, LazyGroup, Table

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: Table = {
    "The daemon": {
        "run": Lazy("olhubd.cli.run:run", "Run the daemon in the foreground."),
        "check": Lazy("olhubd.cli.run:check", "Check the configuration and tell all that is wrong."),
        "status": Lazy("olhubd.cli.status:status", "How the daemon and its accounts stand."),
        "alarms": Lazy("olhubd.cli.alarms:alarms", "What is wrong now, and what was."),
        "doctor": Lazy("olhubd.cli.doctor:doctor", "Whether all is well, what is not, and how to mend it."),
        "reload": Lazy("olhubd.cli.run:reload", "Take the configuration into force anew."),
        "log-level": Lazy("olhubd.cli.run:log_level", "Log more or less until the daemon restarts."),
    },
    "Accounts": {
        "login": Lazy("olhubd.cli.login:login", "Sign in to an account, also from a machine without a browser."),
        "fetch": Lazy("olhubd.cli.accounts:fetch", "Fetch the orders of an account now."),
        "pause": Lazy("olhubd.cli.accounts:pause", "Fetch and deliver nothing for an account until resumed."),
        "resume": Lazy("olhubd.cli.accounts:resume", "Let a paused, parked or waiting account go on."),
        "account": Lazy("olhubd.cli.accounts:account", "Call an account otherwise, or remove one that is gone."),
        "runs": Lazy("olhubd.cli.runs:runs", "The import log: what was fetched when, and how it went."),
        "reconcile": Lazy("olhubd.cli.alarms:reconcile", "Whether the hub holds all that its sources count."),
    },
    "Orders": {
        "orders": Lazy("olhubd.cli.orders:orders", "List orders, write them to a file, or show one."),
        "journal": Lazy("olhubd.cli.journal:journal", "What happened and why, also as it happens."),
        "events": Lazy("olhubd.cli.events:events", "The log of events for programs, also as they happen."),
        "mappings": Lazy("olhubd.cli.mappings:mappings", "What words of sources become, and which are unmapped."),
        "unlinked": Lazy("olhubd.cli.mappings:unlinked", "Offers whose order lines are bound to no product."),
        "explain": Lazy("olhubd.cli.orders:explain", "What happened to an order, when and why."),
        "deliveries": Lazy(
            "olhubd.cli.deliveries:deliveries", "What is owed to whom, and what waits for a person."
        ),
        "holds": Lazy("olhubd.cli.holds:holds", "What waits for a person, and the way out of each."),
        "strangers": Lazy("olhubd.cli.strangers:strangers", "Orders with our mark that only a shop knows."),
        "quarantine": Lazy("olhubd.cli.runs:quarantine", "Records that could not be stored, and why."),
    },
    "Setting up": {
        "plugins": Lazy("olhubd.cli.plugins:plugins", "What is installed and what it can do."),
        "token": Lazy("olhubd.cli.tokens:token", "Who may use the endpoint and the dashboard."),
        "config": Lazy("olhubd.cli.config:config", "The configuration in force, and its schema for editors."),
        "completion": Lazy("olhubd.cli.shell:completion", "Print the completion script for a shell."),
        "version": Lazy("olhubd.cli.shell:version", "Print the version."),
    },
    "Trying it out": {
        "demo": Apart("olhubd-kit", "Marketplaces, a shop and the daemon, all on this machine."),
        "replay": Lazy("olhubd.cli.replay:replay", "Decide again what was decided, and tell what is different."),
        "torture": Apart("olhubd-torture", "Try to lose or double an order, by thousands of schedules."),
        "simulate": Apart("olhubd-kit", "Stand in for a marketplace or a shop."),
        "prove": Apart("olhubd-kit", "Try connectors by the rules that all must keep."),
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
    """Streams that were closed by whoever started us swallow what is written to them."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
