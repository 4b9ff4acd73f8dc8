//! What the command line and the environment say. Nothing else reads either.

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

pub const HELP: &str = "\
Usage: daemon [--socket PATH] [--socket-mode MODE] [--backend openai]

  --socket PATH       listen on this Unix socket (/run/streaming-daemon.sock)
  --socket-mode MODE  its permissions, octal (DAEMON_SOCKET_MODE, else 0660)
  --backend NAME      the provider; openai is the only one

Environment: OPENAI_API_BASE, OPENAI_API_KEY, OPENAI_HTTP2_ENABLED, OPENAI_INSECURE_SSL,
OPENAI_IDLE_TIMEOUT and DAEMON_WRITE_TIMEOUT (seconds), DAEMON_SOCKET_MODE.";

pub struct Options {
    pub socket: PathBuf,
    /// Permissions of the socket file.
    pub mode: u32,
    /// Base URL of the provider; it has a scheme and a host.
    pub base: Uri,
    pub key: String,
    pub http2: bool,
    /// Take any certificate of the provider.
    pub insecure: bool,
    /// The provider may be silent for so long.
    pub upstream_idle: Duration,
    /// A client may take nothing for so long.
    pub client_idle: Duration,
}

impl Options {
    /// Reads flags and variables; `None` when help was asked for.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut socket = "/run/streaming-daemon.sock".to_owned();
        let mut mode = variable("DAEMON_SOCKET_MODE", "0660");
        let mut backend = "openai".to_owned();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let (flag, given) = match argument.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let place = match flag {
                "--socket" => &mut socket,
                "--socket-mode" => &mut mode,
                "--backend" => &mut backend,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("there is no option {flag:?}; see --help")),
            };
            *place = given
                .or_else(|| arguments.next())
                .ok_or_else(|| format!("{flag} needs a value"))?;
        }
        if backend != "openai" {
            return Err(format!("--backend: {backend:?} is not openai"));
        }
        let mode = u32::from_str_radix(&mode, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| format!("--socket-mode: {mode:?} is not an octal number up to 0777"))?;
        Ok(Some(Self {
            socket: socket.into(),
            mode,
            base: base_url()?,
            key: variable("OPENAI_API_KEY", ""),
            http2: is_true("OPENAI_HTTP2_ENABLED"),
            insecure: is_true("OPENAI_INSECURE_SSL"),
            upstream_idle: seconds("OPENAI_IDLE_TIMEOUT", "60")?,
            client_idle: seconds("DAEMON_WRITE_TIMEOUT", "30")?,
        }))
    }
}

fn base_url() -> Result<Uri, String> {
    variable("OPENAI_API_BASE", "https://api.openai.com/v1")
        .parse::<Uri>()
        .ok()
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        .ok_or_else(|| "OPENAI_API_BASE is not an http or https URL".to_owned())
}

/// A variable of the environment, or `fallback` where it is empty or not there.
fn variable(name: &str, fallback: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => fallback.to_owned(),
    }
}

fn is_true(name: &str) -> bool {
    matches!(
        variable(name, "").to_lowercase().as_str(),
        "1" | "true" | "yes" | "on"
    )
}

fn seconds(name: &str, fallback: &str) -> Result<Duration, String> {
    let value = variable(name, fallback);
    match value.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds < 1e6 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("{name}: {value:?} is not a number of seconds")),
    }
}
