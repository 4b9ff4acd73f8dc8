"""An answer as it comes from the upstream, in parts: over HTTP/1.1, and over HTTP/2."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

import trio

from replayfuzz.cassette import Fields
from replayfuzz.formats.chunks import ChunkReader, Part
from replayfuzz.plan import How
from replayfuzz.record.upstream import UpstreamError
from replayfuzz.transcript import Speaks

_INPUT = 65536


class CutError(Exception):
    """The message ended before its end.

    Attributes:
        how: As a cassette has it; ``timeout``: nothing came any more.
        code: Error code of RST_STREAM.
    """

    def __init__(self, how: How | Literal["timeout"], note: str, code: int | None = None) -> None:
        super().__init__(note)
        self.how = how
        self.code = code


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of the upstream.

    Attributes:
        fields: End to end, with Host, and without what tells the length.
        trailers: The client says that it takes trailers, which some servers of HTTP/2 ask for.
    """

    method: str
    scheme: str
    authority: str
    path: str
    fields: Fields
    body: bytes
    trailers: bool = False


class Answer(ABC):
    """One answer on a connection of its own, which is closed at the end of the block."""

    protocol: Speaks = "http/1.1"

    def __init__(self, stream: trio.abc.Stream, timeout: float) -> None:
        self.stream = stream
        self.timeout = timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        # Without waiting for a goodbye: cancels what the upstream still makes.
        await trio.aclose_forcefully(self.stream)

    @abstractmethod
    async def ask(self, ask: Ask) -> None:
        """Send the request.

        Raises:
            UpstreamError: It could not be sent.
        """

    @abstractmethod
    async def read(self) -> tuple[list[Part], bytes | None]:
        """What came next, maybe nothing yet; and its bytes as they are in HTTP/1.1.

        Raises:
            CutError: The answer ends here, before its end.
        """

    async def send(self, data: bytes) -> None:
        """Send bytes of the request; an upstream that answers early is read all the same.

        Raises:
            UpstreamError: It takes nothing.
        """
        try:
            with trio.fail_after(self.timeout):
                await self.stream.send_all(data)
        except trio.TooSlowError as error:
            raise UpstreamError("the upstream takes no request (--timeout)", 504) from error
        except (trio.BrokenResourceError, OSError):
            return  # reading tells what it has to say

    async def receive(self) -> bytes:
        """The next bytes; b"" when there are no more.

        Raises:
            CutError: The connection was reset, or is silent.
        """
        try:
            with trio.fail_after(self.timeout):
                return bytes(await self.stream.receive_some(_INPUT))
        except trio.TooSlowError as error:
            note = f"nothing came for {self.timeout:g} s (--timeout)"
            raise CutError("timeout", note) from error
        except (trio.BrokenResourceError, OSError) as error:
            raise CutError("reset", "the upstream reset the connection") from error


class Http1Answer(Answer):
    """Over HTTP/1.1: chunks keep their boundaries, and bytes are given as they came."""

    def __init__(self, stream: trio.abc.Stream, timeout: float) -> None:
        super().__init__(stream, timeout)
        self._reader = ChunkReader()

    async def ask(self, ask: Ask) -> None:
        self._reader = ChunkReader(bodiless=ask.method == "HEAD")
        lines = [f"{ask.method} {ask.path} HTTP/1.1", f"Host: {ask.authority}"]
        lines += [f"{name}: {value}" for name, value in ask.fields]
        if ask.body or ask.method not in {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"}:
            lines.append(f"Content-Length: {len(ask.body)}")
        head = "\r\n".join(lines) + "\r\n\r\n"
        await self.send(head.encode("latin-1") + ask.body)  # as it was read

    async def read(self) -> tuple[list[Part], bytes | None]:
        if self._reader.fault:
            raise CutError("fin", f"the upstream does not speak HTTP/1.1: {self._reader.fault}")
        data = await self.receive()
        parts = self._reader.parts(data) if data else self._reader.close()
        if not (data or parts):
            raise self._cut()
        return parts, self._reader.wire if data else b""

    def _cut(self) -> CutError:
        note = "the upstream closed the connection before the end"
        if self._reader.length_told:
            return CutError("short", f"{note}: Content-Length says more")
        return CutError("fin", f"{note}, inside a chunk" if self._reader.inside else note)
