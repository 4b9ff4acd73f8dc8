"""A client is not blamed for what it said that it does not take."""

from dataclasses import replace

import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.plan import End, Head, Plan
from replayfuzz.search.case import Case, Oracle
from replayfuzz.target import Target
from replayfuzz.transcript import Delivery, Event, Failure, Transcript

STREAM = Exchange("s", "sse", body=b"data: a\n\n")
GZIP = Plan(head=Head(coding="gzip"))
TARGET = Target("t", "parser", ("t",), ("default",), ("sse",))
IDENTITY = b"POST / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n"
SILENT = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"

RAISED = {"end": "error", "error": Failure("E", "not text")}
GARBLED = {"events": (Event("sse", {"event": "message", "data": "\ufffd"}),)}


def verdict(plan, request, **seen):
    case = Case(STREAM, plan)
    told = Transcript(**seen, delivery=Delivery("tcp", request=request))
    return Oracle().judge(case, case.bent, told, TARGET)


@pytest.mark.parametrize("seen", [RAISED, GARBLED, {}], ids=["raised", "garbled", "nothing"])
def test_a_coding_that_the_client_did_not_ask_for_is_nobody_elses_fault(seen):
    assert verdict(GZIP, IDENTITY, **seen).outcome == "non-strict"
    assert verdict(GZIP, SILENT, **seen).outcome == "failed"
    assert verdict(Plan(), IDENTITY, **seen).outcome == "failed"


@pytest.mark.parametrize("end", ["crash", "hang"])
def test_it_has_to_come_to_an_end_all_the_same(end):
    seen = {"end": end, "error": Failure("E", "gone")}

    assert verdict(GZIP, IDENTITY, **seen).outcome == "failed"


def test_who_reads_it_all_the_same_reads_it_right():
    whole = {"events": (Event("sse", {"event": "message", "data": "a", "id": ""}),)}

    assert verdict(GZIP, IDENTITY, **whole).outcome == "ok"


@pytest.mark.parametrize(
    ("coding", "how", "outcome"),
    [("gzip", "fin", "non-strict"), (None, "fin", "failed"), ("gzip", "complete", "failed")],
)
def test_a_decoder_may_hold_back_what_a_broken_connection_cuts_off(coding, how, outcome):
    two = Exchange("s", "sse", body=b"data: a\n\ndata: b\n\n")
    case = Case(two, Plan((End(9, how),), Head(coding=coding)))
    seen = Transcript(delivery=Delivery("tcp", request=SILENT))
    if how == "fin":
        seen = replace(seen, end="error", error=Failure("E", "terminated"))

    assert Oracle().judge(case, case.bent, seen, TARGET).outcome == outcome
