//! JSON as providers and web servers write it.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Replaces escapes of lone surrogates, which no string can hold, with U+FFFD; `Owned` when there
/// was one. Text that is not JSON comes back as text that is not JSON either.
pub fn mend(text: &str) -> Cow<'_, str> {
    let mut mended = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|&byte| byte == b'\\') {
        at += found;
        match (unit(&bytes[at..]), unit(bytes.get(at + 6..).unwrap_or(b""))) {
            (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => at += 12,
            (Some(0xD800..0xE000), _) => {
                mended.push(at);
                at += 6;
            }
            _ => at = (at + 2).min(bytes.len()), // a backslash may be escaped, too
        }
    }
    if mended.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut whole = text.to_owned();
    for at in mended {
        whole.replace_range(at..at + 6, "\\uFFFD");
    }
    Cow::Owned(whole)
}

/// The UTF-16 code unit of the `\uXXXX` that the bytes begin with.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// Reads one value.
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(&mend(text)).ok()
}

/// The text for people in an error as providers write it.
///
/// `{"error": {"message": …}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": "…"}`, a bare
/// string, or an array of these.
pub fn message_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        Value::Array(items) => items.first().and_then(message_of),
        Value::Object(members) => match failure(members) {
            Some(inner) => message_of(inner),
            None => ["message", "detail"]
                .iter()
                .find_map(|name| members.get(*name)?.as_str().filter(|text| !text.is_empty())),
        },
        _ => None,
    }
}

/// The error member, unless it says that there is no error.
pub fn failure(members: &Map<String, Value>) -> Option<&Value> {
    members.get("error").filter(|error| match error {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    })
}

/// Shortens text that came from elsewhere.
pub fn clip(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(500) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
