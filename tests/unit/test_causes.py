"""What a build printed, and what it means."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from supervisor.deploy.causes import MOST_SEARCHED, in_log, in_text

OF_NPM = "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.\n"


def test_cause_that_the_last_lines_do_not_show_is_found(tmp_path: Path) -> None:
    log = tmp_path / "001.log"
    log.write_text("=== Installing Dependencies ===\n" + OF_NPM + "npm error Options:\n" * 40)
    assert "does not fit package.json" in (in_log(log) or "")


def test_no_cause_is_made_up(tmp_path: Path) -> None:
    log = tmp_path / "001.log"
    assert in_log(log) is None
    log.write_text("npm error code E404\n")
    assert in_log(log) is None
    log.write_text(OF_NPM + "x" * MOST_SEARCHED)
    assert in_log(log) is None


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        ("main.go:4:2: missing go.sum entry for module providing package a.org/b", "run `go mod tidy`"),
        ("main.go:4:2: no required module provides package a.org/b; to add it:", "the code a.org/b: run `go mod tidy`"),
        (
            "go: go.mod requires go >= 1.24 (running go 1.22.1; GOTOOLCHAIN=local)",
            "another Go is needed (1.24 or later)",
        ),
        ("error: package `clap v4.5` cannot be built because it requires rustc 1.74 or newer", "Rust is needed (1.74)"),
        ("  lock file version `4` was found, but this version of Cargo does not", "a later Rust is needed"),
        ('cgo: C compiler "gcc" not found: exec: "gcc": not found in $PATH', "a C compiler is needed"),
        ("error: linker `cc` not found", "a C compiler is needed"),
        (
            "Binary was compiled with 'CGO_ENABLED=0', go-sqlite3 requires cgo to work. This is a stub",
            "see CGO_ENABLED",
        ),
        ("  Could not find directory of OpenSSL installation, and this", "OpenSSL's headers are needed"),
        ("error: set `DATABASE_URL` to use query macros online, or run", "run `cargo sqlx prepare`"),
        ("Error: listen EADDRINUSE: address already in use :::3000", "listens on the port 3000"),
        ("OSError: [Errno 98] Address already in use", "listens on the port already"),
        ("Error: Cannot find module 'express'\nRequire stack:", "express is not installed: add it to `dependencies`"),
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'hono' imported from /x", "hono is not installed"),
        ("Error: Cannot find module '/app/dist/main.js'", "/app/dist/main.js is not there"),
        ("ModuleNotFoundError: No module named 'flask'", "module flask is not installed"),
        ("python: can't open file '/app/mian.py': [Errno 2] No such file or directory", "/app/mian.py is not there"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'config.toml'", "config.toml is not there"),
        ("Error: ENOENT: no such file or directory, open 'data.json'", "data.json is not there"),
        ('npm error Missing script: "start"', "no script start"),
        ("sh: 1: vite: not found", "program vite is not installed"),
        ("bash: line 1: gunicorn: command not found", "program gunicorn is not installed"),
        ("/bin/bash: ./run.sh: Permission denied", "may not use ./run.sh"),
        ("PermissionError: [Errno 13] Permission denied: '/var/data'", "may not use /var/data"),
        ("Error: EACCES: permission denied, open '/var/data'", "may not use /var/data"),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "max-old-space-size"),
        ("MemoryError", "not enough memory"),
        ("fork: Cannot allocate memory", "not enough memory"),
        ("java.lang.OutOfMemoryError: Java heap space", "not enough memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "not enough memory"),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", "does not answer 127.0.0.1:5432"),
        ('connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused', "is the database up"),
        ("django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: 'localhost:1'", "ALLOWED_HOSTS"),
        ("    KEY = os.environ['STRIPE_KEY']\nKeyError: 'STRIPE_KEY'", "variable STRIPE_KEY is not set"),
        ("Error: Missing required environment variable: DATABASE_URL", "variable DATABASE_URL is not set"),
        ("Error: DATABASE_URL is not set", "variable DATABASE_URL is not set"),
        ("ERROR: Package 'x' requires a different Python: 3.9.2 not in '>=3.11'", "3.9.2 not in '>=3.11'"),
        ("npm error engine Unsupported engine", "set NODE_VERSION"),
    ],
)
def test_common_causes_are_recognised(printed: str, advice: str) -> None:
    found = in_text(f"something before\n{printed}\n    at something after (x.js:1:2)\n")
    assert advice in (found or "")
    assert "{" not in str(found) and "  " not in str(found) and "()" not in str(found)


@pytest.mark.parametrize(
    "printed", ["", "ready", "KeyError: 'user'", "GET /api/not found 404", "listening on 3000", "0 errors", "x" * 9000]
)
def test_nothing_is_recognised_in_what_is_no_cause(printed: str) -> None:
    assert in_text(printed) is None


def test_the_last_of_several_names_is_told() -> None:
    assert "b is not installed" in (in_text("Cannot find module 'a'\nretry\nCannot find module 'b'") or "")


@pytest.mark.parametrize("kilobytes", [8, 64])
@pytest.mark.parametrize("unit", ["a", "A", "requires-python ", "EACCES ", "EADDRINUSE "])
def test_a_long_line_takes_no_time(kilobytes: int, unit: str) -> None:
    text = unit * (kilobytes * 1024 // len(unit))
    since = time.process_time()
    in_text(text)
    assert time.process_time() - since < 0.05


def test_what_was_found_is_remembered() -> None:
    before = in_text.cache_info().hits
    text = "No module named 'remembered'"
    assert in_text(text) == in_text(text)
    assert in_text.cache_info().hits == before + 1
