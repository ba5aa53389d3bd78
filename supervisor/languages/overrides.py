"""What the user's variables say about a project, against what its files say."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Overrides:
    """The variables that decide over detection. An empty one counts as unset, as it does in a shell's
    `${X:-…}`.

    `project_type` is "auto" or the name of a language; the commands are shell command lines.
    """

    project_type: str = "auto"
    install_command: str | None = None
    build_command: str | None = None
    run_command: str | None = None
    node_version: str | None = None
    python_version: str | None = None
    ruby_version: str | None = None
    go_version: str | None = None
    bun_version: str | None = None
    rust_version: str | None = None
    java_version: str | None = None
    dotnet_version: str | None = None
    php_version: str | None = None
    hugo_version: str | None = None
    zola_version: str | None = None
    mdbook_version: str | None = None
    php_extensions: str | None = None
    output_dir: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            text = value.strip() if isinstance(value, str) else ""
            object.__setattr__(self, field.name, text or field.default)
