"""What a plan says of the dependencies that may be kept for the next release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from supervisor.languages import Overrides, detect
from supervisor.model import Plan

LOCK = "package-lock.json"
START = {"start": "node server.js"}
MEMBERS = {"workspaces": ["apps/*", "packages/*"]}


def write(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def of(root: Path, files: dict[str, object], project: str = ".") -> Plan:
    write(root, files)
    return detect(root / project, Overrides(), root)


def node(root: Path, files: dict[str, object] | None = None, **package: object) -> Plan:
    package = {"scripts": START, "dependencies": {"express": "5"}, **package}
    return of(root, {"package.json": package, LOCK: "{}", **(files or {})})


def test_npm(tmp_path: Path) -> None:
    plan = node(tmp_path, {".npmrc": "save-exact=true\n"})
    assert plan.inputs == (LOCK, ".npmrc", "package.json")
    assert plan.dependencies == ("node_modules",)
    assert plan.after_restore is None


def test_without_a_lockfile_every_release_installs_anew(tmp_path: Path) -> None:
    plan = of(tmp_path, {"package.json": {"scripts": START, "dependencies": {"express": "5"}}})
    assert plan.install and not plan.inputs and not plan.dependencies


def test_the_projects_own_lifecycle_scripts_run_after_a_restore(tmp_path: Path) -> None:
    scripts = {**START, "postinstall": "node make.js", "preprepare": "true", "prepare": "husky"}
    plan = node(tmp_path, scripts=scripts)
    assert plan.inputs
    assert plan.after_restore == "npm run postinstall && npm run prepare"


@pytest.mark.parametrize(("linker", "own"), [("pnp", True), ("node-modules", False)])
def test_archives_that_an_application_runs_from_are_the_releases_own(tmp_path: Path, linker: str, own: bool) -> None:
    lock = "__metadata:\n  version: 8\n"
    files: dict[str, object] = {"yarn.lock": f"\n{lock}", ".yarnrc.yml": f"nodeLinker: {linker}\n"}
    plan = of(tmp_path, {"package.json": {"scripts": START, "dependencies": {"express": "5"}}, **files})
    assert (("YARN_ENABLE_GLOBAL_CACHE", "false") in plan.environment) is own


def test_patches_and_the_settings_of_managers_are_inputs(tmp_path: Path) -> None:
    plan = node(tmp_path, {"patches/a.patch": "x", "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", ".pnpmfile.cjs": ""})
    assert set(plan.inputs) == {"pnpm-lock.yaml", ".pnpmfile.cjs", "patches", "package.json"}


def test_schema_of_prisma_is_an_input(tmp_path: Path) -> None:
    needs = {"@prisma/client": "6.19.3"}
    assert "prisma/schema.prisma" in node(tmp_path, {"prisma/schema.prisma": "x"}, dependencies=needs).inputs


def test_schema_of_prisma_that_is_not_found_means_installing_anew(tmp_path: Path) -> None:
    assert not node(tmp_path, dependencies={"@prisma/client": "6.19.3"}).inputs


@pytest.mark.parametrize("spec", ["file:../lib", "link:./lib", "portal:../lib"])
def test_dependency_that_lies_in_the_repository_means_installing_anew(tmp_path: Path, spec: str) -> None:
    assert not node(tmp_path, dependencies={"lib": spec}).inputs


def test_every_member_of_a_workspace_counts(tmp_path: Path) -> None:
    files = {
        "package.json": MEMBERS,
        LOCK: "{}",
        "apps/web/package.json": {"scripts": START},
        "packages/ui/package.json": {},
        "packages/notes/readme.md": "",
    }
    plan = of(tmp_path, files, "apps/web")
    assert plan.inputs == tuple(
        f"../../{name}" for name in (LOCK, "package.json", "apps/web/package.json", "packages/ui/package.json")
    )
    assert plan.dependencies == tuple(f"../../{name}node_modules" for name in ("", "apps/web/", "packages/ui/"))


def test_lifecycle_script_of_another_member_means_installing_anew(tmp_path: Path) -> None:
    files = {
        "package.json": MEMBERS,
        LOCK: "{}",
        "apps/web/package.json": {"scripts": START},
        "packages/ui/package.json": {"scripts": {"prepare": "tsc"}},
    }
    assert not of(tmp_path, files, "apps/web").inputs


def test_workspace_too_large_to_look_at_means_installing_anew(tmp_path: Path) -> None:
    files: dict[str, object] = {f"packages/p{n}/package.json": {} for n in range(100)}
    assert not of(tmp_path, {"package.json": {**MEMBERS, "scripts": START}, LOCK: "{}", **files}).inputs


def test_plug_and_play_is_installed_anew(tmp_path: Path) -> None:
    files = {
        "package.json": {"scripts": START, "packageManager": "yarn@4.9.2"},
        "yarn.lock": "__metadata:\n  version: 8\n",
    }
    assert not of(tmp_path, files).inputs


@pytest.mark.parametrize(
    ("package", "files", "caches"),
    [
        ({"next": "15"}, {}, (".next/cache",)),
        ({"next": "15"}, {"next.config.js": "module.exports = { distDir: 'build' }"}, ("build/cache",)),
        ({"gatsby": "5"}, {}, (".cache", "public")),
        ({"@angular/core": "20"}, {}, (".angular/cache",)),
        ({"astro": "5"}, {"turbo.json": "{}"}, ("node_modules/.astro", ".turbo/cache")),
        ({"vite": "7"}, {}, ()),
    ],
)
def test_caches_of_builds(tmp_path: Path, package: object, files: dict[str, object], caches: tuple[str, ...]) -> None:
    plan = node(tmp_path, files, dependencies=package, scripts={**START, "build": "make"})
    assert plan.caches == ("node_modules/.cache", *caches)


def python(root: Path, files: dict[str, object]) -> Plan:
    return of(root, {"main.py": "", **files})


def test_requirements_with_what_they_include_and_are_bound_by(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r requirements/base.txt\n-c bounds.txt\nflask\n",
        "requirements/base.txt": "gunicorn\n",
        "bounds.txt": "streamlit<2\n",
    }
    plan = python(tmp_path, files)
    assert set(plan.inputs) == set(files)
    assert plan.dependencies == (".venv",)
    assert plan.framework == "flask"


@pytest.mark.parametrize("line", ["-e .", "./libs/a", "--editable=libs/a", "a @ file:libs/a", "file:libs/a"])
def test_requirement_in_the_repository_means_installing_anew(tmp_path: Path, line: str) -> None:
    assert not python(tmp_path, {"requirements.txt": f"flask\n{line}\n"}).inputs


def test_requirement_from_elsewhere_does_not(tmp_path: Path) -> None:
    assert python(tmp_path, {"requirements.txt": "-e git+https://example.com/a.git#egg=a\n"}).inputs


def test_project_that_is_installed_itself_is_installed_again_after_a_restore(tmp_path: Path) -> None:
    plan = python(tmp_path, {"setup.py": "from setuptools import setup\nsetup(name='a')\n"})
    assert plan.inputs == ("setup.py",)
    assert plan.after_restore == "uv pip install --no-deps -e ."


def test_uv_looks_again_after_a_restore(tmp_path: Path) -> None:
    plan = python(tmp_path, {"pyproject.toml": '[project]\nname = "a"\n', "uv.lock": "version = 1\n"})
    assert plan.inputs == ("uv.lock", "pyproject.toml")
    assert plan.after_restore == plan.install


def test_poetry_installs_its_root_again(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[tool.poetry]\nname = "a"\n', "poetry.lock": "#\n", "src/a/__init__.py": ""}
    assert python(tmp_path, files).after_restore == "uvx poetry install --only-root --no-interaction"


@pytest.mark.parametrize("manifest", ['[tool.poetry]\nname = "a"\n', "[tool.pdm]\n"])
def test_project_without_a_lockfile_is_installed_anew(tmp_path: Path, manifest: str) -> None:
    assert not python(tmp_path, {"pyproject.toml": manifest}).inputs


def test_path_in_a_manifest_means_installing_anew(tmp_path: Path) -> None:
    manifest = '[project]\nname = "a"\n[tool.uv.sources]\nlib = { path = "../lib" }\n'
    assert not python(tmp_path, {"pyproject.toml": manifest, "uv.lock": "version = 1\n"}).inputs


def test_member_of_a_uv_workspace_has_its_roots_lockfile(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*"]\n',
        "uv.lock": "version = 1\n",
        "apps/api/pyproject.toml": '[project]\nname = "api"\n',
        "apps/api/main.py": "",
    }
    plan = of(tmp_path, dict(files), "apps/api")
    assert set(plan.inputs) == {"pyproject.toml", "../../uv.lock", "../../pyproject.toml"}
