"""Runs that do not go well: targets that misbehave, signals at any moment, disks, networks.

Each ends soon, with a clear message and the right status; nothing found is lost, and no
process, journal or temporary folder is left behind.
"""

import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.cli import finished, own_target, processes, start

pytestmark = pytest.mark.slow

SLOW = """
for line in sys.stdin:
    time.sleep(0.02)
    answer(line)
"""
OWN = ("fuzz", "--target", "own.toml", "--seed", "1")


def awaited(condition, seconds=30.0):
    """Poll for what happens in another process; True when it did."""
    until = time.monotonic() + seconds
    while not (happened := condition()) and time.monotonic() < until:
        time.sleep(0.01)
    return bool(happened)


def catches(pid, number):
    """Whether a process has a handler for a signal (proc(5), SigCgt)."""
    caught = re.search(r"SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught[1], 16) >> (number - 1) & 1) if caught else False


def ended(process, seconds=15.0):
    """Status, output, and seconds that it took to end."""
    began = time.monotonic()
    out, err = process.communicate(timeout=seconds)
    assert "Traceback" not in err, err
    return process.returncode, out, err, time.monotonic() - began


@pytest.fixture
def mark(tmp_path):
    """Marks what a test starts; afterwards nothing of it may be alive."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    yield {"REPLAYFUZZ_TEST": str(tmp_path), "TMPDIR": str(temporary)}
    alone = awaited(lambda: not processes(f"REPLAYFUZZ_TEST={tmp_path}"), 5.0)
    assert alone, processes(f"REPLAYFUZZ_TEST={tmp_path}")
    assert list(temporary.iterdir()) == []


def saved(folder):
    return sorted(path.parent.name for path in folder.glob("findings/*/[!.]*/finding.json"))


def sent(folder):
    """How many processes have noted a case."""
    return sum(b"{" in file.read_bytes() for file in folder.glob("findings/.journal/*"))


def left(folder):
    """What a clean end must not leave: journals, and folders that were being written."""
    return [*folder.glob("findings/.journal/*"), *folder.glob("findings/*/.*.tmp")]


# -- targets that misbehave ------------------------------------------------------------

FLOODS = 'sys.stderr.write("e" * 100_000 + "\\n")'
FORKS = "subprocess.Popen(['sleep', '3600'])"


@pytest.mark.parametrize(
    ("script", "status", "told"),
    [
        ("for line in sys.stdin: print('\\0 {{{', flush=True)", 2, "the answer is not JSON"),
        (f"for line in sys.stdin: {FLOODS}; answer(line)", 1, "content-equal"),
        (f"for line in sys.stdin: {FORKS}; answer(line)", 1, "content-equal"),
        ("for line in sys.stdin: os.kill(os.getpid(), 9)", 1, "killed by SIGKILL"),
        ("for line in sys.stdin: os._exit(3)", 1, "exit status 3"),
    ],
    ids=["garbage", "floods", "forks", "dies", "exits"],
)
def test_a_worker_that_misbehaves_is_an_outcome(tmp_path, mark, script, status, told):
    own_target(tmp_path, script)
    code, out, err = finished(tmp_path, *OWN, "--examples", "3", variables=mark)

    assert code == status
    assert told in out
    assert "Traceback" not in err
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("script", "told"),
    [("sys.exit('no such library')", "no such library"), ("def (", "SyntaxError")],
)
def test_a_worker_that_dies_at_start_is_skipped_with_its_last_words(tmp_path, script, told):
    own_target(tmp_path, "")
    (tmp_path / "own.py").write_text(f"import sys\n{script}\n")
    code, out, err = finished(tmp_path, *OWN, "--examples", "3")

    assert code == 2
    assert err.startswith("replayfuzz: own: skipped: its worker died before it was ready")
    assert told in err
    assert "own: skipped: its worker died" in out
    assert "Never exercised" not in out


def test_a_worker_that_ignores_sigterm_and_never_ends_goes_all_the_same(tmp_path, mark):
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SLOW + "time.sleep(3600)\n"
    own_target(tmp_path, script)
    code, out, _ = finished(tmp_path, *OWN, "--examples", "3", variables=mark)

    assert code == 1
    assert "content-equal" in out


def test_a_worker_that_never_answers_is_ended_by_ctrl_c(tmp_path, mark):
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen('asked', 'w')\ntime.sleep(3600)"
    own_target(tmp_path, script)
    process = start(tmp_path, *OWN, "--time", "60s", variables=mark)
    assert awaited((tmp_path / "asked").exists)
    os.killpg(process.pid, signal.SIGINT)
    code, out, _, took = ended(process)

    assert code == 2
    assert "interrupted" in out
    assert took < 4


# -- signals ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 0.9, 1.2])
def test_a_signal_while_it_starts_ends_it_at_once(tmp_path, mark, number, seconds):
    own_target(tmp_path, SLOW)
    process = start(tmp_path, *OWN, "--time", "60s", "--jobs", "2", variables=mark)
    assert awaited(lambda: catches(process.pid, signal.SIGTERM))  # our first line was reached
    time.sleep(seconds)  # not to synchronise: any moment must do
    os.killpg(process.pid, number)
    code, _, _, took = ended(process)

    assert code in {1, 2}
    assert took < 4
    assert left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_signal_keeps_what_was_found(tmp_path, mark, number, jobs):
    own_target(tmp_path, SLOW)
    process = start(tmp_path, *OWN, "--time", "60s", "--jobs", jobs, variables=mark)
    assert awaited(lambda: saved(tmp_path))
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    code, out, _, took = ended(process)

    assert code == 1
    assert took < 4
    assert "interrupted" in out
    assert all(f"findings/own/{name}" in out for name in saved(tmp_path))
    assert left(tmp_path) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_sigkill_nothing_lives_and_the_next_run_tells_the_case(tmp_path, mark, jobs):
    own_target(tmp_path, SLOW)
    process = start(tmp_path, *OWN, "--time", "60s", "--jobs", jobs, variables=mark)
    # Each process has sent a case, and one of them has found something.
    assert awaited(lambda: sent(tmp_path) == jobs and saved(tmp_path))
    process.kill()
    process.communicate()
    found = saved(tmp_path)
    alone = awaited(lambda: not processes(f"REPLAYFUZZ_TEST={tmp_path}"), 5.0)
    assert alone, processes(f"REPLAYFUZZ_TEST={tmp_path}")

    _, _, err = finished(tmp_path, *OWN, "--examples", "2", variables=mark)
    assert err.count("an earlier run died while it sent sse/") == jobs
    assert "replayfuzz fuzz --target own.toml --seed 1" in err
    assert set(found) <= set(saved(tmp_path))
    assert left(tmp_path) == []


def test_a_reader_that_goes_away_ends_the_run_with_what_was_found(tmp_path, mark):
    own_target(tmp_path, SLOW)
    process = start(tmp_path, *OWN, "--time", "60s", variables=mark)
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    code, _, err, took = ended(process)

    assert (code, err) == (1, "")
    assert took < 4
    assert saved(tmp_path)


# -- disks -----------------------------------------------------------------------------


def test_a_findings_folder_that_cannot_be_written_loses_no_finding(tmp_path):
    own_target(tmp_path, SLOW)
    (tmp_path / "findings").write_text("a file in the folder's place")
    code, out, err = finished(tmp_path, *OWN, "--examples", "8")

    assert code == 1
    assert "content-equal" in out
    assert err.count("findings are shown and not saved") == 1
    assert "name another folder" in err
    assert "Could not tell" in out


@pytest.mark.parametrize("place", ["-o", "stdout"])
def test_a_full_disk_loses_no_finding(tmp_path, place):
    own_target(tmp_path, SLOW)
    with Path("/dev/full").open("w") as full:
        words, options = (["-o", full.name], {}) if place == "-o" else ([], {"stdout": full})
        code, out, err = finished(
            tmp_path, *OWN, "--examples", "8", "--format", "tap", *words, **options
        )

    assert code == 1
    assert "No space left on device" in err
    assert saved(tmp_path)
    assert place == "stdout" or "not ok" in out


def test_two_runs_in_one_folder_do_not_disturb_each_other(tmp_path, mark):
    own_target(tmp_path, SLOW)
    runs = [start(tmp_path, *OWN, "--examples", "8", variables=mark) for _ in range(2)]
    ends = [ended(run, 60.0) for run in runs]

    assert [code for code, *_ in ends] == [1, 1]
    assert [err for _, _, err, _ in ends] == ["", ""]
    for file in tmp_path.glob("findings/own/*/finding.json"):
        assert json.loads(file.read_text())["target"] == "own"
    assert left(tmp_path) == []


# -- networks --------------------------------------------------------------------------


def index(url, folder):
    """Variables that have every installer ask *url*, with no cache of its own."""
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    more = {"UV_CACHE_DIR": str(folder / "uv"), "UV_HTTP_RETRIES": "0", "PIP_RETRIES": "0"}
    return {**dict.fromkeys(names, url), **more, "XDG_CACHE_HOME": str(folder / "cache")}


def test_without_a_network_with_says_so(tmp_path, mark):
    with socket.socket() as closed:  # bound, not listening: the port stays closed, and ours
        closed.bind(("127.0.0.1", 0))
        variables = index(f"http://127.0.0.1:{closed.getsockname()[1]}/simple", tmp_path)
        words = ("fuzz", "--with", "httpx-sse==0.4.0", "--examples", "3")
        code, out, err = finished(tmp_path, *words, variables={**mark, **variables})

    assert code == 2
    assert "is there a network?" in err
    assert "httpx-sse: skipped: cannot install httpx-sse==0.4.0" in out
    assert not list(tmp_path.glob("cache/replayfuzz/envs/*/"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_an_environment_is_built_ends_it(tmp_path, mark, number):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30.0)
        variables = index(f"http://127.0.0.1:{silent.getsockname()[1]}/simple", tmp_path)
        words = ("fuzz", "--with", "httpx-sse==0.4.0", "--time", "60s")
        process = start(tmp_path, *words, variables={**mark, **variables})
        with silent.accept()[0]:  # the installer asks, and nobody answers
            os.killpg(process.pid, number)
            code, out, _, took = ended(process)

    assert code == 2
    assert "interrupted" in out
    assert took < 4
