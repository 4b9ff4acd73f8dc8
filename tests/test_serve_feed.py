"""The feeder over real sockets: order, times, what blocks, what leaves."""

import contextlib
import socket
import time

import pytest
import trio
import trio.testing

from replayfuzz.deliver import Line, Room
from replayfuzz.serve.feed import Feed
from replayfuzz.wire import Close, Script, Send, Wait


@contextlib.contextmanager
def pair(kind="tcp"):
    """A connection: our side, and the peer's."""
    if kind == "unix":
        ours, peer = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            peer = socket.create_connection(listener.getsockname())
            ours = listener.accept()[0]
    peer.settimeout(5)
    with ours, peer:
        yield ours, peer


def feeding(test, *, clock=None):
    """Runs *test* beside a feeder; tells which lines were given back for another request."""
    kept: list[Line] = []

    async def go_on(line, behind):
        kept.append(line)

    async def main():
        with Room() as room:
            async with trio.open_nursery() as tasks:
                feed = Feed(tasks, go_on)
                tasks.start_soon(feed.run)
                with trio.fail_after(30):
                    await test(feed, room)
                tasks.cancel_scope.cancel()

    trio.run(main, clock=clock)
    return kept


async def reads(sock, count):
    """*count* bytes or up to the end of the stream, while others run."""
    sock.setblocking(False)
    got = b""
    while len(got) < count:
        await trio.lowlevel.wait_readable(sock)
        if not (data := sock.recv(65536)):
            break
        got += data
    return got


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_stream_is_sent_in_order_and_closed(kind):
    script = Script((Send(b"a"), Wait(0.001), Send(b"b"), Send(b"c"), Wait(0), Close("fin")))

    async def test(feed, room):
        with pair(kind) as (ours, peer):
            feed.take(Line(ours, room), script, b"")
            assert await reads(peer, 9) == b"abc"

    assert feeding(test) == []


def test_a_whole_message_gives_the_connection_back_when_the_client_wants_it():
    script = Script((Send(b"a"), Wait(0.001), Send(b"b"), Close("keep")))

    async def test(feed, room):
        with pair() as (ours, peer), pair() as (others, other):
            feed.take(Line(ours, room), script, b"")
            feed.take(Line(others, room), script, None)
            assert await reads(peer, 2) == b"ab"
            assert await reads(other, 3) == b"ab"
            await trio.testing.wait_all_tasks_blocked()
            assert ours.fileno() >= 0
            assert others.fileno() < 0

    assert len(feeding(test)) == 1


def test_a_reset_is_one():
    script = Script((Send(b"a"), Wait(0.001), Close("reset")))

    async def test(feed, room):
        with pair() as (ours, peer):
            feed.take(Line(ours, room), script, b"")
            with pytest.raises(ConnectionResetError):
                await reads(peer, 9)

    feeding(test)


def test_times_add_up_whatever_is_late():
    """On a clock that jumps: the end of each stream is where its waits say."""
    ends: list[float] = []

    async def test(feed, room):
        with contextlib.ExitStack() as stack:
            for number in range(3):
                ours, peer = stack.enter_context(pair("unix"))
                wait = Wait(1 + number)
                script = Script((Send(b"a"), wait, Send(b"b"), wait, Close("fin")))
                feed.take(Line(ours, room), script, None)
                peer.setblocking(False)
                while peer.fileno() >= 0 and number == 2:
                    await trio.lowlevel.wait_readable(peer)
                    if not peer.recv(9):
                        ends.append(trio.current_time())
                        break

    clock = trio.testing.MockClock(autojump_threshold=0.01)
    feeding(test, clock=clock)
    assert ends == pytest.approx([6], abs=0.01)


def test_many_streams_are_all_fed():
    script = Script((Send(b"a"), Wait(0.05), Send(b"b"), Wait(0.05), Send(b"c"), Close("fin")))

    async def test(feed, room):
        with contextlib.ExitStack() as stack:
            peers = []
            for _ in range(300):
                ours, peer = stack.enter_context(pair("unix"))
                feed.take(Line(ours, room), script, None)
                peers.append(peer)
            for peer in peers:
                assert await reads(peer, 4) == b"abc"

    feeding(test)


def test_a_peer_that_does_not_read_holds_nobody_up():
    """It gets a task of its own, and everything once it reads again."""
    large = b"x" * (8 << 20)
    blocked = Script((Send(b"a"), Wait(0), Send(large), Wait(0), Send(b"b"), Close("keep")))
    other = Script((Send(b"a"), Wait(0.01), Send(b"b"), Close("fin")))

    async def test(feed, room):
        with pair() as (ours, peer), pair() as (others, reader):
            feed.take(Line(ours, room), blocked, b"")
            feed.take(Line(others, room), other, b"")
            assert await reads(reader, 3) == b"ab"
            got = await reads(peer, len(large) + 2)
            assert got == b"a" + large + b"b"
            await trio.testing.wait_all_tasks_blocked()

    assert len(feeding(test)) == 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script((Send(b"a"), Wait(3600), Send(b"b"), Close("keep"))), id="long-wait"),
        pytest.param(Script((Send(b"a"), Wait(0), Close("open"))), id="open-end"),
    ],
)
def test_a_client_that_leaves_a_silent_stream_is_noticed(script):
    async def test(feed, room):
        with pair() as (ours, peer):
            feed.take(Line(ours, room), script, b"")
            assert await reads(peer, 1) == b"a"
            peer.close()
            while ours.fileno() >= 0:  # noqa: ASYNC110 - nothing tells
                await trio.sleep(0.001)

    feeding(test)


def test_a_client_that_leaves_a_talking_stream_is_noticed():
    steps = [step for _ in range(2000) for step in (Send(b"a"), Wait(0.001))]

    async def test(feed, room):
        with pair() as (ours, peer):
            feed.take(Line(ours, room), Script((*steps, Close("open"))), b"")
            assert await reads(peer, 1)
            peer.close()
            start = time.monotonic()
            while ours.fileno() >= 0:  # noqa: ASYNC110 - nothing tells
                await trio.sleep(0.001)
            assert time.monotonic() - start < 1

    feeding(test)


def test_a_long_script_leaves_others_their_turn():
    """Thousands of sends in a row are done in turns; the other stream ends first."""
    long = Script((Wait(0), *[Send(b"x")] * 5000, Close("fin")))
    short = Script((Send(b"a"), Wait(0), Send(b"b"), Close("fin")))

    async def test(feed, room):
        with pair() as (ours, peer), pair() as (others, reader):
            feed.take(Line(ours, room), long, None)
            feed.take(Line(others, room), short, None)
            assert await reads(reader, 3) == b"ab"
            assert ours.fileno() >= 0
            assert await reads(peer, 5001) == b"x" * 5000

    feeding(test)


def test_at_the_end_every_stream_is_closed():
    script = Script((Send(b"a"), Wait(3), Close("keep")))
    socks: list[socket.socket] = []

    async def test(feed, room):
        ours, peer = socket.socketpair()
        socks.extend((ours, peer))
        feed.take(Line(ours, room), script, b"")

    feeding(test)
    with socks[1]:
        assert socks[0].fileno() < 0
