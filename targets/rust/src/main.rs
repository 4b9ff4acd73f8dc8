//! A streaming daemon: a web server hands it the sockets of its clients, and it answers each
//! with what a language model says, event by event.
//!
//! ```text
//! web server --SCM_RIGHTS--> daemon --HTTP--> provider
//!                              |
//! client <-----HTTP, SSE-------+
//! ```
//!
//! This file accepts, and ends. `handoff` follows one client from the first byte to the last and
//! is the place to start reading.

mod chat;
mod connection;
mod handoff;
mod json;
mod options;
mod payload;
mod response;
mod socket;
mod sse;
mod tls;
mod upstream;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use options::Options;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use upstream::Upstream;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(&message),
    };
    match start(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    log(message);
    ExitCode::FAILURE
}

/// Writes one line to stderr. Unlike `eprintln!`, it does not panic when nobody reads there.
pub fn log(message: &str) {
    let _ = writeln!(std::io::stderr(), "daemon: {message}");
}

fn start(options: Options) -> Result<(), String> {
    let upstream = Arc::new(Upstream::new(&options)?);
    allow_many_descriptors();
    // Before there are threads: the umask that it sets for a moment belongs to the process.
    let (listener, file) = socket::bind(&options.socket, options.mode)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let served = runtime.block_on(serve(listener, upstream, options.client_idle));
    drop(file);
    // Clients that are still being served see their connections close, without a [DONE].
    runtime.shutdown_background();
    served.map_err(|error| format!("cannot serve: {error}"))
}

/// Each client takes two descriptors, and the usual limit is 1024 unless a program asks for more.
fn allow_many_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Serves until SIGTERM or SIGINT.
async fn serve(
    listener: std::os::unix::net::UnixListener,
    upstream: Arc<Upstream>,
    client_idle: Duration,
) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = UnixListener::from_std(listener)?;
    loop {
        let accepted = tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((peer, _)) => {
                tokio::spawn(handoff::serve(peer, upstream.clone(), client_idle));
            }
            Err(error) => {
                // EMFILE and the like: descriptors come back as clients finish.
                log(&format!("accept: {error}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
