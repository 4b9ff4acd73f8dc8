from hypothesis import given, settings
from hypothesis import strategies as st

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.dialects import NAMES
from replayfuzz.strategies import FAMILIES, view
from tests.streams import ALL, CHAT, LINES, NAMED, RAW, TOOLS, VALUES


def text_of(exchange: Exchange, site) -> bytes:
    return exchange.body[site.start : site.end]


def test_records_tile_the_body():
    for exchange in ALL:
        records = view(exchange).records
        assert b"".join(exchange.body[one.start : one.end] for one in records) == exchange.body


def test_the_terminal_record_is_the_marker_or_the_last_event():
    ends = {one.name: view(one).terminal for one in ALL}

    assert ends["chat"] is view(CHAT).events[-1]
    assert ends["named"] is view(NAMED).events[-1]
    assert ends["lines"] is view(LINES).events[-1]
    assert ends["raw"] is None
    assert ends["values"] is None


def test_a_stream_without_its_marker_has_no_terminal_record():
    cut = Exchange("cut", "openai.chat", body=CHAT.body.replace(b"data: [DONE]\n\n", b""))

    assert view(cut).terminal is None
    assert view(cut).spoken == view(cut).events


def test_texts_are_what_the_model_says():
    assert [text_of(CHAT, site) for site in view(CHAT).texts] == [b"\xc3\xa9\\n/"]
    assert [text_of(NAMED, site) for site in view(NAMED).texts] == [b"hi"]
    assert [text_of(LINES, site) for site in view(LINES).texts] == [b"hi"]


def test_without_a_providers_api_texts_are_all_data():
    assert [text_of(RAW, site) for site in view(RAW).texts] == [b"\xc3\xa9/x", b"y"]
    assert [text_of(VALUES, site) for site in view(VALUES).texts] == [b"x", b"y"]


def test_sites_are_found_by_kind():
    assert [text_of(TOOLS, site) for site in view(TOOLS).sites("tool_name")] == [b"f", b"g"]
    assert [text_of(CHAT, site) for site in view(CHAT).sites("finish")] == [b"null", b"stop"]
    assert view(RAW).sites("text") == ()


def test_characters_and_escapes_are_found():
    (character,) = view(CHAT).characters
    (escape,) = view(CHAT).escapes

    assert (character.text, character.size) == ("é", 2)
    assert CHAT.body[slice(*escape)] == b"\\n"


def test_a_view_is_computed_once():
    assert view(CHAT) is view(CHAT)


def test_an_unknown_dialect_is_seen_by_its_content_type():
    lines = Exchange(
        "x", "unknown", fields=(("content-type", "application/x-ndjson"),), body=b"1\n2\n"
    )

    assert view(lines).format == "ndjson"
    assert view(Exchange("x", "unknown", body=b"data: x\n\n")).format == "sse"


@given(st.sampled_from([*NAMES, "unknown"]), st.binary(max_size=60))
@settings(max_examples=40, database=None, deadline=None)
def test_every_family_takes_any_bytes(dialect, body):
    exchange = Exchange("any", dialect, body=body)

    for family in FAMILIES:
        if family.group not in ("size", "cut"):
            for plan in family.plans(view(exchange)):
                wire.bend(exchange, plan)
