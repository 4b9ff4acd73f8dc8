"""Exchanges with secrets of every kind in every place, made from a seed."""

import base64
import gzip
import json
import random
import string
import zlib
from typing import Any, NamedTuple
from urllib.parse import quote

from replayfuzz.cassette import Exchange, Request

ALNUM = string.ascii_letters + string.digits


class Planted(NamedTuple):
    """An exchange, and texts that must not be found in it once it is redacted."""

    exchange: Exchange
    secrets: tuple[str, ...]


def _of(chars, count):
    # A digit in the middle, as keys have: what has none is a word.
    return lambda rng: (
        "".join(rng.choices(chars, k=count - 4)) + rng.choice("23456789") + "aZ4q"[:3]
    )


def _after(prefix, chars, count):
    rest = _of(chars, count)
    return lambda rng: prefix + rest(rng)


def _jwt(rng):
    parts = ({"alg": "HS256"}, {"sub": str(rng.random())}, str(rng.random()))
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join(part.decode().rstrip("=") for part in coded)


def _mail(rng):
    return f"{_of(string.ascii_lowercase, 9)(rng)}@{_of(string.ascii_lowercase, 8)(rng)}.example"


SHAPED = {
    "openai": _after("sk-", ALNUM, 48),
    "openai project": _after("sk-proj-", ALNUM + "-_", 100),
    "anthropic": _after("sk-ant-api03-", ALNUM + "-_", 90),
    "openrouter": _after("sk-or-v1-", "0123456789abcdef", 64),
    "google": _after("AIza", ALNUM + "_-", 35),
    "groq": _after("gsk_", ALNUM, 52),
    "hugging face": _after("hf_", ALNUM, 34),
    "xai": _after("xai-", ALNUM, 80),
    "replicate": _after("r8_", ALNUM, 37),
    "aws": lambda rng: "AKIA" + "".join(rng.choices(string.ascii_uppercase + "234567", k=16)),
    "aws session": lambda rng: "ASIA" + "".join(rng.choices(string.ascii_uppercase, k=16)),
    "github": _after("ghp_", ALNUM, 36),
    "jwt": _jwt,
    "organisation": _after("org-", ALNUM, 24),
    "project": _after("proj_", ALNUM, 24),
    "request": _after("req_", ALNUM, 24),
    "e-mail": _mail,
    "bearer": lambda rng: f"Bearer {_of(ALNUM + '-._~', 30)(rng)}",
}
NAMELESS = _of(ALNUM, 32)
"""A key that only its place gives away (Mistral, Cohere, Azure)."""

FIELDS = (
    *("authorization", "Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "cookie"),
    *("set-cookie", "openai-organization", "openai-project", "x-request-id", "cf-ray"),
    *("anthropic-organization-id", "request-id", "proxy-authorization", "x-amz-security-token"),
)
MEMBERS = ("api_key", "apiKey", "password", "access_token", "client_secret", "request_id", "org_id")
PARAMETERS = ("key", "token", "api_key", "access_token", "sig", "api-key")
PLACES = (
    *("request field", "field", "trailer", "url", "referer", "reason", "origin"),
    *("request json", "request form", "request text", "request gzip", "request base64"),
    *("text", "member", "nested", "deltas", "base64", "base64 json", "gzip", "deflate"),
    *("echo", "url in text", "error", "repr"),
)


def planted(seed):
    """The exchange of that seed: three secrets, each in a place of its own."""
    rng = random.Random(seed)
    work = _Work(rng)
    places = [PLACES[seed % len(PLACES)], *rng.sample(PLACES, 2)]
    for place in places:
        work.plant(place)
    return work.done()


class _Work:
    def __init__(self, rng):
        self.rng = rng
        self.secrets = []
        self.asked = [("Content-Type", "application/json")]
        self.told = [("Content-Type", "text/event-stream")]
        self.trailers = []
        self.query = []
        self.reason = "OK"
        self.origin = [("kind", "recorded")]
        self.request: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
        self.form = b""
        self.events: list[Any] = [
            {"choices": [{"index": 0, "delta": {"content": "Hello, wörld 😀"}}]}
        ]
        self.coding = self.request_coding = ""

    def secret(self, make=None):
        made = (make or SHAPED[self.rng.choice(list(SHAPED))])(self.rng)
        self.secrets.append(made.removeprefix("Bearer "))
        return made

    def say(self, text):
        self.events.append({"choices": [{"index": 0, "delta": {"content": text}}]})

    def plant(self, place):  # noqa: PLR0912, PLR0915 - a table of places
        rng = self.rng
        match place:
            case "request field" | "field" | "trailer":
                lines = {"request field": self.asked, "field": self.told}.get(place, self.trailers)
                name = rng.choice(FIELDS)
                value = self.secret(NAMELESS)
                spelt = {"cookie": f"a={value}; b=1", "set-cookie": f"a={value}; Path=/"}
                scheme = "Bearer " if name.lower() == "authorization" else ""
                lines.append((name, spelt.get(name, scheme + value)))
            case "url":
                self.query.append(f"{rng.choice(PARAMETERS)}={quote(self.secret(NAMELESS))}")
            case "referer":
                self.asked.append(
                    ("referer", f"https://h.example/?q=1&key={self.secret(NAMELESS)}")
                )
            case "reason":
                self.reason = f"No {self.secret()}"
            case "origin":
                self.origin.append(("source", f"https://h.example/?key={self.secret(NAMELESS)}"))
            case "request json":
                self.request[rng.choice(MEMBERS)] = self.secret(NAMELESS)
            case "request form":
                self.form = f"a=1&{rng.choice(PARAMETERS)}={self.secret(NAMELESS)}&b=2".encode()
            case "request text":
                self.request["messages"][0]["content"] = f"mine is\n{self.secret()}\nthanks"
            case "request gzip":
                self.request["note"] = self.secret()
                self.request_coding = "gzip"
            case "request base64":
                image = base64.b64encode(f"x {self.secret()} y".encode()).decode()
                self.request["image"] = f"data:text/plain;base64,{image}"
            case "text":
                self.say(f"so:\n{self.secret()}\tand \u00e9{rng.choice(['', chr(10)])}")
            case "member":
                self.events.append({rng.choice(MEMBERS): self.secret(NAMELESS)})
            case "nested":
                inner = {rng.choice(MEMBERS): self.secret(NAMELESS), "b": 'quo"te'}
                self.say(json.dumps(inner, ensure_ascii=rng.random() < 0.5))
            case "deltas":
                text, size = f"it is {self.secret()} .", rng.randrange(2, 9)
                for at in range(0, len(text), size):
                    self.say(text[at : at + size])
            case "base64":
                self.say(base64.b64encode(f"x {self.secret()} y".encode()).decode())
            case "base64 json":
                held = json.dumps({"api_key": self.secret(NAMELESS)}).encode()
                coded = rng.choice([base64.b64encode, base64.urlsafe_b64encode])(held)
                self.events.append({"bytes": coded.decode().rstrip("="), "p": "abcd"})
            case "gzip" | "deflate":
                self.say(f"packed {self.secret()}")
                self.coding = place
            case "echo":
                value = self.secret(NAMELESS)
                self.asked.append(("x-api-key", value))
                self.say(f"The key {value} is wrong")
            case "url in text":
                self.say(f"GET https://h.example/v1?x=1&key={self.secret(NAMELESS)}&y=2 failed")
            case "error":
                self.events.append(
                    {"error": {"message": f"Incorrect API key provided: {self.secret()}."}}
                )
            case "repr":
                self.say(str({"x-api-key": self.secret(NAMELESS), "a": 1}))

    def done(self):
        rng = self.rng
        ascii_only = rng.random() < 0.3
        texts = [json.dumps(event, ensure_ascii=ascii_only) for event in self.events]
        body = "".join(f"data: {text}\n\n" for text in [*texts, "[DONE]"]).encode()
        if self.coding == "gzip":
            body = gzip.compress(body)
        elif self.coding == "deflate":
            body = zlib.compress(body)
        if self.coding:
            self.told.append(("Content-Encoding", self.coding))
        asked = self.form or json.dumps(self.request).encode()
        if self.request_coding:
            asked = gzip.compress(asked)
            self.asked.append(("Content-Encoding", "gzip"))
        url = "https://api.example/v1/chat/completions" + "?".join(["", "&".join(self.query)])
        chunks: list[tuple[float, int]] = []
        at = 0
        while at < len(body):
            size = min(rng.randrange(1, 60), len(body) - at)
            chunks.append((len(chunks) / 100, size))
            at += size
        exchange = Exchange(
            name="planted",
            dialect="openai.chat",
            request=Request("POST", url, tuple(self.asked), asked),
            reason=self.reason,
            fields=tuple(self.told),
            body=body,
            chunks=tuple(chunks),
            trailers=tuple(self.trailers),
            origin=tuple(self.origin),
        )
        return Planted(exchange, tuple(self.secrets))
