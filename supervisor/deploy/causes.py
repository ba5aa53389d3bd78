"""What programs print when something common is wrong, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from supervisor import files
from supervisor.model import Stage

MOST_SEARCHED = 64 * 1024
MOST_OF_A_LINE = 400
"""Characters of a line that are searched: messages are shorter, and what is longer is somebody's data."""
_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Cause:
    """`advice` may use the pattern's groups: {0} is the first that matched. `far`: programs print so much after it that
    it may not be among the last lines, and it stands in no log without being the cause."""

    pattern: re.Pattern[str]
    advice: str
    far: bool = False


def _cause(pattern: str, advice: str, far: bool = False) -> Cause:
    return Cause(re.compile(pattern), advice, far)


CAUSES = (
    _cause(
        r"`npm ci` can only install packages when",
        "package-lock.json does not fit package.json; run `npm install`, and commit both",
        far=True,
    ),
    _cause(
        r"ERR_PNPM_OUTDATED_LOCKFILE|YN0028|lockfile needs to be updated|lockfile had changes, but lockfile is frozen",
        "the lockfile does not fit package.json; install on your machine, and commit both",
        far=True,
    ),
    _cause(
        r"JavaScript heap out of memory",
        "Node ran into its own limit of memory: NODE_OPTIONS=--max-old-space-size=<MiB> sets it higher",
        far=True,
    ),
    _cause(
        r"MemoryError\b|Cannot allocate memory|OutOfMemoryError|std::bad_alloc|ENOMEM\b",
        "there was not enough memory: give it more, or have it use less",
    ),
    _cause(
        r"requires a different Python: ([^;\n]+)|Python version not supported: ([^\n]+)|"
        r"(requires-python[^\n]{0,200} (?:does not|is not|incompatible)[^\n]*)",
        "another Python is needed ({0}): set PYTHON_VERSION, or mend .python-version",
        far=True,
    ),
    _cause(
        r"EBADENGINE|Unsupported engine|The engine \"node\" is incompatible",
        "a package wants another Node: set NODE_VERSION, or `engines` in package.json",
    ),
    _cause(
        r"missing go\.sum entry|updates to go\.mod needed|go: inconsistent vendoring|"
        r"no required module provides package ([^\s;:]+)",
        "go.mod and go.sum do not fit the code {0}: run `go mod tidy` (`go mod vendor` for a vendor/), and commit",
        far=True,
    ),
    _cause(
        r"requires go >= ?([\d.]+)|go\.mod file indicates go ([\d.]+), but",
        "another Go is needed ({0} or later): set GO_VERSION, or mend .go-version",
        far=True,
    ),
    _cause(
        r"requires rustc ([\d.]+)|(lock file version `?\d+`?) (?:was found|requires)|"
        r"feature `(edition\d+)` is required",
        "a later Rust is needed ({0}): set RUST_VERSION, or mend rust-toolchain.toml",
        far=True,
    ),
    _cause(
        r"C compiler \"[\w+-]+\" not found|cgo: [^\n]{0,100}(?:not found|no such file)|linker `[\w-]+` not found|"
        r"compiled with 'CGO_ENABLED=0'",
        "a C compiler is needed: install gcc (and libc6-dev) where Orbit runs; for Go, see CGO_ENABLED",
        far=True,
    ),
    _cause(
        r"Could not find directory of OpenSSL installation|Could not find openssl via pkg-config",
        "OpenSSL's headers are needed: install pkg-config and libssl-dev, or choose rustls among the crate's features",
        far=True,
    ),
    _cause(
        r"set `DATABASE_URL` to use query macros online",
        "sqlx has no database to check queries against: run `cargo sqlx prepare`, and commit .sqlx",
        far=True,
    ),
    _cause(
        r"EADDRINUSE[^\n]{0,200}?:(\d+)\b|EADDRINUSE|[Aa]ddress already in use",
        "something listens on the port {0} already: is it started twice, or does it not use $PORT?",
    ),
    _cause(
        r"DisallowedHost|Invalid HTTP_HOST header",
        "Django refuses the host of the health check: allow localhost in ALLOWED_HOSTS",
    ),
    _cause(
        r"No module named '?([\w.]+)",
        "the module {0} is not installed: add its package to requirements.txt or pyproject.toml",
    ),
    _cause(
        r"Cannot find (?:module|package) '((?![./])[^']+)'",
        "{0} is not installed: add it to `dependencies` of package.json (not devDependencies), and commit the lockfile",
    ),
    _cause(
        r"Cannot find module '([./][^']+)'|can't open file '([^']+)'|ENOENT: no such file or directory, \w+ '([^']+)'|"
        r"No such file or directory: '([^']+)'",
        "{0} is not there: is it committed, spelled the same, not ignored by .gitignore, and made by the build?",
    ),
    _cause(r"Missing script: \"?([\w:-]+)", "package.json has no script {0}: add it, or set another command"),
    _cause(r"(?:: |sh: \d+: )([\w.@/-]+): (?:command )?not found", "the program {0} is not installed, or not on PATH"),
    _cause(
        r"KeyError: '([A-Z][A-Z0-9_]{2,})'|\b([A-Z][A-Z0-9_]{2,}) (?:environment variable )?(?:is not set|is required)|"
        r"[Mm]issing (?:required )?environment variables?:? ([A-Z][A-Z0-9_]{2,})",
        "the variable {0} is not set: set it where Orbit is started",
    ),
    _cause(
        r"ECONNREFUSED ?([\w.:\[\]-]*)|could not connect to server|connection to server [^\n]{0,200}failed|"
        r"[Cc]onnection refused|Can't connect to (?:MySQL|local)",
        "something that it needs does not answer {0}: is the database up, and its address (DATABASE_URL) right?",
    ),
    _cause(
        r"EACCES[^\n]{0,200}'([^']+)'|Permission denied: '([^']+)'|(?<![\w./-])([\w./-]+): Permission denied|"
        r"EACCES|[Pp]ermission denied",
        "it may not use {0}: RUN_AS_USER says whom it runs as; a script wants its execute bit (git add --chmod=+x)",
    ),
)

OF_STAGE = {
    Stage.GIT_PULL: "run `orbit check`: it asks the repository, the branch and the path one by one",
    Stage.DETECTING: "run `orbit detect` in a clone; PROJECT_TYPE, PROJECT_PATH and RUN_COMMAND overrule what is found",
    Stage.INSTALLING_RUNTIME: "install a version that fits, or change what the project asks for",
    Stage.INSTALLING_DEPENDENCIES: "see its log; INSTALL_COMMAND overrules how dependencies are installed",
    Stage.PRE_DEPLOY: "see its log; mend the hook and push, or set SKIP_HOOKS=true for once",
    Stage.BUILDING: "see its log; BUILD_COMMAND overrules how it is built",
    Stage.STARTING_APP: "see its log; RUN_COMMAND overrules how it is started",
    Stage.HEALTH_CHECK: "see its log; HEALTH_CHECK_PATH and HEALTH_CHECK_TIMEOUT say what is asked, and how long",
    Stage.POST_DEPLOY: "see its log; the release is live all the same. `orbit update` runs the hook again",
}

_LOGS = {
    Stage.INSTALLING_RUNTIME: "build",
    Stage.INSTALLING_DEPENDENCIES: "build",
    Stage.BUILDING: "build",
    Stage.PRE_DEPLOY: "hooks",
    Stage.POST_DEPLOY: "hooks",
    Stage.STARTING_APP: "app",
    Stage.HEALTH_CHECK: "app",
}


def log_of(stage: Stage) -> str:
    """The name of the log that has the rest, as `orbit logs` knows it."""
    return _LOGS.get(stage, "setup")


@lru_cache(_REMEMBERED)
def in_text(text: str, far_only: bool = False) -> str | None:
    """What to do about what was printed; None if it is nothing common. The last of its kind counts: what came before
    was survived. What was found is remembered, since the status tells it again and again."""
    text = "\n".join(line[:MOST_OF_A_LINE] for line in text.split("\n"))
    for cause in CAUSES:
        if far_only and not cause.far:
            continue
        found = [*cause.pattern.finditer(text)]
        if found:
            name = next((group for group in found[-1].groups() if group), "")
            return " ".join(cause.advice.format(name).split()).replace(" :", ":").replace("( )", "")
    return None


def in_log(log: Path) -> str | None:
    """The same for the output of the last step, where its last lines may not show it."""
    output = files.last_bytes(log, most_bytes=MOST_SEARCHED)
    return in_text(output.decode("utf-8", "replace"), far_only=True)
