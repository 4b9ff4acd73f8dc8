//! One hand-off: a message with a socket comes in, a response goes out.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::chat::{Next, tell, write_error};
use crate::log;
use crate::payload::Payload;
use crate::response::{Client, Left};
use crate::socket::{Message, receive};
use crate::sse::Reader;
use crate::upstream::{Answer, SILENT, Stop, Upstream};

/// How long a web server that has connected may say nothing.
const PEER_IDLE: Duration = Duration::from_secs(10);

/// Why a client was not served to the end.
enum Trouble {
    Left,
    /// The client was told; this is for the log, and holds nothing that client, payload or
    /// upstream wrote.
    Told(String),
}

impl From<Left> for Trouble {
    fn from(_: Left) -> Self {
        Self::Left
    }
}

/// Serves one connection of the web server.
pub async fn serve(peer: UnixStream, upstream: Arc<Upstream>, patience: Duration) {
    let Ok(Ok(message)) = timeout(PEER_IDLE, receive(&peer)).await else {
        return;
    };
    drop(peer); // the web server does not wait for a reply
    let Message {
        payload,
        truncated,
        fds,
    } = message;
    if fds.is_empty() && payload.is_empty() {
        return; // somebody looked whether we are there
    }
    let Some(socket) = fds.into_iter().next() else {
        return log("hand-off refused: no socket came with the message");
    };
    let Ok(client) = Client::new(socket, patience) else {
        return log("hand-off refused: what came with the message is no connected stream socket");
    };
    // Whatever answer does is dropped when the client leaves, the call to the upstream included.
    tokio::select! {
        biased;
        () = client.left() => return,
        answered = answer(&payload, truncated, &upstream, &client) => match answered {
            Ok(()) => {}
            Err(Trouble::Left) => return,
            Err(Trouble::Told(reason)) => log(&format!("hand-off failed: {reason}")),
        }
    }
    client.finish().await;
}

async fn answer(
    message: &[u8],
    truncated: bool,
    upstream: &Upstream,
    client: &Client,
) -> Result<(), Trouble> {
    if truncated {
        client
            .refuse(StatusCode::PAYLOAD_TOO_LARGE, "the payload is too large")
            .await?;
        return Err(Trouble::Told("payload too large".to_owned()));
    }
    let payload = match Payload::parse(message) {
        Ok(payload) => payload,
        Err(reason) => {
            client.refuse(StatusCode::BAD_REQUEST, &reason).await?;
            return Err(Trouble::Told("bad payload".to_owned()));
        }
    };
    let user = match &payload.user_id {
        Some(id) => format!(", user {id}"),
        None => String::new(),
    };
    let from = match upstream.ask(&payload).await {
        Ok(answer) => answer,
        Err(failure) => {
            client.refuse(failure.status, &failure.message).await?;
            return Err(Trouble::Told(failure.logged + &user));
        }
    };
    client.start_stream(&payload.response_headers).await?;
    if relay(from, client).await? {
        return Ok(());
    }
    Err(Trouble::Told(format!("stream broke off{user}")))
}

/// Tells the client each event as soon as it is whole. [DONE] is told only when the upstream said
/// it; every other end is an error, and the result false.
async fn relay(mut from: Answer, client: &Client) -> Result<bool, Left> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    let mut out = Vec::new();
    loop {
        let piece = from.next().await;
        let read = piece.as_deref().map(|data| reader.read(data, &mut events));
        for event in events.drain(..) {
            if tell(&event, &mut out) == Next::Over {
                drop(from); // nothing is read after it
                client.write(&out).await?;
                return Ok(out.ends_with(b"data: [DONE]\n\n"));
            }
        }
        let trouble = match read {
            Ok(Ok(())) => None,
            Ok(Err(_too_large)) => Some("an event of the upstream is larger than 8 MiB".to_owned()),
            Err(Stop::End) => Some("upstream ended before [DONE]".to_owned()),
            Err(Stop::Broken(reason)) => Some(format!("upstream ended before [DONE]: {reason}")),
            Err(Stop::Silent) => Some(SILENT.to_owned()),
        };
        if let Some(message) = &trouble {
            write_error(message, &mut out);
        }
        client.write(&out).await?;
        out.clear();
        if trouble.is_some() {
            return Ok(false);
        }
    }
}
