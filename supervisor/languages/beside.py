"""The JavaScript beside a project of another kind: style sheets, bundles, what is installed and built for them."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.languages import node
from supervisor.languages.node import package
from supervisor.languages.source import Source
from supervisor.model import Need


@dataclass(frozen=True, slots=True)
class Beside:
    """What a package.json adds to a plan. `script` is its build script's command line, None without one.

    The fields are those of `Plan`.
    """

    needs: tuple[Need, ...] = ()
    install: str | None = None
    script: str | None = None
    bin_dirs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    after_restore: str | None = None

    def after(self, command: str | None) -> str | None:
        """The install of the project's own, and then this one."""
        return " && ".join(step for step in (command, self.install) if step) or None


def has_build(source: Source) -> bool:
    """Whether a package.json has a build script: what it makes, a site is served with."""
    return package.read(source).script("build") is not None


def read(source: Source, wanted: bool = False) -> Beside:
    """The part of a package.json that matters here, an empty one if none does: there are dependencies of what runs,
    or a build script, or it is `wanted` anyway. Raises PlanError about a broken manifest or lockfile.
    """
    own = package.read(source)
    if not own.there or not (wanted or own.dependencies or own.script("build")):
        return Beside()
    plan = node.plan(source)
    return Beside(
        needs=(
            Need(plan.runtime or "node", plan.runtime_version, plan.package_manager, plan.package_manager_version),
            *plan.helpers,
        ),
        install=plan.install,
        script=plan.build if own.script("build") else None,
        bin_dirs=plan.bin_dirs,
        inputs=plan.inputs,
        dependencies=plan.dependencies,
        caches=plan.caches,
        after_restore=plan.after_restore,
    )
