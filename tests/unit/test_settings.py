"""Variables: what is accepted, what is said about the rest, and that no secret is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from supervisor.errors import SettingsError
from supervisor.redact import redactor
from supervisor.settings import Settings, load, unknown
from supervisor.variables import VARIABLES, home, secrets

MINIMAL = {"GIT_REPO_URL": "https://github.com/user/app", "APP_PORT": "3000"}
KEY = """\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAA
QUJDREVGR0hJSktMTU5P
-----END OPENSSH PRIVATE KEY-----"""


def settings(**variables: str) -> Settings:
    return load(MINIMAL | variables)


def problems(**variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        settings(**variables)
    return raised.value.problems


def test_every_variable_has_its_field_and_every_field_its_variable() -> None:
    assert [field.name for field in fields(Settings)] == [
        *(variable.attribute for variable in VARIABLES),
        "given",
    ]


def test_defaults_are_those_of_the_table() -> None:
    loaded = settings()
    assert loaded.git_branch is None
    assert loaded.git_depth == 1
    assert loaded.deployment_timeout_s == 1800
    assert loaded.hook_timeout_s == 300
    assert loaded.polling_interval_s == 0
    assert loaded.git_watch is True
    assert loaded.log_max_size_bytes == 10 * 1024 * 1024
    assert loaded.orbit_home == Path("/app")
    assert loaded.given == frozenset(MINIMAL)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load({"APP_PORT": "abc", "HOOK_TIMEOUT": "0", "PROJECT_TYPE": "cobol"})
    assert raised.value.problems == (
        "GIT_REPO_URL: not set; the address of the repository to deploy, e.g. https://github.com/user/app",
        "PROJECT_TYPE: 'cobol' is not known; allowed: auto, node, python, ruby, go, bun, rust, java, dotnet, "
        "php, static, procfile",
        "APP_PORT: 'abc' is not a port; allowed: a whole number from 1 to 65535",
        "HOOK_TIMEOUT: '0' is not a number of seconds in range; allowed: seconds from 0.1 to 3600",
    )
    assert raised.value.exit_code == 2


def test_a_slip_is_told_with_the_problem_that_it_causes() -> None:
    with pytest.raises(SettingsError) as raised:
        load({"GIT_REPO": "https://github.com/user/app", "APP_PORT": "1"})
    assert raised.value.problems[1:] == ("GIT_REPO: not a variable of Orbit; did you mean GIT_REPO_URL?",)


def test_the_environment_of_the_process_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_BRANCH", "elsewhere")
    assert settings().git_branch is None


def test_values_are_stripped_and_an_empty_one_is_unset() -> None:
    loaded = settings(GIT_BRANCH="  production\n", HOOK_TIMEOUT="  ", PROJECT_TYPE=" Node ")
    assert loaded.git_branch == "production"
    assert loaded.hook_timeout_s == 300
    assert loaded.project_type == "node"
    assert "HOOK_TIMEOUT" not in loaded.given


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "on", "On", " YES "])
def test_words_for_true(word: str) -> None:
    assert settings(SKIP_HOOKS=word).skip_hooks is True


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "off", "OFF"])
def test_words_for_false(word: str) -> None:
    assert settings(GIT_WATCH=word).git_watch is False


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("HOOK_TIMEOUT", "0.5", 0.5),
        ("HOOK_TIMEOUT", "3600", 3600.0),
        ("DEPLOYMENT_TIMEOUT", "1", 1.0),
        ("STOP_TIMEOUT", "0", 0.0),
        ("POLLING_INTERVAL", "0", 0.0),
        ("POLLING_INTERVAL", "0.0", 0.0),
        ("POLLING_INTERVAL", "1", 1.0),
        ("DEBOUNCE_DELAY", "0", 0.0),
        ("GIT_DEPTH", "0", 0),
        ("GIT_DEPTH", "1000000", 1_000_000),
        ("APP_PORT", "65535", 65535),
        ("LOG_MAX_SIZE", "64K", 65536),
        ("LOG_MAX_SIZE", "65536", 65536),
        ("LOG_MAX_SIZE", "5 mb", 5 << 20),
        ("LOG_MAX_SIZE", "1GiB", 1 << 30),
        ("LOG_LEVEL", "WARN", "warning"),
        ("LOG_LEVEL", "Debug", "debug"),
        ("PROJECT_PATH", "./apps//web/", "apps/web"),
        ("PROJECT_PATH", ".", None),
        ("PROJECT_PATH", "..apps/we..b", "..apps/we..b"),
        ("GIT_BRANCH", "feature/a-b_c.d", "feature/a-b_c.d"),
        ("NODE_VERSION", "lts/iron", "lts/iron"),
        ("NODE_VERSION", ">=18 <21 || ^22", ">=18 <21 || ^22"),
        ("PYTHON_VERSION", "~=3.11", "~=3.11"),
        ("ORBIT_HOME", "/srv/my orbit", Path("/srv/my orbit")),
        ("RUN_AS_USER", "1000", "1000"),
        ("RUN_COMMAND", "FOO='a b' exec node server.js | tee log", "FOO='a b' exec node server.js | tee log"),
    ],
)
def test_accepted(name: str, text: str, value: object) -> None:
    variable = next(variable for variable in VARIABLES if variable.name == name)
    found = getattr(settings(**{name: text}), variable.attribute)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("APP_PORT", "0"),
        ("APP_PORT", "65536"),
        ("APP_PORT", "30 00"),
        ("APP_PORT", "３０００"),
        ("APP_PORT", "1_0"),
        ("HOOK_TIMEOUT", "nan"),
        ("HOOK_TIMEOUT", "inf"),
        ("HOOK_TIMEOUT", "5m"),
        ("HOOK_TIMEOUT", "-1"),
        ("HOOK_TIMEOUT", "3601"),
        ("POLLING_INTERVAL", "0.5"),
        ("HEALTH_CHECK_RETRIES", "11"),
        ("HEALTH_CHECK_RETRIES", "1.5"),
        ("HEALTH_CHECK_DELAY", "61"),
        ("HEALTH_CHECK_PATH", "healthz"),
        ("HEALTH_CHECK_PATH", "/a b"),
        ("HEALTH_CHECK_PATH", "/a\r\nHost: b"),
        ("GIT_DEPTH", "1000001"),
        ("KEEP_RELEASES", "0"),
        ("LOG_MAX_SIZE", "63K"),
        ("LOG_MAX_SIZE", "10 apples"),
        ("LOG_MAX_SIZE", "9" * 40),
        ("LOG_LEVEL", "loud"),
        ("SKIP_HOOKS", "maybe"),
        ("PROJECT_PATH", "/etc"),
        ("PROJECT_PATH", "../other"),
        ("PROJECT_PATH", "a/../../b"),
        ("PROJECT_PATH", "a/.."),
        ("GIT_BRANCH", "--upload-pack=touch /tmp/x"),
        ("GIT_BRANCH", "a..b"),
        ("GIT_BRANCH", "a b"),
        ("GIT_BRANCH", "a.lock"),
        ("GIT_SSH_KNOWN_HOSTS", "known_hosts"),
        ("ORBIT_HOME", "app"),
        ("RUN_AS_USER", "-x"),
        ("NODE_VERSION", "$(reboot)"),
        ("GIT_REPO_URL", "github.com/user/app"),
        ("GIT_REPO_URL", "ext::sh -c reboot"),
        ("GIT_REPO_URL", "ftp://example.org/app"),
        ("GIT_REPO_URL", "ssh://-oProxyCommand=reboot/x"),
        ("GIT_REPO_URL", "--upload-pack=x"),
        ("GIT_REPO_URL", "https://example.org/a b"),
    ],
)
def test_refused_with_one_line_that_says_what_is_allowed(name: str, text: str) -> None:
    (line,) = problems(**{name: text})
    allowed = next(variable.allowed for variable in VARIABLES if variable.name == name)
    assert line.startswith(f"{name}: ")
    assert line.endswith(f"; allowed: {allowed}")
    assert "\n" not in line and "\r" not in line


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/user/app",
        "http://127.0.0.1:8080/app.git",
        "https://user:p%40ss@example.org/app",
        "https://github.com/user/app/tree/main/apps/web",
        "ssh://git@example.org:2222/app.git",
        "git@github.com:user/app.git",
        "file:///srv/git/app.git",
        "/srv/my repositories/app.git",
    ],
)
def test_addresses(address: str) -> None:
    assert settings(GIT_REPO_URL=address).git_repo_url == address


@pytest.mark.parametrize(
    ("variables", "window_s"),
    [
        ({}, 60),
        ({"HEALTH_CHECK_TIMEOUT": "5"}, 5),
        ({"HEALTH_CHECK_RETRIES": "5"}, 50),
        ({"HEALTH_CHECK_DELAY": "15"}, 45),
        ({"HEALTH_CHECK_RETRIES": "2", "HEALTH_CHECK_DELAY": "3"}, 6),
        ({"HEALTH_CHECK_RETRIES": "3", "HEALTH_CHECK_TIMEOUT": "5"}, 30),
    ],
)
def test_health_window(variables: dict[str, str], window_s: float) -> None:
    assert settings(**variables).health_window_s == window_s


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        settings().app_port = 1  # type: ignore[misc]


def test_withheld_are_orbits_own_secrets_and_the_applications_key_is_not() -> None:
    assert settings().withheld == {"GIT_TOKEN", "GIT_SSH_KEY", "WEBHOOK_SECRET", "ORBIT_API_KEY"}


SECRET = {
    "GIT_REPO_URL": "https://deploy:url%2Fsecret-1@example.org/app",
    "GIT_TOKEN": "token-secret-2",
    "GIT_SSH_KEY": KEY,
    "WEBHOOK_SECRET": "hook secret/3",
    "ORBIT_API_KEY": "orbit-secret-4",
    "API_KEY": "shared-secret-5",
}
TEXTS = ("url%2Fsecret-1", "url/secret-1", *list(SECRET.values())[1:], "QUJDREVGR0hJSktMTU5P")


@pytest.mark.parametrize("secret", TEXTS)
def test_no_secret_is_shown(secret: str) -> None:
    loaded = settings(**SECRET)
    assert secret not in repr(loaded)
    assert not any(secret in row.value for row in loaded.shown())
    for known in (loaded.secrets, secrets(MINIMAL | SECRET)):
        assert secret not in redactor(known)(f"before {secret} after")


@pytest.mark.parametrize(
    "form", ["hook%20secret%2F3", "hook+secret%2f3", "hook%20secret/3", r"-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"]
)
def test_secrets_are_known_in_their_other_forms(form: str) -> None:
    assert form not in redactor(settings(**SECRET).secrets)(f"?key={form}")


def test_a_longer_secret_is_replaced_whole() -> None:
    assert redactor(("abcd", "abcdefgh"))("x abcdefgh y abcd") == "x *** y ***"


@pytest.mark.parametrize(
    "address",
    [
        "https://ghp_0123456789@github.com/user/app",
        "https://0123456789abcdef0123:x-oauth-basic@github.com/user/app",
    ],
)
def test_a_token_in_place_of_the_user_is_a_secret(address: str) -> None:
    loaded = settings(GIT_REPO_URL=address)
    assert loaded.secrets == (address.removeprefix("https://").partition("@")[0].partition(":")[0],)
    assert "GIT_REPO_URL='https://***@github.com/user/app'" in repr(loaded)


@pytest.mark.parametrize(
    "address", ["https://alice@example.org/app", "ssh://git@example.org/app", "git@example.org:app"]
)
def test_a_user_in_the_address_is_no_secret(address: str) -> None:
    assert settings(GIT_REPO_URL=address).secrets == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("GIT_TOKEN", "token with-secret"),
        ("GIT_SSH_KEY", "not-a-key-with-secret"),
        ("GIT_REPO_URL", "htps://user:with-secret@example.org/app"),
        ("GIT_REPO_URL", "user:pa/with-secret@example.org app"),
    ],
)
def test_no_secret_is_in_a_problem(name: str, text: str) -> None:
    assert "secret" not in "".join(problems(**{name: text})).replace(name, "")


def test_a_key_may_be_a_path_its_text_or_one_line() -> None:
    assert settings(GIT_SSH_KEY="/run/secrets/key").git_ssh_key == "/run/secrets/key"
    assert settings(GIT_SSH_KEY="/run/secrets/key").secrets == ()
    for text in (KEY, KEY + "\n", KEY.replace("\n", "\r\n"), KEY.replace("\n", "\\n") + "\\n"):
        assert settings(GIT_SSH_KEY=text).git_ssh_key == KEY + "\n"


def test_shown_says_what_is_in_effect_and_where_it_comes_from() -> None:
    loaded = settings(LOG_MAX_SIZE="1024K", SKIP_HOOKS="yes", HOOK_TIMEOUT="1.50")
    rows = {row.name: row[1:] for row in loaded.shown()}
    assert rows["APP_PORT"] == ("3000", "set")
    assert rows["LOG_MAX_SIZE"] == ("1M", "set")
    assert rows["RELEASE_BUDGET"] == ("0", "default")
    assert rows["SKIP_HOOKS"] == ("true", "set")
    assert rows["HOOK_TIMEOUT"] == ("1.5", "set")
    assert rows["DEPLOYMENT_TIMEOUT"] == ("1800", "default")
    assert rows["GIT_BRANCH"] == ("the repository's default branch", "default")
    assert list(rows) == [variable.name for variable in VARIABLES]


def test_bytes_that_are_no_utf8_do_not_crash() -> None:
    strange = os.fsdecode(b"caf\xe9 \x1b[31m")
    loaded = settings(RUN_COMMAND=strange, WEBHOOK_SECRET=strange, **{strange: strange})
    assert loaded.run_command == strange
    assert "\x1b" not in "".join(row.value for row in loaded.shown())
    "".join(row.value for row in loaded.shown()).encode()
    redactor(loaded.secrets)("text")
    "".join(problems(APP_PORT=strange)).encode()
    "".join(unknown(os.environ | {"HOOK_TIMOUT": "", strange: ""})).encode()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("HOOK_TIMOUT", "HOOK_TIMEOUT"), ("GIT_BRACH", "GIT_BRANCH"), ("APP_PORTS", "APP_PORT")],
)
def test_near_misses(name: str, meant: str) -> None:
    assert unknown({name: "x"}) == (f"{name}: not a variable of Orbit; did you mean {meant}?",)
    assert unknown({name: "x", meant: "y"}) == ()


def test_an_applications_own_variables_are_no_near_misses() -> None:
    names = """PATH HOME PORT HOST NODE_ENV DATABASE_URL API_PORT API_KEYS X_API_KEY CODE_VERSION GO_VERSION
        RUBY_VERSION BUN_VERSION GITHUB_TOKEN GIT_SSH GIT_SSH_COMMAND GIT_DIR GIT_AUTHOR_NAME BUILD_TIMEOUT
        HEALTH_CHECK_INTERVAL STRIPE_WEBHOOK_SECRET SLACK_WEBHOOK_URL WEBHOOK_URL REQUEST_TIMEOUT HTTP_TIMEOUT
        LOGLEVEL RUST_LOG APP_ENV APP_KEY APP_HOST APP_URL PROJECT_NAME PROJECT_ID JAVA_VERSION FLUX_API_KEY
        ORBIT_DEBUG"""
    assert unknown(dict.fromkeys(names.split(), "x")) == ()


def test_home_alone_needs_no_other_variable() -> None:
    assert home({}) == Path("/app")
    assert home({"ORBIT_HOME": " /srv/orbit "}) == Path("/srv/orbit")
    with pytest.raises(SettingsError, match="ORBIT_HOME: 'srv' is not an absolute path; allowed: an absolute path"):
        home({"ORBIT_HOME": "srv"})


def test_settings_are_cheap_to_import() -> None:
    """No third-party library but msgspec, and none at all for the commands that need only `home`."""
    script = "import sys; import {}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    for module, allowed in (("supervisor.settings", {"msgspec"}), ("supervisor.variables", set[str]())):
        done = subprocess.run(
            [sys.executable, "-c", script.format(module)],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        heavy = {"environs", "marshmallow", "pydantic", "loguru", "click", "rich", "asyncio", "msgspec"}
        assert set(done.stdout.split()) & heavy == allowed
