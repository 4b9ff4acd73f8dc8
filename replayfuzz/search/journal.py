"""Every case is on disk before it is sent, so that a crash of ours loses nothing.

One small file for each process that searches, with the cases of the moment in it. It is
removed at a clean end; one that is left, and whose process is gone, names the cases that
were being sent when the run died.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from replayfuzz import plan as plans
from replayfuzz.errors import PlanError
from replayfuzz.plan import Cut, Edit, Head, Plan
from replayfuzz.search.case import Case
from replayfuzz.store import alive, clear_drafts
from replayfuzz.strategies import Way

FOLDER = ".journal"
_TRIES = 20  # far more than runs that end while one begins
SIZE = 4096  # bytes that the file has from the beginning: a case rarely needs more


@dataclass(frozen=True, slots=True)
class Left:
    """What a run that died was doing.

    Attributes:
        target, variant, exchange: Names.
        plan: The bend that was being sent.
        seed: Of that run.
        ways: In how many ways the bent stream was being cut; 0: as the plan says.
    """

    target: str
    variant: str
    exchange: str
    plan: Plan
    seed: int
    ways: int = 0


class Journal:
    """Notes the cases of the moment; costs a few microseconds each.

    Where the folder cannot be written, nothing is noted: the findings store tells the user.
    """

    def __init__(self, folder: Path | None, seed: int) -> None:
        self._seed = seed
        self._file = -1
        self._path: Path | None = None
        if folder is None:
            return
        path = folder / FOLDER / str(os.getpid())
        try:
            self._file = _made(path)
            os.posix_fallocate(self._file, 0, SIZE)
        except OSError:
            self.close()
        else:
            self._path = path

    def note(self, target: str, cases: Sequence[Case]) -> None:
        """Write down that *cases* are sent to *target* now."""
        if self._file >= 0:
            self._write("".join([f"{self._told(target, case)}}}\n" for case in cases]))

    def note_sweep(self, target: str, case: Case, ways: Sequence[Way]) -> None:
        """Write down that the stream of *case* is cut in all of *ways* now."""
        if self._file >= 0:
            told = ",".join([str([*way]) for way in ways])
            self._write(f'{self._told(target, case)},"sweep":[{told}]}}\n')

    def _told(self, target: str, case: Case) -> str:
        return (
            f'{{"target":"{target}","seed":{self._seed},"variant":"{case.variant}",'
            f'"exchange":{json.dumps(case.exchange.name)},{_plan(case.plan)}'
        )

    def _write(self, lines: str) -> None:
        try:
            os.pwrite(self._file, f"{lines}\n".encode(), 0)
        except OSError:  # a full disk must not end the run
            self.close()

    def close(self) -> None:
        """A clean end: nothing is left behind."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            _tidy(self._path.parent)
            self._path = None


def _made(path: Path) -> int:
    """Make the file. Another run that ends at this moment may take the empty folder away."""
    for _ in range(_TRIES):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    raise FileNotFoundError(path)


def _tidy(journals: Path) -> None:
    with contextlib.suppress(OSError):  # not empty: the journal of another run
        journals.rmdir()


def recover(folder: Path) -> tuple[Left, ...]:
    """What dead runs left in *folder*; their journals and drafts are removed."""
    clear_drafts(folder)
    left = []
    journals = folder / FOLDER
    for path in sorted(journals.glob("[0-9]*")):
        if alive(int(path.name)):
            continue
        try:
            # An empty line ends the cases of the moment; behind it are parts of earlier ones.
            lines = path.read_bytes().split(b"\n\n", 1)[0].split(b"\n")
            path.unlink()
        except OSError:
            continue
        left += [found for found in map(_read, lines) if found is not None]
    _tidy(journals)
    return tuple(left)


def _plan(plan: Plan) -> str:
    """The plan as the end of a JSON object. Most plans are a few Cuts, which are spelt here."""
    if plan.head == _PLAIN and all(type(edit) is Cut for edit in plan.edits):
        edits = ",".join(map(_cut, plan.edits))
        return f'"plan":{{"version":1,"edits":[{edits}],{_KEEP}}}'
    return f'"plan":{json.dumps(plans.to_json(plan))}'


def _cut(edit: Edit) -> str:
    layer = getattr(edit, "layer", "write")
    return f'{{"edit":"cut","at":{edit.at},"layer":"{layer}"}}'


def _read(line: bytes) -> Left | None:
    try:
        value = json.loads(line)
        target, variant, exchange = (str(value[k]) for k in ("target", "variant", "exchange"))
        bend, ways = plans.from_json(value["plan"]), len(value.get("sweep", ()))
        return Left(target, variant, exchange, bend, int(value["seed"]), ways)
    except (ValueError, KeyError, TypeError, PlanError):
        return None


_PLAIN = Head()
_KEEP = '"keep_chunks":false,"keep_times":false'
