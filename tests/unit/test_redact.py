"""What in an application's environment looks like a secret."""

from __future__ import annotations

import pytest

from supervisor.redact import environment_secrets


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
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, secrets: set[str]) -> None:
    assert set(environment_secrets({name: value})) == secrets
