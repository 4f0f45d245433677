"""A group whose commands are imported when they are used, and which plugins may add to."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, NamedTuple

import click

from olhubd.cli.failures import Failure, failure

__all__ = ["Lazy", "LazyGroup"]


class Lazy(NamedTuple):
    """A command that is somewhere else: "module:attribute", and its line in the list of commands."""

    where: str
    help: str


class LazyGroup(click.Group):
    """`lazy` has the commands by heading and name. Commands of plugins are found when they are asked for."""

    def __init__(self, *args: Any, lazy: Mapping[str, Mapping[str, Lazy]] | None = None, **options: Any) -> None:
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
        self._ask_plugins(others=True)
        return [*self._table, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._table:
            return self._import(cmd_name)
        if cmd_name not in self.commands:
            self._ask_plugins(others=False)
        return self.commands.get(cmd_name)

    def _import(self, name: str) -> click.Command:
        module, _, attribute = self._table[name].where.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise Failure(f"{name} is not a part of this installation") from None
        assert isinstance(command, click.Command)
        return command

    def _ask_plugins(self, others: bool) -> None:
        """Let plugins add their commands: all of them, or (`others`) those that did not come with olhubd.

        The list of commands must be quick, and to know a plugin's commands it must be imported.
        """
        points = entry_points(group="olhubd")
        names = [p.name for p in points if not others or p.dist is None or p.dist.name != "olhubd"]
        if not names:
            return
        import os

        from olhubd.plugin import loading

        plugins = loading.load(names, environ=os.environ)
        for implementation in plugins.manager.hook.olhubd_register_commands.get_hookimpls():
            try:
                implementation.function(cli=self)
            except Exception as error:
                click.echo(f"olhubd: the plugin {implementation.plugin_name}: {error}", err=True)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By heading, from the table alone: nothing is imported for a list."""
        self._ask_plugins(others=True)
        sections: dict[str, Sequence[tuple[str, str]]] = {
            heading: [(name, command.help) for name, command in section.items()]
            for heading, section in self.lazy.items()
        }
        if self.commands:
            sections["Of plugins"] = [
                (name, command.get_short_help_str(80)) for name, command in sorted(self.commands.items())
            ]
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def main(self, *args: Any, **options: Any) -> Any:
        if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
            # A log or a pipe in the C locale must not stop a Polish name.
            sys.stdout.reconfigure(errors="replace")
        return super().main(*args, **options)
