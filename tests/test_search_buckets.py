"""Which findings are one bug, told once."""

import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, End, Plan, Splice
from replayfuzz.search.buckets import Buckets

BOM = Splice(0, 0, b"\xef\xbb\xbf", "rewrite.bom", "byte order mark first")
CR = Splice(3, 1, b"\r", "rewrite.line-ends", "CR line ends")
MIXED = Splice(3, 1, b"\r", "rewrite.line-ends", "LF and CR by turns")
FIN = End(9, "fin", kind="end.fin", label="the connection is closed after the last byte")


def finding(invariant, shape, *edits, frame="", variants=("sync",), flaky=False):
    return Finding(
        *("lib", invariant, "failed", "this", "that", shape),
        Exchange("one", "sse", body=b"data: a\n\n"),
        Plan(edits),
        frame=frame,
        variants=variants,
        flaky=flaky,
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            finding("content-equal", "event lost", BOM),
            finding("role-equal", "role lost", BOM),
            id="one-bend-breaks-two-rules-about-what-is-told",
        ),
        pytest.param(
            finding("content-equal", "event lost", BOM),
            finding("content-prefix/event", "event lost", BOM, FIN),
            id="the-same-bend-with-one-edit-more",
        ),
        pytest.param(
            finding("content-equal", "event added"),
            finding("content-prefix/event", "event added", FIN),
            id="as-recorded-and-with-another-end",
        ),
        pytest.param(
            finding("valid-utf8", "text split", Cut(1, kind="cut.utf8", label="inside U+00E9")),
            finding("content-equal", "text lost", Cut(2, kind="cut.utf8", label="inside U+1F600")),
            id="cuts-at-places-of-one-kind",
        ),
    ],
)
def test_one_cause_is_told_once(first, second):
    buckets = Buckets()
    buckets.add(first)

    assert buckets.add(second) is None
    assert buckets.findings == (first,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            finding("content-equal", "event lost", CR),
            finding("content-equal", "event name changed", MIXED),
            id="two-kinds-of-line-ends",
        ),
        pytest.param(
            finding("content-equal", "event lost"),
            finding("content-equal", "event lost", BOM),
            id="as-recorded-and-bent",
        ),
        pytest.param(
            finding("content-equal", "event added"),
            finding("content-prefix/event", "event lost", FIN),
            id="another-end-that-shows-something-else",
        ),
        pytest.param(
            finding("no-error-on-valid-stream", "raised A in x", BOM, frame="x"),
            finding("no-error-on-valid-stream", "raised B in y", BOM, frame="y"),
            id="exceptions-from-two-places",
        ),
        pytest.param(
            finding("content-equal", "event lost", BOM),
            finding("no-hang/open", "no answer", BOM),
            id="rules-of-two-families",
        ),
    ],
)
def test_two_causes_are_two_findings(first, second):
    buckets = Buckets()
    buckets.add(first)

    assert buckets.add(second) == second
    assert len(buckets.findings) == 2


def test_a_twin_brings_its_variants():
    buckets = Buckets()
    buckets.add(finding("content-equal", "event lost", BOM))

    told = buckets.add(finding("role-equal", "role lost", BOM, variants=("async",)))

    assert told is not None
    assert (told.invariant, told.variants) == ("content-equal", ("sync", "async"))


def test_one_that_was_confirmed_replaces_a_flaky_one():
    buckets = Buckets()
    buckets.add(finding("content-equal", "event lost", BOM, flaky=True))

    told = buckets.add(finding("content-equal", "event lost", BOM))

    assert told is not None
    assert not told.flaky
    assert buckets.findings == (told,)
