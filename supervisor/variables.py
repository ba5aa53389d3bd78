"""Every variable that Orbit reads, as data. The loader and `orbit check` are made from this table, the
example file and the reference page are checked against it.

Ranges are wider than what the public reference recommends (60 s at least for a hook): a short time is the
user's own affair. Only the standard library is imported, so that what needs only `home` starts fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from supervisor.errors import SettingsError
from supervisor.redact import url_secrets
from supervisor.variable import Kind, Variable

_REPOSITORY, _PROJECT, _DEPLOYMENT = "Repository", "Project", "Deployment"
_HEALTH, _UPDATES, _LOGS, _DISK, _ACCESS = "Health check", "Updates", "Logs", "Disk", "Orbit itself"

_ADDRESS = "|".join((
    r"(?:https?|ssh|git\+ssh|ssh\+git)://[^\s/-]\S*",
    r"file:///.+",
    r"(?:\w[\w.-]*@)?\w[\w.-]*:(?!//)[^\s:]\S*",  # user@host:path; `ext::command` is none
    r"/.+",
))  # fmt: skip
_REF = r"(?![-/])(?!.*(?:\.\.|//|@\{|\.lock$|[./]$))[^\x00-\x20\x7f~^:?*\[\\]+"
_FOLDER = r"(?!/)(?!(?:.*/)?\.\.(?:/|$))[^\x00-\x1f\x7f\\]+"
_VERSION = r"[\w./*^~<>=!|, +-]+"
_KINDS = (
    "auto", "node", "python", "ruby", "go", "bun", "rust", "java", "dotnet", "php", "static", "procfile",
)  # fmt: skip
LEVEL_NAMES = {
    "trace": "debug", "verbose": "debug", "notice": "info", "warn": "warning", "critical": "error",
    "fatal": "error",
}  # fmt: skip
_VERSIONS = (  # variable, what it is the version of, an example
    ("NODE_VERSION", "Node.js", "20.11.0"),
    ("PYTHON_VERSION", "Python", "3.12"),
    ("RUBY_VERSION", "Ruby", "3.3"),
    ("GO_VERSION", "Go", "1.23"),
    ("BUN_VERSION", "Bun", "1.2"),
    ("RUST_VERSION", "Rust", "1.85"),
    ("JAVA_VERSION", "Java", "21"),
    ("DOTNET_VERSION", ".NET", "8.0"),
    ("PHP_VERSION", "PHP", "8.3"),
    ("HUGO_VERSION", "Hugo", "0.140.0"),
    ("ZOLA_VERSION", "Zola", "0.19"),
    ("MDBOOK_VERSION", "mdBook", "0.4"),
)


def _version(name: str, what: str, example: str) -> Variable:
    return Variable(
        name, Kind.TEXT, _PROJECT, f"the version of {what}", otherwise="as the project says", example=example,
        pattern=_VERSION, rule="a version or a range",
    )  # fmt: skip


# fmt: off
VARIABLES: tuple[Variable, ...] = (
    Variable(
        "GIT_REPO_URL", Kind.ADDRESS, _REPOSITORY, "the address of the repository to deploy", required=True,
        example="https://github.com/user/app", pattern=_ADDRESS,
        rule="https://…, http://…, ssh://…, file:///…, user@host:path or an absolute path",
    ),
    Variable(
        "GIT_BRANCH", Kind.TEXT, _REPOSITORY, "the branch to deploy", example="production", pattern=_REF,
        otherwise="the repository's default branch", rule="the name of a branch, as git allows it",
    ),
    Variable(
        "GIT_TOKEN", Kind.TEXT, _REPOSITORY, "an access token for a private repository over HTTPS",
        secret=True, withheld=True, example="ghp_0123456789abcdef", pattern=r"\S+",
        rule="text without spaces",
    ),
    Variable(
        "GIT_USERNAME", Kind.TEXT, _REPOSITORY, "the user name that goes with GIT_TOKEN", example="deploy",
        otherwise="what the host expects beside a token", pattern=r"[^\s:]+",
        rule="text without spaces and colons",
    ),
    Variable(
        "GIT_SSH_KEY", Kind.KEY, _REPOSITORY, "the private key for a repository over SSH", secret=True,
        withheld=True, example="/run/secrets/deploy_key",
        rule="the key's absolute path, or its text (line ends may be written as \\n)",
    ),
    Variable(
        "GIT_SSH_KNOWN_HOSTS", Kind.PATH, _REPOSITORY, "the file with the SSH host keys to trust",
        example="/run/secrets/known_hosts", pattern=r"/.+", rule="an absolute path",
    ),
    Variable(
        "GIT_DEPTH", Kind.WHOLE, _REPOSITORY, "how many commits of history to fetch; 0 is the whole history",
        default="1", low=0, high=1_000_000, example="50",
    ),
    Variable(
        "PROJECT_PATH", Kind.FOLDER, _PROJECT, "the folder in the repository that is deployed",
        example="apps/web", otherwise="the repository's root", pattern=_FOLDER,
        rule="a relative path inside the repository",
    ),
    Variable(
        "PROJECT_TYPE", Kind.CHOICE, _PROJECT, "the kind of project, instead of detecting it",
        default="auto", choices=_KINDS, example="node",
    ),
    *(_version(*row) for row in _VERSIONS),
    Variable(
        "PHP_EXTENSIONS", Kind.TEXT, _PROJECT, "extensions of PHP that the project needs besides the usual ones",
        otherwise="as composer.json says", example="imagick,mongodb", pattern=r"[\w-]+(?:\s*,\s*[\w-]+)*",
        rule="names with commas between them",
    ),
    Variable(
        "MISE_RELEASES_URL", Kind.TEXT, _PROJECT,
        "where mise, which installs runtimes, is downloaded from if neither PATH nor npm has it",
        default="https://github.com/jdx/mise/releases/download", example="https://mirror.example.com/mise",
        pattern=r"https?://\S+", rule="https://… or http://…",
    ),
    Variable(
        "INSTALL_COMMAND", Kind.TEXT, _PROJECT, "the command that installs dependencies",
        otherwise="detected", example="npm ci --omit=dev",
    ),
    Variable(
        "PRE_BUILD_COMMAND", Kind.TEXT, _PROJECT, "a command to run before the build", otherwise="none",
        example="npm run codegen",
    ),
    Variable(
        "BUILD_COMMAND", Kind.TEXT, _PROJECT, "the command that builds", otherwise="detected",
        example="npm run build:production",
    ),
    Variable(
        "POST_BUILD_COMMAND", Kind.TEXT, _PROJECT, "a command to run after the build", otherwise="none",
        example="npm prune --omit=dev",
    ),
    Variable(
        "RUN_COMMAND", Kind.TEXT, _PROJECT, "the command that starts the application", otherwise="detected",
        example="npm run start:production",
    ),
    Variable(
        "OUTPUT_DIR", Kind.FOLDER, _PROJECT, "the folder of a static site, built or not, that is served",
        otherwise="detected", example="dist", pattern=_FOLDER, rule="a relative path inside the project",
    ),
    Variable(
        "FORCE_INSTALL", Kind.BOOLEAN, _PROJECT,
        "install dependencies anew and build without kept caches, even if nothing has changed",
        default="false", example="true",
    ),
    Variable(
        "APP_PORT", Kind.PORT, _PROJECT, "the port that the application listens on", required=True, low=1,
        high=65535, example="3000",
    ),
    Variable(
        "DEPLOYMENT_TIMEOUT", Kind.SECONDS, _DEPLOYMENT, "how long a deployment may take", default="1800",
        low=0.1, high=7200, example="3600",
    ),
    Variable(
        "HOOK_TIMEOUT", Kind.SECONDS, _DEPLOYMENT, "how long each hook may take", default="300", low=0.1,
        high=3600, example="900",
    ),
    Variable(
        "BUILD_MEMORY_LIMIT", Kind.SIZE, _DEPLOYMENT,
        "how much memory an install, a build or a hook may take, with all that it starts where there are control "
        "groups, else each process; 0 is no limit",
        default="0", low=16 << 20, high=1 << 50, or_zero=True, example="2G",
        rule="0, or bytes, or a number with K, M or G; 16M or more",
    ),
    Variable(
        "BUILD_CPU_LIMIT", Kind.NUMBER, _DEPLOYMENT, "how many processors it may take; 0 is no limit", default="0",
        low=0.1, high=1024, or_zero=True, example="1.5",
    ),
    Variable(
        "SKIP_HOOKS", Kind.BOOLEAN, _DEPLOYMENT, "run no hooks", default="false", example="true",
    ),
    Variable(
        "STOP_TIMEOUT", Kind.SECONDS, _DEPLOYMENT,
        "how long the application may take to stop before it is killed", default="10", low=0, high=600,
        example="30",
    ),
    Variable(
        "KEEP_RELEASES", Kind.WHOLE, _DEPLOYMENT, "how many good releases stay on disk", default="3", low=1,
        high=100, example="5",
    ),
    Variable(
        "HEALTH_CHECK_PATH", Kind.TEXT, _HEALTH, "the path that must answer with 2xx or 3xx", default="/",
        example="/healthz", pattern=r"/[!-~]*", rule="a path that starts with /",
    ),
    Variable(
        "HEALTH_CHECK_TIMEOUT", Kind.SECONDS, _HEALTH,
        "how long the application has until its first good answer", default="60", low=0.1, high=3600,
        example="120",
    ),
    Variable(
        "HEALTH_CHECK_RETRIES", Kind.WHOLE, _HEALTH,
        "with HEALTH_CHECK_DELAY, another way to set that time: it is their product", default="3", low=1,
        high=10, example="5",
    ),
    Variable(
        "HEALTH_CHECK_DELAY", Kind.SECONDS, _HEALTH, "the other factor of that time", default="10", low=1,
        high=60, example="15",
    ),
    Variable(
        "SKIP_HEALTH_CHECK", Kind.BOOLEAN, _HEALTH, "take every application that starts for healthy",
        default="false", example="true",
    ),
    Variable(
        "BAKE_TIME", Kind.SECONDS, _HEALTH,
        "for how long after going live an application that keeps ending, or stops answering, is rolled back; "
        "0 is never",
        default="60", low=0, high=3600, example="300",
    ),
    Variable(
        "HEALTH_CHECK_INTERVAL", Kind.SECONDS, _HEALTH,
        "how often to ask a live application, which is restarted if it hangs; 0 is never", default="0", low=1,
        high=3600, or_zero=True, example="30",
    ),
    Variable(
        "POLLING_INTERVAL", Kind.SECONDS, _UPDATES, "how often to look for new commits; 0 is never",
        default="0", low=1, high=86400, or_zero=True, example="300",
    ),
    Variable(
        "GIT_WATCH", Kind.BOOLEAN, _UPDATES,
        "notice a push at once when the repository lies on this machine", default="true", example="false",
    ),
    Variable(
        "DEBOUNCE_DELAY", Kind.SECONDS, _UPDATES,
        "a request for the commit that a noticed push made live less than this ago counts as answered",
        default="5", low=0, high=300, example="10",
    ),
    Variable(
        "WEBHOOK_SECRET", Kind.TEXT, _UPDATES, "the secret that webhooks are signed with", secret=True,
        withheld=True, example="a-long-random-text",
    ),
    Variable(
        "LOG_LEVEL", Kind.CHOICE, _LOGS, "how much Orbit itself logs", default="info", example="debug",
        choices=("debug", "info", "warning", "error"),
        rule=f"debug, info, warning, error; also {', '.join(LEVEL_NAMES)}",
    ),
    Variable(
        "LOG_MAX_SIZE", Kind.SIZE, _LOGS, "the size at which a log file is put aside", default="10M",
        low=64 << 10, high=1 << 40, example="50M",
    ),
    Variable(
        "LOG_BACKUPS", Kind.WHOLE, _LOGS, "how many old files of each log are kept", default="5", low=0,
        high=100, example="2",
    ),
    Variable(
        "LOG_BUDGET", Kind.SIZE, _LOGS,
        "how much all logs may take together; 0 is what five logs of LOG_MAX_SIZE and LOG_BACKUPS come to",
        default="0", low=5 * (64 << 10), high=1 << 40, or_zero=True, example="100M",
    ),
    Variable(
        "DISK_RESERVE", Kind.SIZE, _DISK,
        "how much has to stay free on the disk of ORBIT_HOME, beside a release, for a deployment to begin; "
        "0 is not to ask",
        default="128M", high=1 << 50, example="1G",
    ),
    Variable(
        "RELEASE_BUDGET", Kind.SIZE, _DISK,
        "how much the releases may take together; the live one and the one to go back to stay in any case; "
        "0 is no bound but KEEP_RELEASES",
        default="0", high=1 << 50, example="5G",
    ),
    Variable(
        "CACHE_BUDGET", Kind.SIZE, _DISK,
        "how much the downloads of package managers and snapshots may take after a deployment; 0 is no bound",
        default="2G", high=1 << 50, example="500M",
    ),
    Variable(
        "ORBIT_HOME", Kind.PATH, _ACCESS, "where releases, logs and caches lie", default="/app",
        pattern=r"/.+", rule="an absolute path", example="/srv/orbit",
    ),
    Variable(
        "RUN_AS_USER", Kind.TEXT, _ACCESS,
        "the user that git, builds, hooks and the application run as, if Orbit is started as root",
        otherwise="appuser, if there is one", example="www-data", pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?",
        rule="the name or the number of a user",
    ),
    Variable(
        "ORBIT_API_KEY", Kind.TEXT, _ACCESS, "the key to Orbit's API", secret=True, withheld=True,
        otherwise="API_KEY", example="a-long-random-text",
    ),
    Variable(
        "API_KEY", Kind.TEXT, _ACCESS,
        "the key to Orbit's API where ORBIT_API_KEY is not set; it reaches the application too", secret=True,
        example="a-long-random-text",
    ),
)
# fmt: on

BY_NAME: Mapping[str, Variable] = {variable.name: variable for variable in VARIABLES}


def home(environ: Mapping[str, str]) -> Path:
    """ORBIT_HOME alone, for commands that speak to a running supervisor. Raises SettingsError."""
    variable = BY_NAME["ORBIT_HOME"]
    text = environ.get(variable.name, "").strip() or variable.default or ""
    if not text.startswith("/"):
        problem = f"{variable.name}: {text!r} is not an absolute path; allowed: {variable.allowed}"
        raise SettingsError((problem,))
    return Path(text)


def secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Every secret in the variables of Orbit, valid or not, for `redactor`."""
    texts = {v.name: environ.get(v.name, "").strip() for v in VARIABLES if v.secret}
    found = [text for name, text in texts.items() if text and not (name == "GIT_SSH_KEY" and is_path(text))]
    return (*found, *url_secrets(environ.get("GIT_REPO_URL", "").strip()))


def is_path(key: str) -> bool:
    """Whether GIT_SSH_KEY holds the key's path, which is no secret, and not its text."""
    return key.startswith("/") and "\n" not in key
