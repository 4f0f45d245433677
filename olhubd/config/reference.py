"""The configuration reference, made from the classes that check the configuration.

    python -m olhubd.config.reference docs/configuration.md

writes it for the bundled connectors. What no class says is in the prose here.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from olhubd.config import fields
from olhubd.config.accounts import spelled
from olhubd.config.fields import FieldKind
from olhubd.config.mail_table import MailTable
from olhubd.config.price_table import PriceTable
from olhubd.config.statuses import StatusTable
from olhubd.config.tables import AccountTable, Alarms, Control, Customers, Daemon, Engine, RouteTable, StockTable
from olhubd.plugin import Connector
from olhubd.plugin.loading import Plugins, installed, load

__all__ = ["bundled", "connector_section", "core_sections", "main", "reference"]

_HEAD = """\
# Configuration

<!-- Generated from the settings classes: python -m olhubd.config.reference docs/configuration.md -->

olhubd reads `/etc/olhubd/olhubd.toml` and, beside it, `conf.d/*.toml` in the order of their names. The files are
equal: tables are joined, lists of routes are appended, and a key that is set twice is an error. All that is wrong
is reported at once, each with file, line and a suggestion. `SIGHUP` makes the daemon read the files again.

A value can come from several places. The stronger first:

| From | Written as | For |
|---|---|---|
| environment | `OLHUBD_CONTROL__LISTEN`, `OLHUBD_ACCOUNTS__SHOP_PL__INTERVAL` (`_` for `-`) | all but routes |
| systemd credential | `shop-pl.client_secret`, or `control.token`, `alarms.smtp_password` | secrets |
| file | `interval = "5 min"`, or for a secret `client_secret_file = "/path"` | all |
| database | `olhubd account settings ACCOUNT KEY=VALUE` | what can be set of an account while the daemon runs |
| marketplace | what an account's own system says of the seller | `seller_address` |
| systemd directories | `StateDirectory=` for `daemon.data`, `RuntimeDirectory=` for `control.socket` | these two |
| profile | `profile = "baselinker"`, see [profiles.md](profiles.md) | what it sets of accounts and routes |
| default | as described below | all |

A relative path is meant from the directory of `olhubd.toml`. A time span is text with its unit: `ms`, `s`, `min`,
`h` or `d`, as in `"20 s"` or `"14 days"`; a bare number is refused. A file that holds a secret has it alone on one
line and should be readable by the daemon's user only.

Two variables help to find a fault in a plugin: `OLHUBD_PLUGINS=a,b` loads exactly those plugins, and
`OLHUBD_TRACE_HOOKS=1` writes every hook call with its result to standard error.
"""

_ACCOUNT = """\
One table for each login; its name (lower-case letters, digits, dashes) is the account's identity for ever. These
keys are common to all accounts. Those of the connector stand in the same table.
"""

_ROUTE = """\
One table for each way that orders go. What the target or a source cannot do is refused with the reason.
"""

_CONNECTOR = """\
`connector = "{name}"`. It can: {capabilities}.

Unless the account says otherwise: `fetch_orders` {fetch_orders}, `interval` {interval}, `sweep_interval`
{sweep_interval}, `sweep_window` {sweep_window}, `parallel` {parallel}.
"""


def reference(plugins: Plugins) -> str:
    """The whole page, with a section for each connector."""
    connectors = [connector_section(connector) for _, connector in sorted(plugins.connectors.items())]
    return "\n".join([*core_sections(), *connectors])


def core_sections() -> list[str]:
    """All that does not depend on plugins."""
    return [
        _HEAD,
        _section("## `[daemon]`", Daemon),
        _section("## `[control]`", Control),
        _section("## `[engine]`", Engine),
        _section("## `[alarms]`", Alarms),
        _section("## `[customers]`", Customers),
        _section("## `[accounts.NAME]`", AccountTable, _ACCOUNT),
        _section("## `[[routes]]`", RouteTable, _ROUTE),
        _section("## `[[statuses]]`", StatusTable),
        _section("## `[[stock]]`", StockTable),
        _section("## `[[prices]]`", PriceTable),
        _section("## `[[mails]]`", MailTable),
    ]


def connector_section(connector: type[Connector[Any]]) -> str:
    """One connector: what it can, what it suggests, and its own keys."""
    defaults = connector.defaults
    parallel = fields.fields(connector.Settings).get("parallel")
    text = _CONNECTOR.format(
        name=connector.name,
        capabilities=", ".join(connector.capabilities()) or "nothing yet",
        fetch_orders=_value(defaults.fetch_orders),
        interval=_value(defaults.interval),
        sweep_interval=_value(defaults.sweep_interval),
        sweep_window=_value(defaults.sweep_window),
        parallel=_default(parallel) if parallel else _value(defaults.parallel),
    )
    return _section(f"## Connector `{connector.name}`: {connector.title}", connector.Settings, text)


def _section(heading: str, model: type[BaseModel], text: str | None = None) -> str:
    about = text if text is not None else f"{_prose(model.__doc__)}\n"
    rows = ["| Key | Type | Unit | Default | Meaning |", "|---|---|---|---|---|"]
    for key, info in fields.fields(model).items():
        cells = (f"`{key}`", _type(key, info), _unit(info), _default(info), _prose(info.description))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([heading, "", about, *rows, ""])


def _type(key: str, info: FieldInfo) -> str:
    kind = fields.kind(info)
    if kind is FieldKind.CHOICE:
        return "one of " + ", ".join(f"`{word}`" for word in fields.choices(info))
    if kind is FieldKind.SECRET:
        return f"{kind}, or `{key}_file`"
    return str(kind)


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    if isinstance(extra, dict) and (unit := extra.get("unit")):
        return str(unit)
    return "with its unit" if fields.kind(info) is FieldKind.SPAN else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    return "" if value is None else _value(value)


def _value(value: Any) -> str:
    """A default as it would be written in the file."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value}`"
    if isinstance(value, timedelta):
        return f'`"{spelled(value)}"`'
    if isinstance(value, Mapping):
        return "`{}`" if not value else "`{ " + ", ".join(f'{k} = "{v}"' for k, v in value.items()) + " }`"
    if isinstance(value, Iterable) and not isinstance(value, str | tuple):
        value = tuple(sorted(value))
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"`[{', '.join(_value(item).strip('`') for item in value)}]`"
    return f'`"{value.value if isinstance(value, enum.Enum) else value}"`'


def _prose(text: str | None) -> str:
    return " ".join((text or "").split())


def bundled(environ: Mapping[str, str]) -> Plugins:
    """The plugins that olhubd itself brings."""
    own = [point.name for point in installed() if point.dist is not None and point.dist.name == "olhubd"]
    return load(own, environ=environ)


def main() -> None:
    """Write the reference to the file that is named; complains of plugins that are missing from it."""
    plugins = bundled(os.environ)
    Path(sys.argv[1]).write_text(reference(plugins), encoding="utf-8")
    if plugins.failed:
        sys.exit("\n".join(f"left out {name}: {reason}" for name, reason in plugins.failed.items()))


if __name__ == "__main__":
    main()
