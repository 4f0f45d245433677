"""Where a secret may stand other than in the configuration itself: in a file of its own, or a systemd credential.

For each secret key `client_secret` of a table there is a key `client_secret_file`, and for the table
`[accounts.allegro-main]` a credential `allegro-main.client_secret`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from olhubd.config import fields
from olhubd.config.problem import Problem, near
from olhubd.config.source import Layer, Origin, Tree, exposed, read_text
from olhubd.config.toml_positions import KeyPath

__all__ = ["UNIT", "UNSEEN", "reveal"]

UNIT = "the unit"
"""The place of a secret that systemd gives to the service alone."""
UNSEEN = "a-secret-that-is-not-seen-from-here"
"""Stands for one that is there and cannot be read by who asks."""


def reveal(
    model: type[BaseModel],
    values: Mapping[str, Any],
    at: KeyPath,
    tree: Tree,
    environ: Mapping[str, str],
    problems: list[Problem],
) -> tuple[dict[str, Any], set[str]]:
    """The table with its secrets read from wherever they are, and the keys of those that could not be."""
    result = dict(values)
    broken: set[str] = set()
    secret = fields.secrets(model)
    credentials = {
        **_credentials(str(at[-1]), secret, environ, problems),
        **_promised(str(at[-1]), secret, tree, problems),
    }
    for key in secret:
        file_key = f"{key}_file"
        sources: list[tuple[Layer, str]] = [
            (tree.origin((*at, name)).layer, name) for name in (key, file_key) if name in values
        ]
        if key in credentials:
            sources.append((Layer.CREDENTIAL, ""))
        result.pop(file_key, None)
        if not sources:
            continue
        layer, name = max(sources)
        if sources.count((layer, key)) and sources.count((layer, file_key)):
            problems.append(tree.problem((*at, file_key), f"stands beside {key}", "keep one of the two"))
            broken.add(key)
        elif name == key:
            _warn_inline(tree, (*at, key), problems)
        else:
            result.pop(key, None)
            promised = f"{at[-1]}.{key}" in tree.promised and not name
            place = UNIT if promised else "credentials"
            origin = tree.origin((*at, file_key)) if name else Origin(place, None, Layer.CREDENTIAL)
            path = credentials[key] if not name else values[file_key]
            if promised and (path is None or _closed(path)):
                value: str | None = UNSEEN
            else:
                value = _read(path, origin, tree, (*at, file_key if name else key), problems)
            if value is None:
                broken.add(key)
                continue
            result[key] = value
            tree.origins[*at, key] = origin
    return result, broken


def _closed(path: Path) -> bool:
    """Whether this user may not read a file that is, or may be, there."""
    try:
        with path.open("rb"):
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _read(path: Any, origin: Origin, tree: Tree, at: KeyPath, problems: list[Problem]) -> str | None:
    key = ".".join(map(str, at))

    def tell(message: str, hint: str = "", *, warning: bool = False) -> None:
        problems.append(Problem(origin.place, origin.line, key, message, hint, warning))

    if not isinstance(path, str | Path):
        tell("must be the path of a file", "put it in quotes")
        return None
    file = Path(tree.file).parent / path
    try:
        value = read_text(file).strip()
    except ValueError as error:
        if _bare(path):
            # Whoever wrote the secret itself in place of a path must not read it in a log.
            tell("names no file that is there", "write the path of a file that holds the secret, not the secret")
            return None
        tell(
            f"{file} {error}".replace("there is no such file", "does not exist"),
            "the daemon's user must be able to read it",
        )
        return None
    if not value or "\n" in value:
        tell(
            f"{file} is empty" if not value else f"{file} has more than one line", "write the secret alone into it"
        )
        return None
    if origin.layer is not Layer.CREDENTIAL and exposed(file):
        tell(f"{file} can be read by everybody on this machine", f"chmod 0600 {file}", warning=True)
    return value


def _bare(path: str | Path) -> bool:
    """Whether it is one word without a folder or an ending, as secrets are and paths seldom."""
    return not {"/", "."} & set(str(path))


def _warn_inline(tree: Tree, path: KeyPath, problems: list[Problem]) -> None:
    origin = tree.origin(path)
    if origin.layer is Layer.FILE and exposed(Path(origin.place)):
        message = "is a secret in a file that everybody on this machine can read"
        problems.append(
            tree.problem(path, message, f"chmod 0640 {origin.place}, or use {path[-1]}_file", warning=True)
        )


def _credentials(
    table: str, secret: tuple[str, ...], environ: Mapping[str, str], problems: list[Problem]
) -> dict[str, Path | None]:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        # Beside the service, its own `olhubd reload` say, which is given the name and not the right to look.
        reason = f"the credentials cannot be read: {(error.strerror or 'unknown reason').lower()}"
        problems.append(Problem("credentials", None, directory, reason))
        return {}
    files = {name: Path(directory) / name for name in names if name.startswith(f"{table}.")}
    return _known("credentials", files, table, secret, problems)


def _promised(table: str, secret: tuple[str, ...], tree: Tree, problems: list[Problem]) -> dict[str, Path | None]:
    named = {name: path for name, path in tree.promised.items() if name.startswith(f"{table}.")}
    return _known(UNIT, named, table, secret, problems)


def _known(
    place: str, found: Mapping[str, Path | None], table: str, secret: tuple[str, ...], problems: list[Problem]
) -> dict[str, Path | None]:
    """Those that are a secret of the table; of the others somebody thought they were."""
    known: dict[str, Path | None] = {}
    for name, path in found.items():
        key = name.removeprefix(f"{table}.")
        if key in secret:
            known[key] = path
        else:
            problems.append(Problem(place, None, name, f"{key!r} is no secret of {table}", near(key, secret)))
    return known
