//! Drives reqwest-eventsource: an `EventSource` that is closed where its stream ends.
//!
//! It sends its request itself, so there is no memory delivery.

use futures_util::StreamExt;
use reqwest_eventsource::{retry, Error, Event as Came, EventSource};
use worker::{http_client, runtime, serve, About, Call, Event, Events, Failure};

fn main() {
    let about = About::of_events("reqwest-eventsource", include_str!("../Cargo.lock"), false);
    let runtime = runtime();
    serve(about, |call, events| runtime.block_on(read(call, events)))
}

async fn read(call: &Call, events: &mut Events) -> Result<(), Failure> {
    let mut source =
        EventSource::new(http_client::request(call)?).map_err(|fault| Failure::of(&fault))?;
    source.set_retry_policy(Box::new(retry::Never));
    while let Some(came) = source.next().await {
        match came {
            Ok(Came::Open) => {}
            Ok(Came::Message(event)) => events.show(Event {
                kind: "sse",
                event: Some(event.event),
                data: Some(event.data),
                id: Some(event.id),
                retry: event.retry.map(|pause| pause.as_millis() as u64),
                ..Event::default()
            }),
            Err(Error::StreamEnded) => return Ok(()), // it would connect again
            Err(Error::Transport(cause)) => return Err(Failure::of(&cause)),
            Err(fault) => return Err(Failure::of(&fault)),
        }
    }
    Ok(())
}
