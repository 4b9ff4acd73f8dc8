"""Secrets of every kind, planted everywhere an exchange has room: none comes through."""

import itertools
import json
from typing import Any

import pytest

from replayfuzz.errors import StoreError
from tests.recorders import Running, asking, post, read_http1, request_of, upstream

A = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gH3jK5mN7pQ9rS1tU3vW5xY7zA"
SECRETS = {
    "openai": f"sk-proj-{A[:48]}",
    "anthropic": f"sk-ant-api03-{A}",
    "google": f"AIza{A[:35]}",
    "organisation": "org-aB3dE5gH7jK9mN1pQ3sT5vX7",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{A[:43]}",
    "mail": "jane.roe@mail.example.com",
}
PLACES = ("header", "query", "request", "event", "split", "error", "field", "trailer")


def exchange(place, secret):
    """Request target, fields and body; the whole answer."""
    target, fields, asked = (
        "/v1/chat/completions",
        [("Authorization", "Bearer own-key-1234567")],
        "{}",
    )
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": "hi "}}]}]
    status, head, trailer = "200 OK", "", ""
    match place:
        case "header":
            fields = [
                ("Authorization", f"Bearer {secret}"),
                ("x-api-key", secret),
                ("Cookie", f"a={secret}"),
            ]
            events.append({"echo": f"you sent {secret}"})
        case "query":
            target += f"?key={secret}&alt=sse"
        case "request":
            asked = json.dumps({"messages": [{"content": f"my key is {secret}"}]})
        case "event":
            events.append({"choices": [{"index": 0, "delta": {"content": f"use {secret} now"}}]})
        case "split":
            at = len(secret) // 2
            halves = (secret[:at], secret[at:])
            events += [{"choices": [{"index": 0, "delta": {"content": half}}]} for half in halves]
        case "error":
            status = "401 Unauthorized"
            events = [{"error": {"message": f"Incorrect API key provided: {secret}."}}]
        case "field":
            head = f"Set-Cookie: s={secret}\r\nX-Api-Key: {secret}\r\nopenai-organization: {secret}\r\n"
        case "trailer":
            trailer = f"x-api-key: {secret}\r\n"
    body = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    answer = f"HTTP/1.1 {status}\r\nContent-Type: text/event-stream\r\n{head}"
    # In pieces of 7 bytes, so that every secret is cut by chunks.
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    whole = answer.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n"
    return (target, asked.encode(), fields), whole + trailer.encode() + b"\r\n"


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_comes_through(place, tmp_path):
    told = {name: exchange(place, secret) for name, secret in SECRETS.items()}

    def saying(answer):
        def talk(sock):
            request_of(sock)
            sock.sendall(answer)

        return talk

    talks = [saying(answer) for _, answer in told.values()]
    with upstream(*talks) as port, Running(tmp_path, f"http://127.0.0.1:{port}") as running:
        for (target, body, fields), _ in told.values():
            with running.connect() as sock:
                post(sock, target, body, fields)
                assert read_http1(sock)[3] == "complete"

    assert len(running.kept()) == len(SECRETS)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    seen = "".join(running.lines) + "".join(file.read_text() for file in files)
    for secret in (*SECRETS.values(), "own-key-1234567"):
        assert secret not in seen
        assert len(secret) < 30 or secret[12:] not in seen


@pytest.mark.parametrize("place", [place for place in PLACES if place != "split"])
def test_no_secret_is_in_a_journal_either(place, tmp_path, monkeypatch):
    """As after a kill at the end: cassettes cannot be made, so journals are all there is."""

    def refuse(keeper, tape):
        raise StoreError("no cassettes today")

    monkeypatch.setattr("replayfuzz.record.Keeper.finish", refuse)
    for number, secret in zip(itertools.count(), SECRETS.values(), strict=False):
        (target, body, fields), answer = exchange(place, secret)

        def talk(sock, answer=answer):
            request_of(sock)
            sock.sendall(answer)

        folder = tmp_path / str(number)
        with upstream(talk) as port, asking(folder, port) as (running, sock):
            post(sock, target, body, fields)
            read_http1(sock)
        (journal,) = (folder / ".recording").glob("*.jsonl")
        assert secret not in journal.read_text()
        assert running.recorder.failed
