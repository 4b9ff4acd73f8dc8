"""A finding on a daemon says how the client reached it, and its repro.py does the same again."""

import ast
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from replayfuzz import findings
from replayfuzz.plan import HandOff, Pause, Plan
from replayfuzz.report import human, repro, wire_txt
from replayfuzz.report.human import block
from replayfuzz.run import Run
from replayfuzz.strategies.handoffs import described
from replayfuzz.wire import over
from tests.daemons import PROGRAM
from tests.findings import EXCHANGE, FINDING

CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"said"},"finish_reason":null}]}\n\n'
STREAM = replace(EXCHANGE, body=CHUNK + b"data: [DONE]\n\n")
PAYLOAD = b'{"prompt":"x","test_pattern":"odd"}'


def finding(folder: Path, **handoff):
    """One on a daemon in *folder*."""
    (folder / "own.py").write_text(PROGRAM)
    start = f"BASE={{upstream}}/v1 {sys.executable} -S {folder}/own.py {{socket}}"
    pauses = (Pause(40, 0.1),) if handoff.get("beside") else ()
    plan = Plan(pauses, keep_chunks=False, handoff=described(HandOff(**handoff)))
    return replace(FINDING, target="own", exchange=STREAM, plan=plan, start=start)


def ran(one, folder: Path, *words: str) -> str:
    """What its program prints."""
    path = folder / "repro.py"
    path.write_text(repro(one))
    command = [sys.executable, "-I", str(path), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    assert "repro.py" not in done.stderr  # the daemon may complain, of a client that left say
    return done.stdout


def test_it_is_a_program_for_old_pythons(tmp_path):
    one = finding(tmp_path, payload=b"\xff\x00", before=("pipe",))
    for text in (repro(one), repro(replace(one, exchange=over(STREAM, "h2")))):
        ast.parse(text, feature_version=(3, 9))
        assert text.isascii()


def test_it_starts_the_daemon_and_shows_what_its_client_gets(tmp_path):
    told = ran(finding(tmp_path, payload=PAYLOAD, before=("no-fd", "hang-up")), tmp_path, "--run")

    assert "-- before it: no-fd\n-- before it: hang-up\n" in told
    assert 'data: {"content": "said"}' in told
    assert "X-Test-Pattern: odd" in told
    assert "-- the daemon" in told.splitlines()[-1]


@pytest.mark.parametrize(
    ("handoff", "said"),
    [
        ({"pair": "unix"}, 'data: {"content": "said"}'),
        ({"beside": 2}, "-- client 3 gets"),
        ({"leaves": 1}, "-- client 1 gets"),
        ({"payload": b""}, 'data: {"content": "said"}'),
    ],
)
def test_the_client_is_the_one_of_the_finding(tmp_path, handoff, said):
    assert said in ran(finding(tmp_path, **handoff), tmp_path, "--run")


def test_it_hands_a_client_to_a_daemon_that_runs(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    one, place = finding(tmp_path), tmp_path / "s"
    command = one.start.replace("{upstream}", f"http://127.0.0.1:{port}")
    with subprocess.Popen(
        ["/bin/sh", "-c", "exec env " + command.replace("{socket}", str(place))]
    ) as it:
        try:
            while not place.exists():
                assert it.poll() is None
            told = ran(one, tmp_path, "--port", port, str(place))
        finally:
            it.kill()

    assert 'data: {"content": "said"}' in told


def test_the_reports_say_how_the_client_was_handed_over(tmp_path):
    one = finding(tmp_path, payload=PAYLOAD, pair="unix")

    assert "Unix stream socket by SCM_RIGHTS, with a payload of its own" in block(one)
    assert "-> one message of 35 bytes\n00000000  7b 22 70 72" in wire_txt(one)
    assert "hand-off" not in human(Run(findings=(FINDING,)))


def test_a_saved_finding_knows_how_its_daemon_is_started(tmp_path):
    one = finding(tmp_path)

    assert findings.load(findings.save(one, tmp_path / "findings")).start == one.start
