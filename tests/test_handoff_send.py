"""The sender: one message as the web server's module sends it, and every way to fail, in words."""

import array
import contextlib
import errno
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from replayfuzz.errors import HandOffError
from replayfuzz.handoff import Retry, hand_off, send

ONCE = Retry(retries=0)


@pytest.fixture
def listener(tmp_path, monkeypatch):
    """A daemon's socket; its path is short, wherever the tests run."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind("s")
        sock.listen(8)
        yield sock


def taken(listener, size=1 << 20):
    """Message, descriptors and flags of the next connection; then what its end says."""
    peer, _ = listener.accept()
    with peer:
        data, control, flags, _ = peer.recvmsg(size, socket.CMSG_SPACE(64), socket.MSG_CMSG_CLOEXEC)
        levels = [(level, kind) for level, kind, _ in control]
        assert set(levels) <= {(socket.SOL_SOCKET, socket.SCM_RIGHTS)}
        fds = array.array("i", b"".join(content for _, _, content in control)).tolist()
        assert peer.recv(1) == b""
    return data, fds, flags


def test_the_message_is_the_payload_and_the_descriptor_is_the_socket(listener):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        seconds = hand_off("s", b'{"prompt": "hi"}', [theirs.fileno()])
        data, fds, flags = taken(listener)
        with socket.socket(fileno=fds[0]) as got:
            got.sendall(b"x")
        assert ours.recv(1) == b"x"

    assert (data, len(fds)) == (b'{"prompt": "hi"}', 1)
    assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
    assert 0 < seconds < 1


def test_no_payload_is_one_nul_byte(listener):
    hand_off("s", b"", [0])
    data, fds, _ = taken(listener)
    os.close(fds[0])

    assert data == b"\0"


@pytest.mark.parametrize("count", [0, 2, 5])
def test_any_number_of_descriptors_travels(listener, count):
    hand_off("s", b"x", [0] * count)
    _, fds, _ = taken(listener)
    for fd in fds:
        os.close(fd)

    assert len(fds) == count


def test_two_hundred_kilobytes_are_one_message(listener):
    payload = os.urandom(200 * 1024)
    hand_off("s", payload, [])

    assert taken(listener)[0] == payload


def test_nothing_stays_open(listener):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        hand_off("s", b"x", [])
        with pytest.raises(HandOffError):
            hand_off("nowhere", b"x", [], ONCE)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


# -- what can go wrong -----------------------------------------------------------------


def missing():
    return "nowhere"


def no_folder():
    Path("file").touch()
    return "file/s"


def stale():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind("stale")
    return "stale"


def plain_file():
    Path("file").touch()
    return "file"


def stream():
    sock = socket.socket(socket.AF_UNIX)
    sock.bind("stream")
    sock.listen()
    KEPT.append(sock)
    return "stream"


KEPT: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    while KEPT:
        KEPT.pop().close()


@pytest.mark.parametrize(
    ("make", "number", "message"),
    [
        (missing, errno.ENOENT, "there is no such file; does the daemon run"),
        (no_folder, errno.ENOTDIR, "not a folder"),
        (stale, errno.ECONNREFUSED, "nobody listens there; the file is what an ended daemon left"),
        (plain_file, errno.ECONNREFUSED, "it is a file, not a socket"),
        (stream, errno.EPROTOTYPE, "another type; a daemon has to listen with SOCK_SEQPACKET"),
        (lambda: "x" * 108, None, "a path has 107 bytes at most"),
    ],
)
def test_a_place_that_takes_nobody_is_named_with_the_reason(
    tmp_path, monkeypatch, make, number, message
):
    monkeypatch.chdir(tmp_path)
    path = make()
    with pytest.raises(HandOffError) as caught:
        hand_off(path, b"x", [], ONCE)

    assert (caught.value.path, caught.value.number) == (path, number)
    assert str(caught.value).startswith(f"cannot hand a client over at {path}: ")
    assert message in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any socket")
def test_a_socket_that_we_may_not_write_to_is_told(listener):
    Path("s").chmod(0)
    with pytest.raises(HandOffError, match="permission denied"):
        hand_off("s", b"x", [])


def test_a_message_that_is_too_long_is_told(listener):
    with pytest.raises(HandOffError, match="too long") as caught:
        hand_off("s", bytes(8 << 20), [])

    assert caught.value.number == errno.EMSGSIZE


def test_a_descriptor_that_is_closed_is_told(listener):
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(HandOffError, match="closed already"):
        hand_off("s", b"x", [write])


def test_a_full_queue_is_waited_for_and_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind("s")
        sock.listen(0)
        hand_off("s", b"x", [])
        began = time.monotonic()
        with pytest.raises(HandOffError, match="queue stayed full"):
            hand_off("s", b"x", [], Retry(connect=0.03))
        assert 0.02 < time.monotonic() - began < 1


def test_a_full_queue_that_moves_on_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.bind("s")
        sock.listen(0)
        hand_off("s", b"first", [])
        sender = threading.Thread(target=hand_off, args=("s", b"second", [], Retry(connect=10)))
        sender.start()
        # Its system call is in connect, in which it sleeps, once the kernel says so.
        while sender.native_id and _sleeping(sender.native_id) != "S":
            time.sleep(0.001)
        assert [taken(sock)[0], taken(sock)[0]] == [b"first", b"second"]
        sender.join()


def _sleeping(thread):
    return Path(f"/proc/self/task/{thread}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_full_buffer_is_waited_for_as_long_as_told():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(bytes(4096))
        with pytest.raises(BlockingIOError):
            send._send(ours, b"x", [], 0.01)

        def read_all():
            while theirs.recv(4096) != b"x":
                pass

        reader = threading.Thread(target=read_all)
        reader.start()
        send._send(ours, b"x", [], 10)
        reader.join()


# -- retries ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [missing, stale])
def test_where_a_daemon_may_come_back_it_is_tried_again(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    path = make()
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    with pytest.raises(HandOffError):
        hand_off(path, b"x", [], Retry(retries=3))

    assert waits == [0.01, 0.02, 0.04]


def test_the_web_server_tries_three_times(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    with pytest.raises(HandOffError):
        hand_off("nowhere", b"x", [])

    assert waits == [0.01, 0.02]


def test_a_wrong_type_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = stream()
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waited"))
    with pytest.raises(HandOffError):
        hand_off(path, b"x", [])


def test_a_daemon_that_comes_back_meanwhile_is_reached(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    KEPT.append(sock)

    def back(_):
        sock.bind("s")
        sock.listen()

    monkeypatch.setattr("time.sleep", back)
    hand_off("s", b"x", [])

    assert taken(sock)[0] == b"x"


def test_hand_offs_of_several_threads_do_not_mix(listener):
    threads = [
        threading.Thread(target=hand_off, args=("s", b"%d" % number, [])) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    messages = {taken(listener)[0] for _ in threads}
    for thread in threads:
        thread.join()

    assert messages == {b"0", b"1", b"2", b"3"}
