"""Laws of the texts: languages say the same, what is compiled is what is written, each reason has its sentence."""

from __future__ import annotations

import ast
import gettext
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import olhubd
from olhubd.control.text.formatter import Formatter
from olhubd.decide.stock.oversold import OversoldCause
from olhubd.model import Action, Reason
from olhubd.text import LANGUAGES, catalogue
from tests.text.catalogues import PACKAGES, ROOT, catalogues, compiled, places, texts

SOURCES = sorted(catalogues())
DOMAINS = [(package, source.stem) for package in PACKAGES for source in sorted(package.glob("locales/en/*/*.po"))]
COMPUTED = {"choice.", "account.", "span.", "oversold."}
"""Codes that are put together from a word of ours; each word is tried below."""


def code() -> Iterator[tuple[Path, ast.Call]]:
    """Each place that makes a reason."""
    for path in [*sorted(Path(olhubd.__file__).parent.rglob("*.py")), *sorted(ROOT.glob("plugins/*/**/*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
                yield path, node


def package_of(path: Path) -> Path:
    return next((one for one in PACKAGES[1:] if one in path.parents), PACKAGES[0])


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_compiled_is_what_is_written(source: Path) -> None:
    """After a change of a `.po`: make texts."""
    written = texts(source.stem, source.parents[1].name, source.parents[3])
    assert compiled(source) == written
    assert len(written) > 0


@pytest.mark.parametrize(("package", "domain"), DOMAINS, ids=str)
def test_each_language_has_the_same_texts_with_the_same_places(package: Path, domain: str) -> None:
    english = texts(domain, "en", package)
    for language, forms in zip(LANGUAGES, (2, 3), strict=True):
        said = texts(domain, language, package)
        assert said.keys() == english.keys()
        assert [key for key in english if places(said[key]) != places(english[key])] == []
        assert [key for key in english if isinstance(said[key], tuple) != isinstance(english[key], tuple)] == []
        assert {len(value) for value in said.values() if isinstance(value, tuple)} <= {forms}
        assert [key for key, value in said.items() if not all(value)] == []


def test_polish_counts_in_three_forms() -> None:
    words = catalogue("dashboard", "pl")
    said = {n: words.counted("orders", n).format(n=n) for n in (0, 1, 2, 4, 5, 11, 12, 14, 21, 22, 25, 112, 122)}
    one, few, many = "zamówienie", "zamówienia", "zamówień"
    expected = {1: one, 2: few, 4: few, 22: few, 122: few}
    assert said == {n: f"{n} {expected.get(n, many)}" for n in said}
    assert [str(Reason("span.days", n=n)) for n in (1, 2)] == ["1 day", "2 days"]


def test_a_text_that_is_missing_is_an_error_and_not_its_key() -> None:
    for language in LANGUAGES:
        with pytest.raises(KeyError):
            catalogue("events", language).text("order.blessed")
        with pytest.raises(KeyError):
            catalogue("events", language).counted("order.blessed", 2)
    assert not catalogue("reasons", "pl", "a.plugin.that.is.not.there").knows("delivery.settling")


def test_each_reason_has_its_sentence_with_the_same_values() -> None:
    """A code without a sentence would be shown bare, and a value that is missing would leave its place empty."""
    looked_at, wrong = 0, []
    for path, call in code():
        sentences = texts("reasons", "en", package_of(path))
        first = call.args[0]
        where = f"{path.relative_to(ROOT)}:{call.lineno}"
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            continue
        looked_at += 1
        key = first.value.partition(":")[2] or first.value
        given = {word.arg for word in call.keywords if word.arg is not None}
        if None in {word.arg for word in call.keywords}:
            continue
        found = sentences.get(first.value)
        if found is None:
            wrong.append(f"{where}: {key} has no sentence")
        elif not places(found) <= given:
            wrong.append(f"{where}: {key} lacks {sorted(places(found) - given)}")
    assert wrong == []
    assert looked_at > 150


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_each_sentence_of_a_reason_is_used(package: Path) -> None:
    """A sentence that nothing says is left over from something."""
    sources = list(Path(olhubd.__file__).parent.rglob("*.py")) if package is PACKAGES[0] else package.rglob("*.py")
    quoted = {
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    left = [
        key for key in texts("reasons", "en", package) if key not in quoted and not key.startswith(tuple(COMPUTED))
    ]
    assert left == []


def test_codes_that_are_put_together_have_their_sentences() -> None:
    """By the same words as the code that puts them together."""
    known = texts("reasons", "en")
    assert {f"choice.{state}" for state in ("confirmed", "dropped")} <= known.keys()
    assert {f"account.{state}" for state in ("paused", "parked")} <= known.keys()
    assert {f"oversold.{cause.value}" for cause in OversoldCause} <= known.keys()
    assert {f"span.{unit}" for unit in ("days", "hours", "minutes", "seconds")} <= known.keys()
    assert {f"oversold.{cause.value}" for cause in OversoldCause} <= known.keys()
    assert {f"do.{action.value}" for action in Action} <= texts("events", "en").keys()


def test_babel_finds_the_codes_where_they_are_used() -> None:
    """So that its tools tell a translator where a text is said."""
    found = {
        message
        for _, _, message, _, _ in extract_from_dir(
            str(Path(olhubd.__file__).parent / "engine"),
            keywords={"Reason": (1,)},
            method_map=[("**.py", "python")],
        )
    }
    assert {"call.time-out", "route.gone", "copy.none"} <= found
    assert found <= texts("reasons", "en").keys()


def test_the_standard_library_reads_them() -> None:
    """gettext is all that the daemon needs of a catalogue at run time."""
    folder = PACKAGES[0] / "locales"
    found = gettext.translation("reasons", folder, languages=["pl"])
    assert found.gettext("order.no-lines") == "nie ma pozycji"


def test_a_plugin_brings_the_sentences_of_its_own_reasons() -> None:
    import olhubd_vendure  # noqa: F401

    reason = Reason("olhubd_vendure:no-product", lines="A-1")
    assert reason == "no product for A-1"
    assert Formatter("pl").reason(reason) == "brak produktu dla A-1"
    held = Reason("with-field", reason=reason, field="sku")
    assert Formatter("pl").reason(held) == "brak produktu dla A-1 (pole sku)"


def test_what_a_bundled_plugin_refuses_is_said_in_each_language() -> None:
    """A sentence in the code is English for everybody. What is ours to mend, or passes by itself, may be."""
    refusals = {"AccountBlocked", "AuthLost", "Conflict", "NotFound", "Rejected"}
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(ROOT.glob("plugins/*/**/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in refusals and node.args
        if isinstance(node.args[0], ast.JoinedStr | ast.Constant)
    ]
    assert bare == []
