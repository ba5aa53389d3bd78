"""The source: a repository's address, a mirror of it, and a worktree for every release."""

from supervisor.git.project import project_directory
from supervisor.git.remote import Remote, Transport
from supervisor.git.retry import with_retries
from supervisor.git.source import Git

__all__ = ["Git", "Remote", "Transport", "project_directory", "with_retries"]
