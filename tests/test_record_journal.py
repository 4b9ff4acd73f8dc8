"""What is written while an exchange goes on, and what becomes of it."""

import base64
import gzip
import json
import struct
import zlib
from dataclasses import replace

import pytest

from replayfuzz import redact, store
from replayfuzz.cassette import Exchange, Request
from replayfuzz.errors import StoreError
from replayfuzz.record import Keeper, guess, journal
from replayfuzz.record.hold import hold

KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3jK5mN7p"
EVENT = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
LEAK = f'data: {{"error":"bad key {KEY}"}}\n\n'.encode()


def heads(*fields, key=KEY):
    asked = (("Host", "api.example"), ("Authorization", f"Bearer {key}"))
    request = Request(
        "POST", f"https://api.example/v1/chat/completions?key={key}", asked, key.encode()
    )
    origin = (("source", "https://api.example"),)
    return Exchange("", "", request, fields=fields, origin=origin)


@pytest.fixture
def keeper(tmp_path):
    with Keeper(tmp_path / "out") as opened:
        yield opened


def everything(folder):
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_tape_becomes_a_cassette(keeper):
    tape = keeper.begin(heads(("Content-Type", "text/event-stream")))
    tape.piece(0.1, EVENT[:10], ends=False)
    tape.piece(0.2, EVENT[10:], ends=True)
    tape.end(0.3, "complete", trailers=(("x", "y"),))
    path = keeper.finish(tape)

    (cassette,) = store.load([path])
    assert (cassette.body, cassette.chunks) == (EVENT, ((0.2, len(EVENT)),))
    assert (cassette.ending, cassette.trailers, path.name) == (
        "complete",
        (("x", "y"),),
        "openai.chat-1.yaml",
    )
    assert list(keeper.folder.glob(".recording/*.jsonl")) == []


@pytest.mark.parametrize("cut", range(1, len(LEAK)))
def test_a_journal_never_holds_a_secret(cut, keeper):
    tape = keeper.begin(heads(("Content-Type", "text/event-stream")))
    seen = everything(keeper.folder)
    for piece in (LEAK[:cut], LEAK[cut:], LEAK[:cut]):
        tape.piece(0.0, piece, ends=True)
        seen += everything(keeper.folder)
    tape.end(0.1, "fin", f"a note with {KEY}", (("x-api-key", KEY),))
    seen += everything(keeper.folder)
    path = keeper.finish(tape)
    seen += path.read_bytes()

    assert KEY.encode() not in seen
    assert KEY[8:30].encode() not in seen
    assert len(store.load([path])[0].body) == len(LEAK) + cut


def test_a_key_of_no_known_shape_is_not_echoed_either(keeper):
    key = "plain-words-for-a-key"
    tape = keeper.begin(heads(key=key))
    tape.piece(0.0, f"you said {key}\n".encode(), ends=True)
    tape.end(0.1, "complete")
    assert key.encode() not in everything(keeper.folder)
    assert key not in keeper.finish(tape).read_text()


def test_what_the_user_insists_on_is_kept(tmp_path):
    with Keeper(tmp_path, keep=("e-mail", "x-request-id")) as keeper:
        tape = keeper.begin(heads(("X-Request-Id", "req_1234567890")))
        tape.piece(0.0, b"write to jane@mail.example.com\n" + LEAK, ends=True)
        tape.end(0.1, "complete")
        text = tape.path.read_text() + keeper.finish(tape).read_text()
    assert text.count("jane@mail.example.com") == text.count("req_1234567890") == 2
    assert KEY not in text


@pytest.mark.parametrize("secret", [False, True])
def test_a_compressed_body_is_written_only_without_secrets(secret, keeper):
    squeeze = zlib.compressobj(wbits=31)
    pieces = [squeeze.compress(EVENT) + squeeze.flush(zlib.Z_SYNC_FLUSH)]
    pieces.append(squeeze.compress(LEAK if secret else EVENT) + squeeze.flush())
    tape = keeper.begin(heads(("Content-Encoding", "gzip")))
    for piece in pieces:
        tape.piece(0.0, piece, ends=True)
    tape.end(0.1, "complete")
    found = journal.read(tape.path)
    assert found is not None
    assert found.body.startswith(pieces[0])
    if secret:
        plain = redact.exchange(replace(heads(), body=EVENT + LEAK)).body
        assert zlib.decompressobj(31).decompress(found.body) == plain
        assert journal.ANEW.format(1).removeprefix("; ") in dict(found.origin)["note"]
    else:
        assert found.body == b"".join(pieces)
    (kept,) = store.load([keeper.finish(tape)])

    if secret:
        assert kept.body.startswith(EVENT)
        assert KEY.encode() not in kept.body
        assert "Content-Encoding" not in dict(kept.fields)
    else:
        assert gzip.decompress(kept.body) == EVENT + EVENT
        assert [size for _, size in kept.chunks] == [len(piece) for piece in pieces]


def message(text):
    payload = json.dumps({"bytes": base64.b64encode(text.encode()).decode()}).encode()
    body = struct.pack(">II", len(payload) + 16, 0)
    body += struct.pack(">I", zlib.crc32(body)) + payload
    return body + struct.pack(">I", zlib.crc32(body))


def test_a_message_of_an_event_stream_keeps_a_checksum_that_fits(keeper):
    data = message("hello") + message(f"key {KEY}")
    tape = keeper.begin(heads(("Content-Type", "application/vnd.amazon.eventstream")))
    for at in range(0, len(data), 7):
        tape.piece(0.0, data[at : at + 7], ends=True)
    tape.end(0.1, "complete")
    (kept,) = store.load([keeper.finish(tape)])

    first = len(message("hello"))
    assert (kept.body[:first], len(kept.body)) == (data[:first], len(data))
    assert kept.body[first:] != data[first:]
    (crc,) = struct.unpack(">I", kept.body[-4:])
    assert crc == zlib.crc32(kept.body[first:-4])


@pytest.mark.parametrize("coding", ["", "gzip", "br"])
def test_lengths_never_change(coding, keeper):
    data = gzip.compress(EVENT * 9) if coding == "gzip" else EVENT * 9
    for step in (1, 3, 1000):
        kept = hold(heads(("Content-Encoding", coding)) if coding else heads(), data[:step])
        out = b"".join(kept.take(data[at : at + step]) for at in range(0, len(data), step))
        assert out + kept.rest() == data
        assert kept.held == b""


def begins(data, seen):
    """Whether *seen* is the beginning of *data*, but for what is masked."""
    same = zip(data, seen, strict=False)
    return len(seen) <= len(data) and all(byte in (told, ord("X")) for told, byte in same)


SECRETS = {
    "key": KEY,
    "aws": "AKIA" + "QWERTYUIOPASDFGH",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3j",
    "mail": "jane.roe@mail.example.com",
    "member": '"api_key": "correct horse battery staple"',
    "short-words": '"password": "a b c d e f g h i"',
    "escaped": r"\"access_token\": \"pq rs tu vw xy z\"",
    "header": "Authorization: Bearer aB3dE5gH7jK9mN1pQ3sT5vX7zA9",
    "cookie": "Cookie: sid=abcdef; theme=ghi jkl",
    "url": "https://jane:pq;rs(tu@host.example/x",
    "parameter": "https://host.example/x?api_key=abcdefghijkl&b=1",
    "base64": base64.b64encode(f'{{"k": "{KEY}"}}'.encode()).decode(),
    "known": "plain-words-for-a-key",
}


@pytest.mark.parametrize("name", SECRETS)
def test_no_part_of_a_secret_is_in_a_journal_while_its_line_goes_on(name, keeper):
    """Whatever the journal shows, at any place, stays when the whole line is known."""
    line = f'data: {{"text": "a brown fox: {SECRETS[name]}", "more": 1}}'.encode()
    asked = heads(key=SECRETS["known"])
    final = redact.exchange(replace(asked, body=line + b"\n\n")).body
    assert final != line + b"\n\n"
    tape = keeper.begin(asked)
    for at in range(len(line)):
        tape.piece(at / 10, line[at : at + 1], ends=True)
    rows = [json.loads(row) for row in tape.path.read_text().splitlines()[1:]]
    shown = [(row[1], row[2].encode("latin-1")) for row in rows if row[0] == "held"]
    found = journal.read(tape.path)
    tape.piece(99.0, b"\n\n", ends=True)
    tape.end(99.0, "complete")
    (kept,) = store.load([keeper.finish(tape)])

    assert len(shown) == len(line)
    for at, text in shown:
        assert begins(final[at:], text), text
    assert found is not None
    assert [size for _, size in found.chunks] == [1] * len(line)
    assert kept.body == final


def flushed(pieces, window):
    squeeze = zlib.compressobj(wbits=window)
    return [squeeze.compress(piece) + squeeze.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]


def inflated(body, window):
    return zlib.decompressobj(window).decompress(body)


@pytest.mark.parametrize(("coding", "window"), [("gzip", 31), ("deflate", 15)])
@pytest.mark.parametrize("name", SECRETS)
def test_no_part_of_a_secret_is_shown_of_a_compressed_line(name, coding, window, keeper):
    """Cut at every place, each byte in a chunk of its own, as in text that is not compressed."""
    line = f'data: {{"text": "a brown fox: {SECRETS[name]}", "more": 1}}'.encode()
    asked = heads(("Content-Encoding", coding), key=SECRETS["known"])
    plain = replace(heads(key=SECRETS["known"]), body=EVENT + line + b"\n\n")
    final = redact.exchange(plain).body
    pieces = flushed([EVENT, *(bytes([byte]) for byte in line)], window)
    tape = keeper.begin(asked)
    for at, piece in enumerate(pieces):
        tape.piece(at / 10, piece, ends=True)
        found = journal.read(tape.path)
        assert found is not None
        seen = inflated(found.body, window)
        assert len(seen) == len(EVENT) + at
        assert begins(final, seen), seen
        assert [when for when, _ in found.chunks] == [place / 10 for place in range(at + 1)]
        assert sum(size for _, size in found.chunks) == len(found.body)
    rows = [json.loads(row) for row in tape.path.read_text().splitlines()[1:]]
    shown = [(row[1], row[2].encode("latin-1")) for row in rows if row[0] == "text"]
    tape.end(99.0, "complete")
    keeper.finish(tape)

    assert len(shown) == len(line)
    assert all(begins(final[len(EVENT) + at :], text) for at, text in shown)
    assert found is not None
    assert journal.ANEW.format(len(line)) in dict(found.origin)["note"]


def test_a_compressed_body_without_a_flush_ends_at_its_last_line(keeper):
    squeeze = zlib.compressobj(wbits=31, strategy=zlib.Z_FIXED)  # a letter is eight bits
    whole = squeeze.compress(EVENT + b"plain words, a line that goes on") + squeeze.flush()
    size = next(at for at in range(len(whole)) if inflated(whole[:at], 31) == EVENT)
    tape = keeper.begin(heads(("Content-Encoding", "gzip")))
    tape.piece(0.1, whole[:size], ends=True)
    tape.piece(0.2, whole[size:-12], ends=True)
    found = journal.read(tape.path)
    tape.end(1.0, "complete")

    assert found is not None
    assert (found.body, len(found.chunks)) == (whole[:size], 1)
    assert dict(found.origin)["note"] == journal.KILLED + journal.LOST


def test_what_is_long_is_stored_in_several_blocks(keeper):
    line = b"data: " + b"ab " * 40_000
    pieces = flushed([EVENT, line], 31)
    tape = keeper.begin(heads(("Content-Encoding", "gzip")))
    for piece in pieces:
        tape.piece(0.1, piece, ends=True)
    found = journal.read(tape.path)
    tape.piece(0.2, flushed([b"x"], -15)[0], ends=True)
    tape.end(1.0, "complete")
    (kept,) = store.load([keeper.finish(tape)])

    assert found is not None
    assert begins(EVENT + line, inflated(found.body, 31))
    assert len(inflated(found.body, 31)) == len(EVENT + line)
    assert len(found.chunks) == 2
    assert kept.body.startswith(b"".join(pieces))  # an ending of its own needs no block of ours


def test_of_a_line_that_goes_on_nearly_all_is_shown(keeper):
    line = b'data: {"choices":[{"delta":{"content":"one two three'
    tape = keeper.begin(heads())
    for at in range(0, len(line), 7):
        tape.piece(0.0, line[at : at + 7], ends=True)
    found = journal.read(tape.path)
    tape.end(1.0, "complete")

    assert found is not None
    assert found.body == line[: -len(b"three")] + b"XXXXX"
    assert dict(found.origin)["note"] == journal.KILLED + journal.MASKED


@pytest.mark.parametrize("size", [5000, 70_000])
def test_of_a_long_line_every_byte_is_counted(size, keeper):
    line = b'data: "' + b"ab " * (size // 3)
    tape = keeper.begin(heads())
    for at in range(0, len(line), 500):
        tape.piece(0.0, line[at : at + 500], ends=True)
    found = journal.read(tape.path)
    tape.end(1.0, "complete")

    assert found is not None
    assert (len(found.body), begins(line, found.body)) == (len(line), True)


def test_what_a_kill_left_behind_becomes_a_cassette(tmp_path):
    with Keeper(tmp_path) as keeper:
        tape = keeper.begin(heads(("Content-Type", "text/event-stream")))
        for _ in range(3):
            tape.piece(0.5, EVENT, ends=True)
        tape.piece(0.7, EVENT[:9], ends=True)
        whole = tape.path.read_bytes()
        tape.end(1.0, "complete")
        for size in range(len(whole) + 1):
            tape.path.write_bytes(whole[:size])
            found = journal.read(tape.path)
            assert found is None or (found.ending == "fin" and begins(EVENT * 4, found.body))
        tape.path.write_bytes(whole[:-5])

    with Keeper(tmp_path) as keeper:
        (line,) = keeper.recover()
        assert list(keeper.recover()) == []
    (kept,) = store.load([tmp_path])
    assert kept.body == EVENT * 3 + b'data: {"X'
    assert [size for _, size in kept.chunks] == [*[len(EVENT)] * 3, 9]
    assert (kept.ending, dict(kept.origin)["note"]) == ("fin", journal.KILLED + journal.MASKED)
    assert "openai.chat-1.yaml" in line
    assert [file.name for file in tmp_path.iterdir()] == ["openai.chat-1.yaml"]


def test_an_empty_journal_is_removed(tmp_path):
    with Keeper(tmp_path) as keeper:
        place = tmp_path / ".recording" / "x.jsonl"
        place.write_bytes(b'{"journal":')
        (line,) = keeper.recover()
    assert "removed x.jsonl" in line
    assert list(tmp_path.iterdir()) == []


def test_a_long_stream_is_cut_where_it_would_be_too_large(tmp_path):
    keeper = Keeper(tmp_path, 1000)
    tape = keeper.begin(heads())
    for _ in range(100):
        tape.piece(0.1, EVENT, ends=True)
    tape.end(1.0, "complete")
    (kept,) = store.load([keeper.finish(tape)])
    keeper.__exit__()

    assert (tape.full, tape.bytes, tape.chunks) == (True, 100 * len(EVENT), 100)
    assert len(kept.body) == (1000 // len(EVENT) + 1) * len(EVENT)
    assert (kept.ending, dict(kept.origin)["note"]) == ("fin", journal.FULL)


def test_a_body_that_takes_too_much_room_as_text_is_shortened(keeper, monkeypatch):
    monkeypatch.setattr("replayfuzz.record.keeper.MAX_TEXT", 4000)
    tape = keeper.begin(heads())
    for _ in range(100):
        tape.piece(0.1, EVENT, ends=True)
    tape.end(1.0, "complete")
    path = keeper.finish(tape)
    (kept,) = store.load([path])

    assert len(path.read_text()) <= 4000
    assert (EVENT * 100).startswith(kept.body)
    assert (kept.ending, dict(kept.origin)["note"]) == ("fin", journal.FULL)


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Keeper(tmp_path / "file" / "out")


def exchange(path, type_, body):
    return Exchange(
        "", "", Request(url=f"https://x{path}"), fields=(("content-type", type_),), body=body
    )


@pytest.mark.parametrize(
    ("path", "type_", "body", "name"),
    [
        ("/openai/deployments/x/chat/completions?v=1", "text/event-stream", b"", "openai.chat"),
        ("/v1/messages", "text/event-stream; charset=utf-8", b"", "anthropic.messages"),
        ("/api/chat", "application/x-ndjson", b"", "ollama.chat"),
        ("/x", "text/event-stream", b'data: {"object":"chat.completion.chunk"}\n\n', "openai.chat"),
        (
            "/x",
            "text/event-stream",
            b': hi\n\nevent: message_start\ndata: {"type":"message_start"}\n\n',
            "anthropic.messages",
        ),
        ("/x", "text/event-stream", b"data: hello\n\n", "sse"),
        ("/v1/completions", "text/event-stream", b"", "openai.completions"),
        ("/v1/responses", "text/event-stream", b"", "openai.responses"),
        ("/x", "application/json", b"{}", "unknown"),
    ],
)
def test_the_dialect_is_guessed(path, type_, body, name):
    assert guess.dialect(exchange(path, type_, body)) == name
