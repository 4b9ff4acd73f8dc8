"""Workers that misbehave, each as a tiny program: every end of a call, and nothing left behind."""

import base64
import json
import signal
import subprocess
import sys
import time

import pytest

from replayfuzz.drive import Asked, Worker
from replayfuzz.errors import StartError
from replayfuzz.guard import Guard
from replayfuzz.target import Target
from replayfuzz.transcript import Event

TARGET = Target("odd", "parser", ("sse",), ("v",), ("x",), source="odd.toml")
REQUEST = {"dialect": "sse", "variant": "v", "timeout": 1.0, "request": {}}
READY = '{"ready": 1, "name": "odd", "version": "2", "dialects": ["sse"], "variants": ["v"]}'

HEAD = f"""
import json, os, signal, sys, time
print('{READY}', flush=True)
for line in sys.stdin:
    number = json.loads(line)["id"]
    answer = json.dumps({{"id": number, "events": [], "end": "complete"}})
"""


def worker(body, head=HEAD, **options):
    """A worker that does *body* for each request; ``answer`` is a right answer."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return Worker(TARGET, [sys.executable, "-S", "-c", head + lines], **options)


def ends(body, seconds=5.0):
    """The transcript of one call; afterwards the worker has to be able to start again."""
    with worker(body) as odd:
        odd.start()
        group = odd._process.pid
        transcript = odd.call(REQUEST, seconds)
        assert not alive(group)
        assert not odd.running
    return transcript


def alive(group):
    """Whether any process of *group* is there; zombies that nobody reaps do not count."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-g", str(group)], capture_output=True, text=True, check=False
    )
    return any(not line.startswith("Z") for line in found.stdout.split())


def test_an_answer_becomes_a_transcript():
    body = (
        'events = [{"t": 0.5, "type": "text", "text": "\\ud83d\\u00e9"}]\n'
        'error = {"type": "m.E", "message": "no", "frame": "m:f"}\n'
        'sys.stderr.write("careful\\n"); sys.stderr.flush()\n'
        'print(json.dumps({"id": number, "events": events, "end": "error", "error": error, "cpu": 0.25}), flush=True)'
    )
    with worker(body) as odd:
        ready = odd.start()
        seen = odd.call(REQUEST, 5.0)

    assert (ready.name, ready.version, ready.dialects, ready.memory) == (
        "odd",
        "2",
        ("sse",),
        False,
    )
    assert seen.events == (Event("text", {"text": "\ud83dé"}),)
    assert (seen.events[0].t, seen.end, seen.cpu, seen.stderr) == (0.5, "error", 0.25, "careful\n")
    assert (seen.error.type, seen.error.message, seen.error.frame) == ("m.E", "no", "m:f")


def test_one_process_serves_all_calls():
    with worker("print(answer, flush=True)") as odd:
        ends_of_calls = [odd.call(REQUEST, 5.0).end for _ in range(50)]
        pid = odd._process.pid

    assert set(ends_of_calls) == {"complete"}
    assert odd.restarts == 0
    assert not alive(pid)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param("print('Traceback', flush=True)", "the answer is not JSON: 'Traceback'", id="no-json"),
        pytest.param("print('[1]', flush=True)", "the answer is not to request 1", id="no-object"),
        pytest.param(
            """print(answer.replace(str(number), "99"), flush=True)""", "not to request 1", id="wrong-id"
        ),
        pytest.param(
            """print(answer.replace("complete", "fine"), flush=True)""", "end is 'fine'", id="wrong-end"
        ),
        pytest.param(
            """print(answer.replace("[]", "3"), flush=True)""", "not a list of objects", id="no-list"
        ),
        pytest.param(
            """print(answer.replace("[]", '[{"type": "smell"}]'), flush=True)""", "event type 'smell'", id="wrong-type"
        ),
        pytest.param("""print("[" * 100_000, flush=True)""", "", id="too-deep"),
        pytest.param("""os.write(1, b"\\xff\\xfe\\n")""", "not JSON", id="no-text"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_garbage(body, message):
    seen = ends(body)

    assert seen.end == "garbage"
    assert message in seen.error.message


def test_a_line_without_end_is_garbage(monkeypatch):
    monkeypatch.setattr("replayfuzz.processes._LONGEST", 1 << 20)

    seen = ends("while True: os.write(1, b'x' * 65536)")

    assert (seen.end, seen.error.message) == ("garbage", "a line of more than 1 MiB")


def test_a_long_answer_is_read_whole():
    body = 'print(json.dumps({"id": number, "end": "complete", "events": [{"type": "text", "text": "x" * 5_000_000}]}), flush=True)'
    with worker(body) as odd:
        seen = odd.call(REQUEST, 10.0)

    assert len(seen.events[0].get("text")) == 5_000_000


def test_a_request_larger_than_the_pipe_arrives_while_the_worker_is_talking():
    body = 'sys.stderr.write("x" * 500_000); sys.stderr.flush()\nprint(answer, flush=True)'
    with worker(body) as odd:
        pieces = [base64.b64encode(bytes(3_000_000)).decode()]
        assert odd.call({**REQUEST, "pieces": pieces}, 10.0).end == "complete"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param("os._exit(3)", "it ended with exit status 3", id="exit"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGSEGV)", "it was killed by SIGSEGV", id="signal"
        ),
        pytest.param(
            "os.write(1, b'{\"id\"'); os._exit(0)", "it ended with exit status 0", id="mid-answer"
        ),
    ],
)
def test_a_death_is_a_crash_that_is_named(body, message):
    seen = ends(f"os.write(2, b'last words')\n{body}")

    assert (seen.end, seen.error.message, seen.stderr) == ("crash", message, "last words")


def test_a_crash_is_seen_although_a_child_keeps_the_pipes_open():
    seen = ends("if os.fork() == 0: time.sleep(60)\nos._exit(1)")

    assert seen.end == "crash"


def test_silence_is_a_hang():
    seen = ends("os.write(2, b'hm')\ntime.sleep(60)", seconds=0.05)

    assert (seen.end, seen.error.message, seen.stderr) == ("hang", "no answer within 0.05 s", "hm")


@pytest.mark.slow
def test_a_worker_that_ignores_sigterm_is_killed_with_all_it_forked():
    body = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(3): os.fork()\n"
        "while True: time.sleep(1)"
    )
    began = time.monotonic()

    seen = ends(body, seconds=0.2)

    assert seen.end == "hang"
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_a_flood_on_standard_error_holds_nothing_up():
    body = "for _ in range(800): os.write(2, b'x' * 65535 + b'\\n')\nprint(answer, flush=True)"
    with worker(body) as odd:
        seen = odd.call(REQUEST, 60.0)

    assert seen.end == "complete"
    assert len(seen.stderr) == 65536


def test_a_flood_without_an_answer_is_a_hang():
    assert ends("while True: os.write(2, b'x' * 65536)", seconds=0.05).end == "hang"


def test_the_next_call_starts_the_worker_again():
    body = "if number == 1: os._exit(1)\nprint(answer, flush=True)"
    with worker(body) as odd:
        assert [odd.call(REQUEST, 5.0).end for _ in range(3)] == ["crash", "complete", "complete"]
        assert odd.restarts == 1


def test_stderr_of_one_call_is_not_shown_with_the_next():
    body = "os.write(2, b'%d' % number)\nprint(answer, flush=True)"
    with worker(body) as odd:
        assert [odd.call(REQUEST, 5.0).stderr for _ in range(3)] == ["1", "2", "3"]


def test_what_is_printed_before_the_ready_line_is_passed_over():
    with worker("print(answer, flush=True)", head="print('a banner')\nprint('{}')\n" + HEAD) as odd:
        assert odd.start().name == "odd"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        pytest.param("import missing_library\n", "exit status 1.*ModuleNotFoundError", id="dies"),
        pytest.param("print('{\"ready\": 2}')\n", "speaks worker protocol 2", id="newer-protocol"),
        pytest.param(
            "while True: print('hello')\n", "printed much, and no ready line", id="chatters"
        ),
        pytest.param("import time; time.sleep(60)\n", "was not ready within 0.3 s", id="silent"),
    ],
)
def test_a_worker_that_does_not_start_is_our_error(head, message):
    odd = Worker(
        TARGET, [sys.executable, "-S", "-c", head], start_seconds=0.3 if "sleep" in head else 30
    )

    with pytest.raises(StartError, match=f"(?s)odd: its worker .*{message}"):
        odd.start()
    assert not odd.running


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(StartError, match=r"cannot start /nowhere: No such file.*odd.toml"):
        Worker(TARGET, ["/nowhere"]).start()


def test_an_interrupted_call_leaves_no_answer_for_the_next(monkeypatch):
    with worker("print(answer, flush=True)") as odd:
        odd.start()

        def interrupted(seconds):
            raise KeyboardInterrupt

        monkeypatch.setattr(odd._process, "line", interrupted)
        with pytest.raises(KeyboardInterrupt):
            odd.call(REQUEST, 5.0)
        assert not odd.running
        assert odd.call(REQUEST, 5.0).end == "complete"


MANY = [Asked(json.dumps({**REQUEST, "turn": turn}), 5.0) for turn in range(5)]
TURN = 'turn = json.loads(line)["turn"]\n'


def test_calls_that_are_sent_at_once_are_answered_in_order():
    body = TURN + (
        'print(json.dumps({"id": number, "events": [{"type": "record", "value": turn}], '
        '"end": "complete"}), flush=True)'
    )
    with worker(body) as odd:
        seen = odd.calls(MANY) + odd.calls(MANY)

    assert [each.events[0].get("value") for each in seen] == [0, 1, 2, 3, 4] * 2


@pytest.mark.parametrize(
    ("wrong", "end"),
    [("os._exit(3)", "crash"), ("time.sleep(60)", "hang"), ("print('no')", "garbage")],
)
def test_of_calls_sent_at_once_the_one_that_fails_is_the_last_that_is_told(wrong, end):
    body = f"{TURN}if turn == 2: {wrong}\nprint(answer, flush=True)"
    with worker(body) as odd:
        seen = odd.calls([each._replace(seconds=1.0) for each in MANY])
        again = odd.calls(MANY[:2])

    assert [each.end for each in seen] == ["complete", "complete", end]
    assert [each.end for each in again] == ["complete", "complete"]
    assert odd.restarts == 1


def test_calls_that_do_not_fit_into_a_pipe_are_all_made():
    large = [Asked(json.dumps({**REQUEST, "text": "x" * 50_000}), 5.0) for _ in range(9)]
    with worker("print(answer + ' ' * 50_000, flush=True)") as odd:
        assert [each.end for each in odd.calls(large)] == ["complete"] * 9


def test_a_worker_that_takes_no_more_requests_is_one_that_hangs():
    large = [Asked(json.dumps({**REQUEST, "text": "x" * 200_000}), 0.3) for _ in range(2)]
    with worker("print(answer, flush=True); time.sleep(60)") as odd:
        assert [each.end for each in odd.calls(large)] == ["complete", "hang"]


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(3)",
        "time.sleep(60)",
        "print('no')",
        "print(answer)",
        "print(json.dumps({'id': number, 'sweep': []}))",
        "print(json.dumps({'id': number, 'sweep': {}}))",
        "print(json.dumps({'id': number, 'sweep': [{'events': [], 'end': 'complete'}]}))",
        "print(json.dumps({'id': number, 'sweep': [{'first': True, 'end': 'complete'}]}))",
        "print(json.dumps({'id': number, 'sweep': [{'first': 0, 'end': 'well'}]}))",
        "print(json.dumps({'id': number + 1, 'sweep': [{'first': 0, 'end': 'complete'}]}))",
    ],
    ids=["dies", "hangs", "prints", "single", "none", "object", "first", "bool", "end", "other"],
)
def test_what_is_no_answer_to_a_sweep_loses_it_and_the_worker(body):
    with worker(f"{body}\nsys.stdout.flush()") as odd:
        odd.start()
        group = odd.group

        assert odd.sweep(Asked(json.dumps(REQUEST), 1.0)) == []
        assert not alive(group)
        assert not odd.running


def test_the_answers_to_a_sweep_say_where_they_were_first():
    body = (
        "told = [{'first': n, 'events': [{'type': 'record', 'value': n}], 'end': 'complete'} for n in (0, 7)]\n"
        "print(json.dumps({'id': number, 'sweep': told}), flush=True)"
    )
    with worker(body) as odd:
        found = [odd.sweep(Asked(json.dumps(REQUEST), 5.0)) for _ in range(2)]

    expected = [(n, (Event("record", {"value": n}),)) for n in (0, 7)]
    assert [[(first, seen.events) for first, seen in each] for each in found] == [expected] * 2


def test_secrets_and_steering_variables_stay_here(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere")
    body = (
        "seen = sorted(set(os.environ) & {'OPENAI_API_KEY', 'HTTPS_PROXY', 'MINE'})\n"
        "sys.stderr.write(' '.join(seen)); sys.stderr.flush()\n"
        "print(answer, flush=True)"
    )
    with worker(body, variables={"MINE": "1"}) as odd:
        assert odd.call(REQUEST, 5.0).stderr == "MINE"


PARENT = """
import os, sys, time
from replayfuzz.drive import Worker
from replayfuzz.target import Target
target = Target("odd", "parser", ("sse",), ("v",), ("x",))
worker = Worker(target, [sys.executable, "-S", "-c", sys.argv[1]])
worker.start()
print(worker._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_workers_die_with_us_even_by_sigkill():
    """Also one that ignores SIGTERM and the end of its input."""
    stubborn = (
        f"import signal, time; signal.signal(15, 1); print('{READY}', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, stubborn], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        assert alive(group)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while alive(group) and time.monotonic() < deadline:
        time.sleep(0.01)  # the guard tells nobody when it is done
    assert not alive(group)


def test_a_guard_forgets_what_was_released():
    guard = Guard()
    sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        guard.watch(sleeper.pid)
        guard.release(sleeper.pid)
        guard.stop()
        assert sleeper.poll() is None
        guard.watch(sleeper.pid)
        guard.stop()
        assert sleeper.wait(10) == -signal.SIGKILL
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_guard_that_was_killed_is_replaced():
    guard = Guard()
    sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        guard.watch(1 << 22)
        assert guard._process is not None
        guard._process.kill()
        guard._process.wait()
        guard.watch(sleeper.pid)
        guard.stop()
        assert sleeper.wait(10) == -signal.SIGKILL
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_request_is_one_line_of_json():
    body = 'print(json.dumps({"id": number, "events": [{"type": "record", "value": json.loads(line)}], "end": "complete"}), flush=True)'
    with worker(body) as odd:
        seen = odd.call({**REQUEST, "request": {"text": "\n\u2028\ud83d"}}, 5.0)

    assert json.loads(json.dumps(seen.events[0].get("value")))["request"] == {
        "text": "\n\u2028\ud83d"
    }
