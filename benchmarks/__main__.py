"""Every row as one table: ``python -m benchmarks [--json] [--quick] [ROW…]``, such as ``F2 P13``.

Each file runs in a process of its own, one after the other, so that none disturbs the next.
``--quick`` takes fewer examples. F1 and F7 last a quarter of an hour: they run when named.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row, print_table, to_json

ROOT = Path(__file__).resolve().parents[1]
FILES: dict[str, tuple[str, ...]] = {
    "accuracy": ("F2", "F3", "F4", "F5"),
    "oracle": ("F6",),
    "search": ("P1", "P2", "P3", "P16", "P17"),
    "sdk": ("P4",),
    "sweep": ("P4J",),
    "fidelity": ("P5", "P6", "P7", "P8"),
    "handoffs": ("P11",),
    "frames": ("P13",),
    "streams": ("P9", "P12"),
    "start": ("P14", "P15"),
    "recording": ("R1", "R2", "R3", "R4"),
    "faults": ("F7",),
    "knownbugs": ("F1",),
}
ALONE = ("faults", "knownbugs")
"""Files that run only when a row of theirs is named."""


def measured(name: str, options: list[str]) -> list[Row]:
    """The rows of one file, or one that says why there are none."""
    ids = FILES[name]
    print(f"measuring {', '.join(ids)} (benchmarks/{name}.py)", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    try:
        told = json.loads(done.stdout)
        rows = told["rows"] if isinstance(told, dict) else told
        return [Row(**{key: row[key] for key in row if key != "held"}) for row in rows]
    except (ValueError, TypeError):
        why = f"benchmarks/{name}.py ended with {done.returncode}"
        return [Row(each, "not measured", None, "", note=why) for each in ids]


def main(words: list[str]) -> int:
    wanted = [word.upper() for word in words if not word.startswith("-")]
    known = [row for rows in FILES.values() for row in rows]
    if unknown := [word for word in wanted if word not in known]:
        print(f"there is no row {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    options = ["--quick"] if "--quick" in words else []
    rows: list[Row] = []
    for name, ids in FILES.items():
        chosen = [row for row in ids if row in wanted]
        if chosen or (not wanted and name not in ALONE):
            rows += measured(name, options if name in ALONE else [*options, *chosen])
    rows = [row for row in rows if not wanted or row.id in wanted]
    print(to_json(rows)) if "--json" in words else print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
