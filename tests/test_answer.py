"""Answers that were read before mean the same again, and nothing else does."""

import json

import pytest

from replayfuzz.answer import Answers

EVENTS = '[{"type":"text","choice":0,"text":"é"}]'


def line(number=1, events=EVENTS, tail=',"end":"complete","cpu":0.25}'):
    return f'{{"id":{number},"events":{events}{tail}'.encode()


def read(answers, data, number=1):
    return answers.read(data, number, "err")


@pytest.mark.parametrize(
    "tail",
    [
        ',"end":"complete"}',
        ',"end":"complete","cpu":0.25}',
        ',"end":"complete","cpu":1e-06}',
        ',"end":"truncated","error":{"message":"m"}}',
        ',"end":"error","error":{"type":"T","message":",\\"end\\":\\"complete\\"}"}}',
        ', "end": "complete"}',
    ],
)
def test_the_second_answer_is_the_first_one_again(tail):
    answers = Answers()

    first, second = read(answers, line(1, tail=tail)), read(answers, line(2, tail=tail), 2)

    assert first == second
    assert (first.cpu, first.seconds, first.stderr) == (second.cpu, second.seconds, "err")


def test_other_events_are_read_anew():
    answers = Answers()
    texts = [read(answers, line(events=EVENTS.replace("é", text))).events for text in "abab"]

    assert texts[0] == texts[2] != texts[1] == texts[3]


def test_many_answers_are_forgotten_in_turn():
    answers = Answers()
    for number in range(600):
        text = str(number)
        seen = read(answers, line(events=EVENTS.replace("é", text)))
        assert seen.events[0].get("text") == text


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (line(2), "not to request 1"),
        (line(events=EVENTS + ',"x":1'), None),
        (line(events="[]]"), "not JSON"),
        (line(events='[{"type":"no"}]'), "not one of"),
        (line(tail=',"end":"complete"'), "not JSON"),
    ],
)
def test_a_known_answer_does_not_hide_a_broken_one(data, told):
    answers = Answers()
    read(answers, line())

    for _ in range(2):  # what was refused is not remembered
        if told is None:
            assert read(answers, data).events == read(answers, line()).events
        else:
            with pytest.raises(ValueError, match=told):
                read(answers, data)


def test_a_member_named_end_inside_an_event_is_no_tail():
    value = {"end": "complete"}
    data = json.dumps({"id": 1, "events": [{"type": "record", "value": value}], "end": "complete"})
    for text in (data, data.replace(" ", "")):
        assert read(Answers(), text.encode()).events[0].get("value") == value
