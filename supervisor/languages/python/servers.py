"""The command lines of Python's servers, for an application that was found."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.languages.python.manifests import Dependencies


@dataclass(frozen=True, slots=True)
class Target:
    """An application: the name `attribute` of `module`, or what it returns if it is a factory.

    `base` is the directory that has to be on the path for the import, "" if it is the project's own.
    """

    module: str
    attribute: str
    factory: bool = False
    base: str = ""

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"

    @property
    def called(self) -> str:
        """In the form of servers that evaluate it."""
        return f"'{self}()'" if self.factory else str(self)

    def imported(self, command: str) -> str:
        return f"PYTHONPATH={self.base}:$PYTHONPATH {command}" if self.base else command


def wsgi(target: Target, dependencies: Dependencies) -> str | None:
    """The command of the first WSGI server that the project has."""
    command = None
    if dependencies.has("gunicorn"):
        command = f"gunicorn {target.called} --bind 0.0.0.0:$PORT"
    elif dependencies.has("waitress"):
        call = "--call " if target.factory else ""
        command = f"waitress-serve --host=0.0.0.0 --port=$PORT {call}{target}"
    elif dependencies.has("uwsgi"):
        command = f"uwsgi --http 0.0.0.0:$PORT --master --module {target.called}"
    return command and target.imported(command)


def asgi(target: Target, dependencies: Dependencies) -> str | None:
    """The command of the first ASGI server that the project has; gunicorn only with uvicorn's workers."""
    command = None
    if dependencies.has("uvicorn"):
        factory = " --factory" if target.factory else ""
        command = f"uvicorn {target}{factory} --host 0.0.0.0 --port $PORT"
    elif dependencies.has("hypercorn"):
        command = f"hypercorn {target.called} --bind 0.0.0.0:$PORT"
    elif dependencies.has("granian"):
        factory = " --factory" if target.factory else ""
        command = f"granian --interface asgi{factory} --host 0.0.0.0 --port $PORT {target}"
    elif dependencies.has("daphne") and not target.factory:
        command = f"daphne -b 0.0.0.0 -p $PORT {target}"
    elif dependencies.has("gunicorn") and dependencies.has("uvicorn-worker"):
        command = f"gunicorn {target.called} -k uvicorn_worker.UvicornWorker --bind 0.0.0.0:$PORT"
    return command and target.imported(command)


def flask(target: Target) -> str:
    """Flask's own server: for development, but there with every Flask. It finds the usual names by itself."""
    usual = target.attribute in ("app", "application", "create_app", "make_app")
    return target.imported(f"flask --app {target.module if usual else target} run --host 0.0.0.0 --port $PORT")
