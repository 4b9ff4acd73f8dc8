"""``replayfuzz record`` as a process: how it starts, ends, is killed, and runs out of disk."""

import contextlib
import re
import resource
import signal
import socket
import threading
import zlib
from pathlib import Path

import pytest

from replayfuzz import store
from replayfuzz.cli import run
from tests.cli import finished, start
from tests.recorders import post, read_http1, request_of, upstream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3jK5mN7p"


class Recording:
    """A recorder that runs: its process, and the lines that it has printed."""

    def __init__(self, process):
        self.process = process
        self.lines = [process.stdout.readline() for _ in range(2)]
        assert self.lines[1], process.communicate(timeout=20)[1]
        self.port = int(re.findall(r" at http://127.0.0.1:(\d+)", self.lines[0])[0])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def end(self, how=signal.SIGTERM):
        """Status, standard output, standard error."""
        if how is not None:
            self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextlib.contextmanager
def recording(folder, port, *words, **options):
    process = start(
        folder, "record", "--upstream", f"http://127.0.0.1:{port}", "-o", "out", *words, **options
    )
    try:
        yield Recording(process)
    finally:
        process.kill()
        process.communicate()


def endless(stop):
    """Sends an event each time it is told to; the client's connection decides when it ends."""

    def talk(sock):
        request_of(sock)
        sock.sendall(HEAD)
        while stop.acquire(timeout=20):
            sock.sendall(CHUNK)

    return talk


def receive(sock, count):
    data = b""
    while data.count(EVENT) < count:
        more = sock.recv(65536)
        assert more
        data += more


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_everything_kept(how, tmp_path):
    more = threading.Semaphore(3)
    with upstream(endless(more)) as port, recording(tmp_path, port) as recorder:
        with recorder.connect() as sock:
            post(sock, fields=(("Authorization", f"Bearer {KEY}"),))
            receive(sock, 3)
            more.release()
            receive(sock, 1)  # so the third is on disk
            status, out, err = recorder.end(how)
        more.release(9999)
    (kept,) = store.load([tmp_path / "out"])
    assert (status, err) == (0, "")
    assert kept.body in (EVENT * 3, EVENT * 4)
    assert (kept.ending, dict(kept.origin)["note"]) == ("fin", "the recorder was stopped")
    assert re.search(r"POST /v1/chat/completions 200 [34] chunks, .* fin \(.*\) -> out/openai", out)
    assert "OPENAI_BASE_URL=http://127.0.0.1:" in recorder.lines[1]
    assert KEY not in out + "".join(file.read_text() for file in (tmp_path / "out").iterdir())


def test_a_kill_loses_no_chunk_but_the_last(tmp_path):
    more = threading.Semaphore(0)
    with upstream(endless(more)) as port, recording(tmp_path, port) as recorder:
        with recorder.connect() as sock:
            post(sock, fields=(("Authorization", f"Bearer {KEY}"),))
            for _ in range(9):
                more.release()
                receive(sock, 1)
            recorder.end(signal.SIGKILL)
        more.release(9999)
    (left,) = (tmp_path / "out" / ".recording").glob("*.jsonl")
    assert KEY not in left.read_text()
    with recording(tmp_path, port) as recorder:
        status, _, err = recorder.end()
    (kept,) = store.load([tmp_path / "out"])
    assert status == 0
    assert "an earlier run was killed; kept what it had seen in out/openai.chat-1.yaml" in err
    assert kept.body in (EVENT * 8, EVENT * 9)
    assert {size for _, size in kept.chunks} == {len(EVENT)}


def killed_inside_a_line(tmp_path, head, pieces):
    """Kill a recorder that has relayed *pieces*, start another; return what that one keeps."""
    more = threading.Semaphore(0)

    def talk(sock):
        request_of(sock)
        sock.sendall(head)
        for piece in pieces:
            assert more.acquire(timeout=20)
            sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        assert more.acquire(timeout=20)

    with upstream(talk) as port, recording(tmp_path, port) as recorder:
        with recorder.connect() as sock:
            post(sock)
            data = b""
            for piece in pieces:
                more.release()
                while not data.endswith(b"%b\r\n" % piece):
                    data += sock.recv(65536)
            recorder.end(signal.SIGKILL)
        more.release()
    (left,) = (tmp_path / "out" / ".recording").glob("*.jsonl")
    assert not any(KEY[at : at + 6] in left.read_text() for at in range(8, len(KEY) - 6))
    with recording(tmp_path, port) as recorder:
        assert recorder.end()[0] == 0
    (kept,) = store.load([tmp_path / "out"])
    return kept


def test_a_kill_inside_a_line_loses_no_chunk_but_the_last_and_shows_no_secret(tmp_path):
    """Each piece is sent when the client has the one before, so that one is on disk then."""
    line = b'data: {"error": "the key %b is bad' % KEY.encode()
    pieces = [line[at : at + 9] for at in range(0, len(line), 9)]
    kept = killed_inside_a_line(tmp_path, HEAD, pieces)
    sizes = [len(piece) for piece in pieces]
    assert [size for _, size in kept.chunks] in (sizes, sizes[:-1])
    assert re.match(rb'data: {"error": "the key (sk-proj-|X{8})XXXXXXXX', kept.body)


def test_a_kill_inside_a_line_of_gzip_loses_no_chunk_but_the_last(tmp_path):
    """As above, compressed, with a flush after each piece."""
    line = b'data: {"error": "the key %b is bad' % KEY.encode()
    texts = [EVENT, *(line[at : at + 9] for at in range(0, len(line), 9))]
    squeeze = zlib.compressobj(wbits=31)
    pieces = [squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    kept = killed_inside_a_line(tmp_path, head, pieces)
    seen = zlib.decompressobj(31).decompress(kept.body)
    assert len(kept.chunks) in (len(pieces), len(pieces) - 1)
    assert len(seen) == sum(len(text) for text in texts[: len(kept.chunks)])
    shown = rb'data: {"error": "the key (sk-proj-|X{8})XXXXXXXX'  # as above
    assert re.match(re.escape(EVENT) + shown, seen)
    assert "written anew as stored blocks" in dict(kept.origin)["note"]


def test_a_full_disk_ends_the_run_and_keeps_what_was_seen(tmp_path):
    def talk(sock):
        request_of(sock)
        sock.sendall(HEAD + CHUNK * 100 + b"0\r\n\r\n")

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    with upstream(talk) as port, recording(tmp_path, port, preexec_fn=small) as recorder:
        with recorder.connect() as sock:
            post(sock)
            seen = read_http1(sock)
        status, _, err = recorder.end(None)
    assert (status, seen[1]) == (2, [EVENT] * 100)  # the client does not suffer from it
    assert "cannot be written: File too large" in err
    assert "Traceback" not in err
    with recording(tmp_path, port) as recorder:
        recorder.end()
    (kept,) = store.load([tmp_path / "out"])
    assert (EVENT * 100).startswith(kept.body)
    assert len(kept.body) > 500
    assert "recorded up to here only" in dict(kept.origin)["note"]


@pytest.mark.slow
def test_a_long_stream_takes_little_memory(tmp_path):
    size = 64 << 20
    block = EVENT * 1000

    def talk(sock):
        request_of(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for _ in range(size // len(block)):
            sock.sendall(block)

    with upstream(talk) as port, recording(tmp_path, port, "--max-mib", 1) as recorder:
        with recorder.connect() as sock:
            post(sock)
            total = 0
            while data := sock.recv(1 << 20):
                total += len(data)
            line = recorder.process.stdout.readline()
            text = Path(f"/proc/{recorder.process.pid}/status").read_text()
        recorder.end()
    (peak,) = (int(size) >> 10 for size in re.findall(r"VmHWM:\s+(\d+) kB", text))
    assert total > size * 0.99
    assert "a longer body is not recorded" in line
    assert peak < 200


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "--upstream https://api.example"),
        (("--upstream", "api.example"), "no scheme that is known"),
        (("--upstream", "http://x", "--ca", "x"), "no TLS"),
        (("--upstream", "https://x", "--ca", "nowhere"), "--ca nowhere"),
        (("--upstream", "http://x", "--listen", "8080"), "HOST:PORT"),
        (("--upstream", "http://x", "--listen", "203.0.113.1:1"), "cannot listen"),
        (("--upstream", "http://x", "-o", "/dev/null/x"), "cannot be written"),
    ],
)
def test_wrong_words_are_told(words, why, tmp_path):
    status, _, err = finished(tmp_path, "record", *words)
    assert status == 2
    assert why in err
    assert "Traceback" not in err


def answering(status, body, asked):
    def talk(sock):
        asked.append(request_of(sock))
        head = f"HTTP/1.1 {status} X\r\nContent-Type: text/event-stream\r\n"
        sock.sendall(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    return talk


@pytest.mark.parametrize(
    ("provider", "variable", "field", "path"),
    [
        ("openai.chat", "OPENAI_API_KEY", f"Authorization: Bearer {KEY}", "/base/chat/completions"),
        ("openai.responses", "OPENAI_API_KEY", f"Authorization: Bearer {KEY}", "/base/responses"),
        ("anthropic.messages", "ANTHROPIC_API_KEY", f"x-api-key: {KEY}", "/base/v1/messages"),
        ("ollama.chat", "X", "Accept-Encoding: identity", "/base/api/chat"),
        (
            "gemini.stream",
            "GEMINI_API_KEY",
            f"x-goog-api-key: {KEY}",
            "/base/v1beta/models/m%2F1:streamGenerateContent?alt=sse",
        ),
    ],
)
def test_it_makes_the_call_itself(provider, variable, field, path, tmp_path):
    asked: list[bytes] = []
    with upstream(answering(200, EVENT, asked)) as port:
        words = ("--provider", provider, "--prompt", "Hi there", "--model", "m/1")
        url = ("--base-url", f"http://127.0.0.1:{port}/base", "-o", "out")
        status, out, err = finished(tmp_path, "record", *words, *url, variables={variable: KEY})
    assert (status, err) == (0, "")
    head = asked[0].decode().partition("\r\n\r\n")[0].split("\r\n")
    assert head[0] == f"POST {path} HTTP/1.1"
    assert field in head
    assert b"Hi there" in asked[0]
    (kept,) = store.load([tmp_path / "out"])
    assert (kept.body, kept.dialect) == (EVENT, provider if provider != "ollama.chat" else "sse")
    assert KEY not in out + "".join(file.read_text() for file in (tmp_path / "out").iterdir())


def test_an_error_of_the_provider_is_recorded_and_told(tmp_path):
    body = f'{{"error":{{"message":"Incorrect API key provided: {KEY}"}}}}'.encode()
    with upstream(answering(401, body, [])) as port:
        words = ("--provider", "openai.chat", "--prompt", "Hi")
        url = ("--base-url", f"127.0.0.1:{port}", "-o", "out")
        variables = {"OPENAI_API_KEY": KEY}
        status, out, err = finished(tmp_path, "record", *words, *url, variables=variables)
    assert status == 2
    assert "gave 401" in err
    assert "Incorrect API key" in err
    assert KEY not in out + err
    (kept,) = store.load([tmp_path / "out"])
    assert (kept.status, len(kept.body)) == (401, len(body))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("openai.chat",), "OPENAI_API_KEY is not set"),
        (("nobody",), "known are openai.chat"),
        (("openai.chat", "--upstream", "http://x"), "say where requests go on to"),
        (("ollama.chat", "--tool", "nowhere"), "--tool nowhere: cannot be read"),
    ],
)
def test_a_call_that_cannot_be_made_is_told(words, why, tmp_path):
    variables = {"OPENAI_API_KEY": ""}
    words = ("--provider", *words, "--prompt", "Hi")
    status, _, err = finished(tmp_path, "record", *words, variables=variables)
    assert (status, why in err, "Traceback" in err) == (2, True, False)


def test_the_command_is_there(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["replayfuzz", "record", "--help"])
    assert run() == 0
    assert "reverse proxy" in capsys.readouterr().out
