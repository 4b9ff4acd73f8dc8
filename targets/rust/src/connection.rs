//! One connection to the provider: TCP, with TLS where the URL says so, and what drives it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Uri;
use hyper::rt::Executor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// Bytes to and from the provider.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Connects to the host of a URL. With TLS, the other side has to choose the protocol that we
/// offer, if it chooses at all; in HTTP/2 it has to (RFC 9113 section 3.2).
pub async fn connect(uri: &Uri, tls: Option<&TlsConnector>) -> io::Result<Box<dyn Stream>> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri
        .port_u16()
        .unwrap_or(if tls.is_some() { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = tls.connect(name, stream).await?;
    let must_choose = tls.config().alpn_protocols == [b"h2"];
    if must_choose && stream.get_ref().1.alpn_protocol().is_none() {
        return Err(io::Error::other("it does not speak HTTP/2"));
    }
    Ok(Box::new(stream))
}

/// What drives a connection. Dropping it ends that, and with it the connection: on its own, hyper
/// would wait for the other side in HTTP/2.
#[derive(Default)]
pub struct Connection(Tasks);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.lock().abort_all();
    }
}

impl Connection {
    /// Where hyper may start tasks of its own.
    pub fn tasks(&self) -> Tasks {
        self.0.clone()
    }

    /// Starts what moves the bytes.
    pub fn drive(&self, driver: impl Future<Output: Send> + Send + 'static) {
        self.0.execute(driver);
    }
}

/// The tasks of one connection.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.lock().spawn(async move {
            // A driver's error comes out of the request or the body as well.
            let _ = task.await;
        });
    }
}
