"""docs/features.md: every row of the checklist is there, and what it names exists."""

import re
from pathlib import Path

import pytest

from tests.shared import SHARED, needs_shared

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| (S\d-\d\d) \| .* \| (proved|partly|open) \| ?(.*?) ?\|$",
    (ROOT / "docs" / "features.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)


@pytest.mark.parametrize(("row", "state", "proof"), ROWS, ids=[row for row, _, _ in ROWS])
def test_a_row_that_is_proved_names_files_that_exist(row, state, proof):
    named = re.findall(r"(?:tests|benchmarks|docs|replayfuzz)/[\w./-]*\w", proof)

    assert bool(proof) == (state != "open"), row
    assert all((ROOT / name).exists() for name in named), named


@needs_shared
def test_every_row_of_the_checklist_is_there():
    rows = re.findall(
        r"^\| (S\d-\d\d) ",
        (SHARED / "CHECKLIST.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )

    assert [row for row, _, _ in ROWS] == rows
