"""Record, then replay: what a client of the replay sees is what the upstream sent."""

import contextlib
import gzip
import itertools
import socket
import ssl
import struct
import threading
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded
from h2.settings import SettingCodes, Settings

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.errors import StoreError, UsageError
from replayfuzz.plan import Plan
from replayfuzz.record import Keeper, Upstream
from replayfuzz.serve import Certificate, ReplayServer
from tests.recorders import (
    CHUNKS,
    Running,
    asking,
    post,
    read_http1,
    read_http2,
    request_of,
    upstream,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
SPOKEN = ("http/1.1", "h2")
ROWS = list(itertools.product(SPOKEN, SPOKEN))


def told(chunks=CHUNKS, protocol="http/1.1", **more):
    return Exchange(
        "told",
        "openai.chat",
        fields=(("Content-Type", "text/event-stream"),),
        body=b"".join(chunks),
        protocol=protocol,
        framing=None if protocol == "h2" else "chunked",
        chunks=tuple((0.0, len(chunk)) for chunk in chunks),
        **{"trailers": (("x-sum", "abc"),)} | more,
    )


def coded(*chunks):
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def sizes(exchange):
    return [size for _, size in exchange.chunks]


@pytest.fixture(scope="module")
def certificate():
    return Certificate.made()


@pytest.fixture
def authority(certificate, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text(certificate.authority)
    return file


def asked(sock, protocol, path="/v1/chat/completions"):
    """Status, chunks, trailers and ending of what a client gets that asks on *sock*."""
    if protocol == "h2":
        return read_http2(sock, path)
    post(sock, path)
    return read_http1(sock)[:4]


@contextlib.contextmanager
def calling(port, protocol, authority=None):
    """A connection to *port*, over TLS where there is an authority to believe."""
    with contextlib.ExitStack() as closing:
        sock = closing.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        if authority:
            context = ssl.create_default_context(cafile=authority)
            context.set_alpn_protocols([protocol])
            sock = closing.enter_context(context.wrap_socket(sock, server_hostname="localhost"))
            assert sock.selected_alpn_protocol() == protocol
        yield sock


def through(server, ticket, folder, protocol, authority=None, *, client="http/1.1", own=None):
    """What a client gets of *ticket* through a recorder, and what is recorded."""
    tls = authority is not None
    url = server.base("https" if tls else "http/1.1") + f"/t/{ticket.token}"
    if tls:
        options = {"authority": authority, "http1": protocol == "http/1.1"}
    else:
        url = url.replace("http:", "h2c:") if protocol == "h2" else url
        options = {}
    with (
        Running(folder, url, own, **options) as running,
        calling(running.port, client, authority) as sock,
    ):
        seen = asked(sock, client)
    (kept,) = running.kept()
    return seen, kept


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("sides", ROWS, ids="-".join)
def test_what_is_recorded_replays_with_every_boundary(sides, tls, tmp_path, certificate, authority):
    """Over either protocol on either side, plain and over TLS on both."""
    client, protocol = sides
    sure = authority if tls else None
    with ReplayServer(tls=certificate) as server:
        ticket = server.offer(wire.render(told(protocol=protocol), Plan()))
        own = certificate if tls else None
        seen, kept = through(server, ticket, tmp_path / "a", protocol, sure, client=client, own=own)
        again = server.offer(wire.render(kept, Plan()))
        with calling(int(server.url.rpartition(":")[2]), protocol, sure) as sock:
            replayed = asked(sock, protocol, f"/t/{again.token}/x")

    expected = (200, list(CHUNKS), [("x-sum", "abc")], "complete")
    assert seen == expected
    assert replayed == expected
    assert (kept.body, sizes(kept)) == (b"".join(CHUNKS), [len(chunk) for chunk in CHUNKS])
    assert (kept.trailers, kept.ending, kept.protocol) == (
        (("x-sum", "abc"),),
        "complete",
        protocol,
    )
    assert (kept.dialect, dict(kept.origin)["kind"]) == ("openai.chat", "recorded")


def test_a_client_may_speak_tls(tmp_path, certificate):
    with ReplayServer() as server, Running(tmp_path, server.url, certificate) as running:
        server.offer(wire.render(told(), Plan()))
        context = ssl.create_default_context(cadata=certificate.authority)
        with context.wrap_socket(running.connect(), server_hostname="localhost") as sock:
            post(sock)
            assert read_http1(sock)[1] == list(CHUNKS)


def test_32_clients_at_once_are_each_recorded_exactly(tmp_path):
    plans: dict[str, tuple[bytes, ...]] = {}
    seen: dict[str, list[bytes]] = {}
    with ReplayServer() as server, Running(tmp_path, server.url) as running:
        for number in range(32):
            own = [b"data: %d\n\n" % number * number] if number else []
            chunks = (*CHUNKS[:-1], *own, CHUNKS[-1])
            ticket = server.offer(wire.render(told(chunks), Plan()))
            plans[ticket.token] = chunks

        def ask(token):
            with running.connect() as sock:
                post(sock, f"/t/{token}/v1/chat/completions")
                seen[token] = read_http1(sock)[1]

        threads = [threading.Thread(target=ask, args=(token,)) for token in plans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert {token: tuple(chunks) for token, chunks in seen.items()} == plans
    kept = {one.request.url.split("/")[4]: one for one in running.kept()}
    assert {token: (one.body, sizes(one)) for token, one in kept.items()} == {
        token: (b"".join(chunks), [len(chunk) for chunk in chunks])
        for token, chunks in plans.items()
    }


def test_every_read_is_relayed_before_the_next_comes(tmp_path):
    """The upstream sends each piece only when the client has told of the one before."""
    got = threading.Semaphore(0)
    pieces = [HEAD, b"5", b"\r\nab", b"cde\r", b"\n0\r\n\r\n"]

    def talk(sock):
        request_of(sock)
        for piece in pieces:
            sock.sendall(piece)
            assert got.acquire(timeout=20)

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        post(sock)
        for piece in pieces:
            data = b""
            while not data.endswith(piece):
                data += sock.recv(65536)
            got.release()
    (kept,) = running.kept()
    assert (kept.body, sizes(kept), kept.ending) == (b"abcde", [5], "complete")


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
ENDINGS = {
    "fin": (HEAD + coded(b"abc"), None, "fin", [3], "before the end"),
    "inside-a-chunk": (HEAD + coded(b"abc") + b"9\r\nde", None, "fin", [3, 2], "inside a chunk"),
    "reset": (HEAD + coded(b"abc"), reset, "reset", [3], "reset"),
    "short": (LENGTH + b"abc", None, "short", [3], "Content-Length"),
    "close": (UNTIL_CLOSE + b"abc", None, "complete", [3], ""),
    "length": (LENGTH + b"abcdefghi", None, "complete", [9], ""),
    "bad-chunk": (HEAD + coded(b"abc") + b"zz\r\n", None, "fin", [3], "does not speak HTTP/1.1"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_how_it_ended_is_told_and_passed_on(name, tmp_path):
    data, close, ending, chunks, note = ENDINGS[name]
    read = threading.Event()

    def talk(sock):
        request_of(sock)
        sock.sendall(data)
        if close:
            assert read.wait(20)
            close(sock)

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        post(sock)
        if close:
            while not sock.recv(65536, socket.MSG_PEEK).endswith(b"abc\r\n"):
                pass
            read.set()
        seen = read_http1(sock)
    (kept,) = running.kept()
    assert (kept.ending, sizes(kept)) == (ending, chunks)
    assert note in dict(kept.origin).get("note", "")
    assert seen[3] == {"reset": "reset", "complete": "complete"}.get(ending, "fin")
    assert len(running.lines) == 1
    assert ending in running.lines[0]


def test_a_stream_that_is_reset_is_told(tmp_path):
    exchange = told(protocol="h2", ending="rst-stream", trailers=())
    with ReplayServer() as server:
        ticket = server.offer(wire.render(exchange, Plan()))
        seen, kept = through(server, ticket, tmp_path, "h2")
    assert (kept.ending, sizes(kept)) == ("rst-stream", [len(chunk) for chunk in CHUNKS])
    assert seen[3] == "reset"


@pytest.mark.parametrize("protocol", SPOKEN)
def test_a_client_of_http2_sees_a_stream_that_is_cut(protocol, tmp_path):
    ending = "rst-stream" if protocol == "h2" else "fin"
    exchange = told(protocol=protocol, ending=ending, trailers=())
    with ReplayServer() as server:
        ticket = server.offer(wire.render(exchange, Plan()))
        seen, kept = through(server, ticket, tmp_path, protocol, client="h2")
    assert (kept.ending, seen[1], seen[3]) == (ending, list(CHUNKS), "rst-stream")


def h2_client(sock, window=65535):
    """An HTTP/2 connection whose streams have *window* bytes at first."""
    conn: Any = H2Connection(H2Configuration(header_encoding="utf-8"))
    conn.local_settings = Settings(
        client=True, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: window}
    )
    conn.initiate_connection()
    sock.sendall(conn.data_to_send())
    return conn


def h2_ask(sock, conn, path="/v1/chat/completions", fields=()):
    number = conn.get_next_available_stream_id()
    head = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "x"), *fields]
    conn.send_headers(number, head, end_stream=True)
    sock.sendall(conn.data_to_send())
    return number


def h2_until(sock, conn, done):
    """Read until *done* is true of an event; the events."""
    events: list[Any] = []
    while not any(map(done, events)):
        data = sock.recv(65536)
        assert data, "the connection was closed"
        events += conn.receive_data(data)
        sock.sendall(conn.data_to_send())
    return events


def test_many_streams_of_one_connection_are_each_recorded(tmp_path):
    plans = {}
    with (
        ReplayServer() as server,
        Running(tmp_path, server.url) as running,
        running.connect() as sock,
    ):
        conn = h2_client(sock)
        for number in range(8):
            chunks = (*CHUNKS[:-1], b"data: %d\n\n" % number, CHUNKS[-1])
            ticket = server.offer(wire.render(told(chunks), Plan()))
            plans[h2_ask(sock, conn, f"/t/{ticket.token}/v1/chat/completions")] = chunks
        seen: dict[int, list[bytes]] = {number: [] for number in plans}
        left = set(plans)
        while left:
            for event in h2_until(sock, conn, lambda event: hasattr(event, "stream_id")):
                match event:
                    case DataReceived() if event.data:
                        seen[event.stream_id].append(event.data)
                    case StreamEnded():
                        left.discard(event.stream_id)

    assert {number: tuple(chunks) for number, chunks in seen.items()} == plans
    assert sorted(kept.body for kept in running.kept()) == sorted(map(b"".join, plans.values()))


@pytest.mark.parametrize("how", ["reset", "close"])
def test_when_a_client_of_http2_leaves_the_upstream_is_cancelled(how, tmp_path):
    gone = threading.Event()

    def talk(sock):
        request_of(sock)
        sock.sendall(HEAD + coded(b"data: a\n\n"))
        with contextlib.suppress(OSError):
            while sock.recv(100):
                pass
        gone.set()

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        conn = h2_client(sock)
        number = h2_ask(sock, conn)
        h2_until(sock, conn, lambda event: isinstance(event, DataReceived))
        if how == "reset":
            conn.reset_stream(number)
            sock.sendall(conn.data_to_send())
        else:
            sock.close()
        assert gone.wait(20)
    (kept,) = running.kept()
    assert (kept.ending, sizes(kept)) == ("fin", [9])
    assert "the client left" in dict(kept.origin)["note"]


def test_a_client_of_http2_is_sent_what_its_window_takes(tmp_path):
    """The rest stays with the upstream: nothing is gathered here."""
    body = b"x" * 3000
    with ReplayServer() as server, Running(tmp_path, server.url) as running:
        server.offer(wire.render(told((body,), trailers=()), Plan()), verify=False)
        with running.connect() as sock:
            conn = h2_client(sock, window=1000)
            number = h2_ask(sock, conn)
            got = b""
            while len(got) < len(body):
                wanted = len(got) + 1000
                while len(got) < wanted:
                    for event in h2_until(
                        sock, conn, lambda event: isinstance(event, DataReceived)
                    ):
                        got += getattr(event, "data", b"")
                assert len(got) == wanted
                if wanted == len(body):
                    break
                conn.increment_flow_control_window(1000, number)
                sock.sendall(conn.data_to_send())
    assert [kept.body for kept in running.kept()] == [body]


def test_what_asks_for_trailers_is_told_to_an_upstream_of_http2(tmp_path):
    fields = [("te", "trailers"), ("content-type", "application/grpc")]
    with ReplayServer() as server:
        ticket = server.offer(wire.render(told(protocol="h2"), Plan()))
        url = server.url.replace("http:", "h2c:")
        with Running(tmp_path, url) as running, running.connect() as sock:
            conn = h2_client(sock)
            h2_ask(sock, conn, fields=fields)
            h2_until(sock, conn, lambda event: isinstance(event, StreamEnded))
        assert b"\r\nte: trailers\r\n" in ticket.finish(5).request


def test_an_upstream_that_refuses_is_502_over_http2_too(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Running(tmp_path, f"http://127.0.0.1:{port}") as running, running.connect() as sock:
        status, chunks, _, how = read_http2(sock, "/x")
    assert (status, how) == (502, "complete")
    assert b"cannot connect" in chunks[0]


def test_a_large_request_goes_through_the_windows_of_http2(tmp_path):
    body = bytes(range(256)) * 2000
    with ReplayServer() as server:
        ticket = server.offer(wire.render(told(protocol="h2"), Plan()))
        url = server.url.replace("http:", "h2c:")
        with Running(tmp_path, url) as running, running.connect() as sock:
            post(sock, body=body)
            assert read_http1(sock)[1] == list(CHUNKS)
        assert ticket.requests == 1
        assert ticket.finish(5).request.endswith(body)
    assert len(running.kept()[0].request.body) == len(body)


def test_silence_is_a_timeout(tmp_path):
    done = threading.Event()

    def talk(sock):
        request_of(sock)
        sock.sendall(HEAD + coded(b"abc"))
        assert done.wait(20)

    with (
        upstream(talk) as port,
        Running(tmp_path, f"http://127.0.0.1:{port}", timeout=0.1) as running,
    ):
        with running.connect() as sock:
            post(sock)
            assert read_http1(sock)[3] == "fin"
        done.set()
    (kept,) = running.kept()
    assert (kept.ending, sizes(kept)) == ("timeout", [3])


def test_when_the_client_leaves_the_upstream_is_cancelled(tmp_path):
    gone = threading.Event()

    def talk(sock):
        request_of(sock)
        sock.sendall(HEAD + coded(b"data: a\n\n"))
        with contextlib.suppress(OSError):
            while sock.recv(100):
                pass
        gone.set()

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        post(sock)
        while b"data: a\n\n" not in sock.recv(65536):
            pass
        sock.close()
        assert gone.wait(20)
    (kept,) = running.kept()
    assert (kept.ending, sizes(kept)) == ("fin", [9])
    assert "the client left" in dict(kept.origin)["note"]


def test_what_goes_to_the_upstream_is_end_to_end_and_its_own_host(tmp_path):
    asked = []

    def talk(sock):
        asked.append(request_of(sock))
        sock.sendall(LENGTH + b"abcdefghi")

    fields = (
        *(
            ("Connection", "x-mine, keep-alive"),
            ("X-Mine", "1"),
            ("Keep-Alive", "5"),
            ("TE", "gzip"),
        ),
        *(("Accept-Encoding", "gzip, br"), ("Authorization", "Bearer abc"), ("X-Yours", "2")),
    )
    with upstream(talk) as port, asking(tmp_path, f"{port}/base/") as (_, sock):
        post(sock, "/v1/x?a=1", b"hello", fields)
        read_http1(sock)
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.decode().split("\r\n") == [
        "POST /base/v1/x?a=1 HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept-Encoding: gzip, br",
        "Authorization: Bearer abc",
        "X-Yours: 2",
        "Content-Length: 5",
    ]
    assert body == b"hello"


def test_a_request_in_chunks_goes_on_as_one_body(tmp_path):
    asked = []

    def talk(sock):
        asked.append(request_of(sock))
        sock.sendall(LENGTH + b"abcdefghi")

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        sock.sendall(head + coded(b"ab", b"cde") + b"0\r\n\r\n")
        read_http1(sock)
    assert asked[0].endswith(b"Content-Length: 5\r\n\r\nabcde")
    assert running.kept()[0].request.body == b"abcde"


def test_head_is_relayed_and_connect_is_not(tmp_path):
    def talk(sock):
        request_of(sock)
        sock.sendall(LENGTH)

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        sock.sendall(b"HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536) == LENGTH
        sock.sendall(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 501 ")
    assert running.kept()[0].ending == "complete"


def test_a_client_of_http_1_0_gets_the_content_until_close(tmp_path):
    def talk(sock):
        request_of(sock)
        sock.sendall(HEAD + coded(b"ab", b"cde") + b"0\r\n\r\n")

    with upstream(talk) as port, asking(tmp_path, port) as (_, sock):
        sock.sendall(b"GET /x HTTP/1.0\r\nHost: x\r\n\r\n")
        data = b""
        while more := sock.recv(65536):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == b"abcde"
    assert b"Transfer-Encoding" not in head


def test_a_connection_is_used_again_after_a_whole_message(tmp_path):
    def talk(sock):
        request_of(sock)
        sock.sendall(LENGTH + b"abcdefghi")

    with upstream(talk, talk) as port, asking(tmp_path, port) as (running, sock):
        for _ in range(2):
            post(sock)
            assert read_http1(sock)[1] == [b"abcdefghi"]
    assert len(running.kept()) == 2


def test_a_compressed_body_stays_as_it_came(tmp_path):
    body = gzip.compress(b"data: hello\n\n", mtime=0)
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")

    def talk(sock):
        request_of(sock)
        sock.sendall(head + coded(body[:7], body[7:]) + b"0\r\n\r\n")

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        post(sock)
        seen = read_http1(sock)
    (kept,) = running.kept()
    assert b"".join(seen[1]) == kept.body == body
    assert (sizes(kept), dict(kept.fields)["Content-Encoding"]) == ([7, len(body) - 7], "gzip")
    assert kept.dialect == "openai.chat"  # told by the path; its content is read
    with (
        ReplayServer() as server,
        socket.create_connection(
            ("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20
        ) as sock,
    ):
        server.offer(wire.render(kept, Plan()))
        post(sock)
        replayed = read_http1(sock)
    assert (replayed[1], dict(replayed[4])["content-encoding"]) == ([body[:7], body[7:]], "gzip")


BAD = {
    "garbage": (b"SSH-2.0-x\r\n", "does not speak HTTP/1.1"),
    "nothing": (b"", "closed the connection"),
    "endless-head": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200_000, "a head of more than"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_upstream_without_an_answer_is_502(name, tmp_path):
    data, why = BAD[name]

    def talk(sock):
        request_of(sock)
        sock.sendall(data)

    with upstream(talk) as port, asking(tmp_path, port) as (running, sock):
        post(sock)
        status, chunks, *_ = read_http1(sock)
    assert status == 502
    assert why in chunks[0].decode()
    assert why in running.lines[0]
    assert not list(tmp_path.rglob("*.yaml"))


def test_an_upstream_that_refuses_is_502(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Running(tmp_path, f"http://127.0.0.1:{port}") as running, running.connect() as sock:
        post(sock)
        status, chunks, *_ = read_http1(sock)
    assert (status, b"Connection refused" in chunks[0]) == (502, True)


def test_an_upstream_that_hangs_is_504(tmp_path):
    done = threading.Event()

    def talk(sock):
        assert done.wait(20)

    with (
        upstream(talk) as port,
        Running(tmp_path, f"http://127.0.0.1:{port}", timeout=0.1) as running,
    ):
        with running.connect() as sock:
            post(sock)
            assert read_http1(sock)[0] == 504
        done.set()


def test_an_upstream_that_nobody_vouches_for_is_refused(tmp_path, certificate):
    with ReplayServer(tls=certificate) as server:
        server.offer(wire.render(told(), Plan()))
        with Running(tmp_path / "a", server.base("https")) as running, running.connect() as sock:
            post(sock)
            status, chunks, *_ = read_http1(sock)
        assert (status, b"--ca" in chunks[0]) == (502, True)
        options = {"verify": False, "http1": True}
        with (
            Running(tmp_path / "b", server.base("https"), **options) as running,
            running.connect() as sock,
        ):
            post(sock)
            assert read_http1(sock)[1] == list(CHUNKS)


@pytest.mark.parametrize(
    "url",
    [
        "api.example",
        "ftp://x",
        "http://",
        "http://u:p@x",
        "http://x/?key=1",
        "http://x/ü",
        "http://x/a b",
        "http://x:999999",
    ],
)
def test_an_upstream_that_is_no_base_url_is_a_usage_error(url):
    with pytest.raises(UsageError, match="--upstream"):
        Upstream.parse(url)


def test_a_folder_has_one_recorder(tmp_path):
    with Keeper(tmp_path), pytest.raises(StoreError, match="another"):
        Keeper(tmp_path)
    assert list(tmp_path.iterdir()) == []
