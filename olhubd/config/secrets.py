"""Where a secret may be other than in the configuration itself: in a file of its own, or a systemd credential.

For each secret key `client_secret` of a table there is a key `client_secret_file`, and for the table
`[accounts.allegro-main]` a credential `allegro-main.client_secret`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from olhubd.config import fields
from olhubd.config.checker import Checker
from olhubd.config.problem import Problem, near
from olhubd.config.source import Layer, Origin, exposed, read_text

__all__ = ["UNIT", "UNSEEN", "Revealed", "reveal"]

UNIT = "the unit"
"""The place of a secret that systemd gives to the service alone."""
UNSEEN = "a-secret-that-is-not-seen-from-here"
"""Used for one that is there and cannot be read by who asks."""


class Revealed(NamedTuple):
    """A table with its secrets read from wherever they are, and the keys of those that could not be."""

    values: dict[str, Any]
    broken: set[str]


def reveal(place: Checker, model: type[BaseModel], values: Mapping[str, Any]) -> Revealed:
    """The table at `place`, which has these values, with the secrets of its `model`."""
    result = dict(values)
    broken: set[str] = set()
    secret = fields.secrets(model)
    credentials = {**_credentials(place, secret), **_promised(place, secret)}
    for key in secret:
        file_key = f"{key}_file"
        sources: list[tuple[Layer, str]] = [
            (place.at(name).origin.layer, name) for name in (key, file_key) if name in values
        ]
        if key in credentials:
            sources.append((Layer.CREDENTIAL, ""))
        result.pop(file_key, None)
        if not sources:
            continue
        layer, name = max(sources)
        if sources.count((layer, key)) and sources.count((layer, file_key)):
            place.at(file_key).report(f"stands beside {key}", "keep one of the two")
            broken.add(key)
        elif name == key:
            _warn_inline(place.at(key))
        else:
            result.pop(key, None)
            promised = f"{place.name}.{key}" in place.tree.promised and not name
            elsewhere = Origin(UNIT if promised else "credentials", None, Layer.CREDENTIAL)
            path = credentials[key] if not name else values[file_key]
            if promised and (path is None or _closed(path)):
                value: str | None = UNSEEN
            elif name:
                value = _read(place.at(file_key), path, place.at(file_key).origin)
            else:
                value = _read(place.at(key), path, elsewhere)
            if value is None:
                broken.add(key)
                continue
            result[key] = value
            place.tree.origins[*place.path, key] = place.at(file_key).origin if name else elsewhere
    return Revealed(result, broken)


def _closed(path: Path) -> bool:
    """Whether this user may not read a file that is, or may be, there."""
    try:
        with path.open("rb"):
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _read(place: Checker, path: Any, origin: Origin) -> str | None:
    """The secret in the file at `path`, which `origin` names for `place`; None where it cannot be read."""
    if not isinstance(path, str | Path):
        place.report("must be the path of a file", "put it in quotes", origin=origin)
        return None
    file = Path(place.tree.file).parent / path
    known = place.tree.secrets.get(file)
    try:
        value = known if known is not None else read_text(file).strip()
    except ValueError as error:
        if _bare(path):
            # A secret that was written in place of a path must not appear in a log.
            message, hint = (
                "names no file that is there",
                "write the path of a file that holds the secret, not the secret",
            )
        else:
            message = f"{file} {error}".replace("there is no such file", "does not exist")
            hint = "the daemon's user must be able to read it"
        place.report(message, hint, origin=origin)
        return None
    if not value or "\n" in value:
        what = "is empty" if not value else "has more than one line"
        place.report(f"{file} {what}", "write the secret alone into it", origin=origin)
        return None
    if origin.layer is not Layer.CREDENTIAL and exposed(file):
        place.warn(f"{file} can be read by everybody on this machine", f"chmod 0600 {file}", origin=origin)
    place.tree.secrets[file] = value
    return value


def _bare(path: str | Path) -> bool:
    """Whether it is one word without a folder or an ending, as secrets are and paths seldom."""
    return not {"/", "."} & set(str(path))


def _warn_inline(place: Checker) -> None:
    origin = place.origin
    if origin.layer is Layer.FILE and exposed(Path(origin.place)):
        message = "is a secret in a file that everybody on this machine can read"
        place.warn(message, f"chmod 0640 {origin.place}, or use {place.name}_file")


def _credentials(place: Checker, secret: tuple[str, ...]) -> dict[str, Path | None]:
    directory = place.tree.credentials
    if not directory:
        return {}
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        # Beside the service, its own `olhubd reload` say, which is given the name and not the right to look.
        reason = f"the credentials cannot be read: {(error.strerror or 'unknown reason').lower()}"
        place.problems.append(Problem("credentials", None, directory, reason))
        return {}
    return _known(place, "credentials", {name: Path(directory) / name for name in names}, secret)


def _promised(place: Checker, secret: tuple[str, ...]) -> dict[str, Path | None]:
    return _known(place, UNIT, place.tree.promised, secret)


def _known(
    place: Checker, whence: str, given: Mapping[str, Path | None], secret: tuple[str, ...]
) -> dict[str, Path | None]:
    """Those that are a secret of the table; of the others that name it, somebody thought they were."""
    known: dict[str, Path | None] = {}
    for name, path in given.items():
        if not name.startswith(f"{place.name}."):
            continue
        key = name.removeprefix(f"{place.name}.")
        if key in secret:
            known[key] = path
        else:
            message = f"{key!r} is no secret of {place.name}"
            place.problems.append(Problem(whence, None, name, message, near(key, secret)))
    return known
