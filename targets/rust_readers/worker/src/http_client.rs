//! Responses for readers that are put behind an HTTP client: reqwest, the most usual one.

use crate::{Call, Failure, Memory};
use bytes::Bytes;
use futures_util::stream;
use std::io::{Error, ErrorKind};

/// A client that keeps no connection and takes no proxy from the environment. Its time limit
/// is one of silence, since a whole answer may take long on a busy machine.
pub fn client(call: &Call) -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(call.limit())
        .read_timeout(call.limit())
        .build()
        .map_err(|fault| Failure::of(&fault))
}

/// The request that a caller would send.
pub fn request(call: &Call) -> Result<reqwest::RequestBuilder, Failure> {
    let request = client(call)?
        .post(format!("{}/events", call.url()))
        .header("Content-Type", "application/json");
    Ok(request.body(call.request().to_string()))
}

/// The response to `call`, from its server or from memory.
pub async fn response(call: &Call) -> Result<reqwest::Response, Failure> {
    let answered = match call.memory() {
        Some(memory) => remembered(memory),
        None => {
            let sent = request(call)?.send().await;
            sent.map_err(|fault| Failure::of(&fault))?
        }
    };
    answered
        .error_for_status()
        .map_err(|fault| Failure::of(&fault))
}

/// A response whose body gives one piece a read.
fn remembered(memory: Memory) -> reqwest::Response {
    let mut answer = http::Response::builder().status(memory.status);
    for (name, value) in &memory.fields {
        answer = answer.header(name, value);
    }
    let broken = (!memory.complete).then(|| {
        let text = "connection closed before message completed"; // as hyper says it
        Err(Error::new(ErrorKind::UnexpectedEof, text))
    });
    let read = memory
        .pieces
        .into_iter()
        .map(|piece| Ok(Bytes::from(piece)));
    let body = reqwest::Body::wrap_stream(stream::iter(read.chain(broken)));
    answer
        .body(body)
        .expect("the fields were sent before")
        .into()
}

/// The body of `response`, for readers that take an `http_body::Body`.
pub fn body(response: reqwest::Response) -> reqwest::Body {
    response.into()
}
