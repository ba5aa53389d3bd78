"""The frameworks of the JVM: what they are known by, and how each is told which port to listen on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, known by groups of its artifacts or ids of its plugins: the whole, or followed by a dot.

    `options` go to the JVM before `-jar`, `arguments` to the program.
    """

    name: str
    groups: tuple[str, ...]
    options: str = ""
    arguments: str = ""


# The first one that fits: several are built on Netty or Vert.x, and Grails on Spring Boot.
FRAMEWORKS = (
    Framework(
        "quarkus",
        ("io.quarkus", "com.redhat.quarkus"),
        "-Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=$PORT",
    ),
    Framework("micronaut", ("io.micronaut",), "-Dmicronaut.server.port=$PORT"),
    Framework("grails", ("org.grails", "org.apache.grails"), "-Dserver.port=$PORT"),
    Framework("spring-boot", ("org.springframework.boot",), "-Dserver.port=$PORT"),
    Framework("dropwizard", ("io.dropwizard",), arguments="server"),
    Framework("helidon", ("io.helidon",), "-Dserver.port=$PORT"),
    Framework("thorntail", ("io.thorntail", "org.wildfly.swarm"), "-Dswarm.http.port=$PORT"),
    Framework("ktor", ("io.ktor",)),
    Framework("http4k", ("org.http4k",)),
    Framework("javalin", ("io.javalin",)),
    Framework("spark", ("com.sparkjava",)),
    Framework("jooby", ("io.jooby", "org.jooby"), "-Dserver.port=$PORT"),
    Framework("ratpack", ("io.ratpack",), "-Dratpack.port=$PORT"),
    Framework("vertx", ("io.vertx",)),
    Framework("armeria", ("com.linecorp.armeria",)),
    Framework("undertow", ("io.undertow",)),
    Framework("jetty", ("org.eclipse.jetty",)),
    Framework("tomcat", ("org.apache.tomcat.embed",)),
)


def of(groups: Collection[str]) -> Framework | None:
    """The framework of a project with artifacts and plugins of these groups."""
    for framework in FRAMEWORKS:
        if any(group == known or group.startswith(known + ".") for group in groups for known in framework.groups):
            return framework
    return None
