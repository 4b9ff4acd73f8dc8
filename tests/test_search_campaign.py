"""Whole runs: in this process on readers of our own, and on real workers."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest

from replayfuzz import declared, findings
from replayfuzz.cassette import Exchange
from replayfuzz.environments import Environment
from replayfuzz.errors import StartError
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, Plan
from replayfuzz.search import Found, News, Note, Options, Progress, fuzz, fuzz_reader, replay
from replayfuzz.search.buckets import told
from replayfuzz.search.campaign import _joined, split
from replayfuzz.search.job import Done, Job, Work
from replayfuzz.search.journal import FOLDER
from replayfuzz.search.parallel import PASSED_ON, _Gathered, _Mouth
from replayfuzz.target import Target
from tests.readers import per_piece, raw, right, strict, trying

HERE = Environment(sys.executable, "1.0")


def job(*readers, tell=None, until=None, streams=None, **options):
    """Run a job on functions of this process."""
    attempts = {reader.__qualname__: trying(reader) for reader in readers}
    works = [Work(attempt.target, HERE) for attempt in attempts.values()]
    chosen = Options(**{"seconds": None, "examples": 300, "findings": None, **options})
    running = Job(
        works, [raw()] if streams is None else streams, chosen, until, tell or (lambda news: None)
    )
    return running.run(lambda work: attempts[work.target.name])


def shown(done):
    return [(each.target, each.id, each.exchange.body, each.plan) for each in done.findings]


def test_a_right_reader_breaks_nothing():
    done = job(right, examples=1500)

    assert (shown(done), done.targets[0].examples) == ([], 1500)


def test_the_seed_decides_everything():
    assert shown(job(per_piece, seed=3)) == shown(job(per_piece, seed=3)) != []


def test_each_target_gets_its_own_findings():
    done = job(per_piece, strict, right)
    bodies = {(each.target, each.exchange.body) for each in done.findings}

    assert {target for target, _ in bodies} == {"per_piece", "strict"}
    assert ("per_piece", "data: é\n\n".encode()) in bodies


def test_a_finding_is_saved_the_moment_it_is_made(tmp_path):
    seen = []

    def tell(news):
        if isinstance(news, Found):
            seen.append(findings.load(findings.find(tmp_path)[0]).id)
            raise KeyboardInterrupt

    done = job(per_piece, tell=tell, findings=tmp_path)

    assert done.interrupted
    assert seen == [each.id for each in done.findings]
    assert not (tmp_path / FOLDER).exists()


def test_a_folder_that_cannot_be_written_is_an_error_and_loses_no_finding(tmp_path):
    (tmp_path / "file").write_text("")
    told: list[News] = []
    done = job(per_piece, tell=told.append, findings=tmp_path / "file")

    assert done.findings
    assert "another folder" in done.errors[0]
    assert any(isinstance(news, Found) and news.folder == "" for news in told)


def test_time_ends_a_run_and_is_shared():
    began = time.monotonic()
    told: list[News] = []
    done = job(right, per_piece, until=began + 1.0, examples=None, seconds=1.0, tell=told.append)
    seconds = [target.seconds for target in done.targets]

    assert time.monotonic() - began < 4.0
    assert min(seconds) > 0.2
    assert any(isinstance(news, Progress) and news.rate > 0 for news in told)


def test_a_target_that_does_not_start_is_skipped_and_says_why():
    told: list[News] = []

    def begin(work):
        raise StartError("it has no legs")

    target = trying(right).target
    done = Job([Work(target, HERE)], [raw()], Options(findings=None), None, told.append).run(begin)

    assert done.targets[0].skipped == "it has no legs"
    assert told == [Note("right: skipped: it has no legs")]


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"variants": ("nope",)}, "variant"), ({}, "stream of its dialects")],
)
def test_what_leaves_nothing_to_do_is_told(changes, word):
    streams = [raw()] if changes else []

    assert word in job(right, streams=streams, **changes).targets[0].skipped


def test_a_function_is_searched_in_one_call():
    run = fuzz_reader(per_piece, [raw()])

    assert run.exit_status == 1
    assert ("cut.utf8",) in [each.kinds for each in run.findings]
    assert fuzz_reader(right, [raw()]).exit_status == 0


@pytest.mark.parametrize(
    ("targets", "jobs", "parts"),
    [
        (1, 2, [[(0, 2)], [(1, 2)]]),
        (2, 2, [[(0, 1)], [(0, 1)]]),
        (3, 2, [[(0, 1), (0, 2)], [(0, 1), (1, 2)]]),
    ],
)
def test_every_part_of_every_target_is_done_by_somebody(targets, jobs, parts):
    works = [Work(trying(right).target, HERE) for _ in range(targets)]

    assert [[work.part for work in each] for each in split(works, jobs)] == parts


# -- real workers ----------------------------------------------------------------------


@pytest.fixture
def reference():
    return declared.find("reference")


@pytest.mark.slow
def test_reference_breaks_nothing(reference, tmp_path):
    options = Options(seconds=None, examples=150, findings=tmp_path)
    run = fuzz([reference], [raw()], options)

    assert [each.id for each in run.findings] == []
    assert (run.exit_status, run.targets[0].examples) == (0, 150)


@pytest.mark.slow
def test_two_jobs_do_the_examples_of_one(reference, tmp_path):
    run = fuzz([reference], [raw()], Options(seconds=None, examples=60, jobs=2, findings=tmp_path))

    assert (run.exit_status, run.targets[0].examples, run.errors) == (0, 60, ())


@pytest.mark.slow
def test_an_unknown_package_is_a_skip_and_no_run_is_exit_2(tmp_path):
    target = Target(
        "nope", "parser", ("sse",), ("default",), ("{python}",), package={"pypi": "no-such-package"}
    )
    run = fuzz([target], [raw()], Options(findings=tmp_path))

    assert run.exit_status == 2
    assert "not installed" in run.targets[0].skipped


def gone(group: int) -> bool:
    """Nobody of that process group is left; Python's own helper process takes a moment."""
    until = time.monotonic() + 5.0
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


PROGRAM = """
import sys
from pathlib import Path
from replayfuzz import declared
from replayfuzz.search import Options, Progress, fuzz
from tests.readers import raw

def tell(news):
    if isinstance(news, Progress):
        print("going", flush=True)

if __name__ == "__main__":
    options = Options(seconds=60.0, jobs=int(sys.argv[2]), findings=Path(sys.argv[1]))
    run = fuzz([declared.find("reference")], [raw()], options, tell)
    print(f"interrupted={run.interrupted} examples={run.targets[0].examples > 0}", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_run_cleanly(tmp_path, jobs, which):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    root = str(Path(__file__).resolve().parent.parent)
    process = subprocess.Popen(
        [sys.executable, program, tmp_path / "findings", str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "going\n"
    process.send_signal(which)
    out, err = process.communicate(timeout=30)

    assert "interrupted=True examples=True" in out
    assert (process.returncode, "Traceback" in err) == (0, False)
    assert not (tmp_path / "findings" / FOLDER).exists()
    assert gone(process.pid)


def test_a_replay_says_fails_fixed_or_unknown(reference, tmp_path):
    """A finding made on another reader is fixed as far as the reference is concerned."""
    done = job(per_piece, findings=tmp_path)
    finding = dataclasses.replace(done.findings[0], target="reference", shown_over="tcp")
    folder = findings.save(finding, tmp_path)
    fixed = replay(folder)

    assert (fixed.answer, fixed.exit_status) == ("fixed", 0)
    assert fixed.tries == (("tcp", 0, 3),)

    gone = dataclasses.replace(reference, command=("{python}", "-c", "raise SystemExit(3)"))
    unknown = replay(folder, target=gone)

    assert (unknown.answer, unknown.exit_status) == ("unknown", 2)


def test_an_interrupt_that_python_swallowed_ends_the_search_all_the_same():
    """Whatever is raised in a callback of the garbage collector is printed, and gone."""
    ours, theirs = Pipe()
    with ours, theirs:
        mouth = _Mouth(theirs)
        assert mouth.heard() == []
        with pytest.raises(KeyboardInterrupt):
            mouth.interrupt()
        with pytest.raises(KeyboardInterrupt):
            mouth.heard()


def test_processes_hear_of_findings():
    known = told(FINDING)
    ours, theirs = Pipe()
    with ours, theirs:
        gathered = _Gathered(lambda _: None)
        gathered.pass_on(FINDING, [ours])
        gathered.pass_on(dataclasses.replace(FINDING, flaky=True), [ours])

        assert _Mouth(theirs).heard() == [("lib", known)]


def test_one_cause_that_two_processes_told_at_once_is_one_finding():
    causes = ("no-data",)
    one = dataclasses.replace(FINDING, causes=causes, variants=("a",))
    two = dataclasses.replace(FINDING, shape="another", causes=causes, variants=("a", "b"))
    other = dataclasses.replace(FINDING, shape="a third")
    parts = [Done(findings=(one, other)), Done(findings=(two,))]

    joined = _joined(Options(), parts, []).findings

    assert joined == (dataclasses.replace(one, variants=("a", "b")), other)


def test_what_is_passed_on_never_waits_for_a_process_that_is_busy():
    ours, theirs = Pipe()
    with ours, theirs:
        gathered = _Gathered(lambda _: None)
        for _ in range(PASSED_ON + 50):
            gathered.pass_on(FINDING, [ours])

        assert len(_Mouth(theirs).heard()) == PASSED_ON


FINDING = Finding(
    *("lib", "no-error-on-valid-stream/Error", "failed", "this", "that", "raised Error" * 20),
    Exchange("one", "sse", body=b"data: a\n\n" * 99_999),
    Plan((Cut(1, kind="cut.text", label="split inside text"),)),
)
