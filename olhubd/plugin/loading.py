"""Finding and loading plugins: the installed packages with an entry point in the group `olhubd`.

Only what is wanted is imported: a daemon that serves two systems pays for two, and a broken package nobody uses
harms nobody. Bundled plugins come in by the same door as all others. What a plugin then does is not known here.

Two environment variables help to find a fault: `OLHUBD_PLUGINS=a,b` loads exactly those, and `OLHUBD_TRACE_HOOKS=1`
prints every hook call with its result on standard error.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec
import pluggy

from olhubd.model import Reason
from olhubd.plugin import hooks
from olhubd.plugin.connector import Connector
from olhubd.plugin.settings import Settings

__all__ = ["GROUP", "Plugins", "allowed", "installed", "load", "wanted"]

GROUP = hooks.PROJECT
_REGISTER = "olhubd_register_connectors"
_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, kw_only=True)
class Plugins:
    """What was loaded. `failed` says per plugin, in one line, why it is not among them."""

    manager: pluggy.PluginManager
    connectors: Mapping[str, type[Connector[Any]]]
    """By the name that accounts write."""
    providers: Mapping[str, str]
    """Which plugin each connector is from."""
    failed: Mapping[str, str]
    loaded: tuple[str, ...]
    idle: tuple[str, ...]
    """Installed, yet not asked for."""

    @property
    def redacted(self) -> frozenset[str]:
        """Names of fields that no log may show, from all plugins and connectors."""
        named = {key for keys in self.manager.hook.olhubd_redact_keys() for key in keys}
        return frozenset(named.union(*(connector.secret_keys for connector in self.connectors.values())))


class _Refused(Exception):
    """A plugin was imported but breaks a rule of registration."""


def installed() -> tuple[EntryPoint, ...]:
    """The entry points of all installed plugins; nothing is imported."""
    return tuple(dict.fromkeys(entry_points(group=GROUP)))


def allowed(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The allow-list of `OLHUBD_PLUGINS`; None when there is none. An empty one allows nothing."""
    text = environ.get("OLHUBD_PLUGINS")
    if text is None:
        return None
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def wanted(connectors: Iterable[str], extra: Iterable[str] = (), *, environ: Mapping[str, str]) -> Plugins:
    """Load what provides these connectors, and the plugins `extra`.

    A plugin is tried first under the connector's own name. Only when that leaves a connector without provider
    are the others imported to see what they have.
    """
    names = set(connectors)
    plugins = load([*names.intersection(point.name for point in installed()), *extra], environ=environ)
    missing = names - plugins.connectors.keys() - plugins.failed.keys()
    if missing and plugins.idle and allowed(environ) is None:
        return load([*plugins.loaded, *plugins.failed, *plugins.idle], environ=environ)
    return plugins


def load(
    names: Iterable[str] | None = None,
    *,
    environ: Mapping[str, str],
    trace: Callable[[str], object] | None = None,
) -> Plugins:
    """Import and register the plugins `names`, or all (None); an allow-list in `environ` overrides both.

    Never raises for a plugin's fault: see `Plugins.failed`. `trace` gets the lines of the hook trace.
    """
    points: dict[str, list[EntryPoint]] = {}
    for point in installed():
        points.setdefault(point.name, []).append(point)
    chosen = allowed(environ)
    if chosen is None:
        chosen = tuple(sorted(points)) if names is None else tuple(sorted(set(names)))

    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    if environ.get("OLHUBD_TRACE_HOOKS", "") not in {"", "0"}:
        _trace(manager, trace or _stderr)

    connectors: dict[str, type[Connector[Any]]] = {}
    providers: dict[str, str] = {}
    failed: dict[str, str] = {}
    for name in chosen:
        try:
            found = _register(manager, name, points)
            for connector in found:
                if other := providers.get(connector.name):
                    raise _Refused(f"registers the connector {connector.name!r} that {other!r} already provides")
        except _Refused as refusal:
            failed[name] = str(refusal)
        except (Exception, SystemExit) as error:  # whatever a stranger's module does while it is imported
            failed[name] = _reason(error)
        else:
            connectors.update({connector.name: connector for connector in found})
            providers.update({connector.name: name for connector in found})
            continue
        if manager.has_plugin(name):
            manager.unregister(name=name)
    return Plugins(
        manager=manager,
        connectors=connectors,
        providers=providers,
        failed=failed,
        loaded=tuple(name for name in chosen if name not in failed),
        idle=tuple(sorted(points.keys() - set(chosen))),
    )


def _register(
    manager: pluggy.PluginManager, name: str, points: Mapping[str, list[EntryPoint]]
) -> list[type[Connector[Any]]]:
    """Import one plugin, register it, and collect its connectors. Raises _Refused, or whatever the import does."""
    here = points.get(name, [])
    if not here:
        near = difflib.get_close_matches(name, points, n=1)
        hint = Reason("did-you-mean", near=f"{near[0]!r}") if near else ""
        raise _Refused(Reason("plugin.not-installed", near=hint))
    if len(here) > 1:
        raise _Refused(f"is provided more than once: {', '.join(sorted(point.value for point in here))}")
    module = here[0].load()
    if manager.register(module, name=name) is None:
        raise _Refused("is blocked")
    for caller in manager.get_hookcallers(module) or ():
        if not caller.has_spec() and not all(impl.optionalhook for impl in caller.get_hookimpls()):
            near = difflib.get_close_matches(caller.name, vars(manager.hook), n=2)
            known = [other for other in near if getattr(manager.hook, other).has_spec()]
            hint = f"; did you mean {known[0]}?" if known else ""
            raise _Refused(f"implements the hook {caller.name}, which does not exist{hint}")
    found: list[type[Connector[Any]]] = []
    others = [plugin for plugin in manager.get_plugins() if plugin is not module]
    manager.subset_hook_caller(_REGISTER, remove_plugins=others)(register=found.append)
    for connector in found:
        _check(connector)
    return found


def _check(connector: Any) -> None:
    """Refuse what cannot serve an account, here rather than at the first order."""
    if not (isinstance(connector, type) and issubclass(connector, Connector)):
        raise _Refused(f"registers {connector!r}, which is not a Connector class")
    what = f"registers the connector {connector.__qualname__}"
    name = getattr(connector, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _Refused(f"{what} without a proper name (lower-case letters, digits, dashes)")
    settings = getattr(connector, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise _Refused(f"{what} whose Settings do not derive from olhubd.plugin.Settings")
    if unfinished := getattr(connector, "__abstractmethods__", None):
        raise _Refused(f"{what}, which lacks {', '.join(sorted(unfinished))}")


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _trace(manager: pluggy.PluginManager, write: Callable[[str], object]) -> None:
    def before(hook: str, impls: Any, arguments: Mapping[str, Any]) -> None:
        pass

    def after(outcome: pluggy.Result[Any], hook: str, impls: Any, arguments: Mapping[str, Any]) -> None:
        plugins = ", ".join(impl.plugin_name for impl in impls) or "nobody"
        given = ", ".join(f"{name}={_shown(value)}" for name, value in arguments.items())
        result = _reason(outcome.exception) if outcome.exception else _shown(outcome.get_result())
        write(f"hook {hook}({given}) by {plugins} -> {result}")

    manager.add_hookcall_monitoring(before, after)


def _shown(value: Any) -> str:
    """Enough to recognise a value by. Records show their kind and number only: they hold personal data."""
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, type) or callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    number = getattr(value, "id", None) if isinstance(value, msgspec.Struct) else None
    return f"{type(value).__name__}({number})" if isinstance(number, int) else type(value).__name__


def _stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
