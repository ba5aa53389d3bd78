"""npm, pnpm, yarn and bun: which one a project uses, which version of it, and its command lines.

The `packageManager` field decides, then the lockfile, then the one that `engines` ask for, then npm.
Development dependencies are installed always, since builds need them, although NODE_ENV=production is set; only
`npm install` and yarn 1 and pnpm have to be told so.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from supervisor.languages.node import package
from supervisor.languages.node.package import Package
from supervisor.languages.node.workspace import PNPM_FILE, pnpm_patterns, root_of, way_up
from supervisor.languages.source import Source

LOCKFILES = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
MOST_JSON = 512 * 1024  # of a lockfile: to parse more takes longer than all the rest of detection
NAMES = ("npm", "pnpm", "yarn", "bun")

_INSTALL = {  # with a lockfile, and without
    "npm": ("npm ci --include=dev", "npm install --include=dev"),
    "pnpm": ("pnpm install --frozen-lockfile --prod=false", "pnpm install --no-frozen-lockfile --prod=false"),
    "yarn": ("yarn install --frozen-lockfile --production=false", "yarn install --production=false"),
    "berry": ("yarn install --immutable", "yarn install --no-immutable"),
    "bun": ("bun install --frozen-lockfile", "bun install"),
}
_PNPM_OF_LOCK = {"5": "7", "6": "8", "7": "9", "9": "9"}  # the major that writes a lockfileVersion's major
_YARN_OF_LOCK = {  # the versions that write a __metadata.version, and with --immutable take no other
    "4": "2",
    "5": "3.1",
    "6": ">=3.2.0 <4.0.0",
    "8": ">=4.0.0 <4.14.0",
    "9": "4.14",
}
_NUMBER = re.compile(r"\d+")
_STARTS_BUN = re.compile(r"(?:[A-Z_][A-Z0-9_]*=\S*\s+)*bunx?\s")
_FOR_BUN = ("@types/bun", "bun-types", "elysia")  # elysia on Node is a start script's affair


@dataclass(frozen=True, slots=True)
class PackageManager:
    """A package manager as a project wants it.

    `version` is one, a major, or a range; None if any does. `up` leads from the project to where the lockfile
    lies ("." or "../.."). `pnp` means that there is no node_modules: yarn has to stand before every command.
    """

    name: str
    version: str | None = None
    lockfile: str | None = None
    up: str = "."
    berry: bool = False
    pnp: bool = False
    notes: tuple[str, ...] = ()

    @property
    def install(self) -> str:
        locked, unlocked = _INSTALL["berry" if self.berry else self.name]
        command = unlocked if self.lockfile is None else locked
        return command if self.up == "." else f"cd {self.up} && {command}"

    @property
    def bin_dirs(self) -> tuple[str, ...]:
        here = "node_modules/.bin"
        return (here,) if self.up == "." else (here, f"{self.up}/{here}")

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """Without node_modules the application runs from the archives in yarn's cache: they have to be the release's
        own, and stay."""
        return (("YARN_ENABLE_GLOBAL_CACHE", "false"),) if self.pnp else ()

    def major(self) -> int:
        """The first number of the version that is wanted, 0 if any does."""
        number = _NUMBER.search(self.version or "")
        return int(number[0]) if number else 0

    def run(self, script: str) -> str:
        if script == "start":
            return "bun run start" if self.name == "bun" else f"{self.name} start"
        return f"{self.name} run {shlex.quote(script)}"

    def within(self, command: str) -> str:
        """A command of a dependency, or node itself; `bin_dirs` are on PATH, which does where there is node_modules."""
        return f"yarn {command}" if self.pnp else command


@dataclass(frozen=True, slots=True)
class Named:
    """Which package manager a project has: `root` is where it installs, `present` the lockfiles there and by whom."""

    root: Source
    top: Package
    name: str
    version: str | None
    lockfile: str | None
    present: tuple[tuple[str, str], ...]


def named(source: Source, own: Package, default: str) -> Named:
    """The project's package manager, by its files' names alone; `default` if nothing says which."""
    root = root_of(source)
    top = own if root == source else package.read(root)
    name, version = _declared(own) or _declared(top) or (None, None)
    present = tuple((file, by) for file, by in LOCKFILES if root.has(file))
    lockfile, by = next(((f, b) for f, b in present if name in (None, b)), (None, None))
    name = name or by or _of_engines(top) or ("bun" if _is_for_bun(root, own, top) else default)
    return Named(root, top, name, version, lockfile, present)


def choose(source: Source, own: Package, default: str) -> PackageManager:
    """The project's package manager. Raises PlanError if the lockfile that it would install from cannot be used."""
    found = named(source, own, default)
    root, name = found.root, found.name
    text = _lock_text(root, found.lockfile)
    berry = name == "yarn" and _is_berry(root, found.version, text)
    return PackageManager(
        name=name,
        version=found.version or _version(root, found.top, name, text, berry),
        lockfile=found.lockfile,
        up=way_up(source, root),
        berry=berry,
        pnp=berry and not re.search(r"^nodeLinker:\s*[\"']?(node-modules|pnpm)", _yarnrc(root), re.MULTILINE),
        notes=tuple(f"{root.shown(file)} was passed over: {name} decides" for file, b in found.present if b != name),
    )


def _declared(own: Package) -> tuple[str, str | None] | None:
    """Name and version of the packageManager field, without its hash; None if it is none we know."""
    name, _, version = (own.manager or "").partition("@")
    plain = version.partition("+")[0]
    return (name, plain if _NUMBER.search(plain) else None) if name in NAMES else None


def _of_engines(top: Package) -> str | None:
    """The only package manager besides npm that `engines` ask for; a value such as "please use yarn" forbids."""
    asked = [name for name in NAMES if name != "npm" and _NUMBER.search(top.engines.get(name, ""))]
    return asked[0] if len(asked) == 1 else None


def _is_for_bun(root: Source, own: Package, top: Package) -> bool:
    """Whether a project without a lockfile is one for Bun: its settings, its types, its framework, its start script."""
    if root.first_file("bunfig.toml", ".bun-version") is not None:
        return True
    if own.script("start") is not None:
        return starts_bun(own)
    return any(name in own.everything or name in top.everything for name in _FOR_BUN)


def starts_bun(own: Package) -> bool:
    """Whether the start script calls Bun."""
    return _STARTS_BUN.match(own.script("start") or "") is not None


def _lock_text(root: Source, lockfile: str | None) -> str:
    """The lockfile that an install will take, looked at so that a broken one is told of before anything is run."""
    if lockfile is None or lockfile == "bun.lockb" or root.options.install_command is not None:
        return ""  # bun.lockb is binary; the user's own command may not care for a lockfile
    text = root.lockfile(lockfile) or ""
    if lockfile.endswith(".json") and 0 < len(text) <= MOST_JSON:
        root.json(lockfile, text)
    return text


def _yarnrc(root: Source) -> str:
    return root.peek(".yarnrc.yml") or ""


def _is_berry(root: Source, version: str | None, lock: str) -> bool:
    if version is not None and (number := _NUMBER.search(version)):
        return int(number[0]) >= 2
    return "\n__metadata:" in lock or (not lock and root.is_file(".yarnrc.yml"))


def _version(root: Source, top: Package, name: str, lock: str, berry: bool) -> str | None:
    """The version of a manager that no packageManager field names: from yarnPath, engines, or the lockfile's form."""
    if name == "yarn":
        carried = re.search(r"^yarnPath:.*yarn-(\d[\w.-]*)\.cjs", _yarnrc(root), re.MULTILINE)
        written = re.search(r"^__metadata:\s*\n\s+version:\s*(\d+)", lock, re.MULTILINE)
        if berry:
            return carried[1] if carried else _YARN_OF_LOCK.get(written[1] if written else "", "4")
        return "1"
    if name in top.engines:
        return top.engines[name]
    if name == "pnpm":
        if root.has(PNPM_FILE) and not pnpm_patterns(root):
            return "10"  # the first that keeps its settings there; 9 takes such a file for a mistake
        written = re.search(r"^lockfileVersion:\s*['\"]?(\d+)", lock, re.MULTILINE)
        return _PNPM_OF_LOCK.get(written[1]) if written else None
    return None
