"""Prisma on a real PostgreSQL: the schema is migrated by the hook that the page about hooks shows."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.orbit import Orbit, free_port
from tests.support.repository import Repository
from tests.support.waiting import wait_until

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # where Debian has them
FOUND = shutil.which("postgres", path=os.pathsep.join([*map(str, PROGRAMS), os.environ.get("PATH", "")]))

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(FOUND is None, reason="there is no PostgreSQL"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm"),
]

PASSWORD = "correct-horse-battery"
HOOK = """#!/bin/bash
# pre-deploy.sh
set -e

echo "=========================================="
echo "Running Prisma Migrations"
echo "=========================================="

# Generate Prisma client
npx prisma generate

# Run migrations
npx prisma migrate deploy

echo "Migrations completed successfully"
"""
SCHEMA = """
generator client {
  provider   = "prisma-client-js"
  engineType = "client"
}

datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

model Order {
  id Int @id @default(autoincrement())
  FIELD
}
"""
CONFIG = """
import { PrismaPg } from "@prisma/adapter-pg";
import { defineConfig } from "prisma/config";

export default defineConfig({
  experimental: { adapter: true },
  engine: "js",
  schema: "prisma/schema.prisma",
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
});
"""
INDEX = """
const http = require("node:http");
const { PrismaPg } = require("@prisma/adapter-pg");
const { PrismaClient } = require("@prisma/client");

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL });
const prisma = new PrismaClient({ adapter });
http.createServer(async (request, response) => {
  if (request.url === "/order") await prisma.order.create({ data: NEW_ORDER });
  const orders = await prisma.order.findMany({ orderBy: { id: "asc" } });
  response.end(JSON.stringify({ version: "VERSION", orders }));
}).listen(process.env.PORT);
"""


def shop(version: str, field: str, order: str) -> dict[str, str | None]:
    """An application on Prisma without its downloaded engines, which not every network lets through."""
    dependencies = {
        "@prisma/adapter-pg": "7.10.1",
        "@prisma/client": "6.19.3",
        "pg": "8.16.3",
        "prisma": "6.19.3",
    }
    package = {"name": "shop", "private": True, "scripts": {"start": "node index.js"}, "dependencies": dependencies}
    return {
        "package.json": json.dumps(package),
        ".npmrc": "legacy-peer-deps=true\nignore-scripts=true\nprefer-offline=true\naudit=false\n",
        "prisma.config.ts": CONFIG,
        "prisma/schema.prisma": SCHEMA.replace("FIELD", field),
        "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
        "prisma/migrations/1_orders/migration.sql": 'CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY);\n',
        "index.js": INDEX.replace("VERSION", version).replace("NEW_ORDER", order),
        "pre-deploy.sh": HOOK,
    }


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database in a cluster of its own on loopback; PostgreSQL refuses to run as root."""
    assert FOUND is not None
    user = ("postgres" if _is_user("postgres") else "nobody") if os.getuid() == 0 else None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="orbit-postgres-", ignore_cleanup_errors=True) as place:
        if user:
            shutil.chown(place, user)
        password = Path(place, "password")
        password.write_text(PASSWORD)
        password.chmod(0o644)
        data = f"{place}/data"
        initdb = Path(FOUND).resolve().with_name("initdb")
        options = ("-U", "shop", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync", "-E", "UTF8")
        _run(initdb, "-D", data, *options, user=user, cwd=place)
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        log = Path(place, "log")
        with log.open("wb") as output:
            server = subprocess.Popen(
                [FOUND, "-D", data, *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))],
                user=user,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until(lambda: "ready to accept connections" in log.read_text(), 30.0)
            yield f"postgresql://shop:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown: nobody is waited for
            server.wait(timeout=30)


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _run(program: Path, *words: str, user: str | None, cwd: str) -> None:
    done = subprocess.run([program, *words], user=user, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_prisma_migrates_in_the_hook_and_a_failed_migration_leaves_the_live_version_alone(
    orbit: Orbit, repository: Repository, database: str
) -> None:
    orbit.env |= {"DATABASE_URL": database, "CHECKPOINT_DISABLE": "1", "HOOK_TIMEOUT": "120"}
    repository.push(shop("1", "", "{}"))
    orbit.start()
    orbit.wait_version("1", 200)
    orbit.wait_idle(1)
    assert orbit.ask("/order") == {"version": "1", "orders": [{"id": 1}]}

    added: dict[str, str | None] = {
        "prisma/migrations/2_note/migration.sql": 'ALTER TABLE "Order" ADD COLUMN "note" TEXT;\n',
        "package-lock.json": (orbit.home / "production/current/package-lock.json").read_text(),
    }
    good = repository.push(shop("2", "note String?", '{ note: "quick" }') | added)
    orbit.hup()
    orbit.wait_version("2", 200)
    orbit.wait_idle(2)
    assert orbit.ask("/order") == {
        "version": "2",
        "orders": [{"id": 1, "note": None}, {"id": 2, "note": "quick"}],
    }

    pid = orbit.status()["app"]["pid"]
    repository.push({"prisma/migrations/3_bad/migration.sql": 'ALTER TABLE "Order" DROP COLUMN "nothing";\n'})
    orbit.hup()
    record = orbit.wait_idle(3, 200)
    assert (record["outcome"], record["stage"]) == ("failed", "pre_deploy")
    assert any("nothing" in line for line in orbit.status()["last_failed_deployment"]["tail"])
    assert (orbit.current, orbit.version(), orbit.status()["app"]["pid"]) == (f"002-{good}", "2", pid)

    said = orbit.log("hooks.log")
    assert "1_orders" in said and "2_note" in said
    assert said.count("Migrations completed successfully") == 2
    assert PASSWORD not in said + orbit.output()
