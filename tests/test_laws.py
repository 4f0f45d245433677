"""Laws over the code that neither a type nor an import contract can hold. Each says why it stands.

An exception is an entry with its reason, never a weaker law. What ruff and import-linter already hold (sorted
`__all__`, layers, naive times) is not repeated here.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from olhubd.config.tables import Alarms, Control, Daemon, Engine
from olhubd.decide import plan
from olhubd.engine.flow.registry import FLOWS
from olhubd.engine.outbox.actions import HANDLERS
from olhubd.model import Action, Kind
from olhubd.plugin.connector import CAPABILITIES

ROOT = Path(__file__).parent.parent
SHIPPED = ("olhubd", "plugins", "contrib")
TOOLS = ("contrib/kit/", "contrib/torture/")
"""What tries the daemon and is not shipped with it."""
COMMANDS = ("olhubd/cli/", "contrib/kit/olhubd_kit/commands/", "contrib/torture/olhubd_torture/command.py")
"""What prints."""
PLUGINS = sorted(f"plugins/{path.name}" for path in (ROOT / "plugins").iterdir() if path.is_dir())
BUNDLED = sorted(path.name.removeprefix("olhubd_") for path in (ROOT / "plugins").iterdir() if path.is_dir())

LONGEST = 450
"""Lines of a module that is still one idea."""
LONG: dict[str, str] = {}
"""Modules that are longer, with the reason."""

WORDS = {
    r"tells?|told|telling": "report, send, return, print or log, whichever it is",
    r"ow(e|es|ed|ing)": "pending, or planned",
    r"anew": "again",
    r"whoever": "the caller, the client, the person: who it is",
    r"over there|be it": "in the other system; even",
}
"""Words of a private vocabulary, each with what to write instead."""

TASKS = {
    "olhubd/engine/calls.py": "a plugin's call, awaited, limited in time, and told of when it does not end",
    "olhubd/control/http/connections.py": "a handshake of TLS, which has a limit and ends that connection alone",
    "olhubd/engine/flow/landing.py": "one batch is written while the next is prepared, and awaited",
    "olhubd/runtime/loop.py": "runs the task that all others hang from",
    "olhubd/runtime/resolver.py": "a name that is looked up for all who ask, which outlives each of them",
    "olhubd/engine/outbox/dispatcher.py": "deliveries under way, which the dispatcher itself awaits and bounds",
    "olhubd/runtime/supervisor.py": "the supervisor",
    "olhubd/engine/access/tokens.py": "a renewal, which outlives a caller that is cancelled; awaited at the end",
    "olhubd/store/sqlite/database.py": "the writer lives as long as the open file, which is longer than any engine",
}
"""Modules that may start tasks themselves, with the reason."""

FOR_TESTS = {
    "shop_total": "the shop's own last rounding, by which the tests check every price that the module finds",
}
"""What is shipped although nothing shipped uses it, with the reason."""

SQL = {
    "contrib/torture/olhubd_torture/old_schema.py": "makes files as older versions left them",
    "contrib/torture/olhubd_torture/surviving_files.py": "compares two files, whatever tables they have",
    "contrib/torture/olhubd_torture/stock_book.py": "judges the engine by its file, and shares no code with it",
    "contrib/torture/olhubd_torture/price_book.py": "as the book of stock does",
    "contrib/torture/olhubd_torture/store.py": "breaks the disk under SQLite, and nothing else",
    "contrib/torture/olhubd_torture/upgrade.py": "looks at files of older versions, which the store cannot open",
}
"""Modules outside of the store with SQL of their own, with the reason."""


def sources(*folders: str) -> list[Path]:
    """The modules below these folders of the repository."""
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if not {"node_modules", "__pycache__", "tests"} & set(path.relative_to(ROOT / folder).parts)
    )


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def at(path: Path, node: ast.expr | ast.stmt) -> str:
    return f"{name(path)}:{node.lineno}"


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the dotted name of what is called."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def texts(path: Path) -> Iterator[ast.Constant]:
    """Each string that does something: docstrings, of fields too, are left out."""
    prose = {
        id(node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


def simulated(path: Path) -> bool:
    """Whether it stands in for another system, which has a clock of its own, or tries the daemon from outside."""
    return name(path).startswith(TOOLS)


def test_a_module_says_what_it_is() -> None:
    """A reader who opens a file must not have to guess whether it is the right one."""
    silent = [
        name(path) for path in sources(*SHIPPED, "tests") if tree(path).body and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_a_module_is_one_idea() -> None:
    """What is longer than this has become two things, and nobody reads the second."""
    long = {
        name(path) for path in sources(*SHIPPED) if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST
    }
    assert long == LONG.keys()


def test_prose_uses_the_words_of_the_field() -> None:
    """A newcomer knows what a pending delivery is. Code in backticks keeps its names."""
    private = re.compile(rf"(?<![\w.])({'|'.join(WORDS)})(?!\w)", re.IGNORECASE)
    found = [
        f"{name(path)}:{line}: {match[0]}"
        for path in sources(*SHIPPED)
        for line, text in prose(path)
        for match in private.finditer(re.sub(r"`[^`]*`", "", text))
    ]
    assert found == [], WORDS


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Each docstring and comment, with its first line."""
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_there_is_one_wall_clock() -> None:
    """Invariant 13: a clock that is asked in many places cannot be virtual in tests, nor right after a jump."""
    wall = re.compile(r"(^|\.)(datetime\.(now|today|utcnow)|date\.today|time\.(time|time_ns|localtime|gmtime))$")
    asked = [
        at(path, call)
        for path in sources(*SHIPPED)
        if name(path) != "olhubd/runtime/clock.py" and not simulated(path)
        for called, call in calls(path)
        if wall.search(called)
    ]
    assert asked == []


def test_nobody_sleeps_but_by_the_clock() -> None:
    """A wait that the clock does not know of is real time in every test."""
    slept = [
        at(path, call)
        for path in sources(*SHIPPED)
        if name(path) not in ("olhubd/runtime/clock.py", "contrib/kit/olhubd_kit/commands/demo.py")
        and not simulated(path)
        for called, call in calls(path)
        # None at all is no wait: others get their turn.
        if called in ("asyncio.sleep", "time.sleep") and ast.unparse(call.args[0]) != "0"
    ]
    assert slept == []


def test_nobody_tests_what_a_connector_is() -> None:
    """A connector is composed of parts: the one that can do something need not be the connector itself."""
    names = {*CAPABILITIES, "Feed"}
    tested = [
        at(path, call)
        for path in sources("olhubd/engine", "olhubd/control", "olhubd/config")
        for called, call in calls(path)
        if called in ("isinstance", "issubclass")
        and {node.id for node in ast.walk(call.args[1]) if isinstance(node, ast.Name)} & names
    ]
    assert tested == []


def test_tasks_belong_to_the_supervisor() -> None:
    """Invariant 13: a task that nobody guards dies in silence, and the daemon stays green. Task groups may."""
    started = {
        name(path)
        for path in sources(*SHIPPED)
        if not simulated(path)
        for called, _ in calls(path)
        if called in ("asyncio.create_task", "asyncio.ensure_future")
        or re.search(r"loop(\(\))?\.create_task$", called)
    }
    assert started == TASKS.keys()


HUB = ROOT / "olhubd/engine/hub.py"


def imported(path: Path) -> set[str]:
    """The modules of this repository's engine that a module names, also for its types alone."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{one}" for one in names)]
        found.update(one.replace(".", "/") + ".py" for one in names)
    return {one for one in found if one.startswith("olhubd/engine/") and (ROOT / one).is_file()}


def test_the_engine_has_no_circles() -> None:
    """In a circle nothing can be read, tried or moved by itself. An import for types alone is one too."""
    graph = {name(path): imported(path) - {name(path)} for path in sources("olhubd/engine")}
    assert len(graph) > 50
    assert sum(map(len, graph.values())) > 200
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_no_part_of_the_engine_knows_the_hub() -> None:
    """A part that gets the hub can reach everything, and is tried with nothing less than everything."""
    assert [name(path) for path in sources("olhubd/engine") if name(HUB) in imported(path)] == []
    (hub,) = [node for node in tree(HUB).body if isinstance(node, ast.ClassDef)]
    methods = {node.name for node in hub.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    (made,) = [node for node in hub.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    owners = {id(node.value) for node in ast.walk(hub) if isinstance(node, ast.Attribute)}
    handed = [at(HUB, node) for node in selves(hub) if id(node) not in owners]
    handed += [at(HUB, node) for one in ast.walk(hub) if isinstance(one, ast.Lambda) for node in selves(one)]
    handed += [
        at(HUB, node)
        for node in ast.walk(made)
        if isinstance(node, ast.Attribute) and node.attr in methods and ast.unparse(node.value) == "self"
    ]
    assert handed == [], "itself, a closure over itself, or one of its methods"


def selves(node: ast.AST) -> Iterator[ast.Name]:
    yield from (one for one in ast.walk(node) if isinstance(one, ast.Name) and one.id == "self")


def test_sql_is_written_in_the_store_alone() -> None:
    """PostgreSQL becomes the second home of the same functions; SQL elsewhere would have to be found first."""
    sql = re.compile(
        r"^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s|PRAGMA\s)"
    )
    found = [
        at(path, text)
        for path in sources(*SHIPPED)
        if not name(path).startswith("olhubd/store/") and name(path) not in SQL
        for text in texts(path)
        if sql.match(str(text.value))
    ]
    assert found == []


def test_actions_are_known_to_their_handlers_alone() -> None:
    """A new action is a new file and what the planner owes; a name in the rule for all would be a second place."""
    members = {f"Action.{action.name}" for action in Action}
    words = {action.value for action in Action}
    named = [
        at(path, node)
        for path in sources("olhubd/engine", "olhubd/store")
        if not name(path).startswith("olhubd/engine/outbox/actions/")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in members)
        or (isinstance(node, ast.Constant) and any(word in str(node.value) for word in words))
    ]
    assert named == []


def test_each_action_has_one_handler_in_a_module_of_its_name() -> None:
    assert HANDLERS.keys() == set(Action)
    modules = {action: type(handler).__module__.rpartition(".")[2] for action, handler in HANDLERS.items()}
    assert modules == {action: action.value.replace("-", "_") for action in Action}


def test_landing_knows_no_kind_of_record_by_name() -> None:
    """What landing did for one kind, the flow of another would not get: a new kind is a module and a line."""
    kinds = {kind.name for kind in Kind}
    records = {flow.record.__name__ for flow in FLOWS} | {"Product", "Offer", "Customer"}
    found = []
    for path in sources("olhubd/engine/flow"):
        if path.stem not in ("landing", "batch", "flow", "prepared"):
            continue
        for node in ast.walk(tree(path)):
            named = isinstance(node, ast.Attribute) and node.attr in kinds
            if named or (isinstance(node, ast.Name) and node.id in records):
                found.append(f"{name(path)}: {ast.unparse(node)}")
    assert found == []


def test_nothing_but_the_command_line_prints() -> None:
    """What a daemon prints lands in the journal without level, account or redaction."""
    printed = [
        at(path, call)
        for path in sources(*SHIPPED)
        if not name(path).startswith(COMMANDS)
        for called, call in calls(path)
        if called in ("print", "sys.stdout.write", "click.echo")
    ]
    assert printed == []


def test_what_a_module_exports_is_there_and_nothing_else_is_public() -> None:
    """`__all__` is the contract of a module: whoever changes a name in it looks for its users."""
    wrong: list[str] = []
    for path in sources("olhubd", "plugins", *TOOLS):
        bound, defined, exported = _names(tree(path))
        if exported is None and name(path).startswith("contrib/kit/olhubd_kit/conformance/"):
            continue  # the modules of rules are used as modules, by each other alone
        if exported is None:
            wrong.extend(f"{name(path)} has no __all__ for {one}" for one in sorted(defined))
            continue
        wrong.extend(f"{name(path)} exports {one}, which is not there" for one in sorted(exported - bound))
        wrong.extend(f"{name(path)} exports {one}, which is private" for one in exported if _private(one))
    assert wrong == []


def _private(word: str) -> bool:
    return word.startswith("_") and not word.startswith("__")


def _names(module: ast.Module) -> tuple[set[str], set[str], set[str] | None]:
    """What a module binds, which public functions and classes it defines, and what it exports."""
    bound: set[str] = set()
    defined: set[str] = set()
    exported: set[str] | None = None
    for node in module.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
                if not node.name.startswith("_"):
                    defined.add(node.name)
            case ast.Import() | ast.ImportFrom():
                bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                exported = set(ast.literal_eval(node.value))
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                bound.update(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            case ast.If() | ast.Try():
                bound.update(
                    n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                )
            case _:
                pass
    return bound, defined, exported


def test_core_knows_no_plugin_by_name() -> None:
    """What core did for a name, it could not do for a plugin that somebody else writes. Prose may give examples."""
    assert len(BUNDLED) >= 3
    # SMTP is a protocol, too, by which alarms go out: there it is a part of a key, and a connector's name is whole.
    known = re.compile("|".join(rf"^{one}$" if one == "smtp" else one for one in BUNDLED), re.IGNORECASE)
    found = [at(path, text) for path in sources("olhubd") for text in texts(path) if known.search(str(text.value))]
    found += [
        at(path, node)
        for path in sources("olhubd")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and known.search(node.id)
    ]
    assert found == []


def test_what_the_architecture_names_is_there() -> None:
    """Who looks for a promise by its test, or for a thing by its module, must not be sent to where neither is."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tests = set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text))
    assert len(tests) > 50
    gone = [
        f"{path}::{one}" for path, one in sorted(tests) if f"def {one}(" not in (ROOT / path).read_text("utf-8")
    ]
    named = {word for word in re.findall(r"`([^`\s:]+)`", text) if re.fullmatch(PATH, word)}
    assert len(named) > 150
    assert {word for word in named if not _there(word)} == NOT_YET, "such a file or folder is nowhere"
    assert gone == []


PATH = r"\w[\w.-]*/[\w./-]*|[\w-]+\.(py|sql|po|md|toml|html|css|js|service|yaml)"
"""A folder or file as pages name it: what begins with a slash is an address of the endpoint."""
NOT_YET = {"send_letter.py"}
"""Files of which a page says how they would be called."""


def _there(named: str) -> bool:
    """Whether there is such a path below one of the tops, or such a name anywhere below them."""
    if "/" in named.rstrip("/"):
        return any((ROOT / top / named).exists() for top in ("", "olhubd", "contrib/kit", "contrib/torture"))
    below = (path for top in ("olhubd", "plugins", "contrib") for path in (ROOT / top).rglob(named.rstrip("/")))
    return (ROOT / named).exists() or any(below)


@pytest.mark.parametrize("section", [Alarms, Daemon, Engine, Control], ids=lambda section: section.__name__)
def test_every_setting_has_an_effect(section: type[Alarms | Daemon | Engine | Control]) -> None:
    """A key that is documented and read by nobody is a lie that costs an operator an evening."""
    read = {
        node.attr
        for path in sources("olhubd")
        if name(path) not in ("olhubd/config/reference.py", "olhubd/config/schema.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
    }
    assert section.model_fields.keys() - read == set()


def test_nothing_depends_on_the_machine_it_was_written_on() -> None:
    """A clone works anywhere: no path of somebody's home, no address of where somebody gets packages from."""
    foreign = re.compile(
        r"(?<![\w.$~}])/(home|root|work|Users)/\w|https?://[^\s\"')]*(registry|pypi|mirror)\.", re.IGNORECASE
    )
    kinds = {".py", ".md", ".toml", ".json", ".js", ".yaml", ".service", ".conf", ""}
    found = [
        f"{name(path)}: {match[0]}"
        for path in tracked()
        if path.suffix in kinds and path != Path(__file__)
        for match in foreign.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def tracked() -> Iterator[Path]:
    """The files of the repository, without what was installed or made."""
    made = {".git", ".venv", "node_modules", "__pycache__", "build", "dist"}
    for top in sorted(ROOT.iterdir()):
        if top.name in made or (top.name.startswith(".") and top.name not in (".ci", ".gitignore")):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not made & set(path.relative_to(ROOT).parts):
                yield path


def test_types_are_checked_where_the_tests_are() -> None:
    """Without the root in its path mypy finds no package `tests`, and says that all is well."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["mypy_path"].split(":")[0] == "."
    assert "tests" in settings["packages"]


def test_a_plugin_needs_one_address() -> None:
    """All that the bundled plugins and the guide's take of the kit is in `olhubd.plugin`: an author looks there."""
    deep = re.compile(r"^(?:from|import) olhubd\.plugin\.", re.MULTILINE)
    plugins = [path for path in sources("plugins", "contrib/example_plugin") if "tests" not in path.parts]
    assert plugins
    assert [name(path) for path in plugins if deep.search(path.read_text(encoding="utf-8"))] == []


def test_what_is_shipped_is_used_by_what_is_shipped() -> None:
    """What only tests use belongs to them or to the kit. The model and the plugin API are there for others."""
    defined: dict[str, str] = {}
    used = {type(handler).__name__ for handler in HANDLERS.values()}  # found in their folder
    for path in sources("olhubd", "plugins"):
        module = tree(path)
        exports = [n for n in module.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
        exported = {id(node) for export in exports for node in ast.walk(export)}
        for node in ast.walk(module):
            match node:
                case ast.Name(id=word) | ast.Attribute(attr=word):
                    used.add(word)
                case ast.Constant(value=str(text)) if id(node) not in exported:
                    used.update(re.findall(r"\w+", text) if len(text) < 200 else ())  # by "module:name", say
                case _:
                    pass
        if name(path).startswith(("olhubd/model/", "olhubd/plugin/")):
            continue
        for statement in module.body:
            if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                defined[statement.name] = f"{name(path)}:{statement.lineno}"
    unused = {one: there for one, there in defined.items() if one not in used}
    assert unused.keys() == FOR_TESTS.keys(), unused


def test_a_public_class_name_stands_for_one_thing() -> None:
    """Whoever reads a name knows what is meant.

    Plugins know nothing of each other, so each is held against olhubd alone. Two namespaces are exempt: what the
    endpoint answers is called as what it shows, and a plugin's wire records as its system calls them.
    """
    core = classes("olhubd")
    together = [("the kit and the torture", classes(*TOOLS))]
    together += [(plugin, classes(plugin)) for plugin in ("contrib/example_plugin", *PLUGINS)]
    twice = [f"{name}: {', '.join(places)}" for name, places in core.items() if len(places) > 1]
    for _, names in together:
        for name, places in names.items():
            everywhere = [*core.get(name, ()), *places]
            if len(everywhere) > 1:
                twice.append(f"{name}: {', '.join(everywhere)}")
    assert twice == []


def test_wire_records_are_used_by_their_namespace() -> None:
    """`wire.Order` is the system's order and `Order` is ours, in each line that names one."""
    bare = []
    for path in sources(*PLUGINS):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2].startswith("wire"):
                # Constants and functions of a wire module may be imported by name.
                records = (one.name for one in node.names if one.name[0].isupper() and not one.name.isupper())
                bare += [f"{at(path, node)} {record}" for record in records]
    assert bare == []


def classes(*folders: str) -> dict[str, list[str]]:
    """The public classes below `folders`, less those of the two namespaces, each with where it is."""
    places: dict[str, list[str]] = {}
    for path in sources(*folders):
        if path.parent == ROOT / "olhubd/control/api/schema" or path.name.startswith("wire"):
            continue
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name(path))
    return places


def test_an_action_needs_a_capability_that_connectors_can_declare() -> None:
    """Else no guide names it and no rule of the kit tries it."""
    assert {one.capability for one in HANDLERS.values() if one.capability is not None} <= set(CAPABILITIES.values())


def test_what_lapses_with_its_order_is_one_list() -> None:
    """A handler gives up what comes too late; the plans let go what was refused while the order was off."""
    assert {action for action, one in HANDLERS.items() if one.lapses} == plan.LAPSING
