"""The frameworks of Rust."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework's name, its crates, what it is told in the environment, and what its programs are started with."""

    name: str
    crates: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    arguments: str = ""


FRAMEWORKS = (
    Framework("rocket", ("rocket",), (("ROCKET_ADDRESS", "0.0.0.0"), ("ROCKET_PORT", "$PORT"))),
    Framework("loco", ("loco-rs",), (), "start --binding 0.0.0.0 --port $PORT"),
    Framework("leptos", ("leptos_axum", "leptos_actix"), (("LEPTOS_SITE_ADDR", "0.0.0.0:$PORT"),)),
    Framework("actix", ("actix-web",)),
    Framework("axum", ("axum",)),
    Framework("warp", ("warp",)),
    Framework("poem", ("poem",)),
    Framework("salvo", ("salvo",)),
    Framework("tide", ("tide",)),
    Framework("ntex", ("ntex",)),
    Framework("gotham", ("gotham",)),
    Framework("iron", ("iron",)),
    Framework("nickel", ("nickel",)),
    Framework("viz", ("viz",)),
    Framework("thruster", ("thruster",)),
    Framework("rouille", ("rouille",)),
    Framework("tonic", ("tonic",)),
    Framework("hyper", ("hyper",)),
)


def of(dependencies: Collection[str]) -> Framework | None:
    """The framework of a package that depends on these crates."""
    return next((one for one in FRAMEWORKS if any(crate in dependencies for crate in one.crates)), None)
