"""Keeping secrets out of what people read: logs, errors, the status, `orbit check`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
SHORTEST = 3  # characters; replacing anything shorter would only spoil the text around it

SHORTEST_GUESS = 8  # characters; a real secret is longer, and "true" stands in many places

_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:secrets?|tokens?|passw(?:or)?d|passphrase|pwd|credentials?|(?:api|access|private|secret|auth|"
    r"encryption|signing|master)_?keys?(?:_id)?|key_base|dsn|webhook_url)(?:_|$)"
)
_PUBLIC_NAME = re.compile(r"(?i)public|(?:_|^)(?:path|file|dir|name|ttl|expiry|timeout|url_base)$")
_CREDENTIALS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://([^\s/:@?#]*):([^\s/@?#]+)@")
_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*)://([^/?#]*)@", re.IGNORECASE)
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_NO_PASSWORD = ("", "x-oauth-basic")  # beside a token that stands where the user would
_TOKEN = re.compile(r"ghp_|gho_|ghs_|github_pat_|glpat-|.{20}")  # a user's name is shorter


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that replaces each of `secrets` in a text by `***`, also as it stands in a URL or in JSON,
    or each line of one that has several."""
    texts = forms(secrets)
    if not texts:
        return str
    pattern = re.compile("|".join(re.escape(text) for text in texts))
    return lambda text: pattern.sub(MASK, text)


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Every text that gives one of `secrets` away, longest first."""
    found = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
    return tuple(sorted(found, key=len, reverse=True))


def url_secrets(url: str) -> tuple[str, ...]:
    """The password in an address, and the user where that is a token, each as written and decoded."""
    user, password, secret_user = _userinfo(url)
    found = ([password] if password not in _NO_PASSWORD else []) + ([user] if secret_user else [])
    return tuple(dict.fromkeys(form for text in found for form in (text, unquote(text))))


def environment_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What in an environment looks like a secret: values whose names say so, and passwords inside addresses.

    Short values are left alone, and so is a password that is no secret to anybody since it is the user's name, too:
    replacing them would only spoil what people have to read.
    """
    found: dict[str, None] = {}
    for name, value in environ.items():
        text = value.strip()
        if _SECRET_NAME.search(name) and not _PUBLIC_NAME.search(name) and not text.startswith("/"):
            found[text] = None
        for user, password in _CREDENTIALS.findall(value):
            if password != user:
                found |= dict.fromkeys((password, unquote(password)))
    return tuple(text for text in found if len(text) >= SHORTEST_GUESS and "\0" not in text)


def masked_url(url: str) -> str:
    """The address without what is secret in it."""
    user, password, secret_user = _userinfo(url)
    if secret_user:
        return _USERINFO.sub(rf"\1://{MASK}@", url)
    if password:
        return _USERINFO.sub(lambda match: f"{match[1]}://{user}:{MASK}@", url)
    return url


def printable(text: str) -> str:
    """The text with control characters and bytes that are no UTF-8 written as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _userinfo(url: str) -> tuple[str, str, bool]:
    """User, password, and whether the user is a token, for which many hosts want no password."""
    match = _USERINFO.match(url)
    if match is None:
        return "", "", False
    user, _, password = match[2].partition(":")
    http = match[1].lower() in ("http", "https")
    secret_user = http and password in _NO_PASSWORD and bool(_TOKEN.match(user) or password)
    return user, password, secret_user


def _parts(secret: str) -> list[str]:
    """The secret as a whole and its lines, but not the lines that every key has (`-----BEGIN …`)."""
    lines = secret.splitlines()
    if len(lines) < 2:
        return [secret]
    return [secret, *(line.strip() for line in lines if len(line) >= 8 and not line.startswith("-----"))]


def _forms(secret: str) -> set[str]:
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    for encode, safe in ((quote, ""), (quote, "/"), (quote_plus, "")):
        encoded = encode(secret, safe=safe, errors="surrogateescape")
        forms |= {encoded, _PERCENT.sub(lambda match: match[0].lower(), encoded)}
    return {form for form in forms if len(form) >= SHORTEST}
