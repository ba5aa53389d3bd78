"""Variables by which programs find a runtime that PATH alone does not tell them of."""

from __future__ import annotations

from supervisor.runtimes.runtime import Runtime

NAMES = ("JAVA_HOME", "DOTNET_ROOT")
"""They name the runtime that was chosen for the release, whatever the image around it has set."""


def of(runtime: Runtime) -> tuple[tuple[str, str], ...]:
    """The variables for a runtime; none if its program is a shim, which says nothing of where it lies."""
    program = runtime.executable.resolve()
    above = program.parent.parent
    match runtime.name:
        case "java" if (above / "lib").is_dir():
            return (("JAVA_HOME", str(above)),)
        case "dotnet" if (program.parent / "sdk").is_dir():
            return (("DOTNET_ROOT", str(program.parent)),)
    return ()
