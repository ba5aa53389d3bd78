"""Go projects: a go.mod or a go.work, and which of their packages is the program; or Go files alone.

The fit is CERTAIN with a module, or a workspace, that has a main package where programs lie: at its top, or in
cmd/. It is LIKELY with one anywhere else, and with Go files without a module. A go.mod without a program is a
HELPER: libraries have one, and so do sites of Hugo; and so is a program further below in a part of a module.

Versions: GO_VERSION, .go-version, .tool-versions, mise.toml, the `go` line of go.mod or go.work. That line is the
lowest that will do: every later Go builds the same.
"""

from __future__ import annotations

from supervisor.languages.go import commands, frameworks
from supervisor.languages.go import module as manifests
from supervisor.languages.go import project as projects
from supervisor.languages.go.project import Project
from supervisor.languages.language import NO_START, Fit
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, first_line, mise_toml, tool_versions, wanted
from supervisor.model import Plan

name = "go"

_NOTHING = f"{NO_START}there is no main package at the top, in cmd/ or below; add one"


def fit(source: Source) -> Fit:
    """How surely this is a Go project; see the module's docstring. Raises PlanError about a broken go.mod."""
    is_module = source.has("go.mod") or source.has("go.work")
    is_part = any(place.has("go.mod") for place in source.above())
    if not is_module and not is_part and not source.files(".", ".go") and not source.is_dir("cmd"):
        return Fit.NO
    project = projects.read(source)
    if not project.programs:
        return Fit.HELPER if is_module else Fit.NO
    if not project.prominent and not is_module:
        return Fit.HELPER
    return Fit.CERTAIN if project.prominent and (project.module or project.work) else Fit.LIKELY


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken go.mod or go.work."""
    project = projects.read(source)
    program = project.program
    version = wanted(source, "GO_VERSION", source.options.go_version, _VERSIONS)
    module = project.requirements()
    framework = frameworks.of(program.imports if program else (), module.requires if module else ())
    in_c = frameworks.in_c((*module.requires, *module.indirect)) if module else None
    made = commands.outputs(project, program) if program else ()
    start = f"./{made[0].path} {framework.arguments if framework else ''}".rstrip() if made else None
    return Plan(
        type=name,
        framework=framework.name if framework else None,
        runtime="go",
        runtime_version=version.constraint if version else None,
        runtime_floor=version is not None and version.origin.endswith(("go.mod", "go.work")),
        package_manager="go",
        install=commands.install(project, program),
        build=commands.build(project, made) if made else None,
        start=start,
        bin_dirs=tuple(commands.on_path(made)),
        environment=() if in_c else (("CGO_ENABLED", "0"),),
        inputs=_inputs(project),
        notes=((version.note("go"),) if version else ()) + _notes(project, in_c),
    )


def _notes(project: Project, in_c: str | None) -> tuple[str, ...]:
    notes = [] if project.programs else [_NOTHING]
    if len(project.programs) > 1:
        others = ", ".join(one.directory for one in project.programs[1:5])
        notes.append(f"{project.programs[0].directory} is the program, not {others}: see BUILD_COMMAND")
    if in_c:
        notes.append(f"{in_c} needs cgo: CGO_ENABLED is left to Go, which uses a C compiler if there is one")
    return tuple(notes)


def _inputs(project: Project) -> tuple[str, ...]:
    """What decides over the modules that are fetched; nothing, where an install writes go.sum anew."""
    install = commands.install(project, project.program)
    if install is None or not install.endswith("download"):
        return ()
    files = [(project.up, file) for file in ("go.mod", "go.sum")]
    files += [(".", file) for file in ("go.work", "go.work.sum")]
    if project.work:
        files += [(use, file) for use in project.work.uses for file in ("go.mod", "go.sum")]
    paths = (f"{place}/{file}".removeprefix("./") for place, file in files)
    return tuple(path for path in dict.fromkeys(paths) if project.source.is_file(path))


def _manifest(source: Source) -> Wanted | None:
    """The nearest `go` line; code with a go.mod above it, and none of its own, is part of that module."""
    for place in (source, *source.above()):
        for file, read in (("go.mod", manifests.module), ("go.work", manifests.workspace)):
            found = read(place)
            if found is not None and found.go:
                return Wanted(found.go, place.shown(file))
        if place.has("go.mod"):
            return None
    return None


_VERSIONS: tuple[Reader, ...] = (
    first_line(".go-version"),
    tool_versions("golang", "go"),
    mise_toml("go", "golang"),
    _manifest,
)
