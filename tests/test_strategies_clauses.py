"""Every bend says why a reader has to cope with it."""

import pytest

from replayfuzz.plan import ENDINGS, Cut, End, Head, Plan, Slice
from replayfuzz.strategies import FAMILIES, clause, clauses
from replayfuzz.strategies.clauses import CLAUSES

WITHOUT = {
    "meaning.drop": "no provider loses an event: the oracle alone tells what is still a stream",
    "meaning.double": "no provider sends an event twice: likewise",
    "meaning.swap": "no provider swaps events: likewise",
}
"""Families without a clause, each with the reason for it."""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.id)
def test_every_family_has_its_clause_or_a_reason_for_having_none(family):
    assert bool(family.clause) is (family.id not in WITHOUT)


@pytest.mark.parametrize("how", ENDINGS)
def test_every_ending_has_its_clause(how):
    assert clause(f"end.{how}")


def test_no_clause_is_for_a_kind_that_nothing_has():
    known = {family.id for family in FAMILIES} | {f"end.{how}" for how in ENDINGS}
    shared = {"cut", "size", "time"}

    assert CLAUSES.keys() - shared <= known


def test_cuts_of_all_places_share_one_clause_and_come_last():
    plan = Plan(
        (Cut(1, kind="cut.utf8"), Slice(0), End(3, "fin", kind="end.fin")),
        Head(coding="gzip", kind="head.case+head.gzip"),
    )

    assert clauses(plan) == (
        clause("end.fin"),
        f"{clause('head.case')}; {clause('head.gzip')}",
        clause("cut"),
    )
    assert clauses(Plan()) == ()


def test_an_unknown_kind_has_none():
    assert clause("splice") == clause("own.kind") == clause("") == ""
