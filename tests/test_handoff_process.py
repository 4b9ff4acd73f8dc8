"""Daemons that misbehave, each as a tiny program: started or told why not, and nothing left."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from replayfuzz.daemon import Daemon, Way
from replayfuzz.errors import StartError
from replayfuzz.guard import Guard
from replayfuzz.handoff import Client, Running, build, hand_off
from replayfuzz.handoff.seen import kill_marked, listening, state
from replayfuzz.target import Target
from tests.test_drive import alive

LISTEN = """
import os, signal, socket, sys, time
path = sys.argv[1]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.bind(path)
sock.listen(8)
"""
SERVE = """
while True:
    peer, _ = sock.accept()
    data, fds, _, _ = socket.recv_fds(peer, 1 << 19, 4)
    peer.close()
    for fd in fds:
        with socket.socket(fileno=fd) as client:
            client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + data)
"""
SLEEP = "\ntime.sleep(60)\n"


def running(tmp_path, code, upstream="http://127.0.0.1:1", **more):
    """The daemon that *code* is."""
    target = Target(
        "odd",
        "daemon",
        ("openai.chat",),
        ("h1", "h2c"),
        (sys.executable, "-S", "-c", code, "{socket}"),
        source=str(tmp_path / "odd.toml"),
        daemon=Daemon(**more),
    )
    return Running(target, "h1", upstream, build(target))


def answer(daemon, payload=b"hello"):
    with Client() as client:
        client.gave(hand_off(daemon.socket, payload, [client.given.fileno()]))
        return client.read(5.0).response.body


def gone(daemon):
    """Whether nothing of *daemon* is left."""
    mark = daemon._mark.encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark and mark in file.read_bytes():
                return False
    return not Path(daemon.socket).parent.exists()


def wait_until(fact):
    """Wait for what another process does; the test fails where it never does."""
    deadline = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_daemon_that_listens_is_ready_and_serves(tmp_path):
    with running(tmp_path, LISTEN + SERVE) as daemon:
        group = daemon.group
        assert (daemon.alive, daemon.ending, daemon.restarts) == (True, "", 0)
        assert answer(daemon) == b"hello"
        assert Path(daemon.socket).parent.stat().st_mode & 0o777 == 0o700
        assert listening(group) == (daemon.socket,)
        folder = Path(daemon.socket).parent
    assert not alive(group)
    assert not folder.exists()
    assert (daemon.alive, daemon.stubborn) == (False, False)


def test_a_line_that_it_writes_may_tell_that_it_is_ready(tmp_path):
    code = LISTEN + "print('warming up\\nready: 3 workers', flush=True)" + SERVE
    with running(tmp_path, code, ready="^ready: [0-9]+ workers$") as daemon:
        assert daemon.log == "warming up\nready: 3 workers\n"


def test_places_and_variables_are_filled_in(tmp_path):
    code = (
        LISTEN
        + "print(sys.argv[1], os.environ['BASE'], os.environ['MODE'], os.getcwd(), flush=True)"
        + SERVE
    )
    daemon = running(
        tmp_path,
        code,
        upstream="http://127.0.0.1:9",
        ready="\n",
        environment={"BASE": "{upstream}/v1", "MODE": "0600"},
        ways={"h1": Way("http/1.1", {"MODE": "{here}"})},
    )
    with daemon:
        assert daemon.log.split() == [daemon.socket, "http://127.0.0.1:9/v1", *[str(tmp_path)] * 2]


def test_secrets_and_steering_variables_stay_here(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "HTTPS_PROXY", "MY_TOKEN"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PLAIN", "1")
    code = LISTEN + "print(sorted(os.environ), flush=True)" + SERVE
    with running(tmp_path, code, ready=r"\]", environment={"MY_TOKEN": "given"}) as daemon:
        assert "PLAIN" in daemon.log
        assert "MY_TOKEN" in daemon.log
        assert "OPENAI_API_KEY" not in daemon.log
        assert "HTTPS_PROXY" not in daemon.log


def test_a_daemon_gets_no_descriptor_of_ours(tmp_path):
    code = LISTEN + "print(len(os.listdir('/proc/self/fd')), flush=True)" + SERVE
    with socket.socket() as ours, running(tmp_path, code, ready="[0-9]+\n") as daemon:
        os.set_inheritable(ours.fileno(), True)
        assert daemon.log == "5\n"  # three standard ones, its socket, the folder that is listed


# -- what does not start -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "ready", "message"),
    [
        pytest.param("import no_such_thing", "socket", "exit status 1 before.*ModuleNotFound", id="exits"),
        pytest.param("import os; os.kill(os.getpid(), 11)", "socket", "killed by SIGSEGV", id="dies"),
        pytest.param("import os, time; os.fork() and os._exit(0); time.sleep(60)", "socket",
                     "exit status 0 before", id="goes into the background"),
        pytest.param("print('hm', flush=True)\nimport time" + SLEEP, "socket",
                     "within 0.5 s: /.* never appeared.*wrote:\nhm", id="never listens"),
        pytest.param(LISTEN + SLEEP, "ready!", "within 0.5 s: no line that it wrote has 'ready!'", id="never says so"),
        pytest.param(LISTEN.replace("SEQPACKET", "STREAM") + SLEEP, "socket", "another type; .* SOCK_SEQPACKET", id="another type"),
        pytest.param(LISTEN.replace("sock.listen(8)", "") + SLEEP, "socket", "within 0.5 s.* on which nobody listens", id="no listener"),
        pytest.param("import sys, time; open(sys.argv[1], 'w')" + SLEEP, "socket", "is a file, not a socket", id="a file"),
        pytest.param("import sys; sys.argv[1] += '.other'" + LISTEN + SLEEP, "socket",
                     r"within 0.5 s: it listens at /\S+/daemon.sock.other, and was told /\S+/daemon.sock;", id="elsewhere"),
    ],
)  # fmt: skip
def test_a_daemon_that_does_not_start_is_our_error(tmp_path, code, ready, message):
    seconds = 0.5 if "within" in message else 30
    daemon = running(tmp_path, code, ready=ready, ready_seconds=seconds)

    with pytest.raises(StartError, match=f"(?s)^odd: its daemon .*{message}") as caught, daemon:
        pass
    assert "see 'command' in " in str(caught.value)
    assert gone(daemon)


def test_a_path_that_is_too_long_everywhere_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("replayfuzz.handoff.process._LONGEST", 5)
    with pytest.raises(StartError, match=r"has 5 bytes at most.* set TMPDIR to a shorter path"):
        running(tmp_path, LISTEN)


def test_what_did_not_start_can_be_started_later(tmp_path):
    code = "import os, sys; os.path.exists('here') or sys.exit('not yet')" + LISTEN + SERVE
    daemon = running(tmp_path, code)
    with pytest.raises(StartError, match="not yet"):
        daemon.start()
    assert gone(daemon)
    (tmp_path / "here").touch()
    with daemon:
        daemon.start()  # it runs: nothing happens
        assert answer(daemon) == b"hello"
    assert gone(daemon)


def test_a_program_that_is_not_there_is_named(tmp_path):
    target = Target(
        "odd",
        "daemon",
        ("x",),
        ("v",),
        ("/nowhere", "{socket}"),
        source="odd.toml",
        daemon=Daemon(),
    )
    daemon = Running(target, "v", "", build_of(target))
    with pytest.raises(StartError, match=r"cannot start /nowhere: No such file.*odd\.toml"), daemon:
        pass

    assert gone(daemon)


def build_of(target):
    """What ``build`` gives, without a look at what is there."""
    return build(
        Target("a", "daemon", ("x",), ("v",), ("sh",), source=target.source, daemon=Daemon())
    )


def test_a_folder_whose_path_is_too_long_is_not_used(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with running(tmp_path, LISTEN + SERVE) as daemon:
        assert len(daemon.socket) < 108
        assert answer(daemon) == b"hello"

    assert list(deep.iterdir()) == []


# -- what ends badly ---------------------------------------------------------------------


def test_a_daemon_that_removes_its_socket_and_ends_is_fine(tmp_path):
    code = LISTEN + "signal.signal(15, lambda *_: (os.unlink(path), sys.exit(0)))" + SERVE
    with running(tmp_path, code) as daemon:
        pass

    assert gone(daemon)


def test_a_daemon_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("replayfuzz.handoff.process._TERM_SECONDS", 0.05)
    code = LISTEN.replace("sock.listen", "signal.signal(15, signal.SIG_IGN)\nsock.listen") + SERVE
    with running(tmp_path, code) as daemon:
        group = daemon.group
    assert daemon.stubborn
    assert not alive(group)
    assert gone(daemon)


def test_what_it_forked_goes_with_it(tmp_path):
    code = LISTEN + "for _ in range(3): os.fork() or time.sleep(60)" + SERVE
    with running(tmp_path, code) as daemon:
        group = daemon.group
    assert not alive(group)


def test_what_left_its_group_goes_with_it_too(tmp_path):
    code = LISTEN.replace(
        "sock.listen",
        "if os.fork() == 0:\n    os.setsid(); print(os.getpid(), flush=True); time.sleep(60)\nsock.listen",
    )
    with running(tmp_path, code + SERVE) as daemon:
        wait_until(lambda: "\n" in daemon.log)
        strayed = int(daemon.log)
        assert os.getpgid(strayed) != daemon.group
    wait_until(lambda: not alive(strayed))


def test_only_what_is_marked_is_killed():
    with subprocess.Popen(["sleep", "60"], env={"REPLAYFUZZ_RUN": "other"}) as sleeper:
        kill_marked("REPLAYFUZZ_RUN", "this")
        assert sleeper.poll() is None
        kill_marked("REPLAYFUZZ_RUN", "other")
        assert sleeper.wait(10) == -signal.SIGKILL


def test_a_death_is_seen_and_named(tmp_path):
    with running(
        tmp_path, LISTEN + "sock.accept()\nprint('oh', flush=True); os._exit(7)"
    ) as daemon:
        hand_off(daemon.socket, b"x", [])
        assert daemon.await_death(10)
        assert (daemon.alive, daemon.ending) == (False, "it ended with exit status 7")
        assert daemon.log == "oh\n"


def test_a_daemon_is_started_again_at_the_same_path(tmp_path):
    code = LISTEN + "print(os.getpid(), flush=True)" + SERVE
    with running(tmp_path, code) as daemon:
        path, first = daemon.socket, daemon.group
        os.kill(first, signal.SIGKILL)
        assert daemon.await_death(10)
        daemon.restart()
        assert (daemon.socket, daemon.restarts, daemon.alive) == (path, 1, True)
        assert daemon.group != first
        assert answer(daemon) == b"hello"
        assert daemon.log == f"{daemon.group}\n"
    assert gone(daemon)


def test_a_daemon_that_reads_nothing_leaves_its_client_waiting(tmp_path):
    with running(tmp_path, LISTEN + SLEEP) as daemon, Client() as client:
        client.gave(hand_off(daemon.socket, b"x", [client.given.fileno()]))
        assert client.read(0.02).close == "silent"


# -- the log -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_flood_holds_nothing_up_and_its_end_is_kept(tmp_path):
    flood = "for _ in range(400): os.write(2, b'x' * 65536)\nos.write(2, b'\\nthe end')"
    with running(tmp_path, LISTEN + flood + SERVE) as daemon:
        assert answer(daemon) == b"hello"
        assert len(daemon.log) == 65536
        assert daemon.log.endswith("x\nthe end")
        assert daemon.flood == 400 * 65536 + 8 - 65536
        daemon.forget_log()
        assert (daemon.log, daemon.flood) == ("", 0)


def test_a_flood_without_end_does_not_keep_it_running(tmp_path):
    code = LISTEN + "while True: os.write(1, b'x' * 65536)"
    began = time.monotonic()
    with running(tmp_path, code) as daemon:
        wait_until(lambda: len(daemon.log) == 65536)
    assert gone(daemon)
    assert time.monotonic() - began < 10


def test_the_log_of_one_example_is_not_shown_with_the_next(tmp_path):
    code = LISTEN + SERVE.replace("peer.close()", "peer.close(); os.write(2, data)")
    with running(tmp_path, code) as daemon:
        seen = []
        for payload in (b"one", b"two"):
            daemon.forget_log()
            answer(daemon, payload)
            seen.append(daemon.log)
    assert seen == ["one", "two"]


def test_a_log_that_is_no_text_is_shown_all_the_same(tmp_path):
    with running(tmp_path, LISTEN + "os.write(2, b'\\xff\\n')" + SERVE, ready="\n") as daemon:
        assert daemon.log == "\\xff\n"


# -- when we die -------------------------------------------------------------------------

PARENT = """
import sys, time
from pathlib import Path
from tests.test_handoff_process import LISTEN, SERVE, running
stubborn = LISTEN.replace("sock.listen", "signal.signal(15, signal.SIG_IGN); sock.listen") + SERVE
daemon = running(Path(sys.argv[1]), stubborn)
daemon.start()
print(daemon.group, daemon.socket, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_daemons_and_their_sockets_go_with_us_even_by_sigkill(tmp_path):
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        group, path = parent.stdout.readline().split()
        assert state(path) == "listens"
        parent.kill()
    wait_until(lambda: not alive(int(group)) and not Path(path).parent.exists())


def test_a_guard_removes_the_folders_that_it_keeps(tmp_path):
    guard, kept, dropped = Guard(), tmp_path / "kept", tmp_path / "dropped"
    for folder in (kept, dropped):
        (folder / "inner").mkdir(parents=True)
        guard.keep(str(folder))
    guard.drop(str(dropped))
    guard.stop()

    assert (kept.exists(), dropped.exists()) == (False, True)


def test_a_daemon_that_was_never_started_leaves_nothing(tmp_path):
    daemon = running(tmp_path, LISTEN)
    daemon.close()
    daemon.close()

    assert (daemon.group, daemon.alive, daemon.ending) == (0, False, "")
    assert not Path(daemon.socket).parent.exists()


def test_nothing_of_ours_stays_open(tmp_path):
    with running(tmp_path, LISTEN + SERVE):
        pass
    before = open_here()
    with running(tmp_path, LISTEN + SERVE) as daemon:
        daemon.restart()

    assert open_here() == before


def open_here():
    """What this process holds open, without the numbers of sockets and pipes."""
    links = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # of this listing itself
            links.append(re.sub(r"\d+", "", str(each.readlink())))
    return sorted(links)
