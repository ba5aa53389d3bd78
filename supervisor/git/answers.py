"""What git and ssh say when they fail, in one line that says what to do.

Git runs with LC_ALL=C. The order of the table counts: git adds general lines ("Could not read from remote
repository") below the one that matters, and quotes what servers say.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from enum import Enum, auto

from supervisor.errors import SourceError, SourceUnreachable
from supervisor.git.remote import Remote, Transport
from supervisor.model import Exit


class Kind(Enum):
    """What a failure means for what is done next."""

    FINAL = auto()  # trying again would not help
    UNKNOWN = auto()  # it may be the mirror
    NETWORK = auto()  # trying again may help
    NO_REF = auto()  # the branch, tag or HEAD is not there
    UNADVERTISED = auto()  # the server does not hand out commits by their name
    LOCKED = auto()  # a killed git left its lock file
    BROKEN = auto()  # the mirror is damaged
    NOT_IN_SHALLOW = auto()  # a submodule's commit is not the newest one


@dataclass(frozen=True, slots=True)
class Answer:
    """Why a command failed, for the user."""

    kind: Kind
    reason: str

    def error(self, doing: str, remote: Remote) -> SourceError:
        """The exception to raise: "cannot `doing`: why; what to do"."""
        cls = SourceUnreachable if self.kind is Kind.NETWORK else SourceError
        return cls(remote.redact(f"cannot {doing}: {self.reason}"))


_NEEDS = "it needs read access to the repository"
_BUSY = "the server may be busy or down"
_CHECK_DNS = "the host {0} is unknown; check the address and the DNS"
_FINAL, _NETWORK = Kind.FINAL, Kind.NETWORK

# What it looks like, what it means, what to tell; {0} is the first group of the pattern, or else the whole
# line.
_TABLE: tuple[tuple[str, Kind, str], ...] = (
    # this machine
    (r"No space left on device|Disk quota exceeded", _FINAL, "no space is left on the disk; free some"),
    (r"unable to write (?:file|new|loose)", _FINAL, "{line}; see whether the disk is full"),
    (r"(?:^|\n)(?:sh: \d+: |sh: )?git: (?:command )?not found", _FINAL, "git is not installed; install it"),
    (r"cannot run ssh: No such file|ssh: (?:command )?not found", _FINAL,
     "ssh is not installed; install it, or use an https:// address"),
    (r"No user exists for uid (\d+)", _FINAL,
     "ssh needs an entry for uid {0} in /etc/passwd; use an https:// address with GIT_TOKEN"),
    (r"out of memory|Cannot allocate memory", _FINAL, "git ran out of memory"),
    # locks and damage
    (r"Unable to create '[^']*\.lock': File exists|could not lock config file .*: File exists", Kind.LOCKED,
     "another git holds a lock in the mirror"),
    (r"not a git repository: '|bad config (?:line|file|numeric)|bad shallow line|reference broken"
     r"|(?:loose object|packed object|packfile) .*(?:is corrupt|cannot be accessed|does not match)"
     r"|object file .* is empty|invalid sha1 pointer|does not point to a valid object|bad (?:tree )?object"
     r"|unable to read (?:sha1 file|tree|commit|object)|cannot read object|missing (?:blob|tree|commit)"
     r"|did not send all necessary objects|could not parse HEAD|unable to parse commit|inflate: data stream"
     r"|pack has bad object|unresolved deltas|broken link|Failed to traverse parents|bad signature"
     r"|bad index file|commondir", Kind.BROKEN, "the mirror is damaged"),
    (r"mismatched algorithms", _FINAL, "the repository names its commits by SHA-256, which is not supported"),
    # large files and submodules, before the lines that their failures share with a fetch
    (r"did not contain [0-9a-f]{7,}\. Direct fetching", Kind.NOT_IN_SHALLOW,
     "a submodule's repository does not have the recorded commit; push it there"),
    (r"No url found for submodule path '([^']*)'|no submodule mapping found .* for path '([^']*)'", _FINAL,
     "the submodule {0} has no entry in .gitmodules; add it, or remove the submodule"),
    (r"(?:Smudge error|smudge filter lfs failed|LFS: |\[404\])(?:.|\n)*?Object does not exist", _FINAL,
     "Git LFS does not find a file on its server; push it with git lfs push --all"),
    (r"LFS: (?:Authoriz|Authentic)|batch response: (?:Authoriz|Authentic|Bad cred)", _FINAL,
     f"the Git LFS server refused the token; check GIT_TOKEN ({_NEEDS})"),
    (r"batch response: ([^\n]*)", _FINAL, "the Git LFS server said: {0}"),
    (r"Smudge error: ([^\n]*)|smudge filter lfs failed", _FINAL, "Git LFS failed: {0}"),
    # ssh
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key .* differs", _FINAL,
     "the server's SSH host key is not the known one; if that is right, correct {known_hosts}"),
    (r"Load key .*: (?:invalid format|error in libcrypto|incorrect passphrase)", _FINAL,
     "the SSH key cannot be read; GIT_SSH_KEY has to be a private key without a passphrase"),
    (r"Permission denied \([^)]*(?:publickey|password|keyboard)|Too many authentication failures", _FINAL,
     "{ssh_refused}"),
    (r"ERROR: (?:Repository not found|The project you were looking for)|Permission to .* denied to", _FINAL,
     "the repository does not exist, or the SSH key has no access to it; check the address and GIT_SSH_KEY"),
    (r"Could not resolve hostname ([^:\s]+)", _NETWORK, _CHECK_DNS),
    (r"ssh: connect to host \S+ port \d+: ([^\r\n]*)", _NETWORK, "the server does not answer ({0})"),
    (r"kex_exchange_identification|ssh_dispatch_run_fatal|Connection (?:closed|reset) by \S+ port"
     r"|Broken pipe", _NETWORK, f"the SSH connection was closed; {_BUSY}"),
    # https
    (r"could not read (?:Username|Password) for '([^']*)'", _FINAL, "{no_credential}"),
    (r"Authentication failed|Invalid username or (?:password|token)|HTTP Basic: Access denied"
     r"|returned error: 401", _FINAL, "{refused}"),
    (r"returned error: 403|Write access to repository not granted", _FINAL,
     f"access was denied (403); check GIT_TOKEN ({_NEEDS})"),
    (r"returned error: 404|repository '[^']*' not found|remote: Repository not found", _FINAL, "{not_found}"),
    (r"returned error: 429", _NETWORK, "the server wants fewer requests (429)"),
    (r"returned error: (5\d\d)", _NETWORK, f"the server answered with an error ({{0}}); {_BUSY}"),
    (r"returned error: (\d+)", _FINAL, "the server answered with an error ({0}); check the address"),
    (r"unable to update url base from redirection", _FINAL,
     "the server redirects to what is no repository; check the address"),
    (r"not valid: is this a git repository", _FINAL, "there is no git repository; check the address"),
    (r"Could not resolve (?:host|proxy): ([^\s;]+)", _NETWORK, _CHECK_DNS),
    (r"certificate|CAfile|CApath", _FINAL,
     "the server's TLS certificate is not trusted; add its authority to the system's, or set GIT_SSL_CAINFO"),
    (r"Failed to connect to|Couldn't connect|Connection refused", _NETWORK,
     f"the server refused the connection; {_BUSY}"),
    (r"timed out|Timeout was reached|too slow", _NETWORK, "the server did not answer in time"),
    (r"No route to host|Network is unreachable", _NETWORK, "the network does not reach the server"),
    (r"gnutls_handshake|SSL_connect|SSL_ERROR|OpenSSL|TLS|wrong version number", _NETWORK,
     "TLS with the server failed"),
    # what the server says of the repository
    (r"transport '([^']*)' not allowed", _FINAL, "{protocol}"),
    (r"[Cc]ouldn't find remote ref|Remote branch .* not found", Kind.NO_REF, "there is no such branch"),
    (r"unadvertised object|want [0-9a-f]{7,} not valid", Kind.UNADVERTISED,
     "the server hands out branches and tags only"),
    (r"not our ref", _FINAL, "the repository has no such commit"),
    (r"dubious ownership in repository at '([^']*)'", _FINAL,
     "the repository {0} belongs to another user; change its owner, or add it to git's safe.directory"),
    (r"does not appear to be a git repository", _FINAL, "there is no git repository; check the address"),
    (r"'[^']*' already exists|is not an empty directory", _FINAL, "the directory is not empty"),
    (r"invalid reference: |not a valid object name", _FINAL,
     "the commit is not in the mirror; fetch it first"),
    (r"Permission denied|insufficient permission|Read-only file system", _FINAL,
     "permission denied ({line}); check the owner of the directory"),
    (r"remote end hung up|early EOF|RPC failed|unexpected disconnect|expected flush|curl \d+|Empty reply"
     r"|reset by peer|Recv failure|Send failure|transfer closed|Proxy CONNECT|index-pack (?:output|failed)",
     _NETWORK, f"the connection broke off; {_BUSY}"),
    (r"Could not read from remote repository", _NETWORK, "the server ended the connection"),
)  # fmt: skip
_FATAL_SIGNALS = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM})
_COMPILED = tuple((re.compile(pattern), kind, reason) for pattern, kind, reason in _TABLE)


class Refused(Exception):
    """A git command failed; `answer` says why. It stays inside this package."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def judge(result: Exit, remote: Remote, timeout_s: float) -> Answer:
    """Why the command of `result`, which was not ok, failed."""
    if result.timed_out:
        return Answer(Kind.NETWORK, f"it took longer than {timeout_s:g} s")
    if result.error is not None:
        missing = "No such file" in result.error or "not found" in result.error
        return Answer(Kind.FINAL, "git is not installed; install it" if missing else result.error)
    if result.signal is not None:
        return Answer(Kind.FINAL, f"git was killed by signal {result.signal}; is there enough memory?")
    if result.status is not None and result.status - 128 in _FATAL_SIGNALS:  # as a shell tells of it
        return Answer(Kind.FINAL, f"git was killed by signal {result.status - 128}; is there enough memory?")
    for pattern, kind, reason in _COMPILED:
        match = pattern.search(result.tail)
        if match:
            return Answer(kind, _fill(reason, match, remote, result.tail))
    if result.status == 127:
        return Answer(Kind.FINAL, "git is not installed; install it")
    return Answer(Kind.UNKNOWN, _last_words(result))


def _fill(reason: str, match: re.Match[str], remote: Remote, text: str) -> str:
    line = _line_of(match, text)
    first = next((_printable(group) for group in match.groups() if group), line)
    return reason.format(
        first,
        line=line,
        known_hosts=remote.known_hosts or "cache/known_hosts in ORBIT_HOME",
        ssh_refused=_ssh_refused(remote),
        no_credential=_no_credential(remote, first),
        refused=_refused(remote),
        not_found=_not_found(remote),
        protocol=_protocol(remote, first),
    )


def _no_credential(remote: Remote, asked_for: str) -> str:
    """Of a server that wanted a credential and was given none."""
    if remote.token and remote.host and remote.host not in asked_for:
        return f"{asked_for} asks for credentials, and GIT_TOKEN is only for {remote.host}"
    return f"the repository is private or does not exist; check the address and set GIT_TOKEN ({_NEEDS})"


def _refused(remote: Remote) -> str:
    if remote.token is None:
        return f"the server wants a credential; set GIT_TOKEN ({_NEEDS})"
    return f"the token was refused; check GIT_TOKEN ({_NEEDS})"


def _not_found(remote: Remote) -> str:
    if remote.token:
        return f"it does not exist, or the token does not reach it; check the address and GIT_TOKEN ({_NEEDS})"
    return "it does not exist, or it is private; check the address, or set GIT_TOKEN"


def _ssh_refused(remote: Remote) -> str:
    if remote.ssh_key:
        return "the SSH key was refused; add its public half to the repository's deploy keys"
    return "the server wants an SSH key; set GIT_SSH_KEY, or use an https:// address with GIT_TOKEN"


def _protocol(remote: Remote, name: str) -> str:
    if name == "file" and remote.transport is not Transport.LOCAL:
        return "a submodule lies on this machine, which only a repository on this machine may ask for"
    return f"the transport {name} is not allowed; use https:// or ssh://"


def _line_of(match: re.Match[str], text: str) -> str:
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    return _printable(text[start : end if end >= 0 else None])


def _last_words(result: Exit) -> str:
    """The line of git's output that says most."""
    lines = [line.strip() for line in result.tail.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ERROR:"))]
    words = (telling or lines or [f"git ended with status {result.status} and said nothing"])[-1]
    return _printable(words.removeprefix("fatal: ").removeprefix("error: "))


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in line.strip())[:300]
