"""How mise is asked for each kind of runtime, and where in what it installs the programs lie."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """`tool` is mise's name of it. `usual` is the line that is taken of several that fit, and where nothing is asked
    for; None is the newest.

    `bin` is the directory of its programs, relative to the installation (None: mise is asked): `{tool}` and `{version}`
    are filled in, `*` is a name that only the installer knows.
    `settings` are mise's own. `channels` are names that are installed as they are, without a look at the list. With
    `partial`, not every version that ever was can be had: a later one of its line takes its place.
    `finish` is run at the end, in the installation, with its own program.
    """

    tool: str
    usual: str | None = None
    bin: str | None = "installs/{tool}/{version}/bin"
    settings: tuple[tuple[str, str], ...] = ()
    partial: bool = False
    channels: str | None = None
    finish: tuple[str, ...] = ()


RECIPES: dict[str, Recipe] = {
    "node": Recipe("node", "lts/*", settings=(("MISE_NODE_COMPILE", "0"), ("MISE_NODE_NPM_SHIM", "0"))),
    "python": Recipe(
        "python",
        "3.11",
        settings=(("MISE_PYTHON_COMPILE", "0"),),
        partial=True,  # only what was built in advance
        # Nobody may write there later: what is compiled now need not be at every start.
        finish=("python3", "-m", "compileall", "-q", "-j", "0", "-x", "/(test|tests|idlelib|lib2to3)/", "."),
    ),
    "ruby": Recipe("ruby"),  # built in advance where there is one, else compiled
    "go": Recipe("go", settings=(("MISE_GO_SET_GOROOT", "0"),)),
    "bun": Recipe("bun"),
    "rust": Recipe(
        "rust",
        # The toolchain itself: rustup's stand-ins would want RUSTUP_HOME, and choose another by the project's files.
        bin="rustup/toolchains/*/bin",
        settings=(("MISE_RUSTUP_HOME", "rustup"), ("MISE_CARGO_HOME", "cargo")),
        channels=r"(?:beta|nightly)(?:-\d{4}-\d{2}-\d{2})?",
    ),
    "java": Recipe(
        "java",
        "17",
        settings=(("MISE_JAVA_SHORTHAND_VENDOR", "temurin"),),
    ),
    "dotnet": Recipe(
        "dotnet",
        "8.0",
        bin="installs/{tool}/{version}",
        settings=(("MISE_DOTNET_ISOLATED", "1"),),
    ),
    "hugo": Recipe("hugo-extended", bin=None),
    "zola": Recipe("zola", bin=None),
    "mdbook": Recipe("mdbook", bin=None),
    "maven": Recipe("maven", bin=None),
    "gradle": Recipe("gradle", bin=None),
}

PLACES = ("MISE_RUSTUP_HOME", "MISE_CARGO_HOME")
"""Settings whose values are directories in the installation."""
