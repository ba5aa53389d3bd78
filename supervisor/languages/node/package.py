"""package.json, read once into what a plan is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.languages.source import Source, kind

FILE = "package.json"
JSON5 = "package.json5"

_COMMENT = re.compile(
    r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?'
)  # one that is not closed goes to the end: linear


@dataclass(frozen=True, slots=True)
class Package:
    """What a package.json says. `dependencies` are those of the running app, `tools` those of its
    development.

    `engines` are the versions of node and of package managers that it asks for, `runtimes` those of its
    devEngines; `manager` is its packageManager field (`pnpm@9.12.0+sha512…`) or what its devEngines name.
    """

    there: bool = False
    name: str | None = None
    main: str | None = None
    module: str | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)
    dependencies: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    volta: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, str] = field(default_factory=dict)
    manager: str | None = None
    workspaces: tuple[str, ...] = ()

    @property
    def everything(self) -> Mapping[str, str]:
        return {**self.tools, **self.dependencies}

    def script(self, name: str) -> str | None:
        """A script's command line; an empty one is none."""
        return self.scripts.get(name, "").strip() or None


def read(source: Source) -> Package:
    """The package.json of a directory, an empty one if there is none. Raises PlanError if it is broken."""
    data = source.json(FILE)
    if data is None and source.is_file(JSON5):  # which pnpm reads
        data = source.json(JSON5, _plain(source.read(JSON5) or ""))
    if data is None:
        return Package()
    texts = _Texts(source, data)
    name, main, module = data.get("name"), data.get("main"), data.get("module")
    return Package(
        there=True,
        name=name if isinstance(name, str) else None,
        main=main if isinstance(main, str) else None,
        module=module if isinstance(module, str) else None,
        scripts=texts.of("scripts"),
        dependencies={**texts.of("optionalDependencies"), **texts.of("dependencies")},
        tools=texts.of("devDependencies"),
        engines={} if isinstance(data.get("engines"), list) else texts.of("engines"),  # a list is what npm 0.x wrote
        volta=_strings(data.get("volta")),
        runtimes=_runtimes(data.get("devEngines")),
        manager=_manager(source, data),
        workspaces=_workspaces(source, data),
    )


@dataclass(frozen=True, slots=True)
class _Texts:
    source: Source
    data: Mapping[str, Any]

    def of(self, key: str) -> dict[str, str]:
        """A field that is an object of texts or numbers. Raises PlanError if it is not."""
        value = self.data.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.source.broken(FILE, f'"{key}" is {kind(value)}, not an object')
        for inner, text in value.items():
            if not isinstance(text, str | int | float) or isinstance(text, bool):
                raise self.source.broken(FILE, f'"{key}.{inner}" is {kind(text)}, not a text')
        return {inner: str(text) for inner, text in value.items()}


def _plain(text: str) -> str:
    """JSON of what people write as JSON5: with comments, and commas before a closing bracket."""
    return re.sub(r",(\s*[}\]])", r"\1", _COMMENT.sub(lambda match: match[1] or " ", text))


def _manager(source: Source, data: Mapping[str, Any]) -> str | None:
    """The packageManager field, or corepack's newer devEngines.packageManager in the same form."""
    field = data.get("packageManager")
    if field is not None and not isinstance(field, str):
        raise source.broken(FILE, f'"packageManager" is {kind(field)}, not a text like "pnpm@9.12.0"')
    engines = data.get("devEngines")
    wanted = engines.get("packageManager") if isinstance(engines, dict) else None
    if field is None and isinstance(wanted, dict) and isinstance(wanted.get("name"), str):
        version = wanted.get("version")
        field = f"{wanted['name']}@{version}" if isinstance(version, str) else wanted["name"]
    return field


def _runtimes(engines: object) -> dict[str, str]:
    """The versions in devEngines.runtime, which is one `{"name": "node", "version": "^22"}` or a list of them."""
    listed = engines.get("runtime") if isinstance(engines, dict) else None
    each = [_strings(item) for item in (listed if isinstance(listed, list) else [listed])]
    return {item["name"]: item["version"] for item in each if "name" in item and "version" in item}


def _workspaces(source: Source, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The patterns of a monorepo's member directories; yarn 1 also wrote them as `{"packages": […]}`."""
    value = data.get("workspaces")
    if isinstance(value, dict):
        value = value.get("packages")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise source.broken(FILE, f'"workspaces" is {kind(value)}, not a list')
    return tuple(pattern for pattern in value if isinstance(pattern, str))


def _strings(value: object) -> dict[str, str]:
    return {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}
