//! The provider: one request over one connection of its own for each hand-off.

use std::error::Error;
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::connection::{Connection, connect};
use crate::json::{clip, message_of, parse};
use crate::options::Options;
use crate::payload::Payload;
use crate::tls;

const MAX_ERROR_BODY: usize = 64 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_secs(5);
/// Bytes that HTTP/2 may send ahead of a slow client.
const WINDOW: u32 = 256 << 10;

/// Makes calls.
pub struct Upstream {
    uri: Uri,
    authorization: Option<HeaderValue>,
    http2: bool,
    tls: Option<TlsConnector>,
    idle: Duration,
}

/// A call that gave no stream; the client gets it as an HTTP error.
pub struct Failure {
    pub status: StatusCode,
    /// For the client: may quote the upstream.
    pub message: String,
    /// For the log: may not, since an upstream may quote the payload.
    pub logged: String,
}

/// A stream. Dropping it drops the connection, whatever the upstream still has to say.
pub struct Answer {
    body: Incoming,
    idle: Duration,
    _connection: Connection,
}

/// Why a stream has stopped.
pub enum Stop {
    /// Its framing said that this is the end.
    End,
    Broken(String),
    Silent,
}

impl Upstream {
    pub fn new(options: &Options) -> Result<Self, String> {
        let base = &options.base;
        let path = format!("{}/chat/completions", base.path().trim_end_matches('/'));
        let mut parts = base.clone().into_parts();
        parts.path_and_query = Some(path.parse().map_err(|_| "OPENAI_API_BASE has a bad path")?);
        let uri = Uri::from_parts(parts).map_err(|_| "OPENAI_API_BASE is not a URL")?;
        let protocol: &[u8] = if options.http2 { b"h2" } else { b"http/1.1" };
        let tls = match uri.scheme_str() {
            Some("https") => Some(tls::connector(protocol, options.insecure)?),
            _ => None,
        };
        let authorization = match options.key.as_str() {
            "" => None,
            key => {
                let mut value = HeaderValue::try_from(format!("Bearer {key}"))
                    .map_err(|_| "OPENAI_API_KEY cannot be sent in a header")?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Self {
            uri,
            authorization,
            http2: options.http2,
            tls,
            idle: options.upstream_idle,
        })
    }

    /// Asks, and waits for the head of a 200; everything else is a failure.
    pub async fn ask(&self, payload: &Payload) -> Result<Answer, Failure> {
        let connection = Connection::default();
        let called = timeout(self.idle, self.call(payload, &connection)).await;
        let response = match called {
            Ok(Ok(response)) => response,
            Ok(Err(broken)) => {
                let message = format!("the upstream cannot be reached: {}", clip(&broken.message));
                return Err(bad_gateway(message, broken.logged));
            }
            Err(_) => return Err(bad_gateway(SILENT.to_owned(), SILENT.to_owned())),
        };
        let coding = response.headers().get(header::CONTENT_ENCODING);
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            let message = "the upstream sent a content coding that was not asked for";
            return Err(bad_gateway(message.to_owned(), message.to_owned()));
        }
        Ok(Answer {
            body: response.into_body(),
            idle: self.idle,
            _connection: connection,
        })
    }

    async fn call(
        &self,
        payload: &Payload,
        connection: &Connection,
    ) -> Result<Response<Incoming>, Broken> {
        let stream = TokioIo::new(connect(&self.uri, self.tls.as_ref()).await?);
        let request = self.request(payload);
        // No pool: it would hand out connections that the upstream has meanwhile closed, and the
        // answer to a POST that fails there cannot tell whether it may be sent again.
        if self.http2 {
            let (mut sender, driver) = http2::Builder::new(connection.tasks())
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .handshake(stream)
                .await?;
            connection.drive(driver);
            Ok(sender.send_request(request).await?)
        } else {
            let (mut sender, driver) = http1::handshake(stream).await?;
            connection.drive(driver);
            Ok(sender.send_request(request).await?)
        }
    }

    fn request(&self, payload: &Payload) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from(payload.question.to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/event-stream"),
        );
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let named = [
            ("x-request-id", &payload.request_id),
            ("x-test-pattern", &payload.test_pattern),
        ];
        for (name, value) in named {
            // Payload::parse has let through only what a header can hold.
            if let Some(Ok(value)) = value.as_ref().map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        }
        if !self.http2 {
            // HTTP/2 has the authority in the URI, and no such thing as a Connection field.
            let authority = self
                .uri
                .authority()
                .map_or("", |authority| authority.as_str());
            if let Ok(host) = HeaderValue::from_str(authority) {
                headers.insert(header::HOST, host);
            }
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            *request.uri_mut() = self.uri.path().parse().unwrap_or_default();
        }
        request
    }
}

impl Answer {
    /// The next piece of the body; the time that the caller spends in between is not silence.
    pub async fn next(&mut self) -> Result<Bytes, Stop> {
        loop {
            match timeout(self.idle, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(data);
                    } // else trailers, which say nothing to us
                }
                Ok(Some(Err(error))) => return Err(Stop::Broken(Broken::from(error).message)),
                Ok(None) => return Err(Stop::End),
                Err(_) => return Err(Stop::Silent),
            }
        }
    }
}

pub const SILENT: &str = "the upstream was silent for too long";

/// The failure that an answer other than 200 is.
async fn refusal(response: Response<Incoming>) -> Failure {
    let status = response.status();
    let line = match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    let logged = format!("status {}", status.as_u16());
    if !status.is_client_error() && !status.is_server_error() {
        return bad_gateway(format!("the upstream answered {line}"), logged);
    }
    let body = error_body(response.into_body()).await;
    let body = String::from_utf8_lossy(&body);
    let body = body.trim_start_matches('\u{FEFF}').trim();
    let message = match parse(body).as_ref().and_then(message_of) {
        Some(message) => message.to_owned(),
        None if body.is_empty() => line,
        None => format!("{line}: {}", clip(body)),
    };
    Failure {
        status,
        message,
        logged,
    }
}

/// What came of a body in time; it is worth telling even when it is broken off.
async fn error_body(mut body: Incoming) -> Vec<u8> {
    let deadline = Instant::now() + ERROR_BODY_TIME;
    let mut whole = Vec::new();
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        if let Ok(data) = frame.into_data() {
            whole.extend_from_slice(&data);
        }
        if whole.len() >= MAX_ERROR_BODY {
            whole.truncate(MAX_ERROR_BODY);
            break;
        }
    }
    whole
}

fn bad_gateway(message: String, logged: String) -> Failure {
    Failure {
        status: StatusCode::BAD_GATEWAY,
        message,
        logged,
    }
}

/// A call that failed before there was a head.
struct Broken {
    message: String,
    logged: String,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        let message = error.to_string(); // the system's words, or rustls's
        Self {
            logged: message.clone(),
            message,
        }
    }
}

impl From<hyper::Error> for Broken {
    fn from(error: hyper::Error) -> Self {
        let mut message = error.to_string();
        if let Some(cause) = error.source() {
            message = format!("{message}: {cause}");
        }
        Self {
            message,
            logged: "no HTTP answer".to_owned(),
        }
    }
}
