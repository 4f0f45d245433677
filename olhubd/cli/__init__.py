"""The command line: the same that the endpoint offers, from a terminal. One module per group of commands.

Modules are imported when their command is used, and import what is heavy when it runs, so that help is quick.
"""

from olhubd.cli.root import cli, main

__all__ = ["cli", "main"]
