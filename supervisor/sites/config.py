"""The configuration of nginx for a site.

One server process serves release after release. The files are found through a link that is moved when a release goes
live; each request looks where it leads once, at its beginning, and sees that release alone (`$site`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from supervisor.errors import OrbitError
from supervisor.sites.types import FILES, TEXT, TYPES

HIDDEN = (
    "Procfile", "pre-deploy.sh", "post-deploy.sh", "_headers", "_redirects", "flux.yaml", "flux.yml", "flux.json",
    "render.yaml", "railway.json", "railway.toml", "nixpacks.toml", "heroku.yml", "netlify.toml", "vercel.json",
    "Staticfile", "Dockerfile", "docker-compose.yml", "docker-compose.yaml",
)  # fmt: skip
"""Files of a repository's root that are for those who deploy it, for where that root is the site."""

IMMUTABLE = "public, max-age=31536000, immutable"
_FOLDERS = "(?:assets|_astro|static|build|chunks|js|css|img|media|fonts)"
HASHED = (
    r"/(?:_next/static|_app/immutable)/.+\.[a-z0-9]+$",
    r"/_nuxt/[^/]+\.(?:m?js|css|woff2?|png|jpe?g|svg|webp|avif|gif)$",
    # main.8f3a2b1c.js, app-0b5c9e….css: hexadecimal, with figures and letters
    r"[-._](?=[a-f0-9]*[0-9])(?=[a-f0-9]*[a-f])[a-f0-9]{8,64}(?:\.[a-z-]+)?\.[a-z0-9]+(?:\.map)?$",
    # assets/index-BxY3k_9a.js: eight of all kinds, which neither Summer24.png nor IMG_1234.jpg has
    rf"/{_FOLDERS}/(?:.*[-.])?(?=[\w-]*[0-9])(?=[\w-]*[a-z])(?=[\w-]+?[A-Z])[\w-]{{8}}\.[a-z0-9]+(?:\.map)?$",
    rf"/{_FOLDERS}/(?:.*[-.])?(?=[\w-]*[a-z])(?=(?:[\w-]*?[A-Z]){{3}})[\w-]{{8}}\.(?:m?js|css)(?:\.map)?$",
    # main-ABCD2345.js
    r"[-.][A-Z0-9]{8}\.(?:m?js|css)(?:\.map)?$",
)
"""Names that change with the content. What is not surely one is asked for again: that costs little, and the other
mistake shows people an old file for a year."""


@dataclass(frozen=True, slots=True)
class Server:
    """What of the configuration is the machine's: the same for every release.

    `directory` holds what nginx writes; `live` is the link to the files. `user` is set where nginx is root.
    """

    port: int
    ipv6: bool
    directory: Path
    live: Path
    workers: int
    connections: int
    modules: tuple[str, ...] = ()  # files to load
    can: frozenset[str] = frozenset()  # gzip_static, brotli
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What of the configuration is the release's.

    `single_page`: a path that is no file is index.html's. `links`: symbolic links are followed. `utf8`: texts are
    said to be in UTF-8.
    """

    single_page: bool = False
    links: bool = False
    utf8: bool = True


class _Template(Template):
    delimiter = "%"


def text(server: Server, options: Options) -> str:
    """The whole configuration. Raises OrbitError about a path that nginx cannot be told."""
    directory = quoted(server.directory)
    values = {
        "load": "".join(f"load_module {quoted(name)};\n" for name in server.modules),
        "user": f"user {server.user};\n" if server.user else "",
        "workers": str(server.workers),
        "connections": str(server.connections),
        "directory": directory[1:-1],
        "live": quoted(server.live),
        "types": "".join(f"        {kind} {ends};\n" for kind, ends in TYPES.items()),
        "charset": "utf-8" if options.utf8 else "off",
        "text": " ".join(sorted(set(TEXT) - {"text/html"})),
        "charset_types": " ".join(sorted(kind for kind in TEXT if kind.startswith("text/") and kind != "text/html")),
        "gzip_static": "gzip_static on;" if "gzip_static" in server.can else "",
        "brotli": _brotli() if "brotli" in server.can else "",
        "files": "|".join(FILES),
        "hashed": "".join(f'        "~{pattern}" "{IMMUTABLE}";\n' for pattern in HASHED),
        "listen": "".join(f"listen {place};\n        " for place in _places(server)),
        "symlinks": "off" if options.links else "on from=$site",
        "hidden": "|".join(re.escape(name) for name in HIDDEN),
        "fallback": "/200.html /index.html =404" if options.single_page else "/200.html =404",
    }
    return _Template(_CONFIGURATION).substitute(values)


def quoted(path: Path | str) -> str:
    """A path as a word of the configuration. Raises OrbitError."""
    name = str(path)
    if "$" in name or "\n" in name or "\0" in name:
        raise OrbitError(f"cannot serve a site from {name!r}: nginx takes no such path; set another ORBIT_HOME")
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _places(server: Server) -> tuple[str, ...]:
    there = f"0.0.0.0:{server.port}"
    return (there, f"[::]:{server.port} ipv6only=on") if server.ipv6 else (there,)


def _brotli() -> str:
    return f"brotli on;\n    brotli_static on;\n    brotli_types {' '.join(sorted(set(TEXT) - {'text/html'}))};"


_CONFIGURATION = r"""# Made by Orbit, and made anew at every deployment.
%{load}%{user}daemon off;
worker_processes %{workers};
pid "%{directory}/nginx.pid";
error_log stderr warn;

events {
    worker_connections %{connections};
}

http {
    types {
%{types}    }
    types_hash_max_size 4096;
    default_type application/octet-stream;
    charset %{charset};
    charset_types %{charset_types};

    client_body_temp_path "%{directory}/body";
    proxy_temp_path "%{directory}/proxy";
    fastcgi_temp_path "%{directory}/fastcgi";
    uwsgi_temp_path "%{directory}/uwsgi";
    scgi_temp_path "%{directory}/scgi";

    map $http_user_agent $is_logged {
        default 1;
        orbit-health-check 0;
    }
    log_format short '$remote_addr "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
    access_log /dev/stdout short buffer=16k flush=1s if=$is_logged;
    log_not_found off;

    server_tokens off;
    absolute_redirect off;
    port_in_redirect off;
    sendfile on;
    tcp_nopush on;
    etag on;

    # What a stranger can hold is little, and not for long.
    client_header_timeout 10s;
    client_body_timeout 10s;
    send_timeout 30s;
    keepalive_timeout 65s;
    keepalive_requests 10000;
    reset_timedout_connection on;
    client_header_buffer_size 1k;
    large_client_header_buffers 4 8k;
    client_max_body_size 1k;
    max_ranges 16;

    gzip on;
    gzip_comp_level 5;
    gzip_min_length 860;
    gzip_proxied any;
    gzip_vary on;
    gzip_types %{text};
    %{gzip_static}
    %{brotli}

    # Where the files are, the same from a request's beginning to its end. The link may lead elsewhere meanwhile.
    map $realpath_root $site {
        default $realpath_root;
    }

    # The health check names a release, and is told so if this is the one that answers.
    map "$http_x_orbit_release $site" $confirmed {
        default "";
        "~^(?<asked>[^ ]+) .*/releases/\k<asked>(?:/|$)" $asked;
    }

    # A path that is no file may be a page of the application, but only for who takes a page, and no picture or script.
    map $http_accept $takes_pages {
        default 0;
        "" 1;
        "~*text/html" 1;
        "~\*/\*" 1;
    }
    map $uri $is_page {
        default $takes_pages;
        "~*\.(?:%{files})$" 0;
    }

    # The address as it was sent, with a slash at its end, or without.
    map $request_uri $slashed {
        default "/";
        "~^/*+(?<path1>[^?]*[^?/])/*+(?<query1>\?.*)?$" "/$path1/$query1";
    }
    map $request_uri $unslashed {
        default "/";
        "~^/*+(?<path2>[^?]*[^?/])/*+(?<query2>\?.*)?$" "/$path2$query2";
    }
    map $uri $bare {
        default "/..";
        "~^(?<bare_path>/.+)/$" $bare_path;
    }

    map $uri $lifetime {
        default "no-cache";
        "~*\.x?html?$" "no-cache";
%{hashed}    }
    map $status $cache {
        default $lifetime;
        "~^(?:30[12378]|[45]..)$" "no-cache";
    }
    map $status $allowed {
        default "";
        405 "GET, HEAD";
    }

    server {
        %{listen}server_name _;
        root %{live};
        set $pinned $site;
        if ($request_method !~ "^(?:GET|HEAD)$") {
            return 405;
        }
        disable_symlinks %{symlinks};
        error_page 403 404 =404 @missing;

        add_header Cache-Control $cache always;
        add_header X-Content-Type-Options nosniff always;
        add_header Referrer-Policy strict-origin-when-cross-origin always;
        add_header Allow $allowed always;
        add_header X-Orbit-Release $confirmed always;

        location ~ "/\.(?!well-known(?:/|$))" {
            return 404;
        }
        location ~ "^/(?:%{hidden})$" {
            return 404;
        }
        location = /.well-known/apple-app-site-association {
            root $site;
            default_type application/json;
            try_files $uri =404;
        }
        location ~ "/$" {
            root $site;
            try_files "${uri}index.html" @no_directory;
        }
        location / {
            root $site;
            try_files $uri $uri.html @no_file;
        }
        location @no_directory {
            root $site;
            if (-f "$site$bare.html") {
                return 301 $unslashed;
            }
            if ($is_page = 0) {
                return 404;
            }
            try_files %{fallback};
        }
        location @no_file {
            root $site;
            if (-f "$site$uri/index.html") {
                return 301 $slashed;
            }
            if ($is_page = 0) {
                return 404;
            }
            try_files %{fallback};
        }
        location @missing {
            root $site;
            try_files /404.html /404/index.html @plain;
        }
        location @plain {
            default_type text/html;
            return 404 '<!doctype html>\n<title>Not found</title>\n<h1>Not found</h1>\n';
        }
    }
}
"""
