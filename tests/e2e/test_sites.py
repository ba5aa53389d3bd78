"""A site that Vite really builds, and one that is plain files, in a browser's eyes."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.system.test_sites import Hammer, ask, pytestmark  # noqa: F401

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def application(version: str) -> dict[str, str | None]:
    package = {
        "name": "site",
        "private": True,
        "type": "module",
        "scripts": {"build": "vite build"},
        "devDependencies": {"vite": "^6.0.0"},
    }
    return {
        "package.json": json.dumps(package),
        "index.html": '<!doctype html><div id="app"></div><script type="module" src="/main.js"></script>',
        "main.js": f'import "./main.css";\ndocument.querySelector("#app").textContent = "version {version}";\n',
        "main.css": "".join(f".a{number} {{ width: {number}px }}\n" for number in range(100)),
        "public/robots.txt": "User-agent: *\n",
    }


@pytest.mark.timeout(300)
def test_what_vite_builds_is_served_and_the_next_version_takes_over(orbit: Orbit, repository: Repository) -> None:
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    repository.push(application("1"))
    orbit.start()
    assert orbit.wait_idle(1, 240)["outcome"] == "succeeded", orbit.output()
    status, _, page = ask(orbit)
    scripts = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert status == 200
    assert len(scripts) == 2, page
    for name in scripts:
        status, headers, text = ask(orbit, name)
        assert (status, headers["cache-control"]) == (200, "public, max-age=31536000, immutable"), name
        if name.endswith(".js"):
            assert "version 1" in text
        else:
            assert ask(orbit, name, Accept_Encoding="gzip")[1]["content-encoding"] == "gzip"
    assert ask(orbit, "/robots.txt")[1]["cache-control"] == "no-cache"
    assert ask(orbit, "/users/7", Accept=BROWSER)[::2] == (200, page)
    assert ask(orbit, "/assets/gone.js", Accept=BROWSER)[0] == 404
    assert ask(orbit, "/package.json")[0] == 404
    with Hammer(orbit.port) as hammer:
        repository.push(application("2"))
        orbit.hup()
        assert orbit.wait_idle(2, 240)["outcome"] == "succeeded"
    assert hammer.failures == []
    assert [len(seen) for seen in hammer.seen] == [2] * 3
    (script,) = re.findall(r'src="(/assets/[^"]+)"', ask(orbit)[2])
    assert "version 2" in ask(orbit, script)[2]


def test_plain_files_are_served_as_they_are(orbit: Orbit, repository: Repository) -> None:
    """Nothing but what is meant for visitors: not git's, not the hooks, not what other platforms read."""
    files = {
        "index.html": "<h1>one</h1>",
        "about/index.html": "about",
        "style.css": "h1 { color: green }",
        "404.html": "lost",
        "pre-deploy.sh": "#!/bin/bash\necho hidden > .secret\n",
        "render.yaml": "services: []\n",
    }
    repository.push({**files, ".env": "KEY=hidden\n"})
    orbit.start()
    assert orbit.wait_idle(1)["outcome"] == "succeeded", orbit.output()
    assert ask(orbit)[::2] == (200, "<h1>one</h1>")
    assert ask(orbit, "/about/")[::2] == (200, "about")
    assert ask(orbit, "/style.css")[1]["content-type"] == "text/css; charset=utf-8"
    for path in ("/.git", "/.git/HEAD", "/.env", "/.secret", "/pre-deploy.sh", "/render.yaml", "/nope"):
        assert ask(orbit, path)[::2] == (404, "lost"), path
    with Hammer(orbit.port) as hammer:
        repository.push({"index.html": "<h1>two</h1>"})
        orbit.hup()
        assert orbit.wait_idle(2)["outcome"] == "succeeded"
        repository.push({"index.html": None})
        orbit.hup()
        assert orbit.wait_idle(3)["outcome"] == "failed"
    assert hammer.failures == []
    assert [seen[-1] for seen in hammer.seen] == ["<h1>two</h1>"] * 3
