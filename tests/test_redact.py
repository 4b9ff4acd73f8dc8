"""No secret survives, nothing else changes: heads, URLs, bodies, base64, gzip, streams."""

import base64
import gzip
import json
import random
import re
import struct
import time
import zlib

import pytest

from replayfuzz import redact, store
from replayfuzz.cassette import Cassette, Exchange, Request, dump
from tests.secrets_planted import PLACES, SHAPED, planted


def views(data, depth=0):
    """*data*, and what its runs of base64 hold, at any of the four places to begin."""
    yield data
    if depth < 2:
        for run in re.findall(rb"[A-Za-z0-9+/_-]{12,}", data):
            for skip in range(4):
                coded = run[skip:].replace(b"-", b"+").replace(b"_", b"/")
                coded = coded[: len(coded) // 4 * 4]
                yield from views(base64.b64decode(coded), depth + 1)


def joined_deltas(body):
    texts = re.findall(rb'"content": "((?:[^"\\]|\\.)*)"', body)
    return b"".join(texts)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_of_1000_exchanges_with_planted_secrets_none_survives(part):
    for seed in range(part * 100, part * 100 + 100):
        exchange, secrets = planted(seed)
        clean = redact.exchange(exchange)
        text = dump(Cassette("x", (clean,))).encode()
        everything = [*views(text), joined_deltas(clean.body)]
        packed = (body for body in (clean.body, clean.request.body) if body[:2] == b"\x1f\x8b")
        everything.extend(map(gzip.decompress, packed))  # they hold none, so they stayed

        assert redact.leaks(exchange), seed
        for secret in secrets:
            assert not [view for view in everything if secret.encode() in view], (seed, secret)
        assert not redact.leaks(clean), seed
        assert redact.exchange(clean) == clean, seed
        if not redact.coding(exchange.fields):
            assert (len(clean.body), clean.chunks) == (len(exchange.body), exchange.chunks), seed
        assert sum(size for _, size in clean.chunks) == len(clean.body), seed
        for line in clean.body.decode().split("\n"):
            if line.startswith("data: {"):
                json.loads(line[6:])
        if clean.request.body.startswith(b"{"):
            json.loads(clean.request.body)


def test_every_place_was_planted_in():
    assert {PLACES[seed % len(PLACES)] for seed in range(1000)} == set(PLACES)


@pytest.mark.parametrize(
    ("told", "clean"),
    [
        ("Bearer abcdef0123456789", "Bearer XXXXXXXXXXXXXXXX"),
        ('{"api_key":"s3cr\\"et"}', '{"api_key":"XXXXXXXX"}'),
        ('{\\"password\\": \\"ab\\\\\\"cdef\\"}', '{\\"password\\": \\"XXXXXXXXXX\\"}'),
        ("{'api_key': 'abc12345'}", "{'api_key': 'XXXXXXXX'}"),
        ('["x-api-key","abc12345"]', '["x-api-key","XXXXXXXX"]'),
        ('{"name": "api-key", "value": "abc12345"}', '{"name": "api-key", "value": "XXXXXXXX"}'),
        ("\\nalice@example.com", "\\nXXXXX@XXXXXXX.XXX"),
        ("\\u00e9bob@example.com", "\\u00e9XXX@XXXXXXX.XXX"),
        ("alice%40example.com", "XXXXX%40XXXXXXX.XXX"),
        ("https://u:p4ss@host.com/?a=1", "https://XXXXXX@host.com/?a=1"),
        ("?a=1&key=abcd&b=2", "?a=1&key=XXXX&b=2"),
        ("provided: sk-abcd********wxyz.", "provided: sk-XXXXXXXXXXXXXXXX."),
        ("authorization: Bearer abcd12345678", "authorization: Bearer XXXXXXXXXXXX"),
        ("Set-Cookie: sid=abc; Path=/", "Set-Cookie: XXXXXXXXXXXXXXX"),
        ("API_KEY=abc1234567", "API_KEY=XXXXXXXXXX"),
        ('"request_id":1234567', '"request_id":9999999'),
        ("request ID 5f3c9a11bb22", "request ID XXXXXXXXXXXX"),
        ("/v1/projects/acme-1/locations/", "/v1/projects/XXXXXX/locations/"),
        ("in organization org-AbCdEf123456 on", "in organization org-XXXXXXXXXXXX on"),
    ],
)
def test_texts_are_redacted_where_the_secret_is(told, clean):
    assert redact.text(told) == clean
    assert redact.text(clean) == clean
    (leak,) = redact.found(told.encode())
    assert told[leak.at : leak.at + leak.size] not in clean
    assert redact.found(clean.encode()) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"token":"Hello","logprob":-0.1}',
        '{"usage":{"prompt_tokens":9,"total_tokens":12345}}',
        '{"id":"chatcmpl-123456789012345678901234"}',
        "the bearer of bad news, a risk-management-plan for the task-force-of-the-day",
        "org-chart, org-wide, proj_name, user-agent, sk-8, AI, key=, @property, a@b",
        "monkey=abcdef x-ratelimit-limit-tokens: 1000000",
        "pip install git+https://host.example/a/b@1.2.3",
        '{"object":"chat.completion.chunk","created":1700000000,"system_fingerprint":"fp_0a1b2c"}',
        '{"tool_calls":[{"id":"call_abcdefghijklmnopqrstuvwx"}]}',
        '{"properties":{"api_key":{"type":"string"},"password":{"type":"string"}}}',
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact.text(text) == text


def test_heads_are_redacted_by_name_and_schemes_stay():
    fields = (
        ("Authorization", "Basic dXNlcjpwYXNz"),
        ("Cookie", "a=b; c=d"),
        ("Set-Cookie", "sid=abc; Path=/; HttpOnly"),
        ("OpenAI-Organization", "acme"),
        ("X-Request-ID", "1-2-3"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("User-Agent", "x/1"),
    )

    assert redact.fields(fields) == (
        ("Authorization", "Basic XXXXXXXXXXXX"),
        ("Cookie", "a=X; c=X"),
        ("Set-Cookie", "sid=XXX; Path=/; HttpOnly"),
        ("OpenAI-Organization", "XXXX"),
        ("X-Request-ID", "XXXXX"),
        *fields[5:],
    )


def test_what_is_to_be_kept_stays():
    body = b'{"request_id":"abcd1234","api_key":"abcd1234","to":"bob@example.com"}'
    fields = (("X-Request-Id", "abcd1234"), ("cf-ray", "1234567890"))
    exchange = Exchange("x", "sse", fields=fields, body=body, chunks=((0.0, len(body)),))

    clean = redact.exchange(exchange, keep=("x-request-id", "request_id", "e-mail"))

    assert clean.fields == (fields[0], ("cf-ray", "X" * 10))
    assert clean.body == body.replace(b'"api_key":"abcd1234"', b'"api_key":"XXXXXXXX"')


def test_a_secret_of_the_head_is_found_in_the_body_too():
    request = Request(fields=(("authorization", "Bearer topsecret"),))
    body = b"data: you sent topsecret\n\n"

    clean = redact.exchange(Exchange("x", "sse", request, body=body, chunks=((0.0, 26),)))

    assert clean.body == b"data: you sent XXXXXXXXX\n\n"


def test_a_compressed_body_is_decoded_at_its_flush_points_and_says_so():
    packer = zlib.compressobj(wbits=31)
    texts = [b"data: me@example.com\n\n", b"data: two\n\n"]
    pieces = [packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    pieces.append(packer.flush())
    exchange = Exchange(
        "x",
        "sse",
        fields=(("Content-Encoding", "gzip"), ("Content-Length", str(sum(map(len, pieces))))),
        body=b"".join(pieces),
        chunks=tuple((float(at), len(piece)) for at, piece in enumerate(pieces)),
    )
    clean = redact.exchange(exchange)

    assert clean.body == b"data: XX@XXXXXXX.XXX\n\ndata: two\n\n"
    assert clean.chunks == ((0.0, 22), (1.0, 11))
    assert clean.fields == (("Content-Length", "33"),)
    assert "gzip body decoded" in dict(clean.origin)[redact.NOTE]


def test_a_compressed_body_without_a_secret_stays_as_it_is():
    body = gzip.compress(b"data: hello\n\n")
    exchange = Exchange("x", "sse", body=body, chunks=((0.0, len(body)),))

    assert redact.exchange(exchange) == exchange


@pytest.mark.parametrize("coding", ["br", "gzip, br", "zstd"])
def test_what_cannot_be_decoded_is_told(coding):
    fields = (("Content-Encoding", coding),)
    clean = redact.exchange(Exchange("x", "sse", fields=fields, body=b"\x00\x01", chunks=((0, 2),)))

    assert "not looked into" in dict(clean.origin)[redact.NOTE]


def test_a_gzip_body_that_is_cut_off_is_read_as_far_as_it_goes():
    noise = random.Random(1).randbytes(3000).hex().encode()
    body = gzip.compress(b"data: me@example.com\n\n" + noise)[:-900]

    assert [leak.inside for leak in redact.found(body)] == ["gzip"]


def event_message(payload):
    head = struct.pack(">II", 16 + len(payload), 0)
    start = head + struct.pack(">I", zlib.crc32(head)) + payload
    return start + struct.pack(">I", zlib.crc32(start))


def test_messages_of_an_event_stream_have_right_checksums_again():
    coded = base64.b64encode(b'{"text":"to bob@example.com"}')
    body = event_message(b'{"bytes":"' + coded + b'"}') + event_message(b"{}")
    fields = (("Content-Type", "application/vnd.amazon.eventstream"),)
    exchange = Exchange("x", "sse", fields=fields, body=body, chunks=((0.0, len(body)),))

    clean = redact.exchange(exchange).body
    fixed = base64.b64encode(b'{"text":"to XXX@XXXXXXX.XXX"}')

    assert clean == event_message(b'{"bytes":"' + fixed + b'"}') + event_message(b"{}")


@pytest.mark.slow
def test_shipped_cassettes_hold_no_secret_and_stay_as_they_are():
    for exchange in store.shipped():
        assert redact.leaks(exchange) == []
        assert redact.exchange(exchange) == exchange


def test_leaks_tell_where_and_not_what():
    body = b'data: {"to":"bob@example.com"}\n\n'
    request = Request(url="https://h.example/?key=abcdefgh", fields=(("x-api-key", "abcd1234"),))
    exchange = Exchange(
        "x", "sse", request, body=body, chunks=((0.0, len(body)),), trailers=(("cf-ray", "12"),)
    )
    found = redact.leaks(exchange)

    assert [(leak.kind, leak.place, leak.at) for leak in found] == [
        ("api key", "url", 23),
        ("api key", "request header x-api-key", 0),
        ("e-mail", "body", 13),
        ("identifier", "trailer cf-ray", 0),
    ]
    assert "abcd" not in repr(found)
    assert "bob" not in repr(found)


# -- the streaming form ------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_a_stream_is_redacted_as_the_whole_is_wherever_it_is_cut(seed):
    rng = random.Random(seed)
    exchange = planted(seed).exchange
    body = exchange.body
    redactor = redact.Redactor(exchange.request)
    pieces, at = [], 0
    while at < len(body):
        size = rng.randrange(1, 80)
        pieces.append(redactor.feed(body[at : at + size]))
        at += size
    whole = redact.Redactor(exchange.request)

    assert b"".join([*pieces, redactor.end()]) == whole.feed(body) + whole.end()


def test_what_is_held_back_is_one_line():
    redactor = redact.Redactor()

    assert redactor.feed(b"data: me@exam") == b""
    assert redactor.feed(b"ple.com\nda") == b"data: XX@XXXXXXX.XXX\n"
    assert redactor.end() == b"da"


def test_a_private_key_is_held_back_as_a_whole():
    key = b"-----BEGIN PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END PRIVATE KEY-----\n"
    redactor = redact.Redactor()
    parts = [redactor.feed(line) for line in key.splitlines(keepends=True)]
    told = b"".join([*parts, redactor.end()])

    assert len(told) == len(key)
    assert b"MII" not in told
    assert told.endswith(b"-----END PRIVATE KEY-----\n")


def test_a_line_without_end_is_not_held_back_for_ever():
    redactor, out, held = redact.Redactor(), [], 0
    secret = b" sk-ant-" + b"abcd1234" * 4 + b" "
    data = (b"word " * 700 + secret) * 120
    for at in range(0, len(data), 4096):
        out.append(redactor.feed(data[at : at + 4096]))
        held = max(held, at + 4096 - sum(map(len, out)))
    told = b"".join([*out, redactor.end()])

    assert len(told) == len(data)
    assert b"abcd1234" not in told
    assert told.count(b"word") == data.count(b"word")
    assert held < 100_000


# -- any input ---------------------------------------------------------------------------

PIECES = (
    *('"', "\\", "\\n", "\\u0040", "%40", "@", ".", "é", "\udc80", "X" * 9, "9" * 9, "\n"),
    *('"api_key":"', "?key=", "Bearer ", "authorization: ", "sk-", "org-", 'request_id":1234567'),
    *("https://u:", "-----BEGIN PRIVATE KEY-----", "-----END", "request id ", "cookie: a=", "eyJ"),
)


@pytest.mark.parametrize("seed", range(20))
def test_any_text_keeps_its_length_and_is_settled(seed):
    rng = random.Random(seed)
    for _ in range(10):
        makers = rng.choices([*SHAPED.values(), lambda rng: rng.choice(PIECES)], k=8)
        text = "".join(maker(rng) for maker in makers)
        clean = redact.text(text)

        assert len(clean.encode("utf-8", "replace")) == len(text.encode("utf-8", "replace"))
        assert redact.text(clean) == clean


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        *("a", "a-", "\\", '"', "eyJ", "eyJ-", "&a.", "secret=", "bearer 1", "@a", "a@", "a@a."),
        *(
            "://",
            "a://a",
            "-----BEGIN PRIVATE KEY-----",
            "cookie:a=",
            "sk-",
            '"api_key":',
            "request",
        ),
        *("/projects/", "%", "AKIA", "-_", "Zm9v", "\\u0040", '"id":', "'password':", "org-"),
    ],
)
def test_no_input_takes_long(piece):
    data = (piece * 100_000)[:100_000] + " key=@://eyJ.sk- cookie: private key-----"
    start = time.process_time()
    redact.text(data)

    assert time.process_time() - start < 5
