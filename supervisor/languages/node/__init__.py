"""Node projects: a package.json, and what it and its neighbours say.

A repository of another language often has a package.json, too, for its style sheets or its linters. The rule:
it is a Node project for CERTAIN if package.json has a start script that is no development server, or a server
framework with something to run; LIKELY if it has any framework, a `main` or an entry file; otherwise a
HELPER, which gives way to every other language. So Django with a package.json for Tailwind is Python, and an
Express server with a requirements.txt for its scripts is Node.
"""

from __future__ import annotations

from dataclasses import replace

from supervisor.languages.language import Fit
from supervisor.languages.node import engines, frameworks, managers, nx, package, project
from supervisor.languages.node.engine import SCRIPT, Engine
from supervisor.languages.node.frameworks import Role
from supervisor.languages.node.start import find_entry, serves
from supervisor.languages.source import Source
from supervisor.languages.versions import first_line, mise_toml, tool_versions
from supervisor.model import Need, Plan

name = "node"

ENGINE = Engine(
    name="node",
    variable="NODE_VERSION",
    manager="npm",
    runs="node",
    endings=SCRIPT,
    versions=(
        first_line(".nvmrc"),
        first_line(".node-version"),
        engines.of("node"),
        engines.volta,
        tool_versions("nodejs", "node"),
        mise_toml("node", "nodejs"),
    ),
)


def fit(source: Source, engine: Engine = ENGINE) -> Fit:
    """How surely this is a Node project; see the module's docstring. Raises PlanError about a broken package.json."""
    own = package.read(source)
    if not own.there and nx.above(source) is not None:
        return Fit.LIKELY
    if not own.there:  # a page's script, or a server without dependencies
        return Fit.HELPER if not source.has("index.html") and find_entry(source, engine) else Fit.NO
    if own.script("start") is not None and not frameworks.develops(own):
        return Fit.CERTAIN
    runs = serves(source, own, engine)
    framework = frameworks.of(own, runs)
    if framework is not None and framework.role is Role.SERVER and (runs or framework.build):
        return Fit.CERTAIN
    return Fit.LIKELY if framework is not None or runs else Fit.HELPER


def plan(source: Source) -> Plan:
    """What the project needs. Raises PlanError about a broken manifest or lockfile."""
    found = project.plan(source, ENGINE, source.options.node_version)
    calls_bun = managers.starts_bun(package.read(source)) and found.package_manager != "bun"
    return replace(found, helpers=(Need("bun"),)) if calls_bun else found
