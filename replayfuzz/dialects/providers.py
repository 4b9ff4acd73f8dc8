"""Who speaks OpenAI's APIs, and what each does otherwise. A new one is a row here, not a file.

The quirks are those that real recordings of the provider show; where we have none, the row
says nothing about them. Each is read by the dialect's oracle; what OpenAI does not document is
read and may be refused too (see ``Expected.strict``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Quirk = Literal[
    "comments",
    "content-parts",
    "content-filter",
    "empty-choices-first",
    "empty-choices-last",
    "error",
    "event-names",
    "no-done",
    "no-space",
    "obfuscation",
    "other-object",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "role-often",
    "usage-null",
    "usage-often",
    "whole-calls",
    "x_groq",
]
QUIRKS: Mapping[Quirk, str] = {
    "comments": "SSE comments keep the connection alive",
    "content-parts": "content comes as an array of parts, thinking among them",
    "content-filter": "choices carry content_filter_results",
    "empty-choices-first": "the first chunk has no choices",
    "empty-choices-last": "the chunk with the usage has no choices",
    "error": "an error object in mid-stream",
    "event-names": "some events have a name (event: error)",
    "no-done": "a stream may end without [DONE]",
    "no-space": "no space after data:",
    "obfuscation": "a member of random length in each chunk hides the length of its text",
    "other-object": "chunks whose object is not chat.completion.chunk",
    "reasoning": "reasoning in delta.reasoning",
    "reasoning_content": "reasoning in delta.reasoning_content",
    "reasoning_details": "reasoning once more in delta.reasoning_details",
    "role-often": "the role comes in many chunks, not in the first alone",
    "usage-null": "usage is null where it is not told",
    "usage-often": "usage comes in several chunks; the last one counts",
    "whole-calls": "a tool call comes in one piece",
    "x_groq": "a member x_groq, which may hold the usage",
}
"""Each quirk in words. None of them changes what a stream of OpenAI's says."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider that speaks an API of OpenAI's.

    Attributes:
        name: As in ``<name>.chat_completions`` of public collections of recordings.
        base: Base URL; what is in braces is the caller's own.
        key: Environment variable that holds the key; "" for none.
        apis: Dialect -> request path below the base URL.
        quirks: See QUIRKS; of its chat completions.
        header: Field that the key goes into, and what stands before it.
    """

    name: str
    base: str
    key: str
    apis: Mapping[str, str]
    quirks: frozenset[Quirk] = frozenset()
    header: tuple[str, str] = ("Authorization", "Bearer ")


_CHAT = {"openai.chat": "/chat/completions"}
_RESPONSES = {"openai.responses": "/responses"}
_COMPLETIONS = {"openai.completions": "/completions"}


def _row(
    name: str, base: str, key: str, *quirks: Quirk, apis: Mapping[str, str] = _CHAT
) -> Provider:
    return Provider(name, base, key, apis, frozenset(quirks))


_AZURE = ("AZURE_OPENAI_API_KEY", ("api-key", ""))

PROVIDERS: tuple[Provider, ...] = (
    _row(
        "openai", "https://api.openai.com/v1", "OPENAI_API_KEY",
        "empty-choices-last", "obfuscation", "role-often", "usage-null",
        apis={
            **_CHAT, **_RESPONSES, **_COMPLETIONS,
            "openai.assistants": "/threads/runs",
            "openai.audio": "/audio/transcriptions",
        },
    ),
    Provider(
        "azure_openai", "https://{resource}.openai.azure.com/openai/v1", _AZURE[0],
        _CHAT | _RESPONSES,
        frozenset({
            "content-filter", "empty-choices-first", "empty-choices-last", "no-done",
            "obfuscation", "other-object", "usage-null",
        }),
        _AZURE[1],
    ),
    Provider(
        "azure_ai", "https://{resource}.services.ai.azure.com/models", "AZURE_AI_API_KEY", _CHAT,
        frozenset({
            "content-filter", "empty-choices-first", "empty-choices-last", "obfuscation",
            "other-object", "usage-null", "whole-calls",
        }),
        _AZURE[1],
    ),
    _row(
        "mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "content-parts", "obfuscation",
        apis={"mistral.chat": "/chat/completions"},
    ),
    _row(
        "openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
        "comments", "empty-choices-last", "error", "reasoning", "reasoning_details", "role-often",
        apis=_CHAT | _RESPONSES,
    ),
    _row(
        "deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY",
        "reasoning_content", "usage-null", apis=_CHAT | _RESPONSES,
    ),
    _row(
        "groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY",
        "empty-choices-last", "error", "event-names", "reasoning", "usage-often", "x_groq",
    ),
    _row(
        "xai", "https://api.x.ai/v1", "XAI_API_KEY",
        "empty-choices-last", "reasoning_content", "whole-calls", apis=_CHAT | _RESPONSES,
    ),
    _row("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    _row("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "usage-null"),
    _row(
        "fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", "usage-null"
    ),
    _row(
        "cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY",
        "no-done", "reasoning", "usage-often", "whole-calls",
    ),
    _row(
        "huggingface_router", "https://router.huggingface.co/v1", "HF_TOKEN",
        "empty-choices-last", "no-done", "usage-often", "whole-calls", "x_groq",
    ),
    _row(
        "tgi", "http://127.0.0.1:8080/v1", "",
        "no-done", "no-space", "other-object", "role-often", "usage-null",
    ),
    _row("vllm", "http://127.0.0.1:8000/v1", "", apis=_CHAT | _COMPLETIONS),
    _row(
        "llamacpp", "http://127.0.0.1:8080/v1", "", "empty-choices-last", "reasoning_content"
    ),
    _row("lmstudio", "http://127.0.0.1:1234/v1", "", apis=_CHAT | _RESPONSES),
    _row(
        "ollama", "http://127.0.0.1:11434/v1", "",
        "empty-choices-last", "reasoning", "role-often", "whole-calls",
    ),
    _row(
        "ollama_cloud", "https://ollama.com/v1", "OLLAMA_API_KEY",
        "empty-choices-last", "reasoning", "whole-calls",
    ),
    _row(
        "gpustack", "{base}", "GPUSTACK_API_KEY", "no-done", "reasoning_content", "usage-null"
    ),
    _row("cohere", "https://api.cohere.com/compatibility/v1", "CO_API_KEY"),
    _row("sambanova", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    _row("nebius", "https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
    _row("novita", "https://api.novita.ai/v3/openai", "NOVITA_API_KEY", "content-filter"),
    _row("hyperbolic", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY", "usage-often"),
    _row(
        "avian", "https://api.avian.io/v1", "AVIAN_API_KEY",
        "reasoning_content", "reasoning_details", "role-often",
    ),
    _row(
        "crusoe", "https://api.inference.crusoecloud.com/v1", "CRUSOE_API_KEY",
        "empty-choices-last",
    ),
    _row(
        "zai", "https://api.z.ai/api/coding/paas/v4", "ZAI_API_KEY",
        "reasoning_content", "role-often", "whole-calls",
    ),
    _row("vercel_gateway", "https://ai-gateway.vercel.sh/v1", "AI_GATEWAY_API_KEY"),
    _row(
        "cloudflare", "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1",
        "CLOUDFLARE_API_TOKEN",
    ),
    _row(
        "databricks", "https://{workspace}.azuredatabricks.net/serving-endpoints",
        "DATABRICKS_TOKEN", "role-often", "usage-often",
    ),
    _row(
        "snowflake", "https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
        "SNOWFLAKE_TOKEN", "empty-choices-last", "reasoning_details", "role-often",
    ),
    _row(
        "bedrock", "https://bedrock-mantle.{region}.api.aws/openai/v1", "AWS_BEARER_TOKEN_BEDROCK",
        apis=_RESPONSES,
    ),
)  # fmt: skip
