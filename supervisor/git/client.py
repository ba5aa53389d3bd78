"""How git is called: its environment, the configuration forced on it, and secrets that only it can see."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from supervisor.errors import SourceError
from supervisor.git.answers import Answer, judge
from supervisor.git.remote import Remote, Transport
from supervisor.layout import Layout
from supervisor.model import Command, Exit, Runner, User

CREDENTIAL_FD = 9
SSH_KEY_FD = 8

_INHERITED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_PROXY_SSL_CAINFO",
})  # fmt: skip
"""All that git needs of Orbit's environment. It has no use for the application's secrets."""

_CONFIGURATION = (
    "core.hooksPath=/dev/null",  # never run what lies in a mirror or a template
    "core.fsmonitor=false",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "credential.helper=",  # forgets the helpers of the system's and the user's configuration
    "safe.directory=*",  # worktrees are Orbit's own, whoever owns the volume below them
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "fetch.writeCommitGraph=false",
    "http.followRedirects=initial",  # git's default: a renamed repository is found
    "checkout.workers=4",  # writing very many files waits for the disk, not for a core
    "checkout.thresholdForParallelism=5000",  # below, starting the workers takes longer than they save
    "init.defaultBranch=main",
    "init.defaultRefFormat=files",
    "worktree.useRelativePaths=false",  # `worktrees.py` reads the registrations
)

_LFS = (  # as `git lfs install` would write it for the user
    "filter.lfs.process=git-lfs filter-process",
    "filter.lfs.smudge=git-lfs smudge -- %f",
    "filter.lfs.clean=git-lfs clean -- %f",
    "filter.lfs.required=true",
)
_NO_LFS = ("filter.lfs.process=", "filter.lfs.smudge=", "filter.lfs.clean=", "filter.lfs.required=false")

# A helper that may be asked several times: /proc opens the file anew, where `<&9` would go on where the last
# one stopped. It reads its input first, so that git never writes into a closed pipe.
_HELPER = f'!f() {{ while read -r line; do :; done; test "$1" = get && cat /proc/self/fd/{CREDENTIAL_FD}; }}; f'


class Client:
    """Runs git for one remote, as one user."""

    def __init__(
        self,
        runner: Runner,
        layout: Layout,
        remote: Remote,
        user: User | None,
        environment: Mapping[str, str],
        timeout_s: float,
    ) -> None:
        self._runner = runner
        self.remote = remote
        self.user = user
        self._timeout_s = timeout_s
        self._known_hosts = remote.known_hosts or layout.cache / "known_hosts"
        self._environment = self._git_environment(environment)
        self.has_lfs = shutil.which("git-lfs", path=self._environment.get("PATH") or os.defpath) is not None
        self._options = tuple(part for option in self._configuration() for part in ("-c", option))

    async def git(self, *arguments: str, cwd: Path = Path("/"), opened: bool = False) -> Exit:
        """Run `git arguments` with the forced configuration; its standard output is captured.

        `opened`: with what opens the remote, for a command that may talk to it.
        """
        return await self._run(("git", *self._options, *arguments), cwd, opened)

    async def script(self, script: str, *arguments: str, cwd: Path = Path("/"), opened: bool = False) -> Exit:
        """Run several git commands as one shell script: that saves a shim for each but the first.

        In the script `"$@"` is `git arguments` with the forced configuration.
        """
        return await self._run(("sh", "-c", script, "git", "git", *self._options, *arguments), cwd, opened)

    async def plain(self, *argv: str) -> Exit:
        """Run another program as git's user, in git's environment."""
        return await self._run(argv, Path("/"), opened=False)

    def judge(self, result: Exit) -> Answer:
        """Why a command that was not ok failed."""
        return judge(result, self.remote, self._timeout_s)

    def error(self, doing: str, result: Exit) -> SourceError:
        """The exception for a command that was not ok: "cannot `doing`: why; what to do"."""
        return self.judge(result).error(doing, self.remote)

    def make(self, path: Path) -> None:
        """Make a directory for git's user, who may not be allowed to write above it. Raises SourceError."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            if self.user and os.geteuid() == 0:
                os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)
        except OSError as error:
            raise SourceError(f"cannot make {path}: {error.strerror}") from None

    async def _run(self, argv: tuple[str, ...], cwd: Path, opened: bool) -> Exit:
        with self._secrets(opened) as files:
            command = Command(
                argv=argv,
                cwd=cwd,
                env=self._environment,
                timeout_s=self._timeout_s,
                user=self.user,
                capture=True,
                files=files,
            )
            return await self._runner.run(command)

    def _git_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        env = {name: value for name, value in environment.items() if name in _INHERITED}
        if self.user:
            env.update(HOME=self.user.home, USER=self.user.name, LOGNAME=self.user.name)
        protocols = ["http", "https", "ssh", *(["file"] if self.remote.is_local else [])]
        env.update(
            LC_ALL="C",
            GIT_TERMINAL_PROMPT="0",
            GIT_ASKPASS="",
            SSH_ASKPASS_REQUIRE="never",
            GIT_ALLOW_PROTOCOL=":".join(protocols),
            GIT_SSH_COMMAND=self._ssh_command(),
            GIT_SSH_VARIANT="ssh",
            GCM_INTERACTIVE="never",
        )
        return env

    def _configuration(self) -> Iterator[str]:
        yield from _CONFIGURATION
        yield from _LFS if self.has_lfs else _NO_LFS
        scope = self.remote.credential_scope
        if scope is None:
            return
        yield f"credential.{scope}.helper={_HELPER}"
        if self.remote.transport in (Transport.HTTPS, Transport.HTTP) and not self.remote.ssh_key:
            name = self.remote.host.partition(":")[0]  # submodules of that host often have SSH addresses
            yield f"url.{scope}/.insteadOf=git@{name}:"
            yield f"url.{scope}/.insteadOf=ssh://git@{name}/"

    def _ssh_command(self) -> str:
        """What git runs for ssh. With a key of its own it ignores the user's configuration, agent and keys.

        ssh closes all descriptors when it starts, so it reads the key through the shell above it, which
        waits: a shell that replaced itself by ssh, as some do for their last command, would not have the key
        any more.
        """
        options = [
            "BatchMode=yes",
            "ConnectTimeout=15",
            "ServerAliveInterval=15",
            "ControlMaster=no",
            "ControlPath=none",
            "PermitLocalCommand=no",
            "UpdateHostKeys=no",
            "LogLevel=ERROR",
            f"StrictHostKeyChecking={'yes' if self.remote.known_hosts else 'accept-new'}",
            'UserKnownHostsFile="{}"'.format(str(self._known_hosts).replace("%", "%%")),
        ]
        words = ["ssh"]
        if self.remote.ssh_key:
            words += ["-F", "/dev/null"]
            options += ["IdentitiesOnly=yes", "IdentityAgent=none"]
        words += [word for option in options for word in ("-o", option)]
        command = shlex.join(words)
        if not self.remote.ssh_key:
            return command
        return f'f() {{ {command} -i "/proc/$$/fd/{SSH_KEY_FD}" "$@"; return $?; }}; f'

    @contextmanager
    def _secrets(self, opened: bool) -> Iterator[Mapping[int, int]]:
        """Descriptors of files that lie nowhere, which only git's user may open; none if the remote stays
        closed.

        Raises SourceError.
        """
        files: dict[int, int] = {}
        if not opened:
            yield files
            return
        if (self.remote.transport is Transport.SSH or self.remote.ssh_key) and not self.remote.known_hosts:
            self._make_known_hosts()
        try:
            if self.remote.token and self.remote.credential_scope:
                text = f"username={self.remote.credential_user}\npassword={self.remote.token}\n"
                files[CREDENTIAL_FD] = self._anonymous_file("credential", text)
            if self.remote.ssh_key:
                files[SSH_KEY_FD] = self._anonymous_file("key", _key_text(self.remote.ssh_key))
            yield files
        finally:
            for fd in files.values():
                os.close(fd)

    def _make_known_hosts(self) -> None:
        """An empty file that ssh may add to; its directory may belong to another user. Raises SourceError."""
        try:
            self._known_hosts.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._known_hosts, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise SourceError(f"cannot write {self._known_hosts}: {error.strerror}") from None
        try:
            self._give(fd)
        finally:
            os.close(fd)

    def _give(self, fd: int) -> None:
        if self.user and os.geteuid() == 0:
            os.fchown(fd, self.user.uid, self.user.gid)

    def _anonymous_file(self, name: str, text: str) -> int:
        fd = os.memfd_create(name)
        try:
            os.write(fd, text.encode("utf-8", "surrogateescape"))
            os.fchmod(fd, 0o600)
            self._give(fd)
        except OSError:
            os.close(fd)
            raise
        return fd


def _key_text(key: str) -> str:
    """A private key as ssh wants it: line breaks that a variable has lost restored, and one at its end.

    A path is read by Orbit: ssh could not read root's file, and would refuse one that others may read.
    Raises SourceError.
    """
    if key.startswith(("/", "~/")):
        try:
            key = Path(key).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SourceError(f"cannot read the SSH key {key}: {why}; check GIT_SSH_KEY") from None
    if "\n" not in key.strip():
        key = key.replace("\\n", "\n")
    return key.replace("\r\n", "\n").strip() + "\n"
