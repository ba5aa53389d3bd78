"""What a build has made: looked at before anything goes live, since a site that has no files is no site."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from supervisor import disk
from supervisor.errors import OrbitError

MOST_NAMED = 8
MOST_PAGE_BYTES = 256 * 1024
PAGES_LOOKED_AT = 20
NOT_FOUND = ("404.html", "404/index.html")
OPEN_DOT = ".well-known"


@dataclass(frozen=True, slots=True)
class Content:
    """The files of a site. `root` is their directory, no link in it, and `place` the same relative to the release's;
    `outside` are links that lead out of the release,
    or to what is hidden."""

    root: Path
    place: str
    files: int
    outside: tuple[str, ...]
    links: int
    utf8: bool
    pages: int


def survey(project: Path, release: Path, output_dir: str, stamp: int) -> Content:
    """What `output_dir` of a project holds. All its files get the time `stamp` (seconds since the epoch): no two
    releases have a file of the same name and time, by which browsers would take one for the other.

    Raises OrbitError if there is nothing to serve.
    """
    root = _root(project, release, output_dir)
    outside: list[str] = []
    files = links = 0
    pages: list[str] = []
    page_count = 0
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for path, facts in disk.entries_below(top):
            if _is_hidden(path):
                continue
            if stat.S_ISLNK(facts.st_mode):
                links += 1
                if not _stays_inside(root / path, release):
                    outside.append(path)
            elif stat.S_ISREG(facts.st_mode):
                files += 1
                if facts.st_nlink == 1:  # what has another name is somebody else's, too
                    _date(top, path, stamp)
                if path.endswith((".html", ".htm")):
                    page_count += 1
                    pages += [path] if len(pages) < PAGES_LOOKED_AT else []
    finally:
        os.close(top)
    if not files:
        raise OrbitError(
            f"there is nothing to serve: {output_dir} has no files; does the build write elsewhere? "
            f"Then set OUTPUT_DIR{named(project)}"
        )
    place = str(root.relative_to(os.path.realpath(release)))
    return Content(
        root, place, files, tuple(sorted(outside)), links, all(_is_utf8(root, page) for page in pages), page_count
    )


def answers(root: Path, path: str, single_page: bool) -> bool:
    """Whether a site has a file for an address."""
    name = path.partition("?")[0].strip("/")
    found = (name, f"{name}.html", f"{name}/index.html") if name else ("index.html",)
    return any((root / each).is_file() for each in (*found, "200.html", *(("index.html",) if single_page else ())))


def has_page_for_what_is_missing(root: Path) -> bool:
    """Whether the site says itself what is not found."""
    return any((root / name).is_file() for name in NOT_FOUND)


def _root(project: Path, release: Path, output_dir: str) -> Path:
    place = project / output_dir
    root = Path(os.path.realpath(place))
    if not root.is_relative_to(os.path.realpath(release)):
        raise OrbitError(f"cannot serve {output_dir}: it leads out of the repository; set OUTPUT_DIR")
    if not root.is_dir():
        what = "is a file" if root.exists() else "is not there"
        raise OrbitError(
            f"there is nothing to serve: the directory {output_dir} {what}; does the build write "
            f"elsewhere? Then set OUTPUT_DIR{named(project)}"
        )
    return root


def named(place: Path) -> str:
    """What is there instead, for the end of a message: directories first."""
    try:
        with os.scandir(place) as entries:
            found = [(not entry.is_dir(), entry.name) for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return ""
    shown = [name if is_file else f"{name}/" for is_file, name in sorted(found) if name != "node_modules"]
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return f"; there is {', '.join(shown[:MOST_NAMED])}{more}" if shown else "; there is nothing at all"


def _is_hidden(path: str) -> bool:
    return _has_hidden_part(path.split("/"))


def _has_hidden_part(parts: Iterable[str]) -> bool:
    return any(part.startswith(".") and part != OPEN_DOT for part in parts)


def _stays_inside(link: Path, release: Path) -> bool:
    target, base = os.path.realpath(link), os.path.realpath(release)
    if not Path(target).is_relative_to(base):
        return False
    return not _has_hidden_part(Path(target).relative_to(base).parts)


def _date(top: int, path: str, stamp: int) -> None:
    above, _, name = path.rpartition("/")
    try:
        with disk.opened(top, above) as place:
            os.utime(name, (stamp, stamp), dir_fd=place, follow_symlinks=False)
    except OSError:
        return  # it is another user's, or gone: it keeps its time


def _is_utf8(root: Path, page: str) -> bool:
    """Whether a page is in UTF-8; the end of a long one may be cut in the middle of a letter."""
    try:
        with disk.reached(root, root / page, os.O_RDONLY | os.O_NONBLOCK) as fd:
            data = os.read(fd, MOST_PAGE_BYTES)
    except OSError:
        return True
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start >= MOST_PAGE_BYTES - 4
    return True
