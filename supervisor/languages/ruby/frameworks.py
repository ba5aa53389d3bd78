"""The frameworks of Ruby, and the server that runs an application.

Rails brings its own command. All others have a config.ru, and the server among their gems runs that; without one
Sinatra's applications and plain scripts are run as they are.
"""

from __future__ import annotations

import re

from supervisor.languages.ruby import code
from supervisor.languages.ruby.gems import Gems
from supervisor.languages.source import Source

RAILS = "rm -f tmp/pids/server.pid && bundle exec rails server -b 0.0.0.0 -p $PORT"
"""The file would keep a server from starting if it was killed, and another process has its number by now."""

OF_RACK = ("hanami", "padrino", "grape", "roda", "sinatra", "cuba", "camping", "ramaze", "rack")
"""By the gem of that name; rails comes before them, and a page of Sinatra is often mounted in another."""

SCRIPTS = ("app", "main", "server", "web", "application", "index", "api", "run", "start", "hello", "myapp", "bot")

_SERVERS = (  # gem, and its command
    ("puma", "puma -b tcp://0.0.0.0:$PORT"),
    ("falcon", "falcon serve -b http://0.0.0.0:$PORT"),
    ("iodine", "iodine -b 0.0.0.0 -p $PORT"),
    ("passenger", "passenger start --address 0.0.0.0 --port $PORT"),
    ("unicorn", "unicorn -o 0.0.0.0 -p $PORT"),
    ("thin", "thin -a 0.0.0.0 -p $PORT start"),
)


def is_rails(source: Source, gems: Gems) -> bool:
    """An application of Rails, not an engine or a gem for it."""
    if "Rails::Application" in code.text(source, "config/application.rb"):
        return True
    own = source.is_file("bin/rails") and not source.is_dir("test/dummy")
    return gems.file is not None and (own or ("rails" in gems.declared and source.is_file("config.ru")))


def of(source: Source, gems: Gems) -> str | None:
    """The framework's name; None for a script."""
    if is_rails(source, gems):
        return "rails"
    named = next((name for name in OF_RACK if name in gems.declared), None)
    return named or ("rack" if source.is_file("config.ru") else None)


def start(source: Source, gems: Gems, framework: str | None) -> str | None:
    """The command that serves, or runs what there is to run."""
    if framework == "rails" and source.first_file("bin/rails", "script/rails"):
        return RAILS  # without that file, the command knows only how to make a new application
    if source.is_file("config.ru"):
        return _within(gems, _server(source, gems))
    if gems.has("functions_framework"):
        return "bundle exec functions-framework-ruby"  # PORT and FUNCTION_TARGET are its variables
    script = _script(source)
    if script is not None:
        return _within(gems, f"ruby {script}")
    return _within(gems, "rake") if source.first_file("Rakefile", "rakefile", "Rakefile.rb") else None


def serves(source: Source, gems: Gems, framework: str | None) -> bool:
    """Whether this is sure to be an application that listens."""
    return (
        framework == "rails" or source.is_file("config.ru") or (framework is not None and _script(source) is not None)
    )


def _within(gems: Gems, command: str) -> str:
    return f"bundle exec {command}" if gems.file else command


def _server(source: Source, gems: Gems) -> str:
    for gem, command in _SERVERS:
        if gem in gems.names:
            if gem == "unicorn" and source.is_file("config/unicorn.rb"):
                return f"{command} -c config/unicorn.rb"
            return command
    return "rackup config.ru -o 0.0.0.0 -p $PORT"


def _script(source: Source) -> str | None:
    """The file with a usual name, or the only one."""
    named = source.first_file(
        *(f"{name}.rb" for name in SCRIPTS),
        *(f"{at}/{name}.rb" for at in ("src", "bin", "lib") for name in SCRIPTS[:4]),
    )
    if named is not None:
        return named
    alone = [name for name in source.files(suffix=".rb") if name not in ("gems.rb", "Rakefile.rb", "config.rb")]
    return alone[0] if len(alone) == 1 and re.fullmatch(r"[\w.-]+", alone[0]) else None
