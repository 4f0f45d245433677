"""Templates of mails, which are let do little: no template can loop for ever, grow without end, or reach anything
but what it is given.

Rather than watching a template run, only what ends by itself is accepted: its parts are looked at one by one, and
what is not on the list is refused with its line. A loop goes over what an order has, one deep; nothing is
multiplied, set or defined. A text of bounded length about an order of bounded length is bounded.

Marks limit a part to the orders of a connector, also over lines and inside one another:

    IF_ALLEGRO Thank you for shopping at Allegro. ENDIF_ALLEGRO
    IF_NOT_ALLEGRO Thank you for shopping with us. ENDIF_NOT_ALLEGRO
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any

import jinja2
import msgspec
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from olhubd.decide.mails.rule import MailText
from olhubd.model import Reason

__all__ = ["LONGEST", "TemplateFailed", "WrittenMail", "check", "fill"]

LONGEST = 64 * 1024
"""Characters of a template, and of what comes of it."""
_MARK = re.compile(r"\b(ENDIF|IF)_(NOT_)?([A-Z0-9]+(?:_[A-Z0-9]+)*)\b")
_PARTS: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const),
    *(nodes.If, nodes.For, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.CondExpr, nodes.Getitem),
)
_LISTS = frozenset({"lines", "parcels"})
_FILTERS = frozenset({"upper", "lower", "trim", "default", "length", "first", "last", "capitalize", "title"})
_TESTS = frozenset({"defined", "none"})


class TemplateFailed(Exception):
    """What is wrong with a template, as a reason for people."""

    def __init__(self, why: Reason) -> None:
        super().__init__(str(why))
        self.why = why


class WrittenMail(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the templates of one mail. `empty`: its text says nothing once the marks were worked out."""

    subject: str
    text: str
    html: str | None = None

    @property
    def empty(self) -> bool:
        return not self.text.strip()


def check(source: str, connectors: Collection[str], *, html: bool = False, values: Mapping[str, Any]) -> None:
    """Raises TemplateFailed where a template is not accepted, or cannot be filled with `values` of an order."""
    for connector in [*connectors, ""]:
        _fill(source, connector, connectors, values, html=html)


def fill(text: MailText, connector: str, values: Mapping[str, Any]) -> WrittenMail:
    """The mail about an order of an account with this connector. Raises TemplateFailed."""
    html = None if text.html is None else _fill(text.html, connector, None, values, html=True)
    return WrittenMail(
        subject=" ".join(_fill(text.subject, connector, None, values).split()),
        text=_fill(text.text, connector, None, values).strip() + "\n",
        html=html,
    )


def _fill(
    source: str, connector: str, known: Collection[str] | None, values: Mapping[str, Any], *, html: bool = False
) -> str:
    if len(source) > LONGEST:
        raise TemplateFailed(Reason("template.long", most=LONGEST))
    environment = _HTML if html else _PLAIN
    try:
        tree = environment.parse(_marked(source, known))
        _accept(tree)
        made = environment.from_string(tree)
        found: list[str] = []
        size = 0
        for part in made.generate({**values, "_connector": connector}):
            size += len(part)
            if size > LONGEST:
                raise TemplateFailed(Reason("template.grows", most=LONGEST))
            found.append(part)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateFailed(Reason("template.syntax", line=error.lineno, why=error.message or "")) from None
    except jinja2.TemplateError as error:
        raise TemplateFailed(Reason("template.value", why=error.message or type(error).__name__)) from None
    except (RecursionError, MemoryError, SyntaxError):
        # Python compiles a template, and gives up where its parts are too many or too deep in one another.
        raise TemplateFailed(Reason("template.deep")) from None
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFailed(Reason("template.value", why=type(error).__name__)) from None
    return "".join(found)


def _marked(source: str, known: Collection[str] | None) -> str:
    """The marks as conditions. Raises TemplateFailed for one of no connector, or one that ends what is not open."""
    opened: list[str] = []

    def condition(found: re.Match[str]) -> str:
        what, other, word = found[1], found[2] or "", found[3]
        name = word.lower().replace("_", "-")
        line = source.count("\n", 0, found.start()) + 1
        if known is not None and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = Reason("did-you-mean", near=near[0].upper().replace("-", "_")) if near else ""
            raise TemplateFailed(Reason("template.mark", mark=found[0], line=line, near=hint))
        if what == "IF":
            opened.append(other + word)
            return f"{{% if _connector {'!=' if other else '=='} '{name}' %}}"
        if not opened or opened.pop() != other + word:
            raise TemplateFailed(Reason("template.mark-order", mark=found[0], line=line))
        return "{% endif %}"

    text = _MARK.sub(condition, source)
    if opened:
        raise TemplateFailed(Reason("template.mark-open", mark=f"IF_{opened[-1]}"))
    return text


def _accept(node: nodes.Node, *, inside: bool = False) -> None:
    """Raises TemplateFailed for the first part that is not on the list."""
    if isinstance(node, nodes.Filter):
        fine = node.name in _FILTERS
    elif isinstance(node, nodes.Test):
        fine = node.name in _TESTS
    elif isinstance(node, nodes.For):
        fine = not inside and not node.recursive and isinstance(node.iter, nodes.Name) and node.iter.name in _LISTS
        inside = True
    else:
        fine = isinstance(node, _PARTS)
    if not fine:
        what = getattr(node, "name", None) or type(node).__name__.lower()
        raise TemplateFailed(Reason("template.part", what=str(what), line=node.lineno))
    for child in node.iter_child_nodes():
        _accept(child, inside=inside)


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    made.globals.clear()
    return made


_PLAIN, _HTML = _environment(html=False), _environment(html=True)
