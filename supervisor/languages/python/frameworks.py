"""The frameworks of Python: how each is known, and how an application of it is found and started.

One line each, and the first that a project depends on and that has an application gives the start command.
Those that name their server in code come before those that only draw a page, since an API and a Streamlit
page often share a repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from supervisor.languages.python import code, servers
from supervisor.languages.python.code import Module
from supervisor.languages.python.manifests import Dependencies, normalised
from supervisor.languages.python.servers import Target
from supervisor.languages.source import Source

FILES = ("main", "app", "wsgi", "asgi", "server", "application", "run", "api", "index", "__init__")
PAGES = ("streamlit_app", "app", "main", "Home", "home", "Hello", "dashboard", "ui", "demo", "__init__")


@dataclass(frozen=True, slots=True)
class Project:
    """Where an application is searched: `name` is the project's own, perhaps that of its package."""

    source: Source
    dependencies: Dependencies
    name: str | None = None


Starter = Callable[[Project, "Framework"], str | None]


@dataclass(frozen=True, slots=True)
class Framework:
    """`package` is the distribution; `classes` are what an application is made with, in code."""

    name: str
    package: str
    classes: tuple[str, ...]
    starter: Starter


def find(project: Project) -> tuple[Framework | None, str | None]:
    """The framework, and its start command; the first framework alone if no application of one is found."""
    present = [framework for framework in FRAMEWORKS if project.dependencies.has(framework.package)]
    for framework in present:
        command = framework.starter(project, framework)
        if command:
            return framework, command
    return (present[0] if present else None), None


def modules(project: Project, names: tuple[str, ...] = FILES) -> Iterator[Module]:
    """The files in which people have their application: a bounded number of places, the likeliest first."""
    package = normalised(project.name or "").replace("-", "_")
    own = (package, f"src/{package}") if package else ()
    directories = ("", "src", "app", *own, "src/app", "api", "server", "backend", "web")
    for directory in dict.fromkeys(directories):
        for name in names if directory else names[:-1]:
            found = code.module(project.source, f"{directory}/{name}.py".lstrip("/"))
            if found is not None:
                yield found


def application(project: Project, classes: tuple[str, ...]) -> Target | None:
    """The name that holds an application, or a factory of one."""
    candidates = list(modules(project))
    for module in candidates:
        entry = module.path.endswith(("wsgi.py", "asgi.py"))
        for name, made in module.made.items():
            if made in classes or (made in ("create_app", "make_app") and name in ("app", "application")):
                return Target(module.dotted, name, base=module.base)
        handed_on = next((n for n in ("application", "app") if entry and n in module.imported), None)
        if handed_on:
            return Target(module.dotted, handed_on, base=module.base)
    for module in candidates:
        if module.factories:
            return Target(module.dotted, module.factories[0], factory=True, base=module.base)
    return None


def script(project: Project, imports: str | None = None) -> Module | None:
    """The file of a page or a script; with `imports`, the first that imports this module."""
    for module in modules(project, PAGES):
        text = project.source.peek(module.path) or ""
        if imports is None or f"import {imports}" in text or f"from {imports}" in text:
            return module
    return None


def _asgi(project: Project, framework: Framework) -> str | None:
    target = application(project, framework.classes)
    return servers.asgi(target, project.dependencies) if target else None


def _either(project: Project, framework: Framework) -> str | None:
    """For frameworks that come in both kinds: the server that is there tells which."""
    target = application(project, framework.classes)
    if target is None:
        return None
    return servers.wsgi(target, project.dependencies) or servers.asgi(target, project.dependencies)


def _flask(project: Project, framework: Framework) -> str | None:
    target = application(project, framework.classes)
    return (servers.wsgi(target, project.dependencies) or servers.flask(target)) if target else None


def _sanic(project: Project, framework: Framework) -> str | None:
    target = application(project, framework.classes)
    return target.imported(f"sanic {target} --host=0.0.0.0 --port=$PORT") if target else None


def _dash(project: Project, framework: Framework) -> str | None:
    """Dash serves through the Flask in its `server`, which people give a name for gunicorn."""
    for module in modules(project):
        if any(made in framework.classes for made in module.made.values()):
            named = next((name for name, made in module.made.items() if made == "server"), None)
            server = Target(module.dotted, named, base=module.base) if named else None
            command = servers.wsgi(server, project.dependencies) if server else None
            return command or f"HOST=0.0.0.0 python {module.path}"
    return None


def _streamlit(project: Project, framework: Framework) -> str | None:
    page = script(project, "streamlit")
    options = "--server.port $PORT --server.address 0.0.0.0 --server.headless true"
    return f"streamlit run {page.path} {options}" if page else None


def _chainlit(project: Project, framework: Framework) -> str | None:
    page = script(project, "chainlit")
    return f"chainlit run {page.path} --host 0.0.0.0 --port $PORT --headless" if page else None


def _gradio(project: Project, framework: Framework) -> str | None:
    page = script(project, "gradio")
    return f"GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT python {page.path}" if page else None


FRAMEWORKS = (
    Framework("fastapi", "fastapi", ("FastAPI",), _asgi),
    Framework("litestar", "litestar", ("Litestar",), _asgi),
    Framework("sanic", "sanic", ("Sanic",), _sanic),
    Framework("quart", "quart", ("Quart",), _asgi),
    Framework("fasthtml", "python-fasthtml", ("FastHTML",), _asgi),
    Framework("starlette", "starlette", ("Starlette",), _asgi),
    Framework("flask", "flask", ("Flask", "APIFlask", "OpenAPI"), _flask),
    Framework("dash", "dash", ("Dash",), _dash),
    Framework("falcon", "falcon", ("App", "API"), _either),
    Framework("bottle", "bottle", ("Bottle", "default_app"), _either),
    Framework("streamlit", "streamlit", (), _streamlit),
    Framework("chainlit", "chainlit", (), _chainlit),
    Framework("gradio", "gradio", (), _gradio),
)
