//! The target's side of worker protocol v1 (docs/worker-protocol.md): what
//! replayfuzz/worker.py is for Python.

mod base64;
mod failure;
#[cfg(feature = "http")]
pub mod http_client;
mod serve;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use failure::Failure;
#[cfg(feature = "runtime")]
pub use serve::runtime;
pub use serve::{serve, version, About, Events};

/// One request.
#[derive(Deserialize)]
pub struct Call {
    id: Box<RawValue>,
    pub dialect: String,
    pub variant: String,
    /// Seconds; the library's own time limit.
    pub timeout: f64,
    #[serde(default)]
    url: String,
    request: Option<Box<RawValue>>,
    /// Memory delivery: the response body, piece by piece, in base64; nothing with a server.
    pieces: Option<Vec<String>>,
    status: Option<u16>,
    #[serde(default)]
    fields: Vec<(String, String)>,
    ending: Option<String>,
}

/// What memory delivery puts before the library.
pub struct Memory {
    /// Each is one read of the body.
    pub pieces: Vec<Vec<u8>>,
    pub status: u16,
    pub fields: Vec<(String, String)>,
    /// False: the connection ended before the message did.
    pub complete: bool,
}

impl Call {
    /// Base URL of the server, ending before the provider's path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The JSON body that the caller would send, byte for byte.
    pub fn request(&self) -> &str {
        self.request.as_deref().map_or("{}", RawValue::get)
    }

    /// The response to read instead of a server's.
    pub fn memory(&self) -> Option<Memory> {
        let pieces = self.pieces.as_ref()?;
        Some(Memory {
            pieces: pieces.iter().map(|piece| base64::decode(piece)).collect(),
            status: self.status.unwrap_or(200),
            fields: self.fields.clone(),
            complete: self.ending.as_deref().unwrap_or("complete") == "complete",
        })
    }

    pub fn limit(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.timeout)
    }
}

/// One thing that a caller of the library saw; what is None is left out.
#[derive(Serialize, Default)]
pub struct Event {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<u64>,
}
