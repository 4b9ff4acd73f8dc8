//! The client's side: a whole HTTP/1.1 response on a socket that the web server gave away.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::time::Duration;

use hyper::StatusCode;
use rustix::net::{
    RecvFlags, SendFlags, Shutdown, SocketType, getpeername, recv, send, shutdown, sockopt,
};
use serde_json::json;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Bytes that the kernel holds for a slow client; else it would be megabytes behind.
const SEND_BUFFER: usize = 64 << 10;
/// How long a client may take to close after us.
const LINGER: Duration = Duration::from_millis(100);

/// The client is gone, or takes nothing any more: there is nobody to tell.
#[derive(Debug)]
pub struct Left;

/// Who gets the response.
pub struct Client {
    // TCP or one end of a Unix pair. Only its readiness is tokio's business, and that is the same.
    socket: UnixStream,
    patience: Duration,
}

impl Client {
    /// Takes a connected stream socket over; anything else is an error.
    pub fn new(socket: OwnedFd, patience: Duration) -> io::Result<Self> {
        if sockopt::socket_type(&socket)? != SocketType::STREAM {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        getpeername(&socket)?; // a listener has no peer
        rustix::io::ioctl_fionbio(&socket, true)?;
        sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
        let _ = sockopt::set_tcp_nodelay(&socket, true); // a Unix socket has no such option
        Ok(Self {
            socket: UnixStream::from_std(net::UnixStream::from(socket))?,
            patience,
        })
    }

    /// Waits until the client leaves. What it sends meanwhile has no meaning: its request was read
    /// by the web server.
    pub async fn left(&self) {
        let mut scrap = [0; 512];
        loop {
            let read = || Ok(recv(&self.socket, &mut scrap, RecvFlags::empty())?);
            match self.socket.async_io(Interest::READABLE, read).await {
                Ok((1.., _)) => {}
                _ => return,
            }
        }
    }

    /// Sends at once. A client may be as slow as it likes, as long as it reads at all.
    pub async fn write(&self, mut data: &[u8]) -> Result<(), Left> {
        while !data.is_empty() {
            // The kernel would send SIGPIPE otherwise.
            let write = || Ok(send(&self.socket, data, SendFlags::NOSIGNAL)?);
            let sending = self.socket.async_io(Interest::WRITABLE, write);
            match timeout(self.patience, sending).await {
                Ok(Ok(sent)) => data = &data[sent..],
                Ok(Err(_)) | Err(_) => return Err(Left),
            }
        }
        Ok(())
    }

    /// Writes the head of an event stream.
    pub async fn start_stream(&self, extra: &[(String, String)]) -> Result<(), Left> {
        // X-Accel-Buffering: an nginx in front of us passes events on at once.
        let mut head = "HTTP/1.1 200 OK\r\n\
            Content-Type: text/event-stream\r\n\
            Cache-Control: no-cache\r\n\
            Connection: close\r\n\
            X-Accel-Buffering: no\r\n"
            .to_owned();
        for (name, value) in extra {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        self.write(head.as_bytes()).await
    }

    /// Writes a whole response that says why there is no stream.
    pub async fn refuse(&self, status: StatusCode, message: &str) -> Result<(), Left> {
        let body = json!({"error": message}).to_string();
        let response = format!(
            "HTTP/1.1 {} {}\r\n\
            Content-Type: application/json\r\n\
            Content-Length: {}\r\n\
            Connection: close\r\n\r\n{body}",
            status.as_u16(),
            status.canonical_reason().unwrap_or("Error"),
            body.len(),
        );
        self.write(response.as_bytes()).await
    }

    /// Ends the response; the end of the connection is the end of its body. Closing a socket on
    /// which something unread has arrived would reset it and could take the end of our answer
    /// along, so what the client sends is read until it closes, too, or has had a moment to.
    pub async fn finish(self) {
        let _ = shutdown(&self.socket, Shutdown::Write);
        let _ = timeout(LINGER, self.left()).await;
    }
}
