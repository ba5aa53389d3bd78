"""Django: which module serves, and whether its static files are to be collected.

collectstatic is part of the build if the settings name a STATIC_ROOT, since without it such a project has no
style sheets; not if a hook, or the Procfile, calls it already. Where they name it under a condition (many do so
in production only, as hosts teach it), Django is asked first: without one, collectstatic fails. BUILD_COMMAND
replaces it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from supervisor.languages.python import code, servers
from supervisor.languages.python.manifests import Dependencies
from supervisor.languages.python.servers import Target
from supervisor.languages.source import Source

COLLECT = "python manage.py collectstatic --noinput"
COLLECT_IF = (
    f'settings=$(python manage.py diffsettings) && if grep -q "^STATIC_ROOT = " <<< "$settings"; then {COLLECT}; fi'
)
OWN_SERVER = "python manage.py runserver"
MOST_DIRECTORIES = 100

_SETTINGS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_CALLERS = ("pre-deploy.sh", "post-deploy.sh", "Procfile")


def is_django(source: Source) -> bool:
    """A manage.py that speaks of Django: other tools have one, too."""
    return "django" in (source.peek("manage.py") or "").lower()


def below(source: Source) -> Source | None:
    """The directory with the manage.py, where it is not the project's own."""
    places = (source.elsewhere(name) for name in source.directories()[:MOST_DIRECTORIES])
    return next((place for place in places if place is not None and is_django(place)), None)


def start(source: Source, dependencies: Dependencies) -> str:
    """The command. A server of the project's own is preferred to Django's."""
    constants = _settings_constants(source)
    asgi = _target(source, "asgi", constants.get("ASGI_APPLICATION"))
    wsgi = _target(source, "wsgi", constants.get("WSGI_APPLICATION"))
    if asgi and (constants.get("ASGI_APPLICATION") or not dependencies.has("gunicorn")):
        command = servers.asgi(asgi, dependencies)
        if command:
            return command
    command = servers.wsgi(wsgi, dependencies) if wsgi else None
    if command:
        return command
    return f"{OWN_SERVER} 0.0.0.0:$PORT --noreload"


def build(source: Source) -> str | None:
    """collectstatic, if it belongs there; see the module's docstring."""
    if "STATIC_ROOT" not in _settings_constants(source):
        return None
    command = COLLECT if _has_static_root(source) else COLLECT_IF
    places = (source, *source.above()[-1:])  # hooks may lie at the repository's root
    called = any("collectstatic" in (place.peek(name) or "") for place in places for name in _CALLERS)
    return None if called else command


def _has_static_root(source: Source) -> bool:
    """Whether a file of the settings names a STATIC_ROOT whatever happens."""
    return any("STATIC_ROOT" in code.unconditional(code.tree(source, file)) for file in _settings_files(source))


def _settings_constants(source: Source) -> dict[str, object]:
    """The settings that manage.py names, with those beside them that they may build upon."""
    found: dict[str, object] = {}
    for file in _settings_files(source):
        for name, value in code.constants(code.tree(source, file)).items():
            found.setdefault(name, value)
    return found


def _settings_files(source: Source) -> list[str]:
    """The files in which the settings may lie; not all of them are there."""
    module = _settings_module(source)
    if module is None:
        return []
    path = module.replace(".", "/")
    package = path if source.is_dir(path) else str(PurePosixPath(path).parent)
    files = [f"{path}.py", f"{path}/__init__.py"]
    if PurePosixPath(package).name == "settings":
        files += [f"{package}/{name}.py" for name in ("base", "common", "defaults", "production", "prod")]
    return files


def _settings_module(source: Source) -> str | None:
    """The text after DJANGO_SETTINGS_MODULE in manage.py."""
    texts = list(code.texts(code.tree(source, "manage.py")))
    for i, text in enumerate(texts[:-1]):
        if text == "DJANGO_SETTINGS_MODULE" and _SETTINGS.fullmatch(texts[i + 1]):
            return texts[i + 1]
    return None


def _target(source: Source, kind: str, application: object) -> Target | None:
    """The application that the settings name, or the `application` of a wsgi.py (asgi.py) near them, or anywhere."""
    if isinstance(application, str) and _SETTINGS.fullmatch(application) and "." in application:
        module, _, attribute = application.rpartition(".")
        if source.first_file(f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"):
            return Target(module, attribute)
    settings = (_settings_module(source) or "").split(".")
    near = ["/".join([*settings[:depth], kind]) for depth in range(len(settings) - 1, -1, -1)]
    found = source.first_file(*(f"{path}.py" for path in near))
    if found is None:
        found = source.first_file(*(f"{name}/{kind}.py" for name in source.directories()[:MOST_DIRECTORIES]))
    return Target(found.removesuffix(".py").replace("/", "."), "application") if found else None
