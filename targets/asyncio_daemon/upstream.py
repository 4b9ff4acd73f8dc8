"""The provider's end of a hand-off: connects, sends the request, reads, gives up."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from replayfuzz.targets.asyncio_daemon import http1, http2
from replayfuzz.targets.asyncio_daemon.connection import Connection, TlsConnection, connect
from replayfuzz.targets.asyncio_daemon.http1 import End, Head, Part, Request, ResponseError
from replayfuzz.targets.asyncio_daemon.payload import Job
from replayfuzz.targets.asyncio_daemon.settings import Settings

__all__ = ["End", "Head", "Upstream", "UpstreamError"]


class UpstreamError(Exception):
    """The provider cannot be reached, or its response broke off; the message says why."""


class Upstream:
    """One request to the provider, and its response part by part."""

    def __init__(self, settings: Settings, job: Job) -> None:
        self._settings = settings
        request = _request(settings, job)
        self._exchange = http2.Exchange(request) if settings.http2 else http1.Exchange(request)
        self._connection: Connection | TlsConnection | None = None
        self._parts: deque[Part] = deque()
        self._failure: ResponseError | None = None  # to be told after the parts

    async def __aenter__(self) -> Self:
        """Connect and send the request.

        Raises:
            UpstreamError: That cannot be done.
        """
        try:
            async with asyncio.timeout(self._settings.upstream_seconds):
                self._connection = await _connect(self._settings)
        except TimeoutError:
            raise UpstreamError("upstream cannot be reached: timed out") from None
        except OSError as error:
            raise UpstreamError(f"upstream cannot be reached: {_reason(error)}") from None
        self._send()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the request, done or not, at once."""
        if self._connection is not None:
            self._connection.write(self._exchange.cancel())
            self._connection.abort()

    async def part(self) -> Part:
        """The next part of the response.

        Raises:
            UpstreamError: It broke off, is malformed, or nothing came for too long.
        """
        while not self._parts:
            if self._failure is not None:
                raise UpstreamError(f"upstream failed: {self._failure}")
            await self._read()
        return self._parts.popleft()

    async def _read(self) -> None:
        assert self._connection is not None
        try:
            async with asyncio.timeout(self._settings.upstream_seconds):
                data = await self._connection.read()
        except TimeoutError:
            raise UpstreamError("upstream was silent for too long") from None
        except OSError as error:
            raise UpstreamError(f"upstream failed: {_reason(error)}") from None
        try:
            for part in self._exchange.receive(data) if data else self._exchange.end():
                self._parts.append(part)
        except ResponseError as error:
            self._failure = error
        self._send()

    def _send(self) -> None:
        assert self._connection is not None
        self._connection.write(self._exchange.outgoing())


async def _connect(settings: Settings) -> Connection | TlsConnection:
    plain = await connect(settings.host, settings.port)
    if settings.tls is None:
        return plain
    try:
        connection = TlsConnection(plain, settings.tls, settings.host)
        agreed = await connection.handshake()
    except BaseException:
        plain.abort()
        raise
    if settings.http2 and agreed != "h2":
        plain.abort()
        raise ConnectionError("the server does not speak HTTP/2")
    return connection


def _request(settings: Settings, job: Job) -> Request:
    key = (("Authorization", f"Bearer {settings.key}"),) if settings.key else ()
    return Request(
        settings.scheme,
        settings.authority,
        settings.path,
        (
            *key,
            ("Content-Type", "application/json"),
            ("Accept", "text/event-stream"),
            ("Accept-Encoding", "identity"),
            *job.fields,
        ),
        job.body,
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
