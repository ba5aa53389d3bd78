"""What is known of a variable: its kind, its bounds, and how both are said to a user."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a variable holds; the values are the words of the reference page."""

    TEXT = "text"
    CHOICE = "choice"
    BOOLEAN = "true or false"
    PORT = "port"
    WHOLE = "whole number"
    NUMBER = "number"
    SECONDS = "seconds"
    SIZE = "size"
    ADDRESS = "repository address"
    FOLDER = "relative path"
    PATH = "absolute path"
    KEY = "SSH key"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `default` is written as a user would; where there is none, `otherwise` says what holds.

    `low` and `high` bound a number, in seconds or bytes where the kind says so; `or_zero` allows 0 as well.
    `pattern` is a regular expression for the whole text, `rule` says it in words. A `secret` value is never
    shown, a `withheld` one reaches neither the app nor hooks nor builds.
    """

    name: str
    kind: Kind
    group: str
    meaning: str
    default: str | None = None
    otherwise: str = "not set"
    example: str = ""
    required: bool = False
    secret: bool = False
    withheld: bool = False
    low: float = 0
    high: float = 0
    or_zero: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    rule: str = ""

    @property
    def attribute(self) -> str:
        """The name in `Settings`, with its unit."""
        unit = {Kind.SECONDS: "_s", Kind.SIZE: "_bytes"}.get(self.kind, "")
        return self.name.lower() + unit

    @property
    def allowed(self) -> str:
        """What may stand in it, in words."""
        if self.rule:
            return self.rule
        if self.kind is Kind.CHOICE:
            return ", ".join(self.choices)
        if self.kind is Kind.BOOLEAN:
            return "true, yes, on, 1, false, no, off, 0"
        if self.kind in (Kind.PORT, Kind.WHOLE, Kind.NUMBER, Kind.SECONDS):
            noun = {Kind.SECONDS: "seconds", Kind.NUMBER: "a number"}.get(self.kind, "a whole number")
            return ("0, or " if self.or_zero else "") + f"{noun} from {self.low} to {self.high}"
        if self.kind is Kind.SIZE:
            least = f"; {'0, or ' if self.or_zero else ''}{int(self.low) >> 10}K or more" if self.low else ""
            return f"bytes, or a number with K, M or G{least}"
        return "any text"
