"""Shipped adapters in Go and Rust: what each shows is what the oracle expects, either way.

Nothing is compiled here: a worker that was not built yet is skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from replayfuzz import declared, dialects, environments, store
from tests import adapters
from tests.adapters import remembered, served

pytestmark = pytest.mark.slow  # starts programs

FOLDERS = [declared.SHIPPED / name for name in ("go_readers", "rust_readers")]
EVERY = declared.all_targets(declared.SHIPPED)
NAMES = [target.name for target in EVERY if target.command[0] == "{worker}"]
BODIES = {exchange.name: exchange.body for exchange in store.shipped()}
OWN = {
    "sse": b": hi\nid: 1\nevent: a\ndata: x\ndata: y\n\nid: 2\ndata: \xc3\xa9 \xf0\x9f\x98\x80\n\n"
}
REFUSED = b'{"error": {"type": "api_error", "message": "the kettle is off"}}'


@pytest.fixture(scope="module")
def server():
    with adapters.serving() as found:
        yield found


@pytest.fixture(scope="module", params=NAMES)
def started(request):
    with adapters.running(request.param) as (target, worker):
        ready, environment = worker.ready, environments.installed(target)
        assert set(ready.dialects) == set(target.dialects)
        assert set(ready.variants) == set(target.variants)
        assert ready.version == environment.version.removeprefix("v")
        yield target, worker


def paths(target):
    for dialect in target.dialects:
        for variant in target.variants:
            yield dialect, variant, OWN.get(dialect) or BODIES[f"{dialect}/plain"]


def folded(seen, shown):
    """What the events add up to, as far as *shown* has their types."""
    texts = {kind: seen.joined(kind) for kind in ("text", "reasoning", "refusal")}
    lasts = {"role": seen.last("role", "role"), "finish": seen.last("finish", "reason")}
    named = {"model": [event.get("model") for event in seen.of("model")][-1:]}
    tools = {
        "tool": {
            key: (call.id, call.name, json.loads(call.arguments or "{}"))
            for key, call in seen.tools().items()
        }
    }
    events = {"sse": [(event.get("event"), event.get("data")) for event in seen.of("sse")]}
    every = {**texts, **lasts, **named, **tools, **events}
    return {kind: value for kind, value in every.items() if kind in shown}


def test_an_unbent_stream_is_what_the_oracle_expects(started, server):
    target, worker = started
    for dialect, variant, body in paths(target):
        want = dialects.find(dialect).expect((body,), dialects.Ended())[0].transcript
        shown = target.shown_by(variant, dialect)
        seen = served(worker, server, dialect, variant, body)

        assert (seen.end, seen.error) == ("complete", None)
        assert folded(seen, shown) == folded(want, shown), (dialect, variant)
        assert {event.type for event in seen.events} <= shown
        if dialect != "sse":
            assert server.path == "/t/TOKEN" + dialects.find(dialect).path


@pytest.mark.parametrize("size", [0, 50, 1])
def test_memory_and_socket_show_the_same(started, server, size):
    target, worker = started
    if not worker.ready.memory:
        pytest.skip("the library takes no response but its own")
    for dialect, variant, body in paths(target):
        over_socket = served(worker, server, dialect, variant, body)
        in_memory = remembered(worker, dialect, variant, body, size)

        assert in_memory.events == over_socket.events, (dialect, variant)
    assert worker.restarts == 0


def test_an_incomplete_message_is_an_error(started, server):
    target, worker = started
    for dialect, variant, body in paths(target):
        cut = body[: len(body) // 2]
        ends = {served(worker, server, dialect, variant, cut, whole=False).end}
        if worker.ready.memory:
            ends.add(remembered(worker, dialect, variant, cut, 50, whole=False).end)

        assert ends == {"error"}, (dialect, variant)


def test_an_http_error_is_an_error_with_a_type(started, server):
    target, worker = started
    for dialect, variant, _ in paths(target):
        seen = served(worker, server, dialect, variant, REFUSED, status=503)

        assert seen.end == "error"
        assert seen.error.type
        assert dialect == "sse" or "the kettle is off" in seen.error.message


def test_what_a_library_prints_cannot_touch_the_protocol(started):
    if sys.platform != "linux":
        pytest.skip("there is no /proc")
    _, worker = started
    worker.start()
    descriptors = Path(f"/proc/{worker.group}/fd")

    assert (descriptors / "1").readlink() == (descriptors / "2").readlink()
    assert (descriptors / "0").readlink() == Path(os.devnull)


def test_a_lone_surrogate_in_a_request_is_answered(started, server):
    target, worker = started
    dialect, variant, body = next(paths(target))
    asking = {"model": "m", "messages": [{"role": "user", "content": "\ud83d"}]}
    seen = served(worker, server, dialect, variant, body, asking=asking)

    assert seen.end in {"complete", "error"}  # a typed request may have no place for it


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b'{"id": 1'])
def test_a_line_that_is_no_request_ends_the_program_with_a_reason(started, line):
    target, _ = started
    command = environments.installed(target).command(target)
    done = subprocess.run(command, input=line, capture_output=True, check=False, timeout=30)

    assert done.returncode == 2
    assert b"worker protocol" in done.stderr
    assert done.stdout.count(b"\n") == 1  # the ready line


@pytest.mark.parametrize("name", NAMES)
def test_a_declaration_has_its_source_and_the_shared_one(name):
    target = declared.find(name)
    source = Path(declared.SHIPPED) / target.build

    assert source.parent in FOLDERS
    entry = "main.go" if source.parent.name == "go_readers" else "src/main.rs"
    assert (source / entry).is_file()
    assert (source.parent / "worker").is_dir()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_source_file_is_longer_than_the_budget(folder):
    files = [path for path in folder.rglob("*") if path.suffix in {".go", ".rs"}]

    assert files
    assert all(path.read_text().count("\n") <= 300 for path in files)
