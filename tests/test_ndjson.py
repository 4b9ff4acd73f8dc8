"""The NDJSON reader and the strict JSON reader: policies as rows, cuts as a law."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.formats.json_text import (
    DEPTH,
    JsonError,
    canonical,
    loads,
    loads_first,
    names_twice,
)
from replayfuzz.formats.ndjson import Fault, JsonLine, LineReader, NdjsonReader
from tests.shared import SHARED, needs_shared


def read(*chunks: bytes, replace: bool = False) -> list[JsonLine | Fault]:
    reader = NdjsonReader(replace=replace)
    return [*(item for chunk in chunks for item in reader.receive(chunk)), *reader.end()]


def values(found: list[JsonLine | Fault]) -> list[Any]:
    return [item.value for item in found if isinstance(item, JsonLine)]


def faults(found: list[JsonLine | Fault]) -> list[tuple[int, bool]]:
    return [(item.line, item.truncated) for item in found if isinstance(item, Fault)]


def single(stream: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in stream]


@pytest.mark.parametrize(
    ("stream", "want", "wrong"),
    [
        pytest.param(b"", [], [], id="empty"),
        pytest.param(b"1\n2\n", [1, 2], [], id="lf"),
        pytest.param(b"1\r\n2\r\n", [1, 2], [], id="crlf"),
        pytest.param(b"1\n2", [1, 2], [], id="last-line-needs-no-end"),
        pytest.param(b'1\n{"a', [1], [(2, True)], id="truncated"),
        pytest.param(b'{"a\n1\n', [1], [(1, False)], id="bad-line-then-good-line"),
        pytest.param(b"\n \t\r\n1\n", [1], [], id="blank-lines"),
        pytest.param(b"\n\nx\n", [], [(3, False)], id="blank-lines-count"),
        pytest.param(b"\xef\xbb\xbf1\n", [1], [], id="bom"),
        pytest.param(b"1\n\xef\xbb\xbf2\n", [1], [(2, False)], id="bom-only-at-the-start"),
        pytest.param(b'"\xe2\x80\xa8\xc2\x85"\n', ["\u2028\u0085"], [], id="lf-alone-ends-lines"),
        pytest.param(b"1\r2\n", [], [(1, False)], id="cr-is-white-space"),
        pytest.param(
            b"NaN\n-Infinity\nInfinity\n", [], [(1, False), (2, False), (3, False)], id="nan"
        ),
        pytest.param(b'"\xff"\n', [], [(1, False)], id="bad-utf8"),
        pytest.param(b'"\xc3', [], [(1, True)], id="cut-in-a-character"),
    ],
)
def test_policies(stream: bytes, want: list[Any], wrong: list[tuple[int, bool]]) -> None:
    """What is read, what is a fault, and of which line; whole and byte by byte."""
    found = read(stream)

    assert (values(found), faults(found)) == (want, wrong)
    assert read(*single(stream)) == found


def test_bad_utf8_can_be_replaced() -> None:
    """On request, invalid UTF-8 reads as U+FFFD."""

    assert read(b'"\xff"\n', replace=True) == [JsonLine(1, "\ufffd")]


def test_lines_tell_whether_they_ended() -> None:
    """The line reader leaves blank lines out and marks a last line without LF."""
    reader = LineReader()
    lines = [*reader.receive(b"\na\n\nb"), *reader.end()]

    assert [tuple(line) for line in lines] == [(2, b"a", True), (4, b"b", False)]


PIECES = st.sampled_from(
    [
        b'{"a":1}\n',
        b"[2]\r\n",
        b'"\xc3\xa9"\n',
        b"\n",
        b"\r",
        b"{",
        b"}",
        b'"',
        b"1",
        b"\xc3",
        b"\xef\xbb\xbf",
        b" ",
    ]
)


@given(st.lists(PIECES, max_size=20))
def test_cuts_do_not_matter(chunks: list[bytes]) -> None:
    """Fed whole, in pieces or byte by byte, a stream means the same."""
    stream = b"".join(chunks)

    assert read(*chunks) == read(stream) == read(*single(stream))


@needs_shared
def test_vectors_at_every_cut() -> None:
    """Every vector and its policy, at every single cut (a sample of them for long ones)."""
    vectors = json.loads((SHARED / "vectors" / "vectors.json").read_text())["ndjson"]
    for vector in vectors:
        stream = _bytes(vector)
        for at in range(0, len(stream) + 1, 1 + len(stream) // 300 * 50):
            found = read(stream[:at], stream[at:])
            wrong = [line for line, _ in faults(found)]

            if "values" in vector and "error_line" not in vector:
                assert (values(found), wrong) == (vector["values"], []), vector["id"]
            if "error_line" in vector:
                assert wrong[:1] == [vector["error_line"]], vector["id"]
                assert values(found)[: len(vector.get("values", []))] == vector.get("values", [])
    assert len(vectors) >= 40


def _bytes(vector: dict[str, Any]) -> bytes:
    if "bytes" in vector:
        return bytes.fromhex(vector["bytes"])
    given = vector["generated"]
    return bytes(
        bytes.fromhex(given["repeat"]) * given["times"]
        + bytes.fromhex(given["then_repeat"]) * given["then_times"]
        + bytes.fromhex(given["suffix"])
    )


def test_a_long_line_is_read() -> None:
    """A line of one MiB is one value."""
    line = b'{"a":"' + b"x" * 2**20 + b'"}\n'

    assert (
        len(values(read(*(line[at : at + 4096] for at in range(0, len(line), 4096))))[0]["a"])
        == 2**20
    )


# -- the strict JSON reader ------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaN",
        "-Infinity",
        "[1,]",
        "{'a':1}",
        '"\t"',
        "01",
        "1.",
        ".5",
        "+1",
        "1 2",
        '"\\x"',
        "\ufeff1",
        "[" * 9,
    ],
)
def test_what_is_not_json(text: str) -> None:
    """Python's leniency is not JSON's."""
    with pytest.raises(JsonError):
        loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' {"a" : [1, -0.5e1, true, null]}\r\n', {"a": [1, -5.0, True, None]}),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud83d"', "\ud83d"),
        ("9007199254740993", 2**53 + 1),
        ("1e400", float("inf")),
        ('{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_what_is(text: str, value: Any) -> None:
    """Surrogates pass as they are, integers are exact, the last of two names counts."""

    assert loads(text) == value


def test_depth_and_length_are_plain_errors() -> None:
    """Deep nesting is refused at the same depth whatever the stack; long integers are read."""
    deepest = "[" * DEPTH + "]" * DEPTH

    assert loads(deepest)
    assert loads('["' + "[" * 10_000 + '"]') == ["[" * 10_000]
    assert loads("9" * 5000) == float("inf")
    with pytest.raises(JsonError, match=str(DEPTH)):
        loads("[" * (DEPTH + 1) + "]" * (DEPTH + 1))
    with pytest.raises(JsonError):
        loads("[" * 100_000)


def test_a_short_stack_is_a_plain_error() -> None:
    """Nesting below DEPTH may still be too deep for a caller who left no stack."""

    def dig() -> None:
        try:
            dig()
        except RecursionError:
            loads("[" * DEPTH + "]" * DEPTH)

    with pytest.raises((JsonError, RecursionError)):
        dig()


def test_names_that_come_twice() -> None:
    """They are noticed at any depth, and the first value can be asked for."""
    text = '[{"a":{"b":1,"b":2}}]'

    assert names_twice(text)
    assert not names_twice('[{"a":1},{"a":1}]')
    assert loads_first(text) == [{"a": {"b": 1}}]


def test_canonical_text_is_one_for_equal_objects() -> None:
    """Order and escapes of the original do not show."""

    assert canonical(loads('{"b": "\\u00e9", "a": 1}')) == '{"a":1,"b":"é"}'
