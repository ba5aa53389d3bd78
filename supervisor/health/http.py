"""The HTTP check: 2xx and 3xx on the application's port are good."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

import h11

from supervisor.health.check import Answer

ADDRESSES = ("127.0.0.1", "::1")
"""Both are asked: Node listens on ::1 alone when it is told “localhost”."""
BODY_BYTES = 2048
SLOWEST_ANSWER_S = 10.0
TAKEN_S = 1.0
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """GET `path` on `port` of this machine."""

    port: int
    path: str

    @property
    def patience_s(self) -> float:
        return PATIENCE_S

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}{self.path}"

    async def ask(self, timeout_s: float) -> Answer:
        """One round over the loopback addresses."""
        problem = "no answer"
        for address in ADDRESSES:
            try:
                async with asyncio.timeout(min(timeout_s, SLOWEST_ANSWER_S)):
                    status, body = await self._get(address)
                return Answer(200 <= status < 400, self.url, status, body.decode("utf-8", "replace"))
            except TimeoutError:
                return Answer(False, self.url, None, "it takes connections, but does not answer")
            except OSError as error:
                problem = os.strerror(error.errno) if error.errno else str(error)
            except (h11.RemoteProtocolError, asyncio.IncompleteReadError) as error:
                return Answer(False, self.url, None, f"it answers, but not in HTTP: {error}")
        return Answer(False, self.url, None, problem, reached=False)

    async def is_taken(self) -> bool:
        """Whether anybody takes connections on the port."""
        for address in ADDRESSES:
            try:
                async with asyncio.timeout(TAKEN_S):
                    _, writer = await asyncio.open_connection(address, self.port)
            except (OSError, TimeoutError):
                continue
            writer.close()
            return True
        return False

    async def _get(self, address: str) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(address, self.port)
        try:
            connection = h11.Connection(h11.CLIENT)
            headers = [
                ("Host", f"localhost:{self.port}"),
                ("User-Agent", "orbit-health-check"),
                ("Connection", "close"),
            ]
            request = h11.Request(method="GET", target=self.path, headers=headers)
            writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
            return await _read_answer(connection, reader)
        finally:
            writer.close()


async def _read_answer(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes]:
    status, body = 0, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            if status < 400:
                return status, b""  # good: what it says does not matter
        elif isinstance(event, h11.Data):
            body += event.data[: BODY_BYTES - len(body)]
            if len(body) >= BODY_BYTES:
                return status, body
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return status, body
