"""Small things around the shell: the version, and completion."""

from __future__ import annotations

import click

from olhubd.cli.session import Session, session_command

__all__ = ["completion", "version"]


@click.command()
@session_command()
def version(session: Session) -> None:
    """Print the version."""
    from olhubd import __version__

    if not session.printer.json({"version": __version__}):
        session.printer.line(f"olhubd {__version__}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes olhubd's commands in SHELL.

    \b
    Examples:
      olhubd completion bash > /etc/bash_completion.d/olhubd
      olhubd completion zsh > "${fpath[1]}/_olhubd"
      olhubd completion fish > ~/.config/fish/completions/olhubd.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "olhubd", "_OLHUBD_COMPLETE").source())
