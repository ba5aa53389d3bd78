"""Rails: which assets are compiled by the build, and what a production server of it wants set.

`assets:precompile` runs where there is an asset pipeline and something for it to do: not in an API, and not if the
repository brings what it would make. It loads the application, which wants a secret; the build's is a placeholder.
"""

from __future__ import annotations

import re

from supervisor.languages.ruby import code
from supervisor.languages.ruby.gems import Gems
from supervisor.languages.source import Source

PIPELINES = ("sprockets", "sprockets-rails", "propshaft", "sass-rails", "tailwindcss-rails", "dartsass-rails")
BUNDLERS = (  # they hang themselves into assets:precompile
    "jsbundling-rails",
    "cssbundling-rails",
    "webpacker",
    "shakapacker",
    "vite_rails",
    "vite_ruby",
    "react_on_rails",
)
ENVIRONMENT = (
    ("RAILS_ENV", "production"),
    ("RAILS_LOG_TO_STDOUT", "true"),
    ("RAILS_SERVE_STATIC_FILES", "true"),
)
CACHES = ("tmp/cache/assets", "tmp/cache/webpacker", "tmp/shakapacker")

_PRECOMPILE = "bundle exec rake assets:precompile"
_API_ONLY = re.compile(r"\bapi_only\s*=\s*true\b")
_ALL = re.compile(r"""["'](?:rails/all|sprockets/railtie)["']""")
_OF_SPROCKETS = "app/assets/config/manifest.js"
_MANIFEST = re.compile(r"\.?(?:sprockets-)?manifest(?:-[\w-]+)?\.(?:json|yml)")


def build(source: Source, gems: Gems) -> str | None:
    """The command that compiles the assets, None if there are none to compile."""
    if not _has_assets(source, gems) or _is_compiled(source):
        return None
    version = gems.version("railties") or gems.version("rails")
    if version and version < (7, 1):
        return f"SECRET_KEY_BASE=${{SECRET_KEY_BASE:-only-for-the-build}} {_PRECOMPILE}"
    return f"SECRET_KEY_BASE_DUMMY=1 {_PRECOMPILE}"


def _has_assets(source: Source, gems: Gems) -> bool:
    """Sprockets came with Rails before its version 7, and the application says whether it is used."""
    if source.has("package.json") and gems.has(*BUNDLERS):
        return True
    application = code.text(source, "config/application.rb")
    if not source.is_dir("app/assets") or _API_ONLY.search(application):
        return False
    if gems.declared.intersection(PIPELINES):
        return True
    if gems.has(*PIPELINES):
        return not application or bool(_ALL.search(application)) or gems.version("railties") >= (7,)
    return not gems.lock.versions and ("sprockets/railtie" in application or source.is_file(_OF_SPROCKETS))


def _is_compiled(source: Source) -> bool:
    return any(_MANIFEST.fullmatch(name) for name in source.files("public/assets"))
