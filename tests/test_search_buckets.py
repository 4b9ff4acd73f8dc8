"""Which findings are one bug, told once."""

import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, End, Plan, Splice
from replayfuzz.search.buckets import ALIKE, ALONE, Buckets, of, told

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


def alike(number, *more):
    """A finding of the signature that all of them share, with a kind of bend of its own."""
    edit = Splice(1, 0, b"x", f"rewrite.way-{number}", f"way {number}")
    return finding("no-error-on-valid-stream/Error", "raised Error", edit, *more, frame="lib:read")


def test_many_bugs_that_look_alike_are_told_where_each_has_a_kind_of_its_own():
    """One exception for all that is not expected: a library that knows no comments need not
    be the one that knows no data of several lines."""
    buckets = Buckets()
    for number in range(ALIKE + 1):
        assert buckets.explain(of(alike(number)), alike(number).plan, "sync") is None
        buckets.add(alike(number))
    both = alike(8, Splice(2, 0, b"y", "rewrite.way-9", "way 9"))

    assert buckets.explain(of(alike(8)), alike(8).plan, "sync") is None
    assert buckets.explain(of(both), both.plan, "sync") is not None


def test_there_is_an_end_to_what_looks_alike():
    buckets = Buckets()
    for number in range(ALONE):
        buckets.add(alike(number))

    assert buckets.explain(of(alike(99)), alike(99).plan, "sync") is not None


def test_a_smaller_form_takes_the_place_of_the_first():
    buckets = Buckets()
    first = finding("content-equal", "event lost", BOM)
    smaller = finding("content-equal", "event lost", BOM, variants=("async",))
    buckets.add(first)

    assert buckets.shrunk(smaller).variants == ("sync", "async")
    assert len(buckets.findings) == 1


def test_what_another_process_found_is_known_here_and_not_told():
    buckets = Buckets()
    there = finding("content-equal", "event lost", BOM)
    buckets.hear(told(there))
    both = Plan((BOM, FIN))

    assert buckets.explain(of(there), both, "async") == told(there)
    assert buckets.explain(of(there), Plan((CR,)), "sync") is None
    assert buckets.findings == ()
