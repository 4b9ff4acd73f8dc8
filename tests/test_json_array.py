"""json_array: the elements of one array, the same however it is cut, in linear time."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats.json_array import ArrayReader, Element

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PIECES = st.sampled_from(
    [
        b"[",
        b"]",
        b",",
        b"{",
        b"}",
        b'"',
        b"\\",
        b'{"a":"]"}',
        b'"\\""',
        b"1",
        b" ",
        b"\r\n",
        b"\xef",
    ]
)


def read(*pieces: bytes) -> tuple[list[Element], list[Element], bool, bool]:
    reader = ArrayReader()
    found = [element for piece in pieces for element in reader.receive(piece)]
    return found, reader.end(), reader.ended, reader.sound


def texts(body: bytes) -> list[bytes]:
    found, left, *_ = read(body)
    return [element.data for element in (*found, *left)]


@given(st.lists(VALUES), st.sampled_from([None, 1]))
def test_an_array_gives_its_elements(values, indent):
    body = json.dumps(values, indent=indent).encode()
    found, left, ended, sound = read(body)

    assert [json.loads(element.data) for element in found] == values
    assert all(body[one.start : one.end] == one.data and one.sound for one in found)
    assert (left, ended, sound) == ([], True, True)


@given(st.lists(PIECES, max_size=12))
def test_the_result_is_blind_to_cuts(pieces):
    body = b"".join(pieces)
    whole = read(body)

    assert read(*pieces) == whole
    assert read(*(bytes([byte]) for byte in body)) == whole
    assert all(one.data and body[one.start : one.end] == one.data for one in (*whole[0], *whole[1]))


@pytest.mark.parametrize(
    ("body", "elements", "ended"),
    [
        pytest.param(b"[]", [], True, id="empty"),
        pytest.param(b'[{"a":1}\n,\r\n{"b":"]"}\n]', [b'{"a":1}', b'{"b":"]"}'], True, id="gemini"),
        pytest.param(b"\xef\xbb\xbf [1]\n", [b"1"], True, id="byte-order-mark"),
        pytest.param(b'["\\"]",[[],{}]]', [b'"\\"]"', b"[[],{}]"], True, id="nested"),
        pytest.param(b"[1}]", [b"1}"], True, id="an-element-that-is-no-json"),
        pytest.param(b"[1", [b"1"], False, id="open-number"),
        pytest.param(b'[{"a":"x', [b'{"a":"x'], False, id="open-object"),
        pytest.param(b"[1,", [], False, id="after-a-comma"),
        pytest.param(b"", [], False, id="nothing"),
    ],
)
def test_sound_arrays(body, elements, ended):
    found, left, was_ended, sound = read(body)
    whole = [b"1"] if body == b"[1," else elements

    assert [element.data for element in (*found, *left)] == whole
    assert (was_ended, sound) == (ended, True)


@pytest.mark.parametrize(
    ("body", "elements"),
    [
        pytest.param(b'{"a":1}', [b'{"a":1}'], id="no-array"),
        pytest.param(b"[1 2]", [b"1", b"2"], id="no-comma"),
        pytest.param(b"[1,,2]", [b"1", b"2"], id="comma-twice"),
        pytest.param(b"[,1]", [b"1"], id="comma-first"),
        pytest.param(b"[1,]", [b"1"], id="comma-last"),
        pytest.param(b"[1]2", [b"1", b"2"], id="text-behind"),
        pytest.param(b"[1]]", [b"1"], id="bracket-behind"),
    ],
)
def test_what_no_array_has(body, elements):
    assert texts(body) == elements
    assert not read(body)[3]
    assert [one.sound for one in read(b"[1,,2,3]")[0]] == [True, False, False]


def test_time_is_linear():
    def seconds(count: int) -> float:
        body = b"[" + b'{"a":"' + b"x" * 20 + b'\\n"}' + b',{"b":[1,2]}' * count + b"]"
        best = 9.0
        for _ in range(3):
            begun = time.perf_counter()
            read(*(body[at : at + 7] for at in range(0, len(body), 7)))
            best = min(best, time.perf_counter() - begun)
        return best

    assert seconds(4_000) < 12 * seconds(1_000)


def test_one_long_element_in_many_pieces_is_linear():
    body = b'["' + b"x" * 200_000 + b'"]'
    ((element,), *_) = read(*(bytes([byte]) for byte in body))

    assert len(element.data) == 200_002
