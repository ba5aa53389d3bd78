"""The HTTP check: 2xx and 3xx on the application's port are good."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass

import h11

from supervisor.health.check import Answer

ADDRESSES = ("127.0.0.1", "::1")
"""Both are asked: Node listens on ::1 alone when it is told “localhost”."""
BODY_BYTES = 2048
SLOWEST_ANSWER_S = 10.0
TAKEN_S = 0.05
PATIENCE_S = 5.0
RELEASE_HEADER = "X-Orbit-Release"


def is_taken(port: int) -> bool:
    """Whether anybody takes connections on a port of this machine. A listener too busy to answer has it as well.

    A port that can be bound is nobody's, which the kernel says at once. Connecting takes as long as the network's
    queue, and while nobody serves that is full of those who ask for the application (10 ms, as measured).
    """
    return any(not _can_bind(address, port) and _answers(address, port) for address in ADDRESSES)


def _can_bind(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:  # also for lack of the right to, or of the address
            return False
    return True


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), TAKEN_S).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """GET `path` on `port` of this machine. With `release`, the answer has to be that release's, which the web server
    confirms."""

    port: int
    path: str
    release: str | None = None

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
                    status, body, confirmed = await self._get(address)
                if self.release and confirmed != self.release:
                    return Answer(False, self.url, None, f"the answer is not that of release {self.release}")
                return Answer(200 <= status < 400, self.url, status, body.decode("utf-8", "replace"))
            except TimeoutError:
                return Answer(False, self.url, None, "it takes connections, but does not answer")
            except OSError as error:
                problem = os.strerror(error.errno) if error.errno else str(error)
            except (h11.RemoteProtocolError, asyncio.IncompleteReadError) as error:
                return Answer(False, self.url, None, f"it answers, but not in HTTP: {error}")
        return Answer(False, self.url, None, problem, reached=False)

    async def _get(self, address: str) -> tuple[int, bytes, str]:
        reader, writer = await asyncio.open_connection(address, self.port)
        try:
            connection = h11.Connection(h11.CLIENT)
            headers = [
                ("Host", f"localhost:{self.port}"),
                ("User-Agent", "orbit-health-check"),
                ("Connection", "close"),
            ]
            if self.release:
                headers.append((RELEASE_HEADER, self.release))
            request = h11.Request(method="GET", target=self.path, headers=headers)
            writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
            return await _read_answer(connection, reader)
        finally:
            writer.close()


async def _read_answer(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes, str]:
    status, body, confirmed = 0, b"", ""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            status = event.status_code
            names = RELEASE_HEADER.lower().encode()
            confirmed = next((bytes(text).decode("latin-1") for name, text in event.headers if name == names), "")
            if status < 400:
                return status, b"", confirmed  # good: what it says does not matter
        elif isinstance(event, h11.Data):
            body += event.data[: BODY_BYTES - len(body)]
            if len(body) >= BODY_BYTES:
                return status, body, confirmed
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return status, body, confirmed
