"""Provider APIs by name, and what a correct reader makes of a bent stream: the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replayfuzz import wire
from replayfuzz.cassette import Exchange
from replayfuzz.dialects.anthropic_completions import ANTHROPIC_COMPLETIONS
from replayfuzz.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from replayfuzz.dialects.bedrock import BEDROCK_CONVERSE, BEDROCK_INVOKE
from replayfuzz.dialects.coded import expect_coded
from replayfuzz.dialects.cohere_v1 import COHERE_V1
from replayfuzz.dialects.cohere_v2 import COHERE_V2
from replayfuzz.dialects.dialect import Dialect, Ended, Path
from replayfuzz.dialects.gemini_array import GEMINI_ARRAY
from replayfuzz.dialects.gemini_interactions import GEMINI_INTERACTIONS
from replayfuzz.dialects.gemini_stream import GEMINI_STREAM
from replayfuzz.dialects.mcp import MCP
from replayfuzz.dialects.mistral_chat import MISTRAL_CHAT
from replayfuzz.dialects.ndjson import NDJSON
from replayfuzz.dialects.ollama_chat import OLLAMA_CHAT
from replayfuzz.dialects.ollama_generate import OLLAMA_GENERATE
from replayfuzz.dialects.ollama_pull import OLLAMA_PULL
from replayfuzz.dialects.openai_assistants import OPENAI_ASSISTANTS
from replayfuzz.dialects.openai_audio import OPENAI_AUDIO
from replayfuzz.dialects.openai_chat import OPENAI_CHAT
from replayfuzz.dialects.openai_completions import OPENAI_COMPLETIONS
from replayfuzz.dialects.openai_responses import OPENAI_RESPONSES
from replayfuzz.dialects.order import disorder
from replayfuzz.dialects.replicate import REPLICATE
from replayfuzz.dialects.simplified import SIMPLIFIED
from replayfuzz.dialects.sse import SSE
from replayfuzz.dialects.tgi_generate import TGI_GENERATE
from replayfuzz.dialects.watsonx import WATSONX
from replayfuzz.dialects.worker import WORKER_EXECUTE, WORKER_JOBS
from replayfuzz.dialects.writer_completions import WRITER_COMPLETIONS
from replayfuzz.errors import UsageError
from replayfuzz.plan import Plan
from replayfuzz.transcript import Expected
from replayfuzz.wire import Bent

__all__ = ["DIALECTS", "NAMES", "Dialect", "Ended", "Path", "disorder", "expected", "find"]

DIALECTS: tuple[Dialect, ...] = (
    *(SSE, NDJSON),
    *(OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_RESPONSES, OPENAI_ASSISTANTS, OPENAI_AUDIO),
    *(MISTRAL_CHAT, WRITER_COMPLETIONS, ANTHROPIC_MESSAGES, OLLAMA_CHAT),
    *(GEMINI_STREAM, GEMINI_ARRAY, OLLAMA_GENERATE, COHERE_V2, COHERE_V1, TGI_GENERATE),
    *(REPLICATE, WATSONX, MCP, ANTHROPIC_COMPLETIONS, WORKER_EXECUTE, WORKER_JOBS, SIMPLIFIED),
    *(BEDROCK_CONVERSE, BEDROCK_INVOKE, GEMINI_INTERACTIONS, OLLAMA_PULL),
)
NAMES: tuple[str, ...] = tuple(dialect.name for dialect in DIALECTS)

_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def find(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        UsageError: There is none; the message names those there are.
    """
    if name not in _BY_NAME:
        raise UsageError(f"there is no dialect {name!r}; known are {', '.join(NAMES)}")
    return _BY_NAME[name]


def expected(exchange: Exchange, plan: Plan, bent: Bent | None = None) -> tuple[Expected, ...]:
    """Tell every acceptable outcome of *exchange* bent by *plan*, the ordinary one first.

    The edits play no part in it: it is read from the bytes as they are sent and from how
    the message ends. Content coding is transparent.

    Args:
        exchange: The recorded stream.
        plan: What is done to it.
        bent: ``wire.bend(exchange, plan)``, where the caller has it already.

    Raises:
        UsageError: The dialect of *exchange* is not known, or its content coding.
        PlanError: The plan does not fit the body.
    """
    dialect = find(exchange.dialect)
    bent = bent or wire.bend(exchange, plan)
    status = exchange.status if plan.head.status is None else plan.head.status
    end = wire.message_end(exchange, plan, bent)
    ended = Ended(status, end)
    if exchange.coding:
        outcomes = expect_coded(dialect, bent.body, ended, exchange.coding)
    else:
        outcomes = dialect.expect((bent.body,), ended)
    if plan.head.coding and end == "complete" and bent.how != "complete":
        # Closed before the end of the coding: RFC 9112 section 8 calls the message complete,
        # RFC 1952 the data damaged. A reader may go by either.
        outcomes += dialect.expect((bent.body,), Ended(status, "incomplete"))
    outcomes = tuple(replace(outcome, how=bent.how) for outcome in outcomes)
    if wire.looks_like_a_flood(exchange, bent):
        outcomes += (replace(outcomes[0], **_GIVEN_UP),)
    return outcomes


_GIVEN_UP: dict[str, Any] = {
    "end": "truncated",
    "message_end": "incomplete",
    "strict": False,
    "how": "goaway",
    "why": "RFC 9113 section 10.5: many frames that carry little may be treated as an attack",
}
