"""A virtual environment that was copied is made right for its new place, and the one that it was copied from stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from supervisor.runtimes import venv


def test_programs_and_editable_packages_of_a_copy_are_its_own(tmp_path: Path) -> None:
    one, two = tmp_path / "001-abc", tmp_path / "002-def0"
    site = Path(".venv/lib/python3/site-packages")
    (one / site).mkdir(parents=True)
    (one / ".venv" / "bin").mkdir()
    program = one / ".venv" / "bin" / "greet"
    program.write_text(f"#!{one}/.venv/bin/python\nprint('{one}-x')\n")
    program.chmod(0o755)
    (one / ".venv" / "bin" / "python").symlink_to(shutil.which("python3") or "")
    (one / site / "greeting.pth").write_text(f"{one}/src\n")
    shutil.copytree(one, two, symlinks=True, copy_function=os.link)

    subprocess.run(venv.relocation(one), cwd=two, check=True, timeout=30)

    assert (two / ".venv" / "bin" / "greet").read_text() == f"#!{two}/.venv/bin/python\nprint('{one}-x')\n"
    assert os.access(two / ".venv" / "bin" / "greet", os.X_OK)
    assert (two / site / "greeting.pth").read_text() == f"{two}/src\n"
    assert program.read_text().startswith(f"#!{one}/")
    assert (one / site / "greeting.pth").read_text() == f"{one}/src\n"
