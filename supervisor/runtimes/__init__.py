"""Where a plan's runtime and its package manager come from: so far, the system and npm's registry."""

from __future__ import annotations

from supervisor.runtimes.runtime import Runtime
from supervisor.runtimes.system import System
from supervisor.runtimes.tools import PACKAGES, Tool, Tools

__all__ = ["PACKAGES", "Runtime", "System", "Tool", "Tools"]
