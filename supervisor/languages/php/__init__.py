"""PHP projects: what composer.json says, or an index.php alone.

A composer.json with neither a framework nor an index.php belongs to a library, or to another language's tools.
"""

from __future__ import annotations

from supervisor.languages import beside
from supervisor.languages.beside import Beside
from supervisor.languages.language import NO_START, Fit
from supervisor.languages.php import building, composer, frameworks, serving
from supervisor.languages.php.composer import Composer
from supervisor.languages.php.frameworks import Framework
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, tool_versions, wanted
from supervisor.model import Plan

name = "php"


def fit(source: Source) -> Fit:
    """See the module's docstring. Raises PlanError about a broken composer.json."""
    own = composer.read(source)
    framework = frameworks.of(source, own)
    public = serving.document_root(source, own, framework)
    if framework is not None and (public is not None or framework.public is None):
        return Fit.CERTAIN
    if public is not None:
        return Fit.CERTAIN if own.there or source.is_file("public/index.php") else Fit.LIKELY
    if own.there and source.first_file(*serving.SCRIPTS):
        return Fit.LIKELY
    return Fit.HELPER if own.there else Fit.NO


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken manifest or lockfile."""
    own = composer.read(source)
    framework = frameworks.of(source, own)
    version = wanted(source, "PHP_VERSION", source.options.php_version, _VERSIONS)
    scripts = _beside(source, framework)
    start, notes = serving.command(source, own, framework)
    if start is None:
        notes = (f"{NO_START}there is no index.php, at the top or in {', '.join(frameworks.PUBLIC)}; add one",)
    if framework and framework.name == "laravel" and building.uses_sqlite(source, own):
        notes = (*notes, building.SQLITE)
    uses_workers = start is not None and serving.ROUTER in start
    repeatable = own.there and own.is_repeatable and source.is_file(composer.LOCK)
    return Plan(
        type=name,
        framework=framework.name if framework else None,
        runtime="php",
        runtime_version=version.constraint if version else None,
        package_manager="composer" if own.there else None,
        install=scripts.after(_install(source, own, framework)),
        build=building.build(source, own, framework, scripts),
        start=start,
        bin_dirs=(*((f"{own.vendor}/bin",) if own.there else ()), *scripts.bin_dirs),
        environment=(*building.environment(framework), *((serving.WORKERS,) if uses_workers else ())),
        generated=building.generated(source, framework),
        extensions=_extensions(source, own),
        notes=((version.note("php"),) if version else ()) + notes,
        helpers=scripts.needs,
        inputs=(composer.FILE, composer.LOCK, *scripts.inputs) if repeatable else (),
        dependencies=(own.vendor, *scripts.dependencies) if repeatable else (),
    )


def _beside(source: Source, framework: Framework | None) -> Beside:
    """The style sheets and scripts; in a theme's package.json of WordPress there are only tools."""
    return Beside() if framework and framework.name == "wordpress" else beside.read(source)


def _install(source: Source, own: Composer, framework: Framework | None) -> str | None:
    if not own.there:
        return None
    own_composer = source.is_file("composer.phar")
    steps = (
        building.before_install(source, framework),
        f"{'php composer.phar' if own_composer else 'composer'} {composer.INSTALL}",
    )
    return " && ".join(step for step in steps if step)


def _extensions(source: Source, own: Composer) -> tuple[str, ...]:
    """What composer's files require, and the user's variable."""
    more = (word.strip().lower() for word in (source.options.php_extensions or "").split(","))
    required = composer.extensions(source, own) if own.there else ()
    return tuple(dict.fromkeys((*required, *(word for word in more if word))))


def _required(source: Source) -> Wanted | None:
    constraint = composer.read(source).packages.get("php", "").strip()
    return Wanted(constraint, f"require.php in {source.shown(composer.FILE)}") if constraint else None


def _platform(source: Source) -> Wanted | None:
    constraint = composer.read(source).text("config", "platform", "php")
    return Wanted(constraint, f"config.platform.php in {source.shown(composer.FILE)}") if constraint else None


_VERSIONS: tuple[Reader, ...] = (first_line(".php-version"), _required, _platform, tool_versions("php"))
