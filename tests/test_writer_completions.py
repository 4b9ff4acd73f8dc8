"""writer.completions: pieces of text, whole when the HTTP message is."""

import pytest

from replayfuzz.dialects import Ended, find
from replayfuzz.dialects.writer_completions import WRITER_COMPLETIONS
from tests.oracle_streams import Recorded, mismatches, recorded, row, some_cuts
from tests.shared import needs_shared

HI = b'data: {"value":"H"}\n\ndata: {"value":""}\n\ndata: {"value":"i"}\n\n'


@pytest.mark.parametrize(
    ("body", "ended", "outcomes"),
    [
        pytest.param(HI, Ended(), [("complete", "Hi", True)], id="whole"),
        pytest.param(HI, Ended(200, "incomplete"), [("truncated", "Hi", True)], id="cut"),
        pytest.param(HI, Ended(200, "open"), [("truncated", "Hi", True)], id="stalled"),
        pytest.param(HI[:-1], Ended(), [("complete", "H", True)], id="no-blank-line"),
        pytest.param(
            HI + b'data: {"error":"oops"}\n\n', Ended(), [("error", "Hi", True)], id="error"
        ),
        pytest.param(
            HI + b"event: error\ndata: {}\n\n", Ended(), [("error", "Hi", True)], id="error-event"
        ),
        pytest.param(
            HI + b"event: x\ndata: {}\n\n", Ended(), [("complete", "Hi", True)], id="unknown-event"
        ),
        pytest.param(
            HI + b"data: 7\n\n",
            Ended(),
            [("error", "Hi", True), ("complete", "Hi", True)],
            id="not-an-object",
        ),
        pytest.param(HI + b"data: {}\n\n", Ended(), [("complete", "Hi", False)], id="no-value"),
    ],
)
def test_pieces(body: bytes, ended: Ended, outcomes: list[tuple[str, str, bool]]) -> None:
    """What came is told; how the message ended decides."""
    found = WRITER_COMPLETIONS.expect((body,), ended)

    assert [
        (one.end, one.transcript.joined("text").get(0, ""), one.strict) for one in found
    ] == outcomes


STREAMS = recorded("writer.completions")


@needs_shared
@pytest.mark.parametrize("stream", [row(stream) for stream in STREAMS])
def test_recorded_streams_read_plausibly(stream: Recorded) -> None:
    """Text, byte by byte and cut anywhere the same, and no choice is put to us."""
    (outcome,) = find("writer.completions").expect((stream.body,), Ended())
    bytewise = tuple(bytes([byte]) for byte in stream.body)

    assert outcome.transcript.joined("text")[0]
    assert (outcome.end, outcome.strict) == ("complete", True)
    assert stream.read(bytewise) == stream.read((stream.body,))
    assert mismatches(stream, some_cuts(stream)) == []


@needs_shared
def test_the_corpus_is_there() -> None:
    """The laws above are about a stream at least."""

    assert STREAMS
