"""A project that Gradle builds. Its scripts are programs: what is plainly written in them is read, nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from supervisor.languages.java import catalog, code, frameworks, wrapper
from supervisor.languages.java.build import Build, below, picked, running
from supervisor.languages.java.frameworks import Framework
from supervisor.languages.language import NO_START
from supervisor.languages.source import Source
from supervisor.languages.versions import Wanted

SCRIPTS = ("build.gradle", "build.gradle.kts")
SETTINGS = ("settings.gradle", "settings.gradle.kts")
MOST_PROJECTS = 60
OPTIONS = "--no-daemon"

_PLUGIN = re.compile(r"""\bid\s*\(?\s*["']([\w.-]+)["']([^\n]*)""")
_APPLIED = re.compile(r"""\bapply\s*\(?\s*plugin\s*[:=]\s*["']([\w.-]+)["']""")
_BARE = re.compile(r"^[^\S\n]*`?(application|war|java|java-library|groovy|scala)`?[^\S\n]*(?:$|;|\})", re.MULTILINE)
_KOTLIN = re.compile(r"""\bkotlin\s*\(\s*["'](\w+)["']\s*\)""")
_ARTIFACT = re.compile(r"""["']([\w.-]+):([\w.-]+)""")
_INCLUDE = re.compile(r"""\binclude\b\s*\(?((?:\s*["'][^"'\n]{1,200}["']\s*,?){1,200})""")
_QUOTED = re.compile(r"""["']([^"'\n]+)["']""")
_ROOT_NAME = re.compile(r"""rootProject\.name\s*=\s*["']([\w .-]+)["']""")
_MAIN_ATTRIBUTE = re.compile(r"""["']?Main-Class["']?\]?""")
_JAR_NAME = re.compile(r"""archiveFileName(?:\.set\(|\s*=)\s*["']([\w.-]+\.[jw]ar)["']""")
_APP_NAME = re.compile(r"""applicationName\s*=\s*["']([\w.-]+)["']""")
_STAGE = re.compile(r"""\btask\s+["']?stage\b|\btasks\.(?:register|create)(?:<\w+>)?\(\s*["']stage["']""")
_RUN = re.compile(r"""\b(?:register|create)(?:<[\w.]+>)?\(\s*["']run["']|\btask\s+["']?run\b""")
_LEVELS = (
    re.compile(r"""JavaLanguageVersion\.of\(\s*["']?([\w.]+)"""),
    re.compile(r"""\bjvmToolchain\s*\(\s*["']?([\w.]+)"""),
    re.compile(r"""\bsourceCompatibility\s*(?:=|\.set\()?\s*["']?([\w.]+(?:\(\s*["']?[\w.]+)?)"""),
    re.compile(r"""\btargetCompatibility\s*(?:=|\.set\()?\s*["']?([\w.]+(?:\(\s*["']?[\w.]+)?)"""),
    re.compile(r"""\brelease\s*(?:=|\.set\()\s*["']?([\w.]+)"""),
    re.compile(r"""\bjvmTarget\s*(?:=|\.set\()\s*["']?([\w.]+)"""),
)
_NUMBER = re.compile(r"(?:1\.)?\d{1,2}(?:\.\d+)*")
_SPRING, _QUARKUS = "org.springframework.boot", "io.quarkus"
_SHADOWS = ("com.github.johnrengelman.shadow", "com.gradleup.shadow", "io.github.goooler.shadow", "io.ktor.plugin")


@dataclass(frozen=True)  # without slots: what is read once is kept
class Script:
    """A project's build script in `source`, its comments taken out, with the words of the build's catalog."""

    source: Source
    name: str
    text: str
    words: catalog.Catalog

    @cached_property
    def plugins(self) -> frozenset[str]:
        """The ids of the plugins that are applied here."""
        found = {m[1] for m in _PLUGIN.finditer(self.text) if not re.search(r"apply\s*\(?\s*false", m[2])}
        found |= {m[1] for m in _APPLIED.finditer(self.text)} | {m[1] for m in _BARE.finditer(self.text)}
        found |= {f"kotlin.{m[1]}" for m in _KOTLIN.finditer(self.text)}
        return frozenset(found | self.words.plugins_in(self.text))

    @cached_property
    def groups(self) -> frozenset[str]:
        """The groups of all that it uses."""
        artifacts = {match[1] for match in _ARTIFACT.finditer(self.text)}
        return frozenset(artifacts | self.words.groups_in(self.text) | self.plugins)

    @property
    def is_application(self) -> bool:
        ours = [plugin for plugin in self.plugins if not plugin.startswith("com.android.")]
        return any(p == "application" or p.endswith((".application", "application-conventions")) for p in ours)

    @property
    def makes_own_jar(self) -> bool:
        return bool(self.plugins & {_SPRING, _QUARKUS, *_SHADOWS}) or _MAIN_ATTRIBUTE.search(self.text) is not None


def read(source: Source) -> Build | None:
    """How Gradle builds the project, None if it has none of its scripts. Raises PlanError if one cannot be read."""
    own = _script(source, source)
    settings = source.first_file(*SETTINGS)
    if own is None and settings is None:
        return None
    top = _top(source)
    tool, notes = wrapper.command(top, "gradlew", "gradle")
    paths = _includes(source) if settings else ()
    module, script = _runnable(source, own, paths)
    if script is None:
        return Build("gradle", f"{tool} build -x check -x test {OPTIONS}", None, notes=(*notes, _nothing(source)))
    framework = frameworks.of(script.groups)
    start, task = _start(script, module, framework, _project_name(top, script))
    way = "" if top.directory == source.directory else str(source.directory.relative_to(top.directory))
    project = ":".join(part for part in (*way.split("/"), *(module.split("/") if module != "." else ())) if part)
    if start is None and _RUN.search(script.text):
        start = f"{tool} {f':{project}:' if project else ''}run {OPTIONS}"
    task = "stage" if own and _STAGE.search(own.text) else task
    command = f"{tool} {_task(project, task, script)} {OPTIONS}"
    if way:
        command = f"cd {'/'.join('..' for _ in way.split('/'))} && {command}"
    return Build(
        tool="gradle",
        command=command,
        start=start,
        framework=framework,
        level=_level(script, top),
        has_wrapper="gradlew" in tool,
        module=module,
        inputs=tuple(
            n for n in (*SCRIPTS, *SETTINGS, "gradle/libs.versions.toml", "gradle.lockfile") if source.is_file(n)
        ),
        notes=(*notes, *(() if start else (_nothing(source),))),
    )


def _nothing(source: Source) -> str:
    shown = source.shown(source.first_file(*SCRIPTS, *SETTINGS) or SCRIPTS[0])
    return f"{NO_START}{shown} makes nothing that can be run; apply the application plugin"


def _task(project: str, task: str, script: Script) -> str:
    at = f":{shlex.quote(project)}:" if project else ""
    without = "-x check" if "kotlin.multiplatform" in script.plugins else "-x check -x test"
    return f"{at}{task}" if task == "stage" else f"{at}{task} {without}"


def _script(source: Source, top: Source) -> Script | None:
    name = source.first_file(*SCRIPTS)
    text = source.read(name) if name else None
    if name is None or text is None:
        return None
    source.refuse_conflicts(name, text)
    return Script(source, name, without_comments(text), catalog.read(top))


def _top(source: Source) -> Source:
    """Where the build begins: the directory above whose settings include this one, or this one itself."""
    if source.first_file(*SETTINGS):
        return source
    for above in source.above():
        if above.first_file(*SETTINGS):
            return above if str(source.directory.relative_to(above.directory)) in _includes(above) else source
    return source


def _includes(source: Source) -> tuple[str, ...]:
    """The directories of the projects that the settings include."""
    name = source.first_file(*SETTINGS)
    text = without_comments(source.read(name) or "") if name else ""
    found = [path for match in _INCLUDE.finditer(text) for path in _QUOTED.findall(match[1])]
    names = (path.strip(":").replace(":", "/") for path in found[:MOST_PROJECTS])
    return tuple(path for path in names if path and ".." not in path.split("/") and not path.startswith("/"))


def _runnable(source: Source, own: Script | None, paths: tuple[str, ...]) -> tuple[str, Script | None]:
    """The project of the build that runs: its path, and its script."""
    graded = [(_grade(own), ".", own)] if own else []
    for path in paths:
        below_it = source.elsewhere(path)
        script = _script(below_it, source) if below_it else None
        if script and not re.search(r"(?:^|[-_/])(?:tests?|docs?|benchmarks?)$", path):
            graded.append((_grade(script), path, script))
    best = max((grade for grade, _, _ in graded), default=0)
    if best == 0:
        return ".", own
    fitting = [(path, script) for grade, path, script in graded if grade == best]
    return next(
        ((p, s) for p, s in fitting if re.search(r"(?:app|application|server|web|api|backend|boot)$", p)), fitting[0]
    )


def _grade(script: Script) -> int:
    if any(plugin.startswith("com.android.") for plugin in script.plugins):
        return 0
    served = frameworks.of(script.groups) is not None
    has_code = code.has_code(script.source)
    if script.makes_own_jar or script.is_application:
        return (4 if has_code else 2) + int(served)
    return int(has_code and code.main_class(script.source) is not None)


def _start(script: Script, module: str, framework: Framework | None, name: str | None) -> tuple[str | None, str]:
    """The start command, and the task that makes what it starts."""
    source, libs = script.source, below(module, "build/libs")
    if _QUARKUS in script.plugins:
        return running(source, framework, f"-jar {below(module, 'build/quarkus-app/quarkus-run.jar')}"), "build"
    named = _JAR_NAME.search(script.text)
    if named:
        return running(source, framework, f"-jar {libs}/{named[1]}"), _building(script)
    if _SPRING in script.plugins:
        if "war" in script.plugins:
            return running(
                source, framework, f"-jar $(ls {shlex.quote(libs)}/*.war | grep -v -e '-plain.war$' | head -n 1)"
            ), "build"
        return running(source, framework, f"-jar {picked(libs)}"), "build"
    if script.plugins & set(_SHADOWS):
        return running(source, framework, f"-jar {libs}/*-all.jar"), _building(script)
    if _MAIN_ATTRIBUTE.search(script.text):
        return running(source, framework, f"-jar {picked(libs)}"), "build"
    if script.is_application:
        return _installed(script, module, framework, name), "installDist"
    main = code.main_class(source)
    if main is None:
        return None, "build"
    classes = f'-cp "{below(module, "build/classes/java/main")}:{below(module, "build/classes/kotlin/main")}'
    return running(source, framework, f'{classes}:{below(module, "build/resources/main")}" {main}'), "build"


def _building(script: Script) -> str:
    """ktor's plugin makes the jar only when asked."""
    return "buildFatJar" if "io.ktor.plugin" in script.plugins else "build"


def _installed(script: Script, module: str, framework: Framework | None, name: str | None) -> str:
    """The start script of the application plugin; it takes JAVA_OPTS by itself."""
    line = running(script.source, framework, "\0").removeprefix("java $JAVA_OPTS ")
    options, _, arguments = line.partition("\0")
    home = below(module, "build/install")
    program = (
        f"{home}/{name}/bin/{name}" if name else f"$(ls {shlex.quote(home)}/*/bin/* | grep -v -e '[.]bat$' | head -n 1)"
    )
    before = f'JAVA_OPTS="$JAVA_OPTS {options.strip()}" ' if options.strip() else ""
    return f"{before}{program}{arguments}".rstrip()


def _project_name(top: Source, script: Script) -> str | None:
    """What the application plugin calls the program: None if only Gradle knows."""
    said = _APP_NAME.search(script.text)
    if said:
        return said[1]
    if script.source.directory != top.directory:
        return script.source.directory.name
    settings = top.first_file(*SETTINGS)
    match = _ROOT_NAME.search(without_comments(top.peek(settings) or "")) if settings else None
    return match[1] if match and " " not in match[1] else None


def _level(script: Script, top: Source) -> Wanted | None:
    """The version that the code is compiled for, or that the wrapper's Gradle still runs with."""
    scripts = [script]
    root = _script(top, top) if top.directory != script.source.directory else None
    if root:
        scripts.append(root)
    properties = _properties(top)
    for each in scripts:
        for pattern in _LEVELS:
            match = pattern.search(each.text)
            value = _number(match[1], each, properties) if match else None
            if value:
                return Wanted(value, each.source.shown(each.name))
    version = wrapper.gradle_version(top)
    if version and version[0] < 7:
        return Wanted("8" if version[0] < 6 else "11", f"Gradle {version[0]} in {top.shown('gradle/wrapper')}")
    return None


def _number(text: str, script: Script, properties: Mapping[str, str]) -> str | None:
    """The version in an expression: "17", VERSION_1_8, toVersion("21"), a name that is set elsewhere."""
    said = re.search(r"VERSION_(\d+(?:_\d+)?)|toVersion\(\s*[\"']?([\d.]+)|JVM_(\d+(?:_\d+)?)", text)
    value = next((group for group in said.groups() if group), "").replace("_", ".") if said else text
    if _NUMBER.fullmatch(value):
        return value
    name = value.removesuffix(".get").removesuffix(".toInteger").removesuffix(".toInt")
    if name.startswith("libs.versions."):
        return script.words.version(name.removeprefix("libs.versions."))
    known = properties.get(name.rpartition(".")[2])
    if known is None and re.fullmatch(r"[\w.]{1,60}", name):
        set_here = re.search(rf"""\b{re.escape(name.rpartition(".")[2])}\s*=\s*["']?([\d.]+)""", script.text)
        known = set_here[1] if set_here else None
    return known if known and _NUMBER.fullmatch(known) else None


def _properties(top: Source) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in (top.peek("gradle.properties") or "").splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs if value}


def without_comments(text: str) -> str:
    """A script without its comments; in one go, however many are not closed. Addresses keep their slashes."""
    kept: list[str] = []
    at = 0
    while True:
        begin = text.find("/*", at)
        if begin < 0:
            break
        end = text.find("*/", begin + 2)
        if end < 0:
            break
        kept += (text[at:begin], " ")
        at = end + 2
    kept.append(text[at:])
    return re.sub(r"(?<![:\"'\w])//[^\n]*", "", "".join(kept))
