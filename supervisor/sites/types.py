"""Media types by the ends of files' names. The system's own table is missing in places, and old in others."""

from __future__ import annotations

TYPES = {
    "text/html": "html htm shtml",
    "text/css": "css",
    "text/javascript": "js mjs cjs",
    "text/plain": "txt text log conf",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/vcard": "vcf",
    "text/calendar": "ics",
    "text/vtt": "vtt",
    "text/xml": "xml xsl",
    "application/json": "json map topojson",
    "application/geo+json": "geojson",
    "application/ld+json": "jsonld",
    "application/manifest+json": "webmanifest",
    "application/atom+xml": "atom",
    "application/rss+xml": "rss",
    "application/xhtml+xml": "xhtml",
    "application/wasm": "wasm",
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/zip": "zip",
    "application/gzip": "gz tgz",
    "application/x-bzip2": "bz2",
    "application/x-xz": "xz",
    "application/x-7z-compressed": "7z",
    "application/x-tar": "tar",
    "application/java-archive": "jar",
    "application/rtf": "rtf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.android.package-archive": "apk",
    "application/vnd.apple.mpegurl": "m3u8",
    "application/vnd.ms-fontobject": "eot",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "font/ttf": "ttf",
    "font/otf": "otf",
    "font/collection": "ttc",
    "image/png": "png",
    "image/apng": "apng",
    "image/jpeg": "jpg jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/jxl": "jxl",
    "image/heic": "heic",
    "image/svg+xml": "svg svgz",
    "image/x-icon": "ico",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/ogg": "ogg oga opus",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/midi": "mid midi",
    "audio/webm": "weba",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "video/mpeg": "mpg mpeg",
    "video/mp2t": "ts m2ts",
    "video/x-msvideo": "avi",
    "model/gltf-binary": "glb",
    "model/gltf+json": "gltf",
}

TEXT = tuple(
    f"{kind}"
    for kind in TYPES
    if kind.startswith("text/")
    or kind.endswith(("+json", "+xml", "/json", "/wasm", "/rtf", "ms-fontobject", "/ttf", "/otf", "/bmp", "x-icon"))
    or kind == "application/vnd.apple.mpegurl"
)
"""What compression makes smaller."""

PAGES = frozenset(("html", "htm", "shtml", "xhtml"))
FILES = tuple(end for ends in TYPES.values() for end in ends.split() if end not in PAGES)
"""Ends of names that no page has: who asks for one wants that file, and not the application's page."""
