"""Where the recorded corpus and the vectors lie, when they lie beside the project."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

needs_shared = pytest.mark.skipif(
    not (SHARED / "corpus" / "INDEX.json").is_file(),
    reason="../shared (recorded corpus and vectors) is not beside this checkout",
)
