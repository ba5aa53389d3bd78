"""Node: where its versions lie on a system, and how projects write which one they want."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from supervisor.runtimes.requirement import Requirement, anything, begins, numbers, ranged

name = "node"
variable = "NODE_VERSION"
example = "20"
plain = ("node",)
asks = ("--version",)
aside: tuple[str, ...] = ()

CODENAMES = {  # of the long-term versions, as nodejs/Release names them
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
    "lithium": 26,
}
EVERY_MAJOR_IS_LTS_SINCE = 27

_EXACT = re.compile(r"[v=]?(\d+\.\d+\.\d+)")
_LINE = re.compile(r"[v=]?(\d+(?:\.\d+)?)(?:\.[xX*])*")
_ANY = ("*", "x", "node", "latest", "current", "stable", "system")


def requirement(text: str) -> Requirement | None:
    """A version, a line ("20"), a range of npm's, or a name of nvm's; None if it cannot be understood.

    An exact version that is not there is nearly met by a later one of the same major: Node's majors keep
    compatible.
    """
    wanted = text.strip().lower()
    if wanted in _ANY:
        return Requirement(anything, newest=wanted in ("node", "latest", "current"))
    if wanted in ("lts", "lts/*"):
        return Requirement(_is_lts, newest=True)
    if wanted.startswith("lts/"):
        major = CODENAMES.get(wanted.removeprefix("lts/"))
        return Requirement(begins(str(major)), newest=True) if major else None
    if exact := _EXACT.fullmatch(wanted):
        version = exact[1]
        same_major = begins(version.split(".")[0])
        return Requirement(
            lambda found: found == version,
            lambda found: same_major(found) and numbers(found) >= numbers(version),
        )
    if line := _LINE.fullmatch(wanted):
        return Requirement(begins(line[1]))
    return ranged(wanted)


def version(output: str) -> str | None:
    """The version in what `node --version` prints."""
    match = re.match(r"v(\d+\.\d+\.\d+\S*)", output.strip())
    return match[1] if match else None


def elsewhere(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where Node is installed besides PATH: by hand, by nvm, fnm, asdf, n, nodenv and volta."""
    home = environment.get("HOME", "/nonexistent")
    nvm = Path(environment.get("NVM_DIR") or f"{home}/.nvm")
    data = Path(environment.get("XDG_DATA_HOME") or f"{home}/.local/share")
    yield Path("/usr/local/bin/node")
    yield Path("/usr/bin/node")
    for above, pattern in (
        (nvm, "versions/node/v*"),
        (Path(environment.get("FNM_DIR") or data / "fnm"), "node-versions/v*/installation"),
        (Path(environment.get("ASDF_DATA_DIR") or f"{home}/.asdf"), "installs/nodejs/[0-9]*"),
        (Path(environment.get("N_PREFIX") or "/usr/local"), "n/versions/node/[0-9]*"),
        (Path(environment.get("NODENV_ROOT") or f"{home}/.nodenv"), "versions/[0-9]*"),
        (Path(environment.get("VOLTA_HOME") or f"{home}/.volta"), "tools/image/node/[0-9]*"),
    ):
        yield from above.glob(f"{pattern}/bin/node")


def resolved(path: Path, found: str, environment: Mapping[str, str]) -> Path:
    """The program that `path` stands for."""
    return path


def _is_lts(found: str) -> bool:
    major = numbers(found)[:1]
    return bool(major) and (major[0] % 2 == 0 or major[0] >= EVERY_MAJOR_IS_LTS_SINCE)
