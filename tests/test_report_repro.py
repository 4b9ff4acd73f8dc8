"""repro.py runs on its own, with any Python, and serves the very bytes."""

import ast
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import h2.config
import h2.connection
import h2.events
import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, End, Head, Plan
from replayfuzz.report import repro
from replayfuzz.report.snippets import _SNIPPETS, requirements, snippet
from replayfuzz.wire import over, render
from tests.findings import FINDING, MILD, ODD


@contextmanager
def serving(finding, tmp_path):
    """Run repro.py as a user would; yields the port that it prints."""
    path = tmp_path / "repro.py"
    path.write_text(repro(finding))
    command = [sys.executable, "-I", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            told = iter(process.stdout.readline, "")
            yield next(
                int(found[1]) for line in told if (found := re.search(r":(\d+) until", line))
            )
        finally:
            process.terminate()


def ask(port: int) -> tuple[list[bytes], Exception | None]:
    """Send a request; the pieces as they were read, and the error that ended them."""
    pieces, size = [], 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        try:
            while piece := peer.recv(65536):
                pieces.append(piece)
                size += len(piece)
                if b"".join(pieces).endswith(b"\r\n0\r\n\r\n"):
                    break
        except OSError as error:
            return pieces, error
    return pieces, None


FRAMED = replace(FINDING, exchange=over(FINDING.exchange, "h2"))
LARGE = replace(FRAMED, exchange=replace(FRAMED.exchange, body=b"data: x\n\n" * 8000))


@pytest.mark.parametrize(
    "finding",
    [FINDING, MILD, ODD, FRAMED, LARGE],
    ids=["plain", "mild", "odd", "http2", "large-http2"],
)
def test_it_is_a_program_for_old_pythons(finding):
    text = repro(finding)

    ast.parse(text, feature_version=(3, 9))
    assert text.isascii()
    imported = {
        name.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert imported <= set(sys.stdlib_module_names)


def test_it_serves_each_send_on_its_own(tmp_path):
    sends = render(FINDING.exchange, FINDING.plan).sends
    with serving(FINDING, tmp_path) as port:
        pieces, error = ask(port)

    assert (tuple(pieces), error) == (sends, None)


def test_it_resets_where_the_plan_does(tmp_path):
    plan = Plan((Cut(6), End(13, "reset")), Head(framing="content-length"), keep_chunks=False)
    finding = replace(FINDING, plan=plan)
    with serving(finding, tmp_path) as port:
        pieces, error = ask(port)

    assert tuple(pieces) == render(finding.exchange, plan).sends
    assert isinstance(error, ConnectionResetError)


def test_run_starts_the_program_of_the_target(tmp_path):
    """An unknown target gets a program that prints the pieces as they come."""
    path = tmp_path / "repro.py"
    exchange = Exchange("x", "sse", body=b"data: a\n\ndata: b\n\n")
    path.write_text(repro(replace(FINDING, target="own", exchange=exchange, plan=Plan((Cut(9),)))))
    done = subprocess.run(
        [sys.executable, "-I", str(path), "--run"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert FINDING.expected in done.stdout
    assert re.search(r"b'data: a\\n\\n'\nb'data: b\\n\\n'\ncomplete\n$", done.stdout)


def ask_over_http2(port: int) -> tuple[list[bytes], list[h2.events.Event], Exception | None]:
    """Send a request with a body; the pieces as read, what h2 makes of them, and the error."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="latin-1"))
    client.initiate_connection()
    fields = [(":method", "POST"), (":path", "/v1/x"), (":scheme", "http"), (":authority", "x")]
    client.send_headers(1, fields)
    client.send_data(1, b"{}", end_stream=True)
    pieces: list[bytes] = []
    events: list[h2.events.Event] = []
    over_at = (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(client.data_to_send())
        try:
            while not any(isinstance(event, over_at) for event in events):
                piece = peer.recv(65536)
                if not piece:
                    break
                pieces.append(piece)
                events += client.receive_data(piece)
                peer.sendall(client.data_to_send())
        except OSError as error:
            return pieces, events, error
    return pieces, events, None


def content(events) -> bytes:
    return b"".join(one.data for one in events if isinstance(one, h2.events.DataReceived))


def test_it_serves_frames_with_the_boundaries_inside_them(tmp_path):
    """In the header of the first DATA frame, in its payload, before the padding of the last."""
    size = len(FRAMED.exchange.body)
    plan = Plan(
        (Cut(0, "head"), Cut(10, "tcp"), Cut(13), Cut(size, "tcp")),
        Head(pad=3, fields=(("X-Long", "y" * 300),), trailers=(("x-sum", "1"),)),
        keep_chunks=False,
    )
    with serving(replace(FRAMED, plan=plan), tmp_path) as port:
        pieces, events, error = ask_over_http2(port)

    assert (content(events), error) == (FRAMED.exchange.body, None)
    head = next(event for event in events if isinstance(event, h2.events.ResponseReceived))
    values = [str(line[1]) for line in head.headers]
    assert (values[0], values[-1]) == ("200", "y" * 300)
    tails = [b"\0\0\x11\0", b"data: caf\xc3", b"\xa9\n\n\0\0\0", b"data: [DONE]\n\n"]
    assert [piece[-len(tail) :] for piece, tail in zip(pieces[-5:], tails, strict=False)] == tails
    assert isinstance(events[-1], h2.events.StreamEnded)


@pytest.mark.parametrize(
    ("how", "event", "raised"),
    [
        ("rst-stream", h2.events.StreamReset, None),
        ("goaway", h2.events.ConnectionTerminated, None),
        ("fin", h2.events.DataReceived, None),
        ("reset", h2.events.DataReceived, ConnectionResetError),
    ],
)
def test_it_ends_streams_over_http2_as_the_plan_does(tmp_path, how, event, raised):
    plan = Plan((End(13, how, in_chunk=True),), keep_chunks=False)
    with serving(replace(FRAMED, plan=plan), tmp_path) as port:
        _, events, error = ask_over_http2(port)

    assert content(events) == FRAMED.exchange.body[:13]
    assert isinstance(events[-1], event)
    assert type(error) is (raised or type(None))


def test_a_stream_that_needs_flow_control_names_the_command_that_plays_it(tmp_path):
    path = tmp_path / "repro.py"
    path.write_text(repro(LARGE))
    command = [sys.executable, "-I", str(path), "--run"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert f"replayfuzz replay {tmp_path}" in done.stdout
    assert len(path.read_text()) < 9000


def test_it_says_what_to_install():
    assert "pip install {REQUIRES}" in repro(FINDING)
    assert "REQUIRES = 'openai==1.16.1'" in repro(FINDING)
    assert requirements("httpx-sse", "0.4.1") == "httpx-sse==0.4.1 httpx"
    assert requirements("own", "1") == ""


@pytest.mark.parametrize(("target", "variant"), _SNIPPETS)
def test_every_snippet_is_a_short_program(target, variant):
    code = snippet(target, variant).code

    ast.parse(code, feature_version=(3, 9))
    assert code.count("\n") < 25
    assert 'print("complete")' in code
