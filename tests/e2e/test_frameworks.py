"""Applications on real frameworks, from real package registries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support import apps
from tests.support.orbit import Orbit
from tests.support.repository import Repository

pytestmark = pytest.mark.timeout(300)

DJANGO_SETTINGS = """
SECRET_KEY = "not-secret"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": __import__("os").environ["SQLITE"]}}
"""
DJANGO_URLS = """
from django.contrib.auth.models import User
from django.http import JsonResponse
from django.urls import path


def index(request):
    return JsonResponse({"version": "VERSION", "users": User.objects.count()})


urlpatterns = [path("", index)]
"""


def django(version: str) -> dict[str, str | None]:
    start = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
    return {
        "requirements.txt": "django>=4.2,<6\ngunicorn>=22\n",
        "manage.py": start + "import sys\nfrom django.core.management import execute_from_command_line\n"
        "execute_from_command_line(sys.argv)\n",
        "shop/__init__.py": "",
        "shop/settings.py": DJANGO_SETTINGS,
        "shop/urls.py": DJANGO_URLS.replace("VERSION", version),
        "shop/wsgi.py": start + "from django.core.wsgi import get_wsgi_application\n"
        "application = get_wsgi_application()\n",
        "pre-deploy.sh": "#!/bin/bash\nset -e\necho 'Running Django Migrations'\npython manage.py migrate --noinput\n",
    }


def serve(orbit: Orbit, repository: Repository, first: dict[str, str | None], second: dict[str, str | None]) -> str:
    """First deployment served; push and SIGHUP; the new commit served, `current` moved, the old release kept. Where the
    second one's dependencies came from."""
    one = repository.push(first)
    orbit.start()
    orbit.wait_version("1", 240)
    orbit.wait_idle(1)
    assert orbit.current == f"001-{one}"
    two = repository.push(second)
    orbit.hup()
    orbit.wait_version("2", 240)
    record = orbit.wait_idle(2)
    assert record["outcome"] == "succeeded"
    assert orbit.current == f"002-{two}"
    assert f"001-{one}" in orbit.releases()
    return str(record["dependencies"])


def lock(work: Path, files: dict[str, str | None], *command: str) -> None:
    """Write the files and have the package manager lock them, as a developer does."""
    import subprocess

    for name, text in files.items():
        (work / name).write_text(text or "")
    subprocess.run(command, cwd=work, check=True, capture_output=True, timeout=200)
    shutil.rmtree(work / "node_modules", ignore_errors=True)


def test_express(orbit: Orbit, repository: Repository) -> None:
    lock(repository.work, apps.node("1"), "npm", "install", "--package-lock-only", "--no-audit", "--no-fund")
    assert "restored from a snapshot" in serve(orbit, repository, apps.node("1"), apps.node("2"))


def test_node_hooks_find_the_projects_own_programs(orbit: Orbit, repository: Repository) -> None:
    files = apps.node("1", {"express": "^4.19.2", "semver": "^7.6.0"})
    files["pre-deploy.sh"] = "#!/bin/bash\nset -e\nnpx semver 1.2.3\nsemver 1.2.3\nnode --version\n"
    repository.push(files)
    orbit.start()
    orbit.wait_version("1", 240)
    orbit.wait_idle(1)
    lines = [line for line in orbit.log("hooks.log").splitlines() if not line.startswith("npm warn")]
    assert lines[1:3] == ["1.2.3", "1.2.3"]


def test_flask(orbit: Orbit, repository: Repository) -> None:
    assert "restored from a snapshot" in serve(orbit, repository, apps.flask("1"), apps.flask("2"))


def test_django_with_migrations_in_the_hook(orbit: Orbit, repository: Repository, tmp_path: Path) -> None:
    orbit.env["SQLITE"] = str(tmp_path / "db.sqlite3")
    assert "restored from a snapshot" in serve(orbit, repository, django("1"), django("2"))
    assert "Applying auth.0001_initial... OK" in orbit.log("hooks.log")
    answer = orbit.ask()
    assert answer is not None and answer["users"] == 0


def test_fastapi(orbit: Orbit, repository: Repository) -> None:
    def files(version: str) -> dict[str, str | None]:
        app = (
            "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n"
            f"@app.get('/')\ndef index():\n    return {{'version': '{version}'}}\n"
        )
        return {"main.py": app, "requirements.txt": "fastapi\nuvicorn\n"}

    serve(orbit, repository, files("1"), files("2"))


def test_a_built_application_with_development_dependencies(orbit: Orbit, repository: Repository) -> None:
    def files(version: str) -> dict[str, str | None]:
        package = {
            "name": "built",
            "private": True,
            "scripts": {"build": "esbuild src.ts --platform=node --outfile=out.js", "start": "node out.js"},
            "devDependencies": {"esbuild": "^0.25.0"},
        }
        source = (
            "import http from 'node:http';\n"
            f"const version: string = '{version}';\n"
            "http.createServer((_, r) => r.end(JSON.stringify({version}))).listen(process.env.PORT);\n"
        )
        return {"package.json": json.dumps(package), "src.ts": source}

    serve(orbit, repository, files("1"), files("2"))


def test_a_runtime_that_the_system_does_not_have_is_an_error_that_lists_what_is_there(
    orbit: Orbit, repository: Repository
) -> None:
    package = json.loads(str(apps.node("1", {})["package.json"])) | {"engines": {"node": "99.x"}}
    repository.push({**apps.node("1", {}), "package.json": json.dumps(package)})
    orbit.start()
    record = orbit.wait_idle(1)
    assert record["stage"] == "installing_runtime"
    assert "99.x" in record["reason"] and "engines" in record["reason"]
