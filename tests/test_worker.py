"""The adapter's side of worker protocol v1."""

import base64
import json
import subprocess
import sys

import pytest

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Plan
from replayfuzz.search import asked
from replayfuzz.search.case import Case
from replayfuzz.worker import Call, Run, Truncated, call_from_json, failure

CALL = Call("sse", "default", 1.0, {})
TEXT = {"type": "text", "text": "Hel"}

ADAPTER = """
import os, sys
from replayfuzz.worker import serve

def adapter(call):
    print("a chatty library")
    os.write(1, b"even a C library\\n")
    assert sys.stdin.read() == ""
    if call.variant == "odd":
        yield {"type": "text", "text": object()}
    if call.variant == "huge":
        value = []
        for _ in range(100_000):
            value = [value]
        yield {"type": "record", "value": value}
    if call.variant == "surrogate":
        yield {"type": "text", "text": "\\ud83d"}
    for piece in call.pieces:
        yield {"type": "text", "text": piece.decode()}

serve(adapter, name="n", version="1", dialects=("sse",), variants=("v",), memory=True)
"""


def answers(*requests):
    """Run ADAPTER on *requests*; return its ready line, its answers, its stderr."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(
        [sys.executable, "-c", ADAPTER], input=lines.encode(), capture_output=True, check=True
    )
    ready, *rest = (json.loads(line) for line in done.stdout.splitlines())
    return ready, rest, done.stderr


def request(number, variant="v"):
    pieces = [base64.b64encode(piece).decode() for piece in (b"Hel", b"lo")]
    return {"id": number, "dialect": "sse", "variant": variant, "timeout": 1, "pieces": pieces}


def test_the_protocol_survives_a_chatty_library():
    """Whatever is printed, in Python or below it, goes to standard error."""
    ready, (first, second), stderr = answers(request(7), request(8))

    assert ready == {
        "ready": 1, "name": "n", "version": "1", "dialects": ["sse"], "variants": ["v"],
        "memory": True, "unix": False, "ahead": True, "cuts": True, "sweep": True,
    }  # fmt: skip
    assert [event["text"] for event in first["events"]] == ["Hel", "lo"]
    assert (first["id"], first["end"], second["id"]) == (7, "complete", 8)
    assert b"a chatty library" in stderr
    assert b"even a C library" in stderr


def sweep(number, variant="v"):
    body = base64.b64encode(b"Hello").decode()
    cuts = [[], [3], [1, 3], [3], []]
    asked = {**request(number, variant), "body": body, "sweep": cuts}
    return {name: value for name, value in asked.items() if name != "pieces"}


def test_a_body_that_is_cut_in_many_ways_is_answered_where_it_differs():
    _, (swept, single), _ = answers(sweep(7), request(8))

    assert swept["id"] == 7
    assert [each["first"] for each in swept["sweep"]] == [0, 1, 2]
    assert [[event["text"] for event in each["events"]] for each in swept["sweep"]] == [
        ["Hello"], ["Hel", "lo"], ["H", "el", "lo"],
    ]  # fmt: skip
    assert {**swept["sweep"][1], "cpu": single["cpu"], "id": 8} == {
        **single, "first": 1, "events": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}],
    }  # fmt: skip


def test_values_that_have_no_json_are_told_of_a_sweep_too():
    _, (swept, after), _ = answers(sweep(7, "huge"), request(8))

    assert [(each["first"], each["end"]) for each in swept["sweep"]] == [(0, "error")]
    assert after["end"] == "complete"


def test_values_that_have_no_json_do_not_end_the_worker():
    _, (odd, huge, surrogate), _ = answers(
        request(1, "odd"), request(2, "huge"), request(3, "surrogate")
    )

    assert odd["events"][0]["text"].startswith("<object object")
    assert (huge["id"], huge["error"]["type"]) == (2, "RecursionError")
    assert surrogate["events"][0]["text"] == "\ud83d"


def test_a_call_is_read_with_its_pieces():
    call = call_from_json(
        {**request(1), "status": 500, "fields": [["A", "b"]], "ending": "incomplete"}
    )

    assert (call.pieces, call.status, call.fields) == ((b"Hel", b"lo"), 500, (("A", "b"),))
    assert not call.complete


def test_a_call_over_a_socket_has_no_pieces():
    call = call_from_json({"dialect": "sse", "variant": "v", "timeout": 1, "url": "http://h/t/x"})

    assert (call.pieces, call.url) == (None, "http://h/t/x")


def test_events_are_stamped_in_order():
    answer = Run(lambda call: iter([dict(TEXT), dict(TEXT)]))(CALL)

    times = [event["t"] for event in answer["events"]]
    assert times == sorted(times)
    assert answer["cpu"] >= 0


def test_async_adapters_share_one_loop():
    import asyncio

    loops = []

    async def adapter(call):
        loops.append(asyncio.get_running_loop())
        yield dict(TEXT)

    run = Run(adapter)
    assert [run(CALL)["end"], run(CALL)["end"]] == ["complete", "complete"]
    assert loops[0] is loops[1]
    loops[0].close()
    asyncio.set_event_loop(None)


@pytest.mark.parametrize("fault", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_whatever_is_raised_ends_the_call_and_keeps_its_events(fault):
    def adapter(call):
        yield dict(TEXT)
        raise fault

    answer = Run(adapter)(CALL)

    assert (answer["end"], answer["events"][0]["text"]) == ("error", "Hel")
    assert answer["error"]["type"] == type(fault).__name__


def test_a_reader_can_say_that_the_stream_stopped_early():
    def adapter(call):
        yield dict(TEXT)
        raise Truncated("half of it")

    answer = Run(adapter)(CALL)

    assert (answer["end"], answer["error"]["message"]) == ("truncated", "half of it")


def test_an_error_names_its_class_cause_and_frame():
    """The frame is the library's innermost one, not that of what it calls, nor the adapter's."""

    def adapter(call):
        yield dict(TEXT)
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("bad stream") from error

    by_library = Run(adapter, "json")(CALL)["error"]
    assert by_library["type"] == "RuntimeError"
    assert by_library["message"].startswith("bad stream <- Expecting property name")

    def direct(call):
        yield json.loads("{")

    error = Run(direct, "json")(CALL)["error"]
    assert error["type"] == "json.decoder.JSONDecodeError"
    assert error["frame"].startswith("json.decoder:")


def test_a_ring_of_causes_ends():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    assert failure(one)["message"] == "one <- other"


@pytest.mark.parametrize("edges", [(), (1,), (1, 2, 3), (4, 9)])
@pytest.mark.parametrize("body", [b"data: \xff\n\n", b""])
def test_a_body_with_its_cuts_is_the_same_as_its_pieces(body, edges):
    case = Case(Exchange("x", "sse", body=body), Plan(tuple(map(Cut, edges if body else ()))))
    by_cuts, by_pieces = (
        call_from_json(json.loads(asked.in_memory(case, 1.0, cuts=cuts).text))
        for cuts in (True, False)
    )

    assert by_cuts == by_pieces
    assert by_cuts.pieces == case.bent.pieces
