"""The rules of sites, one by one: what is one, where its pages lie, and when something else takes precedence."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect
from supervisor.languages.language import Fit
from supervisor.languages.source import Source
from supervisor.languages.static import fit
from supervisor.languages.static.pages import PLACES
from supervisor.model import Plan
from tests.support.projects import in_time, write

PAGE = "<title>hello</title>\n"


def site(directory: Path, files: dict[str, str], **options: str) -> Plan:
    return detect(write(directory, files), Overrides(**options))


@pytest.mark.parametrize("place", PLACES)
def test_pages_are_found_where_people_have_them(tmp_path: Path, place: str) -> None:
    plan = site(tmp_path, {f"{place}/index.html": PAGE})
    assert (plan.type, plan.serve, plan.output_dir, plan.runtime) == ("static", "static", place, None)


@pytest.mark.parametrize(
    ("files", "single_page"),
    [
        ({}, False),
        ({"Staticfile": "index_fallback: true\n"}, True),
        ({"Staticfile": "index_fallback: false\n"}, False),
        ({"Staticfile": "pushstate: enabled\n"}, True),
        ({"Staticfile": "# pushstate: enabled\n"}, False),
        ({"_redirects": "/* /index.html 200\n"}, True),
        ({"_redirects": "/* /index.html 302\n"}, False),
        ({"_redirects": "/api/* /index.html 200\n"}, False),
        ({"static.json": '{"root": "./", "routes": {"/**": "index.html"}}'}, True),
        ({"static.json": '{"root": "./"}'}, False),
    ],
)
def test_page_that_answers_for_all_paths_is_declared(tmp_path: Path, files: dict[str, str], single_page: bool) -> None:
    assert site(tmp_path, {"index.html": PAGE, **files}).single_page is single_page


@pytest.mark.parametrize("root", ["/etc", "../../etc", "a/../../b", ".", "./"])
def test_root_that_leaves_the_project_is_the_project(tmp_path: Path, root: str) -> None:
    assert site(tmp_path, {"index.html": PAGE, "Staticfile": f"root: {root}\n"}).output_dir == "."


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("https://example.org/", "/"),
        ("http://example.com", "/"),
        ("https://someone.github.io/site/", "/"),
        ("http://localhost:1313/", "/"),
        ("", "/"),
        ("/", "/"),
        ("https://www.shop.io/", None),
        ("https://example.org.shop.io/", None),
    ],
)
def test_links_of_hugo_lead_to_where_the_site_is_served(tmp_path: Path, base: str, says: str | None) -> None:
    plan = site(tmp_path, {"hugo.toml": f'baseURL = "{base}"\n'})
    assert dict(plan.environment).get("HUGO_BASEURL") == says
    assert (plan.build, plan.output_dir, plan.runtime) == ("hugo --gc --minify", "public", "hugo")


@pytest.mark.parametrize(
    ("files", "framework"),
    [
        ({"config.toml": 'baseURL = "/"\n', "content/a.md": ""}, "hugo"),
        ({"config.yml": "theme: x\n", "layouts/a.html": ""}, "hugo"),
        ({"config/_default/config.toml": "", "content/a.md": ""}, "hugo"),
        ({"config.toml": 'base_url = "/"\n', "content/a.md": ""}, "zola"),
        ({"book.toml": "", "src/SUMMARY.md": ""}, "mdbook"),
    ],
)
def test_generator_is_known_by_its_configuration(tmp_path: Path, files: dict[str, str], framework: str) -> None:
    assert site(tmp_path, files).framework == framework


@pytest.mark.parametrize("files", [{"config.toml": "port = 1\n", "content/a": ""}, {"config.toml": 'baseURL = "/"\n'}])
def test_config_of_something_else_is_no_site(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(PlanError, match="cannot tell what kind"):
        site(tmp_path, files)


def test_modules_and_pipes_of_hugo_have_what_they_need(tmp_path: Path) -> None:
    files = {"hugo.toml": "[module]\n  [[module.imports]]\n    path = 'github.com/a/b'\n"}
    package = {"package.json": '{"dependencies": {"postcss": "8"}}'}
    plan = site(tmp_path, files | package)
    assert [need.runtime for need in plan.helpers] == ["go", "node"]
    assert plan.install == "npm install --include=dev"


@pytest.mark.parametrize(
    ("book", "output"),
    [("", "book"), ("[build]\nbuild-dir = 'a/b'\n", "a/b"), ("[output.html]\n[output.epub]\n", "book/html")],
)
def test_pages_of_mdbook_are_beside_those_of_other_renderers(tmp_path: Path, book: str, output: str) -> None:
    assert site(tmp_path, {"book.toml": book}).output_dir == output


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"package.json": '{"main": "server.js"}', "server.js": ""}, "node"),
        ({"package.json": '{"devDependencies": {"vite": "5"}}'}, "node"),
        ({"requirements.txt": "flask\n", "app.py": "import flask\napp = flask.Flask(__name__)\n"}, "python"),
        ({"Gemfile": "gem 'sinatra'\n", "app.rb": ""}, "ruby"),
        ({"go.mod": "module a\n", "main.go": "package main\nfunc main() {}\n"}, "go"),
        ({"index.php": "<?php\n"}, "php"),
        ({"package.json": '{"devDependencies": {"prettier": "3"}}'}, "static"),
        ({"app.js": ""}, "static"),
    ],
)
def test_page_gives_way_to_what_serves(tmp_path: Path, files: dict[str, str], kind: str) -> None:
    assert site(tmp_path, {"index.html": PAGE, **files}).type == kind


@pytest.mark.parametrize(
    ("files", "grade"),
    [
        ({"public/index.html": PAGE, "server.py": ""}, Fit.NO),
        ({"public/index.html": PAGE, "app.js": ""}, Fit.NO),
        ({"index.html": PAGE, "app.js": ""}, Fit.PLAIN),
        ({"index.html": PAGE, "Staticfile": ""}, Fit.CERTAIN),
    ],
)
def test_script_without_a_manifest_serves_the_pages_below(tmp_path: Path, files: dict[str, str], grade: Fit) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert fit(Source.of(tmp_path, None, Overrides())) is grade


def test_build_script_beside_a_page_is_run(tmp_path: Path) -> None:
    plan = site(tmp_path, {"index.html": PAGE, "package.json": '{"scripts": {"build": "sass a.scss a.css"}}'})
    assert (plan.type, plan.build, plan.output_dir) == ("static", "npm run build", ".")
    assert [need.runtime for need in plan.helpers] == ["node"]


def test_output_directory_of_the_users_makes_a_site_of_anything(tmp_path: Path) -> None:
    files = {"package.json": '{"scripts": {"start": "node a.js"}}', "Procfile": "web: node b.js\n"}
    plan = site(tmp_path, files, output_dir="./dist/")
    assert (plan.type, plan.serve, plan.start, plan.output_dir) == ("node", "static", None, "dist")
    assert dict(plan.origins)["output_dir"] == "OUTPUT_DIR"
    (tmp_path / "nothing").mkdir()
    assert site(tmp_path / "nothing", {}, output_dir="a").type == "static"


def test_run_command_stands_over_the_output_directory(tmp_path: Path) -> None:
    plan = site(tmp_path, {"index.html": PAGE}, output_dir="dist", run_command="serve dist")
    assert (plan.serve, plan.start, plan.output_dir) == ("app", "serve dist", None)


@pytest.mark.parametrize("directory", ["/etc", "../up", "a/../../b", "a\nb"])
def test_output_directory_outside_of_the_project_is_refused(tmp_path: Path, directory: str) -> None:
    with pytest.raises(PlanError, match="cannot use OUTPUT_DIR="):
        site(tmp_path, {"index.html": PAGE}, output_dir=directory)


@pytest.mark.parametrize(
    "files",
    [
        {"static.json": "{"},
        {"static.json": "[" * 100_000},
        {"Staticfile": "root: a\0b\n"},
        {"Staticfile": "#" * 2_000_000},
    ],
)
def test_broken_file_is_one_clear_line(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(PlanError) as caught:
        site(tmp_path, {"index.html": PAGE, **files})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [" " * 250_000, "baseURL = " * 25_000, "\t=" * 120_000, "x = '" + "//" * 120_000, "//a." * 60_000]
)
def test_hostile_configuration_takes_no_time(tmp_path: Path, text: str) -> None:
    with in_time():
        assert site(tmp_path, {"hugo.toml": f'baseURL="{text}"\n{text}', "_redirects": text}).type == "static"


@pytest.mark.parametrize(
    ("sample", "single_page"),
    [
        ("node-vite", True),
        ("node-cra", True),
        ("node-angular", True),
        ("node-vue-cli", True),
        ("node-react-router-spa", True),
        ("node-astro", False),
        ("node-docusaurus", False),
        ("node-gatsby", False),
        ("node-eleventy", False),
        ("node-vitepress", False),
        ("node-next-export", False),
        ("node-sveltekit-static", False),
        ("node-express", False),
        ("ruby-jekyll", False),
    ],
)
def test_framework_tells_whether_the_browser_takes_care_of_paths(sample: str, single_page: bool) -> None:
    directory = Path(__file__).parents[1] / "apps" / sample
    assert detect(directory, Overrides()).single_page is single_page


def test_sveltekit_and_expo_say_it_in_their_settings(tmp_path: Path) -> None:
    kit = {
        "package.json": '{"devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-static": "3"}}',
        "svelte.config.js": "export default { kit: { adapter: adapter({ fallback: 'index.html' }) } };\n",
    }
    assert site(tmp_path / "kit", kit).single_page
    expo = {"package.json": '{"dependencies": {"expo": "52"}}', "app.json": '{"expo": {"web": {"output": "static"}}}'}
    assert not site(tmp_path / "expo", expo).single_page


@pytest.mark.parametrize(
    ("name", "files", "options"),
    [
        ("hugo", {"hugo.toml": "", ".tool-versions": "hugo 0.120.0\n"}, Overrides(hugo_version="0.140.0")),
        ("zola", {"zola.toml": 'base_url = "/"\n'}, Overrides(zola_version="0.140.0")),
        ("mdbook", {"book.toml": ""}, Overrides(mdbook_version="0.140.0")),
    ],
)
def test_version_of_a_generator_is_the_users_first(
    tmp_path: Path, name: str, files: dict[str, str], options: Overrides
) -> None:
    plan = detect(write(tmp_path, files), options)
    assert (plan.framework, plan.runtime, plan.runtime_version) == (name, name, "0.140.0")
