"""A Java application, built by Maven from what Debian has of it: nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.orbit import Orbit
from tests.support.repository import Repository

REPOSITORY = Path("/usr/share/maven-repo")
PLUGINS = REPOSITORY / "org/apache/maven/plugins"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("mvn") is None or shutil.which("javac") is None, reason="there is no Maven"),
    pytest.mark.skipif(not (PLUGINS / "maven-jar-plugin").exists(), reason="there are no plugins of Debian's Maven"),
]

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId>
  <artifactId>hello</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.release>11</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-jar-plugin</artifactId>
        <configuration>
          <archive>
            <manifest>
              <mainClass>org.example.App</mainClass>
            </manifest>
          </archive>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
APP = """package org.example;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class App {
    public static void main(String[] args) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
        var text = "{\\"version\\": \\"VERSION\\", \\"home\\": \\"" + System.getenv("JAVA_HOME")
            + "\\", \\"option\\": \\"" + System.getProperty("told") + "\\"}";
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, text.length());
            exchange.getResponseBody().write(text.getBytes());
            exchange.close();
        });
        server.start();
    }
}
"""
WRAPPER = '#!/bin/sh\nexec mvn -o -Dmaven.repo.local="$OFFLINE" "$@"\n'


def application(version: str) -> dict[str, str | None]:
    return {
        "pom.xml": POM,
        "src/main/java/org/example/App.java": APP.replace("VERSION", version),
        "mvnw": WRAPPER,
        ".mvn/wrapper/maven-wrapper.properties": "",
        ".gitignore": "target/\n",
    }


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    """Debian's repository, with one thing more that Maven itself adds to old plugins."""
    copy = tmp_path / "maven"
    shutil.copytree(REPOSITORY, copy, symlinks=False, copy_function=os.symlink)
    utils = copy / "org/codehaus/plexus/plexus-utils"
    (utils / "1.1").mkdir()
    shutil.copy(utils / "2.x/plexus-utils-2.x.jar", utils / "1.1/plexus-utils-1.1.jar")
    (utils / "1.1/plexus-utils-1.1.pom").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>org.codehaus.plexus</groupId>"
        "<artifactId>plexus-utils</artifactId><version>1.1</version></project>"
    )
    return copy


def test_java_is_built_by_maven_served_pushed_to_and_not_hurt_by_broken_code(
    orbit: Orbit, repository: Repository, offline: Path
) -> None:
    orbit.env |= {"OFFLINE": str(offline), "JAVA_OPTS": "-Dtold=yes -Xmx64m", "JAVA_HOME": "/nonexistent"}
    one = repository.push(application("1"))
    orbit.start()
    orbit.wait_version("1", 150)
    assert orbit.wait_idle(1)["outcome"] == "succeeded"
    answer = orbit.ask()
    assert answer is not None and answer["option"] == "yes"
    assert (Path(answer["home"]) / "bin/javac").exists()

    two = repository.push(application("2"))
    orbit.hup()
    orbit.wait_version("2", 150)
    assert orbit.wait_idle(2)["outcome"] == "succeeded"
    assert orbit.releases() == [f"001-{one}", f"002-{two}"]

    repository.push({"src/main/java/org/example/App.java": "class App {"})
    orbit.hup()
    record = orbit.wait_idle(3, 150)
    assert (record["outcome"], record["stage"]) == ("failed", "building")
    assert orbit.version() == "2" and orbit.current == f"002-{two}"
