use serde::Serialize;
use std::any::type_name;
use std::error::Error;

const CAUSES: usize = 5;

/// An error as worker protocol v1 describes it. Rust's errors know no frame.
#[derive(Serialize)]
pub struct Failure {
    #[serde(rename = "type")]
    kind: String,
    message: String,
    frame: &'static str,
}

impl Failure {
    /// What `error` says, and then its causes: a message does not hold them by convention.
    pub fn of<E: Error>(error: &E) -> Self {
        Self::caused(error, error.source())
    }

    /// For an error that keeps its cause to itself.
    pub fn caused<E: Error>(error: &E, cause: Option<&dyn Error>) -> Self {
        let mut texts = vec![error.to_string()];
        let mut link = cause;
        while let Some(each) = link.filter(|_| texts.len() < CAUSES) {
            let text = each.to_string();
            if !texts.iter().any(|told| told.contains(&text)) {
                texts.push(text);
            }
            link = each.source();
        }
        let told = format!("{error:?}");
        let variant = told
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or("");
        let own = type_name::<E>().split('<').next().unwrap_or("");
        let late = if told.contains("TimedOut") {
            "::Timeout"
        } else {
            ""
        };
        Self {
            kind: format!("{own}::{variant}{late}"),
            message: texts.join(" <- "),
            frame: "",
        }
    }

    /// The caller's own patience ended: the library has no time limit.
    pub fn timeout() -> Self {
        Self {
            kind: "tokio::time::Timeout".into(),
            message: "deadline has elapsed".into(),
            frame: "",
        }
    }
}
