"""Clients: both pairs, each way to read and to leave, many at once; the daemon is this test."""

import os
import select
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from replayfuzz.handoff import Client, read_all
from replayfuzz.handoff.client import Leave

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
each_pair = pytest.mark.parametrize("pair", ["tcp", "unix"])


def given(client):
    """The daemon's copy of the client's socket; the client's own is closed."""
    taken = client.given.dup()
    client.gave(0.001)
    return taken


def answered(body, pair="tcp", **how):
    """What a client gets when *body* is written and the connection closed."""
    client = Client(pair, **how)
    with given(client) as daemon:
        daemon.sendall(body)
    return client.read(5.0)


@each_pair
def test_a_response_is_read_to_its_end(pair):
    received = answered(HEAD + b"abc", pair)

    response = received.response
    assert (response.status, response.body, response.raw) == (200, b"abc", HEAD + b"abc")
    assert (response.whole, response.reset, received.close) == (True, False, "end")
    assert response.handoff == 0.001
    assert response.first is not None
    assert response.total is not None
    assert 0 <= response.first <= response.total < 5


def test_the_pair_is_tcp_over_loopback_where_a_web_server_has_one():
    with Client() as client:
        client.given.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert client.own.getsockname() == client.given.getpeername()
    with Client("unix") as client, pytest.raises(OSError, match="not supported"):
        client.given.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@each_pair
def test_arrivals_tell_when_each_piece_came(pair):
    client = Client(pair)
    daemon = given(client)

    def write():
        with daemon:
            for piece in (HEAD, b"a", b"b"):
                daemon.sendall(piece)
                # The next piece is sent when this one was read.
                while unread(client.own):
                    time.sleep(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    received = client.read(5.0)
    writer.join()

    size = len(HEAD)
    assert [until for _, until in received.arrivals] == [size, size + 1, size + 2]
    times = [seconds for seconds, _ in received.arrivals]
    assert times == sorted(times)
    assert received.response.first == times[0]


def unread(sock):
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return b""


def test_a_reset_is_told():
    client = Client()
    with given(client) as daemon:
        daemon.sendall(HEAD)
        daemon.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    received = client.read(5.0)

    assert (received.close, received.response.reset, received.response.whole) == (
        "reset",
        True,
        False,
    )


@each_pair
def test_silence_ends_at_the_deadline(pair):
    client = Client(pair)
    with given(client) as daemon:
        daemon.sendall(HEAD + b"a")
        received = client.read(0.02)

    assert (received.close, received.response.body) == ("silent", b"a")
    assert (received.response.total, received.response.whole) == (None, False)


def test_what_is_no_http_is_kept_with_its_fault():
    received = answered(b"data: x\n\n")

    assert (received.response.status, received.response.raw) == (0, b"data: x\n\n")
    assert "no status line" in received.fault


@each_pair
def test_nothing_at_all_is_a_response_without_a_status(pair):
    received = answered(b"", pair)

    assert (received.response.status, received.response.first, received.close) == (0, None, "end")


@each_pair
def test_a_slow_client_reads_little_and_loses_nothing(pair):
    body = os.urandom(1500)
    received = answered(HEAD + body, pair, reads="slow")

    assert received.response.body == body
    steps = [until for _, until in received.arrivals]
    assert max(b - a for a, b in zip([0, *steps], steps, strict=False)) <= 256


def test_a_slow_client_holds_a_daemon_up():
    """The buffers on the way are small, so that much less than a whole response fits into them."""
    with Client(reads="slow") as slow:
        slow.given.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):  # noqa: PT012 - some writes succeed
            while sent < 1 << 20:
                sent += slow.given.send(bytes(4096))

    assert sent < 1 << 16


def test_a_slow_client_is_slow_for_a_bounded_time(monkeypatch):
    monkeypatch.setattr("replayfuzz.handoff.client._SLOW_PAUSE", 0.0001)
    client = Client(reads="slow")
    body = bytes(1 << 20)

    def write():
        with given(client) as daemon:
            daemon.sendall(HEAD + body)

    writer = threading.Thread(target=write)
    writer.start()
    received = client.read(20.0)
    writer.join()

    assert len(received.response.body) == len(body)


@each_pair
def test_a_late_client_takes_nothing_before_all_was_sent(pair):
    client = Client(pair, reads="late")
    daemon = given(client)
    queued: list[int] = []

    def write():
        with daemon:
            daemon.sendall(HEAD)
            select.select([], [], [], 0.02)
            queued.append(len(unread(client.own)))
            daemon.sendall(b"abc")

    writer = threading.Thread(target=write)
    writer.start()
    received = client.read(5.0)
    writer.join()

    assert queued == [1]
    assert received.response.body == b"abc"
    assert [until for _, until in received.arrivals] == [len(HEAD) + 3]


@pytest.mark.parametrize(
    ("pair", "leave", "seen"),
    [
        ("tcp", "fin", ConnectionResetError),
        ("tcp", "reset", ConnectionResetError),
        ("unix", "fin", BrokenPipeError),
    ],
)
def test_a_client_leaves_after_so_many_bytes(pair, leave, seen):
    client = Client(pair, leaves=len(HEAD) + 2, leave=leave)
    with given(client) as daemon:
        daemon.sendall(HEAD + b"abc")
        received = client.read(5.0)
        with pytest.raises(OSError) as caught:  # noqa: PT012 - the first write may still succeed
            for _ in range(100):
                daemon.send(b"x")
                select.select([], [], [], 0.001)

    assert (received.close, received.response.body) == ("left", b"ab")
    assert received.response.total is None
    assert isinstance(caught.value, seen | BrokenPipeError)


def test_a_client_that_leaves_at_once_reads_nothing():
    client = Client(leaves=0)
    with given(client) as daemon:
        daemon.sendall(HEAD)
        received = client.read(5.0)

    assert (received.close, received.response.raw) == ("left", b"")


def test_a_daemon_sees_which_way_a_client_left():
    ways: tuple[tuple[Leave, object], ...] = (("fin", b""), ("reset", ConnectionResetError))
    for leave, expected in ways:
        client = Client(leaves=0, leave=leave)
        with given(client) as daemon:
            client.read(5.0)
            seen: object
            try:
                seen = daemon.recv(1)
            except ConnectionResetError:
                seen = ConnectionResetError
            assert seen == expected


def test_many_clients_are_read_at_once_and_never_mixed():
    clients = [Client("tcp" if number % 2 else "unix") for number in range(60)]
    daemons = [given(client) for client in clients]

    def write():
        for piece in (HEAD, b"%d,", b"%d;"):
            for number, daemon in enumerate(daemons):
                daemon.sendall(piece.replace(b"%d", b"%d" % number))
        for daemon in daemons:
            daemon.close()

    writer = threading.Thread(target=write)
    writer.start()
    received = read_all(clients, 10.0)
    writer.join()

    assert [each.response.body for each in received] == [b"%d,%d;" % (n, n) for n in range(60)]


def test_one_that_is_silent_does_not_hold_the_others_up():
    clients = [Client(), Client()]
    silent, other = map(given, clients)
    with silent, other:
        other.sendall(HEAD + b"x")
        other.close()
        received = read_all(clients, 0.05)

    assert [each.close for each in received] == ["silent", "end"]
    assert received[1].response.total is not None
    assert received[1].response.total < 0.05


def test_a_client_leaves_no_descriptor_behind():
    before = len(list(Path("/proc/self/fd").iterdir()))
    for how in ({}, {"pair": "unix"}, {"reads": "slow"}, {"leaves": 3}, {"leave": "reset"}):
        answered(HEAD, **how)
        with Client(**how):
            pass

    assert len(list(Path("/proc/self/fd").iterdir())) == before
