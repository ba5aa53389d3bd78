"""Processes: each command and all that it started, under one shim."""
