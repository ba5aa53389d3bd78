"""A git repository as users have one: a clone to work in, and a bare one that is pushed to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class Repository:
    """`origin` is what Orbit deploys from."""

    def __init__(self, directory: Path, branch: str = "main") -> None:
        self.origin = directory / "origin.git"
        self.work = directory / "work"
        self.branch = branch
        self.git("init", "-q", "--bare", "-b", branch, str(self.origin), cwd=directory)
        self.git("init", "-q", "-b", branch, str(self.work), cwd=directory)
        self.git("remote", "add", "origin", str(self.origin))

    def git(self, *words: str, cwd: Path | None = None) -> str:
        env = {**os.environ, **IDENTITY}
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.work, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def write(self, files: dict[str, str | None], executable: tuple[str, ...] = ()) -> None:
        """Write files into the clone; None removes one."""
        for name, text in files.items():
            path = self.work / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if name in executable else 0o644)

    def commit(self, files: dict[str, str | None], message: str = "change", executable: tuple[str, ...] = ()) -> str:
        """Commit files in the clone; the commit's sha."""
        self.write(files, executable)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, files: dict[str, str | None], message: str = "change", executable: tuple[str, ...] = ()) -> str:
        """Commit and push; the commit's sha."""
        sha = self.commit(files, message, executable)
        self.git("push", "-q", "--force", "origin", self.branch)
        return sha
