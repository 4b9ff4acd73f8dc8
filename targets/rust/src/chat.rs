//! OpenAI chat completions as a stream: what one event means to our client.

use serde_json::{Value, json};

use crate::json::{clip, failure, message_of, parse};
use crate::sse::Event;

/// Whether anything may follow an event.
#[derive(Debug, PartialEq)]
pub enum Next {
    More,
    Over,
}

/// Appends what the client is told about one event.
pub fn tell(event: &Event, out: &mut Vec<u8>) -> Next {
    let data = event.data.as_str();
    if data.trim() == "[DONE]" {
        out.extend_from_slice(b"data: [DONE]\n\n");
        return Next::Over;
    }
    let value = parse(data);
    if let Some(message) = error_in(event, value.as_ref()) {
        write_error(&message, out);
        return Next::Over;
    }
    let choices = value.as_ref().and_then(|chunk| chunk["choices"].as_array());
    for (position, choice) in choices.into_iter().flatten().enumerate() {
        // An index that is none is the position.
        let index = choice["index"].as_i64().unwrap_or(position as i64);
        match choice["delta"]["content"].as_str() {
            Some(text) if index == 0 && !text.is_empty() => write(&json!({"content": text}), out),
            _ => {}
        }
    }
    Next::More
}

/// The message of an event that says, or is, an error.
fn error_in(event: &Event, value: Option<&Value>) -> Option<String> {
    let told = || value.and_then(message_of).unwrap_or(&event.data).to_owned();
    match value.and_then(Value::as_object) {
        _ if event.name == "error" => Some(told()),
        None => Some(format!(
            "the upstream sent an event that is not a JSON object: {}",
            clip(&event.data)
        )),
        // The second is how vLLM writes it: {"object": "error", "message": …}.
        Some(chunk) if failure(chunk).is_some() => Some(told()),
        Some(chunk) if chunk.get("object").is_some_and(|kind| kind == "error") => Some(told()),
        Some(_) => None,
    }
}

/// Appends an error event.
pub fn write_error(message: &str, out: &mut Vec<u8>) {
    write(&json!({"error": message}), out);
}

fn write(data: &Value, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("data: {data}\n\n").as_bytes());
}
