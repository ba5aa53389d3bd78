"""What decides what an install makes: as long as none of it changes, a snapshot will do."""

from __future__ import annotations

import json
import os
import platform
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor import disk
from supervisor.deploy.toolchain import Toolchain
from supervisor.model import Release

FORMAT = "1"
MOST_INPUT_BYTES = 64 * 1024 * 1024
MOST_INPUTS = 2000
_FLAGS = os.O_RDONLY | os.O_NONBLOCK

BESIDE = (
    # Read by package managers, and by the install scripts of well-known packages; of directories all files count.
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    ".pnpmfile.mjs",
    "pnpm-workspace.yaml",
    "bunfig.toml",
    "pip.conf",
    "uv.toml",
    "poetry.toml",
    ".bundle/config",
    "auth.json",
    ".puppeteerrc.cjs",
    "schema.prisma",
    "prisma.config.ts",
    "prisma",
    "patches",
    ".yarn/patches",
    ".yarn/plugins",
)
"""Also schemas that Prisma's client is generated from by its install, and patches of packages."""
PREFIXES = (
    "npm_config_",
    "NPM_CONFIG_",
    "pnpm_config_",
    "PNPM_",
    "YARN_",
    "BUN_",
    "COREPACK_",
    "PIP_",
    "UV_",
    "POETRY_",
    "PIPENV_",
    "PDM_",
    "BUNDLE_",
    "GEM_",
    "COMPOSER_",
    "CARGO_",
    "NUGET_",
    "PUPPETEER_",
    "PLAYWRIGHT_",
    "CYPRESS_",
    "PRISMA_",
    "SHARP_",
    "ELECTRON_",
    "SENTRYCLI_",
)
# fmt: off
NAMES = frozenset((
    "NODE_ENV", "CI", "CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "RUSTFLAGS", "PYTHONOPTIMIZE",
    "CPATH", "LIBRARY_PATH", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "CMAKE_ARGS", "CMAKE_PREFIX_PATH",
    "RAILS_ENV", "RACK_ENV", "APP_ENV", "PHP_EXTENSIONS",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The parts by name, each with a digest of what it is; `key` is a digest of them all."""

    parts: Mapping[str, str]

    @property
    def key(self) -> str:
        return _digest(json.dumps(sorted(self.parts.items())))

    def differences(self, other: Mapping[str, str]) -> list[str]:
        """The names of the parts that are not the same there."""
        return sorted(name for name in {*self.parts, *other} if self.parts.get(name) != other.get(name))


def fingerprint(draft: Release, toolchain: Toolchain, environment: Mapping[str, str], paths: list[str]) -> Fingerprint:
    """That of the install of a release; `paths` are what it makes, relative to its directory. Reads the inputs. Raises
    ValueError if one of them is not to be read."""
    plan = draft.plan
    parts = {
        "the format": FORMAT,
        "the directory": f"{draft.directory.parent} {len(str(draft.directory))}",
        "PROJECT_PATH": os.path.relpath(draft.project, draft.directory),
        "what is installed": json.dumps(paths),
        "the install command": plan.install or "",
        "what follows a restore": plan.after_restore or "",
        "the runtime": json.dumps([plan.runtime, *toolchain.identity]),
        "the system": _system(),
    }
    parts |= {name: value for name, value in environment.items() if name in NAMES or name.startswith(PREFIXES)}
    digests = {name: _digest(value) for name, value in parts.items()}
    return Fingerprint(digests | dict(_inputs(draft)))


def _system() -> str:
    """The kind of machine, and the libraries that compiled packages are linked with."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    told = (platform.machine(), *platform.libc_ver(), release.get("ID", ""), release.get("VERSION_ID", ""))
    return " ".join(told)


def within(draft: Release, path: str) -> str:
    """A path relative to the project as one relative to the release's directory."""
    return os.path.normpath(f"{os.path.relpath(draft.project, draft.directory)}/{path}")


def _inputs(draft: Release) -> Iterator[tuple[str, str]]:
    """Each file that decides, with a digest of its content."""
    named = {within(draft, name) for name in draft.plan.inputs}
    places = sorted({within(draft, "."), *(str(Path(name).parent) for name in named)})[:MOST_INPUTS]
    beside = {os.path.normpath(f"{place}/{name}") for place in places for name in BESIDE}
    for name in sorted(named | beside):
        try:
            digest = _digest_of(draft.directory, name)
        except OSError as error:
            if name in named:
                raise ValueError(f"{name} cannot be read: {error.strerror}") from error
            continue
        if digest:
            yield name, digest


def _digest_of(root: Path, name: str) -> str | None:
    """Of the content of a file, or of all files in a directory; None if it is not there. Raises ValueError if it is too
    large, or something else, OSError."""
    import hashlib  # OpenSSL: memory that an Orbit without snapshots need not hold

    try:
        with disk.reached(root, root / name, _FLAGS) as fd:
            facts = os.fstat(fd)
            if stat.S_ISDIR(facts.st_mode):
                listed = sorted(path for path, found in disk.entries_below(fd) if stat.S_ISREG(found.st_mode))
            elif stat.S_ISREG(facts.st_mode) and facts.st_size <= MOST_INPUT_BYTES:
                with os.fdopen(os.dup(fd), "rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
            else:
                raise ValueError(f"{name} is no file, or too large")
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(listed) > MOST_INPUTS:
        raise ValueError(f"{name} holds more than {MOST_INPUTS} files")
    return _digest(json.dumps([(path, _digest_of(root, f"{name}/{path}")) for path in listed]))


def _digest(text: str) -> str:
    import hashlib  # as above

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
