"""Who may import whom: api → lib → db/queries, never back; what is pure stays pure; ingest starts light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("api", "lib", "db", "local", "bench")
# Plain data in, plain data out: no clock, environment, network or database, in them or in anything they import.
PURE = (
    *("lib.redaction", "lib.fingerprint", "lib.protocols", "lib.events", "lib.likeness", "lib.globs"),
    *(f"lib.analysis.{name}" for name in ("material", "plain", "policy", "prices", "prompt", "trimming")),
)
PURE_MAY_IMPORT = {
    *(
        "__future__",
        "base64",
        "binascii",
        "bisect",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "difflib",
        "enum",
    ),
    *("functools", "hashlib", "hmac", "ipaddress", "itertools", "json", "math", "re", "string", "typing", "types"),
    *("unicodedata", "urllib.parse", "zlib", "brotli", "orjson", "re2", "zstandard"),
}
CLOCK_CALLS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
# They know nothing of the project.
BASE = ("lib.settings", "lib.errors")
# They sit on top of the domain, below api only; nothing else in lib knows of HTTP.
TOP = ("lib.http", "lib.auth", "lib.requests", "lib.crons", "lib.operations", "lib.bodies", "lib.cors")
WEB = ("starlette", "uvicorn", "fastapi")
# What a cold start of ingest must not pay for: 20 to 800 ms each.
HEAVY = ("openai", "boto3", "botocore", "resend", "upstash_redis", "httpx", "pydantic", "jwt", "psycopg_pool", "fakeredis")
NEVER_AT_MODULE_LEVEL = ("openai", "boto3", "resend")


class Module(NamedTuple):
    """A file of ours: what it imports anywhere, and what already when it is imported itself."""

    name: str
    path: Path
    tree: ast.Module
    imports: set[str]
    imports_at_once: set[str]


def names(node: ast.AST) -> Iterator[str]:
    """What an import statement may bring in: of `from lib import db` both lib.db and lib."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide where a thing is from"
        yield node.module or ""
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def at_once(tree: ast.Module) -> Iterator[str]:
    """Imports that run when the module is imported: not in functions, not for type checkers."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node):
            continue
        yield from names(node)
        todo += ast.iter_child_nodes(node)


def read(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, tree, {found for node in ast.walk(tree) for found in names(node)}, set(at_once(tree)))


@cache
def modules() -> dict[str, Module]:
    """All of them, by name: read where they are looked at, not in every worker that collects."""
    found = [read(path) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return {module.name: module for module in found}


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def of(*packages: str) -> list[Module]:
    found = [module for module in modules().values() if within(module.name, packages)]
    assert found, packages
    return found


def ours(imports: set[str]) -> set[str]:
    """Those that are files of this project."""
    return {name for name in imports if name in modules()}


def wrong(modules: list[Module], packages: tuple[str, ...]) -> dict[str, list[str]]:
    """module → what it imports of these packages, where it imports any."""
    found = {module.name: sorted(name for name in module.imports if within(name, packages)) for module in modules}
    return {name: imports for name, imports in found.items() if imports}


def test_the_product_imports_nothing_that_only_stands_around_it() -> None:
    assert wrong(of("api", "lib", "db"), ("local", "bench", "tests")) == {}
    assert wrong(of("local"), ("bench", "tests")) == {}  # `make dev` needs neither


def test_lib_knows_nothing_of_api_and_one_function_nothing_of_another() -> None:
    assert wrong(of("lib", "db"), ("api",)) == {}
    assert wrong(of("api"), ("api",)) == {}


def test_lib_reads_queries_and_never_migrates() -> None:
    assert wrong(of("lib", "api"), ("db",)) == {}


def test_api_reaches_the_database_only_through_lib() -> None:
    assert wrong(of("api"), ("psycopg", "psycopg_pool", "lib.queries")) == {}
    calls = {
        module.name: node.lineno
        for module in of("api")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"execute", "executemany", "fetch_one", "fetch_all"}
    }
    assert calls == {}


def test_settings_and_errors_know_nothing_of_the_project() -> None:
    assert wrong(of(*BASE), FOLDERS) == {}


def test_only_the_top_of_lib_knows_of_http() -> None:
    below = [module for module in of("lib") if not within(module.name, TOP)]
    assert wrong(below, (*WEB, *TOP)) == {}


def test_what_is_pure_imports_only_what_is_pure() -> None:
    todo = [module.name for module in of(*PURE)]
    for name in todo:
        todo += sorted(ours(modules()[name].imports) - set(todo) - {"lib"})
    found = {name: sorted(modules()[name].imports - PURE_MAY_IMPORT) for name in todo}
    foreign = {
        name: [one for one in imports if one.partition(".")[0] != "lib" and one.rpartition(".")[0] not in PURE_MAY_IMPORT]
        for name, imports in found.items()
    }
    assert {name: imports for name, imports in foreign.items() if imports} == {}


def test_what_is_pure_asks_no_clock_opens_nothing_and_prints_nothing() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in of(*PURE)
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS)
        or (isinstance(node, ast.Name) and node.id in {"open", "print", "input", "exec", "eval"})
    ]
    assert found == []


def test_no_module_of_lib_imports_itself_by_a_detour() -> None:
    graph = {module.name: ours(module.imports_at_once) - {module.name} for module in of("lib")}
    # A package is there before its parts: importing a part through it is no circle.
    edges = {name: {one for one in imports if not name.startswith(one + ".")} for name, imports in graph.items()}
    packages = {name: {one for one in imports if not one.startswith(name + ".")} for name, imports in edges.items()}
    assert list(TopologicalSorter(packages).static_order())


@pytest.mark.parametrize("package", NEVER_AT_MODULE_LEVEL)
def test_a_heavy_package_is_imported_where_it_is_used(package: str) -> None:
    found = [module.name for module in of("api", "lib") if any(within(name, (package,)) for name in module.imports_at_once)]
    assert found == []


def test_ingest_starts_without_the_packages_it_does_not_need() -> None:
    code = f"import sys, api.ingest; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_rules_see_an_import_wherever_it_stands() -> None:
    tree = ast.parse("from lib import db\ndef f():\n    import psycopg.rows\n")
    found = {name for node in ast.walk(tree) for name in names(node)}
    assert {"lib.db", "psycopg.rows"} <= found
    assert set(at_once(tree)) == {"lib", "lib.db"}
    assert set(at_once(ast.parse("if TYPE_CHECKING:\n    import x\nif True:\n    import y\n"))) == {"y"}
