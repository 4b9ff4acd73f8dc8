"""Thousands of slow streams from one task: for answers that mostly wait.

A task and a timer for each stream cost more than the sends themselves. Here one task owns a heap
of due times, sends without waiting, and sleeps until the next. A stream that it cannot go on
with at once (its peer does not read, or nothing is due for long) gets a task of its own.
Boundaries are not verified: whoever wants that plays the script (``deliver.Play``).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from replayfuzz.deliver import PATIENCE, Line, PeerLeft, Play
from replayfuzz.wire import Close, Script, Send, Wait
from replayfuzz.wire.script import Step

_LONG = 5.0  # seconds of silence in which a peer that leaves is to be noticed
_TURN = 16  # sends of one stream until others that are due get theirs
_ROUND = 64  # such turns until other tasks get theirs
_MANY = 200  # streams from which on they share their wake-ups
_TICK = 0.004  # seconds between those


@dataclass(slots=True)
class _Stream:
    """Where one stream is.

    Attributes:
        steps: All of its script; *at* is the next one.
        due: When the next step is to be done, on trio's clock. Times add up, so that what is
            late once does not make the rest late.
        behind: What the client sent behind its request; None: the connection is closed
            after the answer.
    """

    line: Line
    steps: tuple[Step, ...]
    at: int
    due: float
    behind: bytes | None


class Feed:
    """Feeds all streams that are given to it while ``run`` runs.

    Args:
        tasks: For the streams that need a task of their own.
        go_on: Serves a connection on, when a stream on it has ended; called with what the
            client sent already.
    """

    def __init__(
        self, tasks: trio.Nursery, go_on: Callable[[Line, bytes], Awaitable[None]]
    ) -> None:
        self._tasks = tasks
        self._go_on = go_on
        self._heap: list[tuple[float, int, _Stream]] = []
        self._number = itertools.count()  # streams that are due at once keep their order
        self._sleeps_until = math.inf
        self._woken = trio.Event()

    def take(self, line: Line, script: Script, behind: bytes | None) -> None:
        """Begin to play *script*; the connection belongs to the feed from now on.

        Args:
            line: The connection.
            script: For HTTP/1.1.
            behind: What the client sent behind its request; None: it wants no other answer.
        """
        self._advance(_Stream(line, script.steps, 0, trio.current_time(), behind))

    async def run(self) -> None:
        """Feed, until cancelled; then every stream is closed."""
        try:
            while True:
                now = trio.current_time()
                for _ in range(_ROUND):
                    if not self._heap or self._heap[0][0] > now:
                        await self._sleep(now)
                        break
                    self._advance(heapq.heappop(self._heap)[2])
                else:
                    await trio.lowlevel.checkpoint()
        finally:
            for _, _, stream in self._heap:
                stream.line.end("fin")

    async def _sleep(self, now: float) -> None:
        until = self._heap[0][0] if self._heap else math.inf
        if len(self._heap) > _MANY:
            until = max(until, now + _TICK)
        self._sleeps_until, self._woken = until, trio.Event()
        with trio.move_on_at(until):
            await self._woken.wait()
        self._sleeps_until = -math.inf

    def _push(self, stream: _Stream, due: float) -> None:
        heapq.heappush(self._heap, (due, next(self._number), stream))
        if due < self._sleeps_until:
            self._woken.set()

    def _advance(self, stream: _Stream) -> None:
        """Do what is due."""
        line = stream.line
        try:
            for _ in range(_TURN):
                step = stream.steps[stream.at]
                match step:
                    case Send(data=data):
                        stream.at += 1
                        if not line.put(data):
                            return self._part(stream)
                    case Wait(seconds=seconds) if seconds <= _LONG:
                        stream.at += 1
                        stream.due += seconds
                        return self._push(stream, stream.due)
                    case Close(how="keep"):
                        return self._done(stream)
                    case Close(how="fin" | "reset" as how):
                        return line.end(how)
                    case _:
                        return self._part(stream)
        except PeerLeft:
            return line.end("fin")
        return self._push(stream, trio.current_time())

    def _part(self, stream: _Stream) -> None:
        self._tasks.start_soon(self._alone, stream)

    async def _alone(self, stream: _Stream) -> None:
        """Play the rest in a task of its own."""
        line, kept = stream.line, False
        try:
            if await line.flush(PATIENCE):
                play = Play(Script(stream.steps[stream.at :]), line, verify=False)
                await play.run()
                kept = play.kept
        except PeerLeft:
            pass
        finally:
            if not kept:
                line.end("fin")
        if kept:
            self._done(stream)

    def _done(self, stream: _Stream) -> None:
        """The message is whole."""
        if stream.behind is None:
            stream.line.end("whole")
        else:
            self._tasks.start_soon(self._go_on, stream.line, stream.behind)
