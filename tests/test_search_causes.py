"""Known deviations explain what a raw reader showed: one cause is told once, and by its name."""

from dataclasses import replace

import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.formats.sse_deviant import deviant
from replayfuzz.formats.sse_deviations import DEVIATIONS
from replayfuzz.plan import Cut, Head, Splice
from replayfuzz.search import Options, fuzz_reader
from replayfuzz.search.case import UNBENT, Case
from replayfuzz.search.causes import Causes, Unexplained
from replayfuzz.transcript import Transcript, event
from tests.findings import FINDING
from tests.readers import raw, right, trying

STREAMS = [
    raw(),
    raw("names", "event: a\ndata: x\n\nid: 1\ndata: y\ndata: z\n\n: c\ndata: ok\n\n"),
]


def reader(*names, also=lambda shown: shown):
    """One that deviates so, and does *also* with each event."""

    def read(pieces):
        come, fault = [], None
        try:
            come.extend(pieces)
        except Exception as error:  # the connection broke: what has come is reported first
            fault = error
        for each in deviant(come, frozenset(names)):
            yield also(event("sse", **each._asdict()))
        if fault is not None:
            raise fault

    return read


def findings(read):
    run = fuzz_reader(read, STREAMS, Options(seconds=None, examples=1200, findings=None, seed=1))
    return [each for each in run.findings if each.fails]


RARE = ("bom-twice", "empty-id")  # not among so few examples


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_deviation_is_told_by_its_name_and_hardly_more_than_once(name):
    found = findings(reader(name))

    assert {each.causes for each in found} <= {(name,), ()}
    assert any(each.causes for each in found) or name in RARE
    assert len(found) <= 2, [(each.id, each.bent.body, each.causes) for each in found]


@pytest.mark.parametrize("name", RARE)
def test_a_rare_deviation_is_named_too_where_it_is_seen(name):
    attempt = trying(reader(name))
    for body in DEVIATIONS[name].shows:
        stream = replace(raw(), body=body)
        assert attempt.attempt(Case(stream, UNBENT), "memory").verdict.outcome == "failed"
        assert Causes(attempt).learn(finding_of(stream)) == (name,)


def test_two_deviations_are_told_apart():
    found = findings(reader("bom-kept", "nul-id"))

    assert sorted(each.causes for each in found) == [("bom-kept",), ("nul-id",)]


def test_what_no_deviation_explains_is_told_beside_what_one_does():
    def shouting(shown):
        data = shown.get("data").replace("ok", "OK")
        return event("sse", **{**shown.values, "data": data})

    found = findings(reader("nul-id", also=shouting))

    assert [each.causes for each in found].count(("nul-id",)) == 1
    assert any(not each.causes and b"ok" in each.bent.body for each in found)


def finding_of(stream, plan=UNBENT, **values):
    variants = ("default",)
    minimal = replace(FINDING, exchange=stream, plan=plan, variants=variants, shown_over="memory")
    return replace(minimal, **values)


def known(*names, reader_of=None):
    causes = Causes(trying(reader_of or reader(*names)))
    causes.hear(("default",), names)
    return causes


BODY = b"id: 1\ndata: a\n\nid: \0\ndata: b\n\ndata: c\n\n\n"
STREAM = Exchange("x", "sse", body=BODY)


def seen(*names, body=BODY):
    return Transcript(
        tuple(event("sse", **each._asdict()) for each in deviant([body], frozenset(names)))
    )


@pytest.mark.parametrize(
    ("shown", "explained"),
    [
        (seen("nul-id"), True),
        (seen("nul-id", "blank"), False),
        (seen("joined", body=b"data: a\n\n"), False),
    ],
    ids=["exactly", "more", "less"],
)
def test_nothing_is_explained_but_what_was_reported_exactly(shown, explained):
    assert known("nul-id").explain(Case(STREAM, UNBENT), shown) == explained


def test_what_is_known_of_one_variant_says_nothing_of_another():
    causes = known("nul-id")

    assert not causes.explain(Case(STREAM, UNBENT, "other"), seen("nul-id"))


def test_streams_that_carry_a_providers_api_are_not_explained():
    case = Case(replace(STREAM, dialect="openai.chat"), UNBENT)

    assert not known("nul-id").explain(case, seen("nul-id"))


def test_what_depends_on_reads_is_not_told_of_a_coded_body():
    stream = raw("x", "data: é\n\n")
    plan = replace(UNBENT, edits=(Cut(7),))
    broken = Transcript((event("sse", event="message", data="��", id=""),))
    coded = replace(plan, head=Head(coding="gzip", kind="head.gzip"))
    causes = known("decoded-apart")

    assert causes.explain(Case(stream, plan), broken)
    assert not causes.explain(Case(stream, coded), broken)


def test_a_deviation_has_to_hold_on_streams_of_its_own():
    """It looks like one that strips white space, but strips it from one stream alone."""

    def odd(pieces):
        body = b"".join(pieces)
        yield from reader("spaces" if b"hello" in body else "colon-needed")([body])

    minimal = finding_of(raw("x", "data:  hello\n\n"))
    causes = Causes(trying(odd))

    assert causes.learn(minimal) == ()
    assert Causes(trying(reader("spaces"))).learn(minimal) == ("spaces",)


@pytest.mark.parametrize(
    "values",
    [{"flaky": True}, {"invariant": "linear-time/growth"}, {"invariant": "no-crash"}],
    ids=["flaky", "time", "crash"],
)
def test_only_what_is_sure_and_about_events_teaches(values):
    minimal = finding_of(raw("x", "data:  a\n\n"), **values)

    assert Causes(trying(reader("spaces"))).learn(minimal) == ()


def test_what_is_explained_already_teaches_nothing():
    causes = Causes(trying(reader("nul-id")))
    minimal = finding_of(STREAM)

    assert causes.learn(minimal) == ("nul-id",)
    assert causes.learn(minimal) == ()


def test_what_is_explained_is_no_violation_any_more():
    attempt, case = trying(reader("nul-id")), Case(STREAM, UNBENT)
    causes = Causes(attempt)
    news = Unexplained(attempt, causes)
    before = news.attempt(case, "memory")
    causes.hear(("default",), ("nul-id",))
    after = news.attempt(case, "memory")
    other = news.attempt(
        Case(STREAM, replace(UNBENT, edits=(Splice(0, 0, b"data: \0"),))), "memory"
    )

    assert before.verdict.outcome == "failed"
    assert (after.seen, after.verdict.violations) == (before.seen, ())
    assert other.seen.end == "complete"
    assert (news.target, news.version, news.python) == (
        attempt.target,
        attempt.version,
        attempt.python,
    )


def test_names_that_another_version_knew_are_passed_over():
    causes = Causes(trying(right))
    causes.hear(("default",), ("no-such-deviation",))

    assert not causes.explain(Case(STREAM, UNBENT), seen())
