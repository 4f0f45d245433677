"""Which mails go to buyers: is there a mail server, something to write about, and are the templates right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from olhubd.config.accounts import AccountConfig, ConnectorTypes, can, connector_types
from olhubd.config.checker import Checker
from olhubd.config.mail_table import MailLanguage, MailTable
from olhubd.config.problem import near
from olhubd.decide.mails.rule import MailRule, MailText, Occasion
from olhubd.decide.mails.template import TemplateFailed, check
from olhubd.decide.mails.values import sample_values
from olhubd.plugin.loading import Plugins

__all__ = ["read_mails"]

EVERYONE = "*"


def read_mails(
    root: Checker, plugins: Plugins, accounts: Mapping[str, AccountConfig], base: Path
) -> tuple[MailRule, ...]:
    """All rules. They are right only if no problem was added. `accounts` are those that are right."""
    kinds = connector_types(root, plugins)
    names = sorted({*plugins.connectors, *plugins.idle, *plugins.failed})
    found: list[MailRule] = []
    taken: dict[tuple[str, Occasion], Checker] = {}
    for place in root.at("mails").tables():
        table = place.check(MailTable)
        if table is None:
            continue
        _through(place, table.through, kinds)
        sources = _sources(place, table, kinds, accounts)
        _copies(place, table)
        _folder(place, table, base)
        for source in sources:
            for occasion in table.on:
                first = taken.setdefault((source, occasion), place)
                if first is not place:
                    said = f"buyers of {source} are written to about {occasion.value!r} already"
                    place.report(said, f"see {first.origin}")
        rule = MailRule(
            through=table.through,
            sources={name: kind.name if (kind := kinds[name]) else name for name in sources},
            texts={occasion: _text(place, table, occasion, names, base) for occasion in table.on},
            quiet={} if table.double else _informed(sources, table.on, kinds),
            copies=table.copies,
        )
        _said(place, table, rule, kinds)
        found.append(rule)
    return tuple(found)


def _through(place: Checker, name: str, kinds: ConnectorTypes) -> None:
    if name not in kinds:
        place.at("through").report(f"there is no account {name!r}", near(name, kinds))
    elif not can(kinds[name], "MailSink"):
        able = sorted(other for other in kinds if can(kinds[other], "MailSink"))
        hint = f"these do: {', '.join(able)}" if able else "add an account of a mail server"
        place.at("through").report(f"{name} sends no mails", hint)


def _sources(
    place: Checker, table: MailTable, kinds: ConnectorTypes, accounts: Mapping[str, AccountConfig]
) -> Sequence[str]:
    if table.sources == (EVERYONE,):
        return [
            name
            for name, kind in kinds.items()
            if can(kind, "OrderFeed") and (name not in accounts or accounts[name].fetch_orders)
        ]
    found: list[str] = []
    for name in table.sources:
        if name not in kinds:
            place.at("from").report(f"there is no account {name!r}", near(name, kinds))
        elif not can(kinds[name], "OrderFeed"):
            place.at("from").report(f"{name} has no orders", "name accounts whose orders are read")
        elif name in accounts and not accounts[name].fetch_orders:
            place.at("from").report(f"nobody reads the orders of {name}", "add fetch_orders = true to its table")
        elif name in found:
            place.at("from").report(f"names {name} twice", "once is enough")
        else:
            found.append(name)
    return found


def _folder(place: Checker, table: MailTable, base: Path) -> None:
    """A name that is misspelt would have olhubd's own texts go out, without a word."""
    if table.folder is None:
        return
    folder = base / table.folder
    known = [f"{one.value}.{kind}" for one in table.on for kind in ("txt", "html")]
    try:
        if not folder.is_dir():
            place.at("folder").report(f"there is no folder {folder}", "make it, or leave the key out")
        elif not any((folder / name).exists() for name in known):
            place.at("folder").report(f"{folder} has none of {', '.join(known)}", "see docs/mails.md")
    except OSError as error:
        place.at("folder").report(f"{folder} cannot be read: {(error.strerror or '').lower()}", "see docs/mails.md")


def _copies(place: Checker, table: MailTable) -> None:
    for address in table.copies:
        if "@" not in address.strip("@") or any(c.isspace() for c in address) or not address.isascii():
            place.at("copies").report(f"{address!r} is no mail address", 'write it like "office@example.com"')


def _informed(
    sources: Sequence[str], on: Sequence[Occasion], kinds: ConnectorTypes
) -> Mapping[str, frozenset[Occasion]]:
    """What these accounts' systems inform their buyers of themselves."""
    found = {}
    for name in sources:
        kind = kinds[name]
        if kind is not None and (quiet := frozenset(one for one in on if one.value in kind.informs_buyers)):
            found[name] = quiet
    return found


def _said(place: Checker, table: MailTable, rule: MailRule, kinds: ConnectorTypes) -> None:
    """What works but does perhaps not reach anybody."""
    silent = sorted(name for name in rule.sources if not any(rule.writes(name, one) for one in rule.texts))
    if silent and table.sources != (EVERYONE,):
        said = f"nothing is sent to buyers of {', '.join(silent)}: the marketplace informs them of this itself"
        hint = "it blocks mails that double its own; double = true sends them all the same"
        place.at("from").report(said, hint, warning=True)
    masked = sorted(name for name in rule.sources if (kind := kinds[name]) is not None and kind.masks_buyers)
    reached = [name for name in masked if any(rule.writes(name, one) for one in rule.texts)]
    if reached and table.copies:
        said = f"{', '.join(reached)} masks its buyers' addresses and drops mails with recipients unknown to it"
        hint = "enter these addresses there among the additional ones of the account"
        place.at("copies").report(said, hint, warning=True)


def _text(place: Checker, table: MailTable, occasion: Occasion, connectors: Sequence[str], base: Path) -> MailText:
    """The templates of an occasion, the seller's own where there are some."""
    text = _own(place, table, f"{occasion.value}.txt", base)
    html = _own(place, table, f"{occasion.value}.html", base)
    if text is None:
        text = _starter(table.language, f"{occasion.value}.txt")
        html = html or _starter(table.language, f"{occasion.value}.html")
    subject, _, rest = text.lstrip("\ufeff").partition("\n")
    # The empty line stands for the subject, so that lines are counted as the file has them.
    for name, source, markup in (("txt", subject, False), ("txt", f"\n{rest}", False), ("html", html, True)):
        if source is None:
            continue
        try:
            for bare in (False, True):
                check(source, connectors, html=markup, values=sample_values(occasion, bare=bare))
        except TemplateFailed as error:
            place.at("folder").report(f"{occasion.value}.{name}: {error.why}", "see docs/mails.md")
    return MailText(subject=subject, text=rest, html=html)


def _own(place: Checker, table: MailTable, name: str, base: Path) -> str | None:
    if table.folder is None:
        return None
    try:
        return (base / table.folder / name).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "it is no UTF-8"
        place.at("folder").report(f"{name} cannot be read: {why}", "the user of the daemon must be able to read it")
        return None


def _starter(language: MailLanguage, name: str) -> str:
    return resources.files("olhubd.config").joinpath("mail_starters", language.value, name).read_text("utf-8")
