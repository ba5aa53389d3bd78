"""Projects of .NET, in C#, F# or Visual Basic: ASP.NET Core, Blazor, workers, programs for the console.

What is deployed is published to `publish`, whose directory is the application's root: there, not among the sources,
are the pages and scripts that a build makes.
"""

from __future__ import annotations

import re
import shlex

from supervisor.languages import beside
from supervisor.languages.dotnet import solution
from supervisor.languages.dotnet.project import Project, Role
from supervisor.languages.language import NO_START, Fit
from supervisor.languages.source import Source
from supervisor.languages.versions import Reader, Wanted, tool_versions, wanted
from supervisor.model import Need, Plan

name = "dotnet"

GLOBAL = "global.json"
OUTPUT = "publish"
TOOLS = ".config/dotnet-tools.json"
LOCK = "packages.lock.json"

_ENVIRONMENT = (
    ("ASPNETCORE_ENVIRONMENT", "Production"),
    ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
    ("DOTNET_NOLOGO", "1"),
    ("DOTNET_RUNNING_IN_CONTAINER", "true"),
    ("DOTNET_ROLL_FORWARD", "Major"),  # what is built for an older one runs with the SDK that builds it
)
_BLAZOR = ("AddInteractiveServerComponents", "AddServerSideBlazor", "MapRazorComponents", "MapBlazorHub")
_PUBLISHED = re.compile(r"(?:^|[\s/=:])(bin/publish|out)(?:/|[\s;&]|$)")  # Heroku's, and nixpacks'
_SDK = re.compile(r'"version"\s*:\s*"([\w.-]+)"')


def fit(source: Source) -> Fit:
    """CERTAIN if something serves, LIKELY if something runs. Raises PlanError about a broken project file."""
    found, _ = solution.chosen(source) if _may_be(source) else (None, ())
    if found is None:
        return Fit.NO
    if found.role is Role.NONE:
        return Fit.HELPER
    return Fit.CERTAIN if found.role > Role.CONSOLE else Fit.LIKELY


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a manifest that cannot be read."""
    project, notes = solution.chosen(source)
    version = wanted(source, "DOTNET_VERSION", source.options.dotnet_version, _readers(project))
    is_site = project is not None and project.role is Role.BROWSER
    scripts = beside.read(source)
    start, missing = (None, ()) if is_site else _start(project)
    return Plan(
        type=name,
        framework=_framework(source, project),
        runtime="dotnet",
        runtime_version=version.constraint if version else None,
        package_manager="nuget",
        install=scripts.after(_install(source, project)),
        build=" && ".join(step for step in (scripts.script, _build(source, project)) if step),
        start=start,
        serve="static" if is_site else "app",
        output_dir=f"{OUTPUT}/wwwroot" if is_site else None,
        single_page=is_site,
        bin_dirs=scripts.bin_dirs,
        helpers=scripts.needs or ((Need("node"),) if project and project.value("SpaRoot") else ()),
        environment=_ENVIRONMENT,
        notes=((version.note("dotnet"),) if version else ()) + notes + missing,
    )


def _may_be(source: Source) -> bool:
    return (
        solution.is_there(source)
        or source.first_file(GLOBAL, "Directory.Build.props") is not None
        or source.is_dir("src")
    )


def _path(source: Source, project: Project | None) -> str:
    """The project as an argument, with a blank before it; "" where dotnet finds it by itself."""
    return f" {shlex.quote(project.path)}" if project and solution.needs_path(source, project) else ""


def _install(source: Source, project: Project | None) -> str:
    beside = f"{project.path.rpartition('/')[0]}/{LOCK}".removeprefix("/") if project else LOCK
    locked = " --locked-mode" if source.is_file(beside) else ""
    tools = " && dotnet tool restore" if source.is_file(TOOLS) else ""
    return f"dotnet restore{_path(source, project)}{locked}{tools}"


def _output(source: Source, project: Project | None) -> str:
    """Where it is published to: where the command that starts it, of a Procfile say, looks for it."""
    match = _PUBLISHED.search(source.start or "")
    if match is None:
        return OUTPUT
    beside = project.path.rpartition("/")[0] if project else ""
    return f"{beside}/{match[1]}".removeprefix("/")


def _build(source: Source, project: Project | None) -> str:
    several = project is not None and len(project.targets) > 1 and project.target
    framework = f" -f {project.target}" if project and several else ""
    return f"dotnet publish{_path(source, project)} -c Release{framework} -o {shlex.quote(_output(source, project))}"


def _start(project: Project | None) -> tuple[str | None, tuple[str, ...]]:
    if project is None:
        return None, (f"{NO_START}there is no project file",)
    if not project.is_modern:
        return None, (f"{NO_START}{project.path} is of .NET Framework, which runs on Windows alone; move it to .NET",)
    if project.role is Role.NONE:
        return None, (f"{NO_START}{project.path} is a library, tests or a desktop's program; set PROJECT_PATH",)
    program = f"dotnet {shlex.quote(f'{OUTPUT}/{project.assembly}.dll')}"
    if project.role is Role.WEB:
        return f"ASPNETCORE_URLS=http://0.0.0.0:$PORT ASPNETCORE_CONTENTROOT=$PWD/{OUTPUT} {program}", ()
    return program, ()


def _framework(source: Source, project: Project | None) -> str | None:
    match project.role if project else Role.NONE:
        case Role.BROWSER:
            return "blazor"
        case Role.WEB if project:
            directory = project.path.rpartition("/")[0]
            program = source.peek(f"{directory}/Program.cs".removeprefix("/")) or ""
            return "blazor" if any(word in program for word in _BLAZOR) else "aspnetcore"
        case Role.WORKER:
            return "worker"
    return None


def _readers(project: Project | None) -> tuple[Reader, ...]:
    target = Wanted(project.version, f"TargetFramework of {project.path}") if project and project.version else None
    return (_global, tool_versions("dotnet", "dotnet-core"), lambda _: target)


def _global(source: Source) -> Wanted | None:
    """The SDK that global.json asks for. It may have comments in it, and is read as text."""
    text = source.peek(GLOBAL) or ""
    sdk = text.find('"sdk"')
    match = _SDK.search(text, sdk, text.find("}", sdk) + 1 or len(text)) if sdk >= 0 else None
    return Wanted(match[1], source.shown(GLOBAL)) if match else None
