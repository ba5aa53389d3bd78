"""How a PHP project is served: by its framework's command, else by PHP's own server and the directory it shows."""

from __future__ import annotations

import re
import shlex

from supervisor.languages.php import frameworks
from supervisor.languages.php.composer import Composer
from supervisor.languages.php.frameworks import Framework
from supervisor.languages.source import Source

ROUTER = ".orbit/router.php"
"""Where the deployment puts the script by which PHP's server finds files and front controllers."""
SCRIPTS = ("server.php", "bin/server.php", "main.php", "start.php")
"""Programs that are servers by themselves: of ReactPHP, Swoole, Workerman."""
WORKERS = ("PHP_CLI_SERVER_WORKERS", "4")
REMARK = "PHP's own server serves it, with 4 workers: for much traffic, start nginx and php-fpm with RUN_COMMAND"
OF_LARAVEL = (
    "artisan serve is PHP's own server: for much traffic, add laravel/octane, or start php-fpm with RUN_COMMAND"
)

_HEROKU = re.compile(r"^[^\S\n]*web\s*:\s*(?:\S*/)?heroku-(?:php-|hhvm-)?(?:apache2|nginx)\b(.*)$", re.MULTILINE)
_MAJOR = re.compile(r"(\d+)")


def command(source: Source, own: Composer, framework: Framework | None) -> tuple[str | None, tuple[str, ...]]:
    """The start command, and remarks. None where there is no script to begin with."""
    name = framework.name if framework else ""
    if name == "laravel" and source.is_file("artisan"):
        return _laravel(own)
    if name == "hyperf":
        return "php bin/hyperf.php start", ()
    public = document_root(source, own, framework)
    if public is None:
        script = source.first_file(*SCRIPTS)
        return (f"php {script}" if script else None), ()
    return (f"php -S 0.0.0.0:$PORT -t {shlex.quote(public)} {ROUTER}", (REMARK,))


def document_root(source: Source, own: Composer, framework: Framework | None) -> str | None:
    """The directory that visitors see; None if no index.php is anywhere that one is looked for."""
    said = _of_heroku(source) or _of_composer(own)
    if said and (source.is_dir(said) or said in _made(own)):
        return said
    places = (framework.public, *frameworks.PUBLIC) if framework and framework.public else frameworks.PUBLIC
    for place in places:
        if source.first_file(f"{place}/index.php", f"{place}/app.php"):
            return place
    if source.first_file("index.php", "app.php"):
        return "."
    if said:
        return said
    return framework.public if framework and framework.public in _made(own) else None


def _made(own: Composer) -> tuple[str, ...]:
    """Directories that only the install makes: those of Drupal's scaffold."""
    place = own.text("extra", "drupal-scaffold", "locations", "web-root")
    return (place.strip("./"),) if place else ()


def _of_heroku(source: Source) -> str | None:
    """The last word of a Procfile's `web: heroku-php-apache2 -C nginx.conf public/`."""
    match = _HEROKU.search(source.peek("Procfile") or "")
    words = match[1].split() if match else []
    if not words or words[-1].startswith("-") or (len(words) > 1 and re.fullmatch(r"-[CcFfilpt]", words[-2])):
        return None
    return _inside(words[-1])


def _of_composer(own: Composer) -> str | None:
    keys = (
        ("extra", "public-dir"),
        ("extra", "symfony-web-dir"),
        ("extra", "drupal-scaffold", "locations", "web-root"),
    )
    return next((place for key in keys if (text := own.text(*key)) and (place := _inside(text))), None)


def _inside(path: str) -> str | None:
    place = path.removeprefix("./").strip("/") or "."
    return place if re.fullmatch(r"[\w./ -]+", place) and ".." not in place.split("/") else None


def _laravel(own: Composer) -> tuple[str, tuple[str, ...]]:
    if "laravel/octane" in own.packages:
        server = "swoole" if {"ext-swoole", "ext-openswoole"} & own.packages.keys() else "roadrunner"
        server = f" --server={server}" if server == "swoole" or "spiral/roadrunner-cli" in own.packages else ""
        return f"php artisan octane:start{server} --host=0.0.0.0 --port=$PORT", ()
    options = " --no-reload" if major(own.packages.get("laravel/framework")) >= 8 else ""
    return f"php artisan serve --host=0.0.0.0 --port=$PORT{options}", (OF_LARAVEL,)


def major(constraint: str | None) -> int:
    """The least major version that a constraint allows, 0 if it says none."""
    match = _MAJOR.search(constraint or "")
    return int(match[1][:4]) if match else 0
