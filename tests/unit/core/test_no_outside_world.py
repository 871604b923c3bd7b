"""The core sees nothing but the log: no clock, chance, environment, file, output, nor an order that is not in the log."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[3] / "streams" / "core"
MODULES = sorted(CORE.rglob("*.py"))

IMPORTS_ALLOWED = {
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "math",
    "msgspec",
    "operator",
    "re",
    "typing",
    "zoneinfo",
}
PACKAGES_ALLOWED = ("events.", "streams.core.")
NAMES_FORBIDDEN = {"open", "print", "input", "eval", "exec", "id", "hash", "globals", "breakpoint", "__import__"}
METHODS_FORBIDDEN = {"now", "today", "utcnow", "time_ns", "uuid4", "getenv", "read_text", "write_text"}
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}
ORDER_FREE = {"sorted", "set", "frozenset", "sum", "any", "all", "min", "max", "len"}


def offences(source: str) -> list[str]:
    """Return what a module may not do, as `LINE: what`."""
    tree = ast.parse(source)
    found = [*_imports(tree), *_names(tree), *_loops_over_sets(tree)]
    return [f"{line}: {what}" for line, what in sorted(found)]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            is_ours = module.startswith(PACKAGES_ALLOWED)
            if not is_ours and module.split(".")[0] not in IMPORTS_ALLOWED:
                yield node.lineno, f"imports {module}"


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in NAMES_FORBIDDEN:
                yield node.lineno, f"calls {name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS_FORBIDDEN:
                yield node.lineno, f"calls .{name}"
            case ast.Attribute(attr="environ"):
                yield node.lineno, "uses .environ"


def _loops_over_sets(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield loops whose order is that of a set, by what the function itself says of its names."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            names = _names_of_sets(function)
            free = [node for call in ast.walk(function) for node in _inside_order_free(call)]
            for node in ast.walk(function):
                if node not in free and any(_is_set(looped, names) for looped in _looped(node)):
                    yield getattr(node, "lineno", function.lineno), "loops over a set"


def _looped(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp):
        return [generator.iter for generator in node.generators]
    is_ordering = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"list", "tuple"}
    return list(node.args) if isinstance(node, ast.Call) and is_ordering else []


def _inside_order_free(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ORDER_FREE:
        return list(node.args)
    return []


def _names_of_sets(function: ast.FunctionDef) -> set[str]:
    """Return the names that the function annotates as, or assigns from, a set."""
    arguments = [*function.args.args, *function.args.kwonlyargs]
    names = {argument.arg for argument in arguments if _is_set_type(argument.annotation)}
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_set_type(node.annotation):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign) and _is_set(node.value, names):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return names


def _is_set_type(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation).startswith(("set", "frozenset", "AbstractSet"))


def _is_set(node: ast.expr, names: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in names
        case ast.Call(func=ast.Name(id=name)):
            return name in {"set", "frozenset"}
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in SET_METHODS
        case ast.BinOp(left=left, right=right, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(left, names) or _is_set(right, names)
    return False


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_sees_nothing_but_the_log(module: Path) -> None:
    """No module of the core reads a clock, chance, environment or file, writes anywhere, or loops over a set."""
    assert offences(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from os import environ",
        "import random",
        "from uuid import uuid4",
        "import logging",
        "import structlog",
        "from datetime import datetime\nat = datetime.now()",
        "text = open('policy.toml')",
        "def f():\n for x in {1, 2}: pass",
        "def f(xs: set[int]):\n return [x for x in xs]",
        "def f():\n xs = set()\n for x in xs: pass",
        "def f(xs: list[int], ys: set[int]):\n return list(set(xs) - ys)",
    ],
)
def test_the_scan_finds(source: str) -> None:
    """The scan finds what it is for."""
    assert len(offences(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, time",
        "from streams.core.person import Person",
        "def f(xs: set[int]):\n return sorted(x for x in xs)",
        "def f(xs: set[int]):\n return [x for x in sorted(xs)]",
        "def f(xs: set[int]):\n return {x for x in xs}",
        "def f(xs: set[int]):\n return 3 in xs",
    ],
)
def test_the_scan_lets_pass(source: str) -> None:
    """The scan lets pass what depends on nothing outside."""
    assert offences(source) == []
