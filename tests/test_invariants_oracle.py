"""The rules and the oracle speak the same language: what it expects breaks no rule."""

import pytest

from replayfuzz import dialects, store
from replayfuzz.cassette import Exchange
from replayfuzz.invariants import judge
from replayfuzz.plan import End, Head, How, Plan, Slice, Splice
from replayfuzz.transcript import Expected, Failure, Transcript

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
