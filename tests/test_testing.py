"""``@replayfuzz.streams``: what a user's own test gets, and what it prints when it breaks."""

import pytest

import replayfuzz
from replayfuzz import store
from replayfuzz.cassette import Exchange
from replayfuzz.errors import UsageError
from replayfuzz.formats.sse import SseReader
from replayfuzz.plan import Cut, End, Plan
from replayfuzz.search.case import Case
from replayfuzz.testing import Stream
from replayfuzz.testing.shrink import TestAttempt

RAW = Exchange("raw", "sse", body="data: é\n\n".encode())


def events(stream):
    reader = SseReader()
    for piece in stream:
        for event in reader.receive(piece):
            yield {"type": "sse", "event": event.event, "data": event.data, "id": event.id}


@replayfuzz.streams("sse", groups=["cut", "rewrite"])
def test_a_correct_reader_holds(stream):
    """Our own reader, on every boundary and every spelling that must not matter."""
    stream.check(events(stream))


@replayfuzz.streams("sse", profile="dev")
def test_fixtures_stand_beside_the_stream(stream, tmp_path):
    assert tmp_path.is_dir()
    assert isinstance(stream, Stream)


def test_iterating_gives_the_pieces():
    stream = Stream(RAW, Plan((Cut(7),), keep_chunks=False))

    assert list(stream) == [b"data: \xc3", b"\xa9\n\n"]
    assert (stream.body, stream.dialect) == (RAW.body, "sse")


def test_a_message_that_stops_early_ends_in_an_error():
    pieces = iter(Stream(RAW, Plan((End(3, "fin"),), keep_chunks=False)))

    assert next(pieces) == b"dat"
    with pytest.raises(ConnectionResetError):
        next(pieces)


def test_what_is_expected_can_be_asked():
    stream = Stream(store.shipped()[0], Plan())
    raw = Stream(RAW, Plan())

    assert isinstance(stream.text, str)
    assert [event["data"] for event in raw.events] == ["é"]
    assert raw.script.sends[-1].endswith(b"0\r\n\r\n")
    assert repr(raw).startswith("Stream(raw: unbent: (b'data: ")


def test_check_names_the_rule_and_its_clause():
    with pytest.raises(AssertionError, match=r"(?s)content-equal: .*WHATWG HTML.*expected: .*'é'"):
        Stream(RAW, Plan()).check([{"type": "sse", "event": "message", "data": "e"}])


def test_a_reader_that_reports_nothing_is_judged_for_texts_only():
    """It may not know of roles; what it lost is text."""
    chat = next(item for item in store.shipped() if item.name == "openai.chat/plain")

    with pytest.raises(AssertionError) as caught:
        Stream(chat, Plan()).check([])
    assert "role" not in str(caught.value)


def test_an_error_that_was_due_is_accepted():
    stream = Stream(RAW, Plan((End(3, "fin"),), keep_chunks=False))

    stream.check([], error=ConnectionResetError("gone"))


def test_what_breaks_is_made_minimal():
    def strict(case):
        for piece in Stream(case.exchange, case.plan).pieces:
            piece.decode()

    plain = next(item for item in store.shipped() if item.name == "sse/plain")
    byte_by_byte = Plan(tuple(map(Cut, range(1, len(plain.body)))), keep_chunks=False)

    with pytest.raises(UnicodeDecodeError) as caught:
        TestAttempt(strict).raise_smallest(Case(plain, byte_by_byte))
    [note] = caught.value.__notes__
    assert note.count("|") == 1
    assert "split inside U+" in note


def test_a_valid_stream_does_not_shrink_to_an_invalid_one():
    def picky(case):
        assert b'"content"' not in case.exchange.body

    plain = next(item for item in store.shipped() if item.name == "openai.chat/plain")

    with pytest.raises(AssertionError) as caught:
        TestAttempt(picky).raise_smallest(Case(plain, Plan(keep_chunks=False)))
    assert "data: [DONE]" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("dialects", "message"),
    [
        pytest.param(["nonesuch"], "no cassette of nonesuch; there are some of", id="dialect"),
    ],
)
def test_nothing_to_run_on_is_told(dialects, message):
    with pytest.raises(UsageError, match=message):
        replayfuzz.streams(*dialects)


def test_a_test_without_the_argument_is_told():
    def test_it():
        """Takes no stream."""

    with pytest.raises(UsageError, match="test_it has no argument 'stream'"):
        replayfuzz.streams("sse")(test_it)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        replayfuzz.nonesuch  # noqa: B018 - the access is the test
