"""HTTP/2 with prior knowledge, asked by a client made of a socket and h2: what each read gives."""

import contextlib
import http.client
import shutil
import socket
import subprocess
from urllib.parse import urlsplit

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import DataFrame, PriorityFrame

from replayfuzz.deliver.frameplay import FramePlay
from replayfuzz.serve import Http2, ReplayServer
from replayfuzz.wire import Close, Frame, Script, Send, Wait

HEAD = Frame("headers", fields=((":status", "200"), ("content-type", "text/event-stream")))
END = Frame("data", last=True)


def script(*steps, how="keep"):
    return Script((HEAD, *steps, Close(how)))


def data(content, **more):
    return Frame("data", content, **more)


class Client:
    """An HTTP/2 connection: ``reads`` is what each recv() gave, ``events`` what h2 made of it.

    Args:
        window: Initial window of every stream.
    """

    def __init__(self, url, *, window=None):
        parts = urlsplit(url)
        self.sock = socket.create_connection((parts.hostname, parts.port), timeout=20)
        self.h2 = H2Connection(H2Configuration(header_encoding="utf-8"))
        if window is not None:
            wanted = {SettingCodes.INITIAL_WINDOW_SIZE: window}
            self.h2.local_settings = Settings(client=True, initial_values=wanted)
        self.h2.initiate_connection()
        self.reads = []
        self.events = []
        self.generous = True  # opens windows again

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.sock.close()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def ask(self, ticket, body=b"{}", *, method="POST", more=()):
        stream = self.h2.get_next_available_stream_id()
        fields = [
            (":method", method),
            (":path", urlsplit(ticket.url).path + "/v1/x"),
            (":scheme", "http"),
            (":authority", "localhost"),
            *more,
        ]
        self.h2.send_headers(stream, fields, end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def read(self):
        """One recv(); False at the end of the connection."""
        arrived = self.sock.recv(65536)
        if not arrived:
            return False
        self.reads.append(arrived)
        for event in self.h2.receive_data(arrived):
            self.events.append(event)
            if isinstance(event, DataReceived) and self.generous:
                with contextlib.suppress(ProtocolError):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()
        return True

    def until(self, kind, count=1):
        """Read until *count* events of a type have come."""
        while sum(isinstance(event, kind) for event in self.events) < count:
            assert self.read(), f"the connection ended before {kind.__name__}"
        return [event for event in self.events if isinstance(event, kind)]

    def to_end(self):
        with contextlib.suppress(ConnectionResetError):
            while self.read():
                pass

    def content(self, stream):
        return b"".join(
            event.data
            for event in self.events
            if isinstance(event, DataReceived) and event.stream_id == stream
        )

    def settle(self):
        """Exchange SETTINGS, so that only what is played comes from now on."""
        self.flush()
        ack = b"\0\0\0\4\1\0\0\0\0"
        while ack not in b"".join(self.reads):
            assert self.read()
        self.reads.clear()


@pytest.fixture
def server():
    with ReplayServer() as running:
        yield running


@pytest.fixture
def client(server):
    with Client(server.url) as running:
        yield running


def test_a_request_is_answered_and_told_as_text(server, client):
    ticket = server.offer(script(data(b"hello"), END))
    stream = client.ask(ticket, b'{"stream": true}', more=[("x-test", "1")])
    client.until(StreamEnded)
    delivery = ticket.finish(5)

    assert client.content(stream) == b"hello"
    assert dict(client.until(ResponseReceived)[0].headers)[":status"] == "200"
    assert delivery.request == (
        f"POST /t/{ticket.token}/v1/x HTTP/2\r\nhost: localhost\r\nx-test: 1\r\n\r\n".encode()
        + b'{"stream": true}'
    )
    assert (delivery.protocol, delivery.over) == ("h2", "tcp")
    assert (delivery.segments, delivery.verified) == (3, 3)
    assert (delivery.finished, delivery.stuck, delivery.left) == (True, False, None)


def test_the_peer_reads_each_frame_on_its_own(server, client):
    contents = [b"data: %d\n\n" % number + b"." * (number % 5) for number in range(200)]
    client.settle()
    ticket = server.offer(script(*map(data, contents), END))
    client.ask(ticket)
    client.until(StreamEnded)

    assert [read[9:] for read in client.reads[1:-1]] == contents
    assert ticket.finish(5).verified == 202


def test_boundaries_lie_where_the_cuts_say(server, client):
    """Inside frame headers, inside payloads, and none between frames that go together."""
    client.settle()
    ticket = server.offer(
        script(
            data(b"together with the head", cuts=()),
            data(b"0123456789", cuts=(0, 4, 9, 12)),
            data(b"abc", cuts=(10,)),
            data(b"def", last=True, cuts=()),
        )
    )
    stream = client.ask(ticket)
    client.until(StreamEnded)

    first = len(client.reads[0])
    assert [len(read) for read in client.reads] == [first, 4, 5, 3, 7 + 10, 2 + 12]
    assert b"together" in client.reads[0]
    assert client.content(stream) == b"together with the head0123456789abcdef"
    assert ticket.finish(5).segments == 6


def test_padding_is_sent_as_asked(server, client):
    client.settle()
    ticket = server.offer(script(data(b"a", pad=0), data(b"bc", pad=200), END))
    stream = client.ask(ticket)
    client.until(StreamEnded)

    assert [len(read) for read in client.reads[1:]] == [9 + 1 + 1, 9 + 1 + 2 + 200, 9]
    assert client.content(stream) == b"abc"


def test_trailers_end_a_stream(server, client):
    ticket = server.offer(script(data(b"a"), Frame("trailers", fields=(("x-t", "1"),), last=True)))
    client.ask(ticket)
    client.until(StreamEnded)

    assert client.until(TrailersReceived)[0].headers == [("x-t", "1")]
    assert ticket.finish(5).finished


def test_rst_stream_ends_one_stream_and_keeps_the_connection(server, client):
    first = server.offer(script(data(b"a"), Frame("rst-stream", code=2)))
    again = server.offer(script(data(b"b"), END))
    client.ask(first)
    reset = client.until(StreamReset)[0]
    stream = client.ask(again)
    client.until(StreamEnded)

    assert (reset.error_code, client.content(stream)) == (2, b"b")
    assert first.finish(5).finished


def test_goaway_names_the_last_stream(server, client):
    ticket = server.offer(script(data(b"a"), Frame("goaway", code=2), how="fin"))
    client.ask(ticket)
    client.to_end()

    told = client.until(ConnectionTerminated)[0]
    assert (told.error_code, told.last_stream_id) == (2, 1)
    assert ticket.finish(5).finished


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_the_connection_ends_inside_a_frame(server, client, how):
    client.settle()
    ticket = server.offer(script(data(b"0123456789", stop=12), how=how))
    client.ask(ticket)
    client.to_end()

    assert client.reads[-1][9:] == b"012"
    assert len(client.reads) == 2
    assert ticket.finish(5).finished


def test_what_h2_would_refuse_is_sent_nevertheless(server, client):
    """DATA after END_STREAM, and trailers that do not end the stream."""
    client.settle()
    ticket = server.offer(
        script(
            Frame("trailers", fields=(("x-t", "1"),)), data(b"a", last=True), data(b"after"), END
        )
    )
    client.sock.settimeout(20)
    client.ask(ticket)
    arrived = b""
    while b"after" not in arrived or not arrived.endswith(b"\0\0\0\0\1\0\0\0\1"):
        arrived += client.sock.recv(65536)

    assert ticket.finish(5).finished


def test_streams_are_played_at_the_same_time(server, client):
    tickets = [
        server.offer(script(*(data(b"%d-%d" % (number, part)) for part in range(5)), END))
        for number in range(20)
    ]
    streams = [client.ask(ticket) for ticket in tickets]
    client.until(StreamEnded, 20)

    for number, stream in enumerate(streams):
        assert client.content(stream) == b"".join(b"%d-%d" % (number, part) for part in range(5))
    deliveries = [ticket.finish(5) for ticket in tickets]
    assert {delivery.verified for delivery in deliveries} == {7}
    assert {delivery.finished for delivery in deliveries} == {True}


def test_frames_of_other_streams_do_not_get_between_the_parts_of_a_frame(server, client):
    tickets = [
        server.offer(script(*(data(b"x" * 20, cuts=tuple(range(29))) for _ in range(3)), END))
        for _ in range(4)
    ]
    streams = [client.ask(ticket) for ticket in tickets]
    client.until(StreamEnded, 4)

    assert [client.content(stream) for stream in streams] == [b"x" * 60] * 4


def test_pings_and_settings_are_answered_while_a_script_waits(server, client):
    ticket = server.offer(script(Wait(600), END))
    client.ask(ticket)
    client.until(ResponseReceived)
    client.settle()
    client.h2.ping(b"12345678")
    client.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 7})
    client.flush()
    client.sock.sendall(PriorityFrame(1, stream_weight=5).serialize())
    while b"12345678" not in b"".join(client.reads):
        assert client.read()

    assert not ticket.finish(5).finished


def test_a_small_window_parts_frames_and_each_opening_sends_more(server):
    content = bytes(range(100))
    with Client(server.url, window=30) as client:
        ticket = server.offer(script(data(content, pad=5, cuts=(0, 15)), END))
        stream = client.ask(ticket)
        client.until(StreamEnded)

        frames = [event for event in client.events if isinstance(event, DataReceived)]
        assert client.content(stream) == content
        assert max(event.flow_controlled_length for event in frames) <= 30
        assert ticket.finish(5).finished


def test_a_window_that_is_never_opened_makes_the_play_stuck(monkeypatch):
    monkeypatch.setattr(FramePlay.__init__, "__kwdefaults__", {"verify": True, "patience": 0.05})
    with ReplayServer() as server, Client(server.url, window=30) as client:
        client.generous = False
        ticket = server.offer(script(data(bytes(100)), END))
        stream = client.ask(ticket)
        reset = client.until(StreamReset)[0]
        delivery = ticket.finish(5)

        assert (len(client.content(stream)), reset.stream_id) == (30, stream)
        assert (delivery.stuck, delivery.finished) == (True, False)


def test_frames_are_no_larger_than_the_peer_takes(server, client):
    content = bytes(1000) * 40
    ticket = server.offer(script(data(content), END))
    stream = client.ask(ticket)
    client.until(StreamEnded)

    assert client.content(stream) == content
    assert ticket.finish(5).segments == 3


def test_a_head_larger_than_a_frame_goes_on_in_continuations(server, client):
    fields = tuple((f"x-{number}", "~" * 3000) for number in range(12))
    ticket = server.offer(
        Script((Frame("headers", fields=(*HEAD.fields, *fields)), END, Close("keep")))
    )
    client.ask(ticket)
    client.until(StreamEnded)

    assert set(fields) <= set(client.until(ResponseReceived)[0].headers)


@pytest.mark.parametrize("steps", [(Wait(600),), (Close("open"),)], ids=["waiting", "open"])
@pytest.mark.parametrize("leave", ["reset", "close"])
def test_a_client_that_leaves_is_noticed(server, client, leave, steps):
    ticket = server.offer(Script((HEAD, data(b"a"), *steps, Close("keep"))))
    stream = client.ask(ticket)
    client.until(DataReceived)
    if leave == "reset":
        client.h2.reset_stream(stream, 8)
        client.flush()
    else:
        client.sock.close()

    assert ticket.left(10)
    left = ticket.finish(5).left
    assert left is not None
    assert 0 < left < 10


def test_a_reset_stream_leaves_the_others_alone(server, client):
    first = server.offer(script(data(b"a"), Wait(600), END))
    second = server.offer(script(*(data(b"x" * 5, cuts=(0, 11)) for _ in range(50)), END))
    gone = client.ask(first)
    client.until(DataReceived)
    stream = client.ask(second)
    client.h2.reset_stream(gone)
    client.flush()
    client.until(StreamEnded)

    assert client.content(stream) == b"x" * 250
    assert first.left(5)
    assert second.finish(5).left is None


def test_finishing_resets_a_stream_that_waits_and_keeps_the_connection(server, client):
    waiting = server.offer(script(data(b"a"), how="open"))
    stream = client.ask(waiting)
    client.until(DataReceived)
    delivery = waiting.finish(5)
    again = server.offer(script(END))
    client.ask(again)
    client.until(StreamEnded)

    assert [event.stream_id for event in client.until(StreamReset)] == [stream]
    assert (delivery.finished, delivery.left) == (True, None)


def test_closing_the_connection_for_one_script_is_not_taken_for_leaving(server, client):
    waiting = server.offer(script(Wait(600), END))
    closing = server.offer(script(data(b"a"), how="fin"))
    client.ask(waiting)
    client.until(ResponseReceived)
    client.ask(closing)
    client.to_end()

    assert closing.finish(5).finished
    delivery = waiting.finish(5)
    assert (delivery.finished, delivery.left) == (False, None)


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_a_script_for_the_other_protocol_is_refused_in_words(server, client, protocol):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    if protocol == "h2":
        ticket = server.offer(Script((Send(head), Close("keep"))))
        stream = client.ask(ticket)
        client.until(StreamEnded)
        told, status = client.content(stream), client.until(ResponseReceived)[0].headers[0][1]
    else:
        ticket = server.offer(script(END))
        with urlopen_status(ticket.url) as (status, told):
            pass

    assert (status, protocol.encode() in told) == ("500", True)
    assert ticket.requests == 0


@contextlib.contextmanager
def urlopen_status(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    with contextlib.closing(connection):
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        yield str(answer.status), answer.read()


def test_requests_that_play_nothing_are_answered(server, client):
    ticket = server.offer(script(END))
    client.ask(ticket, b"", method="HEAD")
    client.until(StreamEnded)
    ticket.finish(5)
    client.ask(ticket)
    client.until(StreamEnded, 2)

    statuses = [dict(event.headers)[":status"] for event in client.until(ResponseReceived)]
    assert statuses == ["200", "404"]
    assert ticket.requests == 0


def test_a_mark_anywhere_in_the_request_names_the_script(server, client):
    tickets = [server.offer(script(data(b"%d" % number), END)) for number in range(3)]
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(
        stream,
        [(":method", "POST"), (":path", "/v1/x"), (":scheme", "http"), (":authority", "h")],
    )
    client.h2.send_data(stream, b'{"prompt": "%s0"}' % tickets[1].mark.encode(), end_stream=True)
    client.flush()
    client.until(StreamEnded)

    assert client.content(stream) == b"1"


def test_clients_are_told_our_limits_and_get_window_for_large_requests():
    limits = Http2(max_streams=5, stream_window=70_000, connection_window=80_000)
    with ReplayServer(http2=limits) as server, Client(server.url) as client:
        client.settle()
        ticket = server.offer(script(END))
        settings = client.h2.remote_settings
        stream = client.ask(ticket, b"")
        client.until(StreamEnded)

        assert (settings.max_concurrent_streams, settings.initial_window_size) == (5, 70_000)
        body = bytes(200_000)
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(
            stream, [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", "h")]
        )
        while body:
            room = min(client.h2.local_flow_control_window(stream), 16384)
            if not room:
                client.read()
                continue
            client.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            client.flush()
        client.until(StreamEnded, 2)

        assert ticket.finish(5).request.endswith(b"\r\n\r\n" + bytes(200_000))


def test_a_client_that_breaks_the_protocol_is_told_by_goaway(server, client):
    client.settle()
    client.sock.sendall(DataFrame(1, b"for a stream that nobody opened").serialize())
    client.to_end()

    assert client.until(ConnectionTerminated)[0].error_code == 1


def test_a_preface_that_comes_in_parts_is_understood(server, client):
    ticket = server.offer(script(data(b"a"), END))
    client.h2.send_headers(
        1, [(":method", "GET"), (":path", "/x"), (":scheme", "http"), (":authority", "h")], True
    )
    for byte in client.h2.data_to_send():
        client.sock.sendall(bytes([byte]))
    client.until(StreamEnded)

    assert client.content(1) == b"a"
    assert ticket.finish(5).finished


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_reads_a_stream(server):
    ticket = server.offer(script(data(b"a"), data(b"b", pad=3), END))
    done = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-d", "{}", ticket.url],
        capture_output=True,
        check=False,
        timeout=20,
    )

    assert (done.stdout, done.stderr) == (b"ab", b"")
    assert ticket.finish(5).verified == 4
