"""Bun projects: a package.json that bun's lockfile, its settings, a field or the start script give to Bun.

They are Node projects in all but what runs them, so the rules are the node package's. Node stands beside Bun where
a tool of theirs starts with `#!/usr/bin/env node`, as those of frameworks do, and to install with another package
manager.
"""

from __future__ import annotations

import re
from dataclasses import replace

from supervisor.languages import node
from supervisor.languages.language import Fit
from supervisor.languages.node import engines, frameworks, managers, package, project
from supervisor.languages.node.engine import SCRIPT, TYPED, Engine
from supervisor.languages.node.package import Package
from supervisor.languages.source import Source
from supervisor.languages.versions import first_line, mise_toml, tool_versions, wanted
from supervisor.model import Need, Plan

name = "bun"

ENGINE = Engine(
    name="bun",
    variable="BUN_VERSION",
    manager="bun",
    runs="bun run",
    endings=TYPED + SCRIPT,
    versions=(
        first_line(".bun-version"),
        engines.of("bun"),
        engines.of_manager("bun"),
        tool_versions("bun"),
        mise_toml("bun"),
    ),
)


_NODE = re.compile(r"(?:^|[\s;&|(])(?:node|npm|npx|pnpm|yarn)\s")
_SCRIPTS = ("prebuild", "build", "postbuild", "prestart", "start")


def fit(source: Source) -> Fit:
    """As surely as it would be a Node project, if its package manager is bun. Raises PlanError as node does."""
    own = package.read(source)
    if not own.there or managers.named(source, own, "npm").name != "bun":
        return Fit.NO
    return max(node.fit(source, ENGINE), Fit.LIKELY)


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken manifest or lockfile."""
    found = project.plan(source, ENGINE, source.options.bun_version)
    if found.package_manager != "bun" or _calls_node(package.read(source), found.framework):
        beside = wanted(source, node.ENGINE.variable, source.options.node_version, node.ENGINE.versions)
        found = replace(found, helpers=(Need("node", beside.constraint if beside else None),))
    return found


def _calls_node(own: Package, framework: str | None) -> bool:
    """Whether what is built and started calls Node: a framework's command line does, and a script may."""
    return framework in frameworks.WITH_PROGRAM or any(_NODE.search(own.script(name) or "") for name in _SCRIPTS)
