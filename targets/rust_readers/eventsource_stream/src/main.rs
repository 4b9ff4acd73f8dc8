//! Drives eventsource-stream: `bytes_stream().eventsource()` of reqwest, as its README has it.

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::StreamExt;
use std::error::Error;
use worker::{http_client, runtime, serve, About, Call, Event, Events, Failure};

fn main() {
    let about = About::of_events("eventsource-stream", include_str!("../Cargo.lock"), true);
    let runtime = runtime();
    serve(about, |call, events| runtime.block_on(read(call, events)))
}

async fn read(call: &Call, events: &mut Events) -> Result<(), Failure> {
    let mut stream = http_client::response(call)
        .await?
        .bytes_stream()
        .eventsource();
    while let Some(event) = stream.next().await {
        let event = event.map_err(|fault| told(&fault))?;
        events.show(Event {
            kind: "sse",
            event: Some(event.event),
            data: Some(event.data),
            id: Some(event.id),
            retry: event.retry.map(|pause| pause.as_millis() as u64),
            ..Event::default()
        });
    }
    Ok(())
}

fn told<E: Error + Send + Sync + 'static>(fault: &EventStreamError<E>) -> Failure {
    match fault {
        EventStreamError::Transport(cause) => Failure::caused(fault, Some(cause)),
        _ => Failure::of(fault),
    }
}
