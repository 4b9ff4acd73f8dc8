"""docs/matrix.md: which rule each target broke in one run of ``fuzz --all``.

``make matrix`` makes both: the run, and from its JSON this page. The counts of a run depend on its
time and seed; what was looked at by a person is in docs/findings.md.

``python -m benchmarks.matrix RUN.json [--write]``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from replayfuzz.invariants import INVARIANTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "matrix.md"
HELD, MILD = "·", "~"

Told = Mapping[str, Any]
"""The JSON of ``fuzz``."""


def page(run: Told) -> str:
    """The page, as Markdown."""
    return "\n".join([*_lines(run), ""])


def _lines(run: Told) -> Iterator[str]:
    ran = [target for target in run["targets"] if not target["skipped"]]
    ran.sort(key=lambda target: target["name"])
    rules = [
        rule.id for rule in INVARIANTS if any(_cell(run, each, rule.id) != HELD for each in ran)
    ]
    examples = sum(target["examples"] for target in ran)
    seconds = sum(target["seconds"] for target in ran)
    yield "# Targets and rules\n"
    yield "Made by `make matrix` from one run of `replayfuzz fuzz --all` with the newest releases,"
    yield f"seed {run['seed']}, {examples:,} examples in {seconds:.0f} s for all. A number: so"
    yield "many findings of class *failed*, none looked at by a person;"
    yield f"`{MILD}`: milder deviations, or accepted; `{HELD}`: nothing seen. Rules that nothing"
    yield "broke are left out. Verified findings:"
    yield "[findings.md](findings.md); rules: [rules.md](rules.md).\n"
    yield _row("Target", "Release", "Examples", *(f"`{rule}`" for rule in rules))
    yield _row(*["---"] * (3 + len(rules)))
    for target in ran:
        cells = (_cell(run, target, rule) for rule in rules)
        yield _row(target["name"], target["version"], f"{target['examples']:,}", *cells)
    skipped = [target for target in run["targets"] if target["skipped"]]
    if skipped:
        yield "\nSkipped:\n"
    for target in skipped:
        yield f"- {target['name']}: {target['skipped'].splitlines()[0]}"


def _cell(run: Told, target: Told, rule: str) -> str:
    mine = [each for each in run["findings"] if each["target"] == target["name"]]
    failed = Counter(each["invariant"].partition("/")[0] for each in mine if not each["flaky"])
    if failed[rule]:
        return str(failed[rule])
    mild = {each["invariant"].partition("/")[0] for each in target["deviations"]}
    return MILD if rule in mild else HELD


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matrix")
    parser.add_argument("run", type=Path, help="what `fuzz --all --format json -o RUN` wrote")
    parser.add_argument("--write", action="store_true", help="write docs/matrix.md")
    given = parser.parse_args()
    text = page(json.loads(given.run.read_text(encoding="utf-8")))
    if given.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
