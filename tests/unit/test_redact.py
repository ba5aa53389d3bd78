"""What in an application's environment looks like a secret."""

from __future__ import annotations

import json
import random
import re
from urllib.parse import quote

import pytest

from supervisor.redact import MASK, environment_secrets, forms, redactor, scrub
from supervisor.shim.output import Redactor


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DATABASE_URL", "postgresql://shop:p%40ssw0rd99@db:5432/x", {"p%40ssw0rd99", "p@ssw0rd99"}),
        ("REDIS_URL", "redis://:longredispassword@cache:6379", {"longredispassword"}),
        ("BROKERS", "amqp://u:onetwothree@a,amqp://u:fourfivesix@b", {"onetwothree", "fourfivesix"}),
        ("DATABASE_URL", "postgresql://postgres:postgres@localhost/x", set()),
        ("SLACK_WEBHOOK_URL", "https://hooks.example/T0/B0/x", {"https://hooks.example/T0/B0/x"}),
        ("STRIPE_SECRET_KEY", "sk_live_0123456789", {"sk_live_0123456789"}),
        ("SECRET_KEY_BASE", "0123456789abcdef", {"0123456789abcdef"}),
        ("AWS_ACCESS_KEY_ID", "AKIA0123456789", {"AKIA0123456789"}),
        ("NPM_TOKEN", "npm_0123456789", {"npm_0123456789"}),
        ("NEXT_PUBLIC_API_KEY", "pk_live_0123456789", set()),
        ("TOKEN_TTL", "3600000000", set()),
        ("SECRET_FILE", "/run/secrets/thing", set()),
        ("DB_PASSWORD", "short", set()),
        ("KEYBOARD", "de-latin1-nodeadkeys", set()),
        ("HOME", "/home/somebody", set()),
        ("STRIPE_KEY", "rk-0123456789", {"rk-0123456789"}),
        ("OPENAI_API_KEY", "sk-proj-0123456789abcdef", {"sk-proj-0123456789abcdef"}),
        ("AWS_SECRET_ACCESS_KEY", "/aB3dE5fG7hI9jK1lM3nO5pQ7", {"/aB3dE5fG7hI9jK1lM3nO5pQ7"}),
        ("MAILGUN_KEY", "key-0123456789", {"key-0123456789"}),
        ("REDIS_PASS", "longredispass", {"longredispass"}),
        ("PGPASSWORD", "longpgpassword", {"longpgpassword"}),
        ("dbPassword", "longdbpassword", {"longdbpassword"}),
        ("BASIC_AUTH", "ada:lovelace", {"ada:lovelace"}),
        ("NEXTAUTH_SECRET", "0123456789", {"0123456789"}),
        ("SENTRY_DSN", "https://k0123456789@sentry.example/1", {"https://k0123456789@sentry.example/1"}),
        ("NOTE", "use ghp_0123456789abcdefABCD here", {"ghp_0123456789abcdefABCD"}),
        ("NOTE", "github_pat_0123456789abcdefABCD", {"github_pat_0123456789abcdefABCD"}),
        ("NOTE", "glpat-0123456789abcdefABCD", {"glpat-0123456789abcdefABCD"}),
        ("NOTE", "xoxb-0123456789-abcdef", {"xoxb-0123456789-abcdef"}),
        ("NOTE", "AKIAIOSFODNN7EXAMPLE", {"AKIAIOSFODNN7EXAMPLE"}),
        ("NOTE", "sk_live_0123456789", {"sk_live_0123456789"}),
        ("NOTE", "npm_0123456789abcdefABCD", {"npm_0123456789abcdefABCD"}),
        ("NOTE", "hf_0123456789abcdefABCD", {"hf_0123456789abcdefABCD"}),
        ("NOTE", "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", {"eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl"}),
        ("DB", "postgresql://db/x?user=u&password=onetwo%40three", {"onetwo%40three", "onetwo@three"}),
        ("DB", "postgresql://db/x?sslpassword=onetwothree", {"onetwothree"}),
        ("HOOK", "https://example.org/in?token=0123456789&x=1", {"0123456789"}),
        ("MAPS", "https://example.org/?api_key=0123456789", {"0123456789"}),
        ("DB", "jdbc:sqlserver://db:1433;user=sa;password=onetwothree;x=y", {"onetwothree"}),
        ("DB", "host=db user=u password='one two three'", {"one two three"}),
        ("DB", "host=db password=onetwothree dbname=x", {"onetwothree"}),
        ("DB", "Server=db;User Id=sa;Password=onetwothree;", {"onetwothree"}),
        ("DB", "AccountName=a;AccountKey=onetwothree==;x", {"onetwothree=="}),
        ("DB", "postgres://u:one/two@three@db:5432/x", {"one/two@three"}),
        ("REPO", "https://0123456789abcdefghij@example.org/x.git", {"0123456789abcdefghij"}),
        ("GOOGLE", '{"project_id": "shop-project", "client_secret": "onetwothree"}', {"onetwothree"}),
        ("GOOGLE", '{"a": [{"db": "mysql://u:onetwothree@db/x"}]}', {"onetwothree"}),
        ("NEXT_PUBLIC_STRIPE_KEY", "pk_live_0123456789", set()),
        ("VITE_API_KEY", "0123456789", set()),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_0123456789", set()),
        ("SSH_AUTH_SOCK", "/tmp/ssh-XXXX/agent.1", set()),
        ("GIT_ASKPASS", "/usr/bin/askpass", set()),
        ("TLS_KEY", "/etc/ssl/private/server.key", set()),
        ("TLS_KEY", "./certs/development/server.key", set()),
        ("CACHE_KEY", "production", set()),
        ("DB_PASSWORD", "password", set()),
        ("REQUIRE_AUTH", "required", set()),
        ("SECRET_KEY", "true", set()),
        ("MAX_TOKENS", "1000000", set()),
        ("TOKEN_LIMIT", "1000000000", set()),
        ("AUTH_URL", "https://auth.example.org/", set()),
        ("TOKEN_ENDPOINT", "https://auth.example.org/token", set()),
        ("MONKEY", "chimpanzee", set()),
        ("TOKENIZERS_PARALLELISM", "disabled-here", set()),
        ("SECRETARY", "somebody-nice", set()),
        ("PWD", "/srv/application", set()),
        ("GREETING", "password: please enter it", set()),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", set()),
        ("LS_COLORS", "rs=0:di=01;34:ln=01;36:mh=00:pi=40;33", set()),
        ("NODE_OPTIONS", "--max-old-space-size=4096", set()),
        ("URL", "http://localhost:3000/", set()),
        ("NPM_REGISTRY", "http://registry.example:8080/packages/@scope", set()),
        ("MAILTO", "http://localhost:3000/send?to=somebody@example.org", set()),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, secrets: set[str]) -> None:
    assert set(environment_secrets({name: value})) == secrets


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "value", [PEM, PEM.replace("\n", "\\n"), json.dumps({"type": "service_account", "private_key": PEM})]
)
@pytest.mark.parametrize("printed", [PEM, PEM.replace("\n", "\\n"), *PEM.splitlines()[1:3]])
def test_a_private_key_is_hidden_however_it_is_set_and_printed(value: str, printed: str) -> None:
    hidden = redactor(environment_secrets({"GOOGLE_APPLICATION": value}))(f"key: {printed} .")
    assert "MIIEvQ" not in hidden and "AQEFAA" not in hidden
    assert hidden.startswith("key: ") and hidden.endswith(" .")


def settings_of(secret: str) -> dict[str, str]:
    """The ways in which a secret is set."""
    return {
        "name": secret,
        "address": f"postgresql://shop:{quote(secret, safe='')}@db:5432/shop",
        "parameter": f"https://example.org/?x=1&api_key={quote(secret, safe='')}",
        "json": json.dumps({"outer": [{"password": secret}]}),
    }


def prints_of(secret: str) -> list[str]:
    """The ways in which a program prints one."""
    encoded = quote(secret, safe="")
    return [
        secret,
        json.dumps({"a": secret}),
        encoded,
        re.sub("%..", lambda found: found[0].lower(), encoded),
        f"x{secret}y",
    ]


LETTERS = "abcdefghijkXYZ0123456789" + "+/=@:%&?#$!*-_.~ äß\"\\'"


def test_no_secret_is_shown_however_it_is_set_printed_and_cut() -> None:
    dice = random.Random(20_111)
    for number in range(400):
        secret = "Q" + "".join(dice.choices(LETTERS, k=dice.randint(9, 40))) + "Q"
        how, value = dice.choice(list(settings_of(secret).items()))
        name = dice.choice(("DB_PASSWORD", "STRIPE_KEY", "NPM_TOKEN", "APP_SECRET")) if how == "name" else "X"
        found = environment_secrets({name: value})
        assert secret in found, (number, how, secret)
        printed = f"before {dice.choice(prints_of(secret))} after"
        hidden = redactor(found)(printed)
        assert hidden.startswith("before ") and hidden.endswith(" after") and MASK in hidden
        assert secret not in hidden and quote(secret, safe="") not in hidden
        data = printed.encode()
        for cut in range(1, len(data)):
            shim = Redactor([form.encode() for form in forms(found)])
            pieces = shim.feed(data[:cut]) + shim.feed(data[cut:]) + shim.rest()
            assert pieces == hidden.encode(), (number, cut, secret)


def test_what_cannot_be_a_secret_is_left_as_it_is() -> None:
    plain = {"NODE_ENV": "production", "PORT": "3000", "DEBUG": "false", "LANG": "C.UTF-8", "TZ": "Europe/Berlin"}
    assert environment_secrets(plain) == ()


def test_facts_are_scrubbed_where_others_have_written_and_nowhere_else() -> None:
    facts = {"outcome": "succeeded", "reason": "it succeeded", "failure": {"tail": ["succeeded"], "stage": "succeeded"}}
    assert scrub(facts, redactor(["succeeded"])) == {
        "outcome": "succeeded",
        "reason": "it ***",
        "failure": {"tail": ["***"], "stage": "succeeded"},
    }
