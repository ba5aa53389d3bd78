"""Static sites, served by a real nginx."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import threading

import psutil
import pytest

from supervisor.sites import nginx
from tests.support.orbit import Orbit
from tests.support.repository import Repository
from tests.support.waiting import wait_until
from tests.system.test_strays import alive

pytestmark = pytest.mark.skipif(not nginx.find(os.environ["PATH"]), reason="there is no nginx")

PACKAGE = '{"name": "site", "scripts": {"build": "x"}, "devDependencies": {"vite": "^6.0.0"}}'


@pytest.fixture
def site(orbit: Orbit, repository: Repository) -> Orbit:
    """What is committed below `site` is served, as if vite had built it."""
    orbit.env |= {"INSTALL_COMMAND": "true", "BUILD_COMMAND": "mkdir -p dist && cp -a site/. dist && rm -f dist/keep"}
    repository.commit({"package.json": PACKAGE, "site/keep": ""})
    return orbit


def ask(orbit: Orbit, path: str = "/", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", orbit.port, timeout=10)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        facts = {name.lower(): text for name, text in answer.getheaders()}
        return answer.status, facts, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def shows(orbit: Orbit, text: str) -> bool:
    """Whether the first page is this one; nobody need be there."""
    try:
        return ask(orbit)[2] == text
    except OSError:
        return False


def push(orbit: Orbit, repository: Repository, files: dict[str, str | None], deployments: int) -> dict[str, object]:
    repository.push({f"site/{name}": text for name, text in files.items()})
    if orbit.process is None:
        orbit.start()
    else:
        orbit.hup()
    return orbit.wait_idle(deployments)


class Hammer:
    """Visitors that ask without a pause: some over one connection, some over a new one each time, some with what they
    have in their cache. What they saw is kept without repetitions."""

    def __init__(self, port: int, path: str = "/") -> None:
        self._port, self._path = port, path
        self._over = threading.Event()
        self.seen: list[list[str]] = []
        self.failures: list[str] = []
        kinds = ((True, False), (True, True), (False, False))
        self.counts = [0] * len(kinds)
        self._threads = [
            threading.Thread(target=self._visit, args=(number, again, cached))
            for number, (again, cached) in enumerate(kinds)
        ]

    def __enter__(self) -> Hammer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def all_come_again(self) -> None:
        """Wait until each has begun another visit, and has seen what there is."""
        before = list(self.counts)
        wait_until(lambda: all(now > then + 1 for now, then in zip(self.counts, before, strict=True)), 30)

    def _visit(self, number: int, again: bool, cached: bool) -> None:
        seen: list[str] = []
        self.seen.append(seen)
        kept, tag = "", ""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._over.is_set():
            try:
                headers = {"If-None-Match": tag} if cached and tag else {}
                connection.request("GET", self._path, headers=headers)
                answer = connection.getresponse()
                body = answer.read().decode()
                if answer.status == 200:
                    kept, tag = body, answer.getheader("ETag") or ""
                elif answer.status != 304:
                    self.failures.append(f"status {answer.status}")
                if not seen or seen[-1] != kept:
                    seen.append(kept)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            self.counts[number] += 1
            if not again:
                connection.close()
        connection.close()


def pid_of(orbit: Orbit) -> int:
    return int(orbit.status()["app"]["pid"])


def test_releases_switch_without_a_failed_request(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    pid, workers = pid_of(site), nginx.accepting(pid_of(site))
    with Hammer(site.port) as hammer:
        push(site, repository, {"index.html": "page 2"}, 2)
        hammer.all_come_again()
        push(site, repository, {"index.html": "page 3"}, 3)
        hammer.all_come_again()
        assert site.cli("rollback", "--force", "--wait").returncode == 0
        hammer.all_come_again()
        site.env["BUILD_COMMAND"] = "unused"
        repository.push({"site/index.html": None})
        site.hup()
        assert site.wait_idle(5)["outcome"] == "failed"
        repository.push({"site/index.html": "page 4"})
        site.hup()
        site.wait_idle(6)
        hammer.all_come_again()
    assert hammer.failures == []
    assert sum(hammer.counts) > 200
    assert [list(seen) for seen in hammer.seen] == [["page 1", "page 2", "page 3", "page 2", "page 4"]] * 3
    assert (pid_of(site), nginx.accepting(pid)) == (pid, workers)
    assert site.status()["app"]["release"] == site.current


def test_another_configuration_is_taken_up_by_the_same_server(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "page 1", "v1/a.txt": "a"}, 1)
    pid, workers = pid_of(site), nginx.accepting(pid_of(site))
    (repository.work / "site/latest").symlink_to("v1")
    with Hammer(site.port) as hammer:
        assert push(site, repository, {"index.html": "page 2"}, 2)["outcome"] == "succeeded"
        assert ask(site, "/latest/a.txt")[::2] == (200, "a")
        hammer.all_come_again()
    assert [seen[-1] for seen in hammer.seen] == ["page 2"] * 3
    assert not [failure for failure in hammer.failures if failure.startswith("status")]
    assert pid_of(site) == pid
    assert not nginx.accepting(pid) & workers


def raw(orbit: Orbit, path: str) -> tuple[int, str, str]:
    """Status, Location and text of the answer to an address as no client would send it."""
    with socket.create_connection(("127.0.0.1", orbit.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def test_what_a_visitor_puts_into_a_rule_leads_nowhere_else(site: Orbit, repository: Repository) -> None:
    rules = (
        "/u/* /:splat 200\n/a/b/* /:splat 200\n/old/* /new/:splat 200\n/package /../package.json 200\n"
        "/passwd /../../../../../../../../../../../../../../etc/passwd 200\n/dot/* /.hidden/:splat 200\n"
    )
    pages = {"index.html": "page", "404.html": "lost", "new/a.html": "a", "blog/index.html": "", "blog/b.html": "b"}
    hidden = {".hidden/x.txt": "hidden", "Procfile": "web: hidden"}
    push(site, repository, {"_redirects": rules, **pages, **hidden}, 1)
    assert raw(site, "/old/a")[2] == "a"
    assert raw(site, "/u/blog/b")[2] == "b"
    for path in (
        "/u/../package.json", "/a/b/../../package.json", "/a/b/../package.json", "/package", "/passwd", "/dot/x.txt",
        "/u/Procfile", "/u//Procfile", "/u/.hidden/x.txt", "/a/b/x/../../../package.json", "/u/%2e%2e/package.json",
    ):  # fmt: skip
        assert raw(site, path)[2] in ("lost", "page"), path
    assert raw(site, "/blog")[:2] == (301, "/blog/")
    assert raw(site, "/\\example.org/..%2fblog")[:2] == (301, "/")


def test_a_link_that_leads_out_is_not_served(site: Orbit, repository: Repository) -> None:
    secret = site.home.parent / "secret.txt"
    secret.write_text("hidden")
    push(site, repository, {"index.html": "page 1", "404.html": "lost", "other.html": "", "v1/a.txt": "a"}, 1)
    for name, target in {
        "passwd": "/etc/passwd", "etc": "/etc", "secret.txt": str(secret), "git": "../.git", "up": "../..",
        "loop": "loop", "latest": "v1",
    }.items():  # fmt: skip
        (repository.work / "site" / name).symlink_to(target)
    assert push(site, repository, {".env": "KEY=hidden", "a/.git/config": "hidden"}, 2)["outcome"] == "succeeded"
    attacks = (
        "/passwd", "/etc/passwd", "/etc/", "/secret.txt", "/git", "/up/package.json", "/loop", "/.env", "/%2eenv",
        "/a/.git/config", "/a/%2egit%2fconfig", "//.env", "/./.env", "/a/..%2f.env", "/../package.json",
        "/%2e%2e/package.json", "/..%2fpackage.json", "/a/../../package.json", "/a/%2e%2e/%2e%2e/package.json",
        "/..%5c..%5cpackage.json", "/%c0%ae%c0%ae/package.json", "/a%00.html", "/a/", "/latest/../../package.json",
        "/index.html/", "/index.html/..%2f..%2fpackage.json", "/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    )  # fmt: skip
    for path in attacks:
        status, _, body = ask(site, path)
        assert status in (400, 404), (path, status, body)
        assert not {"hidden", "root:", "vite"} & {word for word in ("hidden", "root:", "vite") if word in body}, path
    assert "links are not served" in site.log("setup.log")
    assert ask(site)[0] == 200


def test_what_strangers_send_is_bounded(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    assert ask(site, "/" + "x" * 9000)[0] == 414
    assert ask(site, Cookie="x" * 9000)[0] == 400
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("POST", "/", body=b"x" * 5000)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Allow")) in ((405, "GET, HEAD"), (413, None))
    connection.close()
    assert ask(site)[0] == 200


PAGES: dict[str, str | None] = {
    "index.html": "home " * 400, "about.html": "about", "docs/index.html": "docs", "blog.html": "blog",
    "blog/post.html": "post", "404.html": "lost", "assets/index-BxY3k_9a.js": "js " * 400,
    "assets/app.8f3a2b1c.css": "css", "assets/jquery-migrate.js": "js", "img/photo-20240315.jpg": "jpg",
    "a b/ü.html": "umlaut", "app.webmanifest": "{}", "m.mjs": "1", "w.wasm": "1", "p.avif": "1",
    ".well-known/security.txt": "contact", "pre-deploy.txt": "no hook", "Procfile": "web: x",
}  # fmt: skip


def test_addresses_headers_and_kinds(site: Orbit, repository: Repository) -> None:
    assert push(site, repository, PAGES, 1)["outcome"] == "succeeded"
    for path, status, text in (
        ("/about", 200, "about"), ("/about.html", 200, "about"), ("/docs/", 200, "docs"), ("/blog", 200, "blog"),
        ("/blog/post", 200, "post"), ("/a%20b/%C3%BC", 200, "umlaut"), ("/nope", 404, "lost"),
        ("/assets/nope.js", 404, "lost"), ("/assets/", 404, "lost"), ("/img", 404, "lost"), ("/Procfile", 404, "lost"),
        ("/.well-known/security.txt", 200, "contact"), ("//about", 200, "about"),
    ):  # fmt: skip
        assert ask(site, path)[::2] == (status, text), path
    for path, target in (
        ("/docs", "/docs/"), ("/docs?a=1", "/docs/?a=1"), ("/about/", "/about"), ("/a%20b/%C3%BC/", "/a%20b/%C3%BC"),
        ("//docs", "/docs/"),
    ):  # fmt: skip
        status, headers, _ = ask(site, path, Host="example.org")
        assert (status, headers["location"], headers["cache-control"]) == (301, target, "no-cache")
    for path, kept in (
        ("/", "no-cache"), ("/about", "no-cache"), ("/assets/index-BxY3k_9a.js", "public, max-age=31536000, immutable"),
        ("/assets/app.8f3a2b1c.css", "public, max-age=31536000, immutable"), ("/assets/jquery-migrate.js", "no-cache"),
        ("/img/photo-20240315.jpg", "no-cache"), ("/assets/gone.8f3a2b1c.css", "no-cache"),
    ):  # fmt: skip
        assert ask(site, path)[1]["cache-control"] == kept, path
    for path, kind in (
        ("/", "text/html; charset=utf-8"), ("/m.mjs", "text/javascript; charset=utf-8"),
        ("/w.wasm", "application/wasm"),
        ("/app.webmanifest", "application/manifest+json"), ("/p.avif", "image/avif"),
        ("/assets/app.8f3a2b1c.css", "text/css; charset=utf-8"),
    ):  # fmt: skip
        assert ask(site, path)[1]["content-type"] == kind, path
    _, headers, _ = ask(site)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["server"] == "nginx"
    assert "x-orbit-release" not in headers
    assert ask(site, If_None_Match=headers["etag"])[0] == 304
    assert ask(site, If_Modified_Since=headers["last-modified"])[0] == 304
    assert ask(site, "/about", Range="bytes=1-2")[::2] == (206, "bo")
    assert ask(site, Accept_Encoding="gzip")[1]["content-encoding"] == "gzip"
    assert "content-encoding" not in ask(site, "/about", Accept_Encoding="gzip")[1]


def test_the_plain_answer_for_what_is_not_there_is_a_page_whatever_was_asked_for(
    site: Orbit, repository: Repository
) -> None:
    push(site, repository, {"index.html": "home"}, 1)
    for path in ("/nope.js", "/nope.css", "/nope.ico", "/.env"):
        status, headers, text = ask(site, path)
        assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8"), path
        assert "Not found" in text


def test_a_prebuilt_compressed_file_is_sent(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "home", "app.js": "plain", "app.js.gz": "packed"}, 1)
    assert ask(site, "/app.js", Accept_Encoding="gzip")[2] == "packed"
    assert ask(site, "/app.js")[2] == "plain"


def test_a_page_for_all_addresses_answers_navigations_alone(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "home", "200.html": "application", "404.html": "lost"}, 1)
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    for path, accept, answer in (
        ("/users/1", browser, (200, "application")), ("/users/john.doe", browser, (200, "application")),
        ("/users/", browser, (200, "application")), ("/users", "*/*", (200, "application")),
        ("/assets/x.js", browser, (404, "lost")), ("/x.png", "image/png,*/*", (404, "lost")),
        ("/api", "application/json", (404, "lost")), ("/", browser, (200, "home")),
    ):  # fmt: skip
        assert ask(site, path, Accept=accept)[::2] == answer, (path, accept)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("mkdir -p out", "there is nothing to serve: the directory dist is not there; does the build write elsewhere?"),
        ("mkdir -p dist/empty", "there is nothing to serve: dist has no files"),
        ("mkdir -p dist/app && echo > dist/app/index.html", "there is no index.html in dist; there is app/"),
        ("ln -s / dist", "cannot serve dist: it leads out of the repository"),
    ],
)
def test_a_build_without_a_site_fails_and_says_what_is_there(
    site: Orbit, repository: Repository, command: str, reason: str
) -> None:
    site.env["BUILD_COMMAND"] = command
    record = push(site, repository, {}, 1)
    assert record["outcome"] == "failed"
    assert record["stage"] == "building"
    assert reason in str(record["reason"])


def test_a_site_says_itself_where_addresses_lead_and_which_headers_there_are(
    site: Orbit, repository: Repository
) -> None:
    redirects = "/old/* /new/:splat 302\n/docs /about 301!\n/people /about 200\n/x /y 301 Country=de\n"
    headers = "/*\n  X-Frame-Options: DENY\n/new/*\n  Cache-Control: public, max-age=60\n"
    files = {"index.html": "home", "about.html": "about", "404.html": "lost", "docs.html": "docs", "new/a.txt": "a"}
    push(site, repository, {**files, "_redirects": redirects, "_headers": headers}, 1)
    for path, status, target in (
        ("/old/a.txt?b=c", 302, "/new/a.txt?b=c"), ("/docs", 301, "/about"),
        ("/old//example.org", 302, "/new/example.org"),
    ):  # fmt: skip
        answer = ask(site, path)
        assert (answer[0], answer[1]["location"]) == (status, target)
    assert ask(site, "/people")[::2] == (200, "about")
    assert ask(site, "/_redirects")[0] == 404
    assert ask(site, "/x")[0] == 404
    assert ask(site)[1]["x-frame-options"] == "DENY"
    assert ask(site, "/new/a.txt")[1]["cache-control"] == "public, max-age=60"
    assert ask(site, "/new/b.txt")[1]["cache-control"] == "no-cache"
    assert "_redirects, line 4: conditions are not known" in site.log("setup.log")


def test_a_killed_supervisor_leaves_the_server_alone_and_the_next_takes_it_over(
    site: Orbit, repository: Repository
) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    pid = pid_of(site)
    with Hammer(site.port) as hammer:
        site.kill()
        process = site.start().process
        wait_until(lambda: process is not None and f", pid {process.pid};" in site.output())  # before, SIGHUP ends it
        push(site, repository, {"index.html": "page 2"}, 2)
        hammer.all_come_again()
    assert hammer.failures == []
    assert [seen[-1] for seen in hammer.seen] == ["page 2"] * 3
    assert pid_of(site) == pid


def test_a_server_whose_shim_was_killed_with_the_supervisor_is_ended_and_started_anew(
    site: Orbit, repository: Repository
) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    before = {pid_of(site), *nginx.accepting(pid_of(site))}
    assert site.process is not None
    root = psutil.Process(site.process.pid)
    for process in [root, *(child for child in root.children(recursive=True) if child.name().startswith("orbit-"))]:
        process.kill()
    site.process.wait(10)
    site.start()
    wait_until(lambda: site.status().get("app", {}).get("pid") not in (None, *before))
    wait_until(lambda: shows(site, "page 1"))
    assert not any(alive(pid) for pid in before)
    site.wait_idle(1)


def test_a_site_that_an_earlier_supervisor_built_is_gone_back_to(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    repository.push({"Procfile": "web: python3 -m http.server $PORT", "index.html": "of the application"})
    site.hup()
    assert site.wait_idle(2)["outcome"] == "succeeded"
    wait_until(lambda: shows(site, "of the application"))
    site.stop()
    site.start()
    wait_until(lambda: shows(site, "of the application"))
    assert site.cli("rollback", "--force", "--wait").returncode == 0
    wait_until(lambda: shows(site, "page 1"))


def test_a_server_that_is_killed_is_started_again(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    pid = pid_of(site)
    psutil.Process(pid).kill()
    wait_until(lambda: site.status()["app"]["pid"] not in (None, pid))
    wait_until(lambda: shows(site, "page 1"))
    assert site.cli("restart", "--wait").returncode == 0
    wait_until(lambda: shows(site, "page 1"))


def test_a_site_becomes_an_application_and_a_site_again(site: Orbit, repository: Repository) -> None:
    push(site, repository, {"index.html": "page 1"}, 1)
    server = "require('http').createServer((_, response) => response.end('app')).listen(process.env.PORT)"
    repository.push({"server.js": server, "Procfile": "web: node server.js\n"})
    site.hup()
    assert site.wait_idle(2)["outcome"] == "succeeded"
    assert ask(site)[2] == "app"
    assert site.cli("rollback", "--force", "--wait").returncode == 0
    assert ask(site)[2] == "page 1"
    repository.push({"Procfile": "web: exit 1\n"})
    site.hup()
    assert site.wait_idle(4)["outcome"] == "rolled_back"
    assert ask(site)[2] == "page 1"


def test_a_download_that_has_begun_is_sent_to_its_end_over_a_switch(site: Orbit, repository: Repository) -> None:
    big = "x" * 30_000_000
    push(site, repository, {"index.html": "page 1", "big.txt": big}, 1)
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("GET", "/big.txt")
    answer = connection.getresponse()
    first = answer.read(1000)
    push(site, repository, {"index.html": "page 2", "big.txt": None}, 2)
    assert len(first + answer.read()) == len(big)
    connection.close()


TRAPS = """#!/bin/bash
cd "$HOME_OF_ORBIT/run/web"
rm -rf tmp/* && mkdir -p tmp/nginx.pid/x tmp/body/x && echo "the folder was open"
ln -sfn /etc live && echo "the link was open"
echo x > nginx.conf && echo "the configuration was open"
exit 1
"""


def test_a_failed_release_keeps_the_server_neither_from_starting_nor_from_the_next(
    site: Orbit, repository: Repository
) -> None:
    if os.getuid() != 0 or not shutil.which("node", path="/usr/bin"):
        pytest.skip("only root can run things as another user")
    let_others_in(site)
    site.env |= {"RUN_AS_USER": "nobody", "PATH": "/usr/bin:/bin", "HOME_OF_ORBIT": str(site.home)}
    push(site, repository, {"index.html": "page 1"}, 1)
    repository.push({"pre-deploy.sh": TRAPS}, executable=("pre-deploy.sh",))
    site.hup()
    assert site.wait_idle(2)["outcome"] == "failed"
    assert "was open" not in site.log("hooks.log")
    psutil.Process(pid_of(site)).kill()
    wait_until(lambda: shows(site, "page 1"), 20)
    repository.commit({"pre-deploy.sh": None})
    assert push(site, repository, {"index.html": "page 2"}, 3)["outcome"] == "succeeded"
    assert ask(site)[2] == "page 2"


def let_others_in(site: Orbit) -> None:
    """pytest keeps its folders to root."""
    for directory in (site.home.parent, *site.home.parents):
        if directory.stat().st_uid == 0 and not directory.stat().st_mode & 0o001:
            directory.chmod(directory.stat().st_mode | 0o011)


def test_the_server_runs_as_the_user_and_enters_every_release(site: Orbit, repository: Repository) -> None:
    if os.getuid() != 0 or not shutil.which("node", path="/usr/bin"):
        pytest.skip("only root can run things as another user")
    let_others_in(site)
    site.env |= {"RUN_AS_USER": "nobody", "PATH": "/usr/bin:/bin"}
    push(site, repository, {"index.html": "page 1"}, 1)
    pid = pid_of(site)
    push(site, repository, {"index.html": "page 2"}, 2)
    assert (ask(site)[2], pid_of(site)) == ("page 2", pid)
    master = psutil.Process(pid)
    assert {process.username() for process in (master, *master.children())} == {"nobody"}
    first, second = (site.home / "production/releases" / name for name in site.releases())
    assert first.stat().st_gid != second.stat().st_gid
    assert first.stat().st_mode & 0o777 == 0o770
    wait_until(lambda: '"GET / HTTP/1.1" 200' in site.log("app.log"))
