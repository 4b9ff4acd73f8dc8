"""docs/findings.md says what its folders hold, and claims nothing without one."""

from pathlib import Path

import pytest

from benchmarks.findings import PAGE, page, published
from replayfuzz import declared

FOUND = published()


def test_the_page_is_in_step_with_its_folders():
    assert PAGE.read_text() == page(FOUND), "python -m benchmarks.findings --write"


@pytest.mark.parametrize("each", FOUND, ids=lambda each: each.folder.name)
def test_a_claim_was_confirmed_over_a_socket_and_cites_its_clause(each):
    """What only memory delivery showed, broke at some tries only, or is accepted is no claim."""
    finding = each.finding
    # Time is measured in memory, where nothing else takes any.
    over = "memory" if finding.invariant.startswith("linear-time") else "tcp"
    assert (finding.shown_over, finding.flaky, finding.accepted) == (over, False, "")
    assert finding.outcome == "failed"
    assert finding.version
    assert declared.find(finding.target).package
    assert all((each.about.title, each.about.clause, each.about.happens, each.about.should))


@pytest.mark.parametrize("each", FOUND, ids=lambda each: each.folder.name)
def test_a_published_finding_names_no_place_of_the_machine_that_made_it(each):
    for file in each.folder.iterdir():
        assert str(Path.home()) not in file.read_text()
    assert each.finding.declaration == ""
