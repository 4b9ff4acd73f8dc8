"""Drives boto3's Bedrock runtime: ``converse_stream``, ``invoke_model_with_response_stream``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from replayfuzz.targets import anthropic_python
from replayfuzz.targets.shown import look, number, said
from replayfuzz.worker import Call, Shown, serve

CONVERSE, INVOKE = "bedrock.converse_stream", "bedrock.invoke_with_response_stream"
_MODEL = "m-1"
_PROMPT = {"role": "user", "content": [{"text": "Hello"}]}
_COUNTS = ("inputTextTokenCount", "totalOutputTextTokenCount")


class Bedrock:
    """A session; a client for each server, since a client keeps its address."""

    def __init__(self, boto3: Any, config: Any) -> None:
        self._session = boto3.session.Session(
            aws_access_key_id="replayfuzz",
            aws_secret_access_key="replayfuzz",  # noqa: S106 - signs what nobody checks
            region_name="us-east-1",
        )
        self._config = config
        self._client: Any = None
        self._for: tuple[str, float] | None = None

    def __call__(self, call: Call) -> Iterator[Shown]:
        if self._for != (call.url, call.timeout):
            self._for, self._client = (call.url, call.timeout), self._connected(call)
        return self._converse(call) if call.dialect == CONVERSE else self._invoke(call)

    def _connected(self, call: Call) -> Any:
        if self._client is not None:
            self._client.close()
        config = self._config(
            connect_timeout=call.timeout,
            read_timeout=call.timeout,
            retries={"total_max_attempts": 1},
            proxies={},
        )
        return self._session.client("bedrock-runtime", endpoint_url=call.url, config=config)

    def _converse(self, call: Call) -> Iterator[Shown]:
        """``converse_stream()``, its ``stream`` iterated."""
        messages = call.request.get("messages", [_PROMPT])
        response = self._client.converse_stream(modelId=_MODEL, messages=messages)
        with contextlib.closing(response["stream"]) as events:
            for event in events:
                for kind, value in event.items():
                    yield from _told(kind, value)

    def _invoke(self, call: Call) -> Iterator[Shown]:
        """``invoke_model_with_response_stream()``, its ``body`` iterated.

        Chunks are bytes, of whose JSON the caller makes what the model's own API documents.
        """
        response = self._client.invoke_model_with_response_stream(
            modelId=_MODEL,
            body=json.dumps(dict(call.request)),
            contentType="application/json",
        )
        with contextlib.closing(response["body"]) as events:
            for event in events:
                if "chunk" in event:
                    yield from _chunk(json.loads(event["chunk"]["bytes"]))


def _told(kind: str, event: Any) -> Iterator[Shown]:
    """The events of one of Converse's."""
    match kind:
        case "messageStart" if role := said(look(event, "role")):
            yield {"type": "role", "choice": 0, "role": role}
        case "contentBlockStart" if call := look(look(event, "start"), "toolUse"):
            names = {"id": said(look(call, "toolUseId")), "name": said(look(call, "name"))}
            yield {**_tool(event), **{name: text for name, text in names.items() if text}}
        case "contentBlockDelta":
            yield from _delta(event, look(event, "delta"))
        case "messageStop" if reason := said(look(event, "stopReason")):
            yield {"type": "finish", "choice": 0, "reason": reason}
        case "metadata" if usage := look(event, "usage"):
            yield {"type": "usage", "usage": dict(usage)}


def _delta(event: Any, delta: Any) -> Iterator[Shown]:
    if text := said(look(delta, "text")):
        yield {"type": "text", "choice": 0, "text": text}
    if text := said(look(look(delta, "reasoningContent"), "text")):
        yield {"type": "reasoning", "choice": 0, "text": text}
    if piece := said(look(look(delta, "toolUse"), "input")):
        yield {**_tool(event), "arguments": piece}


def _tool(event: Any) -> Shown:
    return {"type": "tool", "choice": 0, "index": number(event, "contentBlockIndex", 0)}


def _chunk(value: Any) -> Iterator[Shown]:
    return _titan(value) if look(value, "outputText") is not None else anthropic_python.shown(value)


def _titan(value: Any) -> Iterator[Shown]:
    """One object of Titan's text models, the last of which gives a reason and counts."""
    if text := said(look(value, "outputText")):
        yield {"type": "text", "choice": 0, "text": text}
    if reason := said(look(value, "completionReason")):
        yield {"type": "finish", "choice": 0, "reason": reason}
        counts = {name: value[name] for name in _COUNTS if look(value, name) is not None}
        if counts:
            yield {"type": "usage", "usage": counts}
        yield {"type": "done"}


def main() -> None:
    """Serve the installed boto3 package."""
    import boto3
    from botocore.config import Config

    serve(
        Bedrock(boto3, Config),
        name="boto3-bedrock",
        version=boto3.__version__,
        dialects=(CONVERSE, INVOKE),
        library="botocore",
    )


if __name__ == "__main__":
    main()
