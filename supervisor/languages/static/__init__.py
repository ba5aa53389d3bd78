"""Sites: files to be served, as they are or made by a generator that is one program.

The fit is CERTAIN with a generator's configuration or a Staticfile, and PLAIN with an index.html: servers have one,
too, and so has what Vite builds. So it is a site only where everything else has at most tools to offer: a
package.json for a linter or a style sheet, whose build script is run then.
"""

from __future__ import annotations

from dataclasses import replace

from supervisor.languages import beside
from supervisor.languages.beside import Beside
from supervisor.languages.language import NO_START, Fit
from supervisor.languages.source import Source
from supervisor.languages.static import generators, pages
from supervisor.languages.static.generators import Site
from supervisor.languages.static.pages import Pages
from supervisor.languages.versions import wanted
from supervisor.model import Plan

name = "static"


def fit(source: Source) -> Fit:
    """How surely this is a site; see the module's docstring. Raises PlanError about a manifest that cannot be read."""
    if generators.of(source) is not None:
        return Fit.CERTAIN
    found = pages.find(source)
    if found is None or (not found.declared and source.first_file(*_servers(found))):
        return Fit.NO
    return Fit.CERTAIN if found.declared and not source.has("package.json") else Fit.PLAIN


def _servers(found: Pages) -> tuple[str, ...]:
    """Scripts without a manifest that are there to serve the pages; beside a page, app.js is the browser's."""
    names = ("server.py", "server.rb", "server.js", "server.ts", "server.go", "main.go")
    aside = ("app.py", "main.py", "app.rb", "main.rb", "app.js", "index.js", "main.js", "app.ts", "index.ts")
    return names if found.directory == "." else (*names, *aside)


def plan(source: Source) -> Plan:
    """What the site needs. Raises PlanError about a broken manifest or lockfile."""
    site = generators.of(source)
    if site is not None:
        return _generated(source, site)
    found = pages.find(source)
    return _plain(source, found) if found else Plan(name, notes=(f"{NO_START}there is no index.html; add one",))


def _generated(source: Source, site: Site) -> Plan:
    web = beside.read(source)
    version = wanted(source, site.variable, getattr(source.options, site.variable.lower()), site.versions)
    return _beside(
        Plan(
            type=name,
            framework=site.name,
            runtime=site.name,
            runtime_version=version.constraint if version else None,
            build=site.build,
            serve="static",
            output_dir=site.output,
            environment=site.environment,
            notes=((version.note(site.name),) if version else ()) + site.notes,
            helpers=site.helpers,
            caches=site.caches,
        ),
        web,
    )


def _plain(source: Source, found: Pages) -> Plan:
    web = beside.read(source) if beside.has_build(source) else Beside()
    plan = Plan(name, serve="static", output_dir=found.directory, single_page=found.single_page)
    return _beside(plan, web)


def _beside(plan: Plan, web: Beside) -> Plan:
    """The plan with the JavaScript beside it: for a generator's pipes, or for what a build script makes."""
    steps = (web.script, plan.build) if plan.framework is None else (plan.build,)
    return replace(
        plan,
        package_manager=web.needs[0].package_manager if web.needs else None,
        install=web.install,
        build=" && ".join(step for step in steps if step) or None,
        bin_dirs=web.bin_dirs,
        helpers=(*plan.helpers, *web.needs),
        inputs=web.inputs,
        dependencies=web.dependencies,
        caches=(*plan.caches, *web.caches),
        after_restore=web.after_restore,
    )
