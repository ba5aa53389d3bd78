"""Where the code of a JVM project begins: the class with a `main`, among the first files that lie there."""

from __future__ import annotations

import re

from supervisor.languages.source import Source

MOST_DIRECTORIES = 60
MOST_FILES = 80

_ROOTS = ("src/main/java", "src/main/kotlin")
_MAIN = re.compile(r"\bstatic\s+(?:final\s+)?(?:public\s+)?void\s+main\s*\(")
_KOTLIN_MAIN = re.compile(r"^(?:suspend )?fun main\(", re.MULTILINE)
_PACKAGE = re.compile(r"^[^\S\n]*package\s+([\w.]+)", re.MULTILINE)


def has_code(source: Source) -> bool:
    return any(source.is_dir(f"src/main/{language}") for language in ("java", "kotlin", "groovy", "scala"))


def main_class(source: Source) -> str | None:
    """The full name of the class to run; the one that lies highest, None if none of the first files has a `main`."""
    waiting = [root for root in _ROOTS if source.is_dir(root)]
    files = 0
    for visited in range(MOST_DIRECTORIES):
        if visited >= len(waiting):
            break
        directory = waiting[visited]
        for name in source.files(directory, (".java", ".kt")):
            files += 1
            if files > MOST_FILES:
                return None
            found = _begins_in(name, source.peek(f"{directory}/{name}") or "")
            if found:
                return found
        waiting += [f"{directory}/{name}" for name in source.directories(directory)]
    return None


def _begins_in(name: str, text: str) -> str | None:
    stem = name.partition(".")[0]
    package = _PACKAGE.search(text)
    prefix = f"{package[1]}." if package else ""
    if name.endswith(".kt"):
        return f"{prefix}{stem[:1].upper()}{stem[1:]}Kt" if _KOTLIN_MAIN.search(text) else None
    return prefix + stem if _MAIN.search(text) else None
