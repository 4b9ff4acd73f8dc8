"""The case of the moment is on disk before it is sent."""

import json
import os
import subprocess
import sys
import time

import pytest

from replayfuzz.plan import Cut, End, Head, Plan, Splice, to_json
from replayfuzz.search.case import Case
from replayfuzz.search.journal import FOLDER, Journal, Left, recover
from tests.readers import raw

PLANS = [
    pytest.param(Plan((Cut(3), Cut(9, "tcp")), keep_chunks=False, keep_times=False), id="cuts"),
    pytest.param(Plan((Splice(3, 1, b"\xff\n"), End(5, "fin")), keep_times=False), id="splices"),
    pytest.param(Plan(head=Head(status=500, fields=(("A", "ü"),))), id="head"),
]


def noted(folder):
    [path] = (folder / FOLDER).iterdir()
    return path


def dead():
    """The id of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("plan", PLANS)
def test_what_a_dead_run_was_sending_is_told(tmp_path, plan):
    journal = Journal(tmp_path, 7)
    journal.note("a-target", [Case(raw("a stream"), plan, "sync")])
    noted(tmp_path).rename(tmp_path / FOLDER / str(dead()))

    assert recover(tmp_path) == (Left("a-target", "sync", "a stream", plan, 7),)
    assert recover(tmp_path) == ()


def test_of_a_sweep_that_a_dead_run_was_making_the_bend_and_the_ways_are_told(tmp_path):
    plan = Plan((Splice(0, 0, b"ab"),), keep_chunks=False, keep_times=False)
    journal = Journal(tmp_path, 7)
    journal.note_sweep("t", Case(raw("a stream"), plan), [(), (3,), (1, 2)])
    noted(tmp_path).rename(tmp_path / FOLDER / str(dead()))

    assert recover(tmp_path) == (Left("t", "default", "a stream", plan, 7, ways=3),)


def test_a_shorter_case_leaves_nothing_of_a_longer_one(tmp_path):
    journal = Journal(tmp_path, 0)
    for count in (40, 1):
        journal.note("t", [Case(raw(), Plan(tuple(map(Cut, range(count)))))])
    line = noted(tmp_path).read_bytes().split(b"\n")[0]

    assert len(json.loads(line)["plan"]["edits"]) == 1


def test_cases_that_are_sent_at_once_are_all_told_and_no_earlier_ones(tmp_path):
    journal = Journal(tmp_path, 0)
    for names in (["a", "b", "c"], ["d", "e"]):
        journal.note("t", [Case(raw(name), Plan()) for name in names])
    noted(tmp_path).rename(tmp_path / FOLDER / str(dead()))

    assert [left.exchange for left in recover(tmp_path)] == ["d", "e"]


def test_a_run_that_lives_is_left_alone(tmp_path):
    journal = Journal(tmp_path, 0)
    journal.note("t", [Case(raw(), Plan())])

    assert recover(tmp_path) == ()
    assert noted(tmp_path).name == str(os.getpid())


def test_a_clean_end_leaves_nothing(tmp_path):
    journal = Journal(tmp_path, 0)
    journal.note("t", [Case(raw(), Plan())])
    journal.close()

    assert not (tmp_path / FOLDER).exists()


def test_garbage_in_the_folder_is_no_reason_to_fail(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / str(dead())).write_bytes(b'{"target": "cut sho')

    assert recover(tmp_path) == ()


def test_a_folder_that_cannot_be_written_costs_the_journal_only(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file", 0)
    journal.note("t", [Case(raw(), Plan())])
    journal.close()


@pytest.mark.parametrize("plan", PLANS)
def test_the_short_form_is_the_plan(tmp_path, plan):
    journal = Journal(tmp_path, 0)
    journal.note("t", [Case(raw(), plan)])
    shown = json.loads(noted(tmp_path).read_bytes().split(b"\n")[0])["plan"]
    for edit in shown["edits"]:
        edit.setdefault("layer", "write")
    whole = json.loads(json.dumps(to_json(plan)))
    for edit in whole["edits"]:
        edit.setdefault("layer", "write")
    whole.setdefault("head", {})
    shown.setdefault("head", {})

    assert shown == whole


def test_it_is_cheap(tmp_path):
    """Of the order of 20 µs; the bound allows for a busy machine."""
    journal = Journal(tmp_path, 0)
    case = Case(raw(), Plan(tuple(map(Cut, range(4))), keep_chunks=False, keep_times=False))
    times = []
    for _ in range(200):
        began = time.perf_counter()
        journal.note("t", [case])
        times.append(time.perf_counter() - began)

    assert min(times) < 100e-6
