"""Where a plan's runtimes and its package manager come from: the system, mise, and npm's registry."""

from __future__ import annotations

from supervisor.runtimes.mise import Console, Mise
from supervisor.runtimes.provider import Provider
from supervisor.runtimes.registry import NodeRegistry
from supervisor.runtimes.runtime import Runtime
from supervisor.runtimes.shelf import Shelf
from supervisor.runtimes.supply import Supply
from supervisor.runtimes.system import System
from supervisor.runtimes.tools import PACKAGES, Tool, Tools

__all__ = [
    "PACKAGES",
    "Console",
    "Mise",
    "NodeRegistry",
    "Provider",
    "Runtime",
    "Shelf",
    "Supply",
    "System",
    "Tool",
    "Tools",
]
