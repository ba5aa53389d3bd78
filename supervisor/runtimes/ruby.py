"""Ruby: where its versions lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.errors import RuntimeMissing
from supervisor.runtimes.requirement import Requirement, Test, anything, begins, numbers

name = "ruby"
variable = "RUBY_VERSION"
example = "3.2"
plain = ("ruby",)
asks = ("--version",)
aside: tuple[str, ...] = ()  # /usr/bin/ruby3.1 has no bundle of its own beside it: that of /usr/bin/ruby is found

_CLAUSE = re.compile(
    r"(~>|>=|<=|!=|>|<|=)?\s*(?:ruby-)?(\d+(?:\.\d+)*)(?:-?p\d+|[.-]?(?:rc|preview)\.?\d+)?(?:\.[x*])*"
)
_OTHERS = re.compile(r"(jruby|truffleruby|mruby|rbx|rubinius)")
_ANY = ("*", "latest", "stable", "ruby", "system", "default")


def requirement(text: str) -> Requirement | None:
    """A version, a line ("3.2"), or RubyGems' clauses ("~> 3.1", ">= 2.7, < 4"); None if it cannot be understood.

    An exact version that is not there is nearly met by another of the same line, which has the same extensions.
    Raises RuntimeMissing about another Ruby than that of ruby-lang.org.
    """
    wanted = text.strip().lower().strip("\"'")
    other = _OTHERS.match(wanted)
    if other is not None:
        raise RuntimeMissing(
            f"cannot provide {text}: {other[1]} is not supported; take engine out of the Gemfile, or set {variable}"
        )
    if wanted in _ANY:
        return Requirement(anything, newest=wanted == "latest")
    tests: list[Test] = []
    exact = None
    for part in wanted.split(","):
        clause = _CLAUSE.fullmatch(part.strip())
        if clause is None:
            return None
        operator, version = clause[1] or "=", clause[2]
        tests.append(_test(operator, numbers(version)))
        if operator == "=" and len(numbers(version)) > 2:
            exact = version
    nearly = begins(".".join(exact.split(".")[:2])) if exact and len(tests) == 1 else None
    return Requirement(lambda found: all(test(found) for test in tests), nearly)


def version(output: str) -> str | None:
    """The version in what `ruby --version` prints, without its patch level."""
    match = re.match(r"ruby (\d+\.\d+\.\d+(?:rc\d+|preview\d+|dev)?)", output.strip())
    return match[1] if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Ruby is installed besides PATH: by hand, by rbenv, rvm, ruby-install, asdf and mise."""
    home = Path(environment.get("HOME", "/nonexistent"))
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    yield Path("/usr/local/bin/ruby")
    yield Path("/usr/bin/ruby")
    for rbenv in (_rbenv(environment), Path("/usr/local/rbenv"), Path("/opt/rbenv")):
        yield from rbenv.glob("versions/[0-9]*/bin/ruby")
    for rvm in (Path(environment.get("rvm_path") or home / ".rvm"), Path("/usr/local/rvm")):
        yield from rvm.glob("rubies/ruby-*/bin/ruby")
    for rubies in (Path("/opt/rubies"), home / ".rubies"):
        yield from rubies.glob("ruby-*/bin/ruby")
    yield from Path(environment.get("ASDF_DATA_DIR") or home / ".asdf").glob("installs/ruby/[0-9]*/bin/ruby")
    yield from Path(environment.get("MISE_DATA_DIR") or data / "mise").glob("installs/ruby/[0-9]*/bin/ruby")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """What a shim of rbenv stands for: in the project's directory the shim itself might choose another version."""
    root = _rbenv(environment)
    real = root / "versions" / found / "bin" / "ruby"
    return real if path.parent == root / "shims" and real.exists() else path


def _rbenv(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("RBENV_ROOT") or f"{environment.get('HOME', '/nonexistent')}/.rbenv")


def _test(operator: str, wanted: tuple[int, ...]) -> Test:
    """One clause. `~> 3.1.2` is from there on, with the same numbers before the last; a bare `3.2` is a line."""
    line = ".".join(str(number) for number in wanted)
    upper = ".".join(str(number) for number in wanted[: max(len(wanted) - 1, 1)])
    return {
        "=": begins(line),
        "!=": lambda found: not begins(line)(found),
        ">=": lambda found: numbers(found) >= wanted,
        "<=": lambda found: numbers(found) <= wanted or begins(line)(found),
        ">": lambda found: numbers(found) > wanted and not begins(line)(found),
        "<": lambda found: numbers(found) < wanted,
        "~>": lambda found: numbers(found) >= wanted and begins(upper)(found),
    }[operator]
