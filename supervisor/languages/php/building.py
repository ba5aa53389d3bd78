"""What is done to a PHP project's release before it serves, beside the install."""

from __future__ import annotations

import re

from supervisor.languages.beside import Beside
from supervisor.languages.php.composer import Composer
from supervisor.languages.php.frameworks import Framework
from supervisor.languages.php.serving import major
from supervisor.languages.source import Source

SQLITE = "the database is a file in the release, new with each: set DB_CONNECTION and its like for one that stays"

_MADE = ("bootstrap/cache", "storage/framework/cache/data", "storage/framework/sessions", "storage/framework/views")


def build(source: Source, own: Composer, framework: Framework | None, beside: Beside) -> str | None:
    """The build: scripts and style sheets first, then what the framework prepares."""
    name = framework.name if framework else ""
    steps = [beside.script] if beside.script else []
    if name == "laravel" and source.is_file("artisan"):
        steps = [*_environment_file(source), *steps, *_laravel(source, own)]
    elif name in ("symfony", "api-platform") and source.is_file("bin/console"):
        steps = [*_symfony_before(own), *steps, *_symfony(own)]
    elif name == "codeigniter" and source.is_file("env") and not source.is_file(".env"):
        steps = [_copied("env"), *steps]
    scripts = own.table("scripts")
    if "compile" in scripts:  # Heroku's name for it
        steps.append("composer run-script compile --no-dev")
    elif "build" in scripts and not steps:
        steps = ["composer run-script build"]
    return " && ".join(steps) or None


def before_install(source: Source, framework: Framework | None) -> str | None:
    """Directories that artisan needs when composer calls it."""
    if framework is None or framework.name != "laravel":
        return None
    missing = [place for place in _MADE if not source.is_dir(place)]
    return f"mkdir -p {' '.join(missing)}" if missing else None


def environment(framework: Framework | None) -> tuple[tuple[str, str], ...]:
    """What says that it is for production; composer may be run by root, if Orbit runs builds as root."""
    always = (("COMPOSER_ALLOW_SUPERUSER", "1"),)
    match framework.name if framework else "":
        case "laravel" | "lumen":
            return (*always, ("APP_ENV", "production"), ("APP_DEBUG", "false"), ("LOG_CHANNEL", "stderr"))
        case "symfony" | "api-platform":
            return (*always, ("APP_ENV", "prod"), ("APP_DEBUG", "0"))
        case "codeigniter":
            return (*always, ("CI_ENVIRONMENT", "production"))
    return always


def generated(source: Source, framework: Framework | None) -> tuple[str, ...]:
    """The secret that it cannot start without, unless the repository has one."""
    names = {"laravel": "APP_KEY", "lumen": "APP_KEY", "symfony": "APP_SECRET", "api-platform": "APP_SECRET"}
    name = names.get(framework.name) if framework else None
    said = re.search(rf"^\s*{name}=[\"']?([^\s\"'$#]+)", source.peek(".env") or "", re.MULTILINE) if name else None
    return (name,) if name and said is None else ()


def uses_sqlite(source: Source, own: Composer) -> bool:
    """Whether Laravel is left with a database in a file of its own."""
    text = source.peek(".env") or source.peek(".env.example")
    if text is None:
        return major(own.packages.get("laravel/framework")) >= 11
    said = re.search(r"^\s*DB_CONNECTION=[\"']?(\w+)", text, re.MULTILINE)
    at = re.search(r"^\s*DB_DATABASE=[\"']?(\S+)", text, re.MULTILINE)
    return said is not None and said[1] == "sqlite" and at is None


def _copied(example: str) -> str:
    """The settings of an example, unless a hook has made others."""
    return f"{{ [ -e .env ] || cp {example} .env; }}"


def _environment_file(source: Source) -> list[str]:
    return [_copied(".env.example")] if source.is_file(".env.example") and not source.is_file(".env") else []


def _laravel(source: Source, own: Composer) -> list[str]:
    """Its caches, without that of the configuration: it would keep variables as they were at the build."""
    steps = []
    if uses_sqlite(source, own):
        alone = '[ "${DB_CONNECTION:-sqlite}$DB_URL$DATABASE_URL$DB_DATABASE" != sqlite ]'
        steps.append(f"{{ {alone} || {{ touch database/database.sqlite && php artisan migrate --force; }}; }}")
    steps.append("{ php artisan route:cache && php artisan view:cache || php artisan route:clear; }")
    return steps


def _symfony_before(own: Composer) -> list[str]:
    bundles = {"symfonycasts/tailwind-bundle": "tailwind:build --minify", "symfonycasts/sass-bundle": "sass:build"}
    return [f"php bin/console {command}" for bundle, command in bundles.items() if bundle in own.packages]


def _symfony(own: Composer) -> list[str]:
    compiled = ["php bin/console asset-map:compile"] if "symfony/asset-mapper" in own.packages else []
    return [*compiled, "php bin/console cache:warmup"]
