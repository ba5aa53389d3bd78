"""What `orbit run` does, without the command line, which a process that stays for months has no further use for."""

from __future__ import annotations

import asyncio
import os

from loguru import logger

from supervisor import __version__, log, settings
from supervisor.assembly import Assembly
from supervisor.errors import OrbitError
from supervisor.loop import Supervisor
from supervisor.shim import kernel
from supervisor.shim.init import CRASHED


def supervise() -> None:
    """Be the supervisor, until SIGTERM or SIGINT. Raises OrbitError, SystemExit."""
    kernel.hide()
    loaded = settings.load(os.environ)
    parts = Assembly(loaded, os.environ)
    log.configure(
        level=loaded.log_level,
        setup_log=parts.layout.setup_log,
        max_bytes=loaded.log_policy.max_bytes,
        backups=loaded.log_policy.backups,
        secrets=parts.secrets,
    )
    for line in settings.unknown(os.environ):
        logger.warning(line)
    user = parts.user.name if parts.user else "the user who started it"
    logger.info("orbit {} in {}, pid {}; the application runs as {}", __version__, loaded.orbit_home, os.getpid(), user)
    try:
        asyncio.run(Supervisor(parts).run())
    except (OSError, OrbitError) as error:
        logger.critical("cannot go on: {}; the application goes on, the supervisor ends", error)
        raise SystemExit(CRASHED) from None
    except Exception as error:  # noqa: BLE001 the last boundary: the application goes on, init starts us again
        logger.opt(exception=error).critical("internal error; the application goes on, the supervisor ends")
        raise SystemExit(CRASHED) from None
    finally:
        parts.close()
