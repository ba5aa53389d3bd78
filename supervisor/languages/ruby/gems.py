"""A project's gems: what its Gemfile declares and its Gemfile.lock resolves. Neither is executed.

A Gemfile is Ruby. It is read by the line for what nearly all of them say in the same way: `gem`, `group … do`, `ruby`.
What stands in groups for development and tests alone does not count, since it is not installed.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from supervisor.languages.source import MOST_CODE_BYTES, MOST_MANIFEST_BYTES, Source

MANIFESTS = (("Gemfile", "Gemfile.lock"), ("gems.rb", "gems.locked"))
LEFT_OUT = ("development", "test")
"""The groups that are not installed, as BUNDLE_WITHOUT names them."""

MOST_LINE = 2000  # what is longer is no declaration

_GEM = re.compile(r"""gem[\s(]+["']([\w.-]+)["'](.*)""")
_GROUP = re.compile(r"group[\s(]+(.*)")
_RUBY = re.compile(r"ruby[\s(]+(\S.*)")
_OPENS = re.compile(r"(?:if|unless|case|begin|while|until|for|def|class|module)\b")
_GROUPS = re.compile(r"""(?:\bgroups?:|:groups?\s*=>)\s*(\[[^\]]*\]|%i\[[^\]]*\]|:?["']?\w+)""")
_NAMES = re.compile(r"\w+")
_TEXT = re.compile(r"""["']([^"']*)["']""")
_FILE = re.compile(r"""(?:\bfile:|:file\s*=>|File\.read\(?)\s*["']([^"']+)["']""")
_ENGINE = re.compile(r"""(?:\bengine:|:engine\s*=>)\s*["':]([\w-]+)""")
_CONSTRAINT = re.compile(r"(?:[<>=~!]+\s*)?(?:ruby-)?\d[\w.]*")

_SPEC = re.compile(r"    ([\w.-]+) \(([^)]*)\)")
_NEEDS = re.compile(r"      ([\w.-]+)")
_DEPENDENCY = re.compile(r"  ([\w.-]+)")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Lock:
    """A Gemfile.lock. `versions` are those of all its gems, `needs` what each depends on, `own` the gems that lie in
    the project, `roots` what the Gemfile asked for."""

    versions: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    ruby: str | None = None
    bundler: str | None = None

    @property
    def fits_here(self) -> bool:
        """Whether it was resolved for this machine's platform, too: frozen, Bundler takes no other."""
        machine = platform.machine()
        names = ("ruby", f"{machine}-linux", f"{machine}-linux-gnu", f"{machine}-linux-musl")
        return not self.platforms or any(name in names for name in self.platforms)


@dataclass(frozen=True, slots=True)
class Gems:
    """`names` are the gems of the running application, those included that they bring along.

    `file` and `lockfile` are None if they are not there. `ruby` is the constraint of the Gemfile, `ruby_file` the file
    that it names instead.
    """

    file: str | None = None
    lockfile: str | None = None
    names: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    lock: Lock = Lock()
    ruby: str | None = None
    ruby_file: str | None = None

    def has(self, *names: str) -> bool:
        """Whether one of `names` is among them."""
        return not self.names.isdisjoint(names)

    def version(self, name: str) -> tuple[int, ...]:
        """The numbers of the version that is locked, () if none is."""
        return tuple(int(number) for number in _NUMBERS.findall(self.lock.versions.get(name, "")))


def read(source: Source) -> Gems:
    """The project's gems. Raises PlanError about a file that cannot be read."""
    for file, lockfile in MANIFESTS:
        text = source.read(file, MOST_CODE_BYTES)
        if text is None:
            continue
        source.refuse_conflicts(file, text)
        locked = source.lockfile(lockfile) if source.options.install_command is None else source.peek(lockfile)
        lock = _lock((locked or "")[:MOST_MANIFEST_BYTES])
        declared = _Declared()
        for line in text.split("\n"):
            declared.take(line)
        roots = declared.gems | (set(lock.own) if declared.is_gem else set())
        return Gems(
            file=file,
            lockfile=lockfile if source.has(lockfile) else None,
            names=_closure(roots or set(lock.roots), lock.needs),
            declared=frozenset(roots),
            lock=lock,
            ruby=declared.ruby,
            ruby_file=declared.ruby_file,
        )
    return Gems()


class _Declared:
    """What a Gemfile says, taken line by line. `is_gem`: the project is a gem itself, and needs what that needs."""

    def __init__(self) -> None:
        self.gems: set[str] = set()
        self.is_gem = False
        self.ruby: str | None = None
        self.ruby_file: str | None = None
        self._blocks: list[bool] = []  # those that are open; whether what is in one is left out

    def take(self, line: str) -> None:
        text = line.strip()
        if not text or text.startswith("#") or len(text) > MOST_LINE:
            return
        gem = _GEM.match(text)
        if gem is not None:
            groups = _GROUPS.search(gem[2])
            if not any(self._blocks) and not (groups and _is_left_out(groups[1])):
                self.gems.add(gem[1])
        elif text.startswith("gemspec"):
            self.is_gem = True
        elif self.ruby is None and (ruby := _RUBY.match(text)):
            self._take_ruby(ruby[1])
        self._take_block(text)

    def _take_block(self, text: str) -> None:
        if re.match(r"end\b", text):
            del self._blocks[-1:]
            return
        code = text.partition(" #")[0].rstrip()
        group = _GROUP.match(code)
        if re.search(r"\bdo(?:\s*\|[\w\s,]*\|)?$", code):
            self._blocks.append(bool(group and _is_left_out(group[1].removesuffix("do"))))
        elif _OPENS.match(code) and not re.search(r"[;\s]end$", code):
            self._blocks.append(False)

    def _take_ruby(self, arguments: str) -> None:
        file = _FILE.search(arguments)
        if file is not None:
            self.ruby_file = file[1]
            return
        engine = _ENGINE.search(arguments)
        versions = [text for text in _TEXT.findall(arguments) if _CONSTRAINT.fullmatch(text.strip())]
        if engine is not None and engine[1] != "ruby":
            self.ruby = f"{engine[1]}-{versions[-1] if len(versions) > 1 else ''}".rstrip("-")
        elif versions:
            self.ruby = ", ".join(text.strip() for text in versions)


def _is_left_out(groups: str) -> bool:
    """Whether every group that is named is one that is not installed."""
    names = [name for name in _NAMES.findall(groups) if name not in ("i", "optional", "true", "false")]
    return bool(names) and all(name in LEFT_OUT for name in names)


def _closure(roots: set[str], needs: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """The gems, and all that they need."""
    found: set[str] = set()
    ahead = list(roots)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead.extend(needs.get(name, ()))
    return frozenset(found)


def _lock(text: str) -> Lock:
    """A lockfile's sections begin at the line's start; what is in them is indented by two, four and six."""
    versions: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    own: list[str] = []
    listed: dict[str, list[str]] = {"PLATFORMS": [], "DEPENDENCIES": [], "RUBY VERSION": [], "BUNDLED WITH": []}
    section, current = "", ""
    for raw in text.split("\n"):
        line = raw.rstrip()
        if line and not line.startswith(" "):
            section = line
        elif section in listed:
            listed[section].extend([line] if line else [])
        elif spec := _SPEC.match(line):
            current = spec[1]
            versions.setdefault(current, spec[2])
            if section == "PATH":
                own.append(current)
        elif current and (need := _NEEDS.match(line)):
            needs.setdefault(current, []).append(need[1])
    ruby = re.search(r"ruby (\d+(?:\.\d+)+)(.*)", " ".join(listed["RUBY VERSION"]))
    engine = re.search(r"\((\w+ [\d.]+)\)", ruby[2]) if ruby else None
    return Lock(
        versions=versions,
        needs={name: tuple(names) for name, names in needs.items()},
        own=tuple(own),
        roots=tuple(match[1] for line in listed["DEPENDENCIES"] if (match := _DEPENDENCY.match(line))),
        platforms=tuple(line.strip() for line in listed["PLATFORMS"]),
        ruby=(engine[1].replace(" ", "-") if engine else ruby[1]) if ruby else None,
        bundler=next((line.strip() for line in listed["BUNDLED WITH"]), None),
    )
