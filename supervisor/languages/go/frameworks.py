"""The frameworks of Go, and the modules that need a C compiler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework's name, its module (without the major version), and what its programs are started with."""

    name: str
    module: str
    arguments: str = ""

    def among(self, paths: Iterable[str]) -> bool:
        """Whether one of the modules or imports is it."""
        return any(_is_of(path, self.module) for path in paths)


FRAMEWORKS = (
    Framework("gin", "github.com/gin-gonic/gin"),
    Framework("echo", "github.com/labstack/echo"),
    Framework("fiber", "github.com/gofiber/fiber"),
    Framework("chi", "github.com/go-chi/chi"),
    Framework("gorilla", "github.com/gorilla/mux"),
    Framework("beego", "github.com/beego/beego"),
    Framework("beego", "github.com/astaxie/beego"),
    Framework("buffalo", "github.com/gobuffalo/buffalo"),
    Framework("pocketbase", "github.com/pocketbase/pocketbase", "serve --http=0.0.0.0:$PORT"),
    Framework("iris", "github.com/kataras/iris"),
    Framework("hertz", "github.com/cloudwego/hertz"),
    Framework("goframe", "github.com/gogf/gf"),
    Framework("revel", "github.com/revel/revel"),
    Framework("martini", "github.com/go-martini/martini"),
    Framework("httprouter", "github.com/julienschmidt/httprouter"),
    Framework("fasthttp", "github.com/valyala/fasthttp"),
)

_IN_C = (
    "github.com/mattn/go-sqlite3",
    "github.com/mutecomm/go-sqlcipher",
    "github.com/marcboeker/go-duckdb",
    "github.com/tursodatabase/go-libsql",
    "github.com/confluentinc/confluent-kafka-go",
    "github.com/h2non/bimg",
    "github.com/davidbyttow/govips",
    "gopkg.in/gographics/imagick",
    "gocv.io/x/gocv",
)


def of(imports: Iterable[str], requires: Iterable[str]) -> Framework | None:
    """The one that the program itself imports, else the first among what its module requires."""
    for paths in (tuple(imports), tuple(requires)):
        found = next((framework for framework in FRAMEWORKS if framework.among(paths)), None)
        if found is not None:
            return found
    return None


def serves(imports: Iterable[str]) -> bool:
    """Whether what a program imports has a server in it."""
    paths = tuple(imports)
    return "net/http" in paths or of(paths, ()) is not None


def in_c(modules: Iterable[str]) -> str | None:
    """The first module that is of no use without cgo."""
    return next((path for path in modules if any(_is_of(path, known) for known in _IN_C)), None)


def _is_of(path: str, module: str) -> bool:
    return path == module or path.startswith((f"{module}/", f"{module}."))
