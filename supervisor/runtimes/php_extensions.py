"""Extensions of PHP: which are there, and which packages of Debian have the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from supervisor.runtimes.requirement import numbers

_TOGETHER = {  # the packages that have several, named after one
    "mysql": ("mysqli", "mysqlnd", "pdo_mysql"),
    "pgsql": ("pdo_pgsql",),
    "sqlite3": ("pdo_sqlite", "sqlite"),
    "xml": ("dom", "simplexml", "xmlreader", "xmlwriter", "xsl"),
    "odbc": ("pdo_odbc",),
    "sybase": ("pdo_dblib",),
    "interbase": ("pdo_firebird",),
    "opcache": ("zend opcache", "zend-opcache"),
}
USUAL = ["mysql", "pgsql", "sqlite3", "curl", "gd", "mbstring", "xml", "zip", "bcmath", "intl", "redis", "opcache"]
"""Packages that come with an interpreter that is installed: hardly a project names all that it uses of them."""
_DATABASES = {"mysql": "pdo_mysql", "mariadb": "pdo_mysql", "pgsql": "pdo_pgsql", "postgres": "pdo_pgsql"}
_PACKAGES = {extension: package for package, extensions in _TOGETHER.items() for extension in extensions}
_WITH_PHP = (
    "calendar core ctype date exif ffi fileinfo filter ftp gettext hash iconv json libxml openssl pcntl pcre pdo phar "
    "posix random reflection session shmop sockets sodium spl standard sysvmsg sysvsem sysvshm tokenizer zlib"
)
_COMMON = frozenset(_WITH_PHP.split())
"""Those that come with the interpreter."""


def loaded(output: str) -> frozenset[str]:
    """The extensions in what `php -m` prints, in small letters."""
    names = {line.strip().lower() for line in output.splitlines() if line.strip() and not line.startswith("[")}
    return frozenset(names | ({"opcache"} if "zend opcache" in names else set()))


def of_database(environment: Mapping[str, str], build: str) -> tuple[str, ...]:
    """The extension for the database that variables name, or for the file that a build makes: no manifest says so."""
    named = environment.get("DB_CONNECTION") or environment.get("DATABASE_URL", "").partition(":")[0]
    found = _DATABASES.get(named.removesuffix("ql") if named == "postgresql" else named)
    return (found,) if found else ("pdo_sqlite",) if "database.sqlite" in build and not named else ()


def missing(wanted: Iterable[str], there: frozenset[str]) -> tuple[str, ...]:
    """Those of `wanted` that are not there, in their order."""
    known = there | {name.replace(" ", "-") for name in there}
    return tuple(name for name in dict.fromkeys(wanted) if not {name, name.replace("-", "_")} & known)


def packages(names: Iterable[str], version: str) -> tuple[str, ...]:
    """Debian's packages that have extensions for a version of PHP: php8.2-mysql for pdo_mysql."""
    line = ".".join(str(part) for part in numbers(version)[:2])
    found = (f"php{line}-{_PACKAGES.get(name.replace('-', '_'), name.replace('_', '-'))}" for name in names)
    return tuple(dict.fromkeys(package for package in found if package.partition("-")[2] not in _COMMON))
