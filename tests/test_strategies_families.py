"""Laws that every family keeps, on every cassette that ships."""

import pytest

from replayfuzz import dialects, store, wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Slice, Splice
from replayfuzz.strategies import FAMILIES, UNBENT, Family, view
from replayfuzz.strategies.family import GROUPS, ends_and_middle, spread
from tests.shared import SHARED, needs_shared

SHIPPED = store.shipped()
SAMPLE = [one for one in SHIPPED if one.name.endswith(("/plain", "/tools-parallel", "/ids"))]
FRAMED = [wire.over(one, "h2") for one in SAMPLE]


def each_family():
    return pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.id)


def light(family: Family) -> bool:
    return family.id not in ("cut.single", "cut.hot") and family.group != "size"


@each_family()
def test_every_plan_fits_and_is_labelled(family):
    for exchange in (*SAMPLE, *FRAMED):
        for plan in family.plans(view(exchange)):
            wire.bend(exchange, plan)
            assert plan.labels
            assert all(edit.kind and edit.label for edit in plan.edits)
            assert not plan.keep_chunks
            assert not plan.keep_times


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [name for name in dialects.NAMES if name != "ndjson"])
def test_what_must_not_matter_leaves_every_outcome_as_it_was(dialect):
    tried = 0
    for exchange in SHIPPED:
        if exchange.dialect != dialect:
            continue
        before = dialects.expected(exchange, UNBENT)
        for family in FAMILIES:
            if not family.preserving or not light(family):
                continue
            for plan in family.plans(view(exchange)):
                tried += 1
                assert dialects.expected(exchange, plan) == before, (exchange.name, plan.labels)
    assert tried > 500


@pytest.mark.slow
@pytest.mark.parametrize("exchange", FRAMED, ids=lambda one: one.name)
def test_over_http2_what_must_not_matter_does_not_matter_either(exchange):
    before = dialects.expected(exchange, UNBENT)
    for family in FAMILIES:
        for plan in family.plans(view(exchange)) if family.preserving and light(family) else ():
            # Many tiny frames may be refused besides (see wire.looks_like_a_flood).
            flood = wire.looks_like_a_flood(exchange, wire.bend(exchange, plan))
            found = dialects.expected(exchange, plan)
            assert found[: len(found) - flood] == before, plan.labels


@each_family()
def test_every_family_has_a_plan_for_some_cassette(family):
    assert any(next(family.plans(view(one)), None) for one in (*SHIPPED, *FRAMED))


@pytest.mark.parametrize("group", ["text", "meaning", "ending"])
def test_what_may_matter_mostly_does(group):
    """A law that holds because nothing was changed would say nothing."""
    exchange = next(one for one in SHIPPED if one.name == "openai.chat/plain")
    before = dialects.expected(exchange, UNBENT)
    plans = [plan for one in FAMILIES if one.group == group for plan in one.plans(view(exchange))]
    changed = sum(dialects.expected(exchange, plan) != before for plan in plans)

    assert changed > 0.6 * len(plans)


def test_families_are_told_apart_by_their_ids():
    assert len({family.id for family in FAMILIES}) == len(FAMILIES)
    assert {family.group for family in FAMILIES} == set(GROUPS)


@each_family()
def test_edits_of_rewrites_are_of_the_familys_kind(family):
    if family.group not in ("rewrite", "text", "meaning"):
        return
    for plan in family.plans(view(SAMPLE[0])):
        kinds = {edit.kind for edit in plan.edits if isinstance(edit, Splice | Slice)}
        assert kinds <= {family.id}


@pytest.mark.parametrize(
    ("count", "limit", "found"),
    [
        (0, 3, []),
        (2, 3, [0, 1]),
        (5, 3, [0, 2, 4]),
        (9, 1, [0]),
        (100, 4, [0, 33, 66, 99]),
    ],
)
def test_spread_takes_the_first_and_the_last_and_some_between(count, limit, found):
    assert list(spread(range(count), limit)) == found


def test_ends_and_middle_names_none_twice():
    assert list(ends_and_middle("ab")) == ["a", "b"]


RECORDED = [
    ("openai.chat_completions", "openai.chat"),
    ("anthropic.messages", "anthropic.messages"),
    ("ollama.chat", "ollama.chat"),
    ("tgi.chat_completions", "openai.chat"),
    ("mcp.streamable_http", "sse"),
]


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize(("folder", "dialect"), RECORDED)
def test_the_laws_hold_for_streams_that_were_recorded(folder, dialect):
    bodies = sorted(path.read_bytes() for path in (SHARED / "corpus" / folder).glob("*.body"))
    for body in spread([one for one in bodies if len(one) < 20_000], 3):
        exchange = Exchange("recorded", dialect, body=body)
        before = dialects.expected(exchange, UNBENT)
        for family in FAMILIES:
            for plan in family.plans(view(exchange)) if light(family) else ():
                wire.bend(exchange, plan)
                if family.preserving and family.group == "rewrite":
                    assert dialects.expected(exchange, plan) == before, plan.labels
