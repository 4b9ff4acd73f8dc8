"""The shape of a measurement, shared by every file here: rows in, one table out.

A benchmark is a module with ``rows() -> list[Row]``; as a script it prints them
(``--json``: for machines). A row that misses its bar is printed as missed, never dropped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its bar.

    Attributes:
        id: Row of BENCHMARKS.md, such as ``P5``.
        what: What was measured, in words.
        value: The figure (a median, where there were several runs); None: not measured.
        unit: Of *value* and *bar*: ``x`` (a ratio), ``%``, ``µs``, …
        bar: What it is held against; None: there for the reader only.
        at_least: The bar is a lower bound; False: an upper one.
        note: How it was measured, or why it was not.
    """

    id: str
    what: str
    value: float | None
    unit: str
    bar: float | None = None
    at_least: bool = True
    note: str = ""

    @property
    def held(self) -> bool | None:
        """Whether the bar was reached; None: there is no bar, or no figure."""
        if self.bar is None or self.value is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def print_table(rows: list[Row]) -> None:
    """Print *rows* for people."""
    width = max((len(row.what) for row in rows), default=0)
    for row in rows:
        value = "not measured" if row.value is None else f"{row.value:.4g} {row.unit}"
        sign = "≥" if row.at_least else "≤"
        bar = "" if row.bar is None else f"{sign} {row.bar:g} {row.unit}"
        word = {True: "ok", False: "MISSED", None: ""}[row.held]
        line = f"{row.id:4} {row.what:{width}} {value:>14} {bar:>12}  {word:6} {row.note}"
        print(line.rstrip())


def to_json(rows: list[Row]) -> str:
    """Return *rows* as a JSON list of objects, each with ``held``."""
    return json.dumps([{**asdict(row), "held": row.held} for row in rows], ensure_ascii=False)


def main(measure: Callable[[], list[Row]]) -> None:
    """Measure and print: what a benchmark does when it is run as a script."""
    rows = measure()
    print(to_json(rows)) if "--json" in sys.argv[1:] else print_table(rows)
