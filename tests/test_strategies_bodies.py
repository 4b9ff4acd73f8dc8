"""What the families make of small bodies, as tables."""

import pytest

from replayfuzz import dialects, wire
from replayfuzz.cassette import Exchange
from replayfuzz.strategies import FAMILIES, UNBENT, view
from tests.streams import CHAT, LINES, NAMED, RAW, TOOLS, VALUES, bodies

E = b"\xc3\xa9"

RAW_ROWS = [
    # family, label, the whole body
    ("rewrite.line-ends", "CRLF line ends", b"event: a\r\ndata: %s/x\r\n\r\ndata: y\r\n\r\n"),
    ("rewrite.line-ends", "CR line ends", b"event: a\rdata: %s/x\r\rdata: y\r\r"),
    # Where a blank line ends in LF, the CR before it would be the first half of a CRLF.
    ("rewrite.line-ends", "LF, CR and CRLF by turns", b"event: a\ndata: %s/x\r\r\ndata: y\n\r"),
    ("rewrite.bom", "byte order mark first", b"\xef\xbb\xbfevent: a\ndata: %s/x\n\ndata: y\n\n"),
    ("rewrite.colon", "no space after the colons", b"event:a\ndata:%s/x\n\ndata:y\n\n"),
    ("rewrite.colon", "no space after data:", b"event: a\ndata:%s/x\n\ndata:y\n\n"),
    (
        "rewrite.comment",
        "comment lines after each data line",
        b"event: a\ndata: %s/x\n: ping\n\ndata: y\n: ping\n\n",
    ),
    (
        "rewrite.field",
        "event: line after the data line",
        b"data: %s/x\nevent: a\n\ndata: y\n\n",
    ),
    (
        "rewrite.field",
        "'event:' on events without a name",
        b"event: a\ndata: %s/x\n\nevent:\ndata: y\n\n",
    ),
    (
        "rewrite.unknown-field",
        "fields named Data",
        b"event: a\nData: x\ndata: %s/x\n\nData: x\ndata: y\n\n",
    ),
    (
        "rewrite.empty-block",
        "events without data between events",
        b"event: ping\n\nevent: a\ndata: %s/x\n\nevent: ping\n\ndata: y\n\n",
    ),
    ("text.space", "a newline before the content", b"event: a\ndata: \ndata: %s/x\n\ndata: y\n\n"),
    ("text.space", "two spaces behind the content", b"event: a\ndata: %s/x\n\ndata: y  \n\n"),
    ("text.syntax", "[DONE] as a whole content", b"event: a\ndata: [DONE]\n\ndata: y\n\n"),
    ("text.invalid", "byte FF before the content", b"event: a\ndata: \xff%s/x\n\ndata: y\n\n"),
    ("meaning.swap", "events 1 and 2 swapped", b"data: y\n\nevent: a\ndata: %s/x\n\n"),
    ("meaning.drop", "drop event 2", b"event: a\ndata: %s/x\n\n"),
    ("meaning.double", "event 2 twice", b"event: a\ndata: %s/x\n\ndata: y\n\ndata: y\n\n"),
    ("meaning.sse-id", "an id, later an empty id", b"id: 1\nevent: a\ndata: %s/x\n\nid\ndata: y\n\n"),
    ("end.blank", "the last event without its blank line, and nothing behind it",
     b"event: a\ndata: %s/x\n\ndata: y\n"),
    ("end.blank", "the last event without its line end, and nothing behind it",
     b"event: a\ndata: %s/x\n\ndata: y"),
    ("end.behind", "a comment behind the last event",
     b"event: a\ndata: %s/x\n\ndata: y\n\n: bye\n\n"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "label", "body"), RAW_ROWS)
def test_raw_events_are_bent_so(family, label, body):
    assert bodies(family, RAW)[label] == body.replace(b"%s", E)


PIECES = [
    # stream, family, label, what stood there, what stands there now
    (CHAT, "meaning.finish", "finish_reason -> 'length'", b'"stop"', b'"length"'),
    (CHAT, "meaning.finish", "finish_reason -> null", b'"stop"', b"null"),
    (CHAT, "meaning.finish", "no finish_reason", b',"finish_reason":"stop"', b""),
    (CHAT, "meaning.terminal", "drop [DONE]", b"data: [DONE]\n\n", b""),
    (CHAT, "meaning.terminal", "[DONE] twice", b"data: [DONE]\n\n", b"data: [DONE]\n\n" * 2),
    (CHAT, "meaning.terminal", "[DONE] -> '[done]'", b"[DONE]", b"[done]"),
    (CHAT, "meaning.usage", "usage -> null", b'{"n":1}', b"null"),
    (CHAT, "meaning.usage", "no usage member", b',"usage":{"n":1}', b""),
    (CHAT, "meaning.content", "content -> null", b'"' + E + b'\\n/"', b"null"),
    (CHAT, "meaning.content", "no content member", b',"content":"' + E + b'\\n/"', b""),
    (CHAT, "meaning.member", "no created member", b'"created":1,', b""),
    (CHAT, "meaning.delta", "delta -> {}", b'{"role":"assistant","content":"' + E + b'\\n/"}', b"{}"),
    (CHAT, "spelling.escape", "non-ASCII as \\u escapes", E, b"\\u00e9"),
    (CHAT, "spelling.escape", "non-ASCII as \\u escapes in upper case", E, b"\\u00E9"),
    (CHAT, "spelling.raw", "solidus escaped", b"\\n/", b"\\n\\/"),
    (CHAT, "spelling.number", "whole numbers with .0", b'"created":1,', b'"created":1.0,'),
    (CHAT, "text.separator", "U+2028 before the content", E, b"\xe2\x80\xa8" + E),
    (CHAT, "text.space", "a newline before the content", E, b"\\n" + E),
    (CHAT, "text.surrogate", "a lone high surrogate before the content", E, b"\\ud83d" + E),
    (CHAT, "text.control", "NUL behind the content", b"\\n/", b"\\n/\\u0000"),
    (NAMED, "meaning.finish", "stop_reason -> 'max_tokens'", b"end_turn", b"max_tokens"),
    (NAMED, "meaning.terminal", "drop the terminal event",
     b'event: message_stop\ndata: {"type":"message_stop"}\n\n', b""),
    (NAMED, "rewrite.colon", "no space after event:", b"event: ", b"event:"),
    (LINES, "meaning.arguments", "arguments: a number with an exponent", b'{"a":1}', b'{"n":1e3}'),
    (LINES, "rewrite.line-ends", "CRLF line ends", b"\n", b"\r\n"),
    (VALUES, "text.syntax", "[DONE] as a whole content", b'"x"', b'"[DONE]"'),
]  # fmt: skip


@pytest.mark.parametrize(("exchange", "family", "label", "was", "now"), PIECES)
def test_what_stood_there_is_changed(exchange, family, label, was, now):
    found = bodies(family, exchange)[label]

    body = exchange.body
    last = body.rindex(was)
    assert found in (
        body.replace(was, now),
        body.replace(was, now, 1),
        body[:last] + now + body[last + len(was) :],
    )
    assert found != body


def test_data_is_split_where_json_has_white_space():
    body = bodies("rewrite.split-data", CHAT)["data split over two lines"]
    (first, second, _) = view(Exchange("found", "openai.chat", body=body)).events

    assert [len(first.fields), len(second.fields)] == [2, 2]
    assert body.replace(b"\ndata: ", b"").startswith(
        b'data: {"created":1,"choices":[{"index":0,"delta"'
    )


@pytest.mark.parametrize(
    ("label", "pieces"),
    [
        ("arguments: a number cut so that both parts are numbers", ["", "1", "23"]),
        ("arguments: empty pieces between", ["", "{", "", '"a"', "", ":1}"]),
        ("arguments: cut between surrogate escapes", ["", '{"a":"\\ud83d', '\\ude00"}']),
        ('an extra piece of arguments: ""', ["", "", "{", "}"]),
    ],
)
def test_arguments_of_the_first_call_come_in_these_pieces(label, pieces):
    found = Exchange("found", "openai.chat", body=bodies("meaning.arguments", TOOLS)[label])
    tools = dialects.expected(found, UNBENT)[0].transcript.of("tool")
    first = [event.get("arguments") for event in tools if event.get("index") == 0]

    assert [piece for piece in first if piece] == [piece for piece in pieces if piece]
    assert "".join(first) == "".join(pieces)


def test_parallel_calls_come_by_turns():
    body = bodies("meaning.calls", TOOLS)["pieces of parallel calls by turns"]
    found = Exchange("found", "openai.chat", body=body)
    tools = dialects.expected(found, UNBENT)[0].transcript

    assert [event.get("index") for event in tools.of("tool")] == [0, 1, 0, 1, 0]
    assert {key: call.arguments for key, call in tools.tools().items()} == {
        (0, 0): "{}",
        (0, 1): "[]",
    }


def test_an_error_is_told_wherever_it_stands():
    for plan in next(one for one in FAMILIES if one.id == "meaning.error").plans(view(CHAT)):
        outcomes = dialects.expected(CHAT, plan)
        behind_the_end = any(edit.at == len(CHAT.body) for edit in plan.edits)
        assert (outcomes[0].end == "error") is not behind_the_end, plan.labels


def test_a_status_comes_with_the_providers_error():
    plan = next(next(one for one in FAMILIES if one.id == "meaning.status").plans(view(NAMED)))
    (outcome, *_) = dialects.expected(NAMED, plan)

    assert (outcome.end, outcome.status, outcome.message) == ("error", 400, "Overloaded")
    assert plan.head.label.startswith("HTTP 400")


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        ("size.line", {4095, 4096, 4097, 8191, 8192, 8193, 16385, 65537, 131073}),
        ("size.event", {len(b"data: y") + (1 << 18), len(b"data: y") + (1 << 20)}),
    ],
)
def test_lines_grow_to_the_sizes_of_buffers(family, sizes):
    bent = bodies(family, RAW).values()

    assert sizes <= {len(line) for body in bent for line in body.split(b"\n")}


def test_thousands_of_events_are_one_edit():
    plans = list(next(one for one in FAMILIES if one.id == "size.events").plans(view(RAW)))

    assert all(sum(hasattr(edit, "insert") for edit in plan.edits) == 1 for plan in plans)
    assert wire.bend(RAW, plans[2]).body.count(b"data: x\n") == 10_000


@pytest.mark.parametrize("exchange", [CHAT, NAMED, TOOLS, LINES])
@pytest.mark.parametrize("family", ["spelling.order", "spelling.spaces", "spelling.escape"])
def test_json_is_spelt_otherwise(exchange, family):
    found = [body for body in bodies(family, exchange).values() if body != exchange.body]

    assert found
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("family", [one for one in FAMILIES if one.id.startswith("spelling")])
def test_the_spelling_of_raw_data_is_left_alone(family):
    json_data = Exchange("x", "sse", body=b'data: {"a":"/\xc3\xa9","b":1}\n\n')

    assert list(family.plans(view(json_data))) == []
