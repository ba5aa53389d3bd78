"""The console script: what it imports, what it says, how it ends. Commands run as users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from supervisor import __version__
from supervisor.cli.group import COMMANDS

TIMEOUT_S = 30
MINIMAL = {"GIT_REPO_URL": "https://example.org/app", "APP_PORT": "3000"}
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def orbit(tmp_path: Path) -> Callable[..., Done]:
    def run(*words: str, **variables: str) -> Done:
        env = {"PATH": os.environ["PATH"], "ORBIT_HOME": str(tmp_path), **variables}
        command = [sys.executable, "-m", "supervisor", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    return run


def python(script: str, **variables: str) -> Done:
    env = {"PATH": os.environ["PATH"], **variables}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def failing(error: str, **variables: str) -> Done:
    """`orbit status`, with a command in its place that raises `error`."""
    return python(
        "import sys, click\n"
        "from supervisor import cli, errors\n"
        "from supervisor.cli import group\n"
        f"@click.command()\ndef status(): {error}\n"
        "sys.modules['failing'] = sys.modules['__main__']\n"
        "group.COMMANDS['status'] = group.Entry('failing:status', '')\n"
        "sys.argv = ['orbit', 'status']\n"
        "cli.main()\n",
        **variables,
    )


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    done = python(
        "import sys; from supervisor.cli import main; sys.argv = ['orbit', '--help']\n"
        "try: main()\n"
        "finally: print([name for name in sys.modules if name.startswith('supervisor')], file=sys.stderr)"
    )
    assert done.returncode == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in done.stdout and entry.summary in done.stdout
    assert done.stderr == "['supervisor', 'supervisor.cli', 'supervisor.cli.group']\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, orbit: Callable[..., Done]) -> None:
    if find_spec(COMMANDS[name].target.partition(":")[0]) is None:
        pytest.skip("not written yet")
    done = orbit(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Example" in done.stdout and f"orbit {name}" in done.stdout


def test_version(orbit: Callable[..., Done]) -> None:
    assert orbit("--version").stdout == f"orbit {__version__}\n"


@pytest.mark.parametrize("words", [("bogus",), ("--bogus",), ("status", "--bogus"), ("status", "bogus"), ()])
def test_wrong_usage_exits_2_and_says_so_on_standard_error(words: tuple[str, ...], orbit: Callable[..., Done]) -> None:
    done = orbit(*words)
    assert done.returncode == 2
    assert done.stdout == "" and "Usage: orbit" in done.stderr


def test_no_supervisor_exits_3(orbit: Callable[..., Done], tmp_path: Path) -> None:
    done = orbit("status")
    assert done.returncode == 3
    assert done.stderr.startswith(f"orbit: no supervisor runs in {tmp_path}")


@pytest.mark.parametrize("words", [("run",), ("check",)])
def test_settings_errors_have_a_line_each_and_exit_2(words: tuple[str, ...], orbit: Callable[..., Done]) -> None:
    done = orbit(*words, GIT_REPO="x", APP_PORT="abc", GIT_TOKEN="a secret")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "orbit: GIT_REPO_URL: not set; the address of the repository to deploy, e.g. https://github.com/user/app",
        "orbit: GIT_TOKEN: '***' is not allowed; allowed: text without spaces",
        "orbit: APP_PORT: 'abc' is not a port; allowed: a whole number from 1 to 65535",
        "orbit: GIT_REPO: not a variable of Orbit; did you mean GIT_REPO_URL?",
    ]


def test_an_error_for_the_user_is_its_message() -> None:
    done = failing("raise errors.OrbitError('cannot do it: why')")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "orbit: cannot do it: why\n")


def test_an_internal_error_is_one_line_without_a_traceback_or_a_secret() -> None:
    done = failing("raise RuntimeError('token\\n12345 broke')", GIT_TOKEN="12345")
    assert done.returncode == 1
    assert done.stderr == "orbit: internal error: RuntimeError: token *** broke; details with ORBIT_DEBUG=1\n"


def test_debug_shows_the_traceback_without_secrets() -> None:
    done = failing("raise errors.OrbitError(sys.argv[1] + ' 12345')", GIT_TOKEN="12345", ORBIT_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "status ***" in done.stderr
    assert "12345" not in done.stderr


def test_a_command_may_return_its_exit_code() -> None:
    assert failing("return 1").returncode == 1
    assert failing("return None").returncode == 0
    assert failing("sys.exit(7)").returncode == 7
    assert failing("click.get_current_context().exit(5)").returncode == 5


def test_interrupt_exits_130_quietly() -> None:
    done = failing("raise KeyboardInterrupt")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


def test_nobody_reading_is_no_reason_to_complain() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for words in (["--help"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "supervisor", *words],
            env={**os.environ, **MINIMAL},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.stderr == b""
        assert done.returncode == 1
    os.close(writer)


@pytest.mark.parametrize(
    ("pid", "words", "handed_over"),
    [
        (1, ["run"], True),
        (1, ["run", "--help"], True),
        (1, ["--", "run"], True),
        (2, ["run"], False),
        (1, ["--version"], False),
        (1, ["update", "run"], False),
    ],
)
def test_pid_1_hands_over_before_anything_heavy_is_imported(pid: int, words: list[str], handed_over: bool) -> None:
    done = python(
        "import os, sys\n"
        f"os.getpid = lambda: {pid}\n"
        "from supervisor.cli import main\n"
        "def execv(path, argv):\n"
        "    print(argv, not {'click', 'loguru', 'asyncio', 'msgspec', 'subprocess'} & set(sys.modules), flush=True)\n"
        "    os._exit(0)\n"
        "os.execv = execv\n"
        f"sys.argv = ['orbit', *{words}]\n"
        f"sys.orig_argv = ['python3', '-u', '/bin/orbit', *{words}]\n"
        "main()\n",
    )
    again = [sys.executable, "-u", "/bin/orbit", *words]
    assert done.stdout.endswith(f"/shim/__main__.py', 'init', {str(again)[1:]} True\n") is handed_over


def test_check_shows_what_is_in_effect_without_secrets(orbit: Callable[..., Done]) -> None:
    done = orbit("check", **MINIMAL, GIT_TOKEN="12345", HOOK_TIMOUT="1", HEALTH_CHECK_RETRIES="5")
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert ["APP_PORT", "set", "3000"] in lines
    assert ["GIT_TOKEN", "set", "***"] in lines
    assert ["HOOK_TIMEOUT", "default", "300"] in lines
    assert "12345" not in done.stdout
    assert "50 s to answer well" in done.stdout
    assert "WARNING: HOOK_TIMOUT: not a variable of Orbit; did you mean HOOK_TIMEOUT?" in done.stdout


def test_check_as_json(orbit: Callable[..., Done]) -> None:
    facts = json.loads(orbit("check", "--json", **MINIMAL, WEBHOOK_SECRET="12345").stdout)
    rows = {row["name"]: (row["value"], row["origin"]) for row in facts["settings"]}
    assert rows["WEBHOOK_SECRET"] == ("***", "set")
    assert rows["GIT_DEPTH"] == ("1", "default")
    assert facts["health_window_seconds"] == 60
    assert facts["problems"] == []


def test_check_as_json_tells_of_problems_and_exits_2(orbit: Callable[..., Done]) -> None:
    done = orbit("check", "--json", APP_PORT="abc")
    assert done.returncode == 2
    facts = json.loads(done.stdout)
    assert [problem.partition(":")[0] for problem in facts["problems"]] == ["GIT_REPO_URL", "APP_PORT"]
