"""The kit: what a connector is tried with, and what shows olhubd where there is no account.

Simulators of marketplaces and shops, faults, the conformance rules, and a demo stack in which the real daemon runs
between simulators. The daemon knows nothing of it. Its commands enter by the hook that every plugin has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from olhubd.plugin import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["__version__", "olhubd_register_commands"]

__version__ = "0.1.0"


@hookimpl
def olhubd_register_commands(cli: click.Group) -> None:
    """Add `demo`, `prove` and `simulate`. Imported here, for a list of plugins loads this module too."""
    from olhubd_kit.commands.demo import demo
    from olhubd_kit.commands.prove import prove
    from olhubd_kit.commands.simulate import simulate

    for command in (demo, prove, simulate):
        cli.add_command(command)
