import pytest

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Cut, Plan, Slice, Splice
from replayfuzz.strategies import view
from replayfuzz.strategies.changes import copied, doubled, dropped, gone, put, removed
from replayfuzz.strategies.compose import at_seams, bytewise, inside, restyled
from replayfuzz.strategies.family import bent
from tests.streams import CHAT, RAW

CRLF = bent(*(Splice(at, 0, b"\r", "rewrite.line-ends", "CRLF line ends") for at in (8, 19)))
BOM = bent(Splice(0, 0, b"\xef\xbb\xbf", "rewrite.bom", "byte order mark first"))
SWAP = bent(Splice(9, 4, b"id", "x", "data -> id"))


def pieces(plan: Plan) -> list[bytes]:
    return list(wire.bend(RAW, plan).pieces)


def test_byte_by_byte_also_cuts_what_is_put_first():
    plan = bytewise(BOM)

    assert plan.edits[0] == Slice(0, 1)
    assert pieces(plan)[:4] == [b"\xef", b"\xbb", b"\xbf", b"e"]


@pytest.mark.parametrize(
    ("plan", "behind", "before"),
    [
        (CRLF, [b"event: a\r", b"\ndata: \xc3\xa9/x\r"], [b"event: a", b"\r\ndata: \xc3\xa9/x"]),
        (BOM, [b"\xef\xbb\xbf"], [b"\xef\xbb\xbf" + RAW.body]),
        (SWAP, [b"event: a\nid"], [b"event: a\n"]),
    ],
    ids=["line ends", "mark", "replacement"],
)
def test_seams_are_behind_and_before_all_that_is_inserted(plan, behind, before):
    first, second = (pieces(cut)[: len(behind)] for cut in at_seams(RAW.body, plan))

    assert (first, second) == (behind, before)


def test_a_plan_that_inserts_nothing_has_no_seams():
    plan = bent(Splice(0, 9, b"", "x", "x"), Cut(12))

    assert list(at_seams(RAW.body, plan)) == []
    assert list(inside(RAW.body, plan)) == []


def test_an_insertion_is_cut_at_each_of_its_places():
    found = [pieces(plan)[0] for plan in inside(RAW.body, BOM)]

    assert found == [b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"]


def test_a_replacement_is_cut_inside():
    found = [pieces(plan)[0] for plan in inside(RAW.body, SWAP)]

    assert found == [b"event: a\ni", b"event: a\nid"]


def test_a_long_insertion_is_cut_where_it_tells():
    text = b": " + b"x" * 500 + b"\xc3\xa9\n\n"
    plans = list(inside(RAW.body, bent(Splice(0, 0, text, "x", "x"))))

    assert len(plans) < 12
    assert text[:-3] in [pieces(plan)[0] for plan in plans]


def test_cuts_are_named_after_what_they_part():
    labels = [plan.labels for plan in inside(RAW.body, CRLF)]

    assert labels[0][1] == "split between CR and LF"
    assert [plan.labels[1] for plan in inside(RAW.body, BOM)][:2] == [
        "split inside the byte order mark"
    ] * 2


@pytest.mark.parametrize("plan", [CRLF, BOM, SWAP], ids=["line ends", "mark", "replacement"])
def test_cuts_change_no_byte(plan):
    body = wire.bend(RAW, plan).body

    for cut in (bytewise(plan), *at_seams(RAW.body, plan), *inside(RAW.body, plan)):
        assert wire.bend(RAW, cut).body == body


def test_what_is_inserted_takes_other_line_ends():
    plan = restyled(bent(Splice(0, 0, b": a\n\n", "x", "x"), Cut(3)), b"\r\n")

    assert plan.edits == (Splice(0, 0, b": a\r\n\r\n"), Cut(3))


# -- changes ---------------------------------------------------------------------------------


def changed(body, change):
    at, size, text = change
    return body[:at] + text + body[at + size :]


@pytest.mark.parametrize(
    ("body", "name", "left"),
    [
        (b'{"a":1,"b":2}', "a", b'{"b":2}'),
        (b'{"a":1,"b":2}', "b", b'{"a":1}'),
        (b'{"a":1}', "a", b"{}"),
        (b'{ "a" : [1] , "b":{} }', "b", b'{ "a" : [1] }'),
        (b'{"o":{"x":0},"a":1,"b":2}', "a", b'{"o":{"x":0},"b":2}'),
    ],
)
def test_a_member_goes_with_one_comma(body, name, left):
    (event,) = view(Exchange("x", "ndjson", body=body)).events
    node = event.node.get(name) if event.node else None

    assert node
    assert changed(body, removed(event, node)) == left


def test_an_item_of_an_array_becomes_null():
    (event,) = view(Exchange("x", "ndjson", body=b'{"a":[1,2]}\n')).events
    items = event.node.members[0].value.items if event.node else ()

    assert changed(b'{"a":[1,2]}\n', removed(event, items[1])) == b'{"a":[1,null]}\n'


def test_events_are_dropped_doubled_and_copied():
    here = view(CHAT)
    first, second, last = here.events
    (finish,) = [site for site in here.sites("finish") if site.event is second]
    events = [CHAT.body[one.start : one.end] for one in here.events]

    assert changed(CHAT.body, dropped(second)) == events[0] + events[2]
    assert changed(CHAT.body, doubled(here, last)) == b"".join((*events, events[2]))
    copy = events[1].replace(b'"stop"', b"null")
    assert (
        changed(CHAT.body, copied(here, finish, b"null"))
        == events[0] + events[1] + copy + events[2]
    )
    assert changed(CHAT.body, put(finish, b"null")) == events[0] + copy + events[2]
    assert first.data is not None


def test_content_of_raw_data_is_emptied_not_removed():
    (site, _) = view(RAW).texts

    assert changed(RAW.body, gone(site)) == b"event: a\ndata: \n\ndata: y\n\n"
