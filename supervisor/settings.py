"""The settings: every variable of `variables.VARIABLES`, read once, typed and validated.

msgspec does the conversions. environs, the usual choice, reads only `os.environ` and is slow to import.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from supervisor.errors import SettingsError
from supervisor.model import LogPolicy
from supervisor.redact import MASK, masked_url, printable, url_secrets
from supervisor.variable import Kind, Variable
from supervisor.variables import LEVEL_NAMES, VARIABLES, is_path

__all__ = ["VARIABLES", "Row", "Settings", "load", "unknown"]


# Names that people write for ours although they are spelt too differently to be taken for a slip.
_MISTAKEN = {
    "GIT_REPO": "GIT_REPO_URL", "GIT_URL": "GIT_REPO_URL", "GIT_REPOSITORY": "GIT_REPO_URL",
    "GIT_REPOSITORY_URL": "GIT_REPO_URL", "REPO_URL": "GIT_REPO_URL", "DEPLOY_TIMEOUT": "DEPLOYMENT_TIMEOUT",
}  # fmt: skip
_SHARED = ("API_KEY", "LOG_LEVEL")  # applications have these too, in many spellings
LOGS = 5
_CLOSE = 0.88  # API_PORT, which is an application's own, is 0.875 like APP_PORT


class Row(NamedTuple):
    """One variable as `orbit check` shows it; `origin` is "set" or "default"."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """One field a variable, named like it, with its unit (`_s`: seconds). None means that nothing was set.

    What each one means is said in `variables.VARIABLES`. `given` are the names of those that were set.
    """

    git_repo_url: str
    git_branch: str | None
    git_token: str | None
    git_username: str | None
    git_ssh_key: str | None  # an absolute path, or the text, which then ends in a newline as ssh wants it
    git_ssh_known_hosts: Path | None
    git_depth: int
    project_path: str | None
    project_type: str
    node_version: str | None
    python_version: str | None
    ruby_version: str | None
    go_version: str | None
    bun_version: str | None
    rust_version: str | None
    java_version: str | None
    dotnet_version: str | None
    php_version: str | None
    hugo_version: str | None
    zola_version: str | None
    mdbook_version: str | None
    php_extensions: str | None
    mise_releases_url: str
    install_command: str | None
    pre_build_command: str | None
    build_command: str | None
    post_build_command: str | None
    run_command: str | None
    output_dir: str | None
    force_install: bool
    app_port: int
    deployment_timeout_s: float
    hook_timeout_s: float
    build_memory_limit_bytes: int
    build_cpu_limit: float
    skip_hooks: bool
    stop_timeout_s: float
    keep_releases: int
    health_check_path: str
    health_check_timeout_s: float
    health_check_retries: int
    health_check_delay_s: float
    skip_health_check: bool
    bake_time_s: float
    health_check_interval_s: float
    polling_interval_s: float
    git_watch: bool
    debounce_delay_s: float
    webhook_secret: str | None
    log_level: str
    log_max_size_bytes: int
    log_backups: int
    log_budget_bytes: int
    disk_reserve_bytes: int
    release_budget_bytes: int
    cache_budget_bytes: int
    orbit_home: Path
    run_as_user: str | None
    orbit_api_key: str | None
    api_key: str | None
    given: frozenset[str]

    @property
    def health_window_s(self) -> float:
        """How long the application has to answer well: RETRIES x DELAY if either is set, else TIMEOUT."""
        if self.given & {"HEALTH_CHECK_RETRIES", "HEALTH_CHECK_DELAY"}:
            return self.health_check_retries * self.health_check_delay_s
        return self.health_check_timeout_s

    @property
    def log_share_bytes(self) -> int:
        """What each of the five logs may take with its backups: those of the application, of hooks, of Orbit, of the
        build that runs, and of earlier builds."""
        return self.log_budget_bytes // LOGS or self.log_max_size_bytes * (self.log_backups + 1)

    @property
    def log_policy(self) -> LogPolicy:
        """How each log is kept, so that it stays within its share."""
        return LogPolicy(self.log_max_size_bytes, self.log_backups).within(self.log_share_bytes)

    @property
    def withheld(self) -> frozenset[str]:
        """Names of variables that never reach the application, its hooks or its builds."""
        return frozenset(variable.name for variable in VARIABLES if variable.withheld)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, for `redact.redactor`; also the password in the repository's address."""
        key = self.git_ssh_key if self.git_ssh_key and not is_path(self.git_ssh_key) else ""
        texts = (self.git_token, key.strip(), self.webhook_secret, self.orbit_api_key, self.api_key)
        return (*filter(None, texts), *url_secrets(self.git_repo_url))

    def shown(self) -> tuple[Row, ...]:
        """What is in effect, variable by variable, without secrets."""
        return tuple(
            Row(v.name, _shown(v, getattr(self, v.attribute)), "set" if v.name in self.given else "default")
            for v in VARIABLES
        )

    def __repr__(self) -> str:
        given = (f"{row.name}={row.value!r}" for row in self.shown() if row.origin == "set")
        return f"Settings({', '.join(given)})"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Values are stripped; an empty one counts as unset.

    Raises SettingsError with a line for each variable that is missing or wrong, and for each name that
    seems to be a slip for one of ours.
    """
    texts = {v.name: text for v in VARIABLES if (text := environ.get(v.name, "").strip())}
    values: dict[str, Any] = {"given": frozenset(texts)}
    problems = []
    for variable in VARIABLES:
        value: str | None = texts.get(variable.name, variable.default)
        if value is None:
            values[variable.attribute] = None
            if variable.required:
                problems.append(f"{variable.name}: not set; {variable.meaning}, e.g. {variable.example}")
            continue
        try:
            values[variable.attribute] = _typed(variable, value)
        except (ValueError, msgspec.ValidationError):
            problems.append(_problem(variable, value))
    if problems:
        raise SettingsError((*problems, *unknown(environ)))
    return Settings(**values)


def _typed(variable: Variable, text: str) -> object:
    """The value that `text` stands for. Raises ValueError or msgspec.ValidationError if it is not allowed."""
    match variable.kind:
        case Kind.PORT | Kind.WHOLE:
            whole = Annotated[int, Meta(ge=variable.low, le=variable.high)]
            return msgspec.convert(text, whole, strict=False)
        case Kind.SECONDS | Kind.NUMBER:
            low = 0 if variable.or_zero and text.strip("0.") == "" else variable.low
            return msgspec.convert(text, Annotated[float, Meta(ge=low, le=variable.high)], strict=False)
        case Kind.BOOLEAN:
            word = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower(), text)
            return msgspec.convert(word, bool, strict=False)
        case Kind.CHOICE:
            word = text.lower()
            if variable.name == "LOG_LEVEL":  # applications read it too, and know other words
                word = LEVEL_NAMES.get(word, word)
            return msgspec.convert(word, Literal[variable.choices])
        case Kind.SIZE:
            size = _bytes(text)
            low = 0 if variable.or_zero and size == 0 else variable.low
            return msgspec.convert(size, Annotated[int, Meta(ge=low, le=variable.high)])
        case Kind.KEY:
            return _key(text)
    if variable.pattern and not re.fullmatch(variable.pattern, text):
        raise ValueError(text)
    if variable.kind is Kind.PATH:
        return Path(text)
    if variable.kind is Kind.FOLDER:
        folder = str(PurePosixPath(text))
        return None if folder == "." else folder
    return text


def _bytes(text: str) -> int:
    """Bytes in `10M`, `64k`, `1 GiB` or `4096`; the units are powers of 1024."""
    match = re.fullmatch(r"([0-9]{1,15})\s*(?:([KMG])(?:i?B)?|B)?", text, re.IGNORECASE)
    if match is None:
        raise ValueError(text)
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[(match[2] or "").upper()]


def _key(text: str) -> str:
    """The key's path, or its text as ssh reads it; in an env file it is one line, with `\\n` in it."""
    if is_path(text):
        return text
    if "\n" not in text:
        text = text.replace("\\r", "").replace("\\n", "\n")
    if not text.startswith("-----BEGIN "):
        raise ValueError("no private key")
    return text.replace("\r", "").strip() + "\n"


def _problem(variable: Variable, text: str) -> str:
    """The line for a value that is not allowed."""
    if variable.secret:
        text = MASK
    elif variable.kind is Kind.ADDRESS:  # it is malformed, so take everything up to the @ for a password
        text = re.sub(r"(://|^).*@", rf"\1{MASK}@", text)
    if len(text) > 100:
        text = text[:100] + "…"
    noun = {
        Kind.TEXT: "is not allowed",
        Kind.CHOICE: "is not known",
        Kind.BOOLEAN: "is neither true nor false",
        Kind.WHOLE: "is not a whole number in range",
        Kind.NUMBER: "is not a number in range",
        Kind.SECONDS: "is not a number of seconds in range",
        Kind.SIZE: "is not a size in range",
        Kind.KEY: "is neither a path nor a private key",
        Kind.ADDRESS: "is not a repository's address",
    }.get(variable.kind, f"is not {'an' if variable.kind[0] in 'aeiou' else 'a'} {variable.kind}")
    return f"{variable.name}: {text!r} {noun}; allowed: {variable.allowed}"


def _shown(variable: Variable, value: object) -> str:
    """A value as a user would write it, without its secrets."""
    match value:
        case None:
            return variable.otherwise
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.15g}"
        case int() if variable.kind is Kind.SIZE and value:
            units = ((30, "G"), (20, "M"), (10, "K"))
            fitting = (f"{value >> bits}{unit}" for bits, unit in units if value % (1 << bits) == 0)
            return next(fitting, str(value))
        case str() if variable.secret and not (variable.kind is Kind.KEY and is_path(value)):
            return MASK
        case str() if variable.kind is Kind.ADDRESS:
            return printable(masked_url(value))
    return printable(str(value))


def unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each variable whose name looks like a slip for one of ours that is not set.

    Only very close names count: the rest of the environment is the application's.
    """
    free = [v.name for v in VARIABLES if not environ.get(v.name) and v.name not in _SHARED]
    lines = []
    for name in sorted(set(environ) - {v.name for v in VARIABLES}):
        meant = _MISTAKEN.get(name)
        if meant is None:  # nobody mistypes a first letter, but CODE_VERSION is somebody's own
            same = [ours for ours in free if ours[0] == name[:1]]
            meant = next(iter(difflib.get_close_matches(name, same, n=1, cutoff=_CLOSE)), None)
        if meant in free:
            lines.append(f"{printable(name)}: not a variable of Orbit; did you mean {meant}?")
    return tuple(lines)
