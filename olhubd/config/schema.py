"""The JSON Schema of the configuration file, for editors that complete and check TOML.

It knows the connectors it is given: an account's keys follow from its `connector`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from olhubd.config import fields
from olhubd.config.mail_table import MailTable
from olhubd.config.price_table import PriceTable
from olhubd.config.statuses import StatusTable
from olhubd.config.tables import SECTIONS, AccountTable, RouteTable, StockTable
from olhubd.plugin.loading import Plugins

__all__ = ["schema"]

_SPAN = {"type": "string", "pattern": r"^\s*[0-9.]+\s*[A-Za-z]+\s*$", "examples": ["20 s", "5 min", "1 h", "14 d"]}


class _Generator(GenerateJsonSchema):
    """Time spans as people write them here, not as ISO 8601; without defaults that no file could hold."""

    def timedelta_schema(self, schema: Any) -> dict[str, Any]:
        return dict(_SPAN)

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])  # TOML has no null: a key that says nothing is left out

    def default_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def schema(plugins: Plugins) -> dict[str, Any]:
    """The schema as one JSON-ready object."""
    definitions: dict[str, Any] = {}
    accounts = [
        _account(name, connector.Settings, definitions) for name, connector in sorted(plugins.connectors.items())
    ]
    properties: dict[str, Any] = {
        section: _table(model, definitions, files=True) for section, model in SECTIONS.items()
    }
    properties["accounts"] = {
        "type": "object",
        "additionalProperties": {"oneOf": accounts} if accounts else {"type": "object"},
        "propertyNames": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
    }
    properties["mails"] = {"type": "array", "items": _table(MailTable, definitions)}
    properties["prices"] = {"type": "array", "items": _table(PriceTable, definitions)}
    properties["statuses"] = {"type": "array", "items": _table(StatusTable, definitions)}
    properties["stock"] = {"type": "array", "items": _table(StockTable, definitions)}
    properties["routes"] = {"type": "array", "items": _table(RouteTable, definitions)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "olhubd.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }


def _table(model: type[BaseModel], definitions: dict[str, Any], *, owner: str = "", files: bool = False) -> Any:
    """The schema of one table; a required secret may come from elsewhere, so it is not required here.

    `owner` keeps apart what two plugins call by one name.
    """
    prefix = f"{owner}." if owner else ""
    table = model.model_json_schema(schema_generator=_Generator, ref_template=f"#/$defs/{prefix}{{model}}")
    definitions.update({prefix + name: definition for name, definition in table.pop("$defs", {}).items()})
    for key in table["properties"].values():
        for word in ("title", "kind", "unit", "adjustable", "private"):
            key.pop(word, None)
    if files:
        secret = fields.secrets(model)
        for key in secret:
            about = f"File that holds {key}."
            table["properties"].setdefault(f"{key}_file", {"type": "string", "description": about})
        table["required"] = [key for key in table.get("required", ()) if key not in secret]
    return table


def _account(connector: str, settings: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    common = _table(AccountTable, definitions)
    own = _table(settings, definitions, owner=connector, files=True)
    return {
        **own,
        "title": connector,
        "properties": {**common["properties"], **own["properties"], "connector": {"const": connector}},
        "required": ["connector", *own.get("required", ())],
    }
