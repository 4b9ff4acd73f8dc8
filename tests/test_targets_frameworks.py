"""Adapters of frameworks and raw readers: unbent streams are told as the oracle reads them.

Each runs where its library is installed. ``test_targets`` holds them to what all adapters do.
"""

import json

import pytest

from replayfuzz import dialects, store
from replayfuzz.targets import over_requests
from replayfuzz.worker import Call
from tests import adapters
from tests.adapters import remembered, served

pytestmark = pytest.mark.slow  # importing a framework takes seconds

FRAMEWORKS = [
    "huggingface-hub", "litellm", "langchain-openai", "langchain-anthropic", "openai-agents",
    "pydantic-ai",
]  # fmt: skip
EVENT_READERS = ["requests-sse", "sseclient", "aiohttp-sse-client", "aiosseclient"]
LINE_READERS = ["urllib3", "httpx-lines", "httpx2-lines"]
STREAMS = ["plain", "tool-call", "tools-parallel", "error"]
LINES = b'{"a": "Caf\xc3\xa9"}\r\n\n[1, 2]\n"\xf0\x9f\x98\x80"\n'
EVENTS = b"event: x\ndata: one\n\ndata: two\ndata: three\n\n"  # less than a chunk of the server
SHIPPED = {exchange.name: exchange for exchange in store.shipped()}


@pytest.fixture(scope="module")
def server():
    with adapters.serving() as found:
        yield found


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request):
    with adapters.running(request.param) as found:
        yield found


@pytest.fixture(scope="module", params=EVENT_READERS)
def event_reader(request):
    with adapters.running(request.param) as found:
        yield found


@pytest.fixture(scope="module", params=LINE_READERS)
def line_reader(request):
    with adapters.running(request.param) as found:
        yield found


def both(worker, server, dialect, variant, body):
    """The stream as it is seen over a socket, and in memory where there is memory delivery."""
    yield served(worker, server, dialect, variant, body)
    if worker.ready.memory:
        yield remembered(worker, dialect, variant, body, 50)


def content(seen, kinds):
    """Texts and tool calls, in order; frameworks number calls, and part content, as they like."""
    calls = [
        (call.id, call.name, json.loads(call.arguments or "{}"))
        for _, call in sorted(seen.tools().items())
    ]
    texts = {kind: seen.joined(kind) for kind in ("text", "reasoning", "refusal") if kind in kinds}
    return texts, calls


def test_a_framework_tells_what_the_oracle_reads(framework, server):
    target, worker = framework
    for name in (f"{dialect}/{stream}" for dialect in target.dialects for stream in STREAMS):
        exchange = SHIPPED[name]
        want = dialects.find(exchange.dialect).expect((exchange.body,), dialects.Ended())[0]
        for variant in worker.ready.variants:
            shown = target.shown_by(variant, exchange.dialect)
            for seen in both(worker, server, exchange.dialect, variant, exchange.body):
                assert seen.end == want.end, (name, variant, seen.error)
                assert {event.type for event in seen.events} <= shown
                assert content(seen, shown) == content(want.transcript, shown), (name, variant)
                if want.end == "error":
                    assert want.message in seen.message
    assert worker.restarts == 0


def test_a_framework_asks_below_its_base_address(framework, server):
    target, worker = framework
    for dialect in {"openai.chat", "anthropic.messages"} & set(target.dialects):
        for variant in worker.ready.variants:
            served(worker, server, dialect, variant, SHIPPED[f"{dialect}/plain"].body)
            assert server.path == "/t/TOKEN" + dialects.find(dialect).path


def test_an_event_reader_shows_the_events_of_one_stream(event_reader, server):
    """And ends then, though it would reconnect."""
    _, worker = event_reader
    for seen in both(worker, server, "sse", "default", EVENTS):
        told = [(event.get("event"), event.get("data")) for event in seen.events]

        assert seen.end == "complete", seen.error
        # sseclient reads past the chunked coding, whose last chunk it takes for an event.
        assert told[:2] == [("x", "one"), ("message", "two\nthree")]
        assert told[2:] in ([], [("message", "")])


def test_a_line_reader_shows_the_value_of_each_line(line_reader, server):
    _, worker = line_reader
    for variant in worker.ready.variants:
        for seen in both(worker, server, "ndjson", variant, LINES):
            assert seen.end == "complete", seen.error
            assert [event.get("value") for event in seen.events] == [{"a": "Café"}, [1, 2], "😀"]


def test_a_line_that_is_no_json_ends_the_loop(line_reader):
    _, worker = line_reader
    for variant in worker.ready.variants:
        seen = remembered(worker, "ndjson", variant, b'{"a": 1}\n{"b\n{"c": 1}\n')

        assert (seen.end, seen.error.type) == ("error", "json.decoder.JSONDecodeError")
        assert len(seen.events) == 1


@pytest.mark.parametrize("name", ["urllib3", "requests-sse", "sseclient-py"])
def test_no_call_takes_the_connection_of_another(name, server):
    """The server may be closing one that was kept: then the call fails before it began."""
    with adapters.running(name) as (target, worker):
        dialect, before = target.dialects[0], server.connections
        server.kept = True
        body = LINES if dialect == "ndjson" else EVENTS
        try:
            seen = [served(worker, server, dialect, target.variants[0], body) for _ in range(3)]
        finally:
            server.kept = False

    assert [each.end for each in seen] == ["complete"] * 3
    assert server.connections - before == 3


@pytest.mark.parametrize(("complete", "size"), [(True, None), (True, 1), (False, 3)])
def test_a_response_in_memory_has_the_pieces_as_its_chunks(complete, size):
    urllib3 = pytest.importorskip("urllib3")
    body = "é 😀".encode()
    pieces = [body[at : at + (size or 99)] for at in range(0, len(body), size or 99)]
    call = Call("sse", "default", 1.0, {}, "", tuple(pieces), 201, (("X", "y"),), complete)
    response = over_requests.remembered(urllib3, call)
    seen = []
    try:
        seen.extend(response.read_chunked())
        told = True
    except urllib3.exceptions.ProtocolError:
        told = False

    assert (response.status, response.headers["X"]) == (201, "y")
    assert (seen, told) == (pieces, complete)


def test_a_session_in_memory_needs_no_socket():
    requests = pytest.importorskip("requests")
    seat = over_requests.Seat()
    session = over_requests.session(requests, seat)
    seat.call = Call("sse", "default", 1.0, {}, "", (b"a", b"b"), 200, (), complete=False)
    with session.post("http://127.0.0.1/", stream=True) as response:
        chunks = response.iter_content(None)

        assert [next(chunks), next(chunks)] == [b"a", b"b"]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(chunks)
