"""The site generators of Ruby: how each is known and built, and where it leaves the pages."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.languages.ruby import code
from supervisor.languages.ruby.gems import Gems
from supervisor.languages.source import Source, inside

PAGES_GEMFILE = """printf '%s\\n' "source 'https://rubygems.org'" "gem 'github-pages'" > Gemfile && bundle install"""
"""What GitHub Pages takes for a site of Jekyll without a Gemfile."""

_CONFIGS = ("_config.yml", "_config.yaml", "_config.toml")
_JEKYLL = ("_posts", "_layouts", "_includes", "_sass", "_data", "_drafts")
_PAGES = ("index.md", "index.markdown", "index.html", "README.md")


@dataclass(frozen=True, slots=True)
class Site:
    """A generator's name, its build, the directory of the pages, what it keeps between builds, what it wants set."""

    name: str
    build: str
    output: str
    caches: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def of(source: Source, gems: Gems) -> Site | None:
    """The site that the project is, None if it is none."""
    if is_jekyll(source, gems):
        return _jekyll(source)
    if gems.has("middleman", "middleman-cli") and source.is_file("config.rb"):
        config = code.text(source, "config.rb")
        output = inside(code.found(r"set\s*\(?\s*:build_dir\s*,\s*[\"']([^\"']+)", config)) or "build"
        return Site("middleman", "bundle exec middleman build", output)
    if gems.has("bridgetown") and source.first_file("bridgetown.config.yml", "config/initializers.rb"):
        config = code.text(source, "bridgetown.config.yml") + code.text(source, "config/initializers.rb")
        output = inside(code.found(r"^\s*destination[\s:]+[\"']?([\w./-]+)", config)) or "output"
        build = "bundle exec bridgetown deploy"
        return Site("bridgetown", build, output, (".bridgetown-cache",), (("BRIDGETOWN_ENV", "production"),))
    nanoc = source.first_file("nanoc.yaml", "config.yaml") if gems.has("nanoc") else None
    if nanoc is not None:
        output = inside(code.found(r"^output_dir:\s*[\"']?([\w./-]+)", code.text(source, nanoc))) or "output"
        return Site("nanoc", "bundle exec nanoc", output, ("tmp/nanoc",))
    return None


def is_jekyll(source: Source, gems: Gems) -> bool:
    """A _config.yml beside the gem, or, as Hexo has one too, beside what only Jekyll has."""
    if source.first_file(*_CONFIGS) is None:
        return False
    if gems.has("jekyll", "github-pages"):
        return True
    if gems.file is not None or source.is_dir("scaffolds"):
        return False
    config = code.text(source, "_config.yml")
    themed = code.found(r"^((?:remote_)?theme):\s*\S", config) == "remote_theme" or "jekyll" in config
    pages = source.first_file(*_PAGES) is not None
    return pages and (themed or any(source.is_dir(name) for name in _JEKYLL))


def _jekyll(source: Source) -> Site:
    """Orbit serves it at the root of a host: a `baseurl`, which is GitHub's for a project's pages, would be wrong."""
    config = code.text(source, source.first_file(*_CONFIGS) or "_config.yml")
    output = inside(code.found(r"^destination:\s*[\"']?([\w./-]+)", config)) or "_site"
    based = (code.found(r"^baseurl:[ \t]*[\"']?([^\"'\s#]*)", config) or "/") != "/"
    build = "bundle exec jekyll build" + (" --baseurl ''" if based else "")
    return Site("jekyll", build, output, (".jekyll-cache", ".sass-cache"), (("JEKYLL_ENV", "production"),))
