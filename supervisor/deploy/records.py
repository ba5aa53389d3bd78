"""`deployments/000001.json`: a record of each attempt, written when it starts and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from supervisor import files
from supervisor.layout import Layout
from supervisor.model import Outcome

SCHEMA = 1
MOST_RECORDS = 500


class Records:
    """Owner of `deployments/`."""

    def __init__(self, layout: Layout) -> None:
        self._directory = layout.deployments

    def next_number(self) -> int:
        """The number of the next attempt; numbers are never used again."""
        return max((int(path.stem) for path in self._paths()), default=0) + 1

    def write(self, number: int, facts: dict[str, Any]) -> None:
        """Replace the record. Raises OSError."""
        files.write_json(self._directory / f"{number:06d}.json", {"schema": SCHEMA, "number": number, **facts})

    def remove(self, number: int) -> None:
        """There was nothing to do: no attempt after all."""
        (self._directory / f"{number:06d}.json").unlink(missing_ok=True)

    def latest(self, most: int) -> list[dict[str, Any]]:
        """The newest records, newest first."""
        values = (files.read_json(path) for path in sorted(self._paths(), reverse=True)[:most])
        return [value for value in values if isinstance(value, dict)]

    def close_interrupted(self) -> list[dict[str, Any]]:
        """Records without an end were being written when the supervisor died: say so in them, and return them."""
        closed = []
        for record in self.latest(MOST_RECORDS):
            if record.get("outcome") is None:
                record |= {
                    "outcome": Outcome.INTERRUPTED,
                    "reason": "the supervisor ended during the deployment",
                    "ended_at": datetime.now(UTC).isoformat(),
                }
                self.write(record["number"], {k: v for k, v in record.items() if k not in ("schema", "number")})
                closed.append(record)
        return closed

    def prune(self) -> None:
        """Forget the oldest beyond `MOST_RECORDS`."""
        for path in sorted(self._paths(), reverse=True)[MOST_RECORDS:]:
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return [path for path in self._directory.glob("*.json") if path.stem.isdigit()]
