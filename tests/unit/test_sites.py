"""What a site's own files say, what it holds, and how that is told to nginx."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from supervisor.errors import OrbitError
from supervisor.sites import config, content, nginx, rules


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / "dist").mkdir()
    return tmp_path


def survey(release: Path) -> content.Content:
    return content.survey(release, release, "dist", 1_700_000_000)


def redirects(release: Path, text: str) -> rules.Rules:
    (release / "dist/_redirects").write_text(text)
    return rules.read(release / "dist")


@pytest.mark.parametrize(
    ("line", "sent", "target", "status"),
    [
        ("/old /new", "/old", "/new$is_args$args", 301),
        ("/old /new", "/old/?a=1", "/new$is_args$args", 301),
        ("/old /new?b=2 302", "/old", "/new?b=2", 302),
        ("/blog/* /news/:splat", "/blog/a/b", "/news/${p_splat}$is_args$args", 301),
        ("/blog/* /news/:splat", "/blog", "/news/${p_splat}$is_args$args", 301),
        ("/u/:id/x https://example.org/:id 308", "/u/7/x", "https://example.org/${p_id}$is_args$args", 308),
        ("/café /new", "/caf%C3%A9", "/new$is_args$args", 301),
        ("/app/* /app.html 200", "/app/x", "/app.html", 200),
    ],
)
def test_a_redirect(release: Path, line: str, sent: str, target: str, status: int) -> None:
    found = redirects(release, f"# a comment\n\n{line}\n")
    assert found.notes == ()
    (rule,) = found.redirects
    assert re.search(rule.pattern.replace("(?<", "(?P<"), sent)
    assert not re.search(rule.pattern.replace("(?<", "(?P<"), f"/other{sent}")
    assert (rule.target, rule.status) == (target, status)


def test_what_is_left_for_another_host_begins_with_no_slash(release: Path) -> None:
    (rule,) = redirects(release, "/x/* /:splat").redirects
    for sent in ("/x//example.org", "/x/\\example.org"):
        found = re.search(rule.pattern.replace("(?<", "(?P<"), sent)
        assert found is None or not found["p_splat"].startswith(("/", "\\"))


@pytest.mark.parametrize(
    "line",
    [
        "/x", "/x /y 301 Country=de", "/store id=:id /blog", "old /new", "/x ftp://example.org", "/x //example.org",
        "/api/* https://example.org/:splat 200", "/x /y 404", "/x /y abc",
    ],
)  # fmt: skip
def test_a_line_that_is_not_understood_is_told_of(release: Path, line: str) -> None:
    found = redirects(release, line)
    assert not found.redirects
    assert found.notes[0].startswith("_redirects, line 1: ")


def test_the_rule_for_applications_of_one_page_is_known(release: Path) -> None:
    assert redirects(release, "/*  /index.html  200").single_page


def test_headers(release: Path) -> None:
    text = "/*\n  X-Frame-Options: DENY\n  Content-Length: 3\n  X: $a\n/a/*\n  X-Frame-Options: SAMEORIGIN\n"
    (release / "dist/_headers").write_text(text)
    found = rules.read(release / "dist")
    assert [(header.name, header.value) for header in found.headers] == [
        ("x-frame-options", "DENY"), ("x-frame-options", "SAMEORIGIN")
    ]  # fmt: skip
    assert len(found.notes) == 2
    written = config.text(server(release), config.Options(rules=found))
    assert written.index("SAMEORIGIN") < written.index("DENY")


HOSTILE = (
    "/:splat/* /x/:splat", "/:aé/x /y/:aé", "/" + "é" * 1900 + " /x", "/x /" + "é" * 1900, '/a"b;{}\\ /x"y;\\ 200',
    "/a$host /x$request_uri${args}`id`;{}", "/b /x$1 200", "/a\0b /x\0",
    "/" + "/".join(f":n{i}" for i in range(300)) + " /x",
    "/:a/:A /:A:a$:", "/" + "a*b/" * 400 + " /x", "/:realpath_root /:realpath_root",
)  # fmt: skip


@pytest.mark.skipif(not nginx.find(os.environ["PATH"]), reason="there is no nginx")
@pytest.mark.parametrize("name", ["_redirects", "_headers"])
def test_nginx_takes_whatever_a_site_says(release: Path, name: str) -> None:
    (release / "tmp").mkdir()
    for line in HOSTILE:
        path = line.partition(" ")[0]
        told = line if name == "_redirects" else f'{path}\n  X-A: "a\\\n  X-B: {chr(34) * 1900}\n  X-C: ;}}{{\n'
        (release / "dist" / name).write_text(told)
        written = config.text(server(release), config.Options(rules=rules.read(release / "dist")))
        (release / "nginx.conf").write_text(written)
        argv = [nginx.find(os.environ["PATH"]) or "", "-t", "-c", str(release / "nginx.conf")]
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (line[:80], ended.stderr)


def server(place: Path, **more: object) -> config.Server:
    return config.Server(8080, True, place / "tmp", place / "live", 2, 512, **more)  # type: ignore[arg-type]


def test_a_path_is_quoted_or_refused(tmp_path: Path) -> None:
    assert 'root "' + str(tmp_path) + '/a \\"b\\\\c/live";' in config.text(
        server(tmp_path / 'a "b\\c'), config.Options()
    )
    with pytest.raises(OrbitError, match="set another ORBIT_HOME"):
        config.text(server(tmp_path / "a$b"), config.Options())


@pytest.mark.parametrize(
    ("name", "is_immutable"),
    [
        ("/assets/index-BxY3k_9a.js", True), ("/assets/index-DcRhdAQV.js", True), ("/assets/logo-B6txwjpK.png", True),
        ("/assets/main-4XkQ9abC.png", True), ("/static/js/main.073c9b0a.chunk.js", True), ("/main-ABCD2345.js", True),
        ("/app-0a1b2c3d4e5f60718293.js", True), ("/_next/static/chunks/main.js", True), ("/_nuxt/BcD-f3_a.js", True),
        ("/_app/immutable/entry/start.js", True), ("/assets/js/styles.8f3a2b1c.css.map", True),
        ("/assets/jquery-migrate.js", False), ("/jquery-3.6.0.min.js", False), ("/assets/my-Settings.js", False),
        ("/img/photo-20240315.jpg", False), ("/img/IMG_1234.jpg", False), ("/assets/x-Summer24.png", False),
        ("/index.html", False), ("/docs/8f3a2b1c9d.html", False), ("/_nuxt/builds/latest.json", False),
        ("/deadbeef.js", False), ("/assets/app-MyWidget.js", False),
    ],
)  # fmt: skip
def test_only_names_that_change_with_the_content_are_kept_for_ever(name: str, is_immutable: bool) -> None:
    is_page = name.endswith(".html")
    assert (not is_page and any(re.search(pattern, name) for pattern in config.HASHED)) == is_immutable


def test_the_files_of_a_site_get_one_time_and_links_are_looked_through(release: Path) -> None:
    dist = release / "dist"
    (dist / "index.html").write_text("page")
    (dist / ".env").write_text("KEY")
    (dist / "inside").symlink_to("index.html")
    assert survey(release) == content.Content(dist, "dist", 1, (), 1, True, 1)
    assert (dist / "index.html").stat().st_mtime == 1_700_000_000
    (dist / "a").symlink_to("/etc/passwd")
    (dist / "b").symlink_to(".env")
    (dist / "c").symlink_to("..")
    (dist / "d").symlink_to("../..")
    assert survey(release).outside == ("a", "b", "d")


def test_a_page_in_another_encoding_is_noticed(release: Path) -> None:
    (release / "dist/index.html").write_bytes("über".encode("latin-1"))
    assert not survey(release).utf8
    (release / "dist/index.html").write_bytes(("x" * (content.MOST_PAGE_BYTES - 1) + "ü").encode())
    assert survey(release).utf8


def test_it_is_installed_only_where_nothing_else_is_started_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    has_systemd = False
    monkeypatch.setattr(Path, "exists", lambda path: has_systemd)
    monkeypatch.setattr(nginx.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None)
    assert nginx.installation(is_root=False) == ()
    assert [argv[0] for argv in nginx.installation(is_root=True)] == ["apt-get", "apt-get"]
    has_systemd = True
    assert nginx.installation(is_root=True) == ()
    has_systemd = False
    monkeypatch.setattr(nginx.shutil, "which", lambda name: f"/sbin/{name}" if name == "apk" else None)
    assert nginx.installation(is_root=True) == (("apk", "add", "--no-cache", "nginx"),)


def test_what_nginx_says_of_itself(tmp_path: Path) -> None:
    said = "nginx version: nginx/1.18.0 (Ubuntu)\nconfigure arguments: --with-http_gzip_static_module --modules-path="
    old = nginx.described("/usr/sbin/nginx", said + str(tmp_path))
    assert old.argv(Path("/a.conf")) == ("/usr/sbin/nginx", "-c", "/a.conf")
    assert (old.can, old.modules) == ({"gzip_static"}, ())
    for name in nginx.BROTLI:
        (tmp_path / name).touch()
    new = nginx.described("nginx", f"nginx version: nginx/1.27.4 --modules-path={tmp_path} x")
    assert new.argv(Path("/a.conf"), "-t") == ("nginx", "-e", "stderr", "-t", "-c", "/a.conf")
    assert new.can == {"brotli", "waits_idle"}
    assert 'load_module "' in config.text(server(tmp_path, modules=new.modules, can=new.can), config.Options())
