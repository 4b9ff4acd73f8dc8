"""Bytes go from under a plan, and what is left keeps its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.cassette import Exchange
from replayfuzz.formats.json_spans import spans
from replayfuzz.plan import Cut, End, Pause, Plan, Slice, Splice
from replayfuzz.search.case import Case
from replayfuzz.search.remove import apart, characters, children, touched, without
from replayfuzz.wire import bend

BODY = b"0123456789"


def case(*edits):
    return Case(Exchange("x", "sse", body=BODY), Plan(edits, keep_chunks=False))


@pytest.mark.parametrize(
    ("edit", "ranges", "left"),
    [
        pytest.param(Cut(8), [(2, 5)], Cut(5), id="after"),
        pytest.param(Cut(1), [(2, 5)], Cut(1), id="before"),
        pytest.param(Cut(3), [(2, 5)], None, id="inside-goes"),
        pytest.param(Cut(2), [(2, 5)], Cut(2), id="at-the-start-stays"),
        pytest.param(Cut(5), [(2, 5)], Cut(2), id="at-the-end-stays"),
        pytest.param(Cut(9), [(0, 1), (3, 5)], Cut(6), id="two-ranges"),
        pytest.param(Cut(9), [(0, 4), (3, 5)], Cut(4), id="ranges-overlap"),
        pytest.param(Splice(3, 1, b"x"), [(2, 5)], None, id="change-of-what-goes"),
        pytest.param(Splice(4, 3, b"x"), [(2, 5)], Splice(2, 2, b"x"), id="change-half-gone"),
        pytest.param(Splice(5, 0, b"x"), [(2, 5)], Splice(2, 0, b"x"), id="insertion-after"),
        pytest.param(Splice(3, 0, b"x"), [(2, 5)], None, id="insertion-inside"),
        pytest.param(End(3, "fin"), [(2, 5)], End(2, "fin"), id="an-end-always-stays"),
        pytest.param(Slice(7), [(2, 5)], Slice(4), id="slice"),
        pytest.param(Pause(7, 1.0), [(2, 5)], Pause(4, 1.0), id="pause"),
    ],
)
def test_edits_keep_their_place(edit, ranges, left):
    assert without(case(edit), ranges).plan.edits == (() if left is None else (left,))


ranges = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)).map(sorted).map(tuple))


@given(ranges, st.lists(st.integers(0, 10).map(Cut)))
def test_the_body_lacks_those_bytes_and_the_plan_fits(gone, cuts):
    small = without(case(*cuts), gone)
    kept = [byte for at, byte in enumerate(BODY) if not any(a <= at < b for a, b in gone)]

    assert small.exchange.body == bytes(kept)
    assert bend(small.exchange, small.plan).body == bytes(kept)
    assert sum(size for _, size in small.exchange.chunks) in (len(kept), 0)


def test_nothing_taken_away_is_the_same_case():
    assert without(case(Cut(3)), [(4, 4)]) == case(Cut(3))


VALUES = [b'{"a": 1, "b": [2, 3] , "c":{}}', b"[1, [2], 3 ]", b'{"a":1}', b"[ 7 ]"]


@pytest.mark.parametrize("text", VALUES)
def test_json_stays_json_whatever_goes(text):
    node = spans(text)
    assert node
    values = [value for _, value in children(node)]
    for mask in range(2 ** len(values)):
        kept = [value for number, value in enumerate(values) if mask >> number & 1]
        exchange = Exchange("x", "ndjson", body=text)
        left = json.loads(without(Case(exchange, Plan()), apart(node, kept)).exchange.body)
        whole = json.loads(text)
        if isinstance(whole, dict):
            names = [name for number, name in enumerate(whole) if mask >> number & 1]
            assert left == {name: whole[name] for name in names}
        else:
            assert left == [item for number, item in enumerate(whole) if mask >> number & 1]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"ab", [b"a", b"b"]),
        ("é😀".encode(), ["é".encode(), "😀".encode()]),
        (rb"\n\u00e9\"", [rb"\n", rb"\u00e9", rb"\""]),
        (b"\xffa\xc3", [b"\xff", b"a", b"\xc3"]),
    ],
)
def test_characters_are_not_torn(text, parts):
    assert [text[start:end] for start, end in characters(text, 0, len(text))] == parts


def test_units_at_an_edge_are_touched_on_both_sides():
    units = [(0, 3), (3, 6), (6, 9)]

    assert touched(case(Cut(4)), units) == [(3, 6)]
    assert touched(case(Cut(3)), units) == [(0, 3), (3, 6)]
