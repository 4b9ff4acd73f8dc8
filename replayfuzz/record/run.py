"""The recorder as a program: listens, relays, and ends cleanly with everything kept."""

from __future__ import annotations

import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import trio

from replayfuzz.deliver import Line
from replayfuzz.deliver.h2stream import H2Stream
from replayfuzz.record.asked import ask
from replayfuzz.record.client import Http1Client, Http2Client
from replayfuzz.record.keeper import Keeper
from replayfuzz.record.relay import Recorder, Relay
from replayfuzz.record.upstream import Upstream
from replayfuzz.serve import Certificate, Direct, Plain, listen, serve
from replayfuzz.serve.shows import After
from replayfuzz.transcript import Speaks
from replayfuzz.wire.request import Incoming, RequestReader


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded, and where.

    Attributes:
        upstream: Where requests go on to.
        host, port: Where clients come in; port 0 is any free one.
        certificate: With one, clients may use TLS.
        tell: Called with a line about each exchange, without secrets.
    """

    upstream: Upstream
    keeper: Keeper
    tell: Callable[[str], None]
    host: str = "127.0.0.1"
    port: int = 0
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Relayed(Direct):
    """An answer that is the upstream's."""

    heads = True
    http2 = True
    recorder: Recorder

    async def answer(self, line: Line, request: Incoming, reader: RequestReader) -> After:  # noqa: ARG002 - of all Directs
        """See ``Direct``."""
        client = Http1Client(line, request)
        asked = ask(request, "http/1.1", self.recorder.upstream)
        await Relay(self.recorder, asked, client).run(line.left)
        return "keep" if client.whole else "close"

    async def stream(self, stream: H2Stream, request: Incoming) -> None:
        """See ``Direct``."""
        asked = ask(request, "h2", self.recorder.upstream)
        await Relay(self.recorder, asked, Http2Client(stream, request)).run(stream.left)


@dataclass(frozen=True, slots=True)
class RecordShows:
    """Answers every request with the upstream's answer; see ``shows.Shows``."""

    recorder: Recorder

    def find(self, request: Incoming, protocol: Speaks) -> Direct | Plain:  # noqa: ARG002 - of all Shows
        """See ``shows.Shows``."""
        if request.method == "CONNECT":
            text = "this is a reverse proxy: set its URL as the base URL of your client"
            return Plain.text(501, text, (("Connection", "close"),))
        return Relayed(self.recorder)


async def relay(
    listener: socket.socket,
    recorder: Recorder,
    certificate: Certificate | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Record until cancelled; every cassette is written then.

    Args:
        listener: Where clients come in; it is closed at the end.
        recorder: See there; its ``stop`` and ``later`` are set.
        certificate: With one, clients may use TLS.
        task_status: Told when requests are being answered.
    """
    async with trio.open_nursery() as finishing:
        recorder.later = finishing.start_soon
        async with trio.open_nursery() as serving:
            recorder.stop = serving.cancel_scope.cancel
            await serving.start(serve, listener, RecordShows(recorder), certificate)
            task_status.started()


def certificate() -> Certificate:
    """Make one for clients that want TLS."""
    return Certificate.made()


def run_recorder(
    recording: Recording,
    ready: Callable[[socket.socket], None],
    work: Callable[[socket.socket], Awaitable[None]] | None = None,
) -> None:
    """Record until SIGINT or SIGTERM arrives, or *work* is done.

    Args:
        recording: See there.
        ready: Called with the listener when requests will be answered.
        work: What to do meanwhile, such as to make the call.

    Raises:
        ListenError: The address is in use, not ours, or not an address.
        StoreError: Recordings cannot be written any more.
    """
    recorder = Recorder(recording.upstream, recording.keeper, recording.tell)
    listener = listen(recording.host, recording.port)

    async def main() -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                stop = nursery.cancel_scope.cancel
                nursery.start_soon(_after, signals.__anext__, stop)
                if work:
                    nursery.start_soon(_after, partial(work, listener), stop)
                async with trio.open_nursery() as relaying:
                    await relaying.start(relay, listener, recorder, recording.certificate)
                    ready(listener)
                stop()  # it has ended by itself: it cannot write any more

    trio.run(main)
    if recorder.failed:
        raise recorder.failed


async def _after(job: Callable[[], Awaitable[object]], stop: Callable[[], None]) -> None:
    await job()
    stop()
