"""Writes docs/model.md anew: each record that plugins exchange with the hub, from its own docstrings.

    python -m tests.model_doc

The guidance above the tables is written by hand; what a field means is written beside the field.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, get_args

from olhubd.plugin import Record

__all__ = ["PAGE", "PARTS", "described", "silent", "written"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "model.md"
_WRITTEN = {
    "An order": ("order.py", ("Order", "Line", "Charge", "Discount", "Tax", "Remitter", "Shipping", "Payment",
                              "PaymentType", "Shipment", "Stage", "Fulfilment")),
    "People and places": ("party.py", ("Buyer", "Address", "InvoiceParty", "TaxId", "PickupPoint")),
    "Money": ("money.py", ("Money",)),
    "Products": ("product.py", ("Product", "ProductKind", "ProductState", "SetPart", "Category")),
    "Prices": ("price.py", ("ListPrice", "PriceBasis", "Reduction")),
    "What is sold, and to whom": ("catalog.py", ("StockLevel", "Counting", "StockBasis", "Offer",
                                                  "OfferState", "Link", "LinkOrigin", "Linking", "Reservation",
                                                  "LevelKind")),
    "Who buys": ("customer.py", ("Customer", "CustomerKind")),
}  # fmt: skip
"""By heading: the module below olhubd/model, and its records in the order in which a reader needs them."""


def _parts() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Those above with what else is in their modules, and each other module with a kind of record that a feed may
    give, by its own name."""
    known = {module for module, _ in _WRITTEN.values()}
    parts: dict[str, tuple[str, tuple[str, ...]]] = {}
    for heading, (module, names) in _WRITTEN.items():
        others = sorted(described(module) - {*names, "CurrencyMismatch"})  # an error is no record
        parts[heading] = (module, (*names, *others))
    for record in get_args(Record):
        module = record.__module__.rpartition(".")[2]
        if record.__module__.startswith("olhubd.model.") and f"{module}.py" not in known:
            names = tuple(name for name in _classes(f"{module}.py") if not name.startswith("_"))
            parts[module.replace("_", " ").capitalize()] = (f"{module}.py", names)
    return parts


MARK = "<!-- below: from the docstrings of olhubd/model, by python -m tests.model_doc -->"


class Field(NamedTuple):
    """One row of a table; `default` is None where the field must be given."""

    name: str
    type: str
    default: str | None
    text: str


def written(page: str) -> str:
    """The page with its tables as the records are now; what stands above the mark stays."""
    pieces = [page.partition(MARK)[0] + MARK + "\n"]
    for heading, (module, names) in PARTS.items():
        pieces.append(f"## {heading}\n")
        classes = _classes(module)
        for name in names:
            pieces += [f"### {name}\n", _prose(classes[name]), "", *_table(classes[name]), ""]
    return "\n".join(pieces).rstrip() + "\n"


def silent() -> list[str]:
    """Fields of which neither their own docstring nor that of their record says anything."""
    return [
        f"{name}.{field.name}"
        for module, names in PARTS.values()
        for name in names
        for field in _fields(_classes(module)[name])
        if not field.text and f"`{field.name}`" not in _prose(_classes(module)[name])
    ]


def described(module: str) -> set[str]:
    """The public records and enums of a module of the model."""
    return {name for name in _classes(module) if not name.startswith("_")}


def _classes(module: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse((ROOT / "olhubd" / "model" / module).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _prose(node: ast.AST) -> str:
    text = ast.get_docstring(node) if isinstance(node, ast.ClassDef | ast.FunctionDef) else None
    return text or ""


def _table(node: ast.ClassDef) -> Iterator[str]:
    fields, values = list(_fields(node)), list(_values(node))
    if values:
        yield "| Value | Meaning |\n|---|---|"
        yield from (f"| `{name}` | {_cell(text)} |" for name, text in values)
    if fields:
        yield "| Field | Type | Unless given | |\n|---|---|---|---|"
        for field in fields:
            default = "must be given" if field.default is None else f"`{_cell(field.default)}`"
            yield f"| `{field.name}` | `{_cell(field.type)}` | {default} | {_cell(field.text)} |"
    derived = [
        (one.name, _prose(one)) for one in node.body if isinstance(one, ast.FunctionDef) and _is_property(one)
    ]
    if derived:
        yield "\nDerived from these:\n"
        yield from (f"- `{name}`: {_cell(text)}" if text else f"- `{name}`" for name, text in derived)


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    for one, text in _told(node):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            default = ast.unparse(one.value) if one.value is not None else None
            yield Field(one.target.id, ast.unparse(one.annotation), default, text)


def _values(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for one, text in _told(node):
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant):
            yield str(one.value.value), text


def _told(node: ast.ClassDef) -> Iterator[tuple[ast.stmt, str]]:
    """Each statement of the class with the docstring that follows it."""
    for one, following in zip(node.body, [*node.body[1:], None], strict=True):
        told = following.value if isinstance(following, ast.Expr) else None
        text = told.value if isinstance(told, ast.Constant) and isinstance(told.value, str) else ""
        yield one, text


def _is_property(node: ast.FunctionDef) -> bool:
    marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
    return "property" in marks and not node.name.startswith("_")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PARTS = _parts()

if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
