"""From a push to served, the gap, and what an idle manager costs; each peer in turn, in the same run."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from pathlib import Path

import psutil
from peers import Orbit, Peer, Shell, Supervisord
from work import Client, Repository, median

IDLE_S = 20.0


def measure_pushes(kind: type[Peer], directory: Path, files: int, runs: int) -> tuple[list[float], list[float]]:
    """Seconds until served, and seconds without an answer, for each of `runs` pushes."""
    repository = Repository(directory / "repository", files)
    peer = kind(directory / "peer", repository)
    client = Client(peer.port)
    client.start()
    peer.start()
    client.wait_for("0")
    served, gaps = [], []
    try:
        for run in range(1, runs + 1):
            threading.Event().wait(0.7)  # let the last one settle
            repository.commit(str(run))
            since = time.perf_counter()
            repository.git("push", "-q", "origin", "main")
            peer.deploy()
            at = client.wait_for(str(run))
            served.append(at - since)
            threading.Event().wait(0.3)
            gaps.append(client.longest_silence(since, at))
    finally:
        client.done.set()
        client.join()
        peer.stop()
    return served, gaps


def measure_idle(directory: Path) -> dict[str, float]:
    """What `orbit run` costs while nothing happens: its own processes, without the application."""
    repository = Repository(directory / "repository")
    peer = Orbit(directory / "peer", repository)
    peer.start()
    client = Client(peer.port)
    client.start()
    client.wait_for("0")
    client.done.set()
    client.join()
    assert peer.process is not None
    threading.Event().wait(3.0)
    root = psutil.Process(peer.process.pid)
    ours = [p for p in (root, *root.children(recursive=True)) if p.name() != "server"]
    before = [(p.num_ctx_switches().voluntary, sum(p.cpu_times()[:2])) for p in ours]
    threading.Event().wait(IDLE_S)
    after = [(p.num_ctx_switches().voluntary, sum(p.cpu_times()[:2])) for p in ours]
    result = {
        "memory": sum(p.memory_full_info().pss for p in ours) / 1e6,
        "wakeups": sum(b[0] - a[0] for a, b in zip(before, after, strict=True)) / IDLE_S,
        "cpu": sum(b[1] - a[1] for a, b in zip(before, after, strict=True)) / IDLE_S * 1000,
    }
    peer.stop()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="pushes measured of each (default 7)")
    options = parser.parse_args()
    for files in (0, 20_000):
        print(
            f"\na push of a small commit, {files or 'no'} other files in the repository ({options.runs} runs, medians)"
        )
        base = None
        for kind in (Shell, Supervisord, Orbit):
            directory = Path(tempfile.mkdtemp(prefix="orbit-bench-"))
            try:
                served, gaps = measure_pushes(kind, directory, files, options.runs)
            finally:
                shutil.rmtree(directory, ignore_errors=True)
            base = base or (median(served), median(gaps))
            print(
                f"  {kind.name:22} until served {median(served) * 1e3:7.0f} ms ({median(served) / base[0]:4.1f} x)"
                f"   nobody answers {median(gaps) * 1e3:6.1f} ms ({median(gaps) / base[1]:4.1f} x)"
            )
    directory = Path(tempfile.mkdtemp(prefix="orbit-bench-"))
    try:
        idle = measure_idle(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(
        f"\nidle for {IDLE_S:g} s: {idle['memory']:.1f} MB proportional, {idle['wakeups']:.2f} wake-ups/s, "
        f"{idle['cpu']:.2f} ms CPU/s"
    )


if __name__ == "__main__":
    main()
