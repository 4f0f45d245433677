"""The settings of an account that can be changed while the daemon runs, and where each comes from."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from olhubd.config import Configuration, Layer, Origin
from olhubd.config.effective import shown
from olhubd.config.fields import FieldKind, choices, kind
from olhubd.config.kept import adjustable_fields, pin
from olhubd.control.api.schema.account_settings import AccountSettings, SettingPlace, SettingRow, SettingsRequest
from olhubd.control.api.schema.base import Nothing
from olhubd.control.http.problem import Refusal
from olhubd.control.http.routes import Call, route
from olhubd.engine.hub import Hub
from olhubd.model import Reason
from olhubd.store.account_settings import AccountSetting

__all__ = ["ROUTES"]

_PLACES = {
    Layer.PROFILE: SettingPlace.PROFILE,
    Layer.MARKETPLACE: SettingPlace.MARKETPLACE,
    Layer.DATABASE: SettingPlace.DATABASE,
    Layer.FILE: SettingPlace.FILE,
    Layer.CREDENTIAL: SettingPlace.FILE,
    Layer.ENVIRONMENT: SettingPlace.FILE,
}


async def listing(call: Call[Nothing, Nothing]) -> AccountSettings:
    """The settings of an account that can be changed without the file, and where the value of each comes from."""
    return await _all(call.hub, _configured(call.hub, call.path["account"]))


async def change(call: Call[Nothing, SettingsRequest]) -> AccountSettings:
    """Set some, or have them count no more. They are in force at once; what the file says is refused here."""
    name = _configured(call.hub, call.path["account"])
    await call.hub.account_settings.change(name, call.body.wanted, call.who)
    return await _all(call.hub, name)


def _configured(hub: Hub, name: str) -> str:
    if name not in hub.configuration.accounts:
        raise Refusal(404, "not-found", Reason("none.account-configured", account=name))
    return name


async def _all(hub: Hub, name: str) -> AccountSettings:
    configuration = hub.configuration
    kept = await hub.account_settings.kept(hub.database.reader, name)
    prefix = f"accounts.{name}."
    values = {one.key.removeprefix(prefix): one for one in shown(configuration) if one.key.startswith(prefix)}
    fields = adjustable_fields(configuration.accounts[name].connector)
    rows = [_row(configuration, name, key, info, values[key].value, kept.get(key)) for key, info in fields.items()]
    return AccountSettings(account=name, items=tuple(rows))


def _row(
    configuration: Configuration, name: str, key: str, info: FieldInfo, value: str, kept: AccountSetting | None
) -> SettingRow:
    path = ("accounts", name, *key.split("."))
    pinned = pin(configuration.origins, path)
    origin = pinned or configuration.origins.get(path) or Origin("default")
    place = _PLACES.get(origin.layer, SettingPlace.DEFAULT)
    theirs = kept if place is SettingPlace.DATABASE else None
    sort = kind(info)
    return SettingRow(
        key=key,
        value=value,
        place=place,
        origin=str(origin),
        pinned=pinned is not None,
        kind=sort.value,
        choices=("true", "false") if sort is FieldKind.SWITCH else choices(info),
        meaning=" ".join((info.description or "").split()),
        changed_by=theirs.changed_by if theirs else None,
        changed_at=theirs.changed_at if theirs else None,
    )


ROUTES = (
    route("GET", "/api/v1/accounts/{account}/settings", listing),
    route("POST", "/api/v1/accounts/{account}/settings", change, limit=60.0, refusals=(404, 409)),
)
