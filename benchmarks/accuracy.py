"""F2 to F5: does the search find what is there, blame nobody, and tell the same each time?"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, main
from replayfuzz import declared, dialects, environments, store
from replayfuzz.dialects.dialect import Ended
from replayfuzz.errors import MissingError
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut
from replayfuzz.search import Options, fuzz, fuzz_reader
from replayfuzz.search.job import Work, begin
from replayfuzz.search.order import scheduled
from replayfuzz.search.replay import again
from replayfuzz.target import Target
from replayfuzz.transcript import Transcript
from tests.planted import BUGS, acceptable, read

QUICK = "--quick" in sys.argv[1:]
EXAMPLES = 5_000 if QUICK else 100_000
REPLAYS = 5 if QUICK else 20
SEARCH = 10.0 if QUICK else 30.0  # seconds in which the findings for F5 are made
PATIENT = 2.0  # seconds of one replay beyond which a finding is replayed five times only


def planted() -> list[Row]:
    """F2: the fixed cases of the raw cassettes, in the order in which a campaign tries them."""
    began = time.process_time()
    streams = [one for one in store.shipped() if one.dialect == "sse"]
    left, tried = set(BUGS), 0
    for case in scheduled(streams, ("default",), 0):
        plan = case.plan
        if plan.head.coding is None and plan.head.status is None:
            tried += 1
            right = acceptable(case.exchange, plan)
            left = {bug for bug in left if read(case.exchange, plan, bug) in right}
        if not left:
            break
    spent = time.process_time() - began
    note = f"{tried} cases" + "".join(f"; not found: {bug}" for bug in sorted(left))
    return [
        Row("F2", "planted bugs found by the schedule", 20 - len(left), "", 20, note=note),
        Row("F2", "CPU for all of them, loading included", spent, "s", 2, at_least=False),
    ]


def alarms() -> list[Row]:
    """F3: readers that are known to be right, as a user would fuzz them."""
    return [_alarms("reference"), _alarms("eventsource-parser"), _alarms("eventsource")]


def _alarms(target: str) -> Row:
    what = f"false alarms on {target}, {EXAMPLES:,} examples"
    try:
        environments.installed(declared.find(target))
    except MissingError as missing:
        return Row("F3", what, None, "", 0, at_least=False, note=str(missing).splitlines()[0])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "replayfuzz", "fuzz", "--target", target]
        # With a time limit, cases that wait in vain are put off until they are affordable.
        given = ["--examples", str(EXAMPLES), "--time", "20m", "--jobs", "2", "--seed", "1"]
        began = time.monotonic()
        done = subprocess.run(
            [*command, *given, "--findings", folder, "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, 1):
        return Row("F3", what, None, "", 0, at_least=False, note=done.stderr.strip()[-200:])
    told = json.loads(done.stdout)
    failed = [one["id"] for one in told["findings"] if one["class"] == "failed"]
    tried = sum(target["examples"] for target in told["targets"])
    note = "; ".join([f"{tried:,} in {time.monotonic() - began:.0f} s", *failed])
    return Row("F3", what, len(failed), "", 0, at_least=False, note=note)


# -- F4: a character that is cut -------------------------------------------------------


def per_piece(dialect: str) -> Callable[[Iterable[bytes]], Transcript]:
    """A reader of *dialect* that is right, but decodes each piece on its own."""

    def decodes_each_piece(pieces: Iterable[bytes]) -> Transcript:
        texts = (piece.decode("utf-8", "replace").encode() for piece in pieces)
        return dialects.find(dialect).expect(tuple(texts), Ended())[0].transcript

    return decodes_each_piece


def split_character() -> list[Row]:
    """F4 for each dialect, the largest of all findings that need a split character."""
    found: list[Row] = []
    for dialect in ("sse", "openai.chat", "ollama.chat", "anthropic.messages"):
        streams = [one for one in store.shipped() if one.dialect == dialect]
        run = fuzz_reader(per_piece(dialect), streams, Options(None, 3000, 1, findings=None))
        split = [finding for finding in run.findings if finding.kinds == ("cut.utf8",)]
        bars = {"cuts": 1, "events": 2, "bytes": 60, "calls": 200}
        for name, bar in bars.items():
            value = max((_sizes(finding)[name] for finding in split), default=None)
            what = f"a split character in {dialect}: {name}"
            note = f"largest of {len(split)} findings" if name == "cuts" else ""
            found.append(Row("F4", what, value, "", bar, at_least=False, note=note))
    return found


def _sizes(finding: Finding) -> dict[str, int]:
    return {
        "cuts": sum(isinstance(edit, Cut) for edit in finding.plan.edits),
        "events": finding.events,
        "bytes": finding.body_bytes,
        "calls": finding.calls,
    }


# -- F5: the same each time ------------------------------------------------------------


def replayed() -> list[Row]:
    """F5: every finding of a run on the installed clients."""
    targets = [target for target in declared.all_targets() if _here(target)]
    run = fuzz(targets, store.shipped(), Options(SEARCH, seed=1, jobs=2, findings=None))
    sound = [finding for finding in run.findings if not finding.flaky]
    same, patient, odd = 0, 0, []
    for target in targets:
        attempt = begin(Work(target, environments.installed(target)))
        for finding in (one for one in sound if one.target == target.name):
            began = time.monotonic()
            answers = [again(finding, attempt).answer]
            waits = time.monotonic() - began > PATIENT
            patient += waits
            answers += [again(finding, attempt).answer for _ in range(4 if waits else REPLAYS - 1)]
            if set(answers) == {"fails"}:
                same += 1
            else:
                odd.append(f"{target.name}/{finding.id}: {answers.count('fails')}/{len(answers)}")
        attempt.close()
    share = 100 * same / len(sound) if sound else None
    flaky = len(run.findings) - len(sound)
    told = [f"{len(sound)} findings, {patient} of them wait and were replayed 5 times"]
    note = "; ".join([*told, f"{flaky} flaky ones left out", *odd])
    return [Row("F5", f"findings of which {REPLAYS} replays agree", share, "%", 100, note=note)]


def _here(target: Target) -> bool:
    try:
        environments.installed(target)
    except MissingError:
        return False
    return target.name != "reference"


PARTS = {"F2": planted, "F3": alarms, "F4": split_character, "F5": replayed}


def rows() -> list[Row]:
    """All of them, or those that the command line names."""
    wanted = [name for name in PARTS if name in sys.argv[1:]] or list(PARTS)
    return [row for name in wanted for row in PARTS[name]()]


if __name__ == "__main__":
    main(rows)
