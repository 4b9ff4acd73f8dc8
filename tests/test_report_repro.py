"""repro.py runs on its own, with any Python, and serves the very bytes."""

import ast
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, End, Head, Plan
from replayfuzz.report import repro
from replayfuzz.report.snippets import _SNIPPETS, requirements, snippet
from replayfuzz.wire import render
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


@pytest.mark.parametrize("finding", [FINDING, MILD, ODD], ids=lambda finding: finding.invariant)
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
