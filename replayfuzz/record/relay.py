"""One exchange: on to the upstream, back to the client at once, and onto a tape."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import trio

from replayfuzz import redact
from replayfuzz.cassette import Exchange, Fields, Request
from replayfuzz.deliver import PeerLeft
from replayfuzz.errors import StoreError
from replayfuzz.formats.chunks import Head, Over, Part, Piece
from replayfuzz.record.answers import Answer, Ask, CutError, Http1Answer
from replayfuzz.record.frames import Http2Answer
from replayfuzz.record.journal import FULL, Tape, unwritten
from replayfuzz.record.keeper import Keeper
from replayfuzz.record.upstream import Upstream, UpstreamError
from replayfuzz.transcript import Speaks

LEFT = "the client left; the upstream was cancelled"
STOPPED = "the recorder was stopped"


class Client(Protocol):
    """Whoever asked; see ``client``."""

    begun: bool

    @property
    def gone(self) -> bool: ...

    async def give(self, parts: list[Part], wire: bytes | None) -> None: ...
    async def refuse(self, status: int, what: str) -> None: ...
    def cut(self, cut: CutError) -> None: ...


@dataclass
class Recorder:
    """What all exchanges share.

    Attributes:
        tell: Called with a line about each exchange, without secrets.
        failed: Recordings cannot be written any more; the run ends.
        stop: Ends the run.
        later: Runs something beside what is relayed; all of it is done before the run ends.
        finishing: One cassette is made at a time, in a thread, so that memory is bounded.
    """

    upstream: Upstream
    keeper: Keeper
    tell: Callable[[str], None]
    failed: StoreError | None = None
    stop: Callable[[], None] = lambda: None
    later: Callable[[Callable[[], Awaitable[None]]], None] = lambda _: None
    finishing: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(1))

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """What cannot be written ends the run, but nothing that is being relayed."""
        try:
            yield
        except StoreError as error:
            self.failed = self.failed or error
        except OSError as error:
            told = unwritten(self.keeper.folder, error)
            self.failed = self.failed or told


class Relay:
    """One exchange.

    Args:
        recorder: See there.
        ask: What the client asked.
        client: Who gets the answer.
    """

    def __init__(self, recorder: Recorder, ask: Ask, client: Client) -> None:
        self._recorder = recorder
        self._ask = ask
        self._client = client
        self._tape: Tape | None = None
        self._status = 0
        self._began = trio.current_time()  # from the head on: when that came
        self._ended: tuple[str, str, Fields] | None = None  # how, note, trailers

    async def run(self, left: Callable[[], Awaitable[None]]) -> None:
        """Relay until either side has ended; a cassette is made of what was seen.

        Args:
            left: Returns when the client has left.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, left, nursery.cancel_scope)
                await self._go()
                nursery.cancel_scope.cancel()
        finally:
            self._end("fin", LEFT if self._client.gone else STOPPED)
            # Not here: the client's next request need not wait for it.
            self._recorder.later(self._finish)

    async def _watch(self, left: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        try:
            await left()
        except trio.ClosedResourceError:  # we have closed the connection ourselves
            return
        self._end("fin", LEFT)
        scope.cancel()

    def _end(self, how: str, note: str = "", trailers: Fields = ()) -> None:
        """Tell how the exchange ended; the first to know counts."""
        self._ended = self._ended or (how, note, trailers)

    async def _go(self) -> None:
        try:
            await self._relay()
        except PeerLeft:
            self._end("fin", LEFT)
        except CutError as cut:
            self._end(cut.how, str(cut))
            if self._client.begun:
                self._client.cut(cut)
            else:
                await self._refuse(504 if cut.how == "timeout" else 502, str(cut))
        except UpstreamError as error:
            self._end("fin", str(error))
            await self._refuse(error.status, str(error))

    async def _refuse(self, status: int, what: str) -> None:
        self._status = status
        with contextlib.suppress(PeerLeft):
            await self._client.refuse(status, redact.text(what))

    async def _relay(self) -> None:
        upstream = self._recorder.upstream
        stream, h2 = await upstream.connect()
        kind: type[Answer] = Http2Answer if h2 else Http1Answer
        async with kind(stream, upstream.timeout) as answer:
            await answer.ask(self._ask)
            while self._ended is None:
                try:
                    parts, wire = await answer.read()
                except CutError as cut:
                    self._end(cut.how, str(cut))  # now: closing lets others tell of theirs
                    raise
                await self._client.give(parts, wire)
                for part in parts:
                    with self._recorder.writing():
                        self._take(part, answer.protocol)

    def _take(self, part: Part, protocol: Speaks) -> None:
        now = trio.current_time()
        match part:
            case Head():
                self._status, self._began = part.status, now
                self._tape = self._recorder.keeper.begin(self._heads(part, protocol))
            case Piece(data=data, ends=ends):
                if self._tape:
                    self._tape.piece(now - self._began, data, ends=ends)
            case Over():
                self._end("complete", "", part.trailers)

    def _heads(self, head: Head, protocol: Speaks) -> Exchange:
        upstream, ask = self._recorder.upstream, self._ask
        fields = (("Host", ask.authority), *ask.fields)
        return Exchange(
            name="",
            dialect="",
            request=Request(ask.method, f"{upstream.url}{ask.path}", fields, ask.body),
            status=head.status,
            reason=head.reason,
            fields=head.fields,
            protocol=protocol,
            framing=head.framing,
            origin=(("source", upstream.url),),
        )

    async def _finish(self) -> None:
        """Close the tape, make the cassette of it, and tell; also when all is cancelled."""
        recorder, tape, kept = self._recorder, self._tape, ""
        assert self._ended
        how, note, trailers = self._ended
        seconds = trio.current_time() - self._began
        if tape:
            with recorder.writing():
                tape.end(seconds, how, note, trailers)
                with trio.CancelScope(shield=True):
                    job, limiter = recorder.keeper.finish, recorder.finishing
                    kept = str(await trio.to_thread.run_sync(job, tape, limiter=limiter))
        recorder.tell(self._told(kept, seconds))
        if recorder.failed:
            recorder.stop()

    def _told(self, kept: str, seconds: float) -> str:
        assert self._ended
        how, note, _ = self._ended
        path = redact.text(self._ask.path.partition("?")[0])[:200]
        words = [f"{self._ask.method} {path}", str(self._status or "-")]
        if self._tape:
            words.append(
                f"{self._tape.chunks} chunks, {self._tape.bytes:,} bytes, {seconds:.2f} s,"
            )
            words.append(how)
            if self._tape.full:
                note = f"{note}; {FULL}" if note else FULL
        if note:
            words.append(f"({redact.text(note)})")
        return " ".join(words) + (f" -> {kept}" if kept else "")
