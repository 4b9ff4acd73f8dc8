"""Plans: what they say of themselves, how they join, and that their JSON is read with distrust."""

import json

import pytest

from replayfuzz.errors import PlanError
from replayfuzz.plan import (
    Cut,
    End,
    HandOff,
    Head,
    Pause,
    Plan,
    Slice,
    Splice,
    from_json,
    merge,
    to_json,
)

EVERYTHING = Plan(
    (
        Cut(3),
        Cut(0, "head", kind="cut.head", label="inside a chunk head"),
        Slice(0, 7, "tcp"),
        Pause(5, 0.25),
        Splice(1, 2, b"\xf0\x9f\x98\x80"),
        Splice(4, 0, b"\xff\x00"),
        End(9, "reset", in_head=True, kind="end.reset", label="RST"),
        End(9, "fin", in_chunk=True, kind="end.fin", label="FIN"),
    ),
    Head(
        status=503,
        framing="close",
        coding="gzip",
        fields=(("Server", "x"), ("X-Gone", "")),
        case="lower",
        extension='a="b"',
        trailers=(("X-Sum", "1"),),
        pad=0,
        empty_end=True,
        kind="head.status",
        label="503",
    ),
    keep_chunks=False,
    keep_times=False,
    handoff=HandOff(
        payload=b'{"a": 1}\xff',
        pair="unix",
        reads="slow",
        leaves=0,
        before=("empty", "no-descriptor"),
        beside=3,
        kind="handoff.abuse",
        label="a listening socket",
    ),
)


@pytest.mark.parametrize("plan", [Plan(), EVERYTHING], ids=["empty", "everything"])
def test_a_plan_survives_json(plan):
    read = from_json(json.loads(json.dumps(to_json(plan))))

    assert read == plan
    assert (read.kinds, read.labels) == (plan.kinds, plan.labels)


def test_the_empty_plan_is_short_in_json():
    shown = to_json(Plan((Cut(3),)))

    assert shown["edits"] == [{"edit": "cut", "at": 3}]
    assert "handoff" not in shown


def test_text_is_readable_in_json_and_other_bytes_are_base64():
    shown = to_json(Plan((Splice(0, 0, "é\n".encode()), Splice(0, 0, b"\xff"))))["edits"]

    assert [edit["insert"] for edit in shown] == ["é\n", {"base64": "/w=="}]


def edits(*items, **more):
    return {"version": 1, "edits": list(items), **more}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        pytest.param([], "the plan is list", id="not-an-object"),
        pytest.param({}, "version None", id="no-version"),
        pytest.param({"version": 2}, "newer replayfuzz", id="newer-version"),
        pytest.param({"version": 1, "edits": {}}, "'edits' is not a list", id="edits-not-a-list"),
        pytest.param(edits(3), "edit 1 is int", id="edit-not-an-object"),
        pytest.param(edits({"edit": "cut", "at": 0}, {}), "edit 2 is None", id="edit-without-name"),
        pytest.param(edits({"edit": []}), r"edit 1 is \[\]", id="edit-name-not-hashable"),
        pytest.param(edits({"edit": "cut"}), "edit 1", id="part-missing"),
        pytest.param(edits({"edit": "cut", "at": 0, "to": 1}), "'to'", id="part-unknown"),
        pytest.param(edits({"edit": "cut", "at": -1}), "at is -1", id="offset-below-0"),
        pytest.param(edits({"edit": "cut", "at": True}), "at is True", id="offset-a-truth"),
        pytest.param(edits({"edit": "cut", "at": None}), "at is None", id="offset-null"),
        pytest.param(edits({"edit": "cut", "at": 0, "layer": "ip"}), "layer is 'ip'", id="layer"),
        pytest.param(edits({"edit": "cut", "at": 0, "kind": 5}), "kind is 5", id="kind-a-number"),
        pytest.param(edits({"edit": "slice", "at": 0, "every": 0}), "every is 0", id="no-step"),
        pytest.param(
            edits({"edit": "pause", "at": 0, "seconds": float("nan")}), "seconds is nan", id="nan"
        ),
        pytest.param(
            edits({"edit": "pause", "at": 0, "seconds": 10**400}), "seconds is 1", id="endless"
        ),
        pytest.param(
            edits({"edit": "pause", "at": 0, "seconds": -1}), "seconds is -1", id="negative-time"
        ),
        pytest.param(
            edits({"edit": "splice", "at": 0, "remove": 0, "insert": {}}), "base64", id="no-base64"
        ),
        pytest.param(
            edits({"edit": "splice", "at": 0, "remove": 0, "insert": {"base64": "*"}}),
            "edit 1",
            id="bad-base64",
        ),
        pytest.param(
            edits({"edit": "splice", "at": 0, "remove": 0, "insert": 7}), "insert is 7", id="insert"
        ),
        pytest.param(
            edits({"edit": "splice", "at": 0, "remove": 0, "insert": "\ud800"}), "edit 1", id="lone"
        ),
        pytest.param(edits({"edit": "end", "at": 0, "how": "x"}), "how is 'x'", id="unknown-end"),
        pytest.param(
            edits({"edit": "end", "at": 0, "how": "fin", "in_head": 1}),
            "in_head is 1",
            id="in-head",
        ),
        pytest.param(
            edits({"edit": "end", "at": 0, "how": "fin", "in_chunk": "no"}),
            "in_chunk is 'no'",
            id="in-chunk",
        ),
        pytest.param(edits(head=[]), "head is list", id="head-not-an-object"),
        pytest.param(edits(head={"coding": "br"}), "coding is 'br'", id="unknown-coding"),
        pytest.param(edits(head={"case": "camel"}), "case is 'camel'", id="unknown-case"),
        pytest.param(edits(head={"fields": ["ab"]}), "fields holds 'ab'", id="field-not-a-pair"),
        pytest.param(edits(head={"fields": 3}), "head", id="fields-a-number"),
        pytest.param(edits(head={"status": "200"}), "status is '200'", id="status-a-text"),
        pytest.param(edits(head={"pad": 256}), "pad is 256, not .* 0 to 255", id="much-padding"),
        pytest.param(edits(head={"pad": True}), "pad is True", id="padding-a-truth"),
        pytest.param(edits(head={"empty_end": 1}), "empty_end is 1", id="empty-end-a-number"),
        pytest.param(edits(handoff=3), "handoff is int", id="handoff-a-number"),
        pytest.param(edits(handoff={"pair": "all"}), "handoff: pair is 'all'", id="unknown-pair"),
        pytest.param(edits(handoff={"reads": []}), r"reads is \[\]", id="reads-a-list"),
        pytest.param(edits(handoff={"pair": "udp"}), "pair is 'udp'", id="unknown-pair"),
        pytest.param(edits(handoff={"payload": 7}), "payload is 7", id="payload-a-number"),
        pytest.param(edits(handoff={"payload": {"base64": "*"}}), "handoff", id="payload-bad"),
        pytest.param(edits(handoff={"before": "empty"}), "before is 'empty'", id="before-a-text"),
        pytest.param(edits(handoff={"before": [1]}), "an item of before is 1", id="before-number"),
        pytest.param(edits(handoff={"leaves": -1}), "leaves is -1", id="leaves-below-0"),
        pytest.param(edits(handoff={"beside": None}), "beside is None", id="beside-null"),
        pytest.param(edits(handoff={"to": 1}), "handoff has a part 'to'", id="handoff-part"),
        pytest.param(edits(keep_times="no"), "'keep_times' is 'no'", id="flag-a-text"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(value, names):
    with pytest.raises(PlanError, match=names):
        from_json(value)


def test_a_text_payload_is_readable_in_json():
    shown = to_json(Plan(handoff=HandOff(payload=b'{"a": 1}')))["handoff"]

    assert shown == {"payload": '{"a": 1}'}


def test_a_handoff_that_has_only_a_name_is_saved_with_it():
    plan = Plan(handoff=HandOff(kind="handoff", label="as a web server does it"))

    assert from_json(to_json(plan)).labels == plan.labels


def test_merging_keeps_all_edits_in_order():
    merged = merge(Plan((Cut(9),)), Plan((Cut(1),)), Plan((Pause(0, 1),)))

    assert merged.edits == (Cut(9), Cut(1), Pause(0, 1))


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        pytest.param(Head(), Head(status=500), Head(status=500), id="only-the-second"),
        pytest.param(Head(status=500), Head(), Head(status=500), id="only-the-first"),
        pytest.param(
            Head(status=500, case="lower"),
            Head(status=204, framing="close"),
            Head(status=204, framing="close", case="lower"),
            id="the-last-choice-of-each-part",
        ),
        pytest.param(
            Head(fields=(("A", "1"), ("B", "1"))),
            Head(fields=(("b", "2"), ("b", "3"))),
            Head(fields=(("A", "1"), ("b", "2"), ("b", "3"))),
            id="fields-are-parts-by-name",
        ),
        pytest.param(
            Head(trailers=(("A", "1"),)),
            Head(trailers=(("a", "2"),)),
            Head(trailers=(("a", "2"),)),
            id="trailers-too",
        ),
        pytest.param(
            Head(pad=3, empty_end=True),
            Head(pad=0),
            Head(pad=0, empty_end=True),
            id="padding-of-0-is-a-choice",
        ),
    ],
)
def test_merging_heads(first, second, merged):
    assert merge(Plan(head=first), Plan(head=second)).head == merged


def test_merged_heads_say_both_kinds():
    one, two = Head(status=500, kind="b", label="B"), Head(case="lower", kind="a", label="A")
    merged = merge(Plan(head=one), Plan(head=two))

    assert (merged.kinds, merged.labels) == (("a+b",), ("B; A",))


def test_boundaries_are_kept_only_if_every_plan_keeps_them():
    merged = merge(Plan(), Plan(keep_chunks=False), Plan(keep_times=False))

    assert (merged.keep_chunks, merged.keep_times) == (False, False)


def test_kinds_and_labels():
    assert EVERYTHING.kinds[:3] == ("cut", "cut.head", "cut.slice")
    assert EVERYTHING.labels[:2] == ("cut", "inside a chunk head")
    assert (Plan().kinds, Plan().labels) == ((), ())
