"""`_redirects` and `_headers` at a site's root, as the hosts of static sites read them, for nginx.

Addresses are compared as they were sent, still encoded: what a visitor sends then cannot end a header of the answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from supervisor import disk

MOST_BYTES = 256 * 1024
MOST_RULES = 1000
MOST_LENGTH = 2000
MOST_WORD_BYTES = 4000  # nginx takes no longer word than 4096
MOST_NAMES = 20
REDIRECTS, HEADERS = "_redirects", "_headers"
STATUSES = (301, 302, 303, 307, 308)
INDEX = ("/index.html", "/")
SPLAT = r"(?<p_splat>[^?\x5c]*)"
"""What follows no slash of its own, so that it leads to no other host: //example.org, or with a backslash."""
_SAFE = "/~!&'()*+,;=:@-._"
_OURS = frozenset((
    "connection", "content-encoding", "content-length", "content-range", "content-type", "date", "etag",
    "last-modified", "location", "server", "transfer-encoding", "upgrade", "vary", "x-orbit-release",
))  # fmt: skip
"""What the web server says by itself."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """`pattern` is a regular expression for the address as it was sent, `target` a text with nginx's variables.
    `status` 200 is another file in its place. `forced`: also where there is a file."""

    pattern: str
    target: str
    status: int
    forced: bool


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the answers to what matches."""

    pattern: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What both files say. `single_page`: everything that is no file is index.html's. `notes` are about lines that
    were passed over."""

    redirects: tuple[Redirect, ...] = ()
    headers: tuple[Header, ...] = ()
    single_page: bool = False
    notes: tuple[str, ...] = ()


def read(root: Path) -> Rules:
    """The rules of the site in `root`; none where there is no such file."""
    notes: list[str] = []
    redirects: list[Redirect] = []
    single_page = False
    for number, line in _lines(root, REDIRECTS):
        if _is_for_one_page(line):
            single_page = True
            continue
        found = _redirect(line)
        if isinstance(found, Redirect):
            redirects.append(found)
        else:
            notes.append(f"{REDIRECTS}, line {number}: {found}; it is passed over")
    headers = list(_headers(root, notes))
    for kind, rules in ((REDIRECTS, redirects), (HEADERS, headers)):
        if len(rules) > MOST_RULES:
            notes.append(f"{kind}: only the first {MOST_RULES} rules are heeded")
    return Rules(tuple(redirects[:MOST_RULES]), tuple(headers[:MOST_RULES]), single_page, tuple(notes))


def _lines(root: Path, name: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that says something."""
    try:
        with disk.reached(root, root / name, os.O_RDONLY | os.O_NONBLOCK) as fd:
            text = os.read(fd, MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.strip().startswith("#"):
            yield number, line.rstrip()[:MOST_LENGTH]


def _is_for_one_page(line: str) -> bool:
    words = line.split()
    return len(words) == 3 and words[0] == "/*" and words[1] in INDEX and words[2].rstrip("!") == "200"


def _redirect(line: str) -> Redirect | str:
    """A rule, or why a line is none."""
    words = line.partition(" #")[0].split()
    if len(words) not in (2, 3):
        return "conditions are not known" if len(words) > 3 else "a rule is FROM TO [STATUS]"
    source, target = words[:2]
    code = words[2] if len(words) == 3 else "301"
    forced = code.endswith("!")
    if not code.rstrip("!").isascii() or not code.rstrip("!").isdigit():
        return "conditions are not known" if "=" in code + target else f"{code} is no status"
    status = int(code.rstrip("!"))
    if status != 200 and status not in STATUSES:
        return f"status {status} is not known"
    if not source.startswith("/") or "?" in source:
        return "FROM is a path that begins with /"
    if not re.match(r"/(?!/)|https?://[^/:]", target):
        return "TO is a path that begins with /, or an address"
    if status == 200 and not target.startswith("/"):
        return "nothing is passed on to other servers: an address needs another status than 200"
    pattern, names = _pattern(source)
    told = _target(target, names, status)
    if max(len(pattern), len(told)) > MOST_WORD_BYTES:
        return "it is too long"
    return Redirect(pattern, told, status, forced and status != 200)


def _pattern(source: str) -> tuple[str, frozenset[str]]:
    """The regular expression for a path with `*` at its end and `:name` for a part, and the names."""
    names: list[str] = []
    parts: list[str] = []
    for part in source.strip("/").split("/"):
        if part == "*" and len(parts) == source.strip("/").count("/") and "splat" not in names:
            names.append("splat")
            parts.append(SPLAT)
        elif re.fullmatch(r":[A-Za-z]\w{0,20}", part, re.ASCII) and part[1:] not in names and len(names) < MOST_NAMES:
            names.append(part[1:])
            parts.append(rf"(?<p_{part[1:]}>[^/?\x5c]+)")
        elif "*" in part:
            parts.append("[^/?]*".join(_literal(piece) for piece in part.split("*", 1)))
        else:
            parts.append(_literal(part))
    path = "/".join(parts)
    if parts[-1] == SPLAT:  # /a/* is /a, too
        above = "/".join(parts[:-1])
        path = f"{above}(?:/++{SPLAT})?" if above else f"/*+{SPLAT}"
        return rf"^/{path}(?:\?|$)", frozenset(names)
    return rf"^/{path}/?(?:\?|$)", frozenset(names)


def _literal(text: str) -> str:
    return re.escape(quote(unquote(text), safe=_SAFE)).replace('"', "%22").replace("\\%", "%")


def _target(text: str, names: frozenset[str], status: int) -> str:
    """Where a rule leads, with the parts of the address and its query."""
    pieces = re.split(r":([A-Za-z]\w*)", text, flags=re.ASCII)
    told = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            told += quote(piece, safe=_SAFE + "?#%[]") if status != 200 else quote(piece, safe=_SAFE + " %")
        else:
            told += f"${{p_{piece}}}" if piece in names else f":{piece}"
    return told if "?" in text or "#" in text or status == 200 else told + "$is_args$args"


def _headers(root: Path, notes: list[str]) -> Iterator[Header]:
    pattern = None
    for number, line in _lines(root, HEADERS):
        if not line[0].isspace():
            path = re.sub(r"^https?://[^/]*", "", line.strip())
            pattern = _pattern(path)[0].replace("?<p_", "?<h_") if path.startswith("/") else None
            if pattern is None or len(pattern) > MOST_WORD_BYTES:
                why = "it is too long" if pattern else "a rule begins with a path"
                notes.append(f"{HEADERS}, line {number}: {why}; it is passed over")
                pattern = None
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if pattern is None:
            continue
        if not colon or not re.fullmatch(r"[A-Za-z0-9-]{1,100}", name):
            notes.append(f"{HEADERS}, line {number}: a header is NAME: VALUE; it is passed over")
        elif name.lower() in _OURS or name.lower() == "basic-auth":
            notes.append(f"{HEADERS}, line {number}: {name} cannot be set; it is passed over")
        elif "$" in value or not re.fullmatch(r"[\x20-\x7e]*", value):
            notes.append(f"{HEADERS}, line {number}: the value has letters that cannot be sent; it is passed over")
        else:
            yield Header(pattern, name.lower(), value)
