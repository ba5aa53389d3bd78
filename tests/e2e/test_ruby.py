"""Ruby applications on Debian's Ruby: Rails and Sinatra from its packages, and a bundle of the project's own."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.test_frameworks import serve
from tests.support.orbit import Orbit
from tests.support.repository import Repository

HAS_RAILS = (
    shutil.which("bundle") is not None
    and subprocess.run(["ruby", "-e", "gem 'rails'; gem 'puma'; gem 'sinatra'"], capture_output=True).returncode == 0
)
pytestmark = [
    pytest.mark.timeout(200),
    pytest.mark.skipif(not HAS_RAILS, reason="needs ruby, bundler, rails, puma and sinatra"),
]

LOCAL = "bundle install --local"
SOURCE = 'source "https://rubygems.org"\n\n'


def rails(version: str) -> dict[str, str | None]:
    """As `rails new --minimal` makes it, with a style sheet, and no more than it needs to answer."""
    application = """
require_relative "boot"
require "rails"
require "action_controller/railtie"
require "sprockets/railtie"
Bundler.require(*Rails.groups)
module Shop
  class Application < Rails::Application
    config.load_defaults 6.1
    config.eager_load = true
    if ENV["RAILS_LOG_TO_STDOUT"].present?
      config.logger = ActiveSupport::Logger.new(STDOUT)
    end
    config.public_file_server.enabled = ENV["RAILS_SERVE_STATIC_FILES"].present?
  end
end
"""
    controller = f"""
class ShopController < ActionController::Base
  def index
    session[:visits] = session[:visits].to_i + 1
    style = helpers.asset_path("application.css")
    render json: {{ version: "{version}", pid: Process.pid, env: Rails.env, visits: session[:visits], style: style }}
  end
end
"""
    return {
        "Gemfile": SOURCE + 'gem "rails"\ngem "puma"\n',
        "Rakefile": 'require_relative "config/application"\nRails.application.load_tasks\n',
        "config.ru": 'require_relative "config/environment"\nrun Rails.application\n',
        "bin/rails": '#!/usr/bin/env ruby\nAPP_PATH = File.expand_path("../config/application", __dir__)\n'
        'require_relative "../config/boot"\nrequire "rails/commands"\n',
        "config/boot.rb": 'require "bundler/setup"\n',
        "config/application.rb": application,
        "config/environment.rb": 'require_relative "application"\nRails.application.initialize!\n',
        "config/environments/production.rb": "Rails.application.configure { config.assets.compile = false }\n",
        "config/puma.rb": 'port ENV.fetch("PORT") { 3000 }\npidfile ENV.fetch("PIDFILE") { "tmp/pids/server.pid" }\n',
        "config/routes.rb": 'Rails.application.routes.draw { root "shop#index" }\n',
        "app/assets/config/manifest.js": "//= link application.css\n",
        "app/assets/stylesheets/application.css": f"body {{ margin: {version}px }}\n",
        "app/controllers/shop_controller.rb": controller,
        "tmp/pids/server.pid": "1\n",  # of a server that was killed; its number is another's now
    }


def test_rails_with_assets_and_without_a_secret_of_the_users(orbit: Orbit, repository: Repository) -> None:
    orbit.env |= {"INSTALL_COMMAND": LOCAL, "BUNDLE_WITHOUT": "development:test"}
    serve(orbit, repository, rails("1"), rails("2"))
    answer = orbit.ask()
    assert answer is not None and answer["env"] == "production" and answer["visits"] == 1
    assert "/assets/application-" in answer["style"]
    with urllib.request.urlopen(f"http://127.0.0.1:{orbit.port}{answer['style']}", timeout=5) as style:
        assert b"margin: 2px" in style.read()
    assert 'Started GET "/"' in orbit.log("app.log")


def test_sinatra_on_puma(orbit: Orbit, repository: Repository) -> None:
    def files(version: str) -> dict[str, str | None]:
        answer = f'{{ version: "{version}", env: ENV["RACK_ENV"] }}.to_json'
        app = f'require "sinatra"\nrequire "json"\n\nget("/") {{ {answer} }}\n'
        gemfile = SOURCE + 'gem "sinatra"\ngem "puma"\n'
        return {"Gemfile": gemfile, "app.rb": app, "config.ru": 'require "./app"\nrun Sinatra::Application\n'}

    orbit.env["INSTALL_COMMAND"] = LOCAL
    serve(orbit, repository, files("1"), files("2"))
    answer = orbit.ask()
    assert answer is not None and answer["env"] == "production"


def make_gem(directory: Path, version: str) -> bytes:
    """A gem as rubygems.org has it, with a server in it."""
    code = f"""
require "socket"

module Greeter
  def self.serve(port)
    server = TCPServer.new("0.0.0.0", port)
    body = %({{"version": "{version}"}})
    loop do
      client = server.accept
      client.gets("\\r\\n\\r\\n")
      client.write("HTTP/1.1 200 OK\\r\\nContent-Length: #{{body.size}}\\r\\nConnection: close\\r\\n\\r\\n", body)
      client.close
    end
  end
end
"""
    specification = f"""
Gem::Specification.new "greeter", "{version}.0.0" do |s|
  s.summary = "greets"
  s.authors = ["Ada"]
  s.files = ["lib/greeter.rb", "exe/greet"]
  s.bindir = "exe"
  s.executables = ["greet"]
end
"""
    (directory / "lib").mkdir(parents=True, exist_ok=True)
    (directory / "lib/greeter.rb").write_text(code)
    (directory / "exe").mkdir(exist_ok=True)
    (directory / "exe/greet").write_text("#!/usr/bin/env ruby\nputs :greeted\n")
    (directory / "greeter.gemspec").write_text(specification)
    subprocess.run(["gem", "build", "greeter.gemspec"], cwd=directory, check=True, capture_output=True, timeout=60)
    return (directory / f"greeter-{version}.0.0.gem").read_bytes()


def test_bundle_of_the_projects_own_is_installed_as_it_is_locked(
    orbit: Orbit, repository: Repository, tmp_path: Path
) -> None:
    def files(version: str) -> dict[str, str | None]:
        cache = repository.work / "vendor/cache"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / f"greeter-{version}.0.0.gem").write_bytes(make_gem(tmp_path / "gem", version))
        lock = (
            f"GEM\n  remote: https://rubygems.org/\n  specs:\n    greeter ({version}.0.0)\n\n"
            "PLATFORMS\n  ruby\n\nDEPENDENCIES\n  greeter\n\nBUNDLED WITH\n   2.3.15\n"
        )
        return {
            "Gemfile": SOURCE + 'gem "greeter"\n',
            "Gemfile.lock": lock,
            "pre-deploy.sh": "greet && bundle exec greet\n",
            "Procfile": "web: ruby server.rb\n",
            "server.rb": 'require "greeter"\n\nGreeter.serve(Integer(ENV.fetch("PORT")))\n',
        }

    serve(orbit, repository, files("1"), files("2"))
    installed = orbit.home / "production/current/vendor/bundle/gems"
    assert orbit.log("hooks.log").count("greeted") == 4
    assert [path.name for path in installed.glob("*")] == ["greeter-2.0.0"]
