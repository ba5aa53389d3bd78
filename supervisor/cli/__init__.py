"""The command line. A command is a module here and a line in `group.COMMANDS`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

HELD_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
SUPERVISE = "supervisor.cli.supervise:supervise"
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main() -> None:
    """The console script. Ends with the command's exit code; shows no traceback unless ORBIT_DEBUG=1."""
    running = next((word for word in sys.argv[1:] if not word.startswith("-")), "") == "run"
    if running and os.getpid() == 1:
        # before anything is imported that PID 1 has no use for
        load("supervisor.cli.init:become_init")()
    if running:
        # held back until the loop listens: a stop during the start must not leave an application behind
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    try:
        code = _run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = 1
    except Exception as error:  # noqa: BLE001 the last boundary
        code = _tell(error)
    _flush()
    sys.exit(code)


def load(target: str) -> Callable[..., Any]:
    """What `package.module:name` names."""
    module, _, name = target.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), name)
    return loaded


@contextlib.contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Meanwhile these cannot be imported; who can do without them does."""
    sys.modules |= dict.fromkeys(modules)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for module in modules:
            del sys.modules[module]


def _run() -> int:
    """Run the command that the arguments name; its exit code. A command that returns nothing has done it."""
    if sys.argv[1:] == ["run"]:
        # It has no arguments that click would have to read. What is imported here stays for as long as Orbit runs,
        # and asyncio brings OpenSSL along: megabytes for connections that the supervisor never makes. msgspec takes
        # typing_extensions where they are, for older Pythons.
        with _without("ssl", "typing_extensions"):
            supervise = load(SUPERVISE)
        supervise()
        return 0
    import click

    from supervisor.cli.group import orbit

    try:
        result = orbit.main(prog_name="orbit", standalone_mode=False)
    except click.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt):
            return INTERRUPTED
        click.echo("orbit: aborted", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return result if isinstance(result, int) else 0


def _tell(error: Exception) -> int:
    """Say on standard error what went wrong, without secrets; the exit code."""
    from supervisor.errors import OrbitError, SettingsError
    from supervisor.redact import redactor
    from supervisor.variables import secrets

    if os.environ.get("ORBIT_DEBUG") == "1":
        import traceback

        text = "".join(traceback.format_exception(error)).rstrip("\n")
    elif isinstance(error, SettingsError):
        text = "\n".join(f"orbit: {problem}" for problem in error.problems)
    elif isinstance(error, OrbitError):
        text = f"orbit: {error}"
    else:
        summary = " ".join(f"{type(error).__name__}: {error}".split())
        text = f"orbit: internal error: {summary}; details with ORBIT_DEBUG=1"
    if sys.stderr:
        with contextlib.suppress(OSError):
            sys.stderr.write(redactor(secrets(os.environ))(text) + "\n")
    return error.exit_code if isinstance(error, OrbitError) else 1


def _flush() -> None:
    """Write out what was printed. If nobody reads it, the interpreter must not complain when it ends."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
