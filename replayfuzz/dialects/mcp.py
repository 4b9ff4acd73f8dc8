"""MCP's Streamable HTTP: JSON-RPC messages as SSE events, the answer to the request last.

"The server MAY send JSON-RPC requests and notifications before sending the JSON-RPC response.
… After the JSON-RPC response has been sent, the server SHOULD terminate the SSE stream." Each
message is told as a record, with the members of JSON-RPC. Batches (arrays, revision
2025-03-26 only) are not read.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import RECORDS
from replayfuzz.dialects.story import ProviderError, Story, message_of

_MEMBERS = ("jsonrpc", "id", "method", "params", "result")


def _tell(message: dict[str, Any], story: Story) -> None:
    if message.get("jsonrpc") != "2.0":
        story.strict = False
    if message.get("error") is not None:
        raise ProviderError(message_of(message))
    if not _answers(message):
        story.strict = story.strict and isinstance(message.get("method"), str)
    elif message.get("id") is None:
        story.strict = False
    story.record(story.exact({name: message[name] for name in _MEMBERS if name in message}))
    story.terminal = _answers(message)


def _answers(message: dict[str, Any]) -> bool:
    return "result" in message and "method" not in message


_API = Objects(tell=_tell, last=_answers, closes=False)

MCP = Dialect(
    name="mcp.streamable_http",
    format="sse",
    content_type="text/event-stream",
    path="/mcp",
    expect=object_oracle(_API),
    source="https://modelcontextprotocol.io/specification/2025-06-18/basic/transports",
    sites={
        "text": (("result", "content", None, "text"),),
        "type": (("method",),),
    },
    errors={
        "internal": b'event: message\ndata: {"jsonrpc":"2.0","id":1,"error":{"code":-32603,'
        b'"message":"Internal error"}}\n\n',
    },
    order=RECORDS,
)
