"""Secrets that a project's files want made up (`generateValue`, `generator: secret`): the same in every release.

Each is derived from one key and its name, so that there is nothing to keep but the key, which only Orbit can read.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from supervisor import files
from supervisor.layout import Layout

KEY_BYTES = 32
_PREFIXES = {"APP_KEY": "base64:"}  # Laravel wants to be told


def values(layout: Layout, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The variables of these names: 256 bits each, in base64. The key is made when it is first used. Raises OSError."""
    names = tuple(names)
    if not names:
        return ()
    import hmac  # OpenSSL: memory that is not to be held where nothing is made up

    key = _key(layout)
    digests = ((name, hmac.digest(key, name.encode(), "sha256")) for name in names)
    return tuple((name, _PREFIXES.get(name, "") + base64.b64encode(digest).decode()) for name, digest in digests)


def _key(layout: Layout) -> bytes:
    kept = files.read_json(layout.generated_key)
    if isinstance(kept, dict) and isinstance(kept.get("key"), str):
        return str(kept["key"]).encode()
    import secrets  # brings hmac

    key = secrets.token_hex(KEY_BYTES)
    files.write_json(layout.generated_key, {"key": key}, mode=0o600)
    return key.encode()
