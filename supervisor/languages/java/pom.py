"""pom.xml: what Maven is told, with what its parents in the repository add."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from supervisor.languages import markup
from supervisor.languages.markup import Element
from supervisor.languages.source import Source

FILE = "pom.xml"
MOST_PARENTS = 5
MOST_MODULES = 40
MOST_ROUNDS = 8  # of putting properties in for their names
MOST_VALUE = 500

_NAME = re.compile(r"\$\{([^${}]+)\}")
_MODULE = re.compile(r"[^/\0].*")


@dataclass(frozen=True, slots=True)
class Pom:
    """One pom.xml in `source`, and the one that it inherits from if that is in the repository, too."""

    source: Source
    root: Element
    parent: Pom | None = None

    def texts(self, *path: str) -> Iterator[str]:
        """What stands at a path, here and then in its parents."""
        pom: Pom | None = self
        while pom:
            yield from (element.text for element in pom.root.all(*path))
            pom = pom.parent

    def defined(self, name: str) -> str | None:
        """The value of a property, its own names put in; None if it is not set, or not known from the repository."""
        return next((self.value(text) for text in self.texts("properties", name)), None)

    def value(self, text: str) -> str | None:
        """A text with the values of the properties that it names; None if one of them is not known."""
        for _ in range(MOST_ROUNDS):
            match = _NAME.search(text)
            if match is None:
                return text
            known = self._named(match[1].strip())
            if known is None or len(known) + len(text) > MOST_VALUE:
                return None
            text = text.replace(match[0], known)
        return None

    def _named(self, name: str) -> str | None:
        match name:
            case "project.artifactId" | "artifactId" | "pom.artifactId":
                return self.root.text_of("artifactId")
            case "project.version" | "version" | "pom.version":
                return self.version
            case "project.groupId":
                return self.root.text_of("groupId") or self.root.text_of("parent", "groupId")
            case "project.parent.version":
                return self.root.text_of("parent", "version")
            case "project.name":
                return self.root.text_of("name")
        return next(iter(self.texts("properties", name)), None)

    @property
    def version(self) -> str | None:
        return self.root.text_of("version") or self.root.text_of("parent", "version")

    @property
    def packaging(self) -> str:
        return self.value(self.root.text_of("packaging") or "jar") or "jar"

    @property
    def final_name(self) -> str | None:
        """What Maven calls the file that it makes, without its ending; None if that cannot be told."""
        name = next(self.texts("build", "finalName"), None) or "${project.artifactId}-${project.version}"
        found = self.value(name)
        return found if found and re.fullmatch(r"[\w.+-]+", found) else None

    @property
    def modules(self) -> tuple[str, ...]:
        """The directories of its modules, relative to it, as far as they are below it."""
        named = [element.text for element in self.root.all("modules", "module")]
        named += [element.text for element in self.root.all("subprojects", "subproject")]
        for profile in self.root.all("profiles", "profile"):
            if profile.text_of("activation", "activeByDefault") == "true":
                named += [element.text for element in profile.all("modules", "module")]
        return tuple(
            name.removesuffix("/pom.xml").strip("/")
            for name in named[:MOST_MODULES]
            if _MODULE.fullmatch(name) and ".." not in name.split("/")
        )

    def dependencies(self) -> Iterator[Element]:
        """Its dependencies and those of its parents, without those for tests."""
        pom: Pom | None = self
        while pom:
            for element in pom.root.all("dependencies", "dependency"):
                if element.text_of("scope") != "test":
                    yield element
            pom = pom.parent

    def plugins(self, inherited: bool = True) -> Iterator[Element]:
        """The plugins of its build, and with `inherited` those of its parents."""
        pom: Pom | None = self
        while pom:
            yield from pom.root.all("build", "plugins", "plugin")
            for profile in pom.root.all("profiles", "profile"):
                if profile.text_of("activation", "activeByDefault") == "true":
                    yield from profile.all("build", "plugins", "plugin")
            pom = pom.parent if inherited else None

    def plugin(self, artifact: str, inherited: bool = True) -> tuple[Element, ...]:
        """The declarations of a plugin that runs in its build: settings may be spread over parents."""
        found = tuple(p for p in self.plugins(inherited) if self._artifact(p) == artifact)
        if not found:
            return ()
        managed = self.root.all("build", "pluginManagement", "plugins", "plugin")
        return found + tuple(p for p in managed if self._artifact(p) == artifact)

    def managed_plugin(self, artifact: str) -> tuple[Element, ...]:
        """The same for a plugin that runs whether it is declared or not: the jar plugin."""
        managed = self.root.all("build", "pluginManagement", "plugins", "plugin")
        return (*self.plugin(artifact), *(p for p in managed if self._artifact(p) == artifact))

    def groups(self) -> set[str]:
        """The groups of all that it uses: dependencies, plugins, parents."""
        elements = (*self.dependencies(), *self.plugins())
        found = {self.value(element.text_of("groupId") or "") or "" for element in elements}
        return found | set(self.texts("parent", "groupId"))

    def has(self, group: str, artifact: str) -> bool:
        return any(
            self.value(d.text_of("groupId") or "") == group and d.text_of("artifactId") == artifact
            for d in self.dependencies()
        )

    def _artifact(self, plugin: Element) -> str | None:
        return self.value(plugin.text_of("artifactId") or "")


def read(source: Source) -> Pom | None:
    """The project's pom.xml with its parents. Raises PlanError if one cannot be read, or is none."""
    pom = _read(source)
    chain: list[Pom] = []
    while pom and len(chain) < MOST_PARENTS:
        chain.append(pom)
        pom = _above(pom)
    result: Pom | None = None
    for pom in reversed(chain):
        result = replace(pom, parent=result)
    return result


def _read(source: Source) -> Pom | None:
    root = markup.read(source, FILE)
    if root is None:
        return None
    if root.name != "project":
        raise source.broken(FILE, f"its root is <{root.name[:40]}>, not <project>")
    return Pom(source, root)


def _above(pom: Pom) -> Pom | None:
    """The parent where it says it is, if that is in the repository and is the one that is named."""
    named = pom.root.first("parent")
    if named is None:
        return None
    place = named.first("relativePath")
    path = place.text if place is not None else "../pom.xml"
    if not path:
        return None
    found = pom.source.elsewhere(path.removesuffix("/pom.xml").removesuffix("pom.xml") or ".")
    above = _read(found) if found and found.directory != pom.source.directory else None
    return above if above and above.root.text_of("artifactId") == named.text_of("artifactId") else None
