//! The Unix socket that the web server connects to: SOCK_SEQPACKET, so that one message is one
//! hand-off, with no framing to agree on.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SocketAddrUnix, SocketFlags, SocketType, bind as bind_to, connect, listen, recvmsg,
    socket_with,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Bytes of a payload; the kernel's default allows about 208 KiB.
const MAX_MESSAGE: usize = 1 << 20;
/// SCM_MAX_FD of the kernel: room for all descriptors, so that none is lost unseen.
const MAX_FDS: usize = 253;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// The file of a bound socket. Dropping it removes it, but never one that is not our own.
pub struct SocketFile {
    path: PathBuf,
    own: (u64, u64), // device and inode
}

/// Binds and listens.
pub fn bind(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile), String> {
    bind_socket(path, mode).map_err(|why| format!("cannot listen on {}: {why}", path.display()))
}

fn bind_socket(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile), String> {
    remove_stale(path)?;
    let address = SocketAddrUnix::new(path).map_err(words)?;
    let socket = new_socket().map_err(words)?;
    // Nobody may connect between bind and chmod.
    let before = rustix::process::umask(Mode::RWXU | Mode::RWXG | Mode::RWXO);
    let bound = bind_to(&socket, &address);
    rustix::process::umask(before);
    bound.map_err(words)?;
    let own = identity(path).map_err(words)?;
    let path = path.to_owned();
    let file = SocketFile { path, own };
    fs::set_permissions(&file.path, Permissions::from_mode(mode)).map_err(words)?;
    listen(&socket, BACKLOG).map_err(words)?;
    Ok((UnixListener::from(socket), file))
}

fn new_socket() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

/// Removes a socket file that a dead process left behind.
fn remove_stale(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(words(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err("it exists and is not a socket".to_owned());
        }
        Ok(_) => {}
    }
    let address = SocketAddrUnix::new(path).map_err(words)?;
    let probe = new_socket().map_err(words)?;
    match connect(&probe, &address) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(words),
        // Also where we were refused for another reason: EPROTOTYPE is a living socket of another
        // type, EAGAIN one with a full queue.
        _ => Err("another process listens there".to_owned()),
    }
}

/// The system's own words, without the number that `io::Error` adds.
fn words(error: impl Into<io::Error>) -> String {
    let text = error.into().to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A successor may have replaced the file meanwhile: that one stays.
        if identity(&self.path).is_ok_and(|now| now == self.own) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What a connection brought.
pub struct Message {
    pub payload: Vec<u8>,
    /// The payload was longer than we take.
    pub truncated: bool,
    pub fds: Vec<OwnedFd>,
}

/// Waits for the one message of a connection.
pub async fn receive(peer: &UnixStream) -> io::Result<Message> {
    peer.readable().await?; // an idle connection holds no buffer
    let mut payload = vec![0; MAX_MESSAGE];
    let read = || read_message(peer, &mut payload);
    let (size, truncated, fds) = peer.async_io(Interest::READABLE, read).await?;
    payload.truncate(size);
    payload.shrink_to_fit();
    Ok(Message {
        payload,
        truncated,
        fds,
    })
}

fn read_message(peer: &UnixStream, payload: &mut [u8]) -> io::Result<(usize, bool, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(payload)];
    let got = recvmsg(peer, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    Ok((got.bytes, got.flags.contains(ReturnFlags::TRUNC), fds))
}
