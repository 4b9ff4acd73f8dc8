"""Offsets into bodies: exact, total, and in agreement with the readers."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replayfuzz.formats.json_text import JsonError, loads
from replayfuzz.formats.ndjson import LineReader
from replayfuzz.formats.spans import DEPTH, Node, events, spans, walk
from replayfuzz.formats.sse import SseReader

TEXT = b' {"a": [1, {"b":"x\\u00e9"}, true], "c" :null,"a":-1.5e3} '


def cut(data: bytes, node: Node | None, base: int = 0) -> bytes:
    assert node is not None
    return data[node.start - base : node.end - base]


def test_nodes_enclose_their_values() -> None:
    """Each kind of value stands where its node says, names with their quotes."""
    node = spans(TEXT, 100)

    assert node is not None
    assert cut(TEXT, node, 100) == TEXT.strip()
    assert [member.key for member in node.members] == ["a", "c", "a"]
    assert [TEXT[m.key_start - 100 : m.key_end - 100] for m in node.members] == [
        b'"a"',
        b'"c"',
        b'"a"',
    ]
    items = node.members[0].value.items
    assert [item.kind for item in items] == ["number", "object", "true"]
    assert cut(TEXT, items[1].get("b"), 100) == b'"x\\u00e9"'
    assert cut(TEXT, node.get("a"), 100) == b"-1.5e3"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ((), [TEXT.strip()]),
        (("c",), [b"null"]),
        (("a", None), []),
        (("x",), []),
        (("c", "d"), []),
    ],
)
def test_walk(path: tuple[str | int | None, ...], found: list[bytes]) -> None:
    """A path yields what is there, and nothing for what is not."""

    assert [cut(TEXT, node) for node in walk(spans(TEXT), path)] == found


def test_walk_through_arrays() -> None:
    """None is every index, a number one of them, from the end if negative."""
    data = b'{"c":[{"t":1},{"t":2},{}]}'
    node = spans(data)

    assert [cut(data, n) for n in walk(node, ("c", None, "t"))] == [b"1", b"2"]
    assert [cut(data, n) for n in walk(node, ("c", -2, "t"))] == [b"2"]
    assert list(walk(node, ("c", 3))) == []
    assert list(walk(None, ("c",))) == []


def rebuilt(node: Node, data: bytes) -> object:
    if node.kind == "object":
        return {member.key: rebuilt(member.value, data) for member in node.members}
    if node.kind == "array":
        return [rebuilt(item, data) for item in node.items]
    return json.loads(data[node.start : node.end])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=50)
@given(JSON, st.sampled_from([None, 0, 1]), st.booleans())
def test_scanner_and_reader_agree_on_json(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    """Putting the spans together gives the value back."""
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )
    node = spans(data)

    assert node is not None
    assert rebuilt(node, data) == value


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(list('{}[]:,"\\ue19.-+ \n\tatrufnls0\x00é')), max_size=14).map("".join)
)
def test_scanner_and_reader_agree_on_what_is_json(text: str) -> None:
    """Any text is JSON to both of them or to neither."""
    try:
        loads(text)
        readable = True
    except JsonError:
        readable = False

    assert (spans(text.encode()) is not None) == readable


def test_depth_is_bounded() -> None:
    """Deeper nesting is not read; it does not run out of stack either."""

    assert spans(b"[" * DEPTH + b"]" * DEPTH) is not None
    assert spans(b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1)) is None
    assert spans(b"[" * 100_000) is None


def test_sse_records() -> None:
    """Blocks, lines, fields and the JSON value, by offset."""
    body = b'\xef\xbb\xbf: hi\r\nevent: x\r\ndata: {"a":1}\r\n\r\n\ndata:a\rdata\r\rdata: b'
    first, blank, second, last = events(body, "sse")

    assert [(line.name, line.ending) for line in first.lines] == [
        ("", 2),
        ("event", 2),
        ("data", 2),
        ("", 2),
    ]
    assert (first.event, first.data, first.closed) == ("x", '{"a":1}', True)
    assert cut(body, first.node) == b'{"a":1}'
    assert body[first.fields[0].value : first.fields[0].end] == b'{"a":1}'
    assert (blank.data, blank.end - blank.start) == (None, 1)
    assert (second.data, second.node, second.fields[1].value) == ("a\n", None, second.fields[1].end)
    assert (last.data, last.closed, last.end) == ("b", False, len(body))


def test_ndjson_records() -> None:
    """Lines with their values; a CR before LF belongs to the line end."""
    body = b'{"a":1}\r\n\n[2]'
    first, blank, last = events(body, "ndjson")

    assert (first.lines[0].ending, first.closed, cut(body, first.node)) == (2, True, b'{"a":1}')
    assert (blank.data, blank.node) == (None, None)
    assert (last.closed, cut(body, last.node)) == (False, b"[2]")


PIECES = st.sampled_from(
    [
        *[
            b"data: a\n\n",
            b'data: {"a":1}\r\n\r\n',
            b"event: x\rdata\r\r",
            b"data:",
            b": c\n",
            b"data : x",
        ],
        *[b"\r", b"\n", b"\xc3", b"\xef\xbb\xbf", b" ", b":", b"x", b"\xff", b"{}"],
    ]
)


@given(st.lists(PIECES, max_size=25).map(b"".join))
def test_records_tile_the_body_and_agree_with_the_reader(body: bytes) -> None:
    """No byte is lost or counted twice; closed records with data are the events read."""
    found = events(body, "sse")
    start = 3 if body.startswith(b"\xef\xbb\xbf") else 0

    edges = [line for record in found for line in record.lines]
    assert [record.start for record in found] == [start, *(r.end for r in found)][: len(found)]
    assert [line.start for line in edges] == [start, *(line.after for line in edges)][: len(edges)]
    assert (found[-1].end if found else start) == len(body)
    read = [(e.event, e.data) for e in SseReader().receive(body)]
    assert [
        (r.event or "message", r.data) for r in found if r.closed and r.data is not None
    ] == read


@given(st.lists(PIECES, max_size=25).map(b"".join))
def test_lines_agree_with_the_line_reader(body: bytes) -> None:
    """NDJSON records that are not blank are the lines read."""
    reader = LineReader()
    lines = [*reader.receive(body), *reader.end()]
    found = [record for record in events(body, "ndjson") if record.data is not None]

    assert [body[r.start : r.lines[0].end] for r in found] == [
        line.data.removesuffix(b"\r") if line.ended else line.data for line in lines
    ]
