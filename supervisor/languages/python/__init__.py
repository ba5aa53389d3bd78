"""Python projects: their manifests, and the application in their code.

The fit is CERTAIN with a Django manage.py, or a web framework among the dependencies; LIKELY with any other
manifest of dependencies; HELPER with a pyproject.toml that only configures tools, or a lone main.py. Against a
package.json see the node module.

Versions: PYTHON_VERSION, .python-version, runtime.txt, requires-python, poetry's python, the Pipfile's,
.tool-versions.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from supervisor.languages.language import NO_START, Fit
from supervisor.languages.python import code, django, frameworks, keeping, managers, manifests, sites
from supervisor.languages.python.frameworks import Project
from supervisor.languages.python.manifests import Dependencies, Pyproject
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, mise_toml, tool_versions, wanted
from supervisor.model import Plan

name = "python"

SCRIPTS = ("main", "app", "server", "run", "start", "bot", "index", "wsgi")

_SCRIPT_FILES = tuple(f"{name}.py" for name in SCRIPTS)
_OWN_SERVERS = (("flask --app ", "Flask"), (django.OWN_SERVER, "Django"))
_NO_SERVER = "no server is among the dependencies: {}'s own, for development, is used; add gunicorn"
_NO_GUNICORN = "gunicorn, which the start command calls, is not among the dependencies"
_OF_CONDA = ("environment.yml", "environment.yaml")
_PROJECT_FILES = (
    *manifests.REQUIREMENTS,
    "Pipfile",
    "Pipfile.lock",
    "setup.py",
    *_OF_CONDA,
    *(lockfile for lockfile, _ in managers.LOCKFILES),
)


def fit(source: Source) -> Fit:
    """How surely this is a Python project; see the module's docstring. Raises PlanError about a broken manifest."""
    if django.is_django(source):
        return Fit.CERTAIN
    project = manifests.pyproject(source)
    if sites.is_one(source) and not project.is_project:
        return Fit.LIKELY
    if not project.is_project and not any(source.has(file) for file in _PROJECT_FILES):
        alone = project.there or source.has("manage.py") or source.first_file(*_SCRIPT_FILES)
        return Fit.HELPER if alone else Fit.NO
    known = {framework.package for framework in frameworks.FRAMEWORKS} | {"django"}
    return Fit.CERTAIN if manifests.dependencies(source, project) & known else Fit.LIKELY


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken manifest or lockfile."""
    project = manifests.pyproject(source)
    dependencies = manifests.dependencies(source, project)
    installer = managers.choose(source, project, dependencies)
    kept = keeping.dependencies(source, installer)
    version = wanted(source, "PYTHON_VERSION", source.options.python_version, _VERSIONS)
    notes = (version.note("python"),) if version else ()
    conda = source.first_file(*_OF_CONDA)
    if conda is not None and installer.command is None:
        remedy = "write a requirements.txt, or set INSTALL_COMMAND"
        notes = (*notes, f"{conda} was passed over: conda is not used; {remedy}")
    framework, build, start, remarks = _told(source, project, dependencies)
    remarks = (*remarks, *_about_the_server(source.start, start or "", dependencies))
    plan = Plan(
        type=name,
        framework=framework,
        runtime="python",
        runtime_version=version.constraint if version else None,
        package_manager=installer.name,
        install=installer.command,
        build=build,
        start=start,
        bin_dirs=(".venv/bin",),
        inputs=kept.inputs,
        dependencies=kept.dependencies,
        after_restore=kept.after_restore,
        environment=(("PYTHONUNBUFFERED", "1"),),
        notes=notes + remarks,
    )
    return _site(source, dependencies, plan)


def _about_the_server(given: str | None, detected: str, dependencies: Dependencies) -> tuple[str, ...]:
    """A remark on the server, if it is one for development, or one that a file's command calls is not installed."""
    if given is not None:
        return (_NO_GUNICORN,) if "gunicorn" in given.split() and not dependencies.has("gunicorn") else ()
    return tuple(_NO_SERVER.format(whose) for called, whose in _OWN_SERVERS if called in detected)


def _site(source: Source, dependencies: Dependencies, plan: Plan) -> Plan:
    """The plan of a documentation or a blog, where there is nothing that serves: a generator's own script (`main.py`
    for the macros of MkDocs) or a library's command is no reason to run that."""
    if plan.framework is not None or source.start is not None:
        return plan
    site = sites.of(source, dependencies)
    if site is None or (plan.start is not None and not dependencies.has(site.name)):
        return plan
    return replace(
        plan,
        framework=site.name,
        install=" && ".join(step for step in (plan.install, site.install) if step) or None,
        build=site.build,
        start=None,
        serve="static",
        output_dir=site.output,
        inputs=() if site.install else plan.inputs,
        notes=tuple(note for note in plan.notes if not note.startswith(NO_START)),
    )


def _told(
    source: Source, project: Pyproject, dependencies: Dependencies
) -> tuple[str | None, str | None, str | None, tuple[str, ...]]:
    """Framework, build and start commands, and remarks."""
    if django.is_django(source):
        return "django", django.build(source), django.start(source, dependencies), ()
    below = django.below(source) if dependencies.has("django") else None
    if below is not None:
        build, inside = django.build(below), shlex.quote(below.directory.name)
        start = django.start(below, dependencies)
        return "django", build and f"cd {inside} && {build}", f"cd {inside} && {start}", ()
    framework, command, remarks = _start(Project(source, dependencies, project.name), project)
    return framework, None, command, remarks


def _start(project: Project, own: Pyproject) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Framework, command and remarks: a framework's application, the project's one command, or a script."""
    framework, command = frameworks.find(project)
    kind = framework.name if framework else ("django" if project.dependencies.has("django") else None)
    command = command or _own_command(project.source, own) or _script(project)
    if command:
        return kind, command, ()
    if kind is None:
        return None, None, (f"{NO_START}there is no main.py, app.py or server.py; add one",)
    target = frameworks.application(project, framework.classes) if framework else None
    if target is not None:
        server = "gunicorn" if kind in ("falcon", "bottle") else "uvicorn"
        return kind, None, (f"{NO_START}{target} has no server among the dependencies; add {server}",)
    return kind, None, (f"{NO_START}no {kind} application was found in main.py, app.py or the like; add one",)


def _own_command(source: Source, own: Pyproject) -> str | None:
    """The single command that an install of the project makes."""
    if managers.needs_itself(source, own) and len(own.scripts) == 1:
        return shlex.quote(next(iter(own.scripts)))
    return None


def _only_defines(project: Project, path: str) -> bool:
    """Whether a file has an application that somebody else is to run: started itself, it would end at once."""
    target = frameworks.application(project, frameworks.CLASSES)
    text = project.source.peek(path) or ""
    runs = any(word in text for word in ("__main__", ".run(", "serve(", "run_app(", ".listen("))
    return target is not None and not target.factory and target.module == path.removesuffix(".py") and not runs


def _script(project: Project) -> str | None:
    """A file that runs by itself, or a package with a `__main__`."""
    found = project.source.first_file(*_SCRIPT_FILES) or frameworks.sole(project.source)
    if found is not None and not _only_defines(project, found):
        return f"python {shlex.quote(found)}"
    package = manifests.normalised(project.name or "").replace("-", "_")
    for base, directory in ((".", package), ("src", package), (".", project.name or ""), (".", "app"), (".", "src")):
        if directory and project.source.is_file(f"{base}/{directory}/__main__.py"):
            return f"{'PYTHONPATH=src:$PYTHONPATH ' if base == 'src' else ''}python -m {shlex.quote(directory)}"
    for path in ("src/main.py", "src/app.py", "app/main.py"):
        module = code.module(project.source, path)
        if module is not None:
            return f"python {path}" if module.base else f"python -m {module.dotted}"
    return None


def _runtime_txt(source: Source) -> Wanted | None:
    """Heroku's file: `python-3.11.4`."""
    found = first_line("runtime.txt")(source)
    return found and Wanted(found.constraint.removeprefix("python-"), found.origin)


def _pyproject(source: Source) -> Wanted | None:
    project = manifests.pyproject(source)
    depends = project.poetry.get("dependencies")
    places = (
        ("requires-python", project.project.get("requires-python")),
        ("tool.poetry.dependencies.python", depends.get("python") if isinstance(depends, dict) else None),
        ("tool.poetry.python", project.poetry.get("python")),
    )
    for field, constraint in places:
        if isinstance(constraint, str) and constraint.strip():
            return Wanted(constraint.strip(), f"{field} in {source.shown('pyproject.toml')}")
    return None


def _pipfile(source: Source) -> Wanted | None:
    requires = (source.toml("Pipfile") or {}).get("requires")
    for field in ("python_full_version", "python_version"):
        constraint = requires.get(field) if isinstance(requires, dict) else None
        if isinstance(constraint, str) and constraint.strip():
            return Wanted(constraint.strip(), f"{field} in {source.shown('Pipfile')}")
    return None


_VERSIONS: tuple[Reader, ...] = (
    first_line(".python-version"),
    _runtime_txt,
    _pyproject,
    _pipfile,
    tool_versions("python"),
    mise_toml("python"),
)
