"""Shipped Python adapters: an unbent stream gives the same events over memory and over a socket."""

import json

import pytest

from replayfuzz import declared, dialects, store
from replayfuzz.transcript import Transcript
from tests import adapters, target_streams
from tests.adapters import remembered, served

pytestmark = pytest.mark.slow  # importing a client library takes a second


def chat(**delta):
    finish = delta.pop("finish_reason", None)
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    return f"data: {json.dumps(chunk)}\n\n"


def tool(**function):
    named = {"id": "call_1", "type": "function"} if "name" in function else {}
    return chat(tool_calls=[{"index": 0, **named, "function": function}])


OPENAI = "".join(
    [
        chat(role="assistant", content=""),
        chat(reasoning_content="Hm."),
        chat(content="Hé 😀"),
        tool(name="f", arguments=""),
        tool(arguments='{"a":'),
        tool(arguments="1}"),
        chat(finish_reason="tool_calls"),
        (
            'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
            '"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
        ),
        "data: [DONE]\n\n",
    ]
)


def anthropic(type, **values):
    return f"event: {type}\ndata: {json.dumps({'type': type, **values}, ensure_ascii=False)}\n\n"


def block(index, start, *deltas):
    pieces = [anthropic("content_block_delta", index=index, delta=delta) for delta in deltas]
    opened = anthropic("content_block_start", index=index, content_block=start)
    return "".join([opened, *pieces, anthropic("content_block_stop", index=index)])


ANTHROPIC = "".join(
    [
        anthropic(
            "message_start",
            message={
                "id": "m", "type": "message", "role": "assistant", "model": "claude", "content": [],
                "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1},
            },
        ),
        block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm."},
            {"type": "signature_delta", "signature": "x"},
        ),
        anthropic("ping"),
        block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hé 😀"}),
        block(
            2,
            {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"a":'},
            {"type": "input_json_delta", "partial_json": " 1}"},
        ),
        anthropic("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 9}),
        anthropic("message_stop"),
    ]
)  # fmt: skip


def responses(*events):
    blocks = []
    for number, (kind, values) in enumerate(events):
        event = {"type": f"response.{kind}", "sequence_number": number, **values}
        text = json.dumps(event, ensure_ascii=False)
        blocks.append(f"event: response.{kind}\ndata: {text}\n\n")
    return "".join(blocks)


def answer(status, *output):
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    return {
        "response": {
            "id": "r", "object": "response", "created_at": 1, "status": status, "model": "m",
            "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "usage": usage if output else None,
        }
    }  # fmt: skip


def part(text):
    return {"type": "output_text", "annotations": [], "text": text}


def at(index, **values):
    return {"item_id": f"i{index}", "output_index": index, **values}


THOUGHT = {"type": "reasoning", "id": "i0", "summary": [{"type": "summary_text", "text": "Hm."}]}
SAID = {
    "type": "message", "id": "i1", "role": "assistant", "status": "completed",
    "content": [part("Hé 😀")],
}  # fmt: skip
CALL = {"type": "function_call", "id": "i2", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
RESPONSES = responses(
    ("created", answer("in_progress")),
    ("output_item.added", {"output_index": 0, "item": {**THOUGHT, "summary": []}}),
    ("reasoning_summary_text.delta", at(0, summary_index=0, delta="Hm.")),
    ("reasoning_summary_text.done", at(0, summary_index=0, text="Hm.")),
    ("output_item.done", {"output_index": 0, "item": THOUGHT}),
    ("output_item.added", {"output_index": 1, "item": {**SAID, "content": []}}),
    ("content_part.added", at(1, content_index=0, part=part(""))),
    ("output_text.delta", at(1, content_index=0, delta="Hé 😀", logprobs=[])),
    ("output_text.done", at(1, content_index=0, text="Hé 😀", logprobs=[])),
    ("content_part.done", at(1, content_index=0, part=part("Hé 😀"))),
    ("output_item.done", {"output_index": 1, "item": SAID}),
    ("output_item.added", {"output_index": 2, "item": {**CALL, "arguments": ""}}),
    ("function_call_arguments.delta", at(2, delta='{"a":')),
    ("function_call_arguments.delta", at(2, delta="1}")),
    ("function_call_arguments.done", at(2, arguments='{"a":1}')),
    ("output_item.done", {"output_index": 2, "item": CALL}),
    ("completed", answer("completed", THOUGHT, SAID, CALL)),
)


def ollama(done=False, **message):
    part = {"model": "l", "created_at": "2025-01-01T00:00:00Z", "done": done}
    message = {"role": "assistant", "content": "", **message}
    last = {"done_reason": "stop", "total_duration": 5, "prompt_eval_count": 3, "eval_count": 4}
    return json.dumps({**part, "message": message, **(last if done else {})}) + "\n"


OLLAMA = "".join(
    [
        ollama(thinking="Hm."),
        ollama(content="Hé 😀"),
        ollama(tool_calls=[{"function": {"name": "f", "arguments": {"a": 1}}}]),
        ollama(done=True),
    ]
)
SSE = ": hi\nid: 1\nevent: a\ndata: x\ndata: y\n\nretry: 500\nid: 2\ndata: é 😀\n\n"
BODIES = {
    "openai.chat": OPENAI.encode(),
    "openai.responses": RESPONSES.encode(),
    "anthropic.messages": ANTHROPIC.encode(),
    "ollama.chat": OLLAMA.encode(),
    "mistral.chat": target_streams.MISTRAL.encode(),
    "gemini.stream": target_streams.GEMINI.encode(),
    "cohere.v1": target_streams.COHERE_1.encode(),
    "cohere.v2": target_streams.COHERE_2.encode(),
    "bedrock.converse_stream": target_streams.CONVERSE,
    "sse": SSE.encode(),
    "ndjson": OLLAMA.encode(),
}
RAW = {"sse", "ndjson"}  # whose path is anybody's
SHIPPED = {exchange.name: exchange.body for exchange in store.shipped()}
EVERY = declared.all_targets(declared.SHIPPED)
NAMES = [t.name for t in EVERY if t.kind == "parser" and t.command[0] == "{python}"]


@pytest.fixture(scope="module")
def server():
    with adapters.serving() as found:
        yield found


@pytest.fixture(scope="module", params=NAMES)
def started(request):
    with adapters.running(request.param) as (target, worker):
        assert set(worker.ready.variants) <= set(target.variants)
        assert set(worker.ready.dialects) >= set(target.dialects)
        yield target, worker


def called(worker, server, dialect, variant, body, **how):
    """Over memory where the adapter can, else over a socket."""
    if worker.ready.memory:
        return remembered(worker, dialect, variant, body, **how)
    return served(worker, server, dialect, variant, body, **how)


def paths(target, worker):
    for dialect in target.dialects:
        for variant in worker.ready.variants:
            yield dialect, variant, BODIES.get(dialect) or SHIPPED[f"{dialect}/plain"]


def folded(seen: Transcript):
    """What the events add up to; libraries part content as they like."""
    values = [
        {kind: seen.last(kind, name) for kind, name in (("role", "role"), ("finish", "reason"))},
        [event.get("model") for event in seen.of("model")][-1:],
        [dict(event.values) for kind in ("sse", "record") for event in seen.of(kind)],
    ]
    texts = {kind: seen.joined(kind) for kind in ("text", "reasoning", "refusal")}
    return texts, seen.tools(), values


def test_memory_and_socket_show_the_same(started, server):
    target, worker = started
    for dialect, variant, body in paths(target, worker):
        over_socket = served(worker, server, dialect, variant, body)

        path = server.path.partition("?")[0]
        assert path.startswith("/t/TOKEN/")
        assert path.endswith(dialects.find(dialect).path) or dialect in RAW
        assert (over_socket.end, over_socket.error) == ("complete", None), over_socket.stderr
        for size in (0, 50, 1) if worker.ready.memory else ():
            in_memory = remembered(worker, dialect, variant, body, size)
            assert (in_memory.end, in_memory.error) == ("complete", None), in_memory.stderr
            assert in_memory.events == over_socket.events, (dialect, variant, size)
    assert worker.restarts == 0


def test_an_unbent_stream_is_what_the_oracle_expects(started, server):
    """As far as the library shows it at all."""
    target, worker = started
    for dialect, variant, body in paths(target, worker):
        seen = called(worker, server, dialect, variant, body)
        want = dialects.find(dialect).expect((body,), dialects.Ended())[0]
        shown = target.shown_by(variant, dialect) or {event.type for event in want.events}

        assert {event.type for event in seen.events} <= shown
        for kind in shown:
            assert bool(seen.of(kind)) == bool(want.transcript.of(kind)), (kind, variant)
        texts, tools, values = folded(seen)
        wanted_texts, wanted_tools, wanted_values = folded(want.transcript)
        assert texts == wanted_texts
        assert {
            key: (call.id, call.name, json.loads(call.arguments)) for key, call in tools.items()
        } == {
            key: (call.id, call.name, json.loads(call.arguments))
            for key, call in wanted_tools.items()
        }
        kinds = [kind for kind in ("role", "finish") if kind in shown]
        assert [values[0][kind] for kind in kinds] == [wanted_values[0][kind] for kind in kinds]
        assert values[1] == wanted_values[1] or "model" not in shown


def test_an_incomplete_message_is_an_error_of_the_transport(started, server):
    target, worker = started
    for dialect, variant, body in paths(target, worker):
        cut = body.removesuffix(b"data: [DONE]\n\n")[:-5]
        how = {"size": 50} if worker.ready.memory else {}
        seen = called(worker, server, dialect, variant, cut, whole=False, **how)

        assert seen.end in {"error", "truncated"}, (dialect, variant)
        assert seen.events


def test_an_http_error_is_an_error(started, server):
    target, worker = started
    told = {"type": "api_error", "message": "the kettle is off"}
    for dialect, variant, _ in paths(target, worker):
        answer = told if dialect.startswith(("bedrock.", "cohere.")) else {"error": told}
        body = json.dumps(answer).encode()
        over_socket = served(worker, server, dialect, variant, body, status=503)
        seen = called(worker, server, dialect, variant, body, status=503)

        assert {seen.end, over_socket.end} <= {"error"}
        assert seen.error.type == over_socket.error.type
        if dialect not in RAW:
            assert "the kettle is off" in seen.error.message


def test_an_error_names_the_frame_in_the_library(started, server):
    target, worker = started
    library = {target.requires.partition(".")[0], *target.package.values(), "botocore"}
    for dialect, variant, _ in paths(target, worker):
        if dialect in RAW:
            continue
        broken = b"{\n" if dialect in {"ollama.chat", "cohere.v1"} else b'data: {"no\n\n'
        seen = called(worker, server, dialect, variant, broken)
        if seen.end == "error":
            assert seen.error.frame.startswith(tuple({*library, "replayfuzz"} - {""}))
