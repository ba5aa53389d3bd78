"""What the kernel offers for process trees and Python has no name for."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

NICER = 10
"""How much nicer than the application what runs beside it is."""
OOM_SCORE = 500
"""Out of 1000: when memory runs out, the kernel ends a build before the application (proc(5))."""
IOPRIO_WHO_PROCESS = 1
IOPRIO_LOWEST = (2 << 13) | 7  # best effort, the last of its eight levels (ioprio_set(2))
SYS_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}.get(os.uname().machine)

_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """From now on orphans below this process become its own children (prctl(2)), so that none gets away."""
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def end_with_parent(parent: int) -> None:
    """Have the kernel KILL this process when its parent, which has one thread, ends (prctl(2)); it is kept over exec.
    A parent that has ended already is another one now."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def hide() -> None:
    """Keep this process's environment and memory from others of its user (prctl(2)): they hold secrets."""
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def set_name(name: str) -> None:
    """Name this process as `ps -o comm` and /proc/PID/comm show it (15 bytes)."""
    _libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def give_back_memory() -> None:
    """Return what was freed to the system; only the GNU C library has to be told (malloc_trim(3))."""
    trim = getattr(_libc, "malloc_trim", None)
    if trim:
        trim(0)


def step_back() -> None:
    """Leave processor and disk to the application first. What the kernel does not grant is done without."""
    os.nice(NICER)
    if SYS_IOPRIO_SET:
        _libc.syscall(SYS_IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, IOPRIO_LOWEST)


def offer_to_oom_killer(pid: int) -> None:
    """When memory runs out, let it be ended before the application."""
    try:
        with open(f"/proc/{pid}/oom_score_adj", "w") as file:
            file.write(str(OOM_SCORE))
    except OSError:
        return


def out_of_memory_kills() -> int:
    """How many processes the kernel has ended for lack of memory since it started; 0 where it does not say."""
    try:
        with open("/proc/vmstat", "rb") as file:
            for line in file:
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


class Process:
    """Where a process stands."""

    __slots__ = ("group", "parent", "session")  # no named tuple: its module would cost every shim its import

    def __init__(self, parent: int, group: int, session: int) -> None:
        self.parent = parent
        self.group = group
        self.session = session


def process(pid: int) -> Process | None:
    """Where one stands; None if it has ended, be it that its parent has not looked yet."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            stat = file.read(512)
    except OSError:
        return None
    # The command's name stands in parentheses and may hold anything, parentheses too.
    fields = stat[stat.rfind(b")") + 2 :].split(None, 4)
    return None if fields[0] in (b"Z", b"X") else Process(int(fields[1]), int(fields[2]), int(fields[3]))


def processes() -> dict[int, Process]:
    """Every live process, from one reading of /proc."""
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return {pid: found for pid in numbers if (found := process(pid))}


def below(root: int, found: dict[int, Process]) -> list[int]:
    """Those of `found` that are below `root`, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, process in found.items():
        children.setdefault(process.parent, []).append(pid)
    reached: list[int] = []
    layer = children.get(root, [])
    while layer:
        reached += layer
        layer = [child for pid in layer for child in children.get(pid, [])]
    return reached


def descendants(root: int) -> list[int]:
    """Every live process below `root`, parents before their children."""
    return below(root, processes())


def name(pid: int) -> str:
    """The process's name as `set_name` has it; empty if it has ended."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""


def newest() -> int:
    """The number that was given to a process last (proc(5), loadavg); 0 if the kernel does not say."""
    try:
        with open("/proc/loadavg", "rb", buffering=0) as file:
            return int(file.read(128).split()[-1])
    except (OSError, ValueError, IndexError):
        return 0


def is_below(pid: int, root: int, most_steps: int = 8) -> bool:
    """Whether a process is a near descendant of `root`, as far as that can be followed while they come and go."""
    for _ in range(most_steps):
        found = process(pid)
        if found is None or found.parent <= 1 < root:
            return False
        if found.parent == root:
            return True
        pid = found.parent
    return False


def signal_group(group: int, number: int) -> None:
    """Signal every process of a group; one that is gone meanwhile is passed over."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def signal_all(pids: list[int], number: int) -> None:
    """Signal each; one that has ended meanwhile, or may not be signalled, is passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
