"""The rules and the oracle speak the same language: what it expects breaks no rule."""

import json

import pytest

from replayfuzz import dialects, store
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import Ended
from replayfuzz.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from replayfuzz.invariants import judge
from replayfuzz.plan import End, Head, How, Plan, Slice, Splice
from replayfuzz.transcript import Event, Expected, Failure, Transcript, event

BODIES = {
    "sse": b"id: 7\ndata: caf\xc3\xa9\n\nevent: x\nretry: 10\ndata: a\ndata: b\n\ndata: \xff\n\n",
    "ndjson": '{"a": "é"}\n{"b": [1, null]}\n'.encode(),
    "openai.chat": (
        b'data: {"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"caf"}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":'
        b'{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}\n\n'
        b'data: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]\n\n'
    ),
    "ollama.chat": (
        b'{"model":"m","message":{"role":"assistant","content":"a"},"done":false}\n'
        b'{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":'
        b'{"name":"f","arguments":{"x":1.0}}}]},"done":true,"done_reason":"stop","eval_count":2}\n'
    ),
    "anthropic.messages": (
        b'event: message_start\ndata: {"type":"message_start","message":{"model":"m",'
        b'"role":"assistant","usage":{"input_tokens":1}}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
        b'{"type":"text_delta","text":"caf"}}\n\n'
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
        b'"message":"Overloaded"}}\n\n'
    ),
}


def plans(size: int, step: int = 7) -> list[Plan]:
    ends: tuple[How, ...] = ("complete", "reset", "stall")
    return [
        *(
            Plan(),
            Plan((Slice(0, 1),)),
            Plan((Splice(6, 1, b"\xff"),)),
            Plan(head=Head(status=500)),
        ),
        *(Plan((End(at, how),)) for how in ends for at in range(0, size, step)),
    ]


def told(want: Expected) -> Transcript:
    """A reader that does exactly what *want* says; what is cut short it raises."""
    if want.end == "complete":
        return Transcript(want.events)
    return Transcript(want.events, "error", Failure("lib.APIError", want.message or "cut short"))


@pytest.mark.parametrize("name", BODIES)
def test_a_reader_that_does_what_the_oracle_says_breaks_no_rule(name):
    exchange = Exchange("x", name, body=BODIES[name])
    ends = set()
    for plan in plans(len(exchange.body)):
        wants = dialects.expected(exchange, plan)
        for want in wants:
            ends.add(want.end)

            assert judge(wants, told(want)).violations == (), plan
            assert judge((want,), told(want)).violations == (), plan
    assert {"complete" if name != "anthropic.messages" else "error", "truncated"} <= ends


SHIPPED = [one for one in store.shipped() if one.name.endswith(("/plain", "/tool-call"))]


@pytest.mark.parametrize("exchange", SHIPPED, ids=lambda exchange: exchange.name)
def test_nor_does_one_that_reads_a_shipped_stream(exchange):
    ends = set()
    for plan in plans(len(exchange.body), step=1 + len(exchange.body) // 20):
        for want in (wants := dialects.expected(exchange, plan)):
            ends.add(want.end)

            assert judge(wants, told(want)).violations == (), plan
            assert judge((want,), told(want)).violations == (), plan
    assert {"complete", "truncated"} <= ends


def sse(*data: str) -> bytes:
    return "".join(f"data: {text}\n\n" for text in data).encode()


def anthropic(*events: str) -> bytes:
    """Events, each given as its type and the members of its data besides."""
    body = ""
    for one in events:
        name, _, members = one.partition(" ")
        comma = "," if members else ""
        body += f'event: {name}\ndata: {{"type":"{name}"{comma}{members}}}\n\n'
    return body.encode()


MESSAGE = (
    'message_start "message":{"id":"i","type":"message","role":"assistant","content":[],'
    '"model":"m","usage":{"input_tokens":1}}'
)


def ending(count: str = "2") -> tuple[str, str]:
    delta = f'"delta":{{"stop_reason":"tool_use"}},"usage":{{"output_tokens":{count}}}'
    return f"message_delta {delta}", "message_stop"


def called(*pieces: str) -> bytes:
    """A message whose only tool call has these pieces of ``partial_json``."""
    start = '"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}'
    deltas = (
        f'"index":0,"delta":{{"type":"input_json_delta","partial_json":{json.dumps(piece)}}}'
        for piece in pieces
    )
    return anthropic(
        MESSAGE,
        f'content_block_start "index":0,{start}',
        *(f"content_block_delta {delta}" for delta in deltas),
        'content_block_stop "index":0',
        *ending(),
    )


def chunk(delta: str, more: str = "") -> str:
    choice = f'{{"index":0,"delta":{{{delta}}},"finish_reason":"stop"}}'
    return f'{{"object":"chat.completion.chunk","choices":[{choice}]{more}}}'


def cohere(usage: str) -> bytes:
    return sse(
        '{"type":"message-start","id":"i","delta":{"message":{"role":"assistant"}}}',
        f'{{"type":"message-end","delta":{{"finish_reason":"COMPLETE","usage":{usage}}}}}',
    )


HI = chunk('"content":"Hi"')
FINISHED = (event("text", choice=0, text="Hi"), event("finish", choice=0, reason="stop"))
DONE = (*FINISHED, event("done"))
EVENT = event("sse", event="message", data="a", id="")
BARE = b'{"message":"T","type":"invalid_request_error"}'


def failed(dialect: str, body: bytes, ended: Ended, seen: Transcript) -> list[str]:
    verdict = judge(dialects.find(dialect).expect((body,), ended), seen)
    return [one.invariant for one in verdict.violations if one.outcome == "failed"]


def raising(*events: Event, message: str = "cut short") -> Transcript:
    return Transcript(events, "error", Failure("lib.APIError", message))


REFUSABLE = {
    **{
        f"arguments-{name}": ("anthropic.messages", called(*pieces))
        for name, pieces in {
            "quote": ('"',),
            "white-space": (" ",),
            "null": ("null",),
            "array": ("[", "1]"),
            "cut-off": ('{"a":',),
        }.items()
    },
    **{
        f"count-{name}": ("anthropic.messages", anthropic(MESSAGE, *ending(count)))
        for name, count in {"fraction": "1.7", "text": '"2"', "array": "[]"}.items()
    },
    "chat-count-fraction": (
        "openai.chat",
        sse(chunk("", ',"usage":{"total_tokens":1.5}'), "[DONE]"),
    ),
    "cohere-units-number": ("cohere.v2", cohere('{"billed_units":1}')),
    "cohere-tokens-array": ("cohere.v2", cohere('{"tokens":[1]}')),
    "cohere-count-text": ("cohere.v2", cohere('{"tokens":{"input_tokens":"1"}}')),
    "reasoning-array": ("openai.chat", sse(chunk('"reasoning_content":[]'), "[DONE]")),
    "id-number": ("openai.chat", sse(chunk("", ',"id":1'), "[DONE]")),
    "created-text": ("openai.chat", sse(chunk("", ',"created":"1"'), "[DONE]")),
    "reasoning-number": ("openai.chat", sse(chunk('"reasoning":0'), "[DONE]")),
}


@pytest.mark.parametrize("name", REFUSABLE)
def test_a_reader_may_refuse_what_is_not_documented(name):
    dialect, body = REFUSABLE[name]

    assert failed(dialect, body, Ended(), raising()) == []


DOCUMENTED = {
    "no-piece": ("anthropic.messages", called()),
    "empty-piece": ("anthropic.messages", called("")),
    "object-in-pieces": ("anthropic.messages", called(' {"a"', ": 1}")),
    "counts": ("anthropic.messages", anthropic(MESSAGE, *ending("2"))),
    "count-with-a-zero-fraction": ("anthropic.messages", anthropic(MESSAGE, *ending("2.0"))),
    "cohere-counts": ("cohere.v2", cohere('{"tokens":{"input_tokens":1.5},"billed_units":{}}')),
    "created-with-a-zero-fraction": (
        "openai.chat",
        sse(chunk("", ',"created":1750000000.0'), "[DONE]"),
    ),
    "reasoning-null": ("openai.chat", sse(chunk('"reasoning_content":null'), "[DONE]")),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_but_not_what_is(name):
    dialect, body = DOCUMENTED[name]

    assert "no-error-on-valid-stream" in failed(dialect, body, Ended(), raising())


LAST = {
    one.dialect: one.body
    for one in SHIPPED
    if one.dialect
    in {"anthropic.messages", "openai.responses", "gemini.stream", "mcp.streamable_http"}
    and one.name.endswith("/plain")
}

ACCEPTED = {
    "null-skipped-then-an-error": (
        ("openai.chat", sse("null", HI, "{", "[DONE]"), Ended()),
        raising(*FINISHED, message="not JSON"),
    ),
    "null-an-error": (("openai.chat", sse(HI, "null", "[DONE]"), Ended()), raising(*FINISHED)),
    "null-and-array-differ": (
        ("openai.chat", sse("null", HI, "[]", "[DONE]"), Ended()),
        raising(*FINISHED),
    ),
    "bare-error-body": (("openai.chat", BARE, Ended(400)), raising(message="400 Bad Request")),
    "string-error-body": (
        ("openai.chat", b'{"error":"T"}', Ended(400)),
        raising(message="400 Bad Request"),
    ),
    **{
        f"unended-{text!r}": (("sse", text, Ended()), raising(*events))
        for text, events in {
            b"d": (),
            b"data: x": (),
            b"data: x\n": (),
            b"id: 3\r\n": (),
            b": c": (),
            b"data: a\n\nd": (EVENT,),
        }.items()
    },
    **{
        f"{dialect}-beginning-of-an-event-after-the-last": (
            (dialect, body + b"data: {", Ended()),
            raising(*dialects.find(dialect).expect((body,), Ended())[0].events),
        )
        for dialect, body in LAST.items()
    },
    **{
        f"done-without-blank-line-{end}": (
            ("openai.chat", sse(HI) + b"data: [DONE]\n", Ended(message_end=end)),
            Transcript(DONE),
        )
        for end in ("complete", "incomplete", "open")
    },
    "message-stop-without-blank-line-incomplete": (
        (
            "anthropic.messages",
            anthropic(MESSAGE, *ending())[:-1],
            Ended(message_end="incomplete"),
        ),
        Transcript(
            tuple(
                ANTHROPIC_MESSAGES.expect((anthropic(MESSAGE, *ending()),), Ended())[0].events,
            )
        ),
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_reader_is_not_accused_without_a_clause(name):
    (dialect, body, ended), seen = ACCEPTED[name]

    assert failed(dialect, body, ended, seen) == []


ACCUSED = {
    "unended-event-shown": (("sse", b"data: a\n", Ended()), Transcript((EVENT,))),
    "unended-event-shown-with-an-error": (("sse", b"data: a\n", Ended()), raising(EVENT)),
    "event-before-an-unended-one-lost": (("sse", b"data: a\n\nd", Ended()), raising()),
    "blank-line-there": (("sse", b"data: a\r\n\r\n", Ended()), raising(EVENT)),
    "nothing-at-all": (("sse", b"", Ended()), raising()),
    "nothing-but-a-mark": (("sse", b"\xef\xbb\xbf", Ended()), raising()),
    "array-swallowed-and-text-lost": (
        ("openai.chat", sse("[]", HI, "[DONE]"), Ended()),
        Transcript(DONE[1:]),
    ),
    "error-body-lost": (
        ("openai.chat", b'{"error":{"message":"T"}}', Ended(400)),
        raising(message="400 Bad Request"),
    ),
    "bare-error-swallowed": (("openai.chat", BARE, Ended(400)), Transcript()),
    "documented-bare-error-lost": (("cohere.v2", BARE, Ended(400)), raising(message="400")),
    "empty-body-short-of-its-length": (
        ("bedrock.invoke_with_response_stream", b"", Ended(message_end="incomplete")),
        Transcript(),
    ),
}


@pytest.mark.parametrize("name", ACCUSED)
def test_and_is_where_there_is_one(name):
    (dialect, body, ended), seen = ACCUSED[name]

    assert failed(dialect, body, ended, seen)
