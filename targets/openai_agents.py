"""Drives the openai-agents package: the stream of a model, over chat completions or responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from replayfuzz.targets import openai_responses
from replayfuzz.targets.stainless import Clients
from replayfuzz.worker import Call, Shown, serve

# What the SDK tells of chat completions in terms of its own.
_OWN = {"openai.chat": ("role", "finish", "usage", "model")}


class OpenAIAgents:
    """One model for each API, over a client that is built once."""

    def __init__(self, agents: Any) -> None:
        self._agents = agents
        self._clients = Clients("openai", ("OpenAI", "AsyncOpenAI"), "/v1")
        self._kinds = {
            "openai.chat": agents.OpenAIChatCompletionsModel,
            openai_responses.DIALECT: agents.OpenAIResponsesModel,
        }

    async def __call__(self, call: Call) -> AsyncIterator[Shown]:
        self._clients.seats(call)
        events, left_out = openai_responses.Events(), _OWN.get(call.dialect, ())
        async for event in self._stream(call):
            for shown in events.shown(event):
                if shown["type"] not in left_out:
                    yield shown

    def _stream(self, call: Call) -> Any:
        name = call.request.get("model", "gpt-4.1-mini")
        client = self._clients.later.with_options(timeout=call.timeout)
        model = self._kinds[call.dialect](name, openai_client=client)
        return model.stream_response(
            system_instructions=None,
            input=call.request.get("messages") or call.request.get("input") or "Hello",
            model_settings=self._agents.ModelSettings(),
            tools=[],
            output_schema=None,
            handoffs=[],
            tracing=self._agents.ModelTracing.DISABLED,
            previous_response_id=None,
            conversation_id=None,
            prompt=None,
        )


def main() -> None:
    """Serve the installed openai-agents package."""
    from importlib.metadata import version

    import agents

    agents.set_tracing_disabled(disabled=True)
    serve(
        OpenAIAgents(agents),
        name="openai-agents",
        version=version("openai-agents"),
        dialects=("openai.chat", openai_responses.DIALECT),
        variants=("async",),
        library="agents",
        memory=True,
    )


if __name__ == "__main__":
    main()
