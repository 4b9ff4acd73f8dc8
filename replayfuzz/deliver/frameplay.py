"""Perform a script of HTTP/2 frames on one stream of a connection that others may share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import trio
from h2.errors import ErrorCodes

from replayfuzz.deliver.h2line import H2Line, pieces
from replayfuzz.deliver.line import Ending, PeerLeft
from replayfuzz.deliver.play import PATIENCE, Play
from replayfuzz.transcript import Speaks
from replayfuzz.wire import Close, Frame, Script, Wait

_TURN = 16  # frames between two turns for other tasks while there is one stream only


class FramePlay(Play):
    """One script on one stream; ``kept`` tells whether the connection can be used on.

    A play that is released, or that waits in vain for its peer to open the window, resets
    the stream (CANCEL), unless it had begun a frame: then it closes the connection.
    """

    protocol: Speaks = "h2"

    def __init__(
        self,
        script: Script,
        h2: H2Line,
        stream: int,
        *,
        verify: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(script, h2.line, verify=verify, patience=patience)
        self.h2 = h2
        self.stream = stream
        self._gone = trio.Event()
        self._turn = False  # we hold it

    def leave(self) -> None:
        """The peer has reset the stream or closed the connection: to be told by the reader."""
        if not self._finished or self.idle:
            self._note_left()
        self._gone.set()
        if self.idle or not (self._turn and self.h2.inside):
            self._scope.cancel()  # else when the frame is whole: others still use the connection

    def _note_left(self) -> None:
        if self._left is None and not self.h2.closed:
            super()._note_left()

    def _end(self) -> None:
        h2 = self.h2
        if self._turn and h2.inside and not h2.closed:
            h2.shut("fin")  # whatever came next would be taken for the rest of the frame
        self._pass_turn()
        self.kept = self.kept and not h2.closed
        if not (self.kept or h2.closed or self._gone.is_set()):
            h2.reset(self.stream, ErrorCodes.CANCEL)
            self.kept = True

    async def _perform(self) -> None:
        count = 0
        for step in _runs(self.script):
            match step:
                case Wait(seconds=seconds):
                    await self._wait(seconds)
                case Close():
                    await self._close(step)
                case _:
                    if not await self._show(deque(step)):
                        self._stuck = True
                        return
                    count += 1
                    if self.line.room.streams > 1 or not count % _TURN:
                        await trio.lowlevel.checkpoint()

    async def _show(self, frames: deque[Frame]) -> bool:
        """Send frames that belong together; False: stuck."""
        while frames:
            if not await self._window(frames[0]):
                return False
            await self._take_turn()
            sent = await self._send(frames)
            if not self.h2.inside:
                self._pass_turn()
            if not sent:
                return False
            if self._gone.is_set():
                raise PeerLeft
        return True

    async def _window(self, frame: Frame) -> bool:
        """Wait until some of *frame* may be sent; False: not within the peer's time."""
        if self.h2.fitting(self.stream, frame):
            return True
        with trio.move_on_after(self._patience):
            while not self.h2.fitting(self.stream, frame):
                await self.h2.news()
            return True
        return False

    async def _send(self, frames: deque[Frame]) -> bool:
        """Send as many of *frames* as the windows allow, and take them out; False: stuck."""
        h2, gathered = self.h2, b""
        while frames:
            told = h2.control and frames[0].kind != "data"  # acknowledged before it is used
            if gathered and (told or 0 in frames[0].cuts):
                if not await self._segment(gathered):
                    return False
                h2.inside, gathered = False, b""
            if not gathered and not await self._ready():
                return False
            fitting = h2.fitting(self.stream, frames[0])
            if fitting is None:
                break
            frame, rest = fitting
            if rest is None:
                frames.popleft()
            else:
                frames[0] = rest
            coded = h2.code(self.stream, frame)[: frame.stop]
            h2.inside = True
            *whole, last = pieces(coded, frame.cuts)
            for piece in whole:
                if not await self._segment(gathered + piece):
                    return False
                gathered = b""
            gathered += last
            if frame.stop is not None:
                return await self._segment(gathered)
        if gathered and not await self._segment(gathered):
            return False
        h2.inside = False
        return True

    async def _ready(self) -> bool:
        """Wait until the next frame can begin a segment; False: stuck."""
        if not await self._apart():
            return False
        while self.h2.control:
            if not (await self.h2.send_control(self._patience) and await self._apart()):
                return False
        return True

    async def _segment(self, data: bytes) -> bool:
        if not await self._apart():
            return False
        self._segments += 1
        return self.line.put(data) or await self.line.flush(self._patience)

    async def _take_turn(self) -> None:
        if self._turn:
            return
        try:
            self.h2.turn.acquire_nowait()
        except trio.WouldBlock:
            await self.h2.turn.acquire()
        self._turn = True

    def _pass_turn(self) -> None:
        if self._turn:
            self._turn = False
            self.h2.turn.release()

    async def _settle(self) -> None:
        await self._take_turn()
        await self._apart()
        if not self.h2.inside:
            self._pass_turn()

    async def _peer_left(self) -> None:
        await self._gone.wait()

    async def _close(self, close: Close) -> None:
        if close.how in ("fin", "reset"):
            await self._take_turn()
        await super()._close(close)

    def _shut(self, how: Ending) -> None:
        self.h2.shut(how)


def _runs(script: Script) -> Iterator[list[Frame] | Wait | Close]:
    """The steps; frames that share a segment with the one before go with it."""
    run: list[Frame] = []
    for step in script.steps:
        if isinstance(step, Frame) and run and 0 not in step.cuts:
            run.append(step)
            continue
        if run:
            yield run
            run = []
        if isinstance(step, Frame):
            run = [step]
        elif isinstance(step, Wait | Close):
            yield step
    if run:
        yield run
