//! Drives async-openai: `client.chat().create_stream()`, read to its end or first error.
//!
//! Its client makes its own HTTP client, of whichever reqwest its release is built on; a new
//! one for each call keeps no connection. So there is no memory delivery.

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatChoiceStream, ChatCompletionMessageToolCallChunk, CreateChatCompletionRequest,
    CreateChatCompletionStreamResponse,
};
use async_openai::Client;
use futures_util::StreamExt;
use serde_json::Value;
use std::future::Future;
use worker::{runtime, serve, version, About, Call, Event, Events, Failure};

const PROXIES: [&str; 6] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

fn main() {
    for name in PROXIES {
        std::env::remove_var(name);
    }
    let about = About {
        name: "async-openai",
        version: version(include_str!("../Cargo.lock"), "async-openai"),
        dialects: &["openai.chat"],
        variants: &["default"],
        memory: false,
    };
    serve(about, |call, events| {
        // A runtime of its own: what a call leaves behind ends with it.
        runtime().block_on(read(call, events))
    })
}

async fn read(call: &Call, events: &mut Events) -> Result<(), Failure> {
    let config = OpenAIConfig::new()
        .with_api_key("replayfuzz")
        .with_api_base(format!("{}/v1", call.url()));
    let client = Client::with_config(config);
    let request: CreateChatCompletionRequest =
        serde_json::from_str(call.request()).map_err(|fault| Failure::of(&fault))?;
    let chat = client.chat();
    let opened = patient(call, chat.create_stream(request)).await?;
    let mut stream = opened.map_err(told)?;
    let mut model = String::new();
    while let Some(chunk) = patient(call, stream.next()).await? {
        show(chunk.map_err(told)?, &mut model, events);
    }
    Ok(())
}

/// The library has no time limit of silence, so its caller has one.
async fn patient<T>(call: &Call, step: impl Future<Output = T>) -> Result<T, Failure> {
    let waited = tokio::time::timeout(call.limit(), step).await;
    waited.map_err(|_| Failure::timeout())
}

fn told(fault: OpenAIError) -> Failure {
    Failure::of(&fault)
}

fn show(chunk: CreateChatCompletionStreamResponse, model: &mut String, events: &mut Events) {
    if !chunk.model.is_empty() && chunk.model != *model {
        model.clone_from(&chunk.model);
        events.show(Event {
            kind: "model",
            model: Some(chunk.model),
            ..Event::default()
        });
    }
    for choice in chunk.choices {
        choose(choice, events);
    }
    if let Some(usage) = chunk.usage {
        events.show(Event {
            kind: "usage",
            usage: serde_json::to_value(usage).ok(),
            ..Event::default()
        });
    }
}

fn choose(choice: ChatChoiceStream, events: &mut Events) {
    let (index, delta) = (Some(choice.index.into()), choice.delta);
    if let Some(role) = delta.role {
        events.show(Event {
            kind: "role",
            choice: index,
            role: word(serde_json::to_value(role)),
            ..Event::default()
        });
    }
    for (kind, text) in [("text", delta.content), ("refusal", delta.refusal)] {
        if text.as_deref().is_some_and(|text| !text.is_empty()) {
            events.show(Event {
                kind,
                choice: index,
                text,
                ..Event::default()
            });
        }
    }
    for call in delta.tool_calls.unwrap_or_default() {
        events.show(tool(call, index));
    }
    if let Some(reason) = choice.finish_reason {
        events.show(Event {
            kind: "finish",
            choice: index,
            reason: word(serde_json::to_value(reason)),
            ..Event::default()
        });
    }
}

fn tool(call: ChatCompletionMessageToolCallChunk, choice: Option<u64>) -> Event {
    let (name, arguments) = match call.function {
        Some(function) => (function.name, function.arguments),
        None => (None, None),
    };
    Event {
        kind: "tool",
        choice,
        index: Some(call.index.into()),
        id: call.id,
        name,
        arguments,
        ..Event::default()
    }
}

/// The provider's word for a member of an enumeration.
fn word(value: Result<Value, serde_json::Error>) -> Option<String> {
    value.ok()?.as_str().map(str::to_string)
}
