"""One stream of an HTTP/2 connection, written to frame by frame as there is something to say."""

from __future__ import annotations

import trio
from h2.errors import ErrorCodes

from replayfuzz.deliver.h2line import H2Line
from replayfuzz.deliver.line import PeerLeft
from replayfuzz.wire import Frame


class H2Stream:
    """A stream whose request has come whole.

    Nothing is kept here: who sends waits until the client's windows take it, while other
    streams go on.

    Attributes:
        number: Of the stream.
        gone: The client has reset the stream, or closed the connection.
    """

    def __init__(self, h2: H2Line, stream: int) -> None:
        self.gone = False
        self._h2 = h2
        self.number = stream
        self._ended = False
        self._left = trio.Event()

    def leave(self) -> None:
        """The client has left: to be told by the reader, before others run."""
        self.gone = True
        self._left.set()

    async def left(self) -> None:
        """Return when the client has left."""
        await self._left.wait()

    async def send(self, frame: Frame, patience: float) -> None:
        """Send *frame*, in parts where it is larger than what the client takes at once.

        Raises:
            PeerLeft: The client has left, or took nothing for *patience* seconds.
        """
        h2, rest = self._h2, frame
        while True:
            with trio.move_on_after(patience) as bound:
                while not (self.gone or h2.closed or h2.fitting(self.number, rest)):
                    await h2.news()
            if bound.cancelled_caught:
                raise PeerLeft
            async with h2.turn:
                if self.gone or h2.closed:
                    raise PeerLeft
                if h2.control and not await h2.send_control(patience):
                    raise PeerLeft
                fitting = h2.fitting(self.number, rest)
                if fitting is None:  # somebody else has taken the window meanwhile
                    continue
                part, more = fitting
                coded = h2.code(self.number, part)
                self._ended |= part.last
                if not await h2.line.send(coded, patience):
                    raise PeerLeft
            if more is None:
                return
            rest = more

    def reset(self, code: ErrorCodes | int = ErrorCodes.INTERNAL_ERROR) -> None:
        """Give the stream up, unless its message is whole or the client has left."""
        if not (self._ended or self.gone or self._h2.closed):
            self._ended = True
            self._h2.reset(self.number, code)
