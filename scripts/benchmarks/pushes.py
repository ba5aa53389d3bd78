"""From a push to served, and the gap in between."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from deployers import Orbit, Shell, Supervisord
from table import Table, directory_for
from work import Client, Peer, Repository, median


def run(runs: int) -> None:
    for files in (0, 20_000):
        title = f"a push of a small commit, {files or 'no'} other files in the repository, medians of {runs}"
        table = Table(title, ("until it is served, ms", "nobody answers for, ms"))
        for kind in (Shell, Supervisord, Orbit):
            with directory_for(kind.name) as directory:
                served, gaps = _measure(kind, directory, files, runs)
            table.add(kind.name, median(served) * 1e3, median(gaps) * 1e3)
        table.show()


def _measure(kind: type[Peer], directory: Path, files: int, runs: int) -> tuple[list[float], list[float]]:
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
