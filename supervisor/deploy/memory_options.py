"""What runtimes are told about memory, so that they stay within the container's: they would take the machine's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from supervisor.model import Plan

MEGABYTE = 1 << 20
SHARE = 0.75
GO_SHARE = 0.9
"""A soft limit, beyond which Go collects its garbage more often; it counts all of the runtime's memory."""
MOST_MB = 8192
LEAST_NODE_MB = 1024
LEAST_JAVA_MB = 512
JAVA_OPTIONS = "-XX:+UseG1GC -XX:MaxGCPauseMillis=200 -XX:+UseContainerSupport -Djava.security.egd=file:/dev/./urandom"


@dataclass(frozen=True, slots=True)
class Option:
    """A variable, and what the log says of it."""

    variable: str
    value: str
    note: str

    @property
    def setting(self) -> tuple[str, str]:
        return self.variable, self.value


def options_for(plan: Plan, base_env: Mapping[str, str], memory_bytes: int | None) -> tuple[Option, ...]:
    """The variables for what a plan runs on, where the user has set none; `memory_bytes` is the container's limit, or a
    lower one that the command has, None if there is none: then runtimes know best."""
    runtimes = {plan.type, plan.runtime, *(need.runtime for need in plan.helpers)}
    found = []
    if "node" in runtimes and (node := _node(base_env, memory_bytes)):
        found.append(node)
    if memory_bytes and "java" in runtimes:
        heap = _heap_mb(memory_bytes, LEAST_JAVA_MB)
        note = f"Auto-configured JVM heap: {heap}MB ({_container(memory_bytes)})"
        found.append(Option("JAVA_OPTS", f"-Xms{heap}m -Xmx{heap}m {JAVA_OPTIONS}", note))
    if memory_bytes and "go" in runtimes:
        soft = int(memory_bytes * GO_SHARE) // MEGABYTE
        note = f"Auto-configured Go memory limit: {soft}MB ({_container(memory_bytes)})"
        found.append(Option("GOMEMLIMIT", f"{soft}MiB", note))
    return tuple(option for option in found if not base_env.get(option.variable))


def _node(base_env: Mapping[str, str], memory_bytes: int | None) -> Option | None:
    wished = base_env.get("MAX_OLD_SPACE_SIZE", "")
    if wished.isascii() and wished.isdigit():
        note = f"Node.js heap: {wished}MB (MAX_OLD_SPACE_SIZE)"
        return Option("NODE_OPTIONS", f"--max-old-space-size={wished}", note)
    if not memory_bytes:
        return None
    heap = _heap_mb(memory_bytes, LEAST_NODE_MB)
    note = f"Auto-configured Node.js heap: {heap}MB ({_container(memory_bytes)})"
    return Option("NODE_OPTIONS", f"--max-old-space-size={heap}", note)


def _heap_mb(memory_bytes: int, least_mb: int) -> int:
    """Three quarters of the memory, within bounds. The lower bound holds only where there is as much: a heap that the
    container has no room for is ended by the kernel, where a smaller one would be cleaned up in time."""
    whole_mb = memory_bytes // MEGABYTE
    heap = min(int(memory_bytes * SHARE) // MEGABYTE, MOST_MB)
    return max(heap, least_mb) if whole_mb >= least_mb else max(heap, 1)


def _container(memory_bytes: int) -> str:
    return f"container: {memory_bytes // MEGABYTE}MB"
