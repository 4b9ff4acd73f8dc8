//! Drives sse-stream: `SseStream` over the body of a response.

use futures_util::StreamExt;
use sse_stream::SseStream;
use worker::{http_client, runtime, serve, About, Call, Event, Events, Failure};

fn main() {
    let about = About::of_events("sse-stream", include_str!("../Cargo.lock"), true);
    let runtime = runtime();
    serve(about, |call, events| runtime.block_on(read(call, events)))
}

async fn read(call: &Call, events: &mut Events) -> Result<(), Failure> {
    let body = http_client::body(http_client::response(call).await?);
    let mut stream = SseStream::new(body);
    while let Some(block) = stream.next().await {
        let block = block.map_err(|fault| Failure::of(&fault))?;
        // It yields "a raw event block, including metadata-only blocks": to dispatch only
        // those with data is its caller's part, and so is the name that stands for none.
        if block.data.is_some() {
            let named = block.event.filter(|name| !name.is_empty());
            events.show(Event {
                kind: "sse",
                event: named.or_else(|| Some("message".into())),
                data: block.data,
                id: block.id,
                retry: block.retry,
                ..Event::default()
            });
        }
    }
    Ok(())
}
