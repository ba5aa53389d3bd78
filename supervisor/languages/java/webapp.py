"""A web archive: it needs a server to be put into."""

from __future__ import annotations

from supervisor.languages.java.pom import Pom

RUNNERS = {"javax": "9.0.41.0", "jakarta": "LATEST"}  # of com.heroku:webapp-runner, Tomcat in a jar


def of_war(module: Pom, target: str) -> tuple[str | None, str]:
    """The server that the project brings, or Tomcat in a jar, fetched by the build; and further goals of the build."""
    for plugin in module.plugin("maven-dependency-plugin"):
        for item in plugin.below("artifactItem"):
            artifact = item.text_of("artifactId") or ""
            name = item.text_of("destFileName") or f"{artifact}*.jar"
            if artifact in ("webapp-runner", "jetty-runner", "jetty-home"):
                return f"java $JAVA_OPTS -jar {target}/dependency/{name} --port $PORT {target}/*.war", ""
    for artifact, goal in (
        ("liberty-maven-plugin", "liberty:run -Dliberty.var.default.http.port=$PORT"),
        ("tomcat7-maven-plugin", "tomcat7:run-war-only -Dmaven.tomcat.port=$PORT"),
        ("wildfly-maven-plugin", "wildfly:run -Djboss.http.port=$PORT -Djboss.bind.address=0.0.0.0"),
        ("payara-micro-maven-plugin", "payara-micro:start -Dpayara.port=$PORT"),
    ):
        if module.plugin(artifact) and target == "target":
            return f"mvn -B {goal}", ""
    jakarta = any((d.text_of("groupId") or "").startswith("jakarta.") for d in module.dependencies())
    version = RUNNERS["jakarta" if jakarta else "javax"]
    copy = (
        f"dependency:copy -Dartifact=com.heroku:webapp-runner:{version}:jar -DoutputDirectory=target/runner "
        "-Dmdep.stripVersion=true"
    )
    return f"java $JAVA_OPTS -jar {target}/runner/webapp-runner.jar --port $PORT {target}/*.war", copy
