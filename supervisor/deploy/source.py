"""Which branch and which folder of the repository are deployed: from the settings, or from the address itself."""

from __future__ import annotations

from loguru import logger

from supervisor.errors import SourceUnreachable
from supervisor.git import Git, with_retries
from supervisor.model import Commit
from supervisor.settings import Settings


class Source:
    """The repository as it is deployed. `…/tree/<branch>/<path>` addresses are told apart once, by asking it."""

    def __init__(self, git: Git, settings: Settings) -> None:
        self._git = git
        self._settings = settings
        self._located: tuple[str | None, str | None] | None = None

    async def head(self) -> str:
        """The commit at the head of the branch, on the remote. Raises SourceError."""
        branch, _ = await self._locate()
        _, sha = await self._git.head(branch)
        return sha

    async def fetch(self, ref: str | None) -> Commit:
        """Bring the mirror the head of the branch, or `ref`. Network errors are tried again. Raises SourceError."""

        async def attempt() -> Commit:
            branch, _ = await self._locate()
            return await self._git.fetch(ref or branch)

        return await with_retries(attempt, on_retry=_tell)

    async def project_path(self) -> str | None:
        """The folder that is deployed, relative to the repository's root; None is the root itself."""
        return (await self._locate())[1]

    async def _locate(self) -> tuple[str | None, str | None]:
        if self._located is None:
            branch, path = await self._git.locate()
            self._located = (self._settings.git_branch or branch, self._settings.project_path or path)
        return self._located


def _tell(error: SourceUnreachable, wait_s: float) -> None:
    logger.warning("{}; trying again in {:.0f} s", error, wait_s)
