"""Where values come from: TOML files, environment variables, systemd credentials. Values are read, not judged.

Precedence, the stronger first:

1. the environment, `OLHUBD_CONTROL__LISTEN` for `control.listen`;
2. systemd credentials, `$CREDENTIALS_DIRECTORY/<account>.<field>`, for secrets only;
3. the files: `olhubd.toml` and `conf.d/*.toml` beside it, which are equal: a key is in one of them only;
4. the database: what people have set while the daemon ran (`olhubd.config.kept`);
5. the marketplace: what an account's own system says of it;
6. what systemd says about directories (`$STATE_DIRECTORY`, `$RUNTIME_DIRECTORY`);
7. the profile of the account (`olhubd.config.profiles`);
8. the defaults.
"""

from __future__ import annotations

import enum
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from olhubd.config.problem import Problem, near
from olhubd.config.toml_positions import KeyPath, repeated, spans

__all__ = ["ENVIRONMENT", "SECTIONS", "Layer", "Origin", "SettingTree", "dotted", "exposed", "read", "read_text"]

ENVIRONMENT = "OLHUBD_"
_LARGEST = 2**20
"""Bytes. No configuration is so long, but a device or a log that was named by mistake is."""
SECTIONS = (
    "accounts",
    "alarms",
    "control",
    "customers",
    "daemon",
    "engine",
    "mails",
    "prices",
    "routes",
    "statuses",
    "stock",
)
LISTS = ("mails", "prices", "routes", "statuses", "stock")
"""Sections that are lists of tables."""
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class Layer(enum.IntEnum):
    """Who says it; the greater wins."""

    DEFAULT = 0
    PROFILE = 1
    SYSTEM = 2
    MARKETPLACE = 3
    DATABASE = 4
    FILE = 5
    CREDENTIAL = 6
    ENVIRONMENT = 7


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from. `place` is a file, or what else to call it."""

    place: str
    line: int | None = None
    layer: Layer = Layer.DEFAULT
    variable: str | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.place}:{self.line}"
        return f"{self.place} {self.variable}" if self.variable else self.place


@dataclass
class SettingTree:
    """All values that were written, as one tree, with the origin of each."""

    file: str
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)
    complete: bool = True
    """Whether every file could be read; otherwise what is missing here says nothing."""
    credentials: str = ""
    """The directory in which systemd put the credentials of this process; empty where there is none."""
    promised: Mapping[str, Path | None] = field(default_factory=dict)
    """Credentials that a service will be given, by name; None where nobody but the service can read one."""
    secrets: dict[Path, str] = field(default_factory=dict, repr=False)
    """What the files of secrets held when they were read, which is what counts until the next reload."""

    def origin(self, path: KeyPath) -> Origin:
        """Of the value, else of the nearest table around it, else the main file."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path[:-1]
        return Origin(self.file)

    def place(self, path: KeyPath, value: Any, origin: Origin) -> None:
        """Set one value over whatever weaker layers said."""
        table = self.values
        for length, part in enumerate(path[:-1], start=1):
            inner = table.setdefault(str(part), {})
            if not isinstance(inner, dict):
                inner = table[str(part)] = {}
            table = inner
            self.origins.setdefault(path[:length], origin)
        table[str(path[-1])] = value
        self.origins[path] = origin


def dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def read(path: Path, environ: Mapping[str, str]) -> tuple[SettingTree, list[Problem]]:
    """Read all layers but the credentials, whose names only plugins know. Goes on after a problem."""
    reader = _Reader(path, environ)
    reader.files()
    if reader.tree.complete:
        reader.system()
        reader.environment()
    return reader.tree, reader.problems


def read_text(path: Path) -> str:
    """The text of a file. Raises ValueError with a reason that is fit to be shown."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError(f"is longer than {_LARGEST // 1024} KiB")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not UTF-8 text (line {line})") from None


class _Reader:
    """Joins the layers into one tree, the weaker first."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self.environ = environ
        self.tree = SettingTree(str(path), credentials=environ.get("CREDENTIALS_DIRECTORY", ""))
        self.problems: list[Problem] = []

    def files(self) -> None:
        for file in (self.path, *self.fragments(self.path.parent / "conf.d")):
            self.merge(file)

    def unusable(self, problem: Problem) -> None:
        """A file or folder that cannot be read at all."""
        self.problems.append(problem)
        self.tree.complete = False

    def fragments(self, directory: Path) -> list[Path]:
        try:
            return sorted(file for file in directory.iterdir() if file.suffix == ".toml")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            reason = f"cannot be read: {(error.strerror or 'unknown reason').lower()}"
            self.unusable(Problem(str(directory), None, "", reason, _remedy(directory)))
            return []

    def merge(self, file: Path) -> None:
        tree, place = self.tree, str(file)
        try:
            text = read_text(file)
        except ValueError as error:
            self.unusable(Problem(place, None, "", str(error), _remedy(file)))
            return
        try:
            values = tomllib.loads(text)
            lines = spans(text)
        except tomllib.TOMLDecodeError as error:
            self.unusable(_syntax(place, text, str(error)))
            return
        except (ValueError, RecursionError) as error:  # a number of a thousand digits, brackets within brackets
            what = "a number is too long" if isinstance(error, ValueError) else "values are nested too deeply"
            self.unusable(Problem(place, None, "", f"is not usable: {what}"))
            return
        there = {name: tree.values.get(name) for name in LISTS}
        shift = {name: len(rows) for name, rows in there.items() if isinstance(rows, list)}
        for path, line in lines.items():
            if path[0] in shift and len(path) > 1 and isinstance(path[1], int):
                path = (path[0], path[1] + shift[str(path[0])], *path[2:])
            tree.origins.setdefault(path, Origin(place, line, Layer.FILE))
        self.problems.extend(_join(tree, tree.values, values, _Text(place, lines)))

    def system(self) -> None:
        """Directories that systemd made for the unit."""
        for variable, path, name in (
            ("STATE_DIRECTORY", ("daemon", "data"), ""),
            ("RUNTIME_DIRECTORY", ("control", "socket"), "olhubd.sock"),
        ):
            directory = self.environ.get(variable, "").split(":")[0]
            section = self.tree.values.get(path[0], {})
            if directory and isinstance(section, dict) and path[1] not in section:
                origin = Origin("environment", None, Layer.SYSTEM, variable)
                self.tree.place(path, str(Path(directory) / name), origin)

    def environment(self) -> None:
        accounts = self.tree.values.get("accounts")
        written = {_folded(name): name for name in accounts} if isinstance(accounts, dict) else {}
        for variable in sorted(self.environ):
            section, *rest = variable.removeprefix(ENVIRONMENT).lower().split("__")
            if not variable.startswith(ENVIRONMENT) or not rest:
                continue
            known = [name for name in SECTIONS if name not in LISTS]
            problem = None
            if section in LISTS:
                problem = f"{'stock is' if section == 'stock' else f'{section} are'} written in files only", ""
            elif section not in known:
                problem = f"there is no section {section!r}", near(section, known)
            elif not all(rest) or (section == "accounts" and len(rest) < 2):
                example = "OLHUBD_ACCOUNTS__SHOP__INTERVAL" if section == "accounts" else "OLHUBD_CONTROL__LISTEN"
                problem = "does not name a key", f"write it like {example}"
            elif section == "accounts":
                name = written.get(rest[0], rest[0].replace("_", "-"))
                if (
                    rest[0] not in written
                    and f"{ENVIRONMENT}ACCOUNTS__{rest[0].upper()}__CONNECTOR" not in self.environ
                ):
                    problem = f"there is no account {name!r}", near(name, written.values())
                rest = [name, *rest[1:]]
            if problem:
                self.problems.append(Problem("environment", None, variable, *problem))
                continue
            origin = Origin("environment", None, Layer.ENVIRONMENT, variable)
            self.tree.place((section, *rest), self.environ[variable], origin)


class _Text(NamedTuple):
    """One file that is merged: its path, and the line of each key."""

    place: str
    lines: Mapping[KeyPath, int]


def _join(
    tree: SettingTree, into: dict[str, Any], values: Mapping[str, Any], text: _Text, at: KeyPath = ()
) -> Iterator[Problem]:
    """Merge tables; the lists of tables grow; anything else may be said only once."""
    for key, value in values.items():
        path = (*at, key)
        if key not in into:
            into[key] = value
        elif isinstance(value, dict) and isinstance(into[key], dict):
            yield from _join(tree, into[key], value, text, path)
        elif len(path) == 1 and path[0] in LISTS and isinstance(value, list) and isinstance(into[key], list):
            into[key] = [*into[key], *value]
        else:
            hint = f"it is already set at {tree.origin(path)}"
            yield Problem(text.place, text.lines.get(path), dotted(path), "is set a second time", hint)


def _syntax(place: str, text: str, error: str) -> Problem:
    match = _PLACE.search(error)
    message = _PLACE.sub("", error)
    line = int(match[1]) if match and match[1] else text.rstrip("\n").count("\n") + 1
    if message.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate")) and (
        twice := repeated(text)
    ):
        path, first, second = twice
        return Problem(place, second, dotted(path), "is set a second time", f"it is already set at {place}:{first}")
    hint = 'text needs quotes: key = "value"' if message.startswith("Invalid value") else ""
    return Problem(place, line, "", f"is not valid TOML: {message[:1].lower()}{message[1:]}", hint)


def _remedy(file: Path) -> str:
    if not file.exists():
        return "copy the commented example etc/olhubd.toml there, or name another file with --config"
    if file.is_dir():
        return "name the file in it"
    return "it must be a short text in UTF-8 that the daemon's user may read"


def _folded(name: str) -> str:
    return str(name).lower().replace("-", "_")


def exposed(path: Path) -> bool:
    """Whether everybody on the machine may read the file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
