"""Secrets in a command's output are found wherever a read happens to cut it."""

from __future__ import annotations

import itertools
import random

import pytest

from supervisor.shim.output import Redactor

SECRETS = [b"hunter2-hunter2", b"sk_live_0123456789", b"zero\0inside\0it", b"aaab", b"\xff\xfe\xfd-binary"]
NOISE = (b"hunter2-hunte", b"sk_live_", b"zero\0inside", b"aaa", b"\xff\xfe", b" plain words\n", b"\0", b"\n")


def text_of(chance: random.Random) -> bytes:
    return b"".join(chance.choice((*SECRETS, *NOISE)) for _ in range(200))


def fed(text: bytes, chance: random.Random, most: int) -> bytes:
    """What a redactor lets through of `text` that comes in pieces of up to `most` bytes."""
    redactor, shown = Redactor(SECRETS), b""
    while text:
        size = chance.randint(1, most)
        shown += redactor.feed(text[:size])
        text = text[size:]
    return shown + redactor.rest()


@pytest.mark.parametrize("most", [1, 3, 20, 100_000])
def test_no_cut_lets_a_secret_through_or_loses_anything_else(most: int) -> None:
    for seed in range(20):
        chance = random.Random(seed)
        text = text_of(chance)
        hidden = text
        for secret in sorted(SECRETS, key=len, reverse=True):
            hidden = hidden.replace(secret, b"***")
        assert fed(text, chance, most) == hidden


def test_what_cannot_become_a_secret_is_shown_at_once() -> None:
    assert Redactor(SECRETS).feed(b"ready\n") == b"ready\n"


RELATED = [b"longsecret", b"longsecret-extended", b"abcdefgh", b"cdefghij", b"aaaa"]


def show(*pieces: bytes) -> bytes:
    redactor = Redactor(RELATED)
    return b"".join([*(redactor.feed(piece) for piece in pieces), redactor.rest()])


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"x longsecret y", b"x *** y"),
        (b"x longsecret-extended y", b"x *** y"),
        (b"abcdefghij", b"***"),
        (b"abcdefghabcdefgh", b"******"),
        (b"aaaaaa", b"***"),
        (b"longsecre", b"longsecre"),
        (b"abcdefcdefghij", b"abcdef***"),
        (b"", b""),
    ],
)
def test_every_cut_shows_the_same(printed: bytes, shown: bytes) -> None:
    for first, second in itertools.combinations_with_replacement(range(len(printed) + 1), 2):
        assert show(printed[:first], printed[first:second], printed[second:]) == shown
