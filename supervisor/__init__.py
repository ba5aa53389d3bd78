"""Orbit: runs an application straight from its git repository."""

__version__ = "0.1.0"
