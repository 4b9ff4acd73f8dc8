"""Small streams of each dialect, with one of everything that strategies look for."""

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.strategies import FAMILIES, view

RAW = Exchange("raw", "sse", body=b"event: a\ndata: \xc3\xa9/x\n\ndata: y\n\n")
CHAT = Exchange(
    "chat",
    "openai.chat",
    body=(
        b'data: {"created":1,"choices":[{"index":0,"delta":{"role":"assistant",'
        b'"content":"\xc3\xa9\\n/"},"finish_reason":null}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"n":1}}\n\n'
        b"data: [DONE]\n\n"
    ),
)
TOOLS = Exchange(
    "tools",
    "openai.chat",
    body=b"".join(
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":%d,%s"function":{%s'
        b'"arguments":"%s"}}]},"finish_reason":null}]}\n\n' % row
        for row in (
            (0, b'"id":"a",', b'"name":"f",', b""),
            (0, b"", b"", b"{"),
            (0, b"", b"", b"}"),
            (1, b'"id":"b",', b'"name":"g",', b""),
            (1, b"", b"", b"[]"),
        )
    )
    + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'
    + b"data: [DONE]\n\n",
)
NAMED = Exchange(
    "named",
    "anthropic.messages",
    body=(
        b'event: message_start\ndata: {"type":"message_start","message":{"role":"assistant"}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"hi"}}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    ),
)
LINES = Exchange(
    "lines",
    "ollama.chat",
    body=(
        b'{"model":"m","message":{"role":"assistant","content":"hi"},"done":false}\n'
        b'{"model":"m","message":{"role":"assistant","tool_calls":[{"function":{"name":"f",'
        b'"arguments":{"a":1}}}]},"done":false}\n'
        b'{"model":"m","done_reason":"stop","done":true}\n'
    ),
)
VALUES = Exchange("values", "ndjson", body=b'{"a":"x"}\n["y",2]\n')
ALL = (RAW, CHAT, TOOLS, NAMED, LINES, VALUES)


def bodies(family: str, exchange: Exchange) -> dict[str, bytes]:
    """What each plan of a family makes of the body, by the plan's first label."""
    found: dict[str, bytes] = {}
    plans = next(one.plans for one in FAMILIES if one.id == family)
    for plan in plans(view(exchange)):
        label = plan.labels[0] if plan.labels else ""
        found.setdefault(label, wire.bend(exchange, plan).body)
    return found
