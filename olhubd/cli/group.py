"""A group whose commands are imported when they are used, and which plugins may add to."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

import click

from olhubd.cli.failures import Failure, failure

__all__ = ["DistributionCommand", "LazyCommand", "LazyGroup", "Table"]

_GROUP = "olhubd"
_CORE = "olhubd"


class LazyCommand(NamedTuple):
    """A command that is somewhere else: "module:attribute", and its line in the list of commands."""

    where: str
    help: str


class DistributionCommand(NamedTuple):
    """A command that another distribution of this repository adds by the plugins' hook, and its line in the list.

    Where that is not installed, the command is not in the list and says what to install.
    """

    distribution: str
    help: str


Table = Mapping[str, Mapping[str, LazyCommand | DistributionCommand]]
"""Commands by heading and name."""


class LazyGroup(click.Group):
    """`lazy` has the commands by heading and name. Commands of plugins are found when they are asked for."""

    def __init__(self, *args: Any, lazy: Table | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy or {}
        self._table = {name: command for section in self.lazy.values() for name, command in section.items()}

    def invoke(self, ctx: click.Context) -> Any:
        """The one place where errors become messages."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            told = failure(error)
            if told is None:
                raise
            raise told from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With what was probably meant, for a command that there is not."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._ask_strangers()
        return [*(name for section in self._listed().values() for name in section), *sorted(self._of_strangers())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        match self._table.get(cmd_name):
            case LazyCommand():
                return self._import(cmd_name)
            case DistributionCommand(distribution=distribution):
                return self._fetch(cmd_name, distribution)
        if cmd_name not in self.commands:
            self._ask(entry_points(group=_GROUP), os.environ)
        return self.commands.get(cmd_name)

    def _import(self, name: str) -> click.Command:
        entry = self._table[name]
        assert isinstance(entry, LazyCommand)
        module, _, attribute = entry.where.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise Failure(f"{name} is not a part of this installation") from None
        assert isinstance(command, click.Command)
        return command

    def _fetch(self, name: str, distribution: str) -> click.Command:
        """A command of its own distribution. It is available by its name, regardless of OLHUBD_PLUGINS."""
        points = [point for point in entry_points(group=_GROUP) if _distribution(point) == distribution]
        if not points:
            raise Failure(
                f"{name} comes with {distribution}, which is not installed",
                lines=[
                    f"To install it: {sys.executable} -m pip install {distribution}",
                    "In a clone of the repository, make test installs it.",
                ],
            )
        if name not in self.commands:
            environ = {key: value for key, value in os.environ.items() if key != "OLHUBD_PLUGINS"}
            failed = self._ask(points, environ)
            if name not in self.commands:
                lines = [f"  {plugin}: {reason}" for plugin, reason in failed.items()]
                raise Failure(
                    f"{name} comes with {distribution}, which is installed and does not add it", lines=lines
                )
        return self.commands[name]

    def _listed(self) -> dict[str, dict[str, LazyCommand | DistributionCommand]]:
        """The table without what is not installed. Metadata say that; nothing is imported."""
        here = {_distribution(point) for point in entry_points(group=_GROUP)}
        return {
            heading: {
                name: command
                for name, command in section.items()
                if not isinstance(command, DistributionCommand) or command.distribution in here
            }
            for heading, section in self.lazy.items()
        }

    def _of_strangers(self) -> dict[str, click.Command]:
        return {name: command for name, command in self.commands.items() if name not in self._table}

    def _ask_strangers(self) -> None:
        """Let the plugins that the table does not know add their commands: to list them they must be imported.

        The list of commands must be quick, so all others are left alone.
        """
        known = {
            _CORE,
            *(entry.distribution for entry in self._table.values() if isinstance(entry, DistributionCommand)),
        }
        self._ask([point for point in entry_points(group=_GROUP) if _distribution(point) not in known], os.environ)

    def _ask(self, points: Iterable[EntryPoint], environ: Mapping[str, str]) -> Mapping[str, str]:
        """Let these plugins add their commands; returns those that cannot be loaded, with the reason.

        One that fails while it adds them is named, and takes nobody else's command away.
        """
        names = [point.name for point in points]
        if not names:
            return {}
        from olhubd.plugin import loading

        plugins = loading.load(names, environ=environ)
        for implementation in plugins.manager.hook.olhubd_register_commands.get_hookimpls():
            try:
                implementation.function(cli=self)
            except Exception as error:
                click.echo(f"olhubd: the plugin {implementation.plugin_name}: {error}", err=True)
        return plugins.failed

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By heading, from the table alone: nothing is imported for a list."""
        self._ask_strangers()
        sections: dict[str, Sequence[tuple[str, str]]] = {
            heading: [(name, command.help) for name, command in section.items()]
            for heading, section in self._listed().items()
        }
        if strangers := self._of_strangers():
            sections["Of plugins"] = [
                (name, command.get_short_help_str(80)) for name, command in sorted(strangers.items())
            ]
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def main(self, *args: Any, **options: Any) -> Any:
        if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
            # A log or a pipe in the C locale must not stop a Polish name.
            sys.stdout.reconfigure(errors="replace")
        return super().main(*args, **options)


def _distribution(point: EntryPoint) -> str | None:
    """What installed it; None where nobody did, as in tests."""
    return point.dist.name if point.dist is not None else None
