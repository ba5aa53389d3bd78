"""Releases: a directory each, the `current` link, and how many are kept."""
