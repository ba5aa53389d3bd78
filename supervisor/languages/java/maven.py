"""A project that Maven builds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import islice

from supervisor.languages.java import code, frameworks, pom, wrapper
from supervisor.languages.java.build import Build, below, picked, running
from supervisor.languages.java.frameworks import Framework
from supervisor.languages.java.pom import Pom
from supervisor.languages.java.webapp import of_war
from supervisor.languages.language import NO_START
from supervisor.languages.markup import Element
from supervisor.languages.source import Source
from supervisor.languages.versions import Wanted

GOALS = "clean package -DskipTests -B"
COPY = "dependency:copy-dependencies -DincludeScope=runtime"
CLASSES = '-cp "target/classes:target/dependency/*"'

_LEVELS = ("java.version", "maven.compiler.release", "maven.compiler.target", "maven.compiler.source", "jdk.version")
_COMPILER = ("release", "target", "source")
_FAT = {  # plugins whose jar runs by itself
    "spring-boot-maven-plugin",
    "quarkus-maven-plugin",
    "maven-shade-plugin",
    "maven-assembly-plugin",
    "vertx-maven-plugin",
    "thorntail-maven-plugin",
    "wildfly-swarm-plugin",
}
_LIKELY_NAMES = re.compile(r"(?:^|[-_/])(?:app|application|web|server|api|backend|boot|bootstrap|main|service|start)$")
_CLASS = re.compile(r"[\w$.]+")


def read(source: Source) -> Build | None:
    """How Maven builds the project, None if it has no pom.xml. Raises PlanError about one that is broken."""
    own = pom.read(source)
    if own is None:
        return None
    top = _top(own)
    module, module_pom, notes = _module(own) if own.modules else (".", own, ())
    tool, tool_notes = wrapper.command(top.source, "mvnw", "mvn")
    notes += tool_notes
    framework = frameworks.of(module_pom.groups())
    goals = GOALS + (" -Pproduction" if _has_production(module_pom) else "")
    start, more = _start(module_pom, module, framework)
    if more:
        goals = f"{goals} {more}"
    if top.source.directory != own.source.directory:
        way = str(own.source.directory.relative_to(top.source.directory))
        up = "/".join(".." for _ in way.split("/"))
        command = f"cd {up} && {tool} -pl {shlex.quote(below(way, module) if module != '.' else way)} -am {goals}"
    elif module != ".":
        command = f"{tool} -pl {shlex.quote(module)} -am {goals}"
    else:
        command = f"{tool} {goals}"
    if start is None:
        notes += (f"{NO_START}{own.source.shown(pom.FILE)} makes nothing that can be run; name its main class there",)
    return Build(
        tool="maven",
        command=command,
        start=start,
        framework=framework,
        level=_level(module_pom),
        has_wrapper=tool != "mvn",
        module=module,
        inputs=(pom.FILE,),
        notes=notes,
    )


def _top(own: Pom) -> Pom:
    """Where the build begins: the parent in the repository that counts this project among its modules."""
    top, above = own, own.parent
    while above:
        directory = above.source.directory
        if own.source.directory.is_relative_to(directory):
            way = str(own.source.directory.relative_to(directory))
            if any(way == name or way.startswith(f"{name}/") for name in above.modules):
                top = above
        above = above.parent
    return top


def _module(own: Pom) -> tuple[str, Pom, tuple[str, ...]]:
    """The module that runs, and a remark if another might be meant as well."""
    ranked = [(_rank(path, module), path, module) for path, module in islice(_modules(own, ""), pom.MOST_MODULES)]
    for rank in (3, 2, 1):
        fitting = [(path, module) for its, path, module in ranked if its == rank and _begins(module)]
        if fitting:
            break
    else:
        fitting = [(path, module) for its, path, module in ranked if its == 3]
    if not fitting:
        return ".", own, ()
    path, module = next(((p, m) for p, m in fitting if _LIKELY_NAMES.search(p)), fitting[0])
    if len(fitting) == 1:
        return path, module, ()
    names = ", ".join(other for other, _ in fitting[:8])
    return path, module, (f"{path} is started, out of {names}: set PROJECT_PATH if another is meant",)


def _modules(own: Pom, prefix: str, depth: int = 3) -> Iterator[tuple[str, Pom]]:
    for name in own.modules if depth else ():
        source = own.source.elsewhere(name)
        module = pom.read(source) if source and source.directory != own.source.directory else None
        if module:
            path = f"{prefix}{name}"
            yield path, module
            yield from _modules(module, f"{path}/", depth - 1)


def _rank(path: str, module: Pom) -> int:
    """How surely a module is what runs: it makes something that does, it has a framework, or it only might."""
    if module.packaging == "pom" or re.search(r"(?:^|[-_/])(?:tests?|it|docs?|benchmarks?)$", path):
        return 0
    own = {module.value(plugin.text_of("artifactId") or "") or "" for plugin in module.plugins(inherited=False)}
    if own & _FAT or _main_of(module, inherited=False):
        return 3
    return 2 if frameworks.of(module.groups()) else 1


def _begins(module: Pom) -> bool:
    """Whether there is something to begin with. Quarkus brings its own."""
    framework = frameworks.of(module.groups())
    return (
        (framework is not None and framework.name == "quarkus")
        or module.packaging == "war"
        or code.main_class(module.source) is not None
    )


def _start(module: Pom, path: str, framework: Framework | None) -> tuple[str | None, str]:
    """The start command, and further goals that it needs of the build."""
    if module.packaging == "pom":
        return None, ""
    target = below(path, "target")
    name = framework.name if framework else ""
    if name == "quarkus":
        return running(module.source, framework, f"-jar {_quarkus(module, target)}"), ""
    if module.packaging == "war" and not module.plugin("spring-boot-maven-plugin"):
        return of_war(module, target)
    jar = _jar(module, target)
    if jar:
        unbound = jar.endswith("-with-dependencies.jar") and not any(
            element.text == "single"
            for plugin in module.plugin("maven-assembly-plugin")
            for element in plugin.below("goal")
        )
        return running(module.source, framework, f"-jar {jar}"), "assembly:single" if unbound else ""
    main = _main_of(module) or code.main_class(module.source)
    if main is None:
        return None, ""
    classes = (
        CLASSES.replace("target", shlex.quote(target))
        if target == "target"
        else f'-cp "{target}/classes:{target}/dependency/*"'
    )
    return running(module.source, framework, f"{classes} {main}"), COPY


def _jar(module: Pom, target: str) -> str | None:
    """The jar that runs by itself; None if none is made. Its whole name where others lie beside it."""
    ending = "war" if module.packaging == "war" else "jar"
    spring, shade = module.plugin("spring-boot-maven-plugin"), module.plugin("maven-shade-plugin")
    assembly = module.plugin("maven-assembly-plugin")
    if spring:
        classifier = _setting(module, spring, "classifier")
        return f"{target}/*-{classifier}.{ending}" if classifier else _named(module, target, ending)
    if shade:
        output = _setting(module, shade, "outputFile")
        if output:
            return f"{target}/{shlex.quote(output.rpartition('/')[2])}"
        if _setting(module, shade, "shadedArtifactAttached") == "true":
            return f"{target}/*-{_setting(module, shade, 'shadedClassifierName') or 'shaded'}.jar"
        name = _setting(module, shade, "finalName")
        return f"{target}/{name}.jar" if name else _named(module, target, ending, True)
    if assembly and _setting(module, assembly, "descriptorRef") == "jar-with-dependencies":
        name = _setting(module, assembly, "finalName") or module.final_name
        if _setting(module, assembly, "appendAssemblyId") == "false":
            return f"{target}/{name}.jar" if name else picked(target)
        return f"{target}/*-jar-with-dependencies.jar"
    if frameworks.of(module.groups()) and any("micronaut" in text or "helidon" in text for text in _parents(module)):
        return _named(module, target, ending, True)
    jar = module.managed_plugin("maven-jar-plugin")
    if any(
        plugin.text_of("artifactId") in ("vertx-maven-plugin", "thorntail-maven-plugin") for plugin in module.plugins()
    ):
        return picked(target)
    if _main_of_plugins(module, jar) and not _needs_classpath(module, jar):
        return _named(module, target, ending)
    return None


def _named(module: Pom, target: str, ending: str, crowded: bool = False) -> str:
    """The jar: by any name if it is the only one, by its own if others lie beside it and it can be told."""
    beside = crowded or any(module.plugin(f"maven-{kind}-plugin") for kind in ("source", "javadoc"))
    beside = beside or any("test-jar" in goal.text for p in module.plugins() for goal in p.below("goal"))
    if not beside or ending == "war":
        return f"{target}/*.{ending}"
    name = module.final_name
    return f"{target}/{name}.{ending}" if name else picked(target)


def _needs_classpath(module: Pom, jar: tuple[Element, ...]) -> bool:
    """Whether a jar with a main class has dependencies that it does not find."""
    copied = any(p.below("goal") for p in module.plugin("maven-dependency-plugin"))
    if copied and any(element.text == "true" for plugin in jar for element in plugin.below("addClasspath")):
        return False
    return any(d.text_of("scope") not in ("test", "provided", "system") for d in module.dependencies())


def _main_of(module: Pom, inherited: bool = True) -> str | None:
    """The main class that the build names."""
    jar = module.managed_plugin("maven-jar-plugin") if inherited else module.plugin("maven-jar-plugin", False)
    plugins = (*jar, *module.plugin("exec-maven-plugin", inherited), *module.plugin("maven-shade-plugin", inherited))
    found = _main_of_plugins(module, (*plugins, *module.plugin("maven-assembly-plugin", inherited)))
    names = ("exec.mainClass", "start-class", "mainClass", "main.class", "app.main.class", "application.main.class")
    return found or next((m for m in (module.defined(n) for n in names) if m and _CLASS.fullmatch(m)), None)


def _main_of_plugins(module: Pom, plugins: tuple[Element, ...]) -> str | None:
    for plugin in plugins:
        for name in ("mainClass", "Main-Class", "Launcher-Agent-Class"):
            for element in plugin.below(name):
                value = module.value(element.text)
                if value and _CLASS.fullmatch(value):
                    return value
    return None


def _setting(module: Pom, plugins: tuple[Element, ...], name: str) -> str | None:
    """A setting of a plugin, wherever in it: for all that it does, or for one execution."""
    values = (module.value(element.text) for plugin in plugins for element in plugin.below(name))
    return next((value for value in values if value and re.fullmatch(r"[\w./${}+-]+", value)), None)


def _quarkus(module: Pom, target: str) -> str:
    properties = module.source.peek("src/main/resources/application.properties") or ""
    kinds = [module.defined(name) for name in ("quarkus.package.jar.type", "quarkus.package.type")]
    said = re.search(r"^quarkus\.package\.(?:jar\.)?type\s*=\s*(\S+)", properties, re.MULTILINE)
    kind = next((kind for kind in kinds if kind), said[1] if said else "")
    version = module.defined("quarkus.platform.version") or module.defined("quarkus.version") or ""
    old = re.match(r"(?:0|1\.(?:\d|10|11))\.", version) is not None
    return (
        f"{target}/*-runner.jar"
        if old or kind in ("uber-jar", "legacy-jar")
        else f"{target}/quarkus-app/quarkus-run.jar"
    )


def _parents(module: Pom) -> tuple[str, ...]:
    return tuple(module.texts("parent", "groupId"))


def _has_production(module: Pom) -> bool:
    """Vaadin builds its pages only when told that it is for production."""
    profiles = set(module.texts("profiles", "profile", "id"))
    return "production" in profiles and any(group.startswith("com.vaadin") for group in module.groups())


def _level(module: Pom) -> Wanted | None:
    """The version that the code is compiled for."""
    shown = module.source.shown(pom.FILE)
    for name in _LEVELS:
        value = module.defined(name)
        if value and value[0].isdigit():
            return Wanted(value, f"{name} in {shown}")
    for plugin in module.managed_plugin("maven-compiler-plugin"):
        for name in _COMPILER:
            value = module.value(plugin.text_of("configuration", name) or "")
            if value and value[0].isdigit():
                return Wanted(value, f"maven-compiler-plugin in {shown}")
    kotlin = module.defined("kotlin.compiler.jvmTarget")
    return Wanted(kotlin, f"kotlin.compiler.jvmTarget in {shown}") if kotlin else None
