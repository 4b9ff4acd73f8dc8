"""Lock-step delivery over real sockets: every boundary is seen, and every wait is bounded."""

import contextlib
import socket
import threading

import pytest
import trio
from trio.testing import MockClock

from replayfuzz.deliver import Line, Room, diag, play
from replayfuzz.transcript import Delivery
from replayfuzz.wire import Close, Script, Send, Wait

SEGMENTS = [b"data: %d\n\n" % number + b"." * (number % 5) for number in range(300)]


def script(*segments, how="fin"):
    return Script((*map(Send, segments), Close(how)))


@contextlib.contextmanager
def tcp(host="127.0.0.1"):
    """A connected pair: ours, theirs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        theirs = socket.create_connection(listener.getsockname()[:2])
        ours = listener.accept()[0]
    with ours, theirs:
        yield ours, theirs


@contextlib.contextmanager
def mapped():
    """A dual-stack server sees an IPv4 client under an IPv4-mapped IPv6 address."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        theirs = socket.create_connection(("127.0.0.1", listener.getsockname()[1]))
        ours = listener.accept()[0]
    with ours, theirs:
        yield ours, theirs


@contextlib.contextmanager
def unix():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


class Reader:
    """Reads in a thread; *lengths* tells what each recv() gave, *end* the error that ended it."""

    def __init__(self, sock, size=65536):
        self.lengths = []
        self.data = b""
        self.end = None
        self.thread = threading.Thread(target=self.read, args=(sock, size))

    def read(self, sock, size):
        try:
            while data := sock.recv(size):
                self.lengths.append(len(data))
                self.data += data
        except OSError as error:
            self.end = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.thread.join()


def deliver(asked, sock, *, clock=None, verify=True):
    async def main():
        with Room() as room:
            return await play(asked, sock, room, verify=verify)

    return trio.run(main, clock=clock)


def jumping():
    return MockClock(autojump_threshold=0)


PAIRS = pytest.mark.parametrize("pair", [tcp, unix], ids=["tcp", "unix"])


@pytest.mark.parametrize(
    "pair", [tcp, lambda: tcp("::1"), mapped, unix], ids=["ipv4", "ipv6", "mapped", "unix"]
)
def test_the_peer_reads_each_segment_on_its_own(pair):
    with pair() as (ours, theirs), Reader(theirs) as reader:
        delivery = deliver(script(*SEGMENTS), ours)

    # A thread of the same interpreter shares its lock with us, so this is the hard case. On
    # AF_UNIX nothing tells that the peer has left recv(): see diag.UnixPeer.
    assert len(reader.lengths) >= len(SEGMENTS) - (2 if pair is unix else 0)
    assert reader.data == b"".join(SEGMENTS)
    assert (delivery.segments, delivery.verified) == (300, 300)
    assert (delivery.finished, delivery.stuck) == (True, False)


@PAIRS
def test_a_peer_that_reads_in_small_bites_has_read_a_segment_at_its_last_byte(pair):
    with pair() as (ours, theirs), Reader(theirs, 3) as reader:
        delivery = deliver(script(b"abcdefg", b"hi", b"jkl"), ours)

    assert reader.lengths == [3, 3, 1, 2, 3]
    assert delivery.verified == 3


@PAIRS
def test_segments_larger_than_every_buffer_arrive_whole(pair):
    large = b"x" * 3_000_000
    with pair() as (ours, theirs), Reader(theirs) as reader:
        delivery = deliver(script(large, b"end"), ours)

    assert reader.lengths[-1] == 3
    assert len(reader.data) == 3_000_003
    assert delivery.verified == 2


def test_many_streams_at_once_keep_their_boundaries():
    async def main(pairs):
        with Room() as room:
            async with trio.open_nursery() as nursery:
                for ours, _ in pairs:
                    nursery.start_soon(play, script(*SEGMENTS[:20]), ours, room)
        return room.streams

    with contextlib.ExitStack() as stack:
        pairs = [stack.enter_context(tcp()) for _ in range(8)]
        readers = [stack.enter_context(Reader(theirs)) for _, theirs in pairs]
        left = trio.run(main, pairs)

    assert [len(reader.lengths) for reader in readers] == [20] * 8
    assert left == 0


@PAIRS
def test_without_verifying_nothing_is_claimed(pair):
    with pair() as (ours, theirs), Reader(theirs) as reader:
        delivery = deliver(script(*SEGMENTS), ours, verify=False)

    assert reader.data == b"".join(SEGMENTS)
    assert (delivery.segments, delivery.verified, delivery.finished) == (300, None, True)


def test_one_segment_alone_asks_nothing(monkeypatch):
    monkeypatch.setattr(diag, "unread_by_tcp_peer", None)
    with tcp() as (ours, theirs):
        delivery = deliver(script(b"all"), ours)

        assert theirs.recv(9) == b"all"
    assert delivery == Delivery("tcp", 1, 1)


def test_where_nobody_can_be_asked_pauses_part_the_segments_and_it_is_said():
    class Nobody(Room):
        def __init__(self):
            super().__init__()
            self.diag.close()

    async def main(sock):
        start = trio.current_time()
        with Nobody() as room:
            delivery = await play(script(b"a", b"b", b"c"), sock, room)
        return delivery, trio.current_time() - start

    with tcp() as (ours, theirs):
        delivery, seconds = trio.run(main, ours, clock=jumping())

        assert theirs.recv(9) == b"abc"
    assert (delivery.segments, delivery.verified, delivery.finished) == (3, None, True)
    assert seconds == pytest.approx(0.004)


@PAIRS
def test_a_wait_parts_segments_by_its_time(pair):
    async def main(sock):
        start = trio.current_time()
        asked = Script((Send(b"a"), Wait(3600), Send(b"b"), Close("fin")))
        with Room() as room:
            return await play(asked, sock, room), trio.current_time() - start

    with pair() as (ours, theirs), Reader(theirs) as reader:
        delivery, seconds = trio.run(main, ours, clock=jumping())

    assert reader.lengths == [1, 1]
    assert seconds >= 3600
    assert delivery.finished


@PAIRS
def test_a_peer_that_stops_reading_is_stuck_and_told_after_a_bound(pair):
    with pair() as (ours, _):
        delivery = deliver(script(b"a", b"b"), ours, clock=jumping())

    assert (delivery.segments, delivery.verified) == (1, 0)
    assert (delivery.finished, delivery.stuck) == (False, True)


@PAIRS
def test_a_peer_that_lets_its_buffers_fill_is_stuck_too(pair):
    with pair() as (ours, _):
        delivery = deliver(script(b"x" * 50_000_000), ours, clock=jumping())

    assert (delivery.segments, delivery.finished, delivery.stuck) == (1, False, True)


@PAIRS
@pytest.mark.parametrize("reads", [True, False], ids=["after-reading", "without-reading"])
def test_a_peer_that_has_left_ends_the_play(pair, reads):
    with pair() as (ours, theirs):
        ours.sendall(b"x")
        if reads:
            theirs.recv(1)
        theirs.close()
        delivery = deliver(script(*SEGMENTS), ours)

    assert delivery.segments <= 3
    assert (delivery.finished, delivery.stuck) == (False, False)


@PAIRS
def test_a_peer_that_leaves_during_a_wait_ends_it(pair):
    with pair() as (ours, theirs):
        theirs.close()
        delivery = deliver(Script((Wait(1e6), Send(b"a"), Close("fin"))), ours)

    assert (delivery.segments, delivery.finished) == (0, False)


def test_reset_is_seen_after_everything_was_read():
    with tcp() as (ours, theirs), Reader(theirs) as reader:
        delivery = deliver(script(b"a", b"b", how="reset"), ours)

    assert reader.lengths == [1, 1]
    assert isinstance(reader.end, ConnectionResetError)
    assert delivery == Delivery("tcp", 2, 2)


def test_fin_reaches_the_peer_although_it_sent_what_nobody_read():
    with tcp() as (ours, theirs):
        theirs.sendall(b"pipelined")
        deliver(script(b"answer"), ours)

        assert (theirs.recv(9), theirs.recv(9)) == (b"answer", b"")


@PAIRS
def test_open_lasts_until_the_peer_leaves(pair):
    async def main(ours, theirs):
        ended = []

        async def run():
            with Room() as room:
                ended.append(await play(script(b"a", how="open"), ours, room))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await trio.lowlevel.wait_readable(theirs)
            assert theirs.recv(9) == b"a"
            await trio.testing.wait_all_tasks_blocked()
            assert not ended
            trio.lowlevel.notify_closing(theirs)
            theirs.close()
        return ended[0]

    with pair() as (ours, theirs):
        assert trio.run(main, ours, theirs).finished


def test_keep_leaves_the_connection_for_more():
    async def main(sock):
        with Room() as room:
            first = await play(script(b"a", b"b", how="keep"), sock, room)
            return first, await play(script(b"c", how="fin"), sock, room)

    with tcp() as (ours, theirs), Reader(theirs) as reader:
        first, again = trio.run(main, ours)

    assert reader.data == b"abc"
    assert (first.finished, again.finished) == (True, True)


def test_cancelling_closes_the_connection_at_once():
    async def main(sock):
        with trio.move_on_after(10), Room() as room:
            await play(Script((Send(b"a"), Wait(1e6), Close("fin"))), sock, room)

    with tcp() as (ours, theirs), Reader(theirs) as reader:
        trio.run(main, ours, clock=jumping())

    assert (reader.lengths, reader.end) == ([1], None)


def test_the_kernel_is_asked_for_the_peer():
    with tcp() as (ours, theirs), diag.Diag() as asked:
        ours.sendall(b"12345")
        unread = diag.unread_by_tcp_peer(asked, ours)

        assert unread is not None
        assert unread(5, True) == 5
        theirs.recv(2)
        assert unread(5, True) == 3
        theirs.recv(9)
        assert unread(5, True) == 0


def test_bytes_that_have_not_arrived_are_not_read():
    """An empty queue is no proof: here more is claimed to be sent than ever was."""
    with tcp() as (ours, _), diag.Diag() as asked:
        unread = diag.unread_by_tcp_peer(asked, ours)
        ours.sendall(b"12345")
        full = diag.requests(ours)[1]

        assert unread is not None
        assert diag.received(asked.ask(full)) == 5
        assert unread(6, True) >= 1


def test_an_af_unix_peer_that_reads_wakes_who_waits_for_it():
    with unix() as (ours, theirs):
        peer = diag.UnixPeer(ours)
        first = peer.wait(5)  # only begins to listen
        ours.sendall(b"12345")
        waited = peer.wait(0)
        theirs.recv(3)
        parted = peer.wait(0), peer.unread(5, True)
        theirs.recv(9)
        read = peer.wait(5), peer.unread(5, False)
        peer.close()

    assert (first, waited, parted[0], read) == (False, False, False, (True, 0))
    assert parted[1] > 0


def test_a_line_counts_what_it_sent():
    async def main(ours):
        with Room() as room:
            line = Line(ours, room)
            await line.send(b"12345", 1)
            return line.sent, line.over

    with tcp() as (ours, _):
        assert trio.run(main, ours) == (5, "tcp")
