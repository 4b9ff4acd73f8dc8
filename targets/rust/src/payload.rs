//! The message that comes with a client's socket: what to ask, and how to answer.

use std::borrow::Cow;

use serde_json::{Map, Number, Value, json};

use crate::json::mend;

/// A valid message; what it leaves out has its default. Unknown keys are ignored.
#[derive(Debug)]
pub struct Payload {
    /// For the log only.
    pub user_id: Option<Number>,
    /// Body of the request to the provider.
    pub question: Value,
    pub request_id: Option<String>,
    pub test_pattern: Option<String>,
    /// Fields to add to our head: name and value.
    pub response_headers: Vec<(String, String)>,
}

/// Fields that are part of every answer, or would change how its body is framed.
const FIXED_FIELDS: [&str; 7] = [
    "content-type",
    "cache-control",
    "connection",
    "x-accel-buffering",
    "transfer-encoding",
    "content-length",
    "content-encoding",
];

impl Payload {
    /// Reads a message. No bytes, or the one NUL byte that a web server sends where it has nothing
    /// to say, mean every default. Errors are for the client: they may name a key of the payload,
    /// but never quote what it holds.
    pub fn parse(message: &[u8]) -> Result<Self, String> {
        let message = match message {
            b"" | b"\0" => b"{}",
            _ => message,
        };
        let text = std::str::from_utf8(message).map_err(|_| "the payload is not UTF-8")?;
        let Cow::Borrowed(text) = mend(text) else {
            return Err("the payload holds a lone surrogate, which UTF-8 cannot express".into());
        };
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            return Err("the payload is not a JSON object".into());
        };
        let members = Members(members);
        Ok(Self {
            user_id: members.integer("user_id")?,
            question: members.question()?,
            request_id: members.header_value("request_id")?,
            test_pattern: members.header_value("test_pattern")?,
            response_headers: members.response_headers()?,
        })
    }
}

/// Reads members by name and type. As in most APIs, null is the same as not being there.
struct Members(Map<String, Value>);

impl Members {
    fn question(&self) -> Result<Value, String> {
        let mut question = json!({
            "model": self.text("model")?.unwrap_or("gpt-4o"),
            "messages": self.conversation()?,
            "stream": true,
        });
        if let Some(most) = self.integer("max_tokens")? {
            question["max_tokens"] = most.into();
        }
        if let Some(temperature) = self.number("temperature")? {
            question["temperature"] = temperature.into();
        }
        Ok(question)
    }

    /// The messages, or the prompt as the only one, behind the system message.
    fn conversation(&self) -> Result<Vec<Value>, String> {
        let prompt = self.text("prompt")?.unwrap_or("Hello");
        let system = self.text("system")?.filter(|text| !text.is_empty());
        let mut talk: Vec<_> = system
            .map(|text| turn("system", text))
            .into_iter()
            .collect();
        let turns = self.typed("messages", "a list", Value::as_array)?;
        match turns.filter(|turns| !turns.is_empty()) {
            None => talk.push(turn("user", prompt)),
            Some(turns) => {
                for item in turns {
                    let (Some(role), Some(content)) =
                        (item["role"].as_str(), item["content"].as_str())
                    else {
                        return Err(wrong(
                            "messages",
                            "a list of objects with a string role and a string content",
                        ));
                    };
                    talk.push(turn(role, content));
                }
            }
        }
        Ok(talk)
    }

    /// What may be added to our head; the rest is dropped in silence, since the page that asked
    /// for it cannot be told.
    fn response_headers(&self) -> Result<Vec<(String, String)>, String> {
        let wanted = self.typed("response_headers", "an object", Value::as_object)?;
        let mut kept = Vec::new();
        for (name, value) in wanted.into_iter().flatten() {
            match value.as_str() {
                Some(value) if may_be_added(name) && !has_control(value) => {
                    kept.push((name.clone(), value.to_owned()));
                }
                _ => {}
            }
        }
        Ok(kept)
    }

    /// A string that becomes the value of a header: nothing in it may end the line.
    fn header_value(&self, name: &str) -> Result<Option<String>, String> {
        match self.text(name)? {
            Some(text) if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                Err(wrong(name, "printable ASCII"))
            }
            text => Ok(text.filter(|text| !text.is_empty()).map(str::to_owned)),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.typed(name, "a string", Value::as_str)
    }

    fn integer(&self, name: &str) -> Result<Option<Number>, String> {
        let is_integer = |value: &Value| value.as_i64().map(Number::from);
        self.typed_owned(name, "a 64-bit integer", is_integer)
    }

    fn number(&self, name: &str) -> Result<Option<Number>, String> {
        let is_finite = |number: &&Number| number.as_f64().is_some_and(f64::is_finite);
        let as_number = |value: &Value| value.as_number().filter(is_finite).cloned();
        self.typed_owned(name, "a number that a double can hold", as_number)
    }

    fn typed<'a, T: ?Sized>(
        &'a self,
        name: &str,
        want: &str,
        read: impl Fn(&'a Value) -> Option<&'a T>,
    ) -> Result<Option<&'a T>, String> {
        self.typed_owned(name, want, read)
    }

    fn typed_owned<'a, T>(
        &'a self,
        name: &str,
        want: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| wrong(name, want)),
        }
    }
}

fn turn(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

fn wrong(name: &str, want: &str) -> String {
    format!("{name} is not {want}")
}

/// Whether this can be a field name (RFC 9110 section 5.6.2) that we do not set ourselves.
fn may_be_added(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(is_tchar)
        && !FIXED_FIELDS
            .iter()
            .any(|fixed| fixed.eq_ignore_ascii_case(name))
}

fn has_control(text: &str) -> bool {
    text.bytes()
        .any(|byte| byte.is_ascii_control() && byte != b'\t')
}
