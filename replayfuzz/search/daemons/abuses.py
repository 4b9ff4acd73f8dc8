"""What a hand-off can be preceded by: each abuse does its worst, and then it is over.

An abuse is never judged by what its own client is given. The hand-off after it is: it must
be served, and what the daemon holds must come back.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from replayfuzz.errors import HandOffError, UsageError
from replayfuzz.handoff import Client, hand_off
from replayfuzz.search.daemons import streams
from replayfuzz.search.daemons.payload import default
from replayfuzz.serve import ReplayServer
from replayfuzz.wire import Script

SECONDS = 0.4
"""How long an abuse waits for its own client's response; most are over in a millisecond."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an abuse takes place.

    Attributes:
        path: The daemon's Unix socket.
        server: Its upstream.
        protocol: ``http/1.1`` or ``h2``: what it speaks to the upstream.
        kept: What stays until the case is over.
    """

    path: str
    server: ReplayServer
    protocol: str
    kept: ExitStack


def commit(name: str, scene: Scene) -> None:
    """Carry out the abuse of that name.

    Raises:
        UsageError: There is none.
        HandOffError: The daemon does not take connections any more.
    """
    if name not in _ABUSES:
        raise UsageError(f"there is no abuse {name!r}; known are {', '.join(_ABUSES)}")
    _ABUSES[name](scene)


def _connected(scene: Scene) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.settimeout(SECONDS)
        sock.connect(scene.path)
    except OSError as error:
        sock.close()
        raise HandOffError(error.strerror or str(error), path=scene.path) from error
    return sock


def _idle(scene: Scene) -> None:
    scene.kept.enter_context(contextlib.closing(_connected(scene)))


def _hang_up(scene: Scene) -> None:
    _connected(scene).close()


def _bare(payload: bytes) -> Callable[[Scene], None]:
    """A payload without a descriptor."""

    def abuse(scene: Scene) -> None:
        hand_off(scene.path, payload, ())

    return abuse


def _with(makers: Callable[[ExitStack], Sequence[int]]) -> Callable[[Scene], None]:
    """A payload with descriptors that are not, or not only, a client's socket."""

    def abuse(scene: Scene) -> None:
        with (
            ExitStack() as open_now,
            _offered(scene, streams.stream("fds", scene.protocol)) as mark,
        ):
            hand_off(scene.path, default(mark), makers(open_now))

    return abuse


def _pipe(kept: ExitStack) -> Sequence[int]:
    ends = os.pipe()
    for end in ends:
        kept.callback(os.close, end)
    return ends[1:]


def _listener(kept: ExitStack) -> Sequence[int]:
    sock = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
    return (sock.fileno(),)


def _datagram(kept: ExitStack) -> Sequence[int]:
    return (kept.enter_context(socket.socket(type=socket.SOCK_DGRAM)).fileno(),)


def _file(kept: ExitStack) -> Sequence[int]:
    return (kept.enter_context(tempfile.TemporaryFile()).fileno(),)


def _pairs(number: int) -> Callable[[ExitStack], Sequence[int]]:
    def make(kept: ExitStack) -> Sequence[int]:
        pairs = [socket.socketpair() for _ in range(number)]
        for sock in (sock for pair in pairs for sock in pair):
            kept.enter_context(sock)
        return [given.fileno() for given, _ in pairs]

    return make


@contextlib.contextmanager
def _offered(scene: Scene, script: Script) -> Iterator[str]:
    """*script* on offer, by its mark."""
    ticket = scene.server.offer(script)
    try:
        yield ticket.mark
    finally:
        ticket.finish(SECONDS)


@contextlib.contextmanager
def _client(scene: Scene, payload: bytes, leaves: int | None = None) -> Iterator[Client]:
    """A client whose socket was handed over; it leaves after so many bytes of the response."""
    with Client(leaves=leaves) as client:
        client.gave(hand_off(scene.path, payload, (client.given.fileno(),)))
        yield client


def _answered(payload: bytes) -> Callable[[Scene], None]:
    """A payload that need not be served; its client waits for whatever comes."""

    def abuse(scene: Scene) -> None:
        with _client(scene, payload) as client:
            client.read(SECONDS)

    return abuse


def _gone(scene: Scene) -> None:
    with _offered(scene, streams.stream("gone", scene.protocol)) as mark, Client() as client:
        client.own.close()
        hand_off(scene.path, default(mark), (client.given.fileno(),))


def _reset(scene: Scene) -> None:
    with (
        _offered(scene, streams.stream("reset", scene.protocol)) as mark,
        _client(scene, default(mark)) as client,
    ):
        client.leave = "reset"
        client.go()


def _half_closed(scene: Scene) -> None:
    with (
        _offered(scene, streams.stream("half", scene.protocol)) as mark,
        _client(scene, default(mark)) as client,
    ):
        client.own.shutdown(socket.SHUT_WR)
        client.read(SECONDS)


def _leaves(scene: Scene) -> None:
    script = streams.stream("leaves", scene.protocol, stall=True)
    with _offered(scene, script) as mark, _client(scene, default(mark), 1) as client:
        client.read(SECONDS)


def _never_reads(scene: Scene) -> None:
    script = streams.stream("late", scene.protocol, size=4 << 20)
    with _offered(scene, script) as mark, _client(scene, default(mark)) as client:
        poll = select.poll()
        poll.register(client.own, select.POLLRDHUP)
        poll.poll(SECONDS * 1000)


def _upstream(make: Callable[[str], Script]) -> Callable[[Scene], None]:
    def abuse(scene: Scene) -> None:
        with (
            _offered(scene, make(scene.protocol)) as mark,
            _client(scene, default(mark)) as client,
        ):
            client.read(SECONDS / 2)

    return abuse


def _silent(protocol: str) -> Script:
    return streams.stream("silent", protocol, stall=True)


_ABUSES: dict[str, Callable[[Scene], None]] = {
    "idle": _idle,
    "hang-up": _hang_up,
    "no-fd": _bare(b'{"prompt":"x"}'),
    "nul-no-fd": _bare(b""),
    "two-fds": _with(_pairs(2)),
    "many-fds": _with(_pairs(16)),
    "pipe": _with(_pipe),
    "listener": _with(_listener),
    "datagram": _with(_datagram),
    "file": _with(_file),
    "not-json": _answered(b"hello"),
    "wrong-types": _answered(b'{"prompt":5,"messages":"x","model":[],"max_tokens":"many"}'),
    "gone": _gone,
    "reset": _reset,
    "half-closed": _half_closed,
    "leaves": _leaves,
    "never-reads": _never_reads,
    "dead-upstream": _upstream(streams.broken),
    "silent-upstream": _upstream(_silent),
}
"""By the names of ``strategies.handoffs.ABUSES``."""
