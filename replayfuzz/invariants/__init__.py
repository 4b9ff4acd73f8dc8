"""The rules that every target keeps: ``judge``."""

from replayfuzz.invariants.fold import fold
from replayfuzz.invariants.invariant import Invariant
from replayfuzz.invariants.judge import compare, find, judge
from replayfuzz.invariants.request import request_fidelity
from replayfuzz.invariants.table import INVARIANTS
from replayfuzz.invariants.timing import PIECES, SIZES, Sample, incremental, time_rule

__all__ = [
    "INVARIANTS",
    "PIECES",
    "SIZES",
    "Invariant",
    "Sample",
    "compare",
    "find",
    "fold",
    "incremental",
    "judge",
    "request_fidelity",
    "time_rule",
]
