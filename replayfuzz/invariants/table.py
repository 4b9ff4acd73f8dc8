"""The rules, as rows. To add one: a function in the file of its theme, a row here, a test."""

from __future__ import annotations

from replayfuzz.invariants import calls, content, ends, order, prefix, relay, values
from replayfuzz.invariants.invariant import EXCEPTION, Invariant

_SSE = "WHATWG HTML 9.2.6, Interpreting an event stream"
_OPENAI = "https://platform.openai.com/docs/api-reference/chat-streaming"
_ANTHROPIC = "https://docs.anthropic.com/en/api/messages-streaming"
_RFC9112 = "RFC 9112 section 8, Handling Incomplete Messages"
_OLLAMA = "https://github.com/ollama/ollama/blob/main/docs/api.md"
_CONTENT = frozenset({"text", "sse", "record"})

INVARIANTS: tuple[Invariant, ...] = (
    # First, because what breaks one of these two breaks rules about content as well.
    Invariant(
        "output-form",
        "Every event that a daemon writes has a form that its output is declared to have.",
        f"the target's declaration, [target.daemon] output; {_SSE}",
        "failed",
        relay.output_form,
    ),
    Invariant(
        "clients-apart",
        "Of several clients at the same time, each gets its own content and nobody else's.",
        "CWE-488, Exposure of Data Element to Wrong Session",
        "failed",
        relay.clients_apart,
        cases=("mixed", "unserved"),
    ),
    Invariant(
        "content-equal",
        "The caller receives exactly the text, or the raw events, that the provider sent.",
        f'{_SSE}: "Append the field value to the data buffer"; "Dispatch the event"',
        "failed",
        content.content_equal,
        _CONTENT,
    ),
    Invariant(
        "content-prefix",
        "When a stream stops early, the caller has what had arrived whole, and nothing else.",
        f'{_SSE}: "When a blank line is encountered, dispatch the event"; "Once the end of the '
        'file is reached, any pending data must be discarded"',
        "failed",
        prefix.content_prefix,
        _CONTENT | {"reasoning", "refusal", "tool"},
        ("text", "reasoning", "refusal", "tool", "event", "record"),
    ),
    Invariant(
        "valid-utf8",
        "No character is broken: no U+FFFD and no lone surrogate that the provider did not send.",
        'WHATWG HTML 9.2.6: "Streams must be decoded using the UTF-8 decode algorithm"; '
        "RFC 8259 section 8.1: JSON text MUST be encoded using UTF-8",
        "failed",
        values.valid_utf8,
        _CONTENT | {"reasoning", "refusal", "tool"},
    ),
    Invariant(
        "reasoning-equal",
        "The caller receives exactly the reasoning text that the provider sent.",
        f"{_ANTHROPIC}, thinking_delta; {_OLLAMA}, message.thinking; DeepSeek API, "
        "delta.reasoning_content",
        "failed",
        content.texts_equal("reasoning"),
        frozenset({"reasoning"}),
    ),
    Invariant(
        "refusal-equal",
        "The caller receives exactly the refusal that the provider sent.",
        f"{_OPENAI}, choices[].delta.refusal",
        "failed",
        content.texts_equal("refusal"),
        frozenset({"refusal"}),
    ),
    Invariant(
        "role-equal",
        "The caller sees the role of the message as it was sent.",
        f"{_OPENAI}, choices[].delta.role; {_ANTHROPIC}, message_start.message.role; "
        f"{_OLLAMA}, message.role",
        "failed",
        values.role_equal,
        frozenset({"role"}),
    ),
    Invariant(
        "tool-calls-equal",
        "Each tool call arrives once, with its id, its name and its exact arguments, none mixed "
        "with another's.",
        f"{_OPENAI}, choices[].delta.tool_calls[].index; {_ANTHROPIC}, input_json_delta; "
        f"{_OLLAMA}, message.tool_calls",
        "failed",
        calls.tool_calls_equal,
        frozenset({"tool"}),
    ),
    Invariant(
        "finish-reason-equal",
        "The caller sees the finish reason that was sent, and no other.",
        f"{_OPENAI}, choices[].finish_reason; {_ANTHROPIC}, message_delta.delta.stop_reason; "
        f"{_OLLAMA}, done_reason",
        "failed",
        values.finish_equal,
        frozenset({"finish"}),
    ),
    Invariant(
        "usage-equal",
        "The caller sees the token counts that were sent.",
        f"{_OPENAI}, usage; {_ANTHROPIC}, message_delta.usage (cumulative); {_OLLAMA}, eval_count",
        "failed",
        values.usage_equal,
        frozenset({"usage"}),
    ),
    Invariant(
        "model-equal",
        "The caller sees the name of the model that was sent.",
        f"{_OPENAI}, model; {_ANTHROPIC}, message_start.message.model; {_OLLAMA}, model",
        "failed",
        values.model_equal,
        frozenset({"model"}),
    ),
    Invariant(
        "terminal-once",
        "The end of the stream is shown when the provider sent it, and once.",
        f'{_OPENAI}: "terminated by a data: [DONE] message"; {_ANTHROPIC}: "A final message_stop '
        'event"',
        "failed",
        ends.terminal_once,
        frozenset({"done"}),
    ),
    Invariant(
        "event-order",
        "The finish reason of a choice is shown after all of its content.",
        f"{_ANTHROPIC}, Event types: content blocks come before message_delta; {_OPENAI}: the "
        "finish reason is in the last chunk of its choice",
        "failed",
        order.event_order,
        frozenset({"finish"}),
    ),
    Invariant(
        "nothing-after-end",
        "Nothing is shown after the end of the stream.",
        f'{_OPENAI}: "terminated by a data: [DONE] message"',
        "failed",
        order.nothing_after_end,
        frozenset({"done"}),
    ),
    Invariant(
        "truncation-surfaced",
        "A stream that stopped early is never reported as a success.",
        f'{_RFC9112}: "A client that receives an incomplete response message, which can occur '
        "when a connection is closed prematurely or when decoding a supposedly chunked transfer "
        'coding fails, MUST record the message as incomplete"',
        "failed",
        ends.truncation_surfaced,
        cases=("clean-end", "fin", "reset", "short", "rst-stream", "goaway", "stall"),
    ),
    Invariant(
        "error-surfaced",
        "An error of the provider reaches the caller as an error, with the provider's message.",
        f"{_ANTHROPIC}, Error events: errors may be sent in the event stream; "
        "https://platform.openai.com/docs/guides/error-codes: an error object with a message; RFC "
        "9110 section 15: 4xx and 5xx are errors",
        "failed",
        ends.error_surfaced,
        cases=("swallowed", "message-lost"),
    ),
    Invariant(
        "no-error-on-valid-stream",
        "A whole and valid stream is read without an error.",
        f'{_SSE}: "If the line starts with a U+003A COLON character: Ignore the line"; '
        '"Otherwise: The field is ignored"; RFC 8259 section 9: a JSON parser '
        "MUST accept all texts that conform to the grammar",
        "failed",
        ends.no_error_on_valid_stream,
        cases=("truncated", "error-event", EXCEPTION),
    ),
    Invariant(
        "foreign-exception",
        "What goes wrong in a stream is told by an exception of the library or of its transport.",
        'PEP 8, Programming Recommendations: "Design exception hierarchies based on the '
        'distinctions that code catching the exceptions is likely to need"',
        "informational",
        ends.foreign_exception,
        cases=(EXCEPTION,),
    ),
    Invariant(
        "no-crash",
        "No stream ends the process that reads it.",
        "CWE-248, Uncaught Exception",
        "failed",
        ends.no_crash,
    ),
    Invariant(
        "no-hang",
        "The call returns once the provider has finished, also when the connection stays open.",
        f'{_OPENAI}: "terminated by a data: [DONE] message"; {_ANTHROPIC}: a final message_stop '
        "event; RFC 9112 section 6.3: the length of the message is known without a close",
        "failed",
        ends.no_hang,
        cases=("open",),
    ),
    Invariant(
        "garbage",
        "The program that drives the library answers in worker protocol v1.",
        "replayfuzz worker protocol v1",
        "unknown",
        ends.garbage,
    ),
    Invariant(
        "http-response",
        "Whoever hands a socket over in a sound way gets an HTTP response on it.",
        "RFC 9112 section 2.1, Message Format: a response begins with a status line",
        "failed",
        relay.http_response,
        cases=("none", "malformed"),
    ),
    Invariant(
        "response-head",
        "A response that went well has the status and the header fields that are declared.",
        "the target's declaration, [target.daemon.fields]; WHATWG HTML 9.2.5: event streams are "
        "text/event-stream",
        "failed",
        relay.response_head,
        cases=("status", "field"),
    ),
    Invariant(
        "payload-forwarded",
        "The upstream receives what the payload asked for, and no header is smuggled in by it.",
        "the target's declaration, [target.daemon] payload; CWE-113, Improper Neutralization of "
        "CRLF Sequences in HTTP Headers",
        "failed",
        relay.payload_forwarded,
        cases=("member", "field", "injection"),
    ),
    Invariant(
        "upstream-cancelled",
        "When the client has left, the upstream request is given up.",
        "CWE-772, Missing Release of Resource after Effective Lifetime; RFC 9113 section 8.1: "
        "RST_STREAM with CANCEL",
        "failed",
        relay.upstream_cancelled,
    ),
    Invariant(
        "incremental-delivery",
        "Each event is visible to the caller before the next one is sent.",
        f'{_SSE}: "When a blank line is encountered, dispatch the event"',
        "failed",
        None,
        cases=("next", "end"),
    ),
    Invariant(
        "linear-time",
        "Reading takes time in proportion to the bytes, however they are cut, and each byte costs "
        "a bounded amount.",
        "CWE-407, Inefficient Algorithmic Complexity",
        "failed",
        None,
        cases=("growth", "cost"),
    ),
    Invariant(
        "chunking-independent",
        "The same bytes, cut elsewhere, give the same answer.",
        "RFC 9112 section 7.1: chunks are a transfer coding; RFC 9293 section 2.2: TCP is a "
        "byte-stream service",
        "failed",
        None,
    ),
    Invariant(
        "request-fidelity",
        "The provider receives the request that the caller made.",
        f"{_OPENAI}; {_ANTHROPIC}: Request body",
        "failed",
        None,
    ),
    Invariant(
        "resources-back",
        "What a call took from the system is given back: sockets, other descriptors, memory.",
        "CWE-772, Missing Release of Resource after Effective Lifetime; CWE-401, Missing Release "
        "of Memory after Effective Lifetime",
        "failed",
        None,
        cases=("descriptors", "memory"),
    ),
)
"""Every rule. Those whose ``broken`` is None need more than one transcript to be judged."""
