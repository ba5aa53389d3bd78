"""Ruby projects: a Gemfile, and what it and its neighbours say.

The fit is CERTAIN with Rails, a config.ru, a page of Sinatra, or a site generator and its configuration; LIKELY with a
Gemfile, or a site of Jekyll without one; HELPER with tools alone in it (fastlane, CocoaPods, a linter), or with a
script and no Gemfile.

Versions: RUBY_VERSION, .ruby-version, the Gemfile's `ruby`, the Gemfile.lock's, .tool-versions, mise.toml.
"""

from __future__ import annotations

from supervisor.languages import beside
from supervisor.languages.beside import Beside
from supervisor.languages.language import NO_START, Fit
from supervisor.languages.ruby import frameworks, gems, rails, sites
from supervisor.languages.ruby.gems import Gems
from supervisor.languages.ruby.sites import Site
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, mise_toml, tool_versions, wanted
from supervisor.model import Need, Plan

name = "ruby"

_TOOLS = frozenset(("capistrano", "cocoapods", "danger", "fastlane", "html-proofer", "jazzy", "overcommit", "xcpretty"))
"""What brings a Gemfile into a project of another kind."""

_JAVASCRIPT = (*rails.BUNDLERS, "hanami-assets", "bridgetown")  # gems that call what package.json brings
_ENGINES = ("mini_racer", "therubyracer", "duktape", "quickjs")  # execjs does without Node with one of these


def fit(source: Source) -> Fit:
    """How surely this is a Ruby project; see the module's docstring. Raises PlanError about a broken Gemfile."""
    own = gems.read(source)
    framework = frameworks.of(source, own)
    site = sites.of(source, own)
    if frameworks.serves(source, own, framework) or (site and own.file):
        return Fit.CERTAIN
    if site:
        return Fit.LIKELY
    script = frameworks.start(source, own, framework) is not None
    if own.file and not own.declared & _TOOLS and (script or own.declared):
        return Fit.LIKELY
    return Fit.HELPER if own.file or script else Fit.NO


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken manifest or lockfile."""
    own = gems.read(source)
    site = None if frameworks.is_rails(source, own) else sites.of(source, own)
    framework = site.name if site else frameworks.of(source, own)
    version = wanted(source, "RUBY_VERSION", source.options.ruby_version, _versions(source, own))
    web = beside.read(source, wanted=own.has(*_JAVASCRIPT))
    start = None if site else frameworks.start(source, own, framework)
    return Plan(
        type=name,
        framework=framework,
        runtime="ruby",
        runtime_version=version.constraint if version else None,
        package_manager="bundler" if own.file or site else None,
        package_manager_version=own.lock.bundler,
        install=web.after(_install(own, site)),
        build=_build(source, own, site, web, framework),
        start=start,
        serve="static" if site else "app",
        output_dir=site.output if site else None,
        bin_dirs=("vendor/bundle/bin", *web.bin_dirs),
        environment=_environment(source, own, site, framework),
        notes=((version.note("ruby"),) if version else ()) + _remarks(start, site),
        helpers=web.needs or ((Need("node"),) if own.has("execjs") and not own.has(*_ENGINES) else ()),
        inputs=_inputs(source, own, web),
        dependencies=("vendor/bundle", *web.dependencies),
        caches=(*_caches(site, framework), *web.caches),
        after_restore=_after_restore(own, web),
        generated=() if framework != "rails" or source.is_file("config/master.key") else ("SECRET_KEY_BASE",),
    )


def _install(own: Gems, site: Site | None) -> str | None:
    if own.file is None:
        return sites.PAGES_GEMFILE if site else None
    return "bundle install"


def _build(source: Source, own: Gems, site: Site | None, web: Beside, framework: str | None) -> str | None:
    """The JavaScript's build first, unless what follows calls it; then the pages or the assets."""
    script = None if own.has(*_JAVASCRIPT) else web.script
    command = site.build if site else None
    if framework == "rails":
        command = rails.build(source, own)
    elif framework == "hanami" and own.has("hanami-assets"):
        command = "bundle exec hanami assets compile"
    return " && ".join(step for step in (script, command) if step) or None


def _environment(source: Source, own: Gems, site: Site | None, framework: str | None) -> tuple[tuple[str, str], ...]:
    """Bundler's settings are variables, so that they hold for hooks and the application, too.

    Gems go where RubyGems looks, too, so that `ruby app.rb` and `puma` in a Procfile find them without Bundler. Frozen
    only with a lockfile, and one that was resolved for this platform. Where the user installs from what is on the
    system already, gems are looked for there alone, and what is locked cannot be asked for.
    """
    pairs = [("RACK_ENV", "production"), ("LANG", "C.UTF-8"), ("MALLOC_ARENA_MAX", "2")]
    if own.file or site:
        pairs.append(("BUNDLE_WITHOUT", ":".join(gems.LEFT_OUT)))
        if "--local" not in (source.options.install_command or ""):
            pairs.append(("GEM_HOME", "$WORK_DIR/vendor/bundle"))
            pairs += [("BUNDLE_FROZEN", "true")] if own.lockfile and own.lock.fits_here else []
    pairs += site.environment if site else ()
    pairs += rails.ENVIRONMENT if framework == "rails" else ()
    if framework == "hanami":
        pairs += [("HANAMI_ENV", "production"), ("HANAMI_SERVE_ASSETS", "true")]
    return tuple(pairs)


def _caches(site: Site | None, framework: str | None) -> tuple[str, ...]:
    if site is not None:
        return site.caches
    return rails.CACHES if framework == "rails" else ()


def _inputs(source: Source, own: Gems, web: Beside) -> tuple[str, ...]:
    """Nothing without a lockfile: the newest versions are to be had then, of one part as of the other."""
    if own.file is None or own.lockfile is None or bool(web.install) != bool(web.inputs):
        return ()
    config = (".bundle/config",) if source.is_file(".bundle/config") else ()
    return (own.file, own.lockfile, *config, *web.inputs)


def _after_restore(own: Gems, web: Beside) -> str | None:
    """Gems that lie in the repository build their extensions there; a lockfile for another platform is completed."""
    again = "bundle install" if own.lock.own or not own.lock.fits_here else None
    return " && ".join(step for step in (again, web.after_restore) if step) or None


def _remarks(start: str | None, site: Site | None) -> tuple[str, ...]:
    if start or site:
        return ()
    return (f"{NO_START}there is no config.ru, app.rb, main.rb or server.rb; add one",)


def _ruby_version(source: Source) -> Wanted | None:
    """rbenv's file, in which some write `ruby-3.2.1`."""
    written = first_line(".ruby-version")(source)
    return _plain(written) if written and written.constraint != "system" else None


def _versions(source: Source, own: Gems) -> tuple[Reader, ...]:
    """The readers of this project's versions; its gems are known already, the repository's root has to be read."""

    def gems_of(place: Source) -> Gems:
        return own if place == source else gems.read(place)

    def gemfile(place: Source) -> Wanted | None:
        theirs = gems_of(place)
        if theirs.ruby_file is None:
            where = f"ruby in {place.shown(theirs.file or '')}"
            return _plain(Wanted(theirs.ruby, where)) if theirs.ruby else None
        if theirs.ruby_file.endswith(".tool-versions"):
            return tool_versions("ruby")(place)
        written = first_line(theirs.ruby_file)(place) if place.is_file(theirs.ruby_file) else None
        return _plain(written) if written else None

    def lockfile(place: Source) -> Wanted | None:
        theirs = gems_of(place)
        where = f"RUBY VERSION in {place.shown(theirs.lockfile or '')}"
        return Wanted(theirs.lock.ruby, where) if theirs.lock.ruby else None

    return (_ruby_version, gemfile, lockfile, tool_versions("ruby"), mise_toml("ruby"))


def _plain(written: Wanted) -> Wanted:
    return Wanted(written.constraint.removeprefix("ruby-"), written.origin)
