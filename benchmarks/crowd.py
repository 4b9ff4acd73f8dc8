"""Clients for the benchmarks of a server, in a process of their own. Standard library only.

``crowd.py hold PORT STREAMS EVENTS RATE``: opens RATE connections a second up to STREAMS, asks
for a stream of EVENTS events on each, says ``open`` when all are, reads to the end, and tells as
JSON how many events came and how late each was: later than one second after the other, counted
from the one of its stream that came the earliest.

``crowd.py fetch PORT SECONDS AT_ONCE EVENTS``: raw requests, each on a new connection and AT_ONCE
of them at a time; tells how many whole streams came.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time

BODY = json.dumps(
    {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}
).encode()
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
WHOLE = b"0\r\n\r\n"


class Crowd:
    """Connections, and what came on each: times of its events, the last bytes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.poll = select.epoll()
        self.socks: dict[int, socket.socket] = {}
        self.times: dict[int, list[float]] = {}
        self.tails: dict[int, bytes] = {}
        self.done: list[tuple[list[float], bytes]] = []

    def open(self) -> None:
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.sendall(REQUEST)
        sock.setblocking(False)
        number = sock.fileno()
        self.socks[number], self.times[number], self.tails[number] = sock, [], b""
        self.poll.register(number, select.EPOLLIN)

    def read(self, seconds: float) -> None:
        """Read what has come, waiting *seconds* at most."""
        for number, _ in self.poll.poll(seconds):
            data = self.socks[number].recv(65536)
            now = time.monotonic()
            self.times[number].extend([now] * data.count(b"data: "))
            self.tails[number] = (self.tails[number] + data)[-len(WHOLE) :]
            if not data or self.tails[number] == WHOLE:  # some servers never close
                self.close(number)

    def close(self, number: int) -> None:
        self.poll.unregister(number)
        self.socks.pop(number).close()
        self.done.append((self.times.pop(number), self.tails.pop(number)))


def hold(port: int, streams: int, events: int, rate: int) -> None:
    crowd = Crowd(port)
    start = time.monotonic()
    for opened in range(streams):
        crowd.open()
        while (early := start + opened / rate - time.monotonic()) > 0:
            crowd.read(early)
        crowd.read(0)
    print("open", flush=True)
    while crowd.socks:
        crowd.read(10)
    late = []
    for times, _ in crowd.done:
        first = min(at - number for number, at in enumerate(times))
        late += [at - number - first for number, at in enumerate(times)]
    late.sort()
    told = {
        "events": len(late),
        "whole": sum(tail == WHOLE and len(times) == events for times, tail in crowd.done),
        "p50": late[len(late) // 2],
        "p99": late[len(late) * 99 // 100],
    }
    print(json.dumps(told), flush=True)


def fetch(port: int, seconds: float, at_once: int, events: int) -> None:
    crowd = Crowd(port)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        while len(crowd.socks) < at_once:
            crowd.open()
        crowd.read(1)
    told = [len(times) == events and tail == WHOLE for times, tail in crowd.done]
    print(json.dumps({"whole": sum(told), "others": len(told) - sum(told)}), flush=True)


def main() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    what, *numbers = sys.argv[1:]
    if what == "hold":
        hold(*map(int, numbers))
    else:
        port, seconds, at_once, events = numbers
        fetch(int(port), float(seconds), int(at_once), int(events))


if __name__ == "__main__":
    main()
