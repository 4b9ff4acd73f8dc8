"""docs/rules.md says what the code does."""

from pathlib import Path

from replayfuzz.dialects import rulings
from replayfuzz.formats.sse_deviations import DEVIATIONS
from replayfuzz.invariants import INVARIANTS
from replayfuzz.report.rules import ACCEPTED, rules

PAGE = Path(__file__).parent.parent / "docs" / "rules.md"


def test_the_page_is_in_step_with_the_rules():
    assert PAGE.read_text() == rules(), "python -m replayfuzz.report.rules > docs/rules.md"


def test_every_rule_and_choice_has_a_row():
    page = rules()

    for rule in INVARIANTS:
        assert f"| `{rule.id}` | {rule.requirement} |" in page
    assert rulings.NO_TERMINAL.name in page
    for name, deviation in DEVIATIONS.items():
        assert f"| `{name}` | {deviation.words} | {deviation.clause} |" in page
    assert page.count("\n| ") == len(INVARIANTS) + len(_choices()) + len(DEVIATIONS) + 6


def test_nothing_is_accepted_of_a_rule_that_is_not_there():
    assert ACCEPTED.keys() <= {rule.id for rule in INVARIANTS}


def _choices():
    return [value for value in vars(rulings).values() if isinstance(value, rulings.Choice)]
