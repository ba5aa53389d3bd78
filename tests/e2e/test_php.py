"""A PHP application with a package of composer's, served by PHP's own server."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.orbit import Orbit
from tests.support.repository import Repository

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP"),
    pytest.mark.skipif(shutil.which("composer") is None, reason="there is no composer"),
]

INDEX = """<?php

require __DIR__ . '/../vendor/autoload.php';

header('Content-Type: application/json');
echo json_encode([
    'version' => Acme\\Greeting::VERSION,
    'path' => $_SERVER['REQUEST_URI'],
    'script' => $_SERVER['SCRIPT_NAME'],
    'cwd' => getcwd(),
]);
"""


def application(version: str) -> dict[str, str | None]:
    """Its package lies in the repository: nothing is downloaded."""
    own = {
        "name": "acme/shop",
        "require": {"php": ">=7.4", "ext-json": "*", "acme/greeting": "1.0.0"},
        "repositories": [{"type": "path", "url": "packages/greeting"}, {"packagist.org": False}],
        "autoload": {"psr-4": {"Shop\\": "src/"}},
    }
    package = {"name": "acme/greeting", "version": "1.0.0", "autoload": {"psr-4": {"Acme\\": "src/"}}}
    constant = f"<?php\n\nnamespace Acme;\n\nclass Greeting\n{{\n    public const VERSION = '{version}';\n}}\n"
    return {
        "composer.json": json.dumps(own),
        "packages/greeting/composer.json": json.dumps(package),
        "packages/greeting/src/Greeting.php": constant,
        "public/index.php": INDEX,
        "public/style.css": "body { color: red }\n",
        "public/.env": "SECRET=yes\n",
        "public/old.php~": "<?php $password = 1;\n",
        "public/about/index.html": "<p>about</p>\n",
    }


def answer(orbit: Orbit, path: str) -> tuple[int, str, str]:
    """Status, type and text."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{orbit.port}{path}", timeout=5) as found:
            return found.status, found.headers.get_content_type(), found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read().decode()


def test_php_with_composer_is_deployed_served_and_pushed_to(orbit: Orbit, repository: Repository) -> None:
    one = repository.push(application("1"))
    orbit.start()
    orbit.wait_version("1", 120)
    assert orbit.wait_idle(1)["outcome"] == "succeeded"

    assert answer(orbit, "/style.css") == (200, "text/css", "body { color: red }\n")
    assert answer(orbit, "/about/")[:2] == (200, "text/html")
    for path in ("/orders/5", "/orders/file.json?page=2", "/index.php"):
        found = orbit.ask(path)
        assert found is not None and (found["path"], found["script"]) == (path, "/index.php")
        assert found["cwd"].endswith("/public")
    for path in ("/.env", "/old.php~", "/%2eenv", "/..%2fcomposer.json", "/../composer.json", "/%00"):
        status, _, text = answer(orbit, path)
        assert "SECRET" not in text and "password" not in text and "acme" not in text, path
        assert status in (400, 404) or '"version"' in text, path

    two = repository.push(application("2"))
    orbit.hup()
    orbit.wait_version("2", 120)
    assert orbit.wait_idle(2)["outcome"] == "succeeded"
    assert orbit.releases() == [f"001-{one}", f"002-{two}"]


def test_project_without_a_public_directory_shows_no_manifests(orbit: Orbit, repository: Repository) -> None:
    repository.push(
        {
            "index.php": "<?php\necho json_encode(['version' => '1', 'uri' => $_SERVER['REQUEST_URI']]);\n",
            "composer.json": json.dumps({"require": {"php": "*"}, "repositories": [{"packagist.org": False}]}),
            "config/database.yml": "password: secret\n",
            "admin/index.php": "<?php\necho json_encode(['version' => 'admin', 'in' => basename(getcwd())]);\n",
            "app.log": "secret\n",
        }
    )
    orbit.start()
    orbit.wait_version("1", 120)
    for path in ("/composer.json", "/config/database.yml", "/app.log", "/vendor/composer/installed.json", "/.git"):
        assert answer(orbit, path)[0] == 404, path
    assert answer(orbit, "/.orbit/router.php")[0] == 404
    assert orbit.ask("/admin/") == {"version": "admin", "in": "admin"}


def test_extension_that_cannot_be_had_is_an_error_that_names_it(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    repository.push({"index.php": "<?php\necho 1;\n"})
    packages = tmp_path / "bin/apt-get"
    packages.parent.mkdir()
    packages.write_text('#!/bin/sh\necho "$@" >> "${0%/*}/asked"\nexit 100\n')
    packages.chmod(0o755)
    orbit.env |= {"PHP_EXTENSIONS": "nosuchextension, json", "PATH": f"{packages.parent}:{orbit.env['PATH']}"}
    orbit.start()
    record = orbit.wait_idle(1, 150)
    assert record["stage"] == "installing_runtime"
    assert "cannot provide the extension nosuchextension for PHP" in record["reason"]
    if os.getuid() == 0:
        asked = (packages.parent / "asked").read_text().splitlines()
        assert [line.split()[0] for line in asked] == ["install", "update"]
        assert asked[0].endswith("-nosuchextension")


ARTISAN = """<?php

switch ($argv[1]) {
    case 'route:cache':
        exit(3);  // what cannot be cached is left alone
    case 'route:clear':
        file_put_contents('cleared', 'yes');
        exit(0);
    case 'migrate':
        (new PDO('sqlite:database/database.sqlite'))->exec('create table users (id integer)');
        exit(0);
    case 'serve':
        parse_str(strtr(implode('&', array_slice($argv, 2)), ['--' => '']), $options);
        passthru("exec php -S {$options['host']}:{$options['port']} -t public", $status);
        exit($status);
}
exit(9);
"""
FRONT = """<?php
$users = (new PDO('sqlite:' . dirname(__DIR__) . '/database/database.sqlite'))->query('select count(*) from users');
echo json_encode([
    'version' => '1',
    'key' => getenv('APP_KEY'),
    'env' => getenv('APP_ENV'),
    'users' => $users->fetchColumn(),
    'file' => trim(file_get_contents(dirname(__DIR__) . '/.env')),
    'cleared' => file_exists(dirname(__DIR__) . '/cleared'),
]);
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root installs the extension that it needs")
def test_laravel_gets_a_key_a_database_and_its_caches(orbit: Orbit, repository: Repository) -> None:
    own = {
        "require": {"laravel/framework": "11.0.0"},
        "repositories": [{"type": "path", "url": "framework"}, {"packagist.org": False}],
    }
    repository.push(
        {
            "composer.json": json.dumps(own),
            "framework/composer.json": json.dumps({"name": "laravel/framework", "version": "11.0.0"}),
            "artisan": ARTISAN,
            "public/index.php": FRONT,
            "database/.gitignore": "*.sqlite\n",
            ".env.example": "APP_ENV=local\nAPP_KEY=\nDB_CONNECTION=sqlite\n",
        }
    )
    orbit.start()
    orbit.wait_version("1", 120)
    orbit.wait_idle(1)
    answer = orbit.ask()
    assert answer is not None
    assert answer["key"].startswith("base64:") and answer["env"] == "production"
    assert (int(answer["users"]), answer["cleared"]) == (0, True)
    assert answer["file"].startswith("APP_ENV=local")
