"""From files, environment and credentials to one checked object, or to all that is wrong with them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from olhubd.config.accounts import AccountConfig, connectors, read_accounts
from olhubd.config.advice import advise
from olhubd.config.checker import Checker
from olhubd.config.kept import KeptValue, blamed, laid
from olhubd.config.mails import read_mails
from olhubd.config.prices import read_prices
from olhubd.config.problem import ConfigurationError, Problem, near
from olhubd.config.profiles import lay
from olhubd.config.routes import read_routes
from olhubd.config.secrets import UNIT, reveal
from olhubd.config.source import SECTIONS, Origin, SettingTree, dotted, read
from olhubd.config.statuses import read_statuses
from olhubd.config.stock import read_stock
from olhubd.config.tables import Alarms, Control, Customers, Daemon, Engine
from olhubd.config.toml_positions import KeyPath
from olhubd.decide.mails.rule import MailRule
from olhubd.decide.own_status import OwnStatus
from olhubd.decide.pricing.rule import PriceRule
from olhubd.decide.route import Route
from olhubd.decide.stock.policy import StockRule
from olhubd.plugin import loading
from olhubd.plugin.loading import Plugins

__all__ = ["Configuration", "Loader", "load"]

M = TypeVar("M", bound=BaseModel)

Loader = Callable[[Collection[str], Collection[str]], Plugins]
"""Gets the connectors that accounts use and the plugins wanted beside; see `olhubd.plugin.loading.wanted`."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """All settings in force. Nothing in it changes; a reload makes another one."""

    path: Path
    daemon: Daemon
    control: Control
    engine: Engine
    alarms: Alarms
    customers: Customers = field(default_factory=Customers)
    accounts: Mapping[str, AccountConfig]
    routes: tuple[Route, ...]
    stock: tuple[StockRule, ...] = ()
    prices: tuple[PriceRule, ...] = ()
    statuses: tuple[OwnStatus, ...] = ()
    """The seller's own list, where the file has one."""
    mails: tuple[MailRule, ...] = ()
    plugins: Plugins
    warnings: tuple[Problem, ...]
    """What works but should not stay so."""
    origins: Mapping[KeyPath, Origin] = field(repr=False)
    written: SettingTree | None = field(default=None, repr=False, compare=False)
    """What was written, without what the database holds; None where it was not read from a file."""

    @property
    def from_unit(self) -> tuple[str, ...]:
        """The dotted keys of secrets that systemd gives to the service alone."""
        return tuple(dotted(path) for path, origin in self.origins.items() if origin.place == UNIT)

    def origin(self, key: str) -> Origin:
        """Where a value was written, by its dotted key ("accounts.shop.interval"); `default` if nowhere."""
        parts = key.split(".")
        indexed = tuple(int(part) if part.isdecimal() else part for part in parts)
        return self.origins.get(tuple(parts)) or self.origins.get(indexed) or Origin("default")

    def filled(self, kept: Sequence[KeptValue]) -> tuple[Configuration, dict[KeptValue, Problem]]:
        """This one with the values that the database holds, under what was written, and those that do not fit.

        The files are not read again. What does not fit is left out, with what is wrong with it.
        """
        refused: dict[KeptValue, Problem] = {}
        if self.written is None:
            return self, refused
        left = list(kept)
        while True:
            tree = laid(self.written, left)
            try:
                return _checked(self.path, tree, [], self.plugins, self.written), refused
            except ConfigurationError as error:
                if not left:
                    raise
                wrong = blamed(left, error.problems) or self._contrary(self.written, left, error.problems)
                refused |= wrong
                left = [one for one in left if one not in wrong]

    def _contrary(
        self, written: SettingTree, kept: Sequence[KeptValue], problems: Sequence[Problem]
    ) -> dict[KeptValue, Problem]:
        """The first of these values without which less is wrong; else those of one account; else all of them. What
        other accounts keep must not fall with it."""
        errors = [problem for problem in problems if not problem.warning]
        accounts = dict.fromkeys(one.account for one in kept)
        groups = [*([one] for one in kept), *([one for one in kept if one.account == name] for name in accounts)]
        for group in groups:
            tree = laid(written, [one for one in kept if one not in group])
            try:
                _checked(self.path, tree, [], self.plugins, written)
            except ConfigurationError as error:
                if sum(not problem.warning for problem in error.problems) >= len(errors):
                    continue
            return dict.fromkeys(group, errors[0])
        return dict.fromkeys(kept, errors[0])


def load(
    path: Path,
    plugins: Plugins | Loader | None,
    environ: Mapping[str, str],
    promised: Mapping[str, Path | None] | None = None,
) -> Configuration:
    """Read and check the configuration at `path` with `conf.d` beside it.

    `plugins` are those already loaded, or what loads the wanted ones; None loads the installed ones. `promised` are
    credentials that the service will be given, for who asks about it from outside: by name, each with the file it
    is made of, or None. Raises ConfigurationError with all problems at once.
    """
    tree, problems = read(path, environ)
    if not tree.complete:
        raise ConfigurationError(problems)
    tree.promised = promised or {}
    extra = _extra(tree)
    if plugins is None:
        plugins = loading.wanted(connectors(tree).values(), extra, environ=environ)
    elif not isinstance(plugins, Plugins):
        plugins = plugins(set(connectors(tree).values()), extra)
    return _checked(path, laid(tree, ()), problems, plugins, tree)


def _extra(tree: SettingTree) -> tuple[str, ...]:
    """The plugins that are wanted beside those of the accounts."""
    daemon = Checker(tree).at("daemon").check(Daemon)
    return daemon.plugins if daemon else ()


def _checked(
    path: Path, tree: SettingTree, problems: list[Problem], plugins: Plugins, written: SettingTree
) -> Configuration:
    """The tree as a configuration, with what its profiles add. Raises ConfigurationError with all that is wrong."""
    lay(tree, plugins.connectors)
    root = Checker(tree, problems)
    for section in tree.values.keys() - set(SECTIONS):
        hint = "write it in [engine], for all accounts, or in [accounts.NAME]" if section == "profile" else ""
        root.at(section).report("is not a known section", hint or near(section, SECTIONS))
    daemon = root.at("daemon").check(Daemon)
    control = _secretive(root.at("control"), Control)
    alarms = _secretive(root.at("alarms"), Alarms)
    engine = root.at("engine").check(Engine)
    customers = root.at("customers").check(Customers)
    for index, name in enumerate(daemon.plugins if daemon else ()):
        if reason := plugins.failed.get(name):
            root.at("daemon", "plugins", index).report(f"the plugin {name} cannot be loaded: {reason}")
    base = path.absolute().parent
    if control is not None:
        _certified(root.at("control", "certificate"), control, base)
    accounts = read_accounts(root.at("accounts"), plugins)
    routes = read_routes(root, plugins, accounts)
    stock = read_stock(root, plugins, accounts)
    prices = read_prices(root, plugins, accounts, stock)
    statuses = read_statuses(root, plugins, accounts)
    mails = read_mails(root, plugins, accounts, base)
    errors = [problem for problem in problems if not problem.warning]
    if errors or daemon is None or control is None or engine is None or alarms is None or customers is None:
        raise ConfigurationError(problems)
    advise(root, accounts, routes)
    return Configuration(
        path=path,
        daemon=daemon.model_copy(update={"data": base / daemon.data}),
        control=control.model_copy(
            update={key: (at := getattr(control, key)) and base / at for key in ("socket", "certificate", "key")}
        ),
        engine=engine,
        alarms=alarms,
        customers=customers,
        accounts=MappingProxyType(accounts),
        routes=routes,
        stock=stock,
        prices=prices,
        statuses=statuses,
        mails=mails,
        plugins=plugins,
        warnings=tuple(problem for problem in problems if problem.warning),
        origins=MappingProxyType(tree.origins),
        written=written,
    )


def _certified(place: Checker, control: Control, base: Path) -> None:
    """A certificate that cannot be used is reported by `olhubd check`, and never found by the first who
    connects."""
    if control.certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            base / control.certificate, control.key and base / control.key, password=lambda: ""
        )
    except ssl.SSLError as error:
        reason = str(error.reason or error).lower().replace("_", " ")
        hint = "both must be PEM, the key without a passphrase and that of this certificate"
        place.report(f"cannot be used: {reason}", hint)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        place.report(f"cannot be read: {reason}", "the user of the daemon must be able to read certificate and key")


def _secretive(place: Checker, model: type[M]) -> M | None:
    """A table that may have its secrets elsewhere."""
    values = place.value if place.value is not None else {}
    if not isinstance(values, dict):
        return place.check(model)
    revealed = reveal(place, model, values)
    return place.check(model, revealed.values, broken=revealed.broken)
