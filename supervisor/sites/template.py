"""The text of nginx's configuration. `%{name}` stands for what `config` puts there; `$name` is nginx's own."""

from __future__ import annotations

CONFIGURATION = r"""# Made by Orbit, and made anew at every deployment.
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
    variables_hash_max_size 4096;
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
    %{waits_idle}
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

    # The address as it was sent, with a slash at its end, or without; none with a backslash, which may lead elsewhere.
    map $request_uri $slashed {
        default "/";
        "~^/*+(?<path1>[^?\x5c]*[^?/\x5c])/*+(?<query1>\?.*)?$" "/$path1/$query1";
    }
    map $request_uri $unslashed {
        default "/";
        "~^/*+(?<path2>[^?\x5c]*[^?/\x5c])/*+(?<query2>\?.*)?$" "/$path2$query2";
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
%{header_maps}
    # What the site's own _redirects say.
    map $request_uri $forced_code {
        default 0;
%{forced_codes}    }
    map $request_uri $forced_target {
        default "";
%{forced_targets}    }
    map $request_uri $other_code {
        default 0;
%{other_codes}    }
    map $request_uri $other_target {
        default "";
%{other_targets}    }
    # What a visitor has put into it leads neither out of the site nor to what is hidden.
    map "$other_code $other_target" $rewritten {
        default "/.none";
        "~/\.(?!well-known(?:/|$))" "/.none";
        "~^200 /+(?:%{hidden})$" "/.none";
        "~^200 (?<rewritten_path>/.*)$" $rewritten_path;
    }
    map "$is_page $other_code" $is_lost {
        default 0;
        "0 0" 1;
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
        %{forced_returns}
        disable_symlinks %{symlinks};
        error_page 403 404 =404 @missing;

%{header_lines}        add_header Allow $allowed always;
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
            %{other_returns}
            if ($is_lost) {
                return 404;
            }
            try_files $rewritten $rewritten.html ${rewritten}/index.html %{fallback};
        }
        location @no_file {
            root $site;
            if (-f "$site$uri/index.html") {
                return 301 $slashed;
            }
            %{other_returns}
            if ($is_lost) {
                return 404;
            }
            try_files $rewritten $rewritten.html ${rewritten}/index.html %{fallback};
        }
        location @missing {
            root $site;
            try_files /404.html /404/index.html @plain;
        }
        location @plain {
            types { }
            default_type text/html;
            return 404 '<!doctype html>\n<title>Not found</title>\n<h1>Not found</h1>\n';
        }
    }
}
"""
