"""What the kernel offers for process trees and Python has no name for."""

import ctypes
import os

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


def hide() -> None:
    """Keep this process's environment and memory from others of its user (prctl(2)): they hold secrets."""
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def set_name(name: str) -> None:
    """Name this process as `ps -o comm` and /proc/PID/comm show it (15 bytes)."""
    _libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def step_back() -> None:
    """Leave processor, disk and memory to the application first. What the kernel does not grant is done without."""
    os.nice(NICER)
    if SYS_IOPRIO_SET:
        _libc.syscall(SYS_IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, IOPRIO_LOWEST)
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else our own /proc belongs to root; the command is told no secret here
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
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


def parents() -> dict[int, int]:
    """Every process's parent, from one reading of /proc. Zombies are left out: they are dead already."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                stat = file.read(512)
        except OSError:
            continue  # it ended between the listing and the reading
        # The command's name stands in parentheses and may hold anything, parentheses too.
        fields = stat[stat.rfind(b")") + 2 :].split(None, 2)
        if fields[0] not in (b"Z", b"X"):
            found[int(name)] = int(fields[1])
    return found


def descendants(root: int) -> list[int]:
    """Every live process below `root`, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    layer = children.get(root, [])
    while layer:
        found += layer
        layer = [child for pid in layer for child in children.get(pid, [])]
    return found


def signal_all(pids: list[int], number: int) -> None:
    """Signal each; one that has ended meanwhile, or may not be signalled, is passed over."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
