"""Bedrock's two streams: what a correct reader makes of them."""

import base64
import json

import pytest

from replayfuzz import dialects, store, wire
from replayfuzz.dialects import Ended, find
from replayfuzz.dialects.bedrock import FLOW
from replayfuzz.formats.aws_event_stream import (
    EventStreamReader,
    Header,
    Message,
    build,
    event,
    spans,
)
from replayfuzz.plan import Plan, Slice
from replayfuzz.serve import ReplayServer
from tests.oracle_streams import mismatches, recorded, row

CONVERSE, INVOKE = "bedrock.converse_stream", "bedrock.invoke_with_response_stream"
SHIPPED = {one.name: one for one in store.shipped() if one.dialect in (CONVERSE, INVOKE)}
STREAMS = [*recorded(CONVERSE), *recorded(INVOKE)]
COMPLETE = Ended()


def told(outcome):
    return [(event.type, *event.values.values()) for event in outcome.events]


def expect(dialect, *messages, ended=COMPLETE):
    return find(dialect).expect((b"".join(messages),), ended)


def converse(kind, **data):
    return event(kind, json.dumps(data).encode())


def chunk(value):
    coded = base64.b64encode(json.dumps(value).encode()).decode()
    return event("chunk", json.dumps({"bytes": coded, "p": "abc"}).encode())


START = converse("messageStart", role="assistant")
TEXT = converse("contentBlockDelta", contentBlockIndex=0, delta={"text": "Hi"})
BLOCK_END = converse("contentBlockStop", contentBlockIndex=0)
STOP = converse("messageStop", stopReason="end_turn")
META = converse("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3})
WHOLE = (START, TEXT, BLOCK_END, STOP, META)


def shipped_text(name):
    (outcome,) = dialects.expected(SHIPPED[name], Plan())
    return "".join(event.get("text") for event in outcome.events if event.type == "text")


def test_a_whole_message_of_converse():
    (outcome,) = expect(CONVERSE, *WHOLE)

    assert (outcome.end, outcome.strict, outcome.terminal) == ("complete", True, True)
    assert told(outcome) == [
        ("role", 0, "assistant"),
        ("text", 0, "Hi"),
        ("finish", 0, "end_turn"),
        ("usage", {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}),
        ("done",),
    ]


@pytest.mark.parametrize("topic", ["plain", "hurt-breaks", "hurt-marks", "hurt-words"])
def test_both_streams_say_what_anthropics_own_says(topic):
    """The shipped streams are the same message in three wire formats."""
    (own,) = (one for one in store.shipped() if one.name == f"anthropic.messages/{topic}")
    (outcome,) = dialects.expected(own, Plan())
    text = "".join(event.get("text") for event in outcome.events if event.type == "text")

    assert shipped_text(f"{CONVERSE}/{topic}") == shipped_text(f"{INVOKE}/{topic}") == text
    assert text


@pytest.mark.parametrize("topic", ["tool-call", "tools-parallel"])
def test_tool_calls_are_whole_and_the_same(topic):
    calls = []
    for name in (f"anthropic.messages/{topic}", f"{CONVERSE}/{topic}", f"{INVOKE}/{topic}"):
        (exchange,) = (one for one in store.shipped() if one.name == name)
        (outcome,) = dialects.expected(exchange, Plan())
        calls.append([e.values for e in outcome.events if e.type == "tool" and e.get("arguments")])

    assert calls[0] == calls[1] == calls[2] != []


def test_plain_text_has_characters_of_every_size_in_the_payloads():
    assert {len(char.encode()) for char in shipped_text(f"{CONVERSE}/plain")} == {1, 2, 3, 4}


def test_headers_of_all_types_and_unknown_events_mean_nothing():
    exchange = SHIPPED[f"{CONVERSE}/headers"]
    messages = EventStreamReader().receive(exchange.body)
    kinds = {header.kind for message in messages for header in message.headers}

    assert len(kinds) == 10
    assert shipped_text(exchange.name) == "Grüße 👋ü"


def test_a_titan_model_streams_objects_of_its_own():
    (outcome,) = dialects.expected(SHIPPED[f"{INVOKE}/titan"], Plan())

    assert shipped_text(f"{INVOKE}/titan") == "Grüße 👋 data: [DONE]\n"
    assert [name for name, *_ in told(outcome)][-3:] == ["finish", "usage", "done"]


@pytest.mark.parametrize("dialect", [CONVERSE, INVOKE])
@pytest.mark.parametrize("name", ["throttled", "model error", "unavailable"])
def test_exceptions_are_told_with_their_message(dialect, name):
    record = find(dialect).errors[name]
    before = START if dialect == CONVERSE else chunk({"type": "ping"})
    outcomes = expect(dialect, before, record)
    (message,) = EventStreamReader().receive(record)

    assert [one.end for one in outcomes] == ["error"]
    assert outcomes[0].message == json.loads(message.payload)["message"]


def test_an_error_message_has_its_text_in_headers():
    texts = {":message-type": "error", ":error-code": "500", ":error-message": "Out of luck"}
    error = build(Message(tuple(Header(k, "string", v) for k, v in texts.items()), b""))

    assert expect(CONVERSE, START, error)[0].message == "Out of luck"
    assert expect(INVOKE, error)[0].message == "Out of luck"


def test_an_exception_without_a_body_has_its_type():
    assert expect(CONVERSE, event("throttlingException", b"", name="exception"))[0].message == (
        "throttlingException"
    )


@pytest.mark.parametrize("size", range(1, 5))
def test_messages_that_are_missing_at_the_end(size):
    """Without messageStop it is truncated; without metadata a reader may take it as whole."""
    outcomes = expect(CONVERSE, *WHOLE[:size])

    assert [one.end for one in outcomes] == (
        ["complete", "truncated"] if size == 4 else ["truncated"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_no_truncation_is_a_success(name):
    """At every byte before the last message: the end of the bytes is not the end of the stream."""
    exchange = SHIPPED[name]
    if name.endswith("error"):
        return
    edges = [start for start, _, _ in spans(exchange.body)]
    last = edges[-1] if exchange.dialect == CONVERSE else len(exchange.body)
    read = find(exchange.dialect).expect
    for size in range(last):
        assert read((exchange.body[:size],), COMPLETE)[0].end == "truncated"


def test_a_part_of_the_metadata_is_told():
    outcomes = expect(CONVERSE, *WHOLE[:4], META[:-1])

    assert [one.end for one in outcomes] == ["truncated", "complete"]
    assert not outcomes[0].strict


@pytest.mark.parametrize("at", range(0, len(TEXT), 7))
def test_damage_is_an_error(at):
    bent = TEXT[:at] + bytes([TEXT[at] ^ 1]) + TEXT[at + 1 :]
    for outcome in expect(CONVERSE, START, bent, *WHOLE[2:]):
        assert (outcome.end, outcome.message, outcome.strict) == ("error", "", False)


@pytest.mark.parametrize(
    "messages",
    [
        (TEXT, START, STOP, META),
        (START, START, TEXT, STOP, META),
        (START, TEXT, STOP, STOP, META),
        (START, TEXT, STOP, META, TEXT),
        (START, TEXT, META, STOP),
    ],
)
def test_what_leaves_the_documented_flow_is_not_strict(messages):
    assert not expect(CONVERSE, *messages)[0].strict
    assert set(FLOW) == {"start", "message", "stopped", "ended"}


@pytest.mark.parametrize(
    "payload", [b'{"bytes":"%%%"}', b'{"bytes":7}', b"{}", b"[]", b"not JSON", b'{"bytes":"/w=="}']
)
def test_a_chunk_that_wraps_nothing_is_no_success(payload):
    for outcome in expect(INVOKE, event("chunk", payload)):
        assert outcome.end != "complete"


def test_an_http_error_is_told_by_its_body():
    body = b'{"message":"Too many requests"}'

    for dialect in (CONVERSE, INVOKE):
        assert find(dialect).expect((body,), Ended(429))[0].message == "Too many requests"


# -- the corpus --------------------------------------------------------------------------


@pytest.mark.parametrize("stream", list(map(row, STREAMS)))
def test_recorded_streams_read_plausibly(stream):
    (outcome,) = find(stream.dialect).expect((stream.body,), COMPLETE)
    names = {event.type for event in outcome.events}

    assert outcome.end == "complete"
    assert names & {"text", "tool"}
    assert outcome.strict or "guardrail" in stream.id


@pytest.mark.parametrize("stream", list(map(row, STREAMS)))
def test_recorded_streams_at_every_cut(stream):
    single = tuple(stream.body[at : at + 1] for at in range(len(stream.body)))

    assert mismatches(stream, range(len(stream.body) + 1)) == []
    assert stream.read(single) == stream.read((stream.body,))


@pytest.mark.parametrize("stream", list(map(row, STREAMS)))
def test_recorded_streams_are_written_as_they_were(stream):
    messages = EventStreamReader().receive(stream.body)

    assert b"".join(map(build, messages)) == stream.body
    assert messages


# -- boto3 -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SHIPPED if not name.endswith("error")])
def test_boto_parses_every_event_as_its_model_has_it(name):
    """botocore's parser with the model of the service: members, their types, and no exception."""
    session = pytest.importorskip("botocore.session")
    parsers = pytest.importorskip("botocore.parsers")
    exchange = SHIPPED[name]
    model = session.Session().get_service_model("bedrock-runtime")
    operation = (
        "ConverseStream" if exchange.dialect == CONVERSE else "InvokeModelWithResponseStream"
    )
    shape = model.operation_model(operation).get_event_stream_output()
    parser = parsers.EventStreamJSONParser()
    reader = pytest.importorskip("botocore.eventstream").EventStreamBuffer()
    reader.add_data(exchange.body)
    parsed = [parser.parse(message.to_response_dict(), shape) for message in reader]
    texts = [
        value["delta"].get("text", "")
        for one in parsed
        for kind, value in one.items()
        if kind == "contentBlockDelta"
    ]

    assert len(parsed) == len(list(spans(exchange.body)))
    if exchange.dialect == CONVERSE:
        assert "".join(texts) == shipped_text(name)
    else:
        assert all(json.loads(one["chunk"]["bytes"]) for one in parsed)


@pytest.fixture(scope="module")
def client():
    """boto3's client of the service, and the server that it calls."""
    boto3 = pytest.importorskip("boto3")
    config = pytest.importorskip("botocore.config").Config(
        retries={"total_max_attempts": 1}, proxies={}
    )
    with ReplayServer() as server:

        def made(exchange, plan):
            ticket = server.offer(wire.render(exchange, plan))
            own = boto3.client(
                "bedrock-runtime",
                endpoint_url=ticket.url,
                region_name="us-east-1",
                aws_access_key_id="none",
                aws_secret_access_key="none",
                config=config,
            )
            return own, ticket

        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("cuts", [(), (Slice(0, 1),)], ids=["recorded", "bytewise"])
def test_boto3_reads_what_the_oracle_reads(client, name, cuts):
    exchange = SHIPPED[name]
    own, ticket = client(exchange, Plan(cuts, keep_chunks=not cuts, keep_times=False))
    (outcome,) = dialects.expected(exchange, Plan())
    found = of_converse(own) if exchange.dialect == CONVERSE else of_invoke(own)

    assert found == {
        "text": shipped_text(name),
        "arguments": "".join(e.get("arguments") or "" for e in outcome.events if e.type == "tool"),
        "finish": outcome.transcript.last("finish", "reason").get(0),
        "error": outcome.message,
    }
    own.close()
    assert ticket.finish(5).finished


def of_converse(client):
    found = {"text": "", "arguments": "", "finish": None, "error": ""}
    errors = pytest.importorskip("botocore.exceptions")
    stream = client.converse_stream(modelId="m-1", messages=[])["stream"]
    try:
        for item in stream:
            delta = item.get("contentBlockDelta", {}).get("delta", {})
            found["text"] += delta.get("text", "")
            found["arguments"] += delta.get("toolUse", {}).get("input", "")
            found["finish"] = item.get("messageStop", {}).get("stopReason") or found["finish"]
    except errors.EventStreamError as error:
        found["error"] = error.response["Error"]["Message"]
    finally:
        stream.close()
    return found


def of_invoke(client):
    found = {"text": "", "arguments": "", "finish": None, "error": ""}
    errors = pytest.importorskip("botocore.exceptions")
    stream = client.invoke_model_with_response_stream(modelId="m-1", body=b"{}")["body"]
    try:
        for item in stream:
            value = json.loads(item["chunk"]["bytes"])
            block, delta = value.get("content_block", {}), value.get("delta", {})
            found["text"] += block.get("text", "") + delta.get("text", "")
            found["text"] += value.get("outputText", "")
            found["arguments"] += delta.get("partial_json", "")
            found["finish"] = (
                delta.get("stop_reason") or value.get("completionReason") or found["finish"]
            )
    except errors.EventStreamError as error:
        found["error"] = error.response["Error"]["Message"]
    finally:
        stream.close()
    return found
