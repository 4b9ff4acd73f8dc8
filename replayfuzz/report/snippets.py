"""Programs of ten lines that read a stream with the library under test, for repro.py.

Each is a whole program: its first argument is the base URL, it prints what the caller sees.
"""

from __future__ import annotations

from typing import NamedTuple


class Snippet(NamedTuple):
    """How to read the stream by hand.

    Attributes:
        requires: Requirement for pip without a version; "" where nothing is needed.
        code: A program; ``sys.argv[1]`` is the base URL.
    """

    requires: str
    code: str


_OPENAI = """\
import sys
import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0, timeout=5)
messages = [{"role": "user", "content": "hello"}]
for chunk in client.chat.completions.create(model="m", messages=messages, stream=True):
    print(ascii(chunk))
print("complete")
"""
_OPENAI_ASYNC = """\
import asyncio
import sys
import openai

async def main():
    client = openai.AsyncOpenAI(
        base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0, timeout=5
    )
    messages = [{"role": "user", "content": "hello"}]
    stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
    async for chunk in stream:
        print(ascii(chunk))
    print("complete")

asyncio.run(main())
"""
_OPENAI_HELPER = """\
import sys
import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0, timeout=5)
chat = client.chat if hasattr(client.chat.completions, "stream") else client.beta.chat
messages = [{"role": "user", "content": "hello"}]
with chat.completions.stream(model="m", messages=messages) as stream:
    for event in stream:
        print(ascii(event))
    print("final", ascii(stream.get_final_completion()))
print("complete")
"""
_ANTHROPIC = """\
import sys
import anthropic

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="none", max_retries=0, timeout=5)
messages = [{"role": "user", "content": "hello"}]
for event in client.messages.create(model="m", max_tokens=99, messages=messages, stream=True):
    print(ascii(event))
print("complete")
"""
_ANTHROPIC_HELPER = """\
import sys
import anthropic

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="none", max_retries=0, timeout=5)
messages = [{"role": "user", "content": "hello"}]
with client.messages.stream(model="m", max_tokens=99, messages=messages) as stream:
    for event in stream:
        print(ascii(event))
    print("final", ascii(stream.get_final_message()))
print("complete")
"""
_ANTHROPIC_ASYNC = """\
import asyncio
import sys
import anthropic

async def main():
    client = anthropic.AsyncAnthropic(
        base_url=sys.argv[1], api_key="none", max_retries=0, timeout=5
    )
    messages = [{"role": "user", "content": "hello"}]
    stream = await client.messages.create(
        model="m", max_tokens=99, messages=messages, stream=True
    )
    async for event in stream:
        print(ascii(event))
    print("complete")

asyncio.run(main())
"""
_OLLAMA = """\
import sys
import ollama

client = ollama.Client(host=sys.argv[1], timeout=5)
messages = [{"role": "user", "content": "hello"}]
for part in client.chat(model="m", messages=messages, stream=True):
    print(ascii(part))
print("complete")
"""
_OLLAMA_ASYNC = """\
import asyncio
import sys
import ollama

async def main():
    client = ollama.AsyncClient(host=sys.argv[1], timeout=5)
    messages = [{"role": "user", "content": "hello"}]
    async for part in await client.chat(model="m", messages=messages, stream=True):
        print(ascii(part))
    print("complete")

asyncio.run(main())
"""
_HTTPX_SSE = """\
import sys
import httpx
import httpx_sse

with httpx.Client(timeout=5) as client:
    with httpx_sse.connect_sse(client, "POST", sys.argv[1], json={}) as source:
        for event in source.iter_sse():
            print(ascii(event))
print("complete")
"""
_HTTPX_SSE_ASYNC = """\
import asyncio
import sys
import httpx
import httpx_sse

async def main():
    async with httpx.AsyncClient(timeout=5) as client:
        async with httpx_sse.aconnect_sse(client, "POST", sys.argv[1], json={}) as source:
            async for event in source.aiter_sse():
                print(ascii(event))
    print("complete")

asyncio.run(main())
"""
_SSECLIENT = """\
import sys
import requests
import sseclient

response = requests.post(sys.argv[1], json={}, stream=True, timeout=5)
for event in sseclient.SSEClient(response.iter_content(chunk_size=None)).events():
    print(ascii((event.event, event.data, event.id, event.retry)))
print("complete")
"""
OVER_HTTP2 = """\
import subprocess
import sys

options = ["--http2-prior-knowledge", "--silent", "--show-error", "--no-buffer", "--max-time", "5"]
url = sys.argv[1] + "/v1/chat/completions"
if subprocess.run(["curl", *options, "--data", "{}", url]).returncode == 0:
    print("complete")
"""
"""Asks for a stream over HTTP/2; curl has to be there."""

_ANY = """\
import sys
import urllib.request

request = urllib.request.Request(sys.argv[1], data=b"{}", method="POST")
with urllib.request.urlopen(request, timeout=5) as response:
    print(response.status, dict(response.headers))
    while piece := response.read1():
        print(ascii(piece))
print("complete")
"""

# (target, variant); "" is for every other variant of that target.
_SNIPPETS = {
    ("openai-python", ""): Snippet("openai", _OPENAI),
    ("openai-python", "async"): Snippet("openai", _OPENAI_ASYNC),
    ("openai-python", "helper"): Snippet("openai", _OPENAI_HELPER),
    ("anthropic-python", ""): Snippet("anthropic", _ANTHROPIC),
    ("anthropic-python", "async"): Snippet("anthropic", _ANTHROPIC_ASYNC),
    ("anthropic-python", "helper"): Snippet("anthropic", _ANTHROPIC_HELPER),
    ("ollama-python", ""): Snippet("ollama", _OLLAMA),
    ("ollama-python", "async"): Snippet("ollama", _OLLAMA_ASYNC),
    ("httpx-sse", ""): Snippet("httpx-sse", _HTTPX_SSE),
    ("httpx-sse", "async"): Snippet("httpx-sse", _HTTPX_SSE_ASYNC),
    ("sseclient-py", ""): Snippet("sseclient-py", _SSECLIENT),
}
_ALSO = {"httpx-sse": "httpx", "sseclient-py": "requests"}


def snippet(target: str, variant: str) -> Snippet:
    """The program for that path through that target.

    A target that is not known here gets one that prints the raw pieces, to be replaced by
    the reader's own.
    """
    found = _SNIPPETS.get((target, variant)) or _SNIPPETS.get((target, ""))
    return found or Snippet("", _ANY)


def requirements(target: str, version: str) -> str:
    """What pip installs for that target, such as ``openai==1.16.1``; "" for nothing."""
    name = snippet(target, "").requires
    if not name:
        return ""
    pinned = f"{name}=={version}" if version else name
    return f"{pinned} {_ALSO[name]}" if name in _ALSO else pinned
