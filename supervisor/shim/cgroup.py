"""Control groups: what a build may take of memory and processor, and whether memory is what it died of.

Both versions are known (cgroups(7)). In version 2 a group that has processes of its own cannot limit those below it, so
ours move into a leaf first, where the group is ours to arrange: the root of a container, or one that systemd has
delegated (`Delegate=yes`).
"""

import os

PREFIX = "orbit-"
LEAF = PREFIX + "main"
PERIOD_US = 100_000


class Group:
    """Directories of control groups for one command; it enters by `enter`, and is alone there."""

    def __init__(self, directories: list[str], events: str | None) -> None:
        self._directories = directories
        self._events = events

    def enter(self) -> None:
        """Put the calling process there. Raises OSError."""
        for directory in self._directories:
            _write(f"{directory}/cgroup.procs", "0")

    def ran_out(self) -> bool:
        """Whether the kernel has ended something in it for lack of memory."""
        return self._events is not None and bool(_kills(self._events))

    def remove(self) -> None:
        """Once nobody is there any more."""
        for directory in self._directories:
            try:
                os.rmdir(directory)
            except OSError:
                pass  # the next one that is made sweeps it


def limited(name: str, memory_bytes: int, cpus: float) -> Group | None:
    """A new group with these limits (0: none); None where groups cannot be had, or not all of the limits."""
    mounts = places()
    try:
        if "" in mounts:
            return _second(mounts[""], name, memory_bytes, cpus)
        return _first(mounts, name, memory_bytes, cpus)
    except (OSError, KeyError):
        return None


def kills() -> int | None:
    """How many processes the kernel has ended for lack of memory where we are, not below; None if it does not say."""
    mounts = places()
    if "memory" in mounts:
        return _kills(f"{mounts['memory']}/memory.oom_control")
    if "" not in mounts:
        return None
    leaf = f"{mounts['']}/{LEAF}"
    return _kills(f"{leaf if os.path.isdir(leaf) else mounts['']}/memory.events.local")


def _second(own: str, name: str, memory_bytes: int, cpus: float) -> Group:
    wanted = (["memory"] if memory_bytes else []) + (["cpu"] if cpus else [])
    if not set(wanted) <= set(_read(f"{own}/cgroup.controllers").split()):
        raise OSError
    if not set(wanted) <= set(_read(f"{own}/cgroup.subtree_control").split()):
        order = " ".join(f"+{controller}" for controller in wanted)
        try:
            _write(f"{own}/cgroup.subtree_control", order)
        except OSError:
            _move_into_leaf(own)
            _write(f"{own}/cgroup.subtree_control", order)
    _sweep(own)
    directory = f"{own}/{name}"
    os.mkdir(directory)
    group = Group([directory], f"{directory}/memory.events" if memory_bytes else None)
    try:
        if memory_bytes:
            _write(f"{directory}/memory.max", str(memory_bytes))
            _try(f"{directory}/memory.swap.max", "0")
        if cpus:
            _write(f"{directory}/cpu.max", f"{int(cpus * PERIOD_US)} {PERIOD_US}")
    except OSError:
        group.remove()
        raise
    return group


def _first(mounts: dict[str, str], name: str, memory_bytes: int, cpus: float) -> Group:
    directories = []
    for controller, wanted in (("memory", memory_bytes), ("cpu", cpus)):
        if wanted:
            _sweep(mounts[controller])
            directories.append(f"{mounts[controller]}/{name}")
    made = []
    try:
        for directory in directories:
            os.mkdir(directory)
            made.append(directory)
        if memory_bytes:
            _write(f"{directories[0]}/memory.limit_in_bytes", str(memory_bytes))
            _try(f"{directories[0]}/memory.memsw.limit_in_bytes", str(memory_bytes))
        if cpus:
            _write(f"{directories[-1]}/cpu.cfs_period_us", str(PERIOD_US))
            _write(f"{directories[-1]}/cpu.cfs_quota_us", str(int(cpus * PERIOD_US)))
    except OSError:
        Group(made, None).remove()
        raise
    return Group(directories, f"{directories[0]}/memory.oom_control" if memory_bytes else None)


def _move_into_leaf(own: str) -> None:
    """Raises OSError, where the group is not ours to arrange."""
    root = _read("/proc/self/cgroup").rstrip().endswith("0::/")
    if not root and os.getxattr(own, "user.delegate") != b"1":
        raise PermissionError
    leaf = f"{own}/{LEAF}"
    os.makedirs(leaf, exist_ok=True)
    for pid in _read(f"{own}/cgroup.procs").split():
        _try(f"{leaf}/cgroup.procs", pid)  # one that has ended meanwhile is no matter


def _sweep(own: str) -> None:
    """Remove the groups of shims that were killed; those that have processes stay by themselves."""
    for entry in os.listdir(own):
        if entry.startswith(PREFIX) and entry != LEAF:
            try:
                os.rmdir(f"{own}/{entry}")
            except OSError:
                continue


def places(process: str = "/proc/self") -> dict[str, str]:
    """Where our own group lies, by controller; by "" in version 2, if that limits memory here."""
    paths = {}
    for line in _lines(f"{process}/cgroup"):
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    found = {}
    for line in _lines(f"{process}/mountinfo"):
        fields = line.split(" ")
        kind, _, options = fields[fields.index("-") + 1 :][:3]
        if kind == "cgroup2":
            found[""] = _own(fields[3], fields[4], paths.get("", "/")).removesuffix(f"/{LEAF}")
        elif kind == "cgroup":
            for controller in set(options.split(",")) & set(paths):
                found[controller] = _own(fields[3], fields[4], paths[controller])
    if "" in found and "memory" not in _read(f"{found['']}/cgroup.controllers").split():
        del found[""]
    return found


def _own(root: str, mount: str, path: str) -> str:
    """The directory of the group `path` below `mount`; a container may be shown the hierarchy from `root` on only."""
    if root != "/":
        path = path[len(root) :] if path.startswith(root) else "/"
    return os.path.normpath(f"{mount}/{path}")


def _kills(path: str) -> int | None:
    for line in _lines(path):
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return None


def _lines(path: str) -> list[str]:
    return _read(path).splitlines()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _try(path: str, text: str) -> None:
    try:
        _write(path, text)
    except OSError:
        pass
