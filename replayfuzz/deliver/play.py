"""Perform a script on a line, each segment only after the peer has read the last.

A peer that leaves or stops reading is part of the experiment: it is told in the
Delivery, never raised.
"""

from __future__ import annotations

import contextlib
import socket

import trio

from replayfuzz.deliver.line import Ending, Line, PeerLeft, Room
from replayfuzz.transcript import Delivery, Speaks
from replayfuzz.wire import Close, Script, Send, Wait

PATIENCE = 5.0
"""Seconds without any progress after which a peer counts as stuck."""

_PAUSE = 0.002  # seconds between segments when nobody can be asked
_TURN = 16  # segments between two turns for other tasks while there is one stream only


class Play:
    """One script on one line; ``run`` performs it, ``delivery`` tells how far it came.

    This one is for HTTP/1.1; ``frameplay`` has the one for HTTP/2.

    Attributes:
        idle: The script has nothing to send now: it is in a Wait or at its ``open`` end.
        line: The connection. After ``run`` it is closed, unless the script ended with
            ``keep`` and ``kept`` is true.
    """

    protocol: Speaks = "http/1.1"

    def __init__(
        self, script: Script, line: Line, *, verify: bool = True, patience: float = PATIENCE
    ) -> None:
        self.script = script
        self.line = line
        self.idle = False
        self.kept = False
        self._verify = verify
        self._patience = patience
        self._segments = 0
        self._verified = 0
        self._finished = False
        self._stuck = False
        self._askable = True
        self._hurried = False
        self._scope = trio.CancelScope()
        self._made = trio.current_time()
        self._left: float | None = None
        self._waits: list[tuple[float, float]] = []

    def delivery(self, request: bytes = b"") -> Delivery:
        """What is known so far."""
        known = self._verify and (self._segments < 2 or self._askable)
        return Delivery(
            over=self.line.over,
            segments=self._segments,
            verified=self._verified if known else None,
            finished=self._finished,
            stuck=self._stuck,
            request=request,
            waits=tuple(self._waits),
            protocol=self.protocol,
            left=self._left,
        )

    def release(self) -> None:
        """Stop here: nothing more is sent, and the connection is closed."""
        self._scope.cancel()

    def hurry(self) -> None:
        """Stop at the next Wait or ``open`` end: nobody is interested in what follows it."""
        self._hurried = True
        if self.idle:
            self.release()

    async def run(self) -> None:
        """Perform the script to its end, or until the peer leaves, sticks, or ``release``."""
        try:
            with self._scope, self.line.room.stream():
                await self._perform()
        except PeerLeft:
            self._note_left()
        finally:
            self._end()

    def _note_left(self) -> None:
        self._left = trio.current_time() - self._made

    def _end(self) -> None:
        if not self.kept:
            self.line.end("fin")

    async def _perform(self) -> None:
        line, room = self.line, self.line.room
        for step in self.script.steps:
            match step:
                case Send(data=data):
                    if self._verify and not await self._apart():
                        self._stuck = True
                        return
                    self._segments += 1
                    if not line.put(data) and not await line.flush(self._patience):
                        self._stuck = True
                        return
                    # Alone, a turn of the event loop is wasted; among others, the peer
                    # reads during it.
                    if (self._verify and room.streams > 1) or not self._segments % _TURN:
                        await trio.lowlevel.checkpoint()
                case Wait(seconds=seconds):
                    await self._wait(seconds)
                case Close():
                    await self._close(step)

    async def _apart(self) -> bool:
        """Wait until the segments so far cannot be joined with what follows; False: stuck."""
        # At the first segment this asks about the answer before, on the same connection: a
        # pipelining client may have sent its next request without having read that.
        if not self._verify:
            return True
        if self.line.read_by_peer == self.line.sent:
            self._verified = self._segments
            return True
        self._askable = self.line.askable
        if not self._askable:
            await trio.sleep(_PAUSE if self._segments else 0)
            return True
        if await self.line.read(self._patience):
            self._verified = self._segments
            return True
        return False

    async def _wait(self, seconds: float) -> None:
        began = trio.current_time() - self._made
        try:
            with trio.move_on_after(seconds) as bound:
                await self._stay()
        finally:
            self._waits.append((began, trio.current_time() - self._made))
        if not bound.cancelled_caught:
            raise PeerLeft

    async def _stay(self) -> None:
        self.idle = True
        if self._hurried:
            self.release()
        try:
            await self._settle()
            await self._peer_left()
        finally:
            self.idle = False
            with contextlib.suppress(PeerLeft):
                if self._verify and self.line.has_read():
                    self._verified = self._segments

    async def _settle(self) -> None:
        await self._apart()  # not read: no matter yet, the next segment will tell

    async def _peer_left(self) -> None:
        await self.line.left()

    async def _close(self, close: Close) -> None:
        # What the kernel has not passed on yet, RST would destroy.
        if close.how == "reset" and not await self._apart():
            self._stuck = True
            return
        self._finished = True
        if self._verified == self._segments - 1:
            self._verified = self._segments  # nothing follows with which it could be joined
        match close.how:
            case "keep":
                self.kept = True
            case "open":
                await self._stay()
                raise PeerLeft
            case "fin" | "reset" as how:
                self._shut("whole" if close.whole else how)

    def _shut(self, how: Ending) -> None:
        self.line.end(how)


async def play(script: Script, sock: socket.socket, room: Room, *, verify: bool = True) -> Delivery:
    """Perform *script* on a fresh connection, and close it unless the script keeps it.

    Args:
        script: What ``wire.render`` made.
        sock: A connected stream socket, TCP or AF_UNIX, on which nothing was sent yet.
        room: Shared by all streams of this event loop.
        verify: False: send each segment on its own, without asking what was read.
    """
    playing = Play(script, Line(sock, room), verify=verify)
    await playing.run()
    return playing.delivery()
