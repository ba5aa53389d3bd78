"""composer, where neither the system nor its packages have it: the newest, checked against its published checksum."""

from __future__ import annotations

import os
from pathlib import Path

from supervisor.runtimes.runtime import Runtime

ADDRESS = "https://getcomposer.org/download/latest-stable/composer.phar"

_FETCH = (
    "[, $from, $to] = $argv; $phar = file_get_contents($from); $sum = file_get_contents($from . '.sha256sum'); "
    "$phar && hash('sha256', $phar) === strtok((string) $sum, ' ') || exit(1); "
    "is_dir(dirname($to)) || mkdir(dirname($to), 0755, true); "
    'file_put_contents("$to.new", $phar) && chmod("$to.new", 0755) && rename("$to.new", $to) || exit(1);'
)


def provide(cache: Path, runtime: Runtime) -> tuple[Path, tuple[str, ...]]:
    """The directory for PATH, and the command that has to run first; it is empty if there is nothing to do."""
    program = cache / "tools/composer/composer"
    if os.access(program, os.X_OK):
        return program.parent, ()
    return program.parent, (str(runtime.executable), "-r", _FETCH, "--", ADDRESS, str(program))
