"""The mock provider on real sockets: ``mock.Provider`` answers, this plays what it says."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import trio

from replayfuzz import mock
from replayfuzz.deliver import PATIENCE, Line, PeerLeft, Play
from replayfuzz.deliver.http2 import Http2
from replayfuzz.mock import Provider, Reply
from replayfuzz.serve.certificate import Certificate
from replayfuzz.serve.feed import Feed
from replayfuzz.serve.http1 import serve_http1
from replayfuzz.serve.listener import listen
from replayfuzz.serve.server import serve
from replayfuzz.serve.shows import After, Direct, Plain, Show
from replayfuzz.transcript import Speaks
from replayfuzz.wire import Close, Script, Send
from replayfuzz.wire.request import Incoming, RequestReader

Tell = Callable[[str], None]
_JSON = ("content-type", "application/json")


@dataclass(frozen=True, slots=True)
class Played:
    """A script that is played as any other."""

    script: Script
    verify: bool

    def playing(self, play: Play, request: Incoming) -> AbstractContextManager[None]:  # noqa: ARG002 - of all Shows
        """Nobody wants to know."""
        return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Fed(Direct):
    """A script of which most is waiting: the feed plays it, beside all others."""

    script: Script
    feed: Feed

    async def answer(
        self, line: Line, request: Incoming, reader: RequestReader
    ) -> Literal["taken"]:
        """See ``Direct``."""
        self.feed.take(line, self.script, reader.rest() if request.keep else None)
        return "taken"


@dataclass(frozen=True, slots=True)
class Sent(Direct):
    """A whole answer in one piece: nothing of it has to be played."""

    data: bytes

    async def answer(self, line: Line, request: Incoming, reader: RequestReader) -> After:  # noqa: ARG002 - of all Directs
        """See ``Direct``."""
        kept = await line.send(self.data, PATIENCE)
        return "keep" if kept and request.keep else "close"


class MockShows:
    """Lets the provider answer; see ``shows.Shows``.

    Args:
        provider: Knows the answers.
        tell: Called with a line about each request; None: nobody wants to know.
        verify: Play by lock-step; without it, streams that wait are fed by *feed*.
    """

    def __init__(self, provider: Provider, tell: Tell | None, *, verify: bool) -> None:
        self.feed: Feed | None = None
        self._provider = provider
        self._tell = tell
        self._verify = verify

    def find(self, request: Incoming, protocol: Speaks) -> Show | Plain | Direct:
        """See ``shows.Shows``."""
        asked = mock.read(request.raw, protocol)
        found = self._provider.answer(asked, time.time())
        if self._tell:
            said = found.status if isinstance(found, Reply) else found.name
            self._tell(f"{asked.method} {mock.redacted(asked.target)[:200]} {protocol}: {said}")
        if isinstance(found, Reply):
            return Plain(found.status, found.body, (_JSON, *found.fields))
        if self._verify or protocol == "h2":
            return Played(found.script, self._verify)
        match found.script.steps:
            case (Send(data=data), Close(how="keep")):
                return Sent(data)
            case _ if found.waits and self.feed:
                return Fed(found.script, self.feed)
            case _:
                return Played(found.script, verify=False)


@dataclass(frozen=True, slots=True)
class Serving:
    """Where clients come in, and how they may speak there.

    Attributes:
        host, port: For TCP; port 0 is any free one.
        path: Of a Unix socket, beside TCP; everybody on this machine may connect.
        certificate: For those that begin with TLS; None: nobody may.
        http2: What clients of HTTP/2 are told.
    """

    host: str = "127.0.0.1"
    port: int = 0
    path: str | None = None
    certificate: Certificate | None = None
    http2: Http2 = field(default_factory=Http2)

    @contextlib.contextmanager
    def listeners(self) -> Iterator[list[socket.socket]]:
        """Listen; what is open at the end is closed, and no socket file stays.

        Raises:
            ListenError: An address is in use, not ours, or not an address.
        """
        with contextlib.ExitStack() as opened:
            found = [opened.enter_context(listen(self.host, self.port))]
            if self.path is not None:
                found.append(opened.enter_context(listen(path=self.path)))
                opened.callback(Path(self.path).unlink, missing_ok=True)
                Path(self.path).chmod(0o666)
            yield found


async def serve_mock(
    listeners: Sequence[socket.socket], shows: MockShows, serving: Serving
) -> None:
    """Serve until cancelled; listeners and connections are closed then."""

    async def go_on(line: Line, data: bytes) -> None:
        after: After = "close"
        with contextlib.suppress(PeerLeft):
            if data := data or await line.receive():
                after = await serve_http1(line, data, shows)
        if after != "taken":
            line.end("whole")

    async with trio.open_nursery() as tasks:
        shows.feed = Feed(tasks, go_on)
        tasks.start_soon(shows.feed.run)
        for listener in listeners:
            tasks.start_soon(serve, listener, shows, serving.certificate, serving.http2)


def run_mock(
    shows: MockShows, serving: Serving, ready: Callable[[list[socket.socket]], None]
) -> None:
    """Serve until SIGINT or SIGTERM arrives.

    Args:
        shows: Knows the answers.
        serving: Where and how.
        ready: Called with the listeners when requests will be answered.

    Raises:
        ListenError: An address is in use, not ours, or not an address.
    """

    async def main() -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve_mock, listeners, shows, serving)
                ready(listeners)
                await anext(signals)
                nursery.cancel_scope.cancel()

    # Each stream takes a descriptor, and the usual limit of 1,024 is there for select() only.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with serving.listeners() as listeners:
        trio.run(main)
