"""show and diff: everything is told, nothing that a terminal would take for a command."""

import json
import re
from dataclasses import replace

import pytest

from replayfuzz import store
from replayfuzz.cassette import Exchange, Request
from replayfuzz.report.diff import PARTS, diff, diff_json, differences
from replayfuzz.report.meaning import meaning
from replayfuzz.report.paint import colours
from replayfuzz.report.show import show, spelt


def shipped(name):
    return next(exchange for exchange in store.shipped() if exchange.name == name)


PLAIN = shipped("openai.chat/plain")


def parts(a, b, only=PARTS):
    return [(item.part, item.what.split(" from ")[0]) for item in differences(a, b, only)]


# -- show ------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", store.shipped(), ids=lambda exchange: exchange.name)
def test_every_byte_and_boundary_is_shown(exchange):
    text = show(exchange, hex=True)
    shown = bytes.fromhex("".join(re.findall(r"(?m)^    [0-9a-f]{8}  (.{48})", text)))

    assert shown == exchange.request.body + exchange.body
    assert len(re.findall(r"(?m)^#\d+ [\d.]+ s byte \d+, \d+ bytes?$", text)) == len(
        exchange.chunks
    )
    assert "\x1b" not in text
    assert f"end at byte {len(exchange.body)}" in text


def test_a_terminal_is_given_no_commands():
    evil = "\x1b]0;owned\x07\u202e\x9b2J\r"
    exchange = Exchange(
        *(evil, "sse"),
        Request(evil, evil, ((evil, evil),), evil.encode()),
        reason=evil,
        fields=((evil, evil),),
        body=evil.encode(),
        chunks=((0.0, len(evil.encode())),),
        trailers=((evil, evil),),
        origin=((evil, evil),),
    )
    for text in (show(exchange, hex=True), diff([("x\x1b", differences(exchange, PLAIN))])):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_a_character_that_is_cut_in_two_is_shown_by_its_bytes():
    assert spelt("é€😀\\\n\t".encode()) == "é€😀\\\\\\n\\t"
    assert spelt("😀".encode()[:2]) + spelt("😀".encode()[2:]) == "\\xf0\\x9f\\x98\\x80"


def test_colours_change_nothing_but_colours():
    coloured = show(PLAIN, hex=True, paint=colours)

    assert re.sub(r"\x1b\[\d+m", "", coloured) == show(PLAIN, hex=True)
    assert coloured != show(PLAIN, hex=True)


def test_what_a_stream_says_is_told():
    assert meaning(shipped("openai.chat/tool-call")) == {
        "tool 0": 'get_weather({"city":"Z\\u00fcrich €"}) id call_1',
        "finish": "tool_calls",
        "model": '"gpt-4o-mini"',
        "end": "complete",
    }
    assert meaning(shipped("openai.chat/error"))["end"].startswith("error: ")
    assert "no dialect" in meaning(Exchange("x", "zz"))["end"]
    coded = replace(PLAIN, fields=(("Content-Encoding", "br"),))
    assert "cannot be decoded" in meaning(coded)["end"]


# -- diff ------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", store.shipped(), ids=lambda exchange: exchange.name)
def test_an_exchange_equals_itself_at_other_times(exchange):
    later = replace(
        exchange,
        chunks=tuple((seconds + 1, size) for seconds, size in exchange.chunks),
        origin=(("kind", "recorded"),),
    )
    assert differences(exchange, later) == ()


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"ending": "reset"}, [("meaning", "end"), ("boundaries", "ending")]),
        ({"framing": "close"}, [("boundaries", "framing")]),
        ({"protocol": "h2"}, [("boundaries", "protocol")]),
        (
            {"chunks": ((0.0, len(PLAIN.body)),)},
            [("boundaries", "chunks (5 and 1); ends that only one has")],
        ),
        ({"status": 201}, [("heads", "status")]),
        ({"fields": PLAIN.fields[1:]}, [("heads", "header content-type")]),
        ({"trailers": (("x", "1"),)}, [("heads", "trailer x")]),
        ({"request": replace(PLAIN.request, url="http://x/")}, [("request", "URL")]),
        ({"request": replace(PLAIN.request, method="PUT")}, [("request", "method")]),
        ({"request": replace(PLAIN.request, body=b"")}, [("request", "body")]),
        ({"dialect": "sse"}, None),
    ],
)
def test_what_differs_is_named_by_part(changed, found):
    other = replace(PLAIN, **changed)
    told = parts(PLAIN, other)

    if found is None:
        assert ("meaning", "dialect") in told
    elif "ending" in changed:
        assert told[-1] == found[-1]
    else:
        assert told == found
    assert len(parts(other, PLAIN)) == len(told)


def test_equal_meaning_over_other_bytes_is_told_so():
    spaced = PLAIN.body.replace(b"data: ", b"data:")
    other = replace(PLAIN, body=spaced, chunks=((0.0, len(spaced)),))

    assert parts(PLAIN, other, ("meaning",)) == []
    assert parts(PLAIN, other) == [
        ("bytes", "body"),
        ("boundaries", "chunks (5 and 1); ends that only one has"),
    ]
    (first, *_) = differences(PLAIN, other)
    assert first.what == f"body from byte 5 on ({len(PLAIN.body)} and {len(spaced)} bytes)"
    assert first.a.startswith(' {"id"')


def test_names_of_fields_have_no_case():
    louder = tuple((name.upper(), value) for name, value in PLAIN.fields)

    assert differences(PLAIN, replace(PLAIN, fields=louder)) == ()


def test_differences_are_told_as_text_and_as_json():
    pairs = [("a and b", differences(PLAIN, shipped("openai.chat/usage"))), ("same", ())]
    told = json.loads(diff_json(pairs))

    assert "  equal" in diff(pairs)
    assert (told["version"], told["equal"]) == (1, False)
    assert told["pairs"][0]["differences"][0] == {
        "part": "meaning",
        "what": "text",
        "a": '"Café 5 € 😀"',
        "b": '"Ja"',
    }
    assert told["pairs"][1] == {"title": "same", "differences": []}
