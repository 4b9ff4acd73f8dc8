import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replayfuzz.strategies.places import hot, line_ends, place

PLACES = [
    # body, with | where the boundary is; kind; words
    (b"|data: x\n\n", "start", "before the first byte"),
    (b"data: x\n\n|", "end", "after the last byte"),
    (b"\xef|\xbb\xbfdata: x\n\n", "bom", "inside the byte order mark"),
    (b"\xef\xbb|\xbfdata: x\n\n", "bom", "inside the byte order mark"),
    (b"data: \xc3|\xa9\n\n", "utf8", "inside U+00E9"),
    (b"data: \xe2\x82|\xac\n\n", "utf8", "inside U+20AC"),
    (b"data: \xf0|\x9f\x98\x80\n\n", "utf8", "inside U+1F600"),
    (b"data: \xf0\x9f\x98|\x80\n\n", "utf8", "inside U+1F600"),
    (b"data: \xff|\x80\n\n", "data", "inside data"),
    (b"data: \xe2\x82|\n\n", "before-line-end", "before a line end"),
    (b"data: x\r|\n\r\n", "crlf", "between CR and LF"),
    (b"data: x\r\n\r|\n", "crlf", "between CR and LF"),
    (b"data: x\n\n|data: y\n\n", "event-end", "between events"),
    (b"data: x\r\n\r\n|data: y\n\n", "event-end", "between events"),
    (b"data: x\r\r|data: y\n\n", "event-end", "between events"),
    (b"data: x\n|\n", "before-blank", "before a blank line"),
    (b"event: x\n|data: y\n\n", "line-end", "between lines"),
    (b"da|ta: x\n\n", "field", "inside a field name"),
    (b"data|: x\n\n", "field-end", "before the colon of data:"),
    (b"data:| x\n\n", "colon", "after the colon of data:"),
    (b"data: |x\n\n", "value", "before the value of data:"),
    (b"data: [DO|NE]\n\n", "terminal", "inside [DONE]"),
    (b"event: mess|age\n\n", "field-value", "inside the value of event:"),
    (b": pi|ng\n\n", "comment", "inside a comment"),
    (b'data: {"a|":1}\n\n', "text", "inside a JSON string"),
    (b'data: {"a"|:1}\n\n', "data", "inside data"),
    (b'data: {"a":1|2}\n\n', "data", "inside data"),
    (b'data: "\\|n"\n\n', "escape", "inside a JSON escape"),
    (b'data: "\\u00|e9"\n\n', "escape", "inside a JSON escape"),
    (b'data: "\\\\|n"\n\n', "text", "inside a JSON string"),
    (b'data: "\\ud83d|\\ude00"\n\n', "surrogates", "between the escapes of a surrogate pair"),
    (b'{"a":"x|y"}\n', "text", "inside a JSON string"),
    (b'{"a":|1}\n', "data", "inside data"),
    (b"data: plain |text\n\n", "data", "inside data"),
]


@pytest.mark.parametrize(("marked", "kind", "words"), PLACES, ids=lambda value: repr(value)[:40])
def test_a_place_is_named_after_what_it_parts(marked, kind, words):
    at = marked.index(b"|")

    assert place(marked.replace(b"|", b""), at) == (kind, words)


@given(st.binary(max_size=40), st.integers(-1, 41))
@settings(max_examples=300, database=None)
def test_any_place_of_any_bytes_has_a_name(body, at):
    kind, words = place(body, at)

    assert kind
    assert words


@given(st.binary(max_size=60))
@settings(max_examples=300, database=None)
def test_hot_places_lie_within_any_bytes(body):
    assert all(0 <= at <= len(body) for at in (*hot(body), *line_ends(body)))


HOT = [
    (b"\xef\xbb\xbfx", {1, 2, 3}),
    (b"\xf0\x9f\x98\x80", {1, 2, 3}),
    (b"ab\r\ncd", {2, 3, 4, 5}),
    (b'"\\u00e9"', {2, 3, 4, 5, 6}),
    (b"data: [DONE]\n", {1, 4, 5, 6, 7, 11, 12}),
    (b'"\\ud83d\\ude00"', {2, 3, 5, 7, 8, 9, 12}),
]


@pytest.mark.parametrize(("body", "places"), HOT)
def test_hot_places_are_where_readers_break(body, places):
    assert places <= set(hot(body))


def test_no_hot_place_of_nothing():
    assert list(hot(b"")) == []
