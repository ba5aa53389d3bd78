"""Manifests that are broken or hostile: one line that names the file and what to do, and no waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.errors import PlanError
from supervisor.languages import Overrides, detect, node
from supervisor.languages.language import Fit
from supervisor.languages.source import Source
from tests.support.projects import in_time, refusal

NODE = '{"scripts": {"start": "node server.js"}, "dependencies": {"express": "1"}}'


def write(directory: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = directory / name.replace("__", ".").replace("--", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{\n  "name": "x",\n  "scripts" {}\n}', "line 3, column 13"),
        ("", "line 1, column 1"),
        ("[" * 1_000_000, "not JSON"),
        ('{"a":' * 200_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[]", "a list, not an object"),
        ('"text"', "a text, not an object"),
        ("null", "null, not an object"),
        ('{"scripts": []}', '"scripts" is a list'),
        ('{"scripts": {"start": ["node", "x.js"]}}', '"scripts.start" is a list'),
        ('{"dependencies": "express"}', '"dependencies" is a text'),
        ('{"packageManager": 4}', '"packageManager" is a number'),
        ('{"workspaces": "apps/*"}', '"workspaces" is a text'),
        ('{"engines": "node >= 18"}', '"engines" is a text'),
        (b'{"name": "\xff"}', "not UTF-8"),
        (b'{"name": "a\x00b"}', "binary"),
        (b"\x89PNG\r\n\x1a\n\x00", "not UTF-8"),
        (b" " * (10 * 1024 * 1024), "larger than 1024 KiB"),
        ("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n", "line 1, column 1"),
    ],
)
def test_broken_package_json_is_named(tmp_path: Path, content: str | bytes, said: str) -> None:
    message = refusal(write(tmp_path, package__json=content))
    assert "package.json" in message
    assert said in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[project\n", "line 1"),
        ("a = " + "[" * 100_000, "not TOML"),
        ("x = 1\n" + "a." * 30_000 + "a = 1", "line 2: more than"),
        ("project = 1", "[project] is a number"),
        ('[project]\nname = "x"\ndependencies = "flask"', '"project.dependencies" is a text'),
        ("[tool]\npoetry = []", "[poetry] is a list"),
        (b"# \xff", "not UTF-8"),
        (b"# " + b"x" * 300 * 1024, "larger than"),
    ],
)
def test_broken_pyproject_is_named(tmp_path: Path, content: str | bytes, said: str) -> None:
    message = refusal(write(tmp_path, pyproject__toml=content))
    assert "pyproject.toml" in message
    assert said in message


@pytest.mark.parametrize("name", ["package.json", "requirements.txt", "pyproject.toml", "Pipfile", "Procfile"])
def test_manifest_that_is_no_regular_file_does_not_hang(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    os.mkfifo(path)
    assert "not a regular file" in refusal(tmp_path)
    path.unlink()
    path.mkdir()
    assert "it is a directory" in refusal(tmp_path)
    path.rmdir()
    path.symlink_to("/etc/passwd")
    assert "leaves the repository" in refusal(tmp_path)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "leaves the repository" in refusal(tmp_path)
    path.unlink()
    path.symlink_to(name)
    assert name in refusal(tmp_path)
    path.unlink()
    path.symlink_to("nowhere")
    assert "points nowhere" in refusal(tmp_path)


def test_link_inside_the_repository_is_followed(tmp_path: Path) -> None:
    write(tmp_path, **{"shared--package.json": NODE})
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "package.json").symlink_to("../shared/package.json")
    assert detect(tmp_path / "app", Overrides(), tmp_path).start == "npm start"
    assert "leaves the repository" in refusal(tmp_path / "app")


def test_directory_that_links_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "app").symlink_to("../outside")
    assert "outside of the repository" in refusal(tmp_path / "repository" / "app", root=tmp_path / "repository")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("package-lock.json", "{", "not JSON"),
        ("package-lock.json", "", "it is empty"),
        ("package-lock.json", "[" * 500_000, "not JSON"),
        ("package-lock.json", '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> x\n}', "merge conflict"),
        ("yarn.lock", "# yarn lockfile v1\n\n<<<<<<< HEAD\n", "line 3: a merge conflict"),
        ("yarn.lock", b"\x00\x01\x02", "binary"),
        ("pnpm-lock.yaml", " \n", "it is empty"),
        ("pnpm-lock.yaml", b"\xff\xfe\x00", "not UTF-8"),
        ("bun.lock", "", "it is empty"),
    ],
)
def test_broken_node_lockfile_is_named(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    write(tmp_path, package__json=NODE)
    write(tmp_path, **{name: content})
    message = refusal(tmp_path)
    assert name in message
    assert said in message
    assert detect(tmp_path, Overrides(install_command="npm install")).install == "npm install"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("uv.lock", "", "it is empty"),
        ("poetry.lock", "<<<<<<< HEAD\n", "merge conflict"),
        ("pdm.lock", b"\x00", "binary"),
        ("Pipfile.lock", "{", "not JSON"),
        ("requirements.txt", "flask\n>>>>>>> theirs\n", "line 2: a merge conflict"),
        ("requirements.txt", b"# caf\xe9\nflask\n", "line 1: it is not UTF-8"),
    ],
)
def test_broken_python_lockfile_is_named(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    write(tmp_path, app__py="print()")
    write(tmp_path, **{name: content})
    message = refusal(tmp_path)
    assert name in message
    assert said in message


def test_unreadable_manifest_is_named(tmp_path: Path) -> None:
    write(tmp_path, package__json=NODE)
    (tmp_path / "package.json").chmod(0)
    if os.access(tmp_path / "package.json", os.R_OK):
        pytest.skip("root reads everything")
    assert "permission denied" in refusal(tmp_path)


@pytest.mark.parametrize("main", ["a\\u0000b", "\\ud800", "../../etc/passwd", "/etc/passwd", "-e process.exit()"])
def test_main_that_is_no_file_of_the_project_is_not_started(tmp_path: Path, main: str) -> None:
    write(tmp_path, package__json=f'{{"main": "{main}", "scripts": {{"build": "x"}}}}')
    assert "cannot tell how to start" in refusal(tmp_path)


def test_main_with_spaces_is_quoted(tmp_path: Path) -> None:
    write(tmp_path, package__json='{"main": "my server; rm -rf x.js"}')
    write(tmp_path, **{"my server; rm -rf x.js": ""})
    assert detect(tmp_path, Overrides()).start == "node 'my server; rm -rf x.js'"


@pytest.mark.parametrize("command", ["node a\0b", "node \ud800"])
def test_command_that_no_shell_takes_is_refused(tmp_path: Path, command: str) -> None:
    assert "cannot run" in refusal(tmp_path, Overrides(run_command=command))


def test_hostile_workspace_patterns_take_no_time(tmp_path: Path) -> None:
    patterns = "/".join(["**", "a"] * 40)
    write(tmp_path, package__json=f'{{"workspaces": ["{patterns}/b"]}}')
    project = tmp_path / "/".join("a" * 60)
    project.mkdir(parents=True)
    write(project, package__json=NODE)
    with in_time():
        assert detect(project, Overrides(), tmp_path).install == "npm install --include=dev"


@pytest.mark.parametrize(
    "code",
    [
        "(" * 100_000,
        "x = " + "1+" * 100_000 + "1",
        "\0",
        "print 'old'",
        "def f(:\n",
        "app = " + "-" * 50_000 + "1",
    ],
)
def test_code_that_cannot_be_parsed_is_passed_over(tmp_path: Path, code: str) -> None:
    write(tmp_path, requirements__txt="flask\ngunicorn\n", app__py=code)
    assert detect(tmp_path, Overrides()).start == "python app.py"


def test_requirements_that_include_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, requirements__txt="-r other.txt\n-r /etc/passwd\n-r nowhere.txt\n")
    write(
        tmp_path,
        other__txt="-r requirements.txt\nflask\ngunicorn\n",
        app__py="from flask import Flask\na = Flask('x')\n",
    )
    with pytest.raises(PlanError, match=r"leaves the repository"):
        detect(tmp_path, Overrides())
    write(tmp_path, requirements__txt="-r other.txt\n-r nowhere.txt\n")
    assert detect(tmp_path, Overrides()).start == "gunicorn app:a --bind 0.0.0.0:$PORT"


def test_empty_directory_says_what_was_looked_for(tmp_path: Path) -> None:
    message = refusal(tmp_path)
    for word in (
        "package.json",
        "requirements.txt",
        "Procfile",
        "PROJECT_TYPE",
        "RUN_COMMAND",
        "PROJECT_PATH",
    ):
        assert word in message


@pytest.mark.parametrize("place", ["backend", "apps/web"])
def test_project_in_a_subdirectory_is_pointed_at(tmp_path: Path, place: str) -> None:
    write(tmp_path, **{f"{place}/package__json".replace("/", "--"): NODE})
    assert f"set PROJECT_PATH={place}" in refusal(tmp_path)


def test_pages_own_script_is_no_server(tmp_path: Path) -> None:
    """Of a page of which no other language wants to know, either."""
    files = {"index.html": "<script src=index.js></script>", "index.js": "alert(1)"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert node.fit(Source.of(tmp_path, None, Overrides())) is Fit.NO


def test_unknown_project_type_names_the_supported_ones(tmp_path: Path) -> None:
    message = refusal(tmp_path, Overrides(project_type="cobol", run_command="./x"))
    assert "PROJECT_TYPE=cobol" in message
    for name in ("auto", "node", "python"):
        assert name in message


def test_missing_directory_is_named(tmp_path: Path) -> None:
    assert "PROJECT_PATH" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["/*" * 300_000, "//" * 300_000, '"' * 300_001, "," * 300_000, ", " * 300_000 + "]"])
def test_package_json5_of_any_kind_is_read_in_time(tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json5").write_text(text)
    assert "package.json5" in refusal(tmp_path)


@pytest.mark.parametrize("blanks", ["\n" * 250_000, " " * 250_000, ("\n" * 99 + "x") * 2500])
@pytest.mark.parametrize("name", ["build.gradle", "build.gradle.kts", "Procfile", "Gemfile", "Staticfile", "app.py"])
def test_blanks_without_end_take_no_time(tmp_path: Path, name: str, blanks: str) -> None:
    write(tmp_path, **{name: f"x{blanks}x", "gradlew": "", "requirements.txt": ""})
    with in_time():
        detect(tmp_path, Overrides(run_command="./run"))


def test_blanks_in_a_command_take_no_time(tmp_path: Path) -> None:
    write(tmp_path, **{"package.json": "{}", "railway.json": '{"build": {"buildCommand": "x%s"}}' % ("\\n" * 200_000)})
    with in_time():
        detect(tmp_path, Overrides(run_command="./run"))
