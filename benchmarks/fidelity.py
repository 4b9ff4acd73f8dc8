"""P5 to P8: which boundaries a reader sees, and what that costs the server.

Each way of sending plays the same segments to the same receiver (a process of its own), one
after the other in every round; medians over the rounds. CPU is that of the server's thread.
"""

from __future__ import annotations

import itertools
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, main
from replayfuzz.deliver import Room, play
from replayfuzz.wire import Close, Script, Send

ROUNDS = 5
SEGMENT = b'data: {"choices":[{"delta":{"content":"boundary"}}]}\n\n'
RECEIVER = str(Path(__file__).with_name("receiver.py"))
Way = Callable[[socket.socket, list[bytes], Room], Awaitable[None]]


async def lockstep(sock: socket.socket, segments: list[bytes], room: Room) -> None:
    delivery = await play(Script((*map(Send, segments), Close("fin"))), sock, room)
    if not delivery.finished or delivery.verified != len(segments):
        print(f"not verified: {delivery}", file=sys.stderr)


async def unchecked(sock: socket.socket, segments: list[bytes], room: Room) -> None:
    await play(Script((*map(Send, segments), Close("fin"))), sock, room, verify=False)


async def send_all(sock: socket.socket, segments: list[bytes], _room: Room) -> None:
    sock.setblocking(False)
    async with trio.SocketStream(trio.socket.from_stdlib_socket(sock)) as stream:
        for segment in segments:
            await stream.send_all(segment)


async def plain(sock: socket.socket, segments: list[bytes], _room: Room) -> None:
    sock.setblocking(True)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for segment in segments:
        sock.send(segment)
    sock.close()


@dataclass(frozen=True)
class Setting:
    """One situation: how many streams of how many segments, and what the reader does."""

    streams: int
    segments: int
    behaviour: str = "idle"
    unix: bool = False


@dataclass(frozen=True)
class Result:
    """Share of boundaries seen: in all and of the worst stream; server CPU seconds a stream."""

    kept: float
    worst: float
    cpu: float


def measure(way: Way, setting: Setting) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "s"))
        listener = socket.socket(socket.AF_UNIX if setting.unix else socket.AF_INET)
        listener.bind(path if setting.unix else ("127.0.0.1", 0))
        listener.listen(setting.streams)
        address = path if setting.unix else str(listener.getsockname()[1])
        command = [sys.executable, RECEIVER, address, str(setting.streams), setting.behaviour]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as receiver, listener:
            socks = [listener.accept()[0] for _ in range(setting.streams)]
            # Lengths differ from one segment to the next, so that joined ones cannot look right.
            segments = [SEGMENT + b"x" * (number % 7) for number in range(setting.segments)]
            start = time.thread_time()
            trio.run(_send, way, socks, segments)
            cpu = (time.thread_time() - start) / setting.streams
            lengths = json.loads(receiver.communicate()[0])
    ends = set(itertools.accumulate(map(len, segments)))
    shares = [len(ends.intersection(itertools.accumulate(each))) / len(ends) for each in lengths]
    return Result(statistics.fmean(shares), min(shares), cpu)


async def _send(way: Way, socks: list[socket.socket], segments: list[bytes]) -> None:
    with Room() as room:
        async with trio.open_nursery() as nursery:
            for sock in socks:
                nursery.start_soon(way, sock, segments, room)


def compare(setting: Setting, ways: tuple[Way, ...]) -> dict[str, Result]:
    """Medians of interleaved rounds by name of the way (kept, worst: the means and the worst)."""
    runs: dict[str, list[Result]] = {way.__name__: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            runs[way.__name__].append(measure(way, setting))
    return {
        name: Result(
            statistics.fmean(result.kept for result in results),
            min(result.worst for result in results),
            statistics.median(result.cpu for result in results),
        )
        for name, results in runs.items()
    }


def rows() -> list[Row]:
    found: list[Row] = []
    for streams, segments in ((1, 1000), (32, 100)):
        for behaviour in ("idle", "burn", "sleep"):
            scale = 4 if behaviour == "sleep" else 1
            setting = Setting(streams, segments // scale, behaviour)
            seen = compare(setting, (lockstep, send_all, plain))
            found += _fidelity(setting, seen)
            found += _cost(setting, seen) if behaviour == "idle" else []
    setting = Setting(1, 4000, unix=True)
    seen = compare(setting, (lockstep, plain))
    found.append(Row("P7", "AF_UNIX, boundaries of 20,000", 100 * seen["lockstep"].kept, "%", 100))
    ratio = seen["lockstep"].cpu / seen["plain"].cpu
    each = (
        f"{seen['lockstep'].cpu / 4e3 * 1e6:.1f} µs a segment, {seen['plain'].cpu / 4e3 * 1e6:.1f}"
    )
    found.append(Row("P7", "AF_UNIX, CPU against plain sends", ratio, "x", 3, False, each))
    return found + _floor()


def _fidelity(setting: Setting, seen: dict[str, Result]) -> list[Row]:
    where = f"{setting.streams} stream{'s' * (setting.streams > 1)}, {setting.behaviour}"
    best = seen["lockstep"]
    others = ", ".join(f"{name} {100 * seen[name].kept:.1f} %" for name in ("send_all", "plain"))
    return [
        Row("P5", f"boundaries kept, {where}", 100 * best.kept, "%", 99.9, note=others),
        Row("P5", f"worst stream, {where}", 100 * best.worst, "%", 98),
    ]


def _cost(setting: Setting, seen: dict[str, Result]) -> list[Row]:
    best, usual = seen["lockstep"].cpu, seen["send_all"].cpu
    each = f"{best / setting.segments * 1e6:.1f} µs a segment, {usual / setting.segments * 1e6:.1f}"
    what = f"CPU against send_all, {setting.streams} stream{'s' * (setting.streams > 1)}"
    return [Row("P6", what, best / usual, "x", 1.1, at_least=False, note=each)]


def _floor() -> list[Row]:
    seen = compare(Setting(32, 100), (unchecked, plain))
    ratio = seen["unchecked"].cpu / seen["plain"].cpu
    each = (
        f"{seen['unchecked'].cpu / 1e2 * 1e6:.1f} µs a segment, {seen['plain'].cpu / 1e2 * 1e6:.1f}"
    )
    return [
        Row("P8", "CPU without the check against bare sends", ratio, "x", 1.5, False, each),
        Row("P8", "against hypercorn + starlette", None, "x", 0.2, False, "not installed here"),
    ]


if __name__ == "__main__":
    main(rows)
