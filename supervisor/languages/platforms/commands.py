"""A command that both installs and builds, in its two parts: `pre-deploy.sh` runs between them."""

from __future__ import annotations

import re

_INSTALL = re.compile(
    r"(?:(?:npm (?:ci|i|install|clean-install)|pnpm (?:i|install)|bun (?:i|install)|yarn(?: install)?)(?: -[\w=.-]+)*"
    r"|(?:python3? -m )?pip3? install(?: [^&|;<>$`]*)?"
    r"|uv (?:sync|pip install)(?: [^&|;<>$`]*)?"
    r"|(?:poetry|pipenv|pdm) (?:install|sync)(?: [^&|;<>$`]*)?"
    r"|bundle(?: install)?(?: -[\w=.-]+(?: \d+)?)*|bundle config [^&|;<>$`]*"
    r"|composer install(?: -[\w=.-]+)*"
    r"|go mod download)"
)
_PROVIDED = re.compile(
    r"(?:npm (?:i|install) (?:-g|--global) (?:pnpm|yarn|bun)(?:@\S+)?|corepack (?:enable|prepare)(?: [^&|;<>$`]*)?)"
)
_MANAGER = re.compile(r"(?:^|&&|\|\||;|\n)[^\S\n]*(?:exec\s+)?(yarn|pnpm|bun)(?=\s|$)")
_BETWEEN = re.compile(r"(&&|;|\n)")
_NOT_ALONE = re.compile(
    r"(?:(?:if|then|elif|else|fi|for|while|until|do|done|case|esac|function)\b|[{}()#&|;])|.*[\\&|;({]$"
)
"""Lines that belong to those around them."""


def manager_in(line: str) -> tuple[str, str | None] | None:
    """The package manager of Node that a command line calls and that does not come with it, and its version where
    nothing says so."""
    match = _MANAGER.search(line)
    return (match[1], "1" if match[1] == "yarn" else None) if match else None


def is_install(line: str, inputs: tuple[str, ...]) -> bool:
    """Whether a command line installs what these files say, and nothing else that it names."""
    parts = [" ".join(part.split()) for part in line.split("&&")]
    named = [word for part in parts for word in part.split() if word.endswith((".txt", ".in", ".sh", ".whl"))]
    return all(_INSTALL.fullmatch(part) for part in parts) and set(named) <= set(inputs)


def split(line: str | None) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """What installs at the beginning of a command line, and the rest. None for an install that is not there.

    Package managers are provided by Orbit: what would install one of them for the whole machine is left out.
    """
    if line is None:
        return None, None
    parts = _BETWEEN.split(line)
    install: list[str] = []
    place = 0
    while place < len(parts):
        words = " ".join(parts[place].split())
        if words and not words.startswith("#") and not _PROVIDED.fullmatch(words):
            if not _INSTALL.fullmatch(words):
                break
            install.append(words)
        place += 2
    rest = "".join(parts[place:]).strip()
    return tuple(install) or None, (_one_line(rest),) if rest else ()


def _one_line(text: str) -> str:
    """Lines of which each has to succeed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and any(_NOT_ALONE.match(line) or "<<" in line for line in lines):
        return f"set -e\n{text}"
    return " && ".join(lines)
