"""P11: our hand-offs a second, against a bare ``send_fds`` loop with the same receiver.

Both send the same JSON payload and the same descriptor, each over a connection of its own, to a
process that takes messages and closes descriptors. They take turns; CPU is that of the sender,
so that the receiver and the scheduler count for nobody; the wall figure stands beside it.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, main
from replayfuzz.handoff import hand_off

ROUNDS = 5
BATCH = 4000
PAYLOAD = json.dumps({"user_id": 1, "prompt": "test prompt"}).encode()

# It works until its standard input ends; its queue is long, so that nobody waits in connect.
RECEIVER = """
import os, socket, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
    listener.bind(sys.argv[1])
    listener.listen(4096)
    print("ready", flush=True)
    while True:
        peer, _ = listener.accept()
        _, fds, _, _ = socket.recv_fds(peer, 1 << 19, 4)
        for fd in fds:
            os.close(fd)
        peer.close()
"""


def bare(path: str, payload: bytes, fds: list[int]) -> None:
    """The least that hands a descriptor over."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(path)
        socket.send_fds(sock, [payload], fds)


def spent(
    send: Callable[[str, bytes, list[int]], object], path: str, fd: int
) -> tuple[float, float]:
    """CPU and wall seconds of one batch."""
    fds = [fd]
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(BATCH):
        send(path, PAYLOAD, fds)
    return time.process_time() - cpu, time.perf_counter() - wall


def measure() -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(CPU, wall) of ours and of the bare loop, for each round."""
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    with (
        tempfile.TemporaryDirectory(prefix="replayfuzz-") as folder,
        Path(os.devnull).open("rb") as null,
    ):
        path = f"{folder}/s"
        command = [sys.executable, "-S", "-c", RECEIVER, path]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as receiver:
            receiver.stdout.readline()
            for way in (hand_off, bare):
                spent(way, path, null.fileno())  # warm
            for _ in range(ROUNDS):
                plain.append(spent(bare, path, null.fileno()))
                ours.append(spent(hand_off, path, null.fileno()))
            receiver.stdin.close()
    return ours, plain


def rows() -> list[Row]:
    """P11 by CPU, and the wall figure beside it."""
    ours, plain = measure()
    ratios = [
        statistics.median(bare[kind] / own[kind] for own, bare in zip(ours, plain, strict=True))
        for kind in (0, 1)
    ]
    rates = [BATCH / statistics.median(wall for _, wall in each) for each in (ours, plain)]
    note = f"{rates[0] / 1000:.1f}k hand-offs/s, bare {rates[1] / 1000:.1f}k/s (wall, one sender)"
    what = "hand-offs against a bare send_fds loop, same receiver"
    return [
        Row("P11", f"{what} (CPU)", ratios[0], "x", 0.6, note=note),
        Row("P11", "the same, wall", ratios[1], "x"),
    ]


if __name__ == "__main__":
    main(rows)
