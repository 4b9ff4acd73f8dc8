import pytest

from replayfuzz import wire
from replayfuzz.errors import PlanError
from replayfuzz.plan import Cut, End, Pause, Plan, Slice, Splice
from replayfuzz.strategies import FAMILIES, describe, schedule, view
from replayfuzz.strategies.words import _places
from tests.streams import ALL, CHAT, RAW

CR = Splice(8, 0, b"\r", "rewrite.line-ends", "CRLF line ends")  # behind "event: a"


def words(*edits) -> list[str]:
    plan = describe(RAW, Plan(edits))
    return [f"{edit.kind}: {edit.label}" for edit in plan.edits]


@pytest.mark.parametrize(
    ("edits", "last"),
    [
        ((Cut(0),), "cut.start: split before the first byte"),
        ((Cut(16),), "cut.utf8: split inside U+00E9"),
        ((Cut(16, "tcp"),), "cut.utf8: split inside U+00E9 (new segment, same chunk)"),
        ((Cut(16, "http"),), "cut.utf8: split inside U+00E9 (new chunk, same segment)"),
        ((Cut(21, "head"),), "cut.event-end: split between events (inside the chunk-size line)"),
        ((Cut(8),), "cut.before-line-end: split before a line end"),
        ((CR, Cut(8)), "cut.crlf: split between CR and LF"),
        ((Splice(0, 0, b"\xef"), Cut(0), Splice(0, 0, b"\xbb\xbf")), "splice: "),
        ((End(16, "fin"),), "end.fin: the connection is closed inside U+00E9"),
        ((End(20, "complete"),), "end.complete: the message ends cleanly before a blank line"),
        ((End(30, "open"),), "end.open: the connection stays open after the last byte"),
        (
            (End(3, "reset", in_head=True),),
            "end.reset: the connection is reset inside a chunk-size line",
        ),
        (
            (End(16, "fin", in_chunk=True),),
            "end.fin: the connection is closed inside U+00E9, inside a chunk",
        ),
        ((Pause(21, 0.5),), "time.pause: 0.5 s of silence between events"),
    ],
)
def test_an_edit_is_named_after_where_it_falls(edits, last):
    assert words(*edits)[-1] == last


def test_a_cut_inside_an_insertion_is_named_after_the_sent_bytes():
    found = words(Splice(0, 0, b"\xef"), Cut(0), Splice(0, 0, b"\xbb\xbf"))

    assert found[1] == "cut.bom: split inside the byte order mark"


def test_nothing_but_names_changes():
    plan = Plan((CR, Cut(8), Slice(0, 3, label="mine"), End(20, "fin")))
    described = describe(RAW, plan)

    assert described == plan
    assert described.edits[2].label == "mine"


def test_an_end_hides_no_place_behind_it():
    """Shrinking may leave a boundary behind an end; it has no effect, but a name."""
    assert words(End(3, "fin"), Cut(16))[1] == "cut.utf8: split inside U+00E9"


def test_a_plan_that_does_not_fit_is_refused():
    with pytest.raises(PlanError, match="99"):
        describe(RAW, Plan((Cut(99),)))


@pytest.mark.parametrize("exchange", ALL, ids=lambda one: one.name)
def test_places_are_those_where_bend_puts_the_boundaries(exchange):
    for family in FAMILIES:
        if family.group not in ("rewrite", "meaning"):
            continue
        for plan in family.plans(view(exchange)):
            if any(isinstance(edit, End) for edit in plan.edits):
                continue  # nothing behind it is sent
            cut = Plan((*plan.edits, *map(Cut, range(0, len(exchange.body), 7))))
            found = {
                at
                for at, edit in zip(_places(cut), cut.edits, strict=True)
                if isinstance(edit, Cut)
            }
            assert found == {at for at, _ in wire.bend(exchange, cut).cuts}


@pytest.mark.parametrize(
    "label",
    [
        "CRLF line ends",
        "byte order mark first",
        "byte by byte",
        "drop [DONE]",
        "[DONE] twice",
        "finish_reason -> 'content_filter'",
        "finish_reason -> null",
        "split inside U+00E9",
        "split inside a JSON escape",
        "U+1F600 before the content",
        "error object in mid-stream",
        "the connection is reset inside U+00E9",
        "gzip",
        "field names in upper case",
        "an event of 1024 KiB",
    ],
)
def test_people_can_read_what_is_done(label):
    labels = {
        label for family in FAMILIES for plan in family.plans(view(CHAT)) for label in plan.labels
    }

    assert label in labels


def test_the_schedule_breaks_off_inside_a_chunk():
    """A proxy that dies while it relays one: between events, and inside a character."""
    labels = {label for plan in schedule(CHAT) for label in plan.labels if "a chunk" in label}

    for how in ("closed", "reset"):
        assert f"the connection is {how} between events, inside a chunk" in labels
    assert any("inside U+" in label for label in labels)
