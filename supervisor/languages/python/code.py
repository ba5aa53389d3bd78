"""Python files, parsed and never imported: which name in which module is the application."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from supervisor.languages.source import Source


@dataclass(frozen=True, slots=True)
class Module:
    """One file. `dotted` is how it is imported with `base` on the path ("" is the project's directory).

    `made` maps a name of the module to the call or attribute that it is (`app` to `Flask`); `factories` are
    its functions that make an application when called without arguments; `imported` are the names that it
    takes from elsewhere.
    """

    path: str
    dotted: str
    base: str
    made: dict[str, str]
    factories: tuple[str, ...]
    imported: frozenset[str]
    runs: bool  # it has an `if __name__ == "__main__"`


def tree(source: Source, path: str) -> ast.Module | None:
    """The parsed file; None if there is none, or none that this Python understands."""
    text = source.peek(path)
    if text is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's code, which is not ours to judge
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def module(source: Source, path: str) -> Module | None:
    """What a file defines at its top level; None if it cannot be read."""
    parsed = tree(source, path)
    if parsed is None:
        return None
    statements = list(_top_level(parsed))
    aliases = _aliases(statements)
    made: dict[str, str] = {}
    for statement in statements:
        for name, value in _assigned(statement):
            origin = _name(value.func if isinstance(value, ast.Call) else value)
            if origin and not isinstance(value, ast.Name):
                made.setdefault(name, aliases.get(origin, origin))
    base, dotted = _place(source, path, statements)
    return Module(
        path=path,
        dotted=dotted,
        base=base,
        made=made,
        factories=tuple(_factories(statements)),
        imported=frozenset(aliases),
        runs=any(isinstance(statement, ast.If) and _is_main(statement.test) for statement in parsed.body),
    )


def constants(parsed: ast.Module | None) -> dict[str, object]:
    """The names that a file assigns a plain constant to, and the others with None; for Django's settings."""
    found: dict[str, object] = {}
    for statement in _top_level(parsed) if parsed else ():
        for name, value in _assigned(statement):
            found[name] = value.value if isinstance(value, ast.Constant) else None
    return found


def unconditional(parsed: ast.Module | None) -> frozenset[str]:
    """The names that a file assigns to whatever happens: outside of any `if`."""
    statements = parsed.body if parsed else []
    return frozenset(name for statement in statements for name, _ in _assigned(statement))


def texts(parsed: ast.Module | None) -> Iterator[str]:
    """Every text in a file, such as the arguments of its calls."""
    for node in ast.walk(parsed) if parsed else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _top_level(parsed: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a module, and those in its top-level `if` and `try`, but not behind `__main__`."""
    waiting: list[ast.stmt] = list(reversed(parsed.body))
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, ast.If) and not _is_main(statement.test):
            waiting.extend(reversed(statement.body + statement.orelse))
        elif isinstance(statement, ast.Try):
            waiting.extend(reversed(statement.body))


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        yield statement.target.id, statement.value


def _aliases(statements: Iterable[ast.stmt]) -> dict[str, str]:
    """What imported names are called where they come from: `from flask import Flask as F` makes F a Flask."""
    return {
        alias.asname or alias.name: alias.name
        for statement in statements
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def _name(called: ast.expr) -> str:
    """The last part of what is called: Flask of `flask.Flask(…)`."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _factories(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.FunctionDef) and statement.name in ("create_app", "make_app", "get_app"):
            arguments = statement.args
            needed = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
            if needed <= 0 and None not in arguments.kw_defaults:
                yield statement.name


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _place(source: Source, path: str, statements: Iterable[ast.stmt]) -> tuple[str, str]:
    """From which directory a file is imported, and as what.

    A directory is a package if it has an `__init__.py`, or if the file imports by its name or relatively.
    Otherwise `src`, or a directory whose files import each other without its name, is put on the path itself.
    """
    *directories, file = path.removesuffix(".py").split("/")
    parts = directories if file == "__init__" else [*directories, file]
    if not directories:
        return "", ".".join(parts)
    top = directories[0]
    imported = {name.split(".")[0] for name in _imported_modules(statements)}
    if top in imported or (len(directories) == 1 and ("" in imported or file == "__init__")):
        return "", ".".join(parts)
    siblings = (source.is_file(f"{top}/{name}.py") or source.is_dir(f"{top}/{name}") for name in imported if name)
    if top == "src" or (not source.is_file(f"{top}/__init__.py") and any(siblings)):
        return top, ".".join(parts[1:])
    return "", ".".join(parts)


def _imported_modules(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """The modules that are imported; "" for a relative import."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield "" if statement.level else (statement.module or "")
