"""What a connector says of itself."""

from __future__ import annotations

import inspect
import re

from pydantic import ValidationError

from olhubd.plugin import Secret, Settings
from olhubd_kit.conformance.bench import Bench
from olhubd_kit.conformance.rule import Tier, broken, check, rule

_SECRET = re.compile(r"(secret|password|passwd|api_?key|token|private)")


@rule("DECL-01", Tier.BRONZE)
async def it_has_a_name_a_title_and_something_to_do(bench: Bench) -> None:
    """The name is one lower-case word, the title is not empty, and at least one capability is declared."""
    connector = type(bench.connector)
    check(re.fullmatch(r"[a-z][a-z0-9-]*", connector.name), f"name {connector.name!r} is not one lower-case word")
    check(connector.title.strip(), "the title is empty")
    check(connector.capabilities(), "no capability is declared")
    check(not inspect.isabstract(connector), "an abstract method of a declared capability is missing")


@rule("DECL-02", Tier.BRONZE)
async def each_setting_is_described(bench: Bench) -> None:
    """Each setting of its own has a description; an unknown setting is refused."""
    settings = _settings(bench)
    for name, field in settings.model_fields.items():
        check(field.description, f"the setting {name} has no description")
    known = dict(bench.simulator.settings(bench.base))
    try:
        settings.model_validate({**known, "no_such_setting": 1})
    except ValidationError:
        return
    broken("an unknown setting is accepted")


@rule("DECL-03", Tier.BRONZE)
async def secrets_hide_themselves(bench: Bench) -> None:
    """A setting that is named like a secret is a Secret, which no print or log shows."""
    for name, field in _settings(bench).model_fields.items():
        if _SECRET.search(name) and "path" not in name and "url" not in name:
            check(Secret.__name__ in str(field.annotation), f"the setting {name} is not a Secret")


def _settings(bench: Bench) -> type[Settings]:
    declared: type[Settings] = type(bench.connector).Settings
    return declared
