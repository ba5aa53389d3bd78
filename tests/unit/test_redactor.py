"""What a command prints is shown without secrets, whatever they have in common and wherever the output was cut."""

from __future__ import annotations

import itertools

import pytest

from supervisor.shim.output import Redactor

SECRETS = [b"longsecret", b"longsecret-extended", b"abcdefgh", b"cdefghij", b"aaaa"]


def show(*pieces: bytes) -> bytes:
    redactor = Redactor(SECRETS)
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
