"""The frameworks of PHP: what they are known by, and where the files lie that visitors may see."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.languages.php.composer import Composer
from supervisor.languages.source import Source

PUBLIC = ("public", "web", "webroot", "htdocs", "public_html", "docroot", "pub", "www", "html")
"""Directories that are served where nothing else is said, in this order, if they have an index.php."""


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, known by packages that a project requires, or by files; `public` is the directory that it serves."""

    name: str
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    public: str | None = None


# The first one that fits: Lumen and many others are built on parts of Laravel and Symfony.
FRAMEWORKS = (
    Framework("lumen", ("laravel/lumen-framework",), public="public"),
    Framework("laravel-zero", ("laravel-zero/framework",)),
    Framework("laravel", ("laravel/framework",), public="public"),
    Framework("drupal", ("drupal/core-recommended", "drupal/core", "drupal/recommended-project"), public="web"),
    Framework("wordpress", ("roots/wordpress", "johnpbloch/wordpress"), ("wp-load.php", "wp-config-sample.php")),
    Framework("craft", ("craftcms/cms",), public="web"),
    Framework("magento", ("magento/product-community-edition",), public="pub"),
    Framework("api-platform", ("api-platform/core", "api-platform/symfony"), public="public"),
    Framework("symfony", ("symfony/framework-bundle", "symfony/symfony"), public="public"),
    Framework("codeigniter", ("codeigniter4/framework",), ("spark",), "public"),
    Framework("cakephp", ("cakephp/cakephp",), public="webroot"),
    Framework("yii", ("yiisoft/yii2", "yiisoft/yii-runner-http"), public="web"),
    Framework("laminas", ("laminas/laminas-mvc",), public="public"),
    Framework("mezzio", ("mezzio/mezzio",), public="public"),
    Framework("hyperf", ("hyperf/framework", "hyperf/http-server")),
    Framework("phalcon", ("phalcon/cphalcon", "ext-phalcon"), public="public"),
    Framework("slim", ("slim/slim",), public="public"),
    Framework("flight", ("flightphp/core", "mikecao/flight")),
    Framework("fatfree", ("bcosca/fatfree", "bcosca/fatfree-core")),
    Framework("silex", ("silex/silex",)),
)


def of(source: Source, own: Composer) -> Framework | None:
    """The framework of a project."""
    for framework in FRAMEWORKS:
        if any(package in own.packages for package in framework.packages):
            return framework
    found = (f for f in FRAMEWORKS if f.files and source.first_file(*f.files))
    return next(found, None)
