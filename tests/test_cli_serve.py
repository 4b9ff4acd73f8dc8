"""``replayfuzz serve`` as a process, asked over real sockets by clients that are not ours."""

import contextlib
import http.client
import json
import re
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from replayfuzz import mock, store
from replayfuzz.cli import run
from replayfuzz.plan import Pause, Plan, to_json
from tests.cli import start

CHAT = "/v1/chat/completions"


class Running:
    """A mock provider that runs: where it listens, and the process."""

    def __init__(self, process, folder, ready):
        self.process = process
        self.folder = folder
        self.ready = ready
        self.port = int(re.findall(r":(\d+)", ready)[0])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(self, method, target, body=None, **headers):
        """Status, fields and body over HTTP/1.1."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(client):
            client.request(method, target, body, named)
            response = client.getresponse()
            return response.status, dict(response.getheaders()), response.read()

    def request(self, sock, *fields):
        lines = "".join(f"{field}\r\n" for field in fields)
        sock.sendall(f"POST {CHAT} HTTP/1.1\r\nContent-Length: 0\r\n{lines}\r\n".encode())

    def stop(self, how=signal.SIGTERM):
        """Status, and the lines on standard error."""
        self.process.send_signal(how)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err.splitlines()


@contextlib.contextmanager
def starting(folder):
    """Starts ``replayfuzz serve`` with words; whatever runs at the end is killed."""
    started = []

    def begin(*words):
        process = start(folder, "serve", "--port", 0, "-d", 0, *words)
        started.append(process)
        ready = process.stdout.readline()
        assert ready, process.communicate(timeout=20)[1]
        return Running(process, folder, ready)

    try:
        yield begin
    finally:
        for process in started:
            process.kill()
            process.communicate()


@pytest.fixture
def serve(tmp_path):
    with starting(tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One for all that need no words of their own: all that can be done at once."""
    folder = tmp_path_factory.mktemp("serve")
    with starting(folder) as begin:
        yield begin(
            "--tls", "-s", "s", "--h2-max-streams", 7, "--h2-stream-window-kb", 64, "--quiet"
        )


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    """One that feeds its streams from one task."""
    with starting(tmp_path_factory.mktemp("fed")) as begin:
        yield begin("--no-verify", "--quiet", "-d", 2)


def over_http2(sock, *headers, requests=1):
    """The events of HTTP/2 requests, until each stream or the connection has ended."""
    h2: Any = H2Connection(H2Configuration(header_encoding="utf-8"))
    h2.initiate_connection()
    for number in range(requests):
        head = [(":method", "POST"), (":path", CHAT), (":scheme", "http"), (":authority", "x")]
        h2.send_headers(1 + 2 * number, [*head, *headers], end_stream=True)
    sock.sendall(h2.data_to_send())
    events: list[Any] = []
    left = requests
    while left and (data := sock.recv(65536)):
        for event in h2.receive_data(data):
            events.append(event)
            left -= isinstance(event, StreamEnded | StreamReset)
            left = 0 if isinstance(event, ConnectionTerminated) else left
            if isinstance(event, DataReceived):
                h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        with contextlib.suppress(BrokenPipeError):  # it may have left; what it sent is read on
            sock.sendall(h2.data_to_send())
    return events


def everything(sock):
    """What comes up to the end of the stream."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def sent(events):
    return b"".join(event.data for event in events if isinstance(event, DataReceived))


def test_a_pattern_is_served_byte_for_byte(running):
    status, fields, body = running.ask("POST", CHAT, "{}", X_Test_Pattern="unicode")

    assert (status, body) == (200, mock.exchange("unicode").body)
    assert fields == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        "x-test-pattern-applied": "unicode",
        "Transfer-Encoding": "chunked",
    }
    assert running.ask("POST", CHAT)[2] == mock.exchange().body


def test_endpoints_and_errors_are_json(running):
    running.ask("POST", "/stats/reset")
    running.ask("POST", CHAT)
    known = running.ask("GET", "/stats")
    unknown = running.ask("GET", "/nowhere")

    assert (known[0], known[2]) == (200, b'{"total_requests":1}')
    assert known[1]["content-type"] == unknown[1]["content-type"] == "application/json"
    assert unknown[0] == 404
    assert running.ask("GET", CHAT)[:1] == (405,)
    assert running.ask("HEAD", "/health")[2] == b""


def test_one_line_tells_where_and_each_request_has_one(serve):
    running = serve()
    running.ask("POST", f"{CHAT}?key=secret", X_Test_Pattern="short", Authorization="Bearer secret")
    running.ask("GET", "/health")
    status, lines = running.stop()

    assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+ \(HTTP/1\.1, h2c\)\n", running.ready)
    assert status == 0
    assert lines == [f"POST {CHAT}?key=XXXXXX http/1.1: mock/short", "GET /health http/1.1: 200"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_in_the_middle_of_a_stream(serve, tmp_path, how):
    running = serve("--quiet", "-s", tmp_path / "s", "-d", 60_000)
    with running.connect() as sock:
        running.request(sock)
        assert sock.recv(100).startswith(b"HTTP/1.1 200")

        assert running.stop(how) == (0, [])
    assert not (tmp_path / "s").exists()


def test_it_ends_cleanly_when_its_socket_file_is_gone(serve, tmp_path):
    running = serve("--quiet", "-s", tmp_path / "s")
    (tmp_path / "s").unlink()

    assert running.stop() == (0, [])


def test_a_unix_socket_is_served_too_and_everybody_may_connect(running):
    path = running.folder / "s"

    assert running.ready.endswith(" and unix:s\n")
    assert path.stat().st_mode & 0o777 == 0o666
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        sock.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert everything(sock).endswith(b'{"status":"ok"}')


def test_http2_is_served_with_prior_knowledge(running):
    with running.connect() as sock:
        events = over_http2(sock, ("x-test-pattern", "unicode"), requests=3)
    heads: list[Any] = [event.headers for event in events if isinstance(event, ResponseReceived)]
    settings = next(event for event in events if isinstance(event, RemoteSettingsChanged))
    told = {int(code): change.new_value for code, change in settings.changed_settings.items()}

    assert len(sent(events)) == 3 * len(mock.exchange("unicode").body)
    assert [dict(head)["x-test-pattern-applied"] for head in heads] == ["unicode"] * 3
    assert (told[3], told[4]) == (7, 64 << 10)  # RFC 9113 section 6.5.2


def over_tls(running, protocols, **trust):
    context = ssl.create_default_context(**trust)
    if not trust:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context.wrap_socket(running.connect(), server_hostname="localhost")


@pytest.mark.parametrize("chosen", ["h2", "http/1.1"])
def test_tls_is_served_with_a_certificate_of_its_own(running, chosen):
    assert "https://127.0.0.1:" in running.ready
    with over_tls(running, [chosen]) as sock:
        assert sock.selected_alpn_protocol() == chosen
        if chosen == "h2":
            assert sent(over_http2(sock)) == mock.exchange().body
        else:
            running.request(sock, "Connection: close")
            assert everything(sock).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_tls_is_served_with_a_given_certificate_and_fed(serve, tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = ("--tls-cert", "cert.pem", "--tls-key", "key.pem")
    running = serve(*files, "--no-verify", "-d", 2)

    trust = {"cadata": authority.cert_pem.bytes().decode()}
    with over_tls(running, ["h2"], **trust) as sock:
        assert sent(over_http2(sock)) == mock.exchange().body
    with over_tls(running, ["http/1.1"], **trust) as sock:
        running.request(sock, "Connection: close")
        assert everything(sock).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


@pytest.fixture(params=["running", "fed"])
def either(request):
    return request.getfixturevalue(request.param)


def test_a_reset_is_a_real_one(either):
    received = b""
    with either.connect() as sock:
        either.request(sock, "X-Replayfuzz-Plan: end.reset")
        with pytest.raises(ConnectionResetError):  # noqa: PT012 - reads until then
            while data := sock.recv(65536):
                received += data
    assert b"HTTP/1.1 200 OK" in received
    assert b"[DONE]" not in received


def test_a_stall_keeps_the_connection_open_and_silent(either):
    received = b""
    with either.connect() as sock:
        either.request(sock, "X-Replayfuzz-Plan: end.stall#2")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):  # noqa: PT012 - reads until then
            while data := sock.recv(65536):
                received += data
    assert b"data: " in received
    assert b"[DONE]" not in received


def test_a_wrong_length_is_told_and_not_sent(either):
    with pytest.raises(http.client.IncompleteRead):
        either.ask("POST", CHAT, X_Replayfuzz_Plan="end.short")


@pytest.mark.parametrize("name", ["end.rst-stream", "end.goaway"])
def test_over_http2_a_stream_and_a_connection_can_be_given_up(either, name):
    with either.connect() as sock:
        events = over_http2(sock, ("x-replayfuzz-plan", name))
    kinds = {"end.rst-stream": StreamReset, "end.goaway": ConnectionTerminated}

    assert any(isinstance(event, kinds[name]) for event in events)
    assert b"[DONE]" not in sent(events)


def test_lock_step_lets_a_client_see_every_boundary(running):
    exchange = mock.exchange("unicode")
    reads: list[bytes] = []
    with running.connect() as sock:
        running.request(sock, "X-Test-Pattern: unicode")
        while not reads or not reads[-1].endswith(b"0\r\n\r\n"):
            reads.append(sock.recv(65536))

    # The head, each event, the last chunk.
    assert len(reads) == len(exchange.chunks) + 2


def test_the_control_api_decides_what_comes_next(running):
    put = running.ask("PUT", "/_replayfuzz/next", '{"cassette": "sse/plain"}')
    shipped = {exchange.name: exchange for exchange in store.shipped()}

    assert put[0] == 200
    assert running.ask("POST", CHAT)[2] == shipped["sse/plain"].body
    assert running.ask("POST", CHAT)[2] == mock.exchange().body
    assert running.ask("PUT", "/_replayfuzz/next", '{"cassette": "none"}')[0] == 400


def test_what_arrived_can_be_read_without_secrets(running):
    running.ask("DELETE", "/_replayfuzz/requests")
    with running.connect() as sock:
        over_http2(sock, ("authorization", "Bearer sk-secret"))
    running.ask("POST", CHAT, "abc", Authorization="Bearer sk-secret")
    body = running.ask("GET", "/_replayfuzz/requests")[2]
    first, second = json.loads(body)["requests"]

    assert b"sk-secret" not in body
    assert (first["protocol"], first["path"]) == ("h2", CHAT)
    assert (second["protocol"], second["body"]) == ("http/1.1", "abc")
    assert first["when"] <= second["when"]


def test_cassettes_and_plans_can_be_given(serve, tmp_path):
    source = store.shipped_folder() / "sse" / "plain.yaml"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_bytes(source.read_bytes())
    (tmp_path / "slow.json").write_text(json.dumps(to_json(Plan((Pause(0, 0.01),)))))
    running = serve("--cassettes", "own", "--cassette", "own/mine", "--plan", "slow.json")
    shipped = {exchange.name: exchange for exchange in store.shipped()}

    assert running.ask("POST", "/anywhere")[2] == shipped["sse/plain"].body
    assert running.ask("POST", CHAT, X_Replayfuzz_Plan="none")[0] == 200
    _, lines = running.stop()
    assert lines == ["POST /anywhere http/1.1: own/mine, slow", f"POST {CHAT} http/1.1: own/mine"]


def test_a_connection_serves_one_stream_after_another(either):
    client = http.client.HTTPConnection("127.0.0.1", either.port, timeout=10)
    with contextlib.closing(client):
        for pattern in ("short", "finish:length", "short"):
            client.request("POST", CHAT, headers={"X-Test-Pattern": pattern})
            assert client.getresponse().read() == mock.exchange(pattern).body


def test_pipelined_requests_are_answered_in_order(either):
    one = f"POST {CHAT} HTTP/1.1\r\nX-Test-Pattern: abort:3\r\nContent-Length: 0\r\n"
    with either.connect() as sock:
        sock.sendall(f"{one}\r\n{one}\r\n{one}Connection: close\r\n\r\n".encode())
        received = everything(sock)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.count(b"data: ") == 9


def test_many_slow_streams_at_once_are_all_whole(fed):
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(fed.connect()) for _ in range(300)]
        for sock in socks:
            fed.request(sock, "Connection: close")
        for sock in socks:
            assert everything(sock).endswith(b"0\r\n\r\n")


def test_all_files_are_closed_when_clients_have_gone(fed):
    folder = Path(f"/proc/{fed.process.pid}/fd")
    fed.ask("GET", "/health")
    before = len(list(folder.iterdir()))
    for _ in range(50):
        with fed.connect() as sock:
            fed.request(sock)
            sock.recv(10)
    fed.ask("POST", CHAT)  # lasts as long as any of the others

    assert len(list(folder.iterdir())) <= before + 2


def test_lines_that_nobody_reads_stop_nothing(serve):
    """Its standard error is a pipe that is full after some hundred requests."""
    running = serve()
    client = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    with contextlib.closing(client):
        for _ in range(500):
            client.request("GET", "/health?" + "x" * 150)
            assert client.getresponse().read() == b'{"status":"ok"}'


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Runs the command here, where it must not come as far as to listen; its one line."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["replayfuzz", "serve", *map(str, words)])
        status = run()
        out, err = capfd.readouterr()
        assert (status, out) == (2, "")
        assert "Traceback" not in err
        return " ".join(err.split())

    return call


def test_the_port_comes_from_the_environment(refused, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("MOCK_API_PORT", str(port))
        told = refused()

    assert f"127.0.0.1:{port}" in told
    assert "another process has it" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--chunk-count", "0"], "--chunk-count"),
        (["-d", "-1"], "--chunk-delay-ms"),
        (["--listen", "8080"], "no HOST:PORT"),
        (["--listen", "127.0.0.1:99999"], "no such port"),
        (["--listen", "256.0.0.1:0"], "cannot listen"),
        (["--port", "x"], "--port"),
        (["--tls-cert", "cert.pem"], "--tls-key"),
        (["--tls-key", "cert.pem"], "--tls-cert"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem"),
        (["--cassette", "openai.chat/plian"], "openai.chat/plain"),
        (["--cassettes", "nowhere"], "nowhere"),
        (["--plan", "end.rest"], "end.reset"),
        (["--plan", "bad.json"], "bad.json"),
        (["--plan", "far.json"], "99999"),
        (["--socket", "missing/s"], "missing/s"),
        (["--socket", "bad.json"], "no socket"),
        (["--socket", "x" * 200], "107 bytes"),
    ],
)
def test_wrong_words_are_told_in_one_line(refused, tmp_path, words, told):
    (tmp_path / "bad.json").write_text('{"version": 1, "edits": [{"edit": "what"}]}')
    (tmp_path / "far.json").write_text('{"version": 1, "edits": [{"edit": "cut", "at": 99999}]}')
    given = words if {"--port", "--listen"} & set(words) else ["--port", "0", *words]

    assert told in refused(*given)


def test_a_socket_in_use_is_left_alone(refused, tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        other.listen()

        assert "in use by a running server" in refused("--port", 0, "-s", tmp_path / "s")
    assert (tmp_path / "s").exists()


def test_options_without_effect_say_so(refused):
    told = refused("-w", 4, "--h2-keepalive-secs", 1, "--listen", "x")

    assert "--workers has no effect" in told
    assert "--h2-keepalive-secs has no effect" in told
    assert "--h2-send-buffer-kb" not in told
