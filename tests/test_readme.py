"""What the pages for readers promise is true: configurations load, commands exist, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from olhubd import config
from olhubd.plugin.loading import wanted

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("contrib/**/*.md"), *ROOT.glob("plugins/*/*.md")]
)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(program: str) -> set[tuple[str, str]]:
    """(page, the lower-case words after the program) of every command line in a shell block of any page."""
    found = set()
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                if match := re.match(rf"\$?\s*(?:sudo )?{program}((?: [a-z][a-z-]*)+)", line):
                    found.add((str(page.relative_to(ROOT)), match[1].strip()))
    return found


def test_the_configuration_of_the_readme_loads(tmp_path: Path) -> None:
    """A reader can paste it: all it needs are the three secrets that it names."""
    (text,) = blocks(ROOT / "README.md", "toml")
    for name in re.findall(r'_file = "(.+)"', text):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("a-secret\n")
        file.chmod(0o600)
    path = tmp_path / "olhubd.toml"
    path.write_text(text)
    found = wanted({"allegro", "woocommerce"}, (), environ={})
    if found.failed:
        pytest.skip(f"a bundled plugin cannot be loaded: {found.failed}")
    configuration = config.load(path, found, {})
    assert {name: account.connector.name for name, account in configuration.accounts.items()} == {
        "allegro-main": "allegro",
        "allegro-outlet": "allegro",
        "shop": "woocommerce",
    }
    (route,) = configuration.routes
    assert route.sources == {"allegro-main", "allegro-outlet"}
    assert configuration.warnings == ()


def test_the_targets_that_pages_name_exist() -> None:
    """Every `make X` in a shell block is a target."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = commands("make")
    assert ("README.md", "demo") in named
    assert {word for _, words in named for word in words.split()} <= targets


def test_the_commands_that_pages_name_exist() -> None:
    """Every `olhubd X`, and every `olhubd X Y` where X is a group, in a shell block is a command."""
    from olhubd.cli.root import cli

    named = commands("olhubd")
    assert ("README.md", "check") in named
    missing = []
    for page, words in sorted(named):
        found: click.Command | None = cli
        for word in words.split():
            if not isinstance(found, click.Group):
                break  # what follows a command are its arguments
            found = found.get_command(click.Context(found), word)
        if found is None or isinstance(found, click.Group):
            missing.append((page, words))
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of every page names a file that is there."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text)
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert lost == []


def test_the_tests_that_pages_name_exist() -> None:
    """An invariant that names its proof has it."""
    named = {
        (str(page.relative_to(ROOT)), *match)
        for page in PAGES
        for match in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 30
    missing = [
        (page, f"{file}::{test}")
        for page, file, test in sorted(named)
        if not (ROOT / file).exists() or f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []
