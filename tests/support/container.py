"""Orbit as PID 1 of a real container: podman, conf/Dockerfile as it is, and a base image that is made, not fetched.

What costs time lies in a folder below the temporary directory and is used again: the base image, and the layers of
the build. One image is made for each state of the source; a lock keeps test workers from making it twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
CACHE = Path(tempfile.gettempdir()) / f"orbit-containers-{os.getuid()}"
BASE = "docker.io/library/debian:bookworm-slim"
NEEDED = ("podman", "runc", "debootstrap", "catatonit")
SOURCE = ("conf/Dockerfile", ".dockerignore", "setup.cfg", "pyproject.toml", "README.md", "scripts", "supervisor")
KEPT_IMAGES = 3
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
BUILD_S = 600


def podman(*words: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Podman with a storage of its own, so that nobody's images are touched."""
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=timeout_s, check=False)


def command(*words: str) -> list[str]:
    where = ["--root", str(CACHE / "storage"), "--runroot", str(CACHE / "run")]
    return ["podman", *where, "--runtime", "runc", "--cgroup-manager=cgroupfs", *words]


def image() -> str:
    """The image of the source as it is. Skips the test where containers cannot be had, and says why."""
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if os.getuid() != 0 or missing:
        pytest.skip(f"containers need root and {', '.join(missing or NEEDED)}")
    name = f"localhost/orbit-test:{_state_of_source()}"
    with _locked():
        if podman("image", "exists", name).returncode != 0:
            _make_base()
            _build(name)
            _forget_old_images()
    return name


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    CACHE.mkdir(mode=0o700, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state_of_source() -> str:
    found = hashlib.sha256()
    for name in SOURCE:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                found.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def _make_base() -> None:
    """What `FROM` names, from Debian's packages. Skips where the machine has no right to run containers."""
    if podman("image", "exists", BASE).returncode != 0:
        tree = CACHE / "debian"
        shutil.rmtree(tree, ignore_errors=True)
        _run(["debootstrap", "--variant=minbase", "bookworm", str(tree)])
        packed = subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE)
        _run(command("import", "-", BASE), stdin=packed.stdout)
        assert packed.wait() == 0
        shutil.rmtree(tree)
    tried = podman("run", "--rm", "--network=host", *LIMITS, BASE, "true")
    if tried.returncode != 0:
        pytest.skip(f"containers cannot run here: {tried.stderr.strip()}")


def _build(name: str) -> None:
    """conf/Dockerfile unchanged, without a runtime beside Python. A company's certificates are given to pip alone."""
    words = ["build", "--network=host", *LIMITS, "--build-arg", "RUNTIME=", "-t", name]
    certificates, index = os.environ.get("PIP_CERT"), os.environ.get("PIP_INDEX_URL")
    if certificates or index:
        settings = CACHE / "pip.conf"
        given = [
            "[global]",
            *(["cert = /run/pip.crt"] if certificates else []),
            *([f"index-url = {index}"] if index else []),
        ]
        settings.write_text("\n".join(given) + "\n")
        words += ["-v", f"{settings}:/etc/pip.conf:ro"]
    if certificates:
        words += ["-v", f"{certificates}:/run/pip.crt:ro"]
    _run(command(*words, "-f", str(ROOT / "conf/Dockerfile"), str(ROOT)))


def _forget_old_images() -> None:
    names = podman("images", "--sort", "created", "--format", "{{.Repository}}:{{.Tag}}", "localhost/orbit-test")
    for name in names.stdout.split()[KEPT_IMAGES:]:
        podman("rmi", name)


def _run(words: list[str], stdin: object = subprocess.DEVNULL) -> None:
    done = subprocess.run(  # type: ignore[call-overload]
        words, stdin=stdin, capture_output=True, text=True, timeout=BUILD_S, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


class Container(Orbit):
    """A container whose volume and repository are folders of the test. `process` is podman, attached to it."""

    def __init__(self, directory: Path, repository: Repository, **variables: str) -> None:
        super().__init__(directory / "volume", "/repository", **variables)
        self.home.mkdir()
        self.repository = repository
        self.image = image()
        self.options: list[str] = []
        self.entry: list[str] = []
        self.name = ""
        ours = ("GIT_REPO_URL", "APP_PORT", "HEALTH_CHECK_TIMEOUT", "GIT_WATCH", *variables)
        self.env = {name: self.env[name] for name in ours}

    def start(self) -> Container:
        self.name = f"orbit-test-{uuid.uuid4().hex}"
        words = ["run", "--rm", "--name", self.name, "--network=host", "--sig-proxy=false", *LIMITS, *self.options]
        for variable, value in self.env.items():
            words += ["-e", f"{variable}={value}"]
        words += ["-v", f"{self.home}:/app", "-v", f"{self.repository.origin}:/repository"]
        if self.entry:
            words += ["--entrypoint", self.entry[0]]
        with self.console.open("ab") as output:
            self.process = subprocess.Popen(
                command(*words, self.image, *self.entry[1:]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def stop(self, number: int = 0) -> int:
        """As `docker stop` does it; the container's exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            podman("stop", "-t", "10", self.name)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        assert self.process is not None
        podman("rm", "-f", "-t", "0", self.name)
        self.process.wait(timeout=30)

    def hup(self) -> None:
        assert podman("kill", "-s", "HUP", self.name).returncode == 0

    def run_inside(self, *words: str, timeout_s: float = 60.0) -> str:
        """Run a command in the container, as `docker exec` does; what it prints."""
        done = podman("exec", self.name, *words, timeout_s=timeout_s)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def run_python(self, script: str) -> str:
        return self.run_inside("python3", "-I", "-S", "-c", script)

    def processes(self) -> dict[int, str]:
        """The names of those in the container by their numbers there; zombies are marked."""
        script = (
            "import os\n"
            "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
            "    try: text = open(f'/proc/{pid}/stat').read()\n"
            "    except OSError: continue\n"
            "    name, state = text[text.find('(') + 1:].rsplit(')', 1)\n"
            "    if int(pid) != os.getpid(): print(pid, name + ' zombie' * (state[1] == 'Z'))\n"
        )
        return {int(line.split(" ", 1)[0]): line.split(" ", 1)[1] for line in self.run_python(script).splitlines()}

    @property
    def supervisor(self) -> int:
        """Its number in the container."""
        return int((self.home / "run/supervisor.lock").read_text())

    def wait_output(self, text: str, timeout_s: float = 30.0) -> None:
        wait_until(lambda: text in self.output(), timeout_s, lambda: f"{text}\n{self.output()}")
