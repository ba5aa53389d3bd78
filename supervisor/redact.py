"""Keeping secrets out of what people read: logs, errors, the status, `orbit check`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
SHORTEST = 3  # characters; replacing anything shorter would only spoil the text around it

SHORTEST_GUESS = 8  # characters; a real secret is longer, and "true" stands in many places

_SECRET_NAME = re.compile(
    r"(?i)(?:secret|token|passw(?:or)?d|passphrase|credential|api_?key|key_base)s?(?:_|\d|$)|"
    r"(?:^|_)(?:access|private|auth|encryption|signing|master)_?keys?(?:_|$)|(?:^|_)(?:dsn|webhook_url)(?:_|$)|"
    r"(?:^|_)(?:keys?|pass|pwd|pw|auth|pat|salt)(?:_(?:id|json|pem|base64|b64|old|new|prod|live|test|\d+))*\d*$"
)
_PUBLIC_NAME = re.compile(
    r"(?i)publi(?:c|shable)|^(?:vite|react_app|gatsby)_|(?:^|_)(?:path|file|dir|name|ttl|expir(?:y|es|es_in|ation)|timeout|"
    r"length|size|limit|max|min|count|per_minute|rounds|lifetime|days|hours|minutes|seconds|type|algorithm|alg|prefix|"
    r"header|issuer|audience|host|port|enabled|field|column|(?<!webhook_)ur[li]|endpoint|url_base|sock)$"
)
_WELL_KNOWN = frozenset(
    (
        "password",
        "postgres",
        "production",
        "development",
        "disabled",
        "required",
        "optional",
        "undefined",
        "localhost",
        "anonymous",
        "internal",
        "external",
        "automatic",
        "rabbitmq",
        "elasticsearch",
        "unlimited",
        "forbidden",
        "authorization",
    )
)
_VALUE_FORMS = re.compile(
    r"(?<![A-Za-z0-9_])(?:[sr]k_(?:live|test)_\w{8,}|whsec_[\w+/=]{8,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|"
    r"glpat-[\w-]{16,}|xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|npm_\w{16,}|hf_\w{16,}|"
    r"sk-[\w-]{16,}|SG\.[\w-]{8,}\.[\w-]{8,}|AIza[\w-]{30,}|dop_v1_\w{16,}|pypi-[\w-]{16,}|shp\w{2}_\w{16,}|"
    r"eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*)|"
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_CREDENTIALS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://([^\s/:@?#]*):([^\s/@?#]+)@")
_UNQUOTED_CREDENTIALS = re.compile(
    r"://([^\s/:@?#]*):(?!\d+[/?#])((?:(?!://)[^\s\"',])+)@(?=[\w\[])"
)  # with / or @ in it
_TOKEN_IN_URL = re.compile(r"(?i)https?://([^\s/:@?#]{16,})@")
_PARAMETER = re.compile(
    r"(?i)(?<![a-z0-9])(?:[a-z]+[_-]?)?(?:passw(?:or)?d|pass|pwd|secret|token|api_?key|account_?key|access_?key|"
    r"signature)\s*=\s*(?:'((?:\\.|[^'\\])*)'|\"([^\"]*)\"|\{([^}]*)\}|([^\s;&#,'\"]+))"
)
"""`?password=…`, `host=… password='…'`, `Server=…;Password=…`."""
_FREE_TEXT = frozenset({"cause", "command", "commit_message", "error", "health", "next", "reason", "tail", "warnings"})
_USERINFO = re.compile(r"^([a-z][a-z0-9+.-]*)://([^/?#]*)@", re.IGNORECASE)
_RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])")
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
    # most texts have none, and looking for each costs a tenth of looking for all at each place
    return lambda text: pattern.sub(MASK, text) if any(secret in text for secret in texts) else text


class Redactor:
    """The same, for secrets that become more."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)
        self._redact = redactor(self._secrets)

    def __call__(self, text: str) -> str:
        return self._redact(text)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that gives one of them away, longest first."""
        return forms(self._secrets)

    def add(self, secrets: Iterable[str]) -> bool:
        """Hide these, too; whether there is one among them that was not known."""
        new = tuple(secret for secret in dict.fromkeys(secrets) if secret not in self._secrets)
        if new:
            self._secrets = (*self._secrets, *new)
            self._redact = redactor(self._secrets)
        return bool(new)


def scrub(facts: Any, redact: Callable[[str], str], free: bool = False) -> Any:
    """Facts for a record or the status, with secrets gone from what others have written: not from a name, a number or
    a state, which a short secret may happen to look like."""
    if isinstance(facts, dict):
        return {name: scrub(value, redact, free or name in _FREE_TEXT) for name, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [scrub(value, redact, free) for value in facts]
    return redact(facts) if free and isinstance(facts, str) else facts


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
    """What in an environment looks like a secret: values whose names say so, values that have the form of one,
    passwords in addresses and in connection strings, and what stands in a JSON text under a name that says so.

    What nobody could call a secret is left alone: short values, paths, well-known words, public keys, and a password
    that is the user's name, too. Replacing them would only spoil what people have to read.
    """
    found: dict[str, None] = {}
    for name, value in environ.items():
        found |= dict.fromkeys(_secrets_in(name, value))
    return tuple(text for text in found if _is_worth_hiding(text))


def secrets_of_plan(environment: Mapping[str, str], commands: Iterable[str | None]) -> tuple[str, ...]:
    """What looks like a secret in what a repository's own files say: in the variables, and in the commands, where a
    variable that is to be put in (`--token=$TOKEN`) is none."""
    lines = {str(number): line for number, line in enumerate(commands) if line}
    return (*environment_secrets(environment), *(text for text in environment_secrets(lines) if "$" not in text))


def _secrets_in(name: str, value: str) -> Iterator[str]:
    text = value.strip()
    if _SECRET_NAME.search(name) and not _PUBLIC_NAME.search(name) and not _is_path(text):
        yield text
    for match in _VALUE_FORMS.finditer(value):
        yield match[0]
        yield match[0].replace("\\n", "\n")  # a key in one line
    for pattern in (_CREDENTIALS, _UNQUOTED_CREDENTIALS):
        for user, password in pattern.findall(value):
            if password != user:
                yield from (password, unquote(password))
    yield from _TOKEN_IN_URL.findall(value)
    for groups in _PARAMETER.findall(value):
        yield from (form for group in groups if group for form in (group, unquote(group)))
    if text[:1] in ("{", "["):
        yield from _secrets_in_json(text)


def _secrets_in_json(text: str) -> Iterator[str]:
    try:
        waiting = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, item) for item in value]
        elif isinstance(value, str) and not value.startswith(("{", "[")):
            yield from _secrets_in(name, value)


def _is_worth_hiding(text: str) -> bool:
    return len(text) >= SHORTEST_GUESS and "\0" not in text and text.lower() not in _WELL_KNOWN


def _is_path(text: str) -> bool:
    """Whether it is the place of something; a secret in base64 may begin with a slash, too."""
    if not text.startswith(("/", "./", "../", "~/")) or "\n" in text:
        return False
    return not any(len(part) >= 16 and _RANDOM.search(part) for part in text.split("/"))


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
