"""The frameworks of Python: how each is known, and how an application of it is found and started.

One line each, and the first that a project depends on and that has an application gives the start command.
Those that name their server in code come before those that only draw a page, since an API and a Streamlit
page often share a repository.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from supervisor.languages.python import code, servers
from supervisor.languages.python.code import Module
from supervisor.languages.python.manifests import Dependencies, normalised
from supervisor.languages.python.servers import Target
from supervisor.languages.source import Source

FILES = ("main", "app", "wsgi", "asgi", "server", "application", "run", "api", "index", "__init__")
_CLIENTS = ("aiohttp", "tornado", "notebook", "jupyterlab")  # what many a project has without being a server of it
_TOOLS = ("setup.py", "conftest.py", "manage.py", "noxfile.py", "tasks.py", "fabfile.py", "gunicorn.conf.py")
PAGES = (
    "streamlit_app",
    "app",
    "main",
    "server",
    "bot",
    "Home",
    "home",
    "Hello",
    "dashboard",
    "ui",
    "demo",
    "__init__",
)


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
    sure = [framework for framework in present if framework.package not in _CLIENTS]
    return (sure[0] if sure else None), None


def sole(source: Source) -> str | None:
    """The only Python file of a directory, whatever its name; None if there are several, or one that never runs."""
    files = [name for name in source.files(suffix=".py") if name not in _TOOLS and not name.startswith("test_")]
    return files[0] if len(files) == 1 else None


def _named(source: Source) -> str | None:
    """The file that a Flask project's .flaskenv names."""
    match = re.search(r"(?m)^\s*FLASK_APP\s*=\s*[\"']?([\w./]+)", source.peek(".flaskenv") or "")
    if match is None:
        return None
    stem = match[1].removeprefix("./").removesuffix(".py").replace(".", "/")
    return source.first_file(f"{stem}.py", f"{stem}/__init__.py")


def modules(project: Project, names: tuple[str, ...] = FILES) -> Iterator[Module]:
    """The files in which people have their application: a bounded number of places, the likeliest first."""
    named = _named(project.source)
    if named is not None and (module := code.module(project.source, named)):
        yield module
    package = normalised(project.name or "").replace("-", "_")
    own = (package, f"src/{package}") if package else ()
    directories = ("", "src", "app", *own, "src/app", "api", "server", "backend", "web")
    for directory in dict.fromkeys(directories):
        for name in names if directory else names[:-1]:
            found = code.module(project.source, f"{directory}/{name}.py".lstrip("/"))
            if found is not None:
                yield found
    other = sole(project.source)
    module = code.module(project.source, other) if other and other.removesuffix(".py") not in names else None
    if module is not None:
        yield module


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


def _wsgi(project: Project, framework: Framework) -> str | None:
    """For frameworks that bring a server of their own, which the file runs."""
    target = application(project, framework.classes)
    command = servers.wsgi(target, project.dependencies) if target else None
    return command or _by_itself(project, framework)


def _aiohttp(project: Project, framework: Framework) -> str | None:
    target = application(project, framework.classes)
    if target is not None and project.dependencies.has("gunicorn"):
        worker = "--worker-class aiohttp.GunicornWebWorker"
        return target.imported(f"gunicorn {target.called} {worker} --bind 0.0.0.0:$PORT")
    return _if(project, "web.Application")


def _tornado(project: Project, framework: Framework) -> str | None:
    return _if(project, "tornado.web")


def _if(project: Project, text: str) -> str | None:
    """The file that has `text`: of frameworks that are clients, too."""
    for module in modules(project, PAGES):
        if text in (project.source.peek(module.path) or ""):
            return f"python {module.path}"
    return None


def _by_itself(project: Project, framework: Framework) -> str | None:
    """The file that uses the framework, which listens where its own code says."""
    page = script(project, framework.package.replace("-", "_"))
    return f"python {page.path}" if page else None


def _robyn(project: Project, framework: Framework) -> str | None:
    page = script(project, "robyn")
    return f"ROBYN_HOST=0.0.0.0 ROBYN_PORT=$PORT python {page.path}" if page else None


def _run(line: str) -> Starter:
    """For frameworks whose own command takes the page: `{}` stands for its file."""

    def start(project: Project, framework: Framework) -> str | None:
        page = script(project, framework.package)
        return line.format(page.path) if page else None

    return start


def _reflex(project: Project, framework: Framework) -> str | None:
    known = project.source.is_file("rxconfig.py")
    return "reflex run --env prod --frontend-port $PORT" if known else None


def _voila(project: Project, framework: Framework) -> str | None:
    """The only notebook, or a list of all of them."""
    names = project.source.files(suffix=".ipynb")
    one = f" {shlex.quote(names[0])}" if len(names) == 1 else ""
    return f"voila{one} --port=$PORT --no-browser --Voila.ip=0.0.0.0" if names else None


def _jupyter(project: Project, framework: Framework) -> str | None:
    program = "lab" if framework.package == "jupyterlab" else "notebook"
    return (
        f"jupyter {program} --ip=0.0.0.0 --port=$PORT --no-browser" if project.source.files(suffix=".ipynb") else None
    )


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
    Framework("connexion", "connexion", ("FlaskApp", "AsyncApp", "App"), _either),
    Framework("blacksheep", "blacksheep", ("Application",), _asgi),
    Framework("robyn", "robyn", (), _robyn),
    Framework("falcon", "falcon", ("App", "API"), _either),
    Framework("bottle", "bottle", ("Bottle", "default_app"), _either),
    Framework("pyramid", "pyramid", ("make_wsgi_app",), _wsgi),
    Framework("cherrypy", "cherrypy", (), _by_itself),
    Framework("aiohttp", "aiohttp", ("Application",), _aiohttp),
    Framework("tornado", "tornado", (), _tornado),
    Framework("reflex", "reflex", (), _reflex),
    Framework("nicegui", "nicegui", (), _by_itself),
    Framework("streamlit", "streamlit", (), _streamlit),
    Framework("chainlit", "chainlit", (), _chainlit),
    Framework("gradio", "gradio", (), _gradio),
    Framework("panel", "panel", (), _run("panel serve {} --address 0.0.0.0 --port $PORT --allow-websocket-origin='*'")),
    Framework("solara", "solara", (), _run("solara run {} --host 0.0.0.0 --port $PORT --production")),
    Framework("shiny", "shiny", (), _run("shiny run {} --host 0.0.0.0 --port $PORT")),
    Framework("mesop", "mesop", (), _run("mesop {} --port $PORT --prod")),
    Framework("marimo", "marimo", (), _run("marimo run {} --host 0.0.0.0 --port $PORT --headless")),
    Framework("voila", "voila", (), _voila),
    Framework("jupyter", "jupyterlab", (), _jupyter),
    Framework("jupyter", "notebook", (), _jupyter),
)

CLASSES = tuple(made for framework in FRAMEWORKS for made in framework.classes)
"""What any application is made with."""
