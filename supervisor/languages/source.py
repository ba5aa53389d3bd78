"""A directory of source to read: bounded, inside its repository, never executed.

What lies in a repository is somebody else's: a manifest may be a FIFO, a link to /etc/passwd, ten megabytes,
or nested a million deep. Each of these becomes one line for the user.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from supervisor.errors import PlanError
from supervisor.languages.overrides import Overrides

MOST_MANIFEST_BYTES = 1024 * 1024
MOST_TOML_BYTES = 256 * 1024  # tomllib needs up to 800 times a hostile file's size in memory
MOST_LOCKFILE_BYTES = 32 * 1024 * 1024
MOST_CODE_BYTES = 256 * 1024
MOST_NAMES = 10_000
MOST_DOTS = 200  # in a line of TOML: tomllib takes quadratic time over a dotted key
MOST_BLANKS = 100  # one after the other, spaces and lines: what looks for the first word behind them begins at each

_BLANKS = re.compile(rf"(?<!\s)\s{{{MOST_BLANKS + 1},}}")
_CONFLICTS = ("<<<<<<< ", ">>>>>>> ")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Source:
    """A project's `directory` in the repository at `root`, both absolute and without links, and the user's word.

    `origins` says of an option where it stands if no variable of the user has it: ("NODE_VERSION", "… in render.yaml").
    `start` and `release` are the commands that will stand over what a language finds, the user's or a file's.
    """

    directory: Path
    root: Path
    options: Overrides
    origins: tuple[tuple[str, str], ...] = ()
    start: str | None = None
    release: str | None = None

    @classmethod
    def of(cls, directory: Path, root: Path | None, options: Overrides) -> Source:
        """Raises PlanError if `directory` is none, or lies outside of `root`."""
        try:
            real = Path(os.path.realpath(directory, strict=True))
            real_root = real if root is None else Path(os.path.realpath(root, strict=True))
        except (OSError, ValueError) as error:
            raise PlanError(f"cannot read {directory}: {_why(error)}; check PROJECT_PATH") from error
        if not real.is_dir():
            raise PlanError(f"cannot read {directory}: it is not a directory; check PROJECT_PATH")
        if not real.is_relative_to(real_root):
            raise PlanError(f"cannot use {directory}: it lies outside of the repository; check PROJECT_PATH")
        return cls(real, real_root, options)

    def at(self, directory: Path) -> Source:
        """The same repository, seen from another of its directories."""
        return replace(self, directory=directory)

    def elsewhere(self, path: str) -> Source | None:
        """The same, seen from the directory at a relative path; None if there is none in the repository."""
        try:
            real = self._real(path)
        except (OSError, ValueError):
            return None
        return self.at(real) if real.is_dir() else None

    def above(self) -> tuple[Source, ...]:
        """The directories above this one, nearest first, up to the repository's root."""
        if self.directory == self.root:
            return ()
        parents = [p for p in self.directory.parents if p.is_relative_to(self.root)]
        return tuple(self.at(parent) for parent in parents)

    def shown(self, name: str) -> str:
        """A file's path as the user knows it: from the repository's root."""
        path = self.directory / name
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else name

    def has(self, name: str) -> bool:
        """Something of that name is there, be it readable or not."""
        return os.path.lexists(self.directory / name)

    def is_file(self, name: str) -> bool:
        """A regular file of that name is there, inside the repository."""
        try:
            return stat.S_ISREG(self._real(name).stat().st_mode)
        except (OSError, ValueError):
            return False

    def is_dir(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(self._real(name).stat().st_mode)
        except (OSError, ValueError):
            return False

    def first_file(self, *names: str) -> str | None:
        """The first of `names` that is a file."""
        return next((name for name in names if self.is_file(name)), None)

    def directories(self, directory: str = ".") -> tuple[str, ...]:
        """The visible directories in a directory, sorted, out of its first MOST_NAMES entries; () if there are none."""
        try:
            with os.scandir(self._real(directory)) as entries:
                found = (entry.name for entry in islice(entries, MOST_NAMES) if entry.is_dir(follow_symlinks=False))
                return tuple(sorted(name for name in found if not name.startswith(".")))
        except (OSError, ValueError):
            return ()

    def files(self, directory: str = ".", suffix: str | tuple[str, ...] = "") -> tuple[str, ...]:
        """The files of a directory whose names end so, sorted, out of its first MOST_NAMES entries; () if none."""
        try:
            with os.scandir(self._real(directory)) as entries:
                found = (entry for entry in islice(entries, MOST_NAMES) if entry.name.endswith(suffix))
                return tuple(sorted(entry.name for entry in found if not entry.is_dir(follow_symlinks=False)))
        except (OSError, ValueError):
            return ()

    def is_executable(self, name: str) -> bool:
        """A file that its owner may run."""
        try:
            return self.is_file(name) and bool(self._real(name).stat().st_mode & stat.S_IXUSR)
        except OSError:
            return False

    def read(self, name: str, most: int = MOST_MANIFEST_BYTES) -> str | None:
        """The text of a manifest, None if there is none. Raises PlanError if it cannot be read.

        No more than MOST_BLANKS blanks are left of those that follow each other, but in what may be very large.
        """
        data = self.data(name, most)
        if data is None:
            return None
        text = self._decoded(name, data)
        return _BLANKS.sub(lambda blanks: blanks[0][:MOST_BLANKS], text) if most <= MOST_MANIFEST_BYTES else text

    def data(self, name: str, most: int = MOST_MANIFEST_BYTES) -> bytes | None:
        """The same for a manifest that says itself how its text is encoded."""
        if not self.has(name):
            return None
        try:
            data = _bytes(self._real(name), most)
        except (OSError, ValueError) as error:
            raise self.broken(name, _why(error)) from error
        if len(data) > most:
            raise self.broken(name, f"it is larger than {most // 1024} KiB")
        return data

    def peek(self, name: str) -> str | None:
        """The text of a file that only helps to guess: None if it cannot be read, for whatever reason."""
        try:
            return self.read(name, MOST_CODE_BYTES) if self.is_file(name) else None
        except PlanError:
            return None

    def lockfile(self, name: str) -> str | None:
        """The text of a lockfile that an install would take. Raises PlanError if it is empty or half merged.

        One that is larger than MOST_LOCKFILE_BYTES is taken unseen, as "".
        """
        if self.is_file(name) and self._real(name).stat().st_size > MOST_LOCKFILE_BYTES:
            return ""
        text = self.read(name, MOST_LOCKFILE_BYTES)
        if text is not None and not text.strip():
            raise self.broken(name, "it is empty", "make it anew with your package manager, or delete it")
        if text is not None:
            self.refuse_conflicts(name, text)
        return text

    def refuse_conflicts(self, name: str, text: str) -> None:
        """Raises PlanError if a merge left its marks in `text`."""
        if not any(text.startswith(mark) or f"\n{mark}" in text for mark in _CONFLICTS):
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if line.startswith(_CONFLICTS):
                raise self.broken(name, f"line {number}: a merge conflict is left in it", "resolve it and push again")

    def json(self, name: str, text: str | None = None) -> dict[str, Any] | None:
        """A manifest that is a JSON object. Raises PlanError if it is not one; None if there is none."""
        text = self.read(name) if text is None else text
        if text is None:
            return None
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise self.broken(name, f"{where}: not JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise self.broken(name, f"not JSON that anyone would write: {error}") from error
        if not isinstance(value, dict):
            raise self.broken(name, f"its JSON is {kind(value)}, not an object")
        return value

    def toml(self, name: str) -> dict[str, Any] | None:
        """A manifest that is TOML. Raises PlanError if it is not; None if there is none."""
        import tomllib  # only where there is TOML: detection is to start quickly

        text = self.read(name, MOST_TOML_BYTES)
        if text is None:
            return None
        for number, line in enumerate(text.split("\n"), start=1):
            if line.count(".") > MOST_DOTS:
                raise self.broken(name, f"line {number}: more than {MOST_DOTS} dots in a line")
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.broken(name, f"not TOML: {error}") from error

    def broken(self, name: str, why: str, remedy: str = "mend it and push again") -> PlanError:
        """The error about a file that is there and cannot be used."""
        return PlanError(f"cannot read {self.shown(name)}: {why}; {remedy}")

    def _real(self, name: str) -> Path:
        """Where `name` really lies. Raises OSError if it is not there or lies outside of the repository."""
        real = Path(os.path.realpath(self.directory / name, strict=True))
        if not real.is_relative_to(self.root):
            raise PermissionError(errno.EPERM, "it is a link that leaves the repository")
        return real

    def _decoded(self, name: str, data: bytes) -> str:
        encoding = "utf-8-sig"
        if data.startswith(_UTF16) and name.endswith(
            ".txt"
        ):  # what PowerShell makes of `pip freeze >`; pip and uv read it
            encoding = "utf-16"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self.broken(name, f"line {line}: it is not UTF-8 text", "save it as UTF-8") from error
        if "\0" in text:
            raise self.broken(name, f"line {text[: text.index(chr(0))].count(chr(10)) + 1}: it is binary, not text")
        return text


def kind(value: object) -> str:
    """What a value of a manifest is, in its author's words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def inside(path: str | None) -> str | None:
    """A directory of the project as a plan has it; None if it is none, the project's own, or one outside of it."""
    plain = (path or "").strip().removeprefix("./").rstrip("/")
    return None if plain in ("", ".") or plain.startswith("/") or ".." in plain.split("/") else plain


def _bytes(path: Path, most: int) -> bytes:
    """At most one byte more than `most`. Raises OSError; a FIFO or a device does not make it wait."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        return file.read(most + 1)


def _why(error: OSError | ValueError) -> str:
    """One clause for the user, without the path that the sentence has already."""
    if isinstance(error, FileNotFoundError):
        return "it does not exist, or is a link that points nowhere"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error)
