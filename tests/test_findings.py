"""Folders of findings: whole or not at all, and readable again."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import vcr

from replayfuzz import findings
from replayfuzz.cassette import Exchange, Request
from replayfuzz.errors import PlanError, StoreError, UsageError
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, Plan, Splice
from replayfuzz.transcript import Delivery
from tests.readers import raw

CUT = Cut(7, kind="cut.utf8", label="split inside U+00E9")


def finding(**changes):
    values: dict[str, Any] = {
        "target": "a target",
        "invariant": "valid-utf8",
        "outcome": "failed",
        "expected": "é",
        "observed": "��",
        "shape": "text replaced by U+FFFD",
        "exchange": raw("cassette"),
        "plan": Plan((CUT,), keep_chunks=False, keep_times=False),
        "variants": ("sync", "async"),
        "delivery": Delivery("tcp", 2, 2),
        "shown_over": "tcp",
    }
    return Finding(**values | changes)


def test_a_finding_comes_back_as_it_was(tmp_path):
    folder = findings.save(finding(), tmp_path)
    back = findings.load(folder)

    assert sorted(path.name for path in folder.iterdir()) == sorted(findings.FILES)
    assert (back.id, back.plan, back.words) == (finding().id, finding().plan, finding().words)
    assert back.exchange.body == finding().exchange.body
    assert (back.variants, back.delivery) == (finding().variants, finding().delivery)


@pytest.mark.parametrize("body", [b"data: \xff\xfe\r\n\r\n", b"", "data: \x85é\n\n".encode()])
def test_any_bytes_survive(tmp_path, body):
    plan = Plan((Splice(0, 0, b"\xffx"),), keep_chunks=False, keep_times=False)
    folder = findings.save(finding(exchange=Exchange("x", "sse", body=body), plan=plan), tmp_path)
    back = findings.load(folder)

    assert (back.exchange.body, back.plan) == (body, plan)


def test_secrets_of_heads_and_request_are_not_saved_and_the_body_stays(tmp_path):
    told = replace(
        raw("cassette", "data: to bob@example.com, héllo\n\n"),
        request=Request(
            url="http://127.0.0.1/?key=topsecret1",
            fields=(("authorization", "Bearer topsecret2"),),
            body=b'{"api_key":"topsecret3"}',
        ),
        fields=(("set-cookie", "sid=topsecret4"), ("content-type", "text/event-stream")),
        trailers=(("x-request-id", "topsecret5"),),
    )
    folder = findings.save(finding(exchange=told), tmp_path)

    for file in folder.iterdir():
        assert "topsecret" not in file.read_text()
    assert findings.load(folder).exchange.body == told.body


def test_the_same_finding_again_replaces_its_files(tmp_path):
    first = findings.save(finding(calls=1), tmp_path)
    (first / "notes of mine.txt").write_text("keep")
    second = findings.save(finding(calls=2), tmp_path)

    assert first == second
    assert findings.load(first).calls == 2
    assert (first / "notes of mine.txt").read_text() == "keep"
    assert findings.find(tmp_path) == (first,)


def test_vcr_itself_loads_the_cassette(tmp_path):
    folder = findings.save(finding(), tmp_path)
    with vcr.use_cassette(str(folder / "cassette.yaml"), record_mode="none") as cassette:
        assert cassette.responses[0]["body"]["string"] == finding().exchange.body


def test_the_program_beside_it_needs_nothing(tmp_path):
    folder = findings.save(finding(), tmp_path)
    code = f"import ast, sys; ast.parse(open({str(folder / 'repro.py')!r}).read())"

    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        pytest.param("finding.json", "{", UsageError, id="cut-short"),
        pytest.param("finding.json", "{}", UsageError, id="not-a-finding"),
        pytest.param("plan.json", "[]", PlanError, id="not-a-plan"),
        pytest.param(
            "plan.json",
            json.dumps({"version": 1, "edits": [{"edit": "cut", "at": 999}]}),
            PlanError,
            id="a-plan-for-another-stream",
        ),
    ],
)
def test_a_damaged_folder_is_told(tmp_path, name, text, error):
    folder = findings.save(finding(), tmp_path)
    (folder / name).write_text(text)

    with pytest.raises(error):
        findings.load(folder)


def test_a_folder_that_is_none_is_told_with_what_to_do(tmp_path):
    with pytest.raises(UsageError, match=r"not a finding.*findings/<target>/<id>"):
        findings.load(tmp_path)


def test_a_file_of_the_folder_names_it(tmp_path):
    folder = findings.save(finding(), tmp_path)

    assert findings.load(folder / "repro.py").id == finding().id


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="another folder"):
        findings.save(finding(), tmp_path / "file")


@pytest.mark.parametrize("target", ["../../etc/x", "/abs", "..", "a/b"])
def test_no_name_of_a_target_leads_out_of_the_folder(tmp_path, target):
    folder = findings.save(finding(target=target), tmp_path / "findings")

    assert (tmp_path / "findings") == folder.parent.parent
