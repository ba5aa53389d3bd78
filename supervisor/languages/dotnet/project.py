"""Project files of .NET (*.csproj, *.fsproj, *.vbproj): what each makes, for which framework."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from supervisor.languages import markup
from supervisor.languages.markup import Element
from supervisor.languages.source import Source

ENDINGS = (".csproj", ".fsproj", ".vbproj")
SHARED = "Directory.Build.props"
MOST_ABOVE = 6

_TARGET = re.compile(r"net(?:coreapp)?(\d+\.\d+)")
_NAME = re.compile(r"\$\(([\w.]+)\)")
_SIMPLE = re.compile(r"[\w.+ -]+")


class Role(IntEnum):
    """What a project is for; of several in a solution, the highest is deployed."""

    NONE = 0  # a library, tests, an orchestrator of others
    CONSOLE = 1
    WORKER = 2
    BROWSER = 3  # Blazor WebAssembly: files
    WEB = 4


@dataclass(frozen=True, slots=True)
class Project:
    """A project file at `path`, relative to `source`, with the properties that it has or shares."""

    source: Source
    path: str
    sdk: str
    properties: Mapping[str, str]
    packages: frozenset[str]
    is_modern: bool

    @property
    def stem(self) -> str:
        return self.path.rpartition("/")[2].rpartition(".")[0]

    def value(self, name: str) -> str | None:
        """A property, with those that it names put in; None if it is not set, or not known from files."""
        text = self.properties.get(name)
        for _ in range(5):
            match = _NAME.search(text) if text else None
            if text is None or match is None:
                return text or None
            known = self.stem if match[1] == "MSBuildProjectName" else self.properties.get(match[1], "")
            text = text.replace(match[0], known)[:500]
        return None

    @property
    def assembly(self) -> str:
        """The name of what it makes, without its ending."""
        name = self.value("AssemblyName") or self.stem
        return name if _SIMPLE.fullmatch(name) else self.stem

    @property
    def targets(self) -> tuple[str, ...]:
        """The frameworks that it is built for: ("net8.0", "net9.0")."""
        text = self.value("TargetFrameworks") or self.value("TargetFramework") or ""
        return tuple(part.strip() for part in text.split(";") if part.strip())

    @property
    def target(self) -> str | None:
        """The newest of them."""
        known = [(tuple(int(n) for n in m[1].split(".")), name) for name in self.targets if (m := _TARGET.match(name))]
        return max(known)[1] if known else None

    @property
    def version(self) -> str | None:
        """The version of .NET that it needs: "8.0" of net8.0."""
        match = _TARGET.match(self.target or "")
        return match[1] if match else None

    @property
    def role(self) -> Role:
        if not self.is_modern or self._is_test:
            return Role.NONE
        if self.sdk.startswith("Aspire.") or (self.value("IsAspireHost") or "").lower() == "true":
            return Role.NONE
        if self.sdk == "Microsoft.NET.Sdk.BlazorWebAssembly" or (
            "Microsoft.AspNetCore.Components.WebAssembly.DevServer" in self.packages
        ):
            return Role.BROWSER
        if self.sdk == "Microsoft.NET.Sdk.Web":
            return Role.NONE if (self.value("OutputType") or "").lower() == "library" else Role.WEB
        if self.sdk == "Microsoft.NET.Sdk.Worker":
            return Role.WORKER
        runs = (self.value("OutputType") or "").lower() in ("exe", "winexe")
        if not runs or any(word in name for name in self.targets for word in ("-windows", "-android", "-ios", "-mac")):
            return Role.NONE
        return Role.WEB if any(name.startswith(_WEB) for name in self.packages) else Role.CONSOLE

    @property
    def _is_test(self) -> bool:
        packages = {"Microsoft.NET.Test.Sdk", "xunit", "NUnit", "MSTest", "TUnit", "BenchmarkDotNet"}
        return bool(packages & self.packages) or (self.value("IsTestProject") or "").lower() == "true"


_WEB = ("Microsoft.AspNetCore.", "Giraffe", "Saturn", "Suave", "Falco", "Grpc.AspNetCore", "FastEndpoints", "Carter")


def read(source: Source, path: str) -> Project | None:
    """A project file, None if there is none. Raises PlanError if it cannot be read."""
    root = markup.read(source, path)
    if root is None:
        return None
    if root.name != "Project":
        raise source.broken(path, f"its root is <{root.name[:40]}>, not <Project>")
    directory = source.elsewhere(path.rpartition("/")[0] or ".") or source
    shared = _shared(directory)
    properties = {**_properties(shared), **_properties(root)} if shared else _properties(root)
    sdk = root.attributes.get("Sdk") or next((e.attributes.get("Name", "") for e in root.all("Sdk")), "")
    sdk = sdk or next((e.attributes.get("Sdk", "") for e in root.all("Import") if e.attributes.get("Sdk")), "")
    names = (e.attributes.get("Include", "") for e in root.all("ItemGroup", "PackageReference"))
    references = (e.attributes.get("Include", "") for e in root.all("ItemGroup", "FrameworkReference"))
    packages = frozenset((*names, *(f"{name}." for name in references)))
    return Project(source, path, sdk.partition("/")[0], properties, packages, bool(sdk))


def _shared(directory: Source) -> Element | None:
    """The nearest Directory.Build.props, which every project below it gets."""
    for place in (directory, *directory.above())[:MOST_ABOVE]:
        if place.is_file(SHARED):
            return markup.read(place, SHARED)
    return None


def _properties(root: Element) -> dict[str, str]:
    """The properties; those of a group or with a value that only holds on a condition come after the others."""
    plain: dict[str, str] = {}
    conditional: dict[str, str] = {}
    for group in root.all("PropertyGroup"):
        for element in group.children:
            holds = "Condition" not in group.attributes and "Condition" not in element.attributes
            (plain if holds else conditional)[element.name] = element.text
    return conditional | plain
