"""TLS on the same port: each segment is a record of its own, and its end can be told."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from h2.connection import H2Connection
from h2.events import DataReceived, Event, StreamEnded

from replayfuzz.errors import ListenError, UsageError
from replayfuzz.serve import Certificate, ReplayServer
from replayfuzz.wire import Close, Frame, Script, Send, Wait

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
TWO = Script((Send(HEAD + b"ab"), Send(b"cd"), Close("keep")))


@pytest.fixture(scope="module")
def certificate():
    return Certificate.made()


@pytest.fixture
def server(certificate):
    with ReplayServer(tls=certificate) as running:
        yield running


@contextlib.contextmanager
def connect(server, *, version=ssl.TLSVersion.TLSv1_3, alpn=("http/1.1",)):
    context = ssl.create_default_context(cadata=server.tls.authority)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(list(alpn))
    parts = urlsplit(server.base("https"))
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=20) as sock,
        context.wrap_socket(
            sock, server_hostname="localhost", suppress_ragged_eofs=False
        ) as secured,
    ):
        yield secured


def post(sock, ticket, body=b"{}", more=""):
    head = f"POST /t/{ticket.token} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {len(body)}\r\n"
    sock.sendall(head.encode() + b"\r\n" + body)


def receive(sock, count):
    """What each recv() gives, until *count* bytes are there."""
    parts: list[bytes] = []
    while sum(len(part) for part in parts) < count:
        parts.append(sock.recv(65536))
        assert parts[-1], "the connection ended"
    return parts


VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)


@VERSIONS
def test_each_segment_is_read_on_its_own(server, version):
    segments = [b"data: %d\n\n" % number + b"." * (number % 5) for number in range(100)]
    length = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % sum(map(len, segments))
    ticket = server.offer(Script((Send(length), *map(Send, segments), Close("keep"))))
    with connect(server, version=version) as sock:
        post(sock, ticket)
        parts = receive(sock, len(length) + sum(map(len, segments)))
        delivery = ticket.finish(5)

        assert sock.version() == f"TLSv1.{version - 0x301}"
    assert parts == [length, *segments]
    assert (delivery.segments, delivery.verified, delivery.finished) == (101, 101, True)
    assert (delivery.over, delivery.protocol) == ("tcp", "http/1.1")


def test_the_reads_below_tls_are_one_segment_each(server):
    """A raw socket and a memory BIO: no boundary is made up by the record layer of the client."""
    context = ssl.create_default_context(cadata=server.tls.authority)
    arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(arrived, leaving, server_hostname="localhost")
    ticket = server.offer(
        Script((Send(HEAD), *(Send(b"%d" % part) for part in range(4)), Close("keep")))
    )
    parts = urlsplit(server.base("https"))
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as sock:
        shaken = False
        while not shaken:
            try:
                tls.do_handshake()
                shaken = True
            except ssl.SSLWantReadError:
                sock.sendall(leaving.read())
                arrived.write(sock.recv(65536))
        tls.write(f"GET /t/{ticket.token} HTTP/1.1\r\n\r\n".encode())
        sock.sendall(leaving.read())
        seen = []
        for _ in range(5):
            arrived.write(sock.recv(65536))
            seen.append(tls.read(65536))
            with pytest.raises(ssl.SSLWantReadError):
                tls.read(1)

    assert seen == [HEAD, b"0", b"1", b"2", b"3"]


def test_segments_larger_than_a_record_arrive_whole(server):
    large = bytes(3_000_000)
    ticket = server.offer(Script((Send(UNTIL_CLOSE + large), Send(b"end"), Close("keep"))))
    with connect(server) as sock:
        post(sock, ticket)
        parts = receive(sock, len(UNTIL_CLOSE) + len(large) + 3)

        assert parts[-1] == b"end"
        assert b"".join(parts) == UNTIL_CLOSE + large + b"end"
        assert ticket.finish(5).verified == 2


def test_a_connection_serves_one_request_after_another(server):
    with connect(server) as sock:
        for _ in range(3):
            ticket = server.offer(TWO)
            post(sock, ticket)

            assert receive(sock, len(HEAD) + 4) == [HEAD + b"ab", b"cd"]


def test_http2_is_spoken_where_it_was_agreed(server):
    ticket = server.offer(
        Script((
            Frame("headers", fields=((":status", "200"),)),
            *(Frame("data", b"%d" % part) for part in range(50)),
            Frame("data", last=True),
            Close("keep"),
        ))
    )  # fmt: skip
    with connect(server, alpn=("h2", "http/1.1")) as sock:
        client = H2Connection()
        client.initiate_connection()
        path = f"/t/{ticket.token}"
        client.send_headers(
            1,
            [
                (":method", "GET"),
                (":path", path),
                (":scheme", "https"),
                (":authority", "localhost"),
            ],
            end_stream=True,
        )
        sock.sendall(client.data_to_send())
        seen: list[Event] = []
        reads: list[bytes] = []
        while not any(isinstance(event, StreamEnded) for event in seen):
            reads.append(sock.recv(65536))
            seen += client.receive_data(reads[-1])
            sock.sendall(client.data_to_send())

        assert sock.selected_alpn_protocol() == "h2"
    contents = [event.data for event in seen if isinstance(event, DataReceived)]
    assert contents == [*(b"%d" % part for part in range(50)), b""]
    assert [read[9:] for read in reads[-51:]] == contents
    delivery = ticket.finish(5)
    assert (delivery.verified, delivery.protocol) == (52, "h2")


def test_one_port_speaks_without_tls_too(server):
    ticket = server.offer(TWO)
    parts = urlsplit(server.base("http/1.1"))
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        post(sock, ticket)

        assert receive(sock, len(HEAD) + 4) == [HEAD + b"ab", b"cd"]


@VERSIONS
def test_an_answer_that_ends_as_asked_ends_with_close_notify(server, version):
    ticket = server.offer(TWO)
    with connect(server, version=version) as sock:
        post(sock, ticket, more="Connection: close\r\n")
        receive(sock, len(HEAD) + 4)

        assert sock.recv(9) == b""


@VERSIONS
def test_a_message_that_the_close_completes_ends_with_close_notify(server, version):
    ticket = server.offer(Script((Send(UNTIL_CLOSE + b"ab"), Close("fin", whole=True))))
    with connect(server, version=version) as sock:
        post(sock, ticket)
        receive(sock, len(UNTIL_CLOSE) + 2)

        assert sock.recv(9) == b""


@VERSIONS
def test_a_stream_that_is_cut_off_can_be_told_from_one_that_ends(server, version):
    """RFC 8446 section 6.1: truncation shows by the missing close_notify."""
    ticket = server.offer(Script((Send(UNTIL_CLOSE + b"ab"), Close("fin"))))
    with connect(server, version=version) as sock:
        post(sock, ticket)
        receive(sock, len(UNTIL_CLOSE) + 2)

        with pytest.raises(ssl.SSLEOFError):
            sock.recv(9)


def test_a_reset_is_a_reset_below_tls(server):
    ticket = server.offer(Script((Send(UNTIL_CLOSE + b"ab"), Close("reset"))))
    with connect(server) as sock:
        post(sock, ticket)
        receive(sock, len(UNTIL_CLOSE) + 2)
        with socket.socket(fileno=os.dup(sock.fileno())) as below:
            below.settimeout(20)
            with pytest.raises(ConnectionResetError):
                below.recv(9)


@pytest.mark.parametrize("goodbye", [True, False])
def test_a_client_that_leaves_is_noticed(server, goodbye):
    ticket = server.offer(Script((Send(HEAD + b"ab"), Wait(600), Close("keep"))))
    with connect(server) as sock:
        post(sock, ticket)
        receive(sock, len(HEAD) + 2)
        if goodbye:
            sock.setblocking(False)
            with pytest.raises(ssl.SSLWantReadError):
                sock.unwrap()
        else:
            sock.close()

        assert ticket.left(10)


def test_what_a_client_sends_during_a_wait_is_its_next_request(server):
    first = server.offer(Script((Send(HEAD + b"ab"), Wait(0.05), Send(b"cd"), Close("keep"))))
    second = server.offer(TWO)
    with connect(server) as sock:
        post(sock, first)
        receive(sock, len(HEAD) + 2)
        post(sock, second)

        assert receive(sock, len(HEAD) + 6) == [b"cd", HEAD + b"ab", b"cd"]


def test_a_client_that_fails_the_handshake_is_dropped_quietly(server):
    parts = urlsplit(server.base("https"))
    with (
        socket.create_connection((parts.hostname, parts.port)) as sock,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
    for nonsense in (b"\x16", b"\x16\x03\x01" + bytes(300)):
        with socket.create_connection((parts.hostname, parts.port), timeout=20) as sock:
            sock.sendall(nonsense)
            sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(999):
                    pass
    ticket = server.offer(TWO)
    with connect(server) as sock:
        post(sock, ticket)

        assert receive(sock, len(HEAD) + 4) == [HEAD + b"ab", b"cd"]


def test_a_server_without_a_certificate_has_no_address_for_tls():
    with ReplayServer() as server:
        assert server.base("h2c") == server.base("http/1.1") == server.url
        with pytest.raises(UsageError, match="certificate"):
            server.base("https")


def test_addresses_for_tls(server):
    assert server.base("h2") == server.base("https") == server.url.replace("http:", "https:")


def test_making_a_certificate_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    made = Certificate.made()

    assert "BEGIN CERTIFICATE" in made.authority
    assert "PRIVATE" not in made.authority
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_from_files_is_served(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    given = Certificate.from_files(cert, key)
    with ReplayServer(tls=given) as server:
        ticket = server.offer(TWO)
        context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        parts = urlsplit(server.base("https"))
        with (
            socket.create_connection((parts.hostname, parts.port)) as sock,
            context.wrap_socket(sock, server_hostname="localhost") as secured,
        ):
            post(secured, ticket)

            assert receive(secured, len(HEAD) + 4) == [HEAD + b"ab", b"cd"]
    assert given.authority == cert.read_text()


def test_files_that_are_no_certificate_are_told(tmp_path):
    paths = {}
    for name in ("a", "b"):
        issued = trustme.CA().issue_cert("localhost")
        for kind, blob in [("cert", issued.cert_chain_pems[0]), ("key", issued.private_key_pem)]:
            paths[name + kind] = tmp_path / f"{name}.{kind}"
            blob.write_to_path(paths[name + kind])
    text = tmp_path / "text"
    text.write_text("nothing of the kind")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    sealed = tmp_path / "sealed"
    sealed.write_bytes(encrypted(paths["akey"]))
    missing = tmp_path / "missing"
    for cert, key, words in [
        (missing, paths["akey"], "cannot read"),
        (paths["acert"], missing, "cannot read"),
        (tmp_path, paths["akey"], "cannot read"),
        (binary, paths["akey"], "cannot read"),
        (text, paths["akey"], "its own key"),
        (paths["acert"], text, "its own key"),
        (paths["acert"], paths["bkey"], "its own key"),
        (paths["acert"], sealed, "without a passphrase"),
    ]:
        with pytest.raises(ListenError, match=words):
            Certificate.from_files(cert, key)


def encrypted(path: Path) -> bytes:
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    sealed: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    return sealed


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
def test_curl_reads_a_stream(server, tmp_path, protocol):
    (tmp_path / "ca.pem").write_text(server.tls.authority)
    frames = (
        Frame("headers", fields=((":status", "200"),)),
        Frame("data", b"abcd", last=True),
    )
    ticket = server.offer(Script((*frames, Close("keep"))) if protocol == "--http2" else TWO)
    url = f"{server.base('https')}/t/{ticket.token}"
    done = subprocess.run(
        ["curl", "-sS", protocol, "--cacert", str(tmp_path / "ca.pem"), "-d", "{}", url],
        capture_output=True,
        check=False,
        timeout=20,
    )

    assert (done.stdout, done.stderr) == (b"abcd", b"")
    assert ticket.finish(5).verified == 2
