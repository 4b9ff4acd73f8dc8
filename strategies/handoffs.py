"""How clients' sockets reach a daemon: payloads, descriptors, abuses, many at once.

These families are for daemons only, so they are not among ``FAMILIES``: a stream has no
hand-off. Each plan leaves the upstream's stream as it is, or ends it where the client leaves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from replayfuzz.plan import End, HandOff, Pause, Plan
from replayfuzz.strategies.family import Family
from replayfuzz.strategies.view import View

CANARY = "X-Replayfuzz-Injected"
"""What an injection tries to bring into a head; ``invariants.relay.CANARY`` looks for it."""

ABUSES: Mapping[str, str] = {
    "idle": "a connection that sends nothing and stays",
    "hang-up": "a connection that closes at once",
    "no-fd": "a payload without a descriptor",
    "nul-no-fd": "one NUL byte without a descriptor",
    "two-fds": "two descriptors",
    "many-fds": "sixteen descriptors",
    "pipe": "a pipe in place of a socket",
    "listener": "a listening socket",
    "datagram": "a datagram socket",
    "file": "a file",
    "not-json": "a payload that is not JSON",
    "wrong-types": "a payload with values of wrong types",
    "gone": "a client that had left before",
    "reset": "a client that resets its connection at once",
    "half-closed": "a client that has shut down its sending side",
    "leaves": "a client that leaves in mid-stream",
    "never-reads": "a client that never reads a long response",
    "dead-upstream": "an upstream that resets the connection",
    "silent-upstream": "an upstream that says nothing, until the client leaves",
}
"""What a hand-off can be preceded by, by name; in words."""

LONG = (200_000, 60_000, 1_000)
"""Characters of long prompts; 200 KB is what fits into a message by default."""

_TEXTS = (
    "",
    " ",
    "Grüße, 世界! 😀",
    "\u2028\u2029\u0085\ufeff",
    'quote " backslash \\ slash / tab \t',
    f"line\r\n{CANARY}: 1\r\n\r\n",
    "nul \x00 in it",
    "data: [DONE]\n\n",
)
_SOUND: tuple[tuple[str, dict[str, Any]], ...] = (
    ("an empty object", {}),
    ("unknown keys", {"prompt": "x", "unknown": {"a": [1, None]}, "backend_url": "http://x/"}),
    ("null for every key", dict.fromkeys(("prompt", "messages", "model", "max_tokens"))),
    ("every number", {"prompt": "x", "user_id": 1 << 40, "max_tokens": 1, "temperature": 0}),
    ("a model of its own", {"prompt": "x", "model": "model/with-odd.name:1"}),
    ("messages", {"messages": [{"role": "user", "content": "first"}], "prompt": "loses"}),
    (
        "several messages",
        {
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "é"},
                {"role": "assistant", "content": ""},
                {"role": "user", "content": "again"},
            ]
        },
    ),
    ("a system prompt", {"prompt": "x", "system": "be brief"}),
    ("a temperature", {"prompt": "x", "temperature": 0.25}),
    ("a test pattern", {"prompt": "x", "test_pattern": "unicode"}),
    ("a request id", {"prompt": "x", "request_id": "req-1"}),
)
_INJECTED = f"x\r\n{CANARY}: 1"
_SMUGGLED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a header in the test pattern", {"prompt": "x", "test_pattern": _INJECTED}),
    ("a header in the request id", {"prompt": "x", "request_id": _INJECTED}),
    ("a header in the model", {"prompt": "x", "model": _INJECTED}),
    ("a bare LF in the test pattern", {"prompt": "x", "test_pattern": f"x\n{CANARY}: 1"}),
    ("a header in a response header", {"prompt": "x", "response_headers": {"X-A": _INJECTED}}),
    (
        "a header in a header name",
        {"prompt": "x", "response_headers": {f"X-A: 1\r\n{CANARY}": "1"}},
    ),
    ("a response header that is fixed", {"prompt": "x", "response_headers": {"Connection": "x"}}),
)
_WRONG: tuple[tuple[str, bytes], ...] = (
    ("text that is not JSON", b"hello"),
    ("half an object", b'{"prompt":"x"'),
    ("an array", b"[]"),
    ("a string", b'"prompt"'),
    ("a number", b"1"),
    ("null", b"null"),
    ("a number for the prompt", b'{"prompt":5}'),
    ("an object for the prompt", b'{"prompt":{"a":1}}'),
    ("a string for the messages", b'{"messages":"x"}'),
    ("numbers for messages", b'{"messages":[1,2]}'),
    ("a message without its parts", b'{"messages":[{}]}'),
    ("a string for max_tokens", b'{"prompt":"x","max_tokens":"many"}'),
    ("a list for the model", b'{"prompt":"x","model":[]}'),
    ("bytes that are not UTF-8", b'{"prompt":"\xff\xfe"}'),
    ("a lone surrogate escape", b'{"prompt":"\\ud800"}'),
    ("a name twice", b'{"prompt":"a","prompt":"b"}'),
    ("a byte order mark", b'\xef\xbb\xbf{"prompt":"x"}'),
    ("NUL bytes around", b'\x00{"prompt":"x"}\x00'),
    ("deep nesting", b'{"prompt":"x","messages":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("a huge number", b'{"prompt":"x","max_tokens":1e999}'),
    ("NaN", b'{"prompt":"x","temperature":NaN}'),
)
_BESIDE = (1, 7, 31)
MEANWHILE = 0.3
"""Seconds in which the other clients of a case are served, for a stream that pauses."""


def _plan(handoff: HandOff, *edits: End | Pause) -> Plan:
    return Plan(edits, keep_chunks=False, keep_times=False, handoff=handoff)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def pairs(_: View) -> Iterator[Plan]:
    """The client's connection as a Unix socket pair."""
    yield _plan(HandOff(pair="unix", kind="handoff.pair", label="a Unix socket pair"))


def payloads(_: View) -> Iterator[Plan]:
    """Payloads that a daemon has to serve: what they ask for reaches the upstream."""
    kind = "handoff.payload"
    yield _plan(HandOff(payload=b"", kind=kind, label="an empty payload: one NUL byte"))
    for size in LONG:
        payload = _json({"prompt": "x" * size})
        yield _plan(HandOff(payload=payload, kind=kind, label=f"a prompt of {size} characters"))
    for text in _TEXTS:
        payload = _json({"prompt": text})
        yield _plan(HandOff(payload=payload, kind=kind, label=f"the prompt {text!a}"))
    escaped = json.dumps({"prompt": "é😀\u2028"}).encode()
    yield _plan(HandOff(payload=escaped, kind=kind, label="a prompt in JSON escapes"))
    for name, value in _SOUND:
        yield _plan(HandOff(payload=_json(value), kind=kind, label=name))


def injections(_: View) -> Iterator[Plan]:
    """Values that try to end a header line: refused or dropped, never passed on."""
    for name, value in _SMUGGLED:
        yield _plan(HandOff(payload=_json(value), kind="handoff.injection", label=name))


def wrong(_: View) -> Iterator[Plan]:
    """Payloads that no daemon has to serve, and that none may die of."""
    for name, payload in _WRONG:
        yield _plan(HandOff(payload=payload, kind="handoff.wrong", label=name))


def abuses(_: View) -> Iterator[Plan]:
    """Each abuse before an ordinary hand-off, which must be served; then each of them twice."""
    for times in (1, 2):
        for name in ABUSES:
            before = (name,) * times
            yield _plan(HandOff(before=before, kind="handoff.abuse", label=_after(before)))


def together(view: View) -> Iterator[Plan]:
    """Many clients at once; also with one stream that pauses inside an event.

    The others' events come while half of that one is read: whatever the clients share has
    its chance to be mixed up, each time.
    """
    kind, middle = "handoff.together", len(view.body) // 2
    pause = Pause(middle, MEANWHILE, "time.pause", f"{MEANWHILE} s of silence after byte {middle}")
    for beside in _BESIDE:
        handoff = HandOff(beside=beside, kind=kind, label=_beside(beside))
        yield _plan(handoff, pause)
        yield _plan(handoff)


def readers(_: View) -> Iterator[Plan]:
    """Clients that read slowly, or late."""
    yield _plan(HandOff(reads="slow", kind="handoff.reads", label="a client that reads slowly"))
    yield _plan(HandOff(reads="late", kind="handoff.reads", label="a client that reads late"))


def leavers(view: View) -> Iterator[Plan]:
    """Clients that leave while the upstream is silent: it is to be given up."""
    size = len(view.body)
    for at in sorted({size // 4, size // 2}):
        end = End(at, "stall", kind="end.stall", label=f"stall after byte {at}")
        for bytes_read in (0, 1):
            label = f"the client leaves after {bytes_read} bytes of the response"
            handoff = HandOff(leaves=bytes_read, kind="handoff.leaves", label=label)
            yield _plan(handoff, end)


def described(handoff: HandOff) -> HandOff:
    """The same hand-off, named after what it is."""
    parts = tuple(_parts(handoff))
    if not parts:
        return HandOff()
    kind = "+".join(sorted({kind for kind, _ in parts}))
    return replace(handoff, kind=kind, label="; ".join(label for _, label in parts))


def _parts(handoff: HandOff) -> Iterator[tuple[str, str]]:
    if handoff.before:
        yield "handoff.abuse", _after(handoff.before)
    if handoff.payload is not None:
        known = handoff.kind if handoff.kind in _PAYLOADS else "handoff.payload"
        yield known, f"the payload {_quoted(handoff.payload)}"
    if handoff.pair == "unix":
        yield "handoff.pair", "a Unix socket pair"
    if handoff.reads != "all":
        how = {"slow": "reads slowly", "late": "reads late"}[handoff.reads]
        yield "handoff.reads", f"a client that {how}"
    if handoff.leaves is not None:
        words = f"the client leaves after {handoff.leaves} bytes of the response"
        yield "handoff.leaves", words
    if handoff.beside:
        yield "handoff.together", _beside(handoff.beside)


_PAYLOADS = {"handoff.payload", "handoff.injection", "handoff.wrong"}
_QUOTED = 60


def _quoted(payload: bytes) -> str:
    text = ascii(payload.decode("utf-8", "backslashreplace"))
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}… ({len(payload)} bytes)"


def _beside(number: int) -> str:
    return f"{number} other client{'s' if number > 1 else ''} at the same time"


def _after(before: tuple[str, ...]) -> str:
    return "after " + ", then ".join(ABUSES.get(name, name) for name in before)


HANDOFFS: tuple[Family, ...] = (
    Family("handoff.pair", "a Unix socket pair as the client's connection", "head", True, pairs),
    Family("handoff.payload", "payloads of every key and size", "meaning", False, payloads),
    Family("handoff.injection", "header lines inside payload values", "text", False, injections),
    Family("handoff.wrong", "payloads that are not sound", "meaning", False, wrong),
    Family("handoff.abuse", "abuses of the Unix socket before the hand-off", "time", True, abuses),
    Family("handoff.together", "many clients at once", "time", True, together),
    Family("handoff.reads", "clients that read slowly or late", "time", True, readers),
    Family("handoff.leaves", "clients that leave in mid-stream", "ending", False, leavers),
)
"""Families for daemons; ``FAMILIES`` are for every target."""
