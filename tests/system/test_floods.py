"""Logs that are written at full speed stay within their budget, at every moment, and nobody is kept waiting."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until

MB = 1 << 20
BUDGET = 2 * MB
SHARE = BUDGET // 5
FLOOD = 300 * MB
LINE = "x" * 119 + "\n"
APP_FLOODS = f"""
import threading
def flood():
    open(os.environ["BEGIN"]).read()
    block = {LINE!r}.encode() * 1000
    for _ in range({FLOOD} // len(block)):
        os.write(1, block)
    open(os.environ["DONE"], "w").close()
threading.Thread(target=flood, daemon=True).start()
"""
SHELL_FLOODS = f"#!/bin/bash\nyes {LINE.strip()} | head -c {FLOOD // 3}\n"


class Sampler(threading.Thread):
    """Looks at the sizes of all logs, again and again; remembers the most that it saw of each kind."""

    def __init__(self, logs: Path) -> None:
        super().__init__(daemon=True)
        self._logs = logs
        self._over = threading.Event()
        self.samples = 0
        self.most = {"total": 0, "app": 0, "hooks": 0, "setup": 0, "builds": 0}

    def run(self) -> None:
        while not self._over.wait(0.002):
            sizes = dict.fromkeys(self.most, 0)
            for directory, _, names in os.walk(self._logs):
                for name in names:
                    try:
                        size = (Path(directory) / name).stat().st_size
                    except FileNotFoundError:
                        continue
                    kind = "builds" if directory.endswith("builds") else name.partition(".")[0]
                    sizes[kind] += size
                    sizes["total"] += size
            self.samples += 1
            self.most = {kind: max(most, sizes[kind]) for kind, most in self.most.items()}

    def stop(self) -> None:
        self._over.set()
        self.join()


def answer_s(orbit: Orbit, name: str) -> float:
    """How long the supervisor takes to answer a request, in seconds."""
    since = time.monotonic()
    requests = orbit.home / "run/requests"
    (requests / f".{name}").write_text(json.dumps({"id": name, "action": "cancel", "cause": "a question"}))
    (requests / f".{name}").rename(requests / f"{name}.json")
    orbit.hup()
    wait_until(lambda: any(answer["id"] == name for answer in orbit.status().get("requests", ())), 20)
    return time.monotonic() - since


def test_floods_never_exceed_the_budget_and_keep_nobody_waiting(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    begin, done = tmp_path / "begin", tmp_path / "done"
    os.mkfifo(begin)
    orbit.console = Path(os.devnull)
    orbit.env |= {"LOG_BUDGET": str(BUDGET), "LOG_BACKUPS": "3", "BUILD_COMMAND": "bash build.sh"}
    orbit.env |= {"BEGIN": str(begin), "DONE": str(done)}
    logs = orbit.home / "logs"
    logs.mkdir(parents=True)
    (logs / "app.log.9").write_bytes(b"from earlier settings\n")
    repository.push(apps.server("1", before=APP_FLOODS) | {"build.sh": SHELL_FLOODS, "pre-deploy.sh": SHELL_FLOODS})
    sampler = Sampler(logs)
    sampler.start()
    orbit.start()
    assert orbit.wait_idle(1)["outcome"] == "succeeded"
    wait_until(lambda: not (logs / "app.log.9").exists())
    begin.write_text("")
    answers = [answer_s(orbit, "the-first")]
    while not done.exists() and len(answers) < 10_000:
        answers.append(answer_s(orbit, f"question-{len(answers)}"))
    wait_until(done.exists)
    sampler.stop()
    assert sampler.samples > 100
    for kind, shares in {"total": 5, "app": 1, "hooks": 1, "setup": 1, "builds": 2}.items():
        assert sampler.most[kind] <= shares * SHARE, kind
    for kind in ("app", "hooks", "builds"):
        assert sampler.most[kind] > SHARE // 2, kind
    assert max(answers) < 1.0
    assert orbit.status()["app"]["restarts"] == 0
    assert re.fullmatch(rf"({LINE})+", (logs / "app.log.1").read_text())
