"""A machine that tries to break the promise: no order lost, none doubled, no wrong total, nothing silent.

`olhubd_torture.run_schedule` plays one schedule inside of this process, in virtual time: the real engine on a real
database file between systems in memory, killed, cut off and lied to as a seed says.
`olhubd_torture.process_torture` does the same to the whole daemon as a process. docs/reliability.md says what is
checked and how to repeat it. The command `olhubd torture` enters by the hook that every plugin has.
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
    """Add `torture`. Imported here, for a list of plugins loads this module too."""
    from olhubd_torture.command import torture

    cli.add_command(torture)
