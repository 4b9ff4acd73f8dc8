import json
from dataclasses import replace

import pytest

from replayfuzz.errors import UsageError
from replayfuzz.finding import Bucket, blocks, from_json, to_json
from replayfuzz.plan import Cut, Plan
from replayfuzz.run import Run, TargetRun, key
from tests.findings import BODY, FINDING, MILD, ODD, RUN


@pytest.mark.parametrize("finding", [FINDING, ODD, MILD], ids=lambda finding: finding.invariant)
def test_a_finding_survives_its_json(finding):
    text = json.dumps(to_json(finding))

    assert from_json(json.loads(text), finding.exchange, finding.plan) == finding


def test_finding_json_has_what_a_reader_of_it_needs():
    value = to_json(FINDING)

    assert value["version"] == 1
    assert value["package_version"] == "1.16.1"
    assert value["class"] == "failed"
    assert value["edits"] == ["split inside U+00E9"]
    assert value["kinds"] == ["cut.utf8"]
    assert (value["events"], value["body_bytes"]) == (2, len(BODY))
    assert value["delivery"]["verified"] == 2


def test_the_id_is_readable_and_names_the_bug_not_the_example():
    again = replace(FINDING, observed="text: 'x'", seed=9, version="1.16.2", calls=3)
    other = replace(FINDING, shape="text doubled")

    assert FINDING.id.startswith("content-equal-utf8-")
    assert again.id == FINDING.id != other.id
    assert ODD.id == ODD.id.lower().replace("/", "-")


def test_the_id_is_the_same_in_every_run():
    """A folder found yesterday is the folder found today."""
    assert Bucket("t", "no-hang/open", "no answer").id == "no-hang-open-a6093e"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param([], "not an object", id="no-object"),
        pytest.param({**to_json(FINDING), "version": 2}, "newer replayfuzz", id="version"),
        pytest.param({**to_json(FINDING), "shape": None}, "lacks 'shape'", id="missing"),
        pytest.param({**to_json(FINDING), "class": "bad"}, "class 'bad'", id="class"),
        pytest.param({**to_json(FINDING), "seed": "x"}, "'seed' is 'x'", id="type"),
        pytest.param({**to_json(FINDING), "delivery": {}}, "'delivery'", id="delivery"),
    ],
)
def test_a_damaged_finding_says_where(value, message):
    with pytest.raises(UsageError, match=message):
        from_json(value, FINDING.exchange, FINDING.plan)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", [b"data: a\n\n", b"data: b\n\n"], id="lf"),
        pytest.param(b"data: a\r\nid: 1\r\n\r\nx", [b"data: a\r\nid: 1\r\n\r\n", b"x"], id="crlf"),
        pytest.param(b"a\r\rb\n\r\nc", [b"a\r\r", b"b\n\r\n", b"c"], id="cr-and-mixed"),
        pytest.param(b'{"a":1}\n{"b":2}', [b'{"a":1}\n', b'{"b":2}'], id="ndjson"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_blocks_are_events_for_people(body, parts):
    assert list(blocks(body)) == parts
    assert b"".join(blocks(body)) == body


@pytest.mark.parametrize(
    ("run", "status"),
    [
        pytest.param(RUN, 1, id="failed"),
        pytest.param(replace(RUN, findings=(MILD,)), 0, id="accepted"),
        pytest.param(replace(RUN, findings=(replace(FINDING, outcome="non-strict"),)), 0, id="mild"),
        pytest.param(replace(RUN, findings=()), 0, id="held"),
        pytest.param(replace(RUN, findings=(), errors=("no disk",)), 2, id="error"),
        pytest.param(Run(targets=(TargetRun("a", skipped="not there"),)), 2, id="nothing-ran"),
    ],
)  # fmt: skip
def test_the_exit_status_of_a_run(run, status):
    assert run.exit_status == status


def test_folders_are_found_by_target_and_id():
    assert RUN.folder(FINDING) == f"findings/{key(FINDING)}"
    assert RUN.folder(ODD) == ""


def test_a_finding_of_the_unbent_stream_has_no_words():
    assert replace(FINDING, plan=Plan()).words == ()
    assert replace(FINDING, plan=Plan((Cut(1),))).words == ("cut",)
