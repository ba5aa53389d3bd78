"""The rules for PHP projects, one by one."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from supervisor.deploy import generated
from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.languages.php.serving import REMARK
from supervisor.layout import Layout
from supervisor.model import Plan
from supervisor.runtimes import php as kind
from supervisor.runtimes import php_extensions
from tests.support.projects import in_time, write

INDEX = "<?php\necho 1;\n"
LARAVEL: dict[str, object] = {"require": {"php": "^8.2", "laravel/framework": "^11.0"}}


def php(directory: Path, composer: dict[str, object], files: dict[str, str], **options: str) -> Plan:
    return detect(write(directory, {"composer.json": json.dumps(composer), **files}), Overrides(**options))


# versions


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        ("8.2", ("8.2.0", "8.2.36"), ("8.1.9", "8.20.1")),
        ("8", ("8.0.1", "8.4.2"), ("7.4.1",)),
        ("^8.1", ("8.1.0", "8.4.2"), ("8.0.30", "9.0.0")),
        ("^8.1.5", ("8.1.5", "8.2.0"), ("8.1.4",)),
        ("~8.1", ("8.1.0", "8.4.0"), ("8.0.1", "9.0.0")),
        ("~8.1.2", ("8.1.2", "8.1.9"), ("8.1.1", "8.2.0")),
        (">=7.4", ("7.4.0", "8.3.1"), ("7.3.33",)),
        (">=8.1 <8.3", ("8.1.0", "8.2.36"), ("8.3.0",)),
        (">=8.1,<8.3", ("8.2.36",), ("8.3.0",)),
        (">8.1", ("8.2.0", "8.1.1"), ("8.1.0",)),
        ("<=8.2", ("8.2.36", "7.4.1"), ("8.3.0",)),
        ("^7.4 || ^8.0", ("7.4.3", "8.2.1"), ("7.3.9", "9.0.0")),
        ("^7.3|^8.0", ("7.3.3", "8.2.1"), ("7.2.9",)),
        ("8.2.*", ("8.2.36",), ("8.3.0",)),
        ("7.4 - 8.2", ("7.4.0", "8.2.36"), ("8.3.0", "7.3.1")),
        (">=8.2 !=8.3", ("8.2.1", "8.4.1"), ("8.3.1",)),
        (">=8.1@dev", ("8.1.0",), ("8.0.0",)),
        ("*", ("5.6.40", "8.4.1"), ()),
    ],
)
def test_constraints_of_composer(wanted: str, fitting: tuple[str, ...], others: tuple[str, ...]) -> None:
    requirement = kind.requirement(wanted)
    assert requirement is not None
    assert [version for version in fitting if not requirement.fits(version)] == []
    assert [version for version in others if requirement.fits(version)] == []


@pytest.mark.parametrize("wanted", ["eight", ">=", "^", "8.2 or 8.3", ""])
def test_what_is_no_constraint(wanted: str) -> None:
    assert kind.requirement(wanted) is None


def test_an_exact_patch_is_nearly_met_by_another() -> None:
    requirement = kind.requirement("8.2.5")
    assert requirement is not None and requirement.nearly is not None
    assert not requirement.fits("8.2.36") and requirement.nearly("8.2.36") and not requirement.nearly("8.3.0")


def test_version_that_php_prints() -> None:
    assert kind.version("PHP 8.2.36 (cli) (built: Jun 9 2025)\nCopyright (c) The PHP Group") == "8.2.36"
    assert kind.version("Warning: no module\nPHP 7.4.33 (cli)") == "7.4.33"
    assert kind.version("HHVM") is None


def test_version_is_the_nearest_word(tmp_path: Path) -> None:
    composer: dict[str, object] = {"require": {"php": "^8.1"}, "config": {"platform": {"php": "8.1.3"}}}
    files = {"index.php": INDEX}
    assert php(tmp_path, composer, files).runtime_version == "^8.1"
    assert php(tmp_path, {"config": composer["config"]}, files).runtime_version == "8.1.3"
    assert php(tmp_path, composer, {**files, ".php-version": "8.3"}).runtime_version == "8.3"
    assert php(tmp_path, composer, files, php_version="8.4").runtime_version == "8.4"


# extensions


def test_extensions_of_the_project_of_its_packages_and_of_the_user(tmp_path: Path) -> None:
    locked = [
        {"name": "a/b", "require": {"php": "^8", "ext-gd": "*"}, "suggest": {"ext-redis": "fast"}},
        {"name": "a/c", "require-dev": {"ext-mongodb": "*"}},
    ]
    lock = {"packages": locked, "packages-dev": [{"name": "a/d", "require": {"ext-xdebug": "*"}}]}
    files = {"index.php": INDEX, "composer.lock": json.dumps(lock, indent=4)}
    plan = php(
        tmp_path, {"require": {"ext-intl": "*"}, "require-dev": {"ext-xsl": "*"}}, files, php_extensions="imagick, GD"
    )
    assert plan.extensions == ("gd", "intl", "imagick")


def test_lockfile_of_any_size_is_read_in_time(tmp_path: Path) -> None:
    files = {"index.php": INDEX, "composer.lock": '"ext-' * 2_000_000}
    with in_time():
        php(tmp_path, {}, files)


def test_packages_of_debian_for_extensions() -> None:
    assert php_extensions.packages(("pdo_mysql", "mysqli", "dom", "redis"), "8.2.36") == (
        "php8.2-mysql",
        "php8.2-xml",
        "php8.2-redis",
    )
    assert php_extensions.packages(("json", "openssl"), "8.2.36") == ()


def test_extensions_that_are_missing() -> None:
    there = php_extensions.loaded("[PHP Modules]\nCore\nPDO\npdo_mysql\n\n[Zend Modules]\nZend OPcache\n")
    assert php_extensions.missing(("pdo", "opcache", "zend-opcache", "gd", "pdo-mysql", "gd"), there) == ("gd",)


@pytest.mark.parametrize(
    ("variables", "build", "wanted"),
    [
        ({"DB_CONNECTION": "mysql"}, "", ("pdo_mysql",)),
        ({"DATABASE_URL": "postgresql://user@host/shop"}, "", ("pdo_pgsql",)),
        ({"DATABASE_URL": "mysql://user@host/shop"}, "touch database/database.sqlite", ("pdo_mysql",)),
        ({}, "touch database/database.sqlite", ("pdo_sqlite",)),
        ({}, "npm run build", ()),
        ({"DB_CONNECTION": "mongodb"}, "touch database/database.sqlite", ()),
    ],
)
def test_extension_for_the_database_that_variables_name(
    variables: dict[str, str], build: str, wanted: tuple[str, ...]
) -> None:
    assert php_extensions.of_database(variables, build) == wanted


# frameworks


@pytest.mark.parametrize(
    ("constraint", "start"),
    [
        ("^6.0", "php artisan serve --host=0.0.0.0 --port=$PORT"),
        ("^8.0|^9.0", "php artisan serve --host=0.0.0.0 --port=$PORT --no-reload"),
        ("^12.0", "php artisan serve --host=0.0.0.0 --port=$PORT --no-reload"),
    ],
)
def test_laravel_is_started_by_artisan(tmp_path: Path, constraint: str, start: str) -> None:
    plan = php(tmp_path, {"require": {"laravel/framework": constraint}}, {"artisan": "", "public/index.php": INDEX})
    assert plan.start == start


def test_key_of_laravel_is_made_up_unless_the_repository_has_one(tmp_path: Path) -> None:
    files = {"artisan": "", "public/index.php": INDEX}
    assert php(tmp_path, LARAVEL, files).generated == ("APP_KEY",)
    assert php(tmp_path, LARAVEL, {**files, ".env": "APP_KEY=\n"}).generated == ("APP_KEY",)
    assert php(tmp_path, LARAVEL, {**files, ".env": "APP_KEY=base64:c2VjcmV0\n"}).generated == ()


def test_key_is_made_up_also_beside_a_file_of_another_platform(tmp_path: Path) -> None:
    files = {"artisan": "", "public/index.php": INDEX, "Procfile": "web: php artisan serve --port=$PORT\n"}
    assert php(tmp_path, LARAVEL, files).generated == ("APP_KEY",)


def test_key_of_laravel_says_that_it_is_base64(tmp_path: Path) -> None:
    made = dict(generated.values(Layout(tmp_path), ("APP_KEY", "APP_SECRET")))
    assert len(base64.b64decode(made["APP_KEY"].removeprefix("base64:"), validate=True)) == 32
    assert made["APP_KEY"].startswith("base64:") and not made["APP_SECRET"].startswith("base64:")


@pytest.mark.parametrize(
    ("example", "migrates"),
    [("DB_CONNECTION=sqlite\n# DB_DATABASE=shop\n", True), ("DB_CONNECTION=mysql\n", False), (None, True)],
)
def test_database_in_a_file_of_laravel_is_made(tmp_path: Path, example: str | None, migrates: bool) -> None:
    files = {"artisan": "", "public/index.php": INDEX} | ({".env.example": example} if example else {})
    plan = php(tmp_path, LARAVEL, files)
    assert ("artisan migrate" in (plan.build or "")) == migrates
    assert any("the database is a file" in note for note in plan.notes) == migrates


def test_production_is_announced_and_workers_are_several(tmp_path: Path) -> None:
    symfony = php(tmp_path / "a", {"require": {"symfony/framework-bundle": "^7.0"}}, {"public/index.php": INDEX})
    assert {("APP_ENV", "prod"), ("PHP_CLI_SERVER_WORKERS", "4")} <= set(symfony.environment)
    assert REMARK in symfony.notes
    laravel = php(tmp_path / "b", LARAVEL, {"artisan": "", "public/index.php": INDEX})
    assert ("APP_ENV", "production") in laravel.environment


@pytest.mark.parametrize(
    ("composer", "is_repeatable"),
    [
        ({}, True),
        ({"scripts": {"post-autoload-dump": ["x"]}}, True),
        ({"scripts": {"post-install-cmd": ["x"]}}, False),
        ({"autoload": {"classmap": ["database"]}}, False),
        ({"repositories": [{"type": "path", "url": "packages/*"}]}, False),
        ({"extra": {"installer-paths": {}}}, False),
    ],
)
def test_only_an_install_that_makes_nothing_else_is_taken_again(
    tmp_path: Path, composer: dict[str, object], is_repeatable: bool
) -> None:
    plan = php(tmp_path, composer, {"index.php": INDEX, "composer.lock": '{"packages": []}'})
    assert (plan.inputs, plan.dependencies) == (
        (("composer.json", "composer.lock"), ("vendor",)) if is_repeatable else ((), ())
    )


# where it is served from


@pytest.mark.parametrize(
    ("procfile", "public"),
    [
        ("web: heroku-php-apache2 web/\n", "web"),
        ("web: vendor/bin/heroku-php-nginx -C nginx.conf web\n", "web"),
        ("web: heroku-php-apache2\n", "."),
        ("web: heroku-php-nginx -C web\n", "."),
        ("web: heroku-php-apache2 ../..\n", "."),
    ],
)
def test_procfile_of_heroku_names_the_directory(tmp_path: Path, procfile: str, public: str) -> None:
    plan = php(tmp_path, {}, {"index.php": INDEX, "web/page.php": INDEX, "Procfile": procfile})
    assert plan.start == f"php -S 0.0.0.0:$PORT -t {public} .orbit/router.php"
    assert any("is Heroku's alone" in note for note in plan.notes)


def test_library_is_told_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot tell how to start this php project: there is no index"):
        php(tmp_path, {"require": {"php": "^8.2"}}, {})


@pytest.mark.parametrize("text", ["[]", "{", '"x"', "", "\0"])
def test_broken_manifest_is_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlanError, match=r"cannot read composer\.json") as caught:
        detect(write(tmp_path, {"composer.json": text, "index.php": INDEX}), Overrides())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [5, [], "x", None, {"php": 8}, {"php": ["^8"]}])
def test_odd_values_in_a_manifest_are_passed_over(tmp_path: Path, value: object) -> None:
    odd: dict[str, object] = dict.fromkeys(("require", "extra", "config", "scripts", "autoload", "repositories"), value)
    plan = php(tmp_path, odd, {"index.php": INDEX, "composer.lock": json.dumps({"packages": value})})
    assert plan.start == "php -S 0.0.0.0:$PORT -t . .orbit/router.php"


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP")
def test_router_is_a_program_that_old_versions_understand() -> None:
    router = Path(kind.__file__).with_name("router.php")
    assert subprocess.run(["php", "-l", str(router)], check=False, capture_output=True).returncode == 0
    assert "?->" not in router.read_text() and "str_starts_with" not in router.read_text()
