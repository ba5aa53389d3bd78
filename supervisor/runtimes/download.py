"""`python -m supervisor.runtimes.download ADDRESS NAME FILE`: a program that is published with its checksums.

A process of its own: it can be ended at any moment, and its memory goes with it.
"""

from __future__ import annotations

import hashlib
import http.client
import sys
import urllib.error
import urllib.request
from pathlib import Path

TIMEOUT_S = 30.0
MOST_SUMS_BYTES = 1024 * 1024
CHUNK_BYTES = 1024 * 1024


class DownloadError(Exception):
    """One line that says what is wrong."""


def fetch(address: str, name: str, file: Path) -> None:
    """Download `name` from the folder `address`, and check it against the SHASUMS256.txt there. `file` is not there
    before, and is a program that is complete afterwards. Raises DownloadError, OSError."""
    try:
        with urllib.request.urlopen(f"{address}/SHASUMS256.txt", timeout=TIMEOUT_S) as answer:
            expected = checksum_of(name, answer.read(MOST_SUMS_BYTES).decode(errors="replace"))
        found = hashlib.sha256()
        with urllib.request.urlopen(f"{address}/{name}", timeout=TIMEOUT_S) as answer, file.open("xb") as target:
            length = answer.length
            while part := answer.read(CHUNK_BYTES):
                found.update(part)
                target.write(part)
            if length is not None and target.tell() != length:
                raise DownloadError(f"{address}/{name}: the connection was lost")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ValueError) as error:
        raise DownloadError(f"{address}/{name}: {getattr(error, 'reason', None) or error}") from error
    if found.hexdigest() != expected:
        raise DownloadError(f"{address}/{name}: the checksum is {found.hexdigest()}, and {expected} was published")
    file.chmod(0o755)


def checksum_of(name: str, sums: str) -> str:
    """What `sha256sum` has written of a file. Raises DownloadError if there is nothing."""
    for line in sums.splitlines():
        digest, _, path = line.partition(" ")
        if path.strip().lstrip("*").removeprefix("./") == name:
            return digest.lower()
    raise DownloadError(f"{name} is not in SHASUMS256.txt")


def main() -> int:
    address, name, file = sys.argv[1:]
    try:
        fetch(address, name, Path(file))
    except (DownloadError, OSError) as error:
        sys.stderr.write(f"ERROR {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
